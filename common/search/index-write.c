/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/finite.h"
#include "base/mem.h"
#include "search/index-file.h"
#include "search/index.h"
#include "tensor/half.h"

enum { PIECE = 1 << 20 };       /* bytes of vectors that get codes at once */

struct bl_index_writer {
    struct bl_newfile *file;
    struct bl_index_spec spec;
    char *model, *kb, *path;
    unsigned char base[BL_SHA256_SIZE];     /* spec.base, or zero */
    int lock;                   /* descriptor, or -1 */
    size_t stride;
    unsigned char *vector;      /* one, encoded: [stride] */
    uint64_t n;
    struct bl_buf rows;         /* 4 bytes each */
    struct bl_buf scales, lost; /* 4 bytes each, of the types that have them */
    uint64_t *seen;             /* one bit per entity */
    struct bl_sha256 sum;
};

static void writer_free(struct bl_index_writer *writer)
{
    free(writer->model);
    free(writer->kb);
    free(writer->path);
    if (writer->lock >= 0)
        close(writer->lock);
    free(writer->vector);
    free(writer->seen);
    bl_buf_free(&writer->rows);
    bl_buf_free(&writer->scales);
    bl_buf_free(&writer->lost);
    free(writer);
}

static bool good_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if (name[i] < ' ' || name[i] > '~')
            return false;
    return length > 0 && length <= BL_FINGERPRINT_MAX;
}

static int check_spec(const char *path, const struct bl_index_spec *spec,
                      struct bl_err *err)
{
    BL_ASSERT(spec->dim > 0 && spec->dim <= BL_VECTOR_MAX_DIM);
    if (!good_name(spec->model) || !good_name(spec->kb))
        return bl_fail(err, BL_DATA, "'%s': the fingerprints of model and "
                       "catalogue have to be 1 to %d printable bytes", path,
                       BL_FINGERPRINT_MAX);
    if (spec->kb_entities >= BL_INDEX_REMOVED)
        return bl_fail(err, BL_DATA, "'%s': a catalogue of %" PRIu64
                       " entities, but an index holds %" PRIu32 " at most",
                       path, spec->kb_entities, BL_INDEX_REMOVED - 1);
    return check_machine(err);
}

/* The header's sums are of what follows it, so that its place is filled with
 * zeros until the commit.  The space for the expected vectors is reserved
 * now: a full disk is reported before hours of encoding. */
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
    struct bl_index_writer *writer = BL_NEW(struct bl_index_writer);
    writer->file = file;
    writer->spec = *spec;
    writer->spec.model = writer->model = bl_xstrdup(spec->model);
    writer->spec.kb = writer->kb = bl_xstrdup(spec->kb);
    writer->path = bl_xstrdup(path);
    writer->lock = -1;
    if (spec->base)
        memcpy(writer->base, spec->base, sizeof writer->base);
    writer->stride = stride_of(spec->dtype, spec->dim);
    writer->vector = bl_xcalloc(writer->stride, 1);
    writer->seen = bl_xcalloc((size_t)(spec->kb_entities / 64 + 1), 8);
    bl_sha256_init(&writer->sum);
    return writer;
}

bool bl_index_is_changes(const struct bl_index_writer *writer)
{
    return writer->spec.base != NULL;
}

void bl_index_keep_lock(struct bl_index_writer *writer, int fd)
{
    writer->lock = fd;
}

static int encode_f16(struct bl_index_writer *writer, uint64_t row,
                      const float *vector, struct bl_err *err)
{
    for (size_t i = 0; i < writer->spec.dim; i++) {
        uint16_t half = bl_half_of_float(vector[i]);

        if ((half & 0x7c00) == 0x7c00)
            return bl_fail(err, BL_DATA, "row %" PRIu64 ": value %zu is %g, "
                           "too large for f16", row, i, (double)vector[i]);
        memcpy(writer->vector + 2 * i, &half, sizeof half);
    }
    return 0;
}

static void encode_int8(struct bl_index_writer *writer, const float *vector)
{
    float scale = bl_index_codes(vector, writer->spec.dim,
                                 (int8_t *)writer->vector);

    bl_buf_put(&writer->scales, &scale, sizeof scale);
}

