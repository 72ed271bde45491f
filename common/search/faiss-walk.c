/* SPDX-License-Identifier: MIT */
/* The structure of FAISS's index files, as its index_write.cpp makes them
 * (1.6.5 to 1.15 for the kinds known here). */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/finite.h"
#include "search/faiss-walk.h"
#include "base/mem.h"

enum {
    MAX_TRANSFORMS = 4,
    MAX_CODES = 4096 /* of a product quantizer, each 1..8 bits */
};

enum kind_bit {
    FLAT = 1,
    SQ = 2,
    PQ = 4,
    HNSW_FLAT = 8,
    HNSW_SQ = 16,
    IVF_FLAT = 32,
    IVF_SQ = 64,
    IVF_PQ = 128,
    TRANSFORM = 256,
    IDMAP = 512,
    IVF = IVF_FLAT | IVF_SQ | IVF_PQ,
    HNSW = HNSW_FLAT | HNSW_SQ,
    PLAIN = FLAT | SQ | PQ | HNSW | IVF
};

/* ---- Kinds without another index in them ---- */

static void add_part(struct bl_faiss *f, const unsigned char *vectors,
                     const unsigned char *ids, uint64_t n)
{
    uint64_t start = 0;

    if (!n)
        return;
    if (f->n_parts)
        start = f->starts[f->n_parts - 1] + f->parts[f->n_parts - 1].n;
    if (f->n_parts == f->cap_parts) {
        f->cap_parts = bl_grown(f->cap_parts, f->n_parts + 1);
        f->parts = bl_xrealloc(f->parts, f->cap_parts, sizeof *f->parts);
        f->starts = bl_xrealloc(f->starts, f->cap_parts, sizeof *f->starts);
    }
    f->starts[f->n_parts] = start;
    f->parts[f->n_parts++] = (struct bl_faiss_part){ vectors, ids, n };
}

/* n vectors that carry no ids. */
static void set_parts(struct bl_walk *w, const struct bl_walk_level *l,
                      const unsigned char *vectors)
{
    if (!l->main)
        return;
    w->f->raw = vectors && l->whole;
    add_part(w->f, w->f->raw ? vectors : NULL, NULL, l->n);
}

static int walk_flat(struct bl_walk *w, struct bl_walk_level *l)
{
    const unsigned char *p;
    uint32_t metric = w->data[l->start + 3];
    size_t count;

    if ((metric == 'I' && l->metric) || (metric == '2' && !l->metric))
        return bl_walk_bad(w, l->start,
                           "a flat index of another metric than its "
                           "kind's");
    if (!bl_size_mul(l->n, l->d, &count))
        return bl_walk_bad(w, l->start,
                           "%" PRIu64 " vectors of %zu numbers are too "
                           "many",
                           l->n, l->d);
    p = bl_walk_floats(w, count, "the vectors");
    if (!p)
        return -1;
    set_parts(w, l, p);
    snprintf(l->name, sizeof l->name, "Flat");
    return 0;
}

/* ScalarQuantizer's types 0 to 6: bits of a number, and whether the range is
 * stored for each dimension, once, or not at all. */
static const struct {
    const char *name;
    size_t bits;
    int ranges;
} scalar_types[] = { { "SQ8", 8, 2 },  { "SQ4", 4, 2 },     { "SQ8u", 8, 1 },
                     { "SQ4u", 4, 1 }, { "SQfp16", 16, 0 }, { "SQ8d", 8, 0 },
                     { "SQ6", 6, 2 } };

static int take_scalar(struct bl_walk *w, struct bl_walk_level *l,
                       uint64_t *code_size)
{
    uint64_t type, unused, bytes, floats;

    if (bl_walk_within(w, 4, "the type of a scalar quantizer", 0, 6, &type)
            < 0
        || bl_walk_within(w, 4, "its kind of range", 0, 3, &unused) < 0
        || bl_walk_number(w, 4, "its range", &unused) < 0
        || bl_walk_within(w, 8, "its dimension", l->d, l->d, &unused) < 0)
        return -1;
    bytes = (l->d * scalar_types[type].bits + 7) / 8;
    floats = scalar_types[type].ranges == 2   ? 2 * l->d
             : scalar_types[type].ranges == 1 ? 2
                                              : 0;
    if (bl_walk_within(w, 8, "its bytes of a vector", bytes, bytes,
                       code_size) < 0
        || !bl_walk_floats(w, floats, "its ranges"))
        return -1;
    snprintf(l->name, sizeof l->name, "%s", scalar_types[type].name);
    return 0;
}

