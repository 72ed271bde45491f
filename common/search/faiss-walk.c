/* SPDX-License-Identifier: MIT */
/* The structure of FAISS's index files, as its index_write.cpp makes them
 * (1.6.5 to 1.15 for the kinds known here).  Numbers are little-endian; a
 * size_t or idx_t has 8 bytes, an int, enum or float 4, a bool 1. */
#include "config.h"

#include "search/faiss-walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/finite.h"
#include "base/mem.h"

enum {
    MAX_TRANSFORMS = 4,
    MAX_CODES = 4096            /* of a product quantizer, each 1..8 bits */
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

/* Notes a run of vectors that follow one another in the file; `starts` lets
 * bl_faiss_vector() find the run of a vector by halving. */
static void add_part(struct bl_faiss *faiss, const unsigned char *vectors,
                     const unsigned char *ids, uint64_t n)
{
    uint64_t start = 0;

    if (!n)
        return;
    if (faiss->n_parts)
        start = faiss->starts[faiss->n_parts - 1]
                + faiss->parts[faiss->n_parts - 1].n;
    if (faiss->n_parts == faiss->cap_parts) {
        faiss->cap_parts = bl_grown(faiss->cap_parts, faiss->n_parts + 1);
        faiss->parts = bl_xrealloc(faiss->parts, faiss->cap_parts,
                                   sizeof *faiss->parts);
        faiss->starts = bl_xrealloc(faiss->starts, faiss->cap_parts,
                                    sizeof *faiss->starts);
    }
    faiss->starts[faiss->n_parts] = start;
    faiss->parts[faiss->n_parts++] = (struct bl_faiss_part){ vectors, ids, n };
}

/* The vectors of a level outside the lists of an IVF carry no ids: vector i
 * is the i-th that was added.  Those below a transform are not the model's,
 * so that they count as codes. */
static void set_parts(struct bl_faiss_walk *walk,
                      const struct bl_faiss_walk_level *level,
                      const unsigned char *vectors)
{
    if (!level->main)
        return;
    walk->faiss->raw = vectors && level->whole;
    add_part(walk->faiss, walk->faiss->raw ? vectors : NULL, NULL, level->n);
}

/* IndexFlat writes its vectors as they are.  The kind's fourth letter says
 * the metric a second time ('I', '2', or 'l' for any); FAISS writes no file
 * where the two disagree. */
static int walk_flat(struct bl_faiss_walk *walk,
                     struct bl_faiss_walk_level *level)
{
    const unsigned char *vectors;
    uint32_t metric = walk->data[level->start + 3];
    size_t count;

    if ((metric == 'I' && level->metric) || (metric == '2' && !level->metric))
        return bl_faiss_walk_bad(walk, level->start, "a flat index of another "
                                 "metric than its kind's");
    if (!bl_size_mul(level->n, level->dim, &count))
        return bl_faiss_walk_bad(walk, level->start, "%" PRIu64 " vectors of "
                                 "%zu numbers are too many", level->n,
                                 level->dim);
    vectors = bl_faiss_walk_floats(walk, count, "the vectors");
    if (!vectors)
        return -1;
    set_parts(walk, level, vectors);
    snprintf(level->name, sizeof level->name, "Flat");
    return 0;
}

/* ScalarQuantizer's types 0 to 6: bits of a number, and whether the range is
 * stored for each dimension, once, or not at all. */
static const struct {
    const char *name;
    size_t bits;
    int ranges;
} scalar_types[] = {
    { "SQ8", 8, 2 }, { "SQ4", 4, 2 }, { "SQ8u", 8, 1 }, { "SQ4u", 4, 1 },
    { "SQfp16", 16, 0 }, { "SQ8d", 8, 0 }, { "SQ6", 6, 2 }
};

/* A code size below what the type needs would let FAISS read past the last
 * code, so that the file's has to be the one that follows from the type and
 * the dimension. */
static int take_scalar(struct bl_faiss_walk *walk,
                       struct bl_faiss_walk_level *level, uint64_t *code_size)
{
    uint64_t type, unused, bytes, floats;

