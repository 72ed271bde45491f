/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/faiss-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
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

int bl_faiss_is_file(const char *path, struct bl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), is;
    unsigned char start[4];
    ssize_t got;

    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    got = bl_pread(fd, start, sizeof start, 0);
    /* What is no file at all, a folder or a FIFO, is no index either. */
    if (got < 0 && bl_errno_code(errno) == BL_SYSTEM && errno != ESPIPE)
        is = bl_fail_file(err, "cannot read '%s'", path);
    else
        is = got == (ssize_t)sizeof start && bl_faiss_is(start, sizeof start);
    close(fd);
    return is;
}

/* ---- The trailer ---- */

static int take_name(struct bl_faiss *faiss, const unsigned char *field,
                     char *out, struct bl_err *err)
{
    size_t length = strnlen((const char *)field, BL_FINGERPRINT_MAX);
    bool good = length > 0;

    for (size_t i = 0; i < BL_FINGERPRINT_MAX; i++)
        good &= i < length ? field[i] >= ' ' && field[i] <= '~' : !field[i];
    if (!good)
        return bl_fail(err, BL_DATA, "'%s': its trailer has no valid "
                       "fingerprints", faiss->map.path);
    memcpy(out, field, length);
    out[length] = '\0';
    return 0;
}

/* The trailer's own checksum comes first: only then do its version and sizes
 * mean anything.  What it covers is verified by bl_faiss_verify() alone, as
 * that reads the whole file. */
static int take_trailer(struct bl_faiss *faiss, struct bl_err *err)
{
    const unsigned char *trailer = faiss->map.data + faiss->map.size
                                   - BL_FAISS_TRAILER;
    unsigned char sum[BL_SHA256_SIZE];
    const char *path = faiss->map.path;

    bl_sha256_of(trailer, AT_OWN_SUM, sum);
    if (memcmp(sum, trailer + AT_OWN_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': wrong checksum: its trailer is "
                       "damaged", path);
    if (bl_le(trailer + AT_VERSION, 4) != TRAILER_VERSION)
        return bl_fail(err, BL_DATA, "'%s': trailer of version %" PRIu64
                       ", expected %d", path, bl_le(trailer + AT_VERSION, 4),
                       TRAILER_VERSION);
    faiss->size -= BL_FAISS_TRAILER;
    if (bl_le(trailer + AT_BYTES, 8) != faiss->size)
        return bl_fail(err, BL_DATA, "'%s': %zu bytes before its trailer, but "
                                     "that says %" PRIu64, path, faiss->size,
                       bl_le(trailer + AT_BYTES, 8));
    faiss->kb_entities = bl_le(trailer + AT_ENTITIES, 8);
    return take_name(faiss, trailer + AT_MODEL, faiss->model, err) < 0
        ? -1 : take_name(faiss, trailer + AT_KB, faiss->kb, err);
}

static bool has_trailer(const struct bl_map *map)
{
    return map->size >= BL_FAISS_TRAILER
        && !memcmp(map->data + map->size - BL_FAISS_TRAILER, TRAILER_MAGIC, 8);
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

/* Finds the part of vector *i by halving and leaves in *i its place there. */
static const struct bl_faiss_part *find_part(const struct bl_faiss *faiss,
                                             uint64_t *i)
{
    size_t low = 0, high = faiss->n_parts;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (faiss->starts[middle] <= *i)
            low = middle;
        else
            high = middle;
    }
    *i -= faiss->starts[low];
    return &faiss->parts[low];
}

void bl_faiss_vector(const struct bl_faiss *faiss, uint64_t i, float *vector)
{
    const struct bl_faiss_part *part = find_part(faiss, &i);

    memcpy(vector, part->vectors + i * faiss->stored_dim * sizeof *vector,
           faiss->dim * sizeof *vector);
}

uint64_t bl_faiss_row(const struct bl_faiss *faiss, uint64_t i)
{
    const struct bl_faiss_part *part = find_part(faiss, &i);
    uint64_t id = part->ids ? bl_le(part->ids + 8 * i, 8) : i;

    return faiss->id_map ? bl_le(faiss->id_map + 8 * id, 8) : id;
}

/* ---- BLINK's extra number ---- */

/* L2 ranks as the inner product does only where all vectors are of one
 * length: |q - v|^2 = |q|^2 + |v|^2 - 2qv.  BLINK's extra number is what the
 * vector lacks of the longest, so that it is never negative; a model's own
 * numbers have both signs. */
static int check_lengths(struct bl_faiss *faiss, struct bl_err *err)
{
    float *vector = bl_xmalloc(faiss->stored_dim, sizeof *vector);
    double first = 0, square, low = INFINITY, high = -INFINITY;
    bool positive = true;

    for (uint64_t i = 0; i < faiss->n; i++) {
        bl_faiss_vector(faiss, i, vector);
        square = 0;
        for (size_t j = 0; j < faiss->stored_dim; j++)
            square += (double)vector[j] * (double)vector[j];
        if (!i)
            first = square;
        low = fmin(low, square);
        high = fmax(high, square);
        positive &= vector[faiss->stored_dim - 1] >= 0;
    }
    free(vector);
    if (faiss->n && high - low > 1e-3 * first)
        return bl_fail(err, BL_DATA, "'%s': an L2 index of vectors of "
                                     "different lengths (%.4g to %.4g), which "
                                     "does not rank by the inner "
                                     "product", faiss->map.path,
                       sqrt(low), sqrt(high));
    if (positive && faiss->stored_dim > 1)
        faiss->dim = faiss->stored_dim - 1;
    return 0;
}

static int check_metric(struct bl_faiss *faiss, struct bl_err *err)
{
    if (faiss->metric == BL_FAISS_IP)
        return 0;
    if (!faiss->raw)
        return bl_fail(err, BL_DATA, "'%s': an L2 index of kind %s, expected "
                                     "the inner product (the two are known to "
                                     "rank alike only for whole "
                                     "vectors)", faiss->map.path, faiss->type);
    return check_lengths(faiss, err);
}

/* ---- The file ---- */

static int open_mapped(struct bl_faiss *faiss, struct bl_err *err)
{
    faiss->size = faiss->map.size;
    if (!bl_faiss_is(faiss->map.data, faiss->map.size))
        return bl_fail(err, BL_DATA, "'%s': not a FAISS index",
                       faiss->map.path);
    if (has_trailer(&faiss->map) && take_trailer(faiss, err) < 0)
        return -1;
    if (bl_faiss_walk(faiss, err) < 0 || check_metric(faiss, err) < 0)
        return -1;
    bl_map_forget(&faiss->map);
    if (faiss->dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA,
                       "'%s': vectors of %zu numbers, expected "
                       "at most %d",
                       faiss->map.path, faiss->dim, BL_VECTOR_MAX_DIM);
    return 0;
}

int bl_faiss_open(struct bl_faiss *faiss, const char *path, struct bl_err *err)
{
    *faiss = (struct bl_faiss){ 0 };
    if (bl_map_open(&faiss->map, path, err) < 0)
        return -1;
    if (open_mapped(faiss, err) == 0)
        return 0;
    bl_faiss_close(faiss);
    return -1;
}

void bl_faiss_close(struct bl_faiss *faiss)
{
    bl_map_close(&faiss->map);
    free(faiss->parts);
    free(faiss->starts);
    *faiss = (struct bl_faiss){ 0 };
}

/* An index with ids may leave entities out, but a row that came twice would
 * take two places among the hits. */
static int check_rows(const struct bl_faiss *faiss, uint64_t entities,
                      const char *kb_path, struct bl_err *err)
{
    uint64_t *seen = bl_xcalloc((size_t)(entities / 64 + 1), 8);
    int rc = 0;

    for (uint64_t i = 0; i < faiss->n && rc == 0; i++) {
        uint64_t row = bl_faiss_row(faiss, i), bit = (uint64_t)1 << row % 64;

        if (row >= entities)
            rc = bl_fail(err, BL_DATA,
                         "'%s': vector %" PRIu64 ": id %" PRIu64
                         ", but '%s' has %" PRIu64 " entities",
                         faiss->map.path, i, row, kb_path, entities);
        else if (seen[row / 64] & bit)
            rc = bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": id %" PRIu64
                         " comes twice", faiss->map.path, i, row);
        else
            seen[row / 64] |= bit;
    }
    free(seen);
    return rc;
}