static int take_product(struct bl_walk *w, struct bl_walk_level *l,
                        uint64_t *code_size)
{
    size_t at = w->at;
    uint64_t unused, m, bits;

    if (bl_walk_within(w, 8, "the dimension of a product quantizer", l->d,
                       l->d, &unused) < 0
        || bl_walk_within(w, 8, "its number of codes", 1, MAX_CODES, &m) < 0
        || bl_walk_within(w, 8, "its bits of a code", 1, 8, &bits) < 0)
        return -1;
    if (l->d % m)
        return bl_walk_bad(w, at,
                           "a product quantizer of %" PRIu64 " codes for %zu "
                           "numbers",
                           m, l->d);
    if (!bl_walk_floats(w, l->d << bits, "its centroids"))
        return -1;
    *code_size = (m * bits + 7) / 8;
    snprintf(l->name, sizeof l->name,
             bits == 8 ? "PQ%" PRIu64 : "PQ%" PRIu64 "x%" PRIu64, m, bits);
    return 0;
}

/* n codes, counted in bytes. */
static int take_codes(struct bl_walk *w, struct bl_walk_level *l,
                      uint64_t code_size)
{
    size_t bytes;

    if (!bl_size_mul(l->n, code_size, &bytes))
        return bl_walk_bad(w, w->at, "%" PRIu64 " codes are too many", l->n);
    if (!bl_walk_exactly(w, bytes, 1, "the codes"))
        return -1;
    set_parts(w, l, NULL);
    return 0;
}

static int walk_scalar(struct bl_walk *w, struct bl_walk_level *l)
{
    uint64_t size;

    return take_scalar(w, l, &size) < 0 ? -1 : take_codes(w, l, size);
}

static int walk_product(struct bl_walk *w, struct bl_walk_level *l)
{
    uint64_t size, unused;

    if (take_product(w, l, &size) < 0 || take_codes(w, l, size) < 0
        || bl_walk_within(w, 4, "the kind of its search", 0, 0, &unused) < 0
        || bl_walk_within(w, 1, "its signs", 0, 1, &unused) < 0)
        return -1;
    return bl_walk_number(w, 4, "its threshold", &unused);
}

/* ---- HNSW ---- */

static void append_name(struct bl_walk_level *l, const char *sep,
                        const char *name)
{
    size_t n = strlen(l->name);

    snprintf(l->name + n, sizeof l->name - n, "%s%s", sep, name);
}

static int end_graph(struct bl_walk *w, struct bl_walk_level *l,
                     const struct bl_walk_level *in)
{
    if (in->kind != (l->kind == HNSW_FLAT ? FLAT : SQ) || in->d != l->d
        || in->n != l->n || in->metric != l->metric)
        return bl_walk_bad(w, in->start,
                           "an HNSW index has other vectors than it says");
    append_name(l, ",", in->name);
    return 0;
}

/* ---- IVF ---- */

static int walk_ivf(struct bl_walk *w, struct bl_walk_level *l)
{
    if (bl_walk_within(w, 8, "the number of lists", 1, INT32_MAX, &l->lists) <
        0)
        return -1;
    return bl_walk_within(w, 8, "nprobe", 1, INT32_MAX, &l->nprobe);
}

/* How long each list is: all lengths, or pairs of a list and its length. */
static uint64_t *take_lengths(struct bl_walk *w, const struct bl_walk_level *l)
{
    const unsigned char *kind = bl_walk_take(w, 1, 4, "how lists are counted"),
                        *p;
    uint64_t *lengths = bl_xcalloc(l->lists, sizeof *lengths), n = 0;

    if (kind && !memcmp(kind, "full", 4)) {
        p = bl_walk_exactly(w, l->lists, 8, "the lengths of lists");
        for (uint64_t i = 0; p && i < l->lists; i++)
            lengths[i] = bl_le(p + 8 * i, 8);
        if (p)
            return lengths;
    } else if (kind && !memcmp(kind, "sprs", 4)) {
        p = bl_walk_vector(w, 8, "the lengths of lists", &n);
        for (uint64_t i = 0; p && i < n; i += 2, p += 16) {
            if (i + 1 == n || bl_le(p, 8) >= l->lists) {
                bl_walk_bad(w, (size_t)(p - w->data),
                            "the length of a list that is "
                            "not there");
                p = NULL;
                break;
            }
            lengths[bl_le(p, 8)] = bl_le(p + 8, 8);
        }
        if (p)
            return lengths;
    } else if (kind) {
        bl_walk_bad(w, w->at - 4, "lists counted in another way");
    }
    free(lengths);
    return NULL;
}