    if (bl_faiss_walk_within(walk, 4, "the type of a scalar quantizer", 0, 6,
                             &type) < 0
        || bl_faiss_walk_within(walk, 4, "its kind of range", 0, 3,
                                &unused) < 0
        || bl_faiss_walk_number(walk, 4, "its range", &unused) < 0
        || bl_faiss_walk_within(walk, 8, "its dimension", level->dim,
                                level->dim, &unused) < 0)
        return -1;
    bytes = (level->dim * scalar_types[type].bits + 7) / 8;
    /* A range is its minimum and its width. */
    floats = scalar_types[type].ranges == 2 ? 2 * level->dim
        : scalar_types[type].ranges == 1 ? 2 : 0;
    if (bl_faiss_walk_within(walk, 8, "its bytes of a vector", bytes, bytes,
                             code_size) < 0
        || !bl_faiss_walk_floats(walk, floats, "its ranges"))
        return -1;
    snprintf(level->name, sizeof level->name, "%s", scalar_types[type].name);
    return 0;
}

/* A product quantizer cuts a vector into `codes` parts of equal length, and
 * each part is one of 2^bits centroids: codes * 2^bits * (dim / codes)
 * floats.  Codes are packed without gaps and padded to a whole byte. */
static int take_product(struct bl_faiss_walk *walk,
                        struct bl_faiss_walk_level *level, uint64_t *code_size)
{
    size_t at = walk->at;
    uint64_t unused, codes, bits;

    if (bl_faiss_walk_within(walk, 8, "the dimension of a product quantizer",
                             level->dim, level->dim, &unused) < 0
        || bl_faiss_walk_within(walk, 8, "its number of codes", 1, MAX_CODES,
                                &codes) < 0
        || bl_faiss_walk_within(walk, 8, "its bits of a code", 1, 8,
                                &bits) < 0)
        return -1;
    if (level->dim % codes)
        return bl_faiss_walk_bad(walk, at, "a product quantizer of %" PRIu64
                                 " codes for %zu numbers", codes, level->dim);
    if (!bl_faiss_walk_floats(walk, level->dim << bits, "its centroids"))
        return -1;
    *code_size = (codes * bits + 7) / 8;
    snprintf(level->name, sizeof level->name,
             bits == 8 ? "PQ%" PRIu64 : "PQ%" PRIu64 "x%" PRIu64, codes, bits);
    return 0;
}

/* The codes of all vectors of a level, whose stored count is in bytes. */
static int take_codes(struct bl_faiss_walk *walk,
                      struct bl_faiss_walk_level *level, uint64_t code_size)
{
    size_t bytes;

    if (!bl_size_mul(level->n, code_size, &bytes))
        return bl_faiss_walk_bad(walk, walk->at,
                                 "%" PRIu64 " codes are too many", level->n);
    if (!bl_faiss_walk_exactly(walk, bytes, 1, "the codes"))
        return -1;
    set_parts(walk, level, NULL);
    return 0;
}

static int walk_scalar(struct bl_faiss_walk *walk,
                       struct bl_faiss_walk_level *level)
{
    uint64_t size;

    return take_scalar(walk, level, &size) < 0
        ? -1 : take_codes(walk, level, size);
}

static int walk_product(struct bl_faiss_walk *walk,
                        struct bl_faiss_walk_level *level)
{
    uint64_t size, unused;

