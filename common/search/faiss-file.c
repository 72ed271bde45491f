/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/faiss-file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/sha256.h"

/* The trailer, the last bytes of a file: blink-index(5). */
#define TRAILER_MAGIC "\211BLF\r\n\032\n"

enum {
    AT_VERSION = 8, AT_TRAILER = 12, AT_BYTES = 16, AT_ENTITIES = 24,
    AT_MODEL = 32, AT_KB = 96, AT_SUM = 160, AT_OWN_SUM = 224,
    TRAILER_VERSION = 1
};

_Static_assert(AT_OWN_SUM + BL_SHA256_SIZE == BL_FAISS_TRAILER,
               "the sums end the trailer");

bool bl_faiss_is(const unsigned char *data, size_t size)
{
    /* All kinds have such names; of binary indexes the "IB" is let go. */
    return size >= 4 && data[0] == 'I' && memchr("xHwvNP", data[1], 6)
        && data[2] > ' ' && data[2] < 127 && data[3] > ' ' && data[3] < 127;
}

bool bl_faiss_is_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    unsigned char start[4];
    bool is = false;

    if (fd < 0)
        return false;
    if (read(fd, start, sizeof start) == (ssize_t)sizeof start)
        is = bl_faiss_is(start, sizeof start);
    close(fd);
    return is;
}

/* ---- The trailer ---- */

static int take_name(struct bl_faiss *f, const unsigned char *p, char *out,
                     struct bl_err *err)
{
    size_t n = strnlen((const char *)p, BL_FINGERPRINT_MAX);
    bool good = n > 0;

    for (size_t i = 0; i < BL_FINGERPRINT_MAX; i++)
        good &= i < n ? p[i] >= ' ' && p[i] <= '~' : !p[i];
    if (!good)
        return bl_fail(err, BL_DATA, "'%s': its trailer has no valid "
                       "fingerprints", f->map.path);
    memcpy(out, p, n);
    out[n] = '\0';
    return 0;
}

static int take_trailer(struct bl_faiss *f, struct bl_err *err)
{
    const unsigned char *t = f->map.data + f->map.size - BL_FAISS_TRAILER;
    unsigned char sum[BL_SHA256_SIZE];
    const char *path = f->map.path;

    bl_sha256_of(t, AT_OWN_SUM, sum);
    if (memcmp(sum, t + AT_OWN_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': wrong checksum: its trailer is "
                       "damaged", path);
    if (bl_le(t + AT_VERSION, 4) != TRAILER_VERSION)
        return bl_fail(err, BL_DATA, "'%s': trailer of version %" PRIu64
                       ", expected %d", path, bl_le(t + AT_VERSION, 4),
                       TRAILER_VERSION);
    f->size -= BL_FAISS_TRAILER;
    if (bl_le(t + AT_BYTES, 8) != f->size)
        return bl_fail(err, BL_DATA, "'%s': %zu bytes before its trailer, but "
                                     "that says %" PRIu64, path, f->size,
                       bl_le(t + AT_BYTES, 8));
    f->kb_entities = bl_le(t + AT_ENTITIES, 8);
    return take_name(f, t + AT_MODEL, f->model, err) < 0
        ? -1 : take_name(f, t + AT_KB, f->kb, err);
}

static bool has_trailer(const struct bl_map *m)
{
    return m->size >= BL_FAISS_TRAILER
        && !memcmp(m->data + m->size - BL_FAISS_TRAILER, TRAILER_MAGIC, 8);
}

void bl_faiss_trailer(unsigned char out[BL_FAISS_TRAILER], uint64_t bytes,
                      const unsigned char *sum, const char *model,
                      const char *kb, uint64_t entities)
{
    memset(out, 0, BL_FAISS_TRAILER);
    memcpy(out, TRAILER_MAGIC, 8);
    bl_put_le(out + AT_VERSION, TRAILER_VERSION, 4);
    bl_put_le(out + AT_TRAILER, BL_FAISS_TRAILER, 4);
    bl_put_le(out + AT_BYTES, bytes, 8);
    bl_put_le(out + AT_ENTITIES, entities, 8);
    memcpy(out + AT_MODEL, model, strnlen(model, BL_FINGERPRINT_MAX));
    memcpy(out + AT_KB, kb, strnlen(kb, BL_FINGERPRINT_MAX));
    memcpy(out + AT_SUM, sum, BL_SHA256_SIZE);
    bl_sha256_of(out, AT_OWN_SUM, out + AT_OWN_SUM);
}

/* ---- Vectors ---- */

/* The part that vector i is in. */
static const struct bl_faiss_part *find_part(const struct bl_faiss *f,
                                             uint64_t *i)
{
    size_t low = 0, high = f->n_parts;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (f->starts[middle] <= *i)
            low = middle;
        else
            high = middle;
    }
    *i -= f->starts[low];
    return &f->parts[low];
}

void bl_faiss_vector(const struct bl_faiss *f, uint64_t i, float *v)
{
    const struct bl_faiss_part *p = find_part(f, &i);

    memcpy(v, p->vectors + i * f->stored_dim * sizeof *v,
           f->dim * sizeof *v);
}

uint64_t bl_faiss_row(const struct bl_faiss *f, uint64_t i)
{
    const struct bl_faiss_part *p = find_part(f, &i);
    uint64_t id = p->ids ? bl_le(p->ids + 8 * i, 8) : i;

    return f->id_map ? bl_le(f->id_map + 8 * id, 8) : id;
}