int bl_faiss_check_kb(const struct bl_faiss *faiss, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err)
{
    enum { SHOWN = 16 };

    if (*faiss->kb && faiss->kb_entities != entities)
        return bl_fail(err, BL_DATA, "'%s': made for a catalogue of %" PRIu64
                       " entities, but '%s' has %" PRIu64, faiss->map.path,
                       faiss->kb_entities, kb_path, entities);
    if (*faiss->kb && strcmp(faiss->kb, fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.*s, but "
                       "'%s' is %.*s; make it again, see blink-index(1)",
                       faiss->map.path, SHOWN, faiss->kb, kb_path, SHOWN,
                       fingerprint);
    if (!faiss->has_ids && faiss->n != entities)
        return bl_fail(err, BL_DATA, "'%s': %" PRIu64 " vectors, but '%s' "
                       "has %" PRIu64 " entities", faiss->map.path, faiss->n,
                       kb_path, entities);
    return faiss->has_ids ? check_rows(faiss, entities, kb_path, err) : 0;
}

int bl_faiss_verify(const struct bl_faiss *faiss, struct bl_err *err)
{
    enum { PIECE = 16 << 20 };  /* given back when it was read */
    unsigned char sum[BL_SHA256_SIZE];
    struct bl_sha256 state;

    if (!*faiss->kb)
        return 0;
    bl_sha256_init(&state);
    for (size_t at = 0, n; at < faiss->size; at += n) {
        n = BL_MIN(faiss->size - at, PIECE);
        bl_sha256_add(&state, faiss->map.data + at, n);
        bl_map_forget(&faiss->map);
    }
    bl_sha256_end(&state, sum);
    if (memcmp(sum, faiss->map.data + faiss->size + AT_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': wrong checksum: damaged",
                       faiss->map.path);
    return 0;
}