    if (take_product(walk, level, &size) < 0
        || take_codes(walk, level, size) < 0
        || bl_faiss_walk_within(walk, 4, "the kind of its search", 0, 0,
                                &unused) < 0
        || bl_faiss_walk_within(walk, 1, "its signs", 0, 1, &unused) < 0)
        return -1;
    return bl_faiss_walk_number(walk, 4, "its threshold", &unused);
}

/* ---- HNSW ---- */

static void append_name(struct bl_faiss_walk_level *level, const char *sep,
                        const char *name)
{
    size_t length = strlen(level->name);

    snprintf(level->name + length, sizeof level->name - length, "%s%s", sep,
             name);
}

static int end_graph(struct bl_faiss_walk *walk,
                     struct bl_faiss_walk_level *level,
                     const struct bl_faiss_walk_level *in)
{
    if (in->kind != (level->kind == HNSW_FLAT ? FLAT : SQ)
        || in->dim != level->dim || in->n != level->n
        || in->metric != level->metric)
        return bl_faiss_walk_bad(walk, in->start, "an HNSW index has other "
                                 "vectors than it says");
    append_name(level, ",", in->name);
    return 0;
}

/* ---- IVF ---- */

static int walk_ivf(struct bl_faiss_walk *walk,
                    struct bl_faiss_walk_level *level)
{
    if (bl_faiss_walk_within(walk, 8, "the number of lists", 1, INT32_MAX,
                             &level->lists) < 0)
        return -1;
    return bl_faiss_walk_within(walk, 8, "nprobe", 1, INT32_MAX,
                                &level->nprobe);
}

/* How long each list is: all lengths, or pairs of a list and its length. */
static uint64_t *take_lengths(struct bl_faiss_walk *walk,
                              const struct bl_faiss_walk_level *level)
{
    const unsigned char *pairs, *kind =
        bl_faiss_walk_take(walk, 1, 4, "how lists are counted");
    uint64_t *lengths = bl_xcalloc(level->lists, sizeof *lengths), n = 0;

    if (kind && !memcmp(kind, "full", 4)) {
        pairs = bl_faiss_walk_exactly(walk, level->lists, 8,
                                      "the lengths of lists");
        for (uint64_t i = 0; pairs && i < level->lists; i++)
            lengths[i] = bl_le(pairs + 8 * i, 8);
        if (pairs)
            return lengths;
    } else if (kind && !memcmp(kind, "sprs", 4)) {
        pairs = bl_faiss_walk_vector(walk, 8, "the lengths of lists", &n);
        for (uint64_t i = 0; pairs && i < n; i += 2, pairs += 16) {
            if (i + 1 == n || bl_le(pairs, 8) >= level->lists) {
                bl_faiss_walk_bad(walk, (size_t)(pairs - walk->data),
                                  "the length of a list that is not there");
                pairs = NULL;
                break;
            }
            lengths[bl_le(pairs, 8)] = bl_le(pairs + 8, 8);
        }
        if (pairs)
            return lengths;
    } else if (kind) {
        bl_faiss_walk_bad(walk, walk->at - 4, "lists counted in another way");
    }
    free(lengths);
    return NULL;
}

/* A list is its codes and then as many ids.  Below an IDMap, which looks each
 * id up in its table, an id has to be a place in that table; alone it is a
 * catalogue row, checked against the catalogue by bl_faiss_check_kb(). */
static int take_list(struct bl_faiss_walk *walk,
                     const struct bl_faiss_walk_level *level, uint64_t n,
                     size_t code_size)
{
    const unsigned char *codes = bl_faiss_walk_take(walk, n, code_size,
                                                    "a list"),
                        *ids;
    uint64_t limit = level->mapped ? level->n : UINT32_MAX;
    float piece[64];

    ids = codes ? bl_faiss_walk_take(walk, n, 8, "the ids of a list") : NULL;
    if (!ids)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        if (bl_le(ids + 8 * i, 8) >= limit)
            return bl_faiss_walk_bad(walk, (size_t)(ids - walk->data) + 8 * i,
                                     "id %" PRId64 ", expected one below "
                                     "%" PRIu64,
                                     (int64_t)bl_le(ids + 8 * i, 8), limit);
    for (size_t i = 0, part; level->kind == IVF_FLAT && i < n * code_size;
         i += part) {
        part = n * code_size - i < sizeof piece ? n * code_size - i
                                                : sizeof piece;
        memcpy(piece, codes + i, part);
        if (bl_finite_before(piece,
                             part / sizeof *piece) < part / sizeof *piece)
            return bl_faiss_walk_bad(walk, (size_t)(codes - walk->data) + i,
                                     "a number that is not finite");
    }
    add_part(walk->faiss,
             level->kind == IVF_FLAT && level->whole ? codes : NULL, ids, n);
    return 0;
}

/* Only "ilar" keeps its lists in this file; "ilod" names a second file, which
 * FAISS would map.  The lengths of all lists come before the first list. */
static int take_lists(struct bl_faiss_walk *walk,
                      const struct bl_faiss_walk_level *level,
                      uint64_t code_size)
{
    const unsigned char *kind = bl_faiss_walk_take(walk, 1, 4,
                                                   "the kind of lists");
    uint64_t unused, total = 0, *lengths;
    int rc = 0;

    if (!kind)
        return -1;
    if (memcmp(kind, "ilar", 4))
        return bl_faiss_walk_bad(walk, walk->at - 4,
                                 "lists of kind '%.4s' outside the file",
                                 (const char *)kind);
    if (bl_faiss_walk_within(walk, 8, "the number of lists", level->lists,
                             level->lists, &unused) < 0
        || bl_faiss_walk_within(walk, 8, "bytes of a vector", code_size,
                                code_size, &unused) < 0)
        return -1;
    lengths = take_lengths(walk, level);
    if (!lengths)
        return -1;
    for (uint64_t i = 0; i < level->lists && rc == 0; i++) {
        rc = take_list(walk, level, lengths[i], (size_t)code_size);
        total += lengths[i];
    }
    free(lengths);
    if (rc == 0 && total != level->n)
        rc = bl_faiss_walk_bad(walk, level->start, "%" PRIu64 " vectors in "
                               "lists, but the header says %" PRIu64, total,
                               level->n);
    walk->faiss->raw = level->kind == IVF_FLAT && level->whole;
    walk->faiss->has_ids = true;
    return rc;
}

/* After the centroids come a direct map, the quantizer and the lists.  Only
 * the empty direct map is allowed: faiss-shim.cc makes its own when it needs
 * one, and a stored one would have to be checked.  IndexIVFScalarQuantizer
 * writes its quantizer before the code size, IndexIVFPQ after it.  The name
 * is in the words of FAISS's index_factory(): "IVF1024_HNSW32,SQ8". */
static int end_ivf(struct bl_faiss_walk *walk,
                   struct bl_faiss_walk_level *level,
                   const struct bl_faiss_walk_level *in)
{
    uint64_t unused, size = level->dim * sizeof(float);
    char lists[48];
    const char *name = level->name;

    if (in->dim != level->dim || in->n != level->lists)
        return bl_faiss_walk_bad(walk, in->start, "%" PRIu64 " centroids of "
                                 "%zu numbers for %" PRIu64 " lists of %zu",
                                 in->n, in->dim, level->lists, level->dim);
    if (bl_faiss_walk_within(walk, 1, "the kind of its direct map", 0, 0,
                             &unused) < 0
        || !bl_faiss_walk_exactly(walk, 0, 8, "its direct map"))
        return -1;
    snprintf(lists, sizeof lists, "IVF%" PRIu64 "%s%.*s", level->lists,
             in->kind == FLAT ? "" : "_", (int)strcspn(in->name, ","),
             in->kind == FLAT ? "" : in->name);
    if (level->kind == IVF_FLAT) {
        name = "Flat";
    } else if (level->kind == IVF_SQ) {
        if (take_scalar(walk, level, &size) < 0
            || bl_faiss_walk_within(walk, 8, "bytes of a vector", size, size,
                                    &unused) < 0
            || bl_faiss_walk_within(walk, 1, "by_residual", 0, 1, &unused) < 0)
            return -1;
    } else {
        size_t at = walk->at + 1;
        uint64_t said;

        if (bl_faiss_walk_within(walk, 1, "by_residual", 0, 1, &unused) < 0
            || bl_faiss_walk_number(walk, 8, "bytes of a vector", &said) < 0
            || take_product(walk, level, &size) < 0)
            return -1;
        if (said != size)
            return bl_faiss_walk_bad(walk, at, "%" PRIu64 " bytes of a "
                                     "vector, expected %" PRIu64, said, size);
    }
    char codec[BL_FAISS_TYPE_MAX];
    snprintf(codec, sizeof codec, "%.40s", name);
    snprintf(level->name, sizeof level->name, "%s,%.40s", lists, codec);
    return take_lists(walk, level, size);
}

/* ---- Transforms and IDMap ---- */

/* A LinearTransform, x -> Ax + b.  Its input and output sizes come after A
 * and b, so that these are first taken by their own counts. */
static int take_transform(struct bl_faiss_walk *walk,
                          struct bl_faiss_walk_level *level)
{
    size_t at = walk->at, count;
    uint64_t biased, in, out, unused;
    const unsigned char *kind = bl_faiss_walk_take(walk, 1, 4, "a transform");
    const unsigned char *matrix, *bias;
    uint64_t n_matrix, n_bias;