static int take_list(struct bl_walk *w, const struct bl_walk_level *l,
                     uint64_t n, size_t code_size)
{
    const unsigned char *codes = bl_walk_take(w, n, code_size, "a list"), *ids;
    uint64_t limit = l->mapped ? l->n : UINT32_MAX;
    float v[64];

    ids = codes ? bl_walk_take(w, n, 8, "the ids of a list") : NULL;
    if (!ids)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        if (bl_le(ids + 8 * i, 8) >= limit)
            return bl_walk_bad(w, (size_t)(ids - w->data) + 8 * i,
                               "id %" PRId64 ", expected one below %" PRIu64,
                               (int64_t)bl_le(ids + 8 * i, 8), limit);
    for (size_t i = 0, part; l->kind == IVF_FLAT && i < n * code_size;
         i += part) {
        part = n * code_size - i < sizeof v ? n * code_size - i : sizeof v;
        memcpy(v, codes + i, part);
        if (bl_finite_before(v, part / sizeof *v) < part / sizeof *v)
            return bl_walk_bad(w, (size_t)(codes - w->data) + i,
                               "a number that is "
                               "not finite");
    }
    add_part(w->f, l->kind == IVF_FLAT && l->whole ? codes : NULL, ids, n);
    return 0;
}

static int take_lists(struct bl_walk *w, const struct bl_walk_level *l,
                      uint64_t code_size)
{
    const unsigned char *kind = bl_walk_take(w, 1, 4, "the kind of lists");
    uint64_t unused, total = 0, *lengths;
    int rc = 0;

    if (!kind)
        return -1;
    if (memcmp(kind, "ilar", 4))
        return bl_walk_bad(w, w->at - 4,
                           "lists of kind '%.4s' outside the file",
                           (const char *)kind);
    if (bl_walk_within(w, 8, "the number of lists", l->lists, l->lists,
                       &unused) < 0
        || bl_walk_within(w, 8, "bytes of a vector", code_size, code_size,
                          &unused) < 0)
        return -1;
    lengths = take_lengths(w, l);
    if (!lengths)
        return -1;
    for (uint64_t i = 0; i < l->lists && !rc; i++) {
        rc = take_list(w, l, lengths[i], (size_t)code_size);
        total += lengths[i];
    }
    free(lengths);
    if (!rc && total != l->n)
        rc = bl_walk_bad(w, l->start,
                         "%" PRIu64 " vectors in lists, but the header "
                         "says %" PRIu64,
                         total, l->n);
    w->f->raw = l->kind == IVF_FLAT && l->whole;
    w->f->has_ids = true;
    return rc;
}

static int end_ivf(struct bl_walk *w, struct bl_walk_level *l,
                   const struct bl_walk_level *in)
{
    uint64_t unused, size = l->d * sizeof(float);
    char lists[48];
    const char *name = l->name;

    if (in->d != l->d || in->n != l->lists)
        return bl_walk_bad(w, in->start,
                           "%" PRIu64 " centroids of %zu numbers for %" PRIu64
                           " lists of %zu",
                           in->n, in->d, l->lists, l->d);
    if (bl_walk_within(w, 1, "the kind of its direct map", 0, 0, &unused)
            < 0
        || !bl_walk_exactly(w, 0, 8, "its direct map"))
        return -1;
    snprintf(lists, sizeof lists, "IVF%" PRIu64 "%s%.*s", l->lists,
             in->kind == FLAT ? "" : "_", (int)strcspn(in->name, ","),
             in->kind == FLAT ? "" : in->name);
    if (l->kind == IVF_FLAT) {
        name = "Flat";
    } else if (l->kind == IVF_SQ) {
        if (take_scalar(w, l, &size) < 0
            || bl_walk_within(w, 8, "bytes of a vector", size, size, &unused)
                   < 0
            || bl_walk_within(w, 1, "by_residual", 0, 1, &unused) < 0)
            return -1;
    } else {
        size_t at = w->at + 1;
        uint64_t said;

        if (bl_walk_within(w, 1, "by_residual", 0, 1, &unused) < 0
            || bl_walk_number(w, 8, "bytes of a vector", &said) < 0
            || take_product(w, l, &size) < 0)
            return -1;
        if (said != size)
            return bl_walk_bad(w, at,
                               "%" PRIu64 " bytes of a vector, expected "
                                          "%" PRIu64,
                               said, size);
    }
    char codec[BL_FAISS_TYPE_MAX];
    snprintf(codec, sizeof codec, "%.40s", name);
    snprintf(l->name, sizeof l->name, "%s,%.40s", lists, codec);
    return take_lists(w, l, size);
}