static int check_row(const struct bl_index_writer *writer, uint64_t row,
                     const float *vector, struct bl_err *err)
{
    size_t bad = bl_finite_before(vector, writer->spec.dim);

    if (row >= writer->spec.kb_entities)
        return bl_fail(err, BL_DATA, "row %" PRIu64 " of a catalogue of %"
                       PRIu64 " entities", row, writer->spec.kb_entities);
    if (writer->seen[row / 64] >> row % 64 & 1)
        return bl_fail(err, BL_DATA, "row %" PRIu64 ": a second vector for "
                       "one entity", row);
    if (bad < writer->spec.dim)
        return bl_fail(err, BL_DATA, "row %" PRIu64 ": value %zu is not "
                       "finite", row, bad);
    return 0;
}

/* Writes what is in writer->vector. */
static int put_vector(struct bl_index_writer *writer, uint64_t row,
                      struct bl_err *err)
{
    unsigned char number[4];

    writer->seen[row / 64] |= (uint64_t)1 << row % 64;
    put32(number, (uint32_t)row);
    bl_buf_put(&writer->rows, number, sizeof number);
    bl_sha256_add(&writer->sum, writer->vector, writer->stride);
    writer->n++;
    return bl_newfile_write(writer->file, writer->vector, writer->stride, err);
}

int bl_index_add_stored(struct bl_index_writer *writer,
                        const struct bl_index *index,
                        const struct bl_index_segment *segment, uint64_t i,
                        struct bl_err *err)
{
    uint32_t row = segment->rows[i];

    if (row == BL_INDEX_REMOVED)
        return 0;
    if (row >= writer->spec.kb_entities)
        return bl_fail(err, BL_DATA, "'%s' is damaged: row %" PRIu32
                       " is not in the catalogue", segment->map->path, row);
    if (writer->seen[row / 64] >> row % 64 & 1)
        return bl_fail(err, BL_DATA, "'%s': row %" PRIu32 " is there already: "
                       "a part is given twice, or two have the same "
                       "entities", segment->map->path, row);
    memcpy(writer->vector, segment->vectors + i * index->stride,
           index->stride);
    if (index->dtype == BL_DTYPE_INT8)
        bl_buf_put(&writer->scales, &segment->scales[i],
                   sizeof segment->scales[i]);
    return put_vector(writer, row, err);
}

int bl_index_add(struct bl_index_writer *writer, uint64_t row,
                 const float *vector, struct bl_err *err)
{
    memset(writer->vector, 0, writer->stride);
    if (check_row(writer, row, vector, err) < 0)
        return -1;
    if (dtype_size(writer->spec.dtype) == 4)
        memcpy(writer->vector, vector, writer->spec.dim * sizeof *vector);
    else if (writer->spec.dtype == BL_DTYPE_INT8)
        encode_int8(writer, vector);
    else if (encode_f16(writer, row, vector, err) < 0)
        return -1;
    return put_vector(writer, row, err);
}

void bl_index_pass(struct bl_index_writer *writer, uint64_t row)
{
    if (row < writer->spec.kb_entities)
        writer->seen[row / 64] |= (uint64_t)1 << row % 64;
}

uint64_t bl_index_added(const struct bl_index_writer *writer)
{
    return writer->n;
}

uint64_t bl_index_missing(const struct bl_index_writer *writer)
{
    for (uint64_t i = 0; i < writer->spec.kb_entities; i++)
        if (!(writer->seen[i / 64] >> i % 64 & 1))
            return i;
    return writer->spec.kb_entities;
}

/* ---- Codes beside f32 or f16 ---- */

/* Codes are made of the vectors as the file has them: of f16 what was rounded
 * away is no longer there, and what the codes lost is measured against what a
 * search will read. */
static int write_codes_of(struct bl_index_writer *writer,
                          const unsigned char *vectors, size_t n,
                          struct bl_err *err)
{
    size_t dim = writer->spec.dim, stride = stride_of(BL_DTYPE_INT8, dim);
    int8_t *codes = bl_xcalloc(n, stride);
    float *vector = bl_xmalloc(dim, sizeof *vector);
    int rc;

    for (size_t i = 0; i < n; i++) {
        int8_t *at = codes + i * stride;
        float scale, lost;

        decode_wide(writer->spec.dtype, vectors + i * writer->stride, dim,
                    vector);
        scale = bl_index_codes(vector, dim, at);
        lost = bl_index_lost_above(vector, scale, at, dim);
        bl_buf_put(&writer->scales, &scale, sizeof scale);
        bl_buf_put(&writer->lost, &lost, sizeof lost);
    }
    bl_sha256_add(&writer->sum, codes, n * stride);
    rc = bl_newfile_write(writer->file, codes, n * stride, err);
    free(codes);
    free(vector);
    return rc;
}