    if (!kind)
        return -1;
    if (memcmp(kind, "rrot", 4) && memcmp(kind, "LTra", 4))
        return bl_faiss_walk_bad(walk, at,
                                 "a transform of unknown kind '%.4s'",
                                 (const char *)kind);
    append_name(level, *level->name ? "," : "", *kind == 'r' ? "RR" : "OPQ");
    if (bl_faiss_walk_within(walk, 1, "its bias", 0, 1, &biased) < 0)
        return -1;
    at = walk->at;
    matrix = bl_faiss_walk_vector(walk, sizeof(float), "its matrix",
                                  &n_matrix);
    if (!matrix)
        return -1;
    bias = bl_faiss_walk_vector(walk, sizeof(float), "its bias", &n_bias);
    if (!bias
        || bl_faiss_walk_within(walk, 4, "its input", level->out, level->out,
                                &in) < 0
        || bl_faiss_walk_within(walk, 4, "its output", 1, BL_VECTOR_MAX_DIM,
                                &out) < 0
        || bl_faiss_walk_within(walk, 1, "whether it was trained", 1, 1,
                                &unused) < 0)
        return -1;
    if (!bl_size_mul(in, out, &count) || n_matrix != count
        || (biased ? n_bias != out : n_bias))
        return bl_faiss_walk_bad(walk, at,
                                 "a matrix of %" PRIu64 " numbers and %" PRIu64
                                 " more for %" PRIu64 " to %" PRIu64,
                                 n_matrix, n_bias, in, out);
    size_t end = walk->at;
    walk->at = at;              /* once more, to see that all are finite */
    if (!bl_faiss_walk_floats(walk, n_matrix, "its matrix")
        || !bl_faiss_walk_floats(walk, n_bias, "its bias"))
        return -1;
    walk->at = end;
    level->out = (size_t)out;
    return 0;
}

static int walk_transforms(struct bl_faiss_walk *walk,
                           struct bl_faiss_walk_level *level)
{
    uint64_t n;

