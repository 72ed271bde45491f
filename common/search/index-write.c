/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/finite.h"
#include "tensor/half.h"
#include "search/index-codes.h"
#include "search/index-file.h"
#include "search/index.h"
#include "base/mem.h"

enum { PIECE = 1 << 20 };       /* bytes of vectors that get codes at once */

struct bl_index_writer {
    struct bl_newfile *file;
    struct bl_index_spec spec;
    char *model, *kb;
    size_t stride;
    unsigned char *vector;      /* one, encoded: [stride] */
    uint64_t n;
    struct bl_buf rows;         /* 4 bytes each */
    struct bl_buf scales, lost; /* 4 bytes each, of the types that have them */
    uint64_t *seen;             /* one bit per entity */
    struct bl_sha256 sum;
};

static void writer_free(struct bl_index_writer *w)
{
    free(w->model);
    free(w->kb);
    free(w->vector);
    free(w->seen);
    bl_buf_free(&w->rows);
    bl_buf_free(&w->scales);
    bl_buf_free(&w->lost);
    free(w);
}

static bool good_name(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return false;
    return n > 0 && n <= BL_FINGERPRINT_MAX;
}

static int check_spec(const char *path, const struct bl_index_spec *s,
                      struct bl_err *err)
{
    BL_ASSERT(s->dim > 0 && s->dim <= BL_VECTOR_MAX_DIM);
    if (!good_name(s->model) || !good_name(s->kb))
        return bl_fail(err, BL_DATA, "'%s': the fingerprints of model and "
                       "catalogue have to be 1 to %d printable bytes", path,
                       BL_FINGERPRINT_MAX);
    if (s->kb_entities >= BL_INDEX_REMOVED)
        return bl_fail(err, BL_DATA, "'%s': a catalogue of %" PRIu64
                       " entities, but an index holds %" PRIu32 " at most",
                       path, s->kb_entities, BL_INDEX_REMOVED - 1);
    return check_machine(err);
}

struct bl_index_writer *bl_index_create(const char *path,
                                        const struct bl_index_spec *spec,
                                        struct bl_err *err)
{
    static const unsigned char header[BL_INDEX_HEADER];

    if (check_spec(path, spec, err) < 0)
        return NULL;
    struct extent space = extent_of(BL_INDEX_HEADER, spec->expected,
                                    spec->dtype, spec->dim);
    struct bl_newfile *file = bl_newfile_open(path, space.end, err);
    if (!file)
        return NULL;
    if (bl_newfile_write(file, header, sizeof header, err) < 0) {
        bl_newfile_abort(file);
        return NULL;
    }
    struct bl_index_writer *w = BL_NEW(struct bl_index_writer);
    w->file = file;
    w->spec = *spec;
    w->spec.model = w->model = bl_xstrdup(spec->model);
    w->spec.kb = w->kb = bl_xstrdup(spec->kb);
    w->stride = stride_of(spec->dtype, spec->dim);
    w->vector = bl_xcalloc(w->stride, 1);
    w->seen = bl_xcalloc((size_t)(spec->kb_entities / 64 + 1), 8);
    bl_sha256_init(&w->sum);
    return w;
}

static int encode_f16(struct bl_index_writer *w, uint64_t row, const float *v,
                      struct bl_err *err)
{
    for (size_t i = 0; i < w->spec.dim; i++) {
        uint16_t h = bl_half_of_float(v[i]);

        if ((h & 0x7c00) == 0x7c00)
            return bl_fail(err, BL_DATA, "row %" PRIu64 ": value %zu is %g, "
                           "too large for f16", row, i, (double)v[i]);
        memcpy(w->vector + 2 * i, &h, sizeof h);
    }
    return 0;
}

static void encode_int8(struct bl_index_writer *w, const float *v)
{
    float scale = bl_index_codes(v, w->spec.dim, (int8_t *)w->vector);

    bl_buf_put(&w->scales, &scale, sizeof scale);
}

static int check_row(const struct bl_index_writer *w, uint64_t row,
                     const float *v, struct bl_err *err)
{
    size_t bad = bl_finite_before(v, w->spec.dim);

    if (row >= w->spec.kb_entities)
        return bl_fail(err, BL_DATA, "row %" PRIu64 " of a catalogue of %"
                       PRIu64 " entities", row, w->spec.kb_entities);
    if (w->seen[row / 64] >> row % 64 & 1)
        return bl_fail(err, BL_DATA, "row %" PRIu64 ": a second vector for "
                       "one entity", row);
    if (bad < w->spec.dim)
        return bl_fail(err, BL_DATA, "row %" PRIu64 ": value %zu is not "
                       "finite", row, bad);
    return 0;
}

int bl_index_add(struct bl_index_writer *w, uint64_t row, const float *v,
                 struct bl_err *err)
{
    unsigned char number[4];

    if (check_row(w, row, v, err) < 0)
        return -1;
    if (dtype_size(w->spec.dtype) == 4)
        memcpy(w->vector, v, w->spec.dim * sizeof *v);
    else if (w->spec.dtype == BL_DTYPE_INT8)
        encode_int8(w, v);
    else if (encode_f16(w, row, v, err) < 0)
        return -1;
    w->seen[row / 64] |= (uint64_t)1 << row % 64;
    put32(number, (uint32_t)row);
    bl_buf_put(&w->rows, number, sizeof number);
    bl_sha256_add(&w->sum, w->vector, w->stride);
    w->n++;
    return bl_newfile_write(w->file, w->vector, w->stride, err);
}