static int write_codes(struct bl_index_writer *writer, struct bl_err *err)
{
    uint64_t step = PIECE / writer->stride + 1, n;
    unsigned char *part = bl_xmalloc((size_t)step, writer->stride);
    int rc = 0;

    for (uint64_t at = 0; at < writer->n && rc == 0; at += n) {
        n = BL_MIN(writer->n - at, step);
        rc = bl_newfile_pread(writer->file, part, (size_t)n * writer->stride,
                              BL_INDEX_HEADER + at * writer->stride, err);
        if (rc == 0)
            rc = write_codes_of(writer, part, (size_t)n, err);
    }
    free(part);
    return rc;
}

/* ---- The end ---- */

/* A table after the vectors, filled up to the next multiple of 64. */
static int write_table(struct bl_index_writer *writer, struct bl_buf *table,
                       struct bl_err *err)
{
    static const char zeros[ALIGN];

    bl_buf_put(table, zeros, (size_t)(align_up(table->len) - table->len));
    bl_sha256_add(&writer->sum, table->data, table->len);
    return table->len
               ? bl_newfile_write(writer->file, table->data, table->len, err)
               : 0;
}

/* Vectors may be fewer than expected, so that the extent is worked out again
 * from the count.  The segment's sum is part of what the header's covers. */
static int write_header(struct bl_index_writer *writer, struct bl_err *err)
{
    unsigned char header[BL_INDEX_HEADER] = { 0 }, *entry = header + AT_TABLE;
    const struct bl_index_spec *spec = &writer->spec;
    struct extent extent = extent_of(BL_INDEX_HEADER, writer->n, spec->dtype,
                                     spec->dim);

    BL_ASSERT(extent.end == bl_newfile_size(writer->file));
    memcpy(header, INDEX_MAGIC, 8);
    put32(header + AT_VERSION, spec->base ? BL_INDEX_VERSION_CHANGES
                           : (uint32_t)bl_dtype_version(spec->dtype));
    memcpy(header + AT_BASE, writer->base, sizeof writer->base);
    put32(header + AT_BYTE_ORDER, INDEX_BYTE_ORDER);
    put32(header + AT_HEADER, BL_INDEX_HEADER);
    put32(header + AT_DTYPE, spec->dtype);
    put32(header + AT_DIM, (uint32_t)spec->dim);
    put32(header + AT_STRIDE, (uint32_t)writer->stride);
    put64(header + AT_N, writer->n);
    put64(header + AT_ENTITIES, spec->kb_entities);
    put64(header + AT_SIZE, extent.end);
    put32(header + AT_SEGMENTS, 1);
    memcpy(header + AT_MODEL, spec->model, strlen(spec->model));
    memcpy(header + AT_KB, spec->kb, strlen(spec->kb));
    put64(entry + AT_VECTORS, extent.vectors);
    put64(entry + AT_COUNT, writer->n);
    put64(entry + AT_ROWS, extent.rows);
    put64(entry + AT_SCALES, extent.scales);
    put64(entry + AT_END, extent.end);
    put64(entry + AT_CODES, extent.codes);
    put64(entry + AT_LOST, extent.lost);
    bl_sha256_end(&writer->sum, entry + AT_SEGMENT_SUM);
    bl_sha256_header(header, BL_INDEX_HEADER, AT_SUM, header + AT_SUM);
    return bl_newfile_pwrite(writer->file, header, sizeof header, 0, err);
}

/* Those of the file that was replaced: they name its header and would never
 * be used again. */
static void drop_changes(const char *path)
{
    char *changes = bl_index_changes_path(path);

    unlink(changes);
    free(changes);
}

int bl_index_commit(struct bl_index_writer *writer, struct bl_err *err)
{
    int rc = -1;

    if (write_table(writer, &writer->rows, err) < 0
        || (has_both(writer->spec.dtype) && write_codes(writer, err) < 0)
        || write_table(writer, &writer->scales, err) < 0
        || write_table(writer, &writer->lost, err) < 0
        || write_header(writer, err) < 0)
        bl_newfile_abort(writer->file);
    else
        rc = bl_newfile_commit(writer->file, err);
    if (rc == 0 && !writer->spec.base)
        drop_changes(writer->path);
    writer_free(writer);
    return rc;
}

void bl_index_abort(struct bl_index_writer *writer)
{
    if (!writer)
        return;
    bl_newfile_abort(writer->file);
    writer_free(writer);
}