    if (bl_faiss_walk_within(walk, 4, "the number of transforms", 1,
                             MAX_TRANSFORMS, &n) < 0)
        return -1;
    level->out = level->dim;
    for (uint64_t i = 0; i < n; i++)
        if (take_transform(walk, level) < 0)
            return -1;
    return 0;
}

static int end_transforms(struct bl_faiss_walk *walk,
                          struct bl_faiss_walk_level *level,
                          const struct bl_faiss_walk_level *in)
{
    if (in->dim != level->out || in->n != level->n
        || in->metric != level->metric)
        return bl_faiss_walk_bad(walk, in->start, "the index after a "
                                 "transform is not the one it says");
    append_name(level, ",", in->name);
    return 0;
}

/* The table of an IDMap comes after the index inside.  Its ids are catalogue
 * rows; that each lies in the catalogue is seen when one is given
 * (bl_faiss_check_kb()). */
static int end_map(struct bl_faiss_walk *walk,
                   struct bl_faiss_walk_level *level,
                   const struct bl_faiss_walk_level *in)
{
    if (in->dim != level->dim || in->n != level->n
        || in->metric != level->metric)
        return bl_faiss_walk_bad(walk, in->start, "the index in an IDMap is "
                                 "not the one it says");
    walk->faiss->id_map = bl_faiss_walk_exactly(walk, level->n, 8, "the ids");
    if (!walk->faiss->id_map)
        return -1;
    for (uint64_t i = 0; i < level->n; i++)
        if (bl_le(walk->faiss->id_map + 8 * i, 8) >= UINT32_MAX)
            return bl_faiss_walk_bad(walk,
                                     (size_t)(walk->faiss->id_map - walk->data)
                                         + 8 * i,
                                     "id %" PRId64
                                     " is not a row of a catalogue",
                                     (int64_t)bl_le(walk->faiss->id_map
                                                        + 8 * i,
                                                    8));
    walk->faiss->has_ids = true;
    snprintf(level->name, sizeof level->name, "IDMap");
    append_name(level, ",", in->name);
    return 0;
}

/* ---- All kinds ---- */

static const struct kind {
    char code[5];
    enum kind_bit bit;
    unsigned holds;             /* kinds that may come inside */
    int (*begin)(struct bl_faiss_walk *walk,
                 struct bl_faiss_walk_level *level);
    int (*end)(struct bl_faiss_walk *walk, struct bl_faiss_walk_level *level,
               const struct bl_faiss_walk_level *in);
} kinds[] = {
    { "IxFI", FLAT, 0, walk_flat, NULL },
    { "IxF2", FLAT, 0, walk_flat, NULL },
    { "IxFl", FLAT, 0, walk_flat, NULL },
    { "IxSQ", SQ, 0, walk_scalar, NULL },
    { "IxPq", PQ, 0, walk_product, NULL },
    { "IHNf", HNSW_FLAT, FLAT, bl_faiss_walk_graph, end_graph },
    { "IHNs", HNSW_SQ, SQ, bl_faiss_walk_graph, end_graph },
    { "IwFl", IVF_FLAT, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IwSq", IVF_SQ, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IwPQ", IVF_PQ, FLAT | HNSW_FLAT, walk_ivf, end_ivf },
    { "IxPT", TRANSFORM, PLAIN, walk_transforms, end_transforms },
    { "IxMp", IDMAP, PLAIN | TRANSFORM, NULL, end_map },
    { "IxM2", IDMAP, PLAIN | TRANSFORM, NULL, end_map },
};

static const struct kind *take_kind(struct bl_faiss_walk *walk,
                                    unsigned allowed)
{
    const unsigned char *code = bl_faiss_walk_take(walk, 1, 4,
                                                   "the kind of an index");

    for (size_t i = 0; code && i < BL_COUNT(kinds); i++)
        if (!memcmp(code, kinds[i].code, 4) && kinds[i].bit & allowed)
            return &kinds[i];
    if (code)
        bl_faiss_walk_bad(walk, walk->at - 4,
                          "a FAISS index of unknown kind '%c%c%c%c' %s",
                          code[0] > ' ' && code[0] < 127 ? code[0] : '?',
                          code[1] > ' ' && code[1] < 127 ? code[1] : '?',
                          code[2] > ' ' && code[2] < 127 ? code[2] : '?',
                          code[3] > ' ' && code[3] < 127 ? code[3] : '?',
                          walk->depth ? "there" : "(see blink-index(1))");
    return NULL;
}

/* What every index begins with.  The dimension may be one above the largest
 * of a model for BLINK's extra number, and ids must fit a catalogue's 32
 * bits; metric 0 is the inner product, 1 squared L2. */
static int take_header(struct bl_faiss_walk *walk,
                       struct bl_faiss_walk_level *level)
{
    uint64_t dim, metric, unused;