uint64_t bl_index_added(const struct bl_index_writer *w)
{
    return w->n;
}

uint64_t bl_index_missing(const struct bl_index_writer *w)
{
    for (uint64_t i = 0; i < w->spec.kb_entities; i++)
        if (!(w->seen[i / 64] >> i % 64 & 1))
            return i;
    return w->spec.kb_entities;
}

/* ---- Codes beside f32 or f16 ---- */

/* The codes of n vectors as they were written, and what these lost. */
static int write_codes_of(struct bl_index_writer *w,
                          const unsigned char *vectors, size_t n,
                          struct bl_err *err)
{
    size_t dim = w->spec.dim, stride = stride_of(BL_DTYPE_INT8, dim);
    int8_t *codes = bl_xcalloc(n, stride);
    float *v = bl_xmalloc(dim, sizeof *v);
    int rc;

    for (size_t i = 0; i < n; i++) {
        int8_t *at = codes + i * stride;
        float scale, lost;

        decode_wide(w->spec.dtype, vectors + i * w->stride, dim, v);
        scale = bl_index_codes(v, dim, at);
        lost = bl_index_lost_above(v, scale, at, dim);
        bl_buf_put(&w->scales, &scale, sizeof scale);
        bl_buf_put(&w->lost, &lost, sizeof lost);
    }
    bl_sha256_add(&w->sum, codes, n * stride);
    rc = bl_newfile_write(w->file, codes, n * stride, err);
    free(codes);
    free(v);
    return rc;
}

static int write_codes(struct bl_index_writer *w, struct bl_err *err)
{
    uint64_t step = PIECE / w->stride + 1, n;
    unsigned char *part = bl_xmalloc((size_t)step, w->stride);
    int rc = 0;

    for (uint64_t at = 0; at < w->n && !rc; at += n) {
        n = BL_MIN(w->n - at, step);
        rc = bl_newfile_pread(w->file, part, (size_t)n * w->stride,
                              BL_INDEX_HEADER + at * w->stride, err);
        if (!rc)
            rc = write_codes_of(w, part, (size_t)n, err);
    }
    free(part);
    return rc;
}

/* ---- The end ---- */

/* A table after the vectors, filled up to the next multiple of 64. */
static int write_table(struct bl_index_writer *w, struct bl_buf *b,
                       struct bl_err *err)
{
    static const char zeros[ALIGN];

    bl_buf_put(b, zeros, (size_t)(align_up(b->len) - b->len));
    bl_sha256_add(&w->sum, b->data, b->len);
    return b->len ? bl_newfile_write(w->file, b->data, b->len, err) : 0;
}

static int write_header(struct bl_index_writer *w, struct bl_err *err)
{
    unsigned char h[BL_INDEX_HEADER] = { 0 }, *e = h + AT_TABLE;
    const struct bl_index_spec *s = &w->spec;
    struct extent x = extent_of(BL_INDEX_HEADER, w->n, s->dtype, s->dim);

    BL_ASSERT(x.end == bl_newfile_size(w->file));
    memcpy(h, INDEX_MAGIC, 8);
    put32(h + AT_VERSION, (uint32_t)bl_dtype_version(s->dtype));
    put32(h + AT_BYTE_ORDER, INDEX_BYTE_ORDER);
    put32(h + AT_HEADER, BL_INDEX_HEADER);
    put32(h + AT_DTYPE, s->dtype);
    put32(h + AT_DIM, (uint32_t)s->dim);
    put32(h + AT_STRIDE, (uint32_t)w->stride);
    put64(h + AT_N, w->n);
    put64(h + AT_ENTITIES, s->kb_entities);
    put64(h + AT_SIZE, x.end);
    put32(h + AT_SEGMENTS, 1);
    memcpy(h + AT_MODEL, s->model, strlen(s->model));
    memcpy(h + AT_KB, s->kb, strlen(s->kb));
    put64(e + AT_VECTORS, x.vectors);
    put64(e + AT_COUNT, w->n);
    put64(e + AT_ROWS, x.rows);
    put64(e + AT_SCALES, x.scales);
    put64(e + AT_END, x.end);
    put64(e + AT_CODES, x.codes);
    put64(e + AT_LOST, x.lost);
    bl_sha256_end(&w->sum, e + AT_SEGMENT_SUM);
    header_sum(h, h + AT_SUM);
    return bl_newfile_pwrite(w->file, h, sizeof h, 0, err);
}

int bl_index_commit(struct bl_index_writer *w, struct bl_err *err)
{
    int rc = -1;

    if (write_table(w, &w->rows, err) < 0
        || (has_both(w->spec.dtype) && write_codes(w, err) < 0)
        || write_table(w, &w->scales, err) < 0
        || write_table(w, &w->lost, err) < 0 || write_header(w, err) < 0)
        bl_newfile_abort(w->file);
    else
        rc = bl_newfile_commit(w->file, err);
    writer_free(w);
    return rc;
}

void bl_index_abort(struct bl_index_writer *w)
{
    if (!w)
        return;
    bl_newfile_abort(w->file);
    writer_free(w);
}