/* ---- Transforms and IDMap ---- */

static int take_transform(struct bl_walk *w, struct bl_walk_level *l)
{
    size_t at = w->at, count;
    uint64_t biased, in, out, unused;
    const unsigned char *kind = bl_walk_take(w, 1, 4, "a transform"), *a, *b;
    uint64_t n_a, n_b;

    if (!kind)
        return -1;
    if (memcmp(kind, "rrot", 4) && memcmp(kind, "LTra", 4))
        return bl_walk_bad(w, at,
                           "a transform of unknown kind '%.4s'",
                           (const char *)kind);
    append_name(l, *l->name ? "," : "", *kind == 'r' ? "RR" : "OPQ");
    if (bl_walk_within(w, 1, "its bias", 0, 1, &biased) < 0)
        return -1;
    at = w->at;
    a = bl_walk_vector(w, sizeof(float), "its matrix", &n_a);
    b = a ? bl_walk_vector(w, sizeof(float), "its bias", &n_b) : NULL;
    if (!b || bl_walk_within(w, 4, "its input", l->out, l->out, &in) < 0
        || bl_walk_within(w, 4, "its output", 1, BL_VECTOR_MAX_DIM, &out) < 0
        || bl_walk_within(w, 1, "whether it was trained", 1, 1, &unused) < 0)
        return -1;
    if (!bl_size_mul(in, out, &count) || n_a != count
        || (biased ? n_b != out : n_b))
        return bl_walk_bad(w, at,
                           "a matrix of %" PRIu64 " numbers and %" PRIu64
                           " more for %" PRIu64 " to %" PRIu64,
                           n_a, n_b, in, out);
    size_t end = w->at;
    w->at = at; /* once more, to see that all are finite */
    if (!bl_walk_floats(w, n_a, "its matrix")
        || !bl_walk_floats(w, n_b, "its bias"))
        return -1;
    w->at = end;
    l->out = (size_t)out;
    return 0;
}

static int walk_transforms(struct bl_walk *w, struct bl_walk_level *l)
{
    uint64_t n;

    if (bl_walk_within(w, 4, "the number of transforms", 1, MAX_TRANSFORMS,
                       &n) < 0)
        return -1;
    l->out = l->d;
    for (uint64_t i = 0; i < n; i++)
        if (take_transform(w, l) < 0)
            return -1;
    return 0;
}

static int end_transforms(struct bl_walk *w, struct bl_walk_level *l,
                          const struct bl_walk_level *in)
{
    if (in->d != l->out || in->n != l->n || in->metric != l->metric)
        return bl_walk_bad(w, in->start,
                           "the index after a transform is not the one it "
                           "says");
    append_name(l, ",", in->name);
    return 0;
}

static int end_map(struct bl_walk *w, struct bl_walk_level *l,
                   const struct bl_walk_level *in)
{
    if (in->d != l->d || in->n != l->n || in->metric != l->metric)
        return bl_walk_bad(w, in->start,
                           "the index in an IDMap is not the one it says");
    w->f->id_map = bl_walk_exactly(w, l->n, 8, "the ids");
    if (!w->f->id_map)
        return -1;
    for (uint64_t i = 0; i < l->n; i++)
        if (bl_le(w->f->id_map + 8 * i, 8) >= UINT32_MAX)
            return bl_walk_bad(w, (size_t)(w->f->id_map - w->data) + 8 * i,
                               "id %" PRId64 " is not a row of a catalogue",
                               (int64_t)bl_le(w->f->id_map + 8 * i, 8));
    w->f->has_ids = true;
    snprintf(l->name, sizeof l->name, "IDMap");
    append_name(l, ",", in->name);
    return 0;
}

/* ---- All kinds ---- */