/* ---- BLINK's extra number ---- */

/* What all vectors of an L2 index must have in common. */
static int check_lengths(struct bl_faiss *f, struct bl_err *err)
{
    float *v = bl_xmalloc(f->stored_dim, sizeof *v);
    double first = 0, square, low = INFINITY, high = -INFINITY;
    bool positive = true;

    for (uint64_t i = 0; i < f->n; i++) {
        bl_faiss_vector(f, i, v);
        square = 0;
        for (size_t j = 0; j < f->stored_dim; j++)
            square += (double)v[j] * (double)v[j];
        if (!i)
            first = square;
        low = fmin(low, square);
        high = fmax(high, square);
        positive &= v[f->stored_dim - 1] >= 0;
    }
    free(v);
    if (f->n && high - low > 1e-3 * first)
        return bl_fail(err, BL_DATA, "'%s': an L2 index of vectors of "
                                     "different lengths (%.4g to %.4g), which "
                                     "does not rank by the inner "
                                     "product", f->map.path,
                       sqrt(low), sqrt(high));
    if (positive && f->stored_dim > 1)
        f->dim = f->stored_dim - 1;
    return 0;
}

static int check_metric(struct bl_faiss *f, struct bl_err *err)
{
    if (f->metric == BL_FAISS_IP)
        return 0;
    if (!f->raw)
        return bl_fail(err, BL_DATA, "'%s': an L2 index of kind %s, expected "
                                     "the inner product (the two are known to "
                                     "rank alike only for whole "
                                     "vectors)", f->map.path, f->type);
    return check_lengths(f, err);
}

/* ---- The file ---- */

static int open_mapped(struct bl_faiss *f, struct bl_err *err)
{
    f->size = f->map.size;
    if (!bl_faiss_is(f->map.data, f->map.size))
        return bl_fail(err, BL_DATA, "'%s': not a FAISS index", f->map.path);
    if (has_trailer(&f->map) && take_trailer(f, err) < 0)
        return -1;
    if (bl_faiss_walk(f, err) < 0 || check_metric(f, err) < 0)
        return -1;
    bl_map_forget(&f->map);
    if (f->dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, expected "
                       "at most %d", f->map.path, f->dim, BL_VECTOR_MAX_DIM);
    return 0;
}

int bl_faiss_open(struct bl_faiss *f, const char *path, struct bl_err *err)
{
    *f = (struct bl_faiss){ 0 };
    if (bl_map_open(&f->map, path, err) < 0)
        return -1;
    if (open_mapped(f, err) == 0)
        return 0;
    bl_faiss_close(f);
    return -1;
}

void bl_faiss_close(struct bl_faiss *f)
{
    bl_map_close(&f->map);
    free(f->parts);
    free(f->starts);
    *f = (struct bl_faiss){ 0 };
}

static int check_rows(const struct bl_faiss *f, uint64_t entities,
                      const char *kb_path, struct bl_err *err)
{
    uint64_t *seen = bl_xcalloc((size_t)(entities / 64 + 1), 8);
    int rc = 0;

    for (uint64_t i = 0; i < f->n && !rc; i++) {
        uint64_t row = bl_faiss_row(f, i), bit = (uint64_t)1 << row % 64;

        if (row >= entities)
            rc = bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": id %" PRIu64
                         ", but '%s' has %" PRIu64 " entities", f->map.path,
                         i, row, kb_path, entities);
        else if (seen[row / 64] & bit)
            rc = bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": id %" PRIu64
                         " comes twice", f->map.path, i, row);
        else
            seen[row / 64] |= bit;
    }
    free(seen);
    return rc;
}

int bl_faiss_check_kb(const struct bl_faiss *f, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err)
{
    enum { SHOWN = 16 };

    if (*f->kb && f->kb_entities != entities)
        return bl_fail(err, BL_DATA, "'%s': made for a catalogue of %" PRIu64
                       " entities, but '%s' has %" PRIu64, f->map.path,
                       f->kb_entities, kb_path, entities);
    if (*f->kb && strcmp(f->kb, fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.*s, but "
                       "'%s' is %.*s; make it again, see blink-index(1)",
                       f->map.path, SHOWN, f->kb, kb_path, SHOWN,
                       fingerprint);
    if (!f->has_ids && f->n != entities)
        return bl_fail(err, BL_DATA, "'%s': %" PRIu64 " vectors, but '%s' "
                       "has %" PRIu64 " entities", f->map.path, f->n,
                       kb_path, entities);
    return f->has_ids ? check_rows(f, entities, kb_path, err) : 0;
}

int bl_faiss_verify(const struct bl_faiss *f, struct bl_err *err)
{
    enum { PIECE = 16 << 20 };  /* given back when it was read */
    unsigned char sum[BL_SHA256_SIZE];
    struct bl_sha256 s;

    if (!*f->kb)
        return 0;
    bl_sha256_init(&s);
    for (size_t at = 0, n; at < f->size; at += n) {
        n = BL_MIN(f->size - at, PIECE);
        bl_sha256_add(&s, f->map.data + at, n);
        bl_map_forget(&f->map);
    }
    bl_sha256_end(&s, sum);
    if (memcmp(sum, f->map.data + f->size + AT_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': wrong checksum: damaged",
                       f->map.path);
    return 0;
}