    if (bl_faiss_walk_within(walk, 4, "the dimension", 1,
                             BL_VECTOR_MAX_DIM + 1, &dim) < 0
        || bl_faiss_walk_within(walk, 8, "the number of vectors", 0,
                                UINT32_MAX - 1, &level->n) < 0
        || !bl_faiss_walk_take(walk, 2, 8, "two numbers without use")
        || bl_faiss_walk_within(walk, 1, "whether it was trained", 1, 1,
                                &unused) < 0
        || bl_faiss_walk_within(walk, 4, "the metric", 0, 1, &metric) < 0)
        return -1;
    level->dim = (size_t)dim;
    level->metric = metric ? BL_FAISS_L2 : BL_FAISS_IP;
    return 0;
}

static const struct kind *kind_of(const struct bl_faiss_walk_level *level)
{
    for (size_t i = 0; i < BL_COUNT(kinds); i++)
        if (kinds[i].bit == level->kind)
            return &kinds[i];
    BL_BUG("a level without kind");
}

/* Opens the next level; *leaf when nothing comes inside.  Each kind holds
 * only kinds of lower bits of its own (`holds`), so that the nesting cannot
 * be deeper than BL_FAISS_WALK_DEPTH whatever the file says. */
static int descend(struct bl_faiss_walk *walk, bool *leaf)
{
    const struct bl_faiss_walk_level *out =
        walk->depth ? &walk->levels[walk->depth - 1] : NULL;
    struct bl_faiss_walk_level *level = &walk->levels[walk->depth];
    size_t start = walk->at;
    const struct kind *kind = take_kind(walk, out ? kind_of(out)->holds : ~0u);

    if (!kind)
        return -1;
    *level = (struct bl_faiss_walk_level){
        .kind = kind->bit,
        .start = start,
        .main = !out || (out->main && !(out->kind & IVF)),
        .whole = !out || (out->whole && out->kind != TRANSFORM),
        .mapped = out && (out->mapped || out->kind == IDMAP)
    };
    walk->depth++;
    *leaf = !kind->holds;
    if (take_header(walk, level) < 0)
        return -1;
    return kind->begin ? kind->begin(walk, level) : 0;
}

/* The search widths of the outermost level that has them. */
static void keep_widths(struct bl_faiss *faiss,
                        const struct bl_faiss_walk_level *level)
{
    if (level->main && level->kind & HNSW)
        faiss->ef_search = level->ef_search;
    if (level->main && level->kind & IVF) {
        faiss->lists = level->lists;
        faiss->nprobe = level->nprobe;
    }
}

/* Indexes contain one another and each writes fields before and after the one
 * inside.  The levels are an array instead of recursion, so that a hostile
 * file cannot exhaust the stack: begin() on the way in, end() on the way
 * out. */
int bl_faiss_walk(struct bl_faiss *faiss, struct bl_err *err)
{
    struct bl_faiss_walk walk = { .faiss = faiss,
                                  .data = faiss->map.data,
                                  .size = faiss->size,
                                  .err = err };
    bool leaf = false;

    while (!leaf)
        if (descend(&walk, &leaf) < 0)
            return -1;
    keep_widths(faiss, &walk.levels[walk.depth - 1]);
    while (--walk.depth > 0) {
        struct bl_faiss_walk_level *level = &walk.levels[walk.depth - 1];

        if (kind_of(level)->end(&walk, level, level + 1) < 0)
            return -1;
        keep_widths(faiss, level);
    }
    if (walk.at != walk.size)
        return bl_faiss_walk_bad(&walk, walk.at,
                                 "%zu bytes after the end of the index",
                                 walk.size - walk.at);
    faiss->n = walk.levels[0].n;
    faiss->stored_dim = faiss->dim = walk.levels[0].dim;
    faiss->metric = walk.levels[0].metric;
    snprintf(faiss->type, sizeof faiss->type, "%s", walk.levels[0].name);
    return 0;
}