static const struct kind {
    char code[5];
    enum kind_bit bit;
    unsigned holds; /* kinds that may come inside */
    int (*begin)(struct bl_walk *w, struct bl_walk_level *l);
    int (*end)(struct bl_walk *w, struct bl_walk_level *l,
               const struct bl_walk_level *in);
} kinds[] = {
    { "IxFI", FLAT, 0, walk_flat, NULL },
    { "IxF2", FLAT, 0, walk_flat, NULL },
    { "IxFl", FLAT, 0, walk_flat, NULL },
    { "IxSQ", SQ, 0, walk_scalar, NULL },
    { "IxPq", PQ, 0, walk_product, NULL },
    { "IHNf", HNSW_FLAT, FLAT, bl_walk_graph, end_graph },
    { "IHNs", HNSW_SQ, SQ, bl_walk_graph, end_graph },
    { "IwFl", IVF_FLAT, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IwSq", IVF_SQ, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IwPQ", IVF_PQ, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IxPT", TRANSFORM, PLAIN, walk_transforms, end_transforms },
    { "IxMp", IDMAP, PLAIN | TRANSFORM, NULL, end_map },
    { "IxM2", IDMAP, PLAIN | TRANSFORM, NULL, end_map },
};

static const struct kind *take_kind(struct bl_walk *w, unsigned allowed)
{
    const unsigned char *p = bl_walk_take(w, 1, 4, "the kind of an index");

    for (size_t i = 0; p && i < BL_COUNT(kinds); i++)
        if (!memcmp(p, kinds[i].code, 4) && kinds[i].bit & allowed)
            return &kinds[i];
    if (p)
        bl_walk_bad(w, w->at - 4,
                    "a FAISS index of unknown kind '%c%c%c%c' %s",
                    p[0] > ' ' && p[0] < 127 ? p[0] : '?',
                    p[1] > ' ' && p[1] < 127 ? p[1] : '?',
                    p[2] > ' ' && p[2] < 127 ? p[2] : '?',
                    p[3] > ' ' && p[3] < 127 ? p[3] : '?',
                    w->depth ? "there" : "(see blink-index(1))");
    return NULL;
}

/* What every index begins with. */
static int take_header(struct bl_walk *w, struct bl_walk_level *l)
{
    uint64_t d, metric, unused;

    if (bl_walk_within(w, 4, "the dimension", 1, BL_VECTOR_MAX_DIM + 1, &d)
            < 0
        || bl_walk_within(w, 8, "the number of vectors", 0, UINT32_MAX - 1,
                          &l->n) < 0
        || !bl_walk_take(w, 2, 8, "two numbers without use")
        || bl_walk_within(w, 1, "whether it was trained", 1, 1, &unused) < 0
        || bl_walk_within(w, 4, "the metric", 0, 1, &metric) < 0)
        return -1;
    l->d = (size_t)d;
    l->metric = metric ? BL_FAISS_L2 : BL_FAISS_IP;
    return 0;
}

static const struct kind *kind_of(const struct bl_walk_level *l)
{
    for (size_t i = 0; i < BL_COUNT(kinds); i++)
        if (kinds[i].bit == l->kind)
            return &kinds[i];
    BL_BUG("a level without kind");
}

/* Opens the next level; *leaf when nothing comes inside. */
static int descend(struct bl_walk *w, bool *leaf)
{
    const struct bl_walk_level *out =
        w->depth ? &w->levels[w->depth - 1] : NULL;
    struct bl_walk_level *l = &w->levels[w->depth];
    size_t start = w->at;
    const struct kind *k = take_kind(w, out ? kind_of(out)->holds : ~0u);

    if (!k)
        return -1;
    *l = (struct bl_walk_level){
        .kind = k->bit,
        .start = start,
        .main = !out || (out->main && !(out->kind & IVF)),
        .whole = !out || (out->whole && out->kind != TRANSFORM),
        .mapped = out && (out->mapped || out->kind == IDMAP)
    };
    w->depth++;
    *leaf = !k->holds;
    if (take_header(w, l) < 0)
        return -1;
    return k->begin ? k->begin(w, l) : 0;
}

/* The search widths of the outermost level that has them. */
static void keep_widths(struct bl_faiss *f, const struct bl_walk_level *l)
{
    if (l->main && l->kind & HNSW)
        f->ef_search = l->ef_search;
    if (l->main && l->kind & IVF) {
        f->lists = l->lists;
        f->nprobe = l->nprobe;
    }
}

int bl_faiss_walk(struct bl_faiss *f, struct bl_err *err)
{
    struct bl_walk w = {
        .f = f, .data = f->map.data, .size = f->size, .err = err
    };
    bool leaf = false;

    while (!leaf)
        if (descend(&w, &leaf) < 0)
            return -1;
    keep_widths(f, &w.levels[w.depth - 1]);
    while (--w.depth > 0) {
        struct bl_walk_level *l = &w.levels[w.depth - 1];

        if (kind_of(l)->end(&w, l, l + 1) < 0)
            return -1;
        keep_widths(f, l);
    }
    if (w.at != w.size)
        return bl_walk_bad(&w, w.at, "%zu bytes after the end of the index",
                           w.size - w.at);
    f->n = w.levels[0].n;
    f->stored_dim = f->dim = w.levels[0].d;
    f->metric = w.levels[0].metric;
    snprintf(f->type, sizeof f->type, "%s", w.levels[0].name);
    return 0;
}
