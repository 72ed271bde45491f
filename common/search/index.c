/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/index.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/finite.h"
#include "base/loaded.h"
#include "base/mem.h"
#include "base/paths.h"
#include "search/index-file.h"

enum {
    SHOWN = 16,                 /* digits of a fingerprint in messages */
    PIECE = 16 << 20            /* bytes verified before they are given back */
};

const char *bl_dtype_name(enum bl_dtype dtype)
{
    static const char *const names[] = {
        [BL_DTYPE_F32] = "f32", [BL_DTYPE_F16] = "f16",
        [BL_DTYPE_INT8] = "int8", [BL_DTYPE_F32_INT8] = "f32+int8",
        [BL_DTYPE_F16_INT8] = "f16+int8"
    };

    return names[dtype];
}

int bl_dtype_version(enum bl_dtype dtype)
{
    return has_both(dtype) ? BL_INDEX_VERSION_BOTH : BL_INDEX_VERSION;
}

char *bl_index_changes_path(const char *path)
{
    char *real = bl_path_real(path);
    char *changes = bl_xasprintf("%s.changes", real ? real : path);

    free(real);
    return changes;
}

/* ---- Opening ---- */

static int check_version(const struct bl_map *map, bool changes,
                         struct bl_err *err)
{
    uint32_t version = get32(map->data + AT_VERSION);

    if (changes && version != BL_INDEX_VERSION_CHANGES)
        return bl_fail(err, BL_DATA, "'%s': offset %d: format version "
                       "%" PRIu32 ", expected that of changes, %d", map->path,
                       AT_VERSION, version, BL_INDEX_VERSION_CHANGES);
    if (!changes && version == BL_INDEX_VERSION_CHANGES)
        return bl_fail(err, BL_DATA, "'%s': the changes of an index, which "
                       "are used with it; name the index itself", map->path);
    if (!changes && version != BL_INDEX_VERSION
        && version != BL_INDEX_VERSION_BOTH)
        return bl_fail(err, BL_DATA, "'%s': offset %d: format version "
                       "%" PRIu32 ", expected %d or %d", map->path, AT_VERSION,
                       version, BL_INDEX_VERSION, BL_INDEX_VERSION_BOTH);
    return 0;
}

/* What has to be right before the rest of the header means anything. */
static int check_start(const struct bl_map *map, bool changes,
                       struct bl_err *err)
{
    const unsigned char *header = map->data;
    unsigned char sum[BL_SHA256_SIZE];

    if (map->size >= 8 && (!memcmp(header, "\200\2\212", 3)
                           || !memcmp(header, "PK\3\4", 4)))
        return bl_fail(err, BL_DATA, "'%s': a torch.save file, not a blink "
                                     "index; blink-index import makes an "
                                     "index from it",
                       map->path);
    if (map->size >= 8 && memcmp(header, INDEX_MAGIC, 8))
        return bl_fail(err, BL_DATA, "'%s': not a blink index (offset 0: "
                       "other magic bytes)", map->path);
    if (map->size < BL_INDEX_HEADER)
        return bl_fail(err, BL_DATA, "'%s': truncated: %zu bytes, but the "
                       "header takes %d", map->path, map->size,
                       BL_INDEX_HEADER);
    if (get32(header + AT_BYTE_ORDER) == __builtin_bswap32(INDEX_BYTE_ORDER))
        return bl_fail(err, BL_DATA, "'%s': offset %d: written in big-endian "
                       "byte order, expected little-endian", map->path,
                       AT_BYTE_ORDER);
    if (get32(header + AT_BYTE_ORDER) != INDEX_BYTE_ORDER)
        return bl_fail(err, BL_DATA, "'%s': offset %d: no byte order mark",
                       map->path, AT_BYTE_ORDER);
    if (check_version(map, changes, err) < 0)
        return -1;
    bl_sha256_header(header, BL_INDEX_HEADER, AT_SUM, sum);
    if (memcmp(header + AT_SUM, sum, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': offset %d: wrong checksum: the "
                       "header is damaged", map->path, AT_SUM);
    return 0;
}

/* A name of 1..64 printable ASCII bytes, filled up with NULs; false when it
 * is none. */
static bool take_name(const unsigned char *field, char *out)
{
    size_t length = strnlen((const char *)field, BL_FINGERPRINT_MAX);

    memcpy(out, field, length);
    memset(out + length, 0, BL_FINGERPRINT_MAX + 1 - length);
    for (size_t i = 0; i < length; i++)
        if (field[i] < ' ' || field[i] > '~')
            return false;
    for (size_t i = length; i < BL_FINGERPRINT_MAX; i++)
        if (field[i])
            return false;
    return length > 0;
}

/* Each version has its own types; changes have any. */
static int take_dtype(struct bl_index *index, struct bl_err *err)
{
    const unsigned char *header = index->map.data;
    uint32_t dtype = get32(header + AT_DTYPE);
    bool both = get32(header + AT_VERSION) == BL_INDEX_VERSION_BOTH;

    if (get32(header + AT_VERSION) == BL_INDEX_VERSION_CHANGES) {
        if (dtype < BL_DTYPE_F32 || dtype > BL_DTYPE_F16_INT8)
            return bl_fail(err, BL_DATA, "'%s': offset %d: number type %"
                           PRIu32 ", expected 1 to 5", index->map.path,
                           AT_DTYPE, dtype);
    } else if (dtype < (both ? BL_DTYPE_F32_INT8 : BL_DTYPE_F32)
        || dtype > (both ? BL_DTYPE_F16_INT8 : BL_DTYPE_INT8))
        return bl_fail(err, BL_DATA, "'%s': offset %d: number type %" PRIu32
                       ", expected %s", index->map.path, AT_DTYPE, dtype,
                       both ? "4 or 5" : "1, 2 or 3");
    index->dtype = dtype;
    return 0;
}

/* Every field is compared with what follows from the others, so that no two
 * readers can see two indexes in one file.  The total size is checked before
 * the segments: a file that was cut is said to be truncated, not damaged. */
static int take_fields(struct bl_index *index, struct bl_err *err)
{
    const unsigned char *header = index->map.data;
    const char *path = index->map.path;
    uint32_t dim = get32(header + AT_DIM);
    uint64_t size = get64(header + AT_SIZE);

    if (get32(header + AT_HEADER) != BL_INDEX_HEADER)
        return bl_fail(err, BL_DATA, "'%s': offset %d: header of %" PRIu32
                       " bytes, expected %d", path, AT_HEADER,
                       get32(header + AT_HEADER), BL_INDEX_HEADER);
    if (take_dtype(index, err) < 0)
        return -1;
    if (!dim || dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': offset %d: dimension %" PRIu32
                       ", expected 1 to %d", path, AT_DIM, dim,
                       BL_VECTOR_MAX_DIM);
    index->dim = dim;
    index->stride = stride_of(index->dtype, dim);
    index->code_stride = stride_of(BL_DTYPE_INT8, dim);
    index->padded = index->stride / dtype_size(index->dtype);
    if (get32(header + AT_STRIDE) != index->stride)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu32 " bytes a "
                       "vector, expected %zu", path, AT_STRIDE,
                       get32(header + AT_STRIDE), index->stride);
    if (size != index->map.size)
        return bl_fail(err, BL_DATA,
                       "'%s': %s: %zu bytes, but the header "
                       "says %" PRIu64,
                       path,
                       size > index->map.size ? "truncated"
                                              : "bytes at the end",
                       index->map.size, size);
    if (!take_name(header + AT_MODEL, index->model)
        || !take_name(header + AT_KB, index->kb))
        return bl_fail(err, BL_DATA,
                       "'%s': offset %d: no valid "
                       "fingerprints",
                       path, AT_MODEL);
    index->n = get64(header + AT_N);
    index->kb_entities = get64(header + AT_ENTITIES);
    if (index->kb_entities >= BL_INDEX_REMOVED
        || index->n > index->kb_entities)
        return bl_fail(err, BL_DATA,
                       "'%s': offset %d: %" PRIu64 " vectors "
                       "for %" PRIu64 " entities",
                       path, AT_N, index->n, index->kb_entities);
    return 0;
}

/* NULL: there is none. */
static const void *part(const struct bl_index *index, uint64_t offset)
{
    return offset ? index->map.data + offset : NULL;
}

/* The offsets in the file are redundant: they have to be those that
 * extent_of() gives for the count, which is compared with the file's size
 * first, so that no product wraps.  Comparing the structs as bytes is allowed
 * as they hold nothing but uint64_t. */
static int take_segment(struct bl_index *index, size_t i, uint64_t at,
                        uint64_t *end, struct bl_err *err)
{
    const unsigned char *entry = index->map.data + AT_TABLE + i * ENTRY;
    struct bl_index_segment *segment = &index->segments[i];
    struct extent have, want;
    uint64_t n = get64(entry + AT_COUNT);

    have = (struct extent){ get64(entry + AT_VECTORS), get64(entry + AT_ROWS),
                            get64(entry + AT_CODES), get64(entry + AT_SCALES),
                            get64(entry + AT_LOST), get64(entry + AT_END) };
    if (n > (index->map.size - at) / index->stride)
        return bl_fail(err, BL_DATA, "'%s': segment %zu: %" PRIu64
                       " vectors of %zu bytes do not fit in %zu bytes",
                       index->map.path, i, n, index->stride, index->map.size);
    want = extent_of(at, n, index->dtype, index->dim);
    if (memcmp(&have, &want, sizeof have) || want.end > index->map.size)
        return bl_fail(err, BL_DATA,
                       "'%s': segment %zu: offsets do not "
                       "follow from its %" PRIu64 " vectors",
                       index->map.path, i, n);
    segment->n = n;
    segment->map = &index->map;
    segment->vectors = index->map.data + want.vectors;
    segment->rows = part(index, want.rows);
    segment->codes = part(index, index->dtype == BL_DTYPE_INT8 ? want.vectors
                                                               : want.codes);
    segment->scales = part(index, want.scales);
    segment->lost = part(index, want.lost);
    *end = want.end;
    return 0;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* What has no meaning in this version is zero, so that a later one can give
 * it one, and nothing is hidden there. */
static int check_reserved(const struct bl_index *index, uint32_t n_segments,
                          struct bl_err *err)
{
    const unsigned char *header = index->map.data;
    size_t at = AT_SEGMENTS + 4, end = AT_TABLE + n_segments * ENTRY;
    bool good = is_zero(header + at, AT_MODEL - at);

    if (good && get32(header + AT_VERSION) != BL_INDEX_VERSION_CHANGES)
        good = is_zero(header + (at = AT_BASE), AT_TABLE - AT_BASE);
    for (size_t entry = AT_TABLE; good && entry < end; entry += ENTRY) {
        good = is_zero(header + (at = entry + AT_LOST + 8),
                       AT_SEGMENT_SUM - AT_LOST - 8);
        if (good)
            good = is_zero(header + (at = entry + AT_SEGMENT_SUM + 32),
                           ENTRY - AT_SEGMENT_SUM - 32);
    }
    if (good)
        good = is_zero(header + (at = end), BL_INDEX_HEADER - end);
    return good ? 0 : bl_fail(err, BL_DATA, "'%s': offset %zu: reserved "
                              "bytes that are not zero", index->map.path, at);
}

/* Segments follow one another without gaps up to the end of the file.  Their
 * counts include removed vectors, which n does not. */
static int take_segments(struct bl_index *index, struct bl_err *err)
{
    uint32_t n_segments = get32(index->map.data + AT_SEGMENTS);
    uint64_t at = BL_INDEX_HEADER, total = 0;

    if (n_segments > BL_INDEX_MAX_SEGMENTS)
        return bl_fail(err, BL_DATA,
                       "'%s': offset %d: %" PRIu32 " segments, "
                       "expected at most %d",
                       index->map.path, AT_SEGMENTS, n_segments,
                       BL_INDEX_MAX_SEGMENTS);
    for (size_t i = 0; i < n_segments; i++) {
        if (take_segment(index, i, at, &at, err) < 0)
            return -1;
        total += index->segments[i].n;
    }
    index->n_segments = index->n_own = n_segments;
    if (at != index->map.size)
        return bl_fail(err, BL_DATA, "'%s': %zu bytes, but its segments end "
                       "at %" PRIu64, index->map.path, index->map.size, at);
    if (index->n > total)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu64 " vectors, "
                       "but the segments hold %" PRIu64, index->map.path, AT_N,
                       index->n, total);
    return check_reserved(index, n_segments, err);
}

int bl_index_open_file(struct bl_index *index, const char *path, bool changes,
                       struct bl_err *err)
{
    memset(index, 0, sizeof *index);
    if (check_machine(err) < 0 || bl_map_open(&index->map, path, err) < 0)
        return -1;
    if (check_start(&index->map, changes, err) < 0
        || take_fields(index, err) < 0 || take_segments(index, err) < 0) {
        bl_index_close(index);
        return -1;
    }
    /* The header's own sum, as it holds those of the segments. */
    if (bl_loaded_sum("index", index->map.data + AT_SUM, path, err) == 0)
        return 0;
    bl_index_close(index);
    return -1;
}

void bl_index_close(struct bl_index *index)
{
    for (size_t i = 0; i < index->n_segments; i++)
        free(index->segments[i].shown);
    bl_map_close(&index->changes);
    bl_map_close(&index->map);
    memset(index, 0, sizeof *index);
}

int bl_index_check_kb(const struct bl_index *index, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err)
{
    if (index->kb_entities != entities)
        return bl_fail(err, BL_DATA,
                       "'%s': made for a catalogue of %" PRIu64
                       " entities, but '%s' has %" PRIu64 "; make it again, "
                       "see blink-index(1)",
                       index->map.path, index->kb_entities, kb_path, entities);
    if (strcmp(index->kb, fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.*s, but "
                       "'%s' is %.*s; make it again, see blink-index(1)",
                       index->map.path, SHOWN, index->kb, kb_path, SHOWN,
                       fingerprint);
    return 0;
}

/* ---- Vectors as floats ---- */

static void decode_one(const struct bl_index *index,
                       const struct bl_index_segment *segment, uint64_t i,
                       float *out)
{
    const unsigned char *bytes = segment->vectors + i * index->stride;

    if (index->dtype != BL_DTYPE_INT8) {
        decode_wide(index->dtype, bytes, index->padded, out);
        return;
    }
    for (size_t j = 0; j < index->padded; j++)
        out[j] = segment->scales[i] * (float)(int8_t)bytes[j];
}

void bl_index_decode(const struct bl_index *index,
                     const struct bl_index_segment *segment, uint64_t first,
                     size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        decode_one(index, segment, first + i, out + i * index->padded);
}

/* ---- A vector rounded to int8, and what that loses ---- */

/* The scale puts the largest value at 127.  A denormal scale is coarse: the
 * quotient may leave the range.  Plain operations instead of fmaxf() and
 * rintf(), which would be calls: adding 1.5 * 2^23 makes the processor round
 * to a whole number, to even between two. */
float bl_index_codes(const float *vector, size_t n, int8_t *codes)
{
    const float rounder = 0x1.8p23f, limit = 127.0f;
    float top = 0, scale;

    for (size_t i = 0; i < n; i++) {
        float size = fabsf(vector[i]);

        top = BL_MAX(size, top);
    }
    scale = top / limit;
    for (size_t i = 0; i < n; i++) {
        float quotient = scale > 0 ? vector[i] / scale : 0;

        quotient = BL_MAX(-limit, BL_MIN(limit, quotient));
        codes[i] = (int8_t)((quotient + rounder) - rounder);
    }
    return scale;
}

/* A product of a float and a code is exact in a double, and the square of a
 * float's smallest difference is a normal one. */
double bl_index_lost(const float *vector, float scale, const int8_t *codes,
                     size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double rest = (double)vector[i] - (double)scale * codes[i];

        sum += rest * rest;
    }
    return sqrt(sum);
}

float bl_index_lost_above(const float *vector, float scale,
                          const int8_t *codes, size_t n)
{
    double lost = bl_index_lost(vector, scale, codes, n) * (1 + 1e-9);
    float near = (float)lost;

    return (double)near < lost ? nextafterf(near, INFINITY) : near;
}

/* ---- Verifying ---- */

/* Each row lies within the catalogue and comes once; `seen` has one bit per
 * entity and is shared by all segments. */
static int verify_rows(const struct bl_index *index,
                       const struct bl_index_segment *segment, uint64_t *seen,
                       uint64_t *alive, struct bl_err *err)
{
    for (uint64_t i = 0; i < segment->n; i++) {
        uint32_t row = segment->rows[i];
        uint64_t bit = (uint64_t)1 << row % 64;

        if (row == BL_INDEX_REMOVED)
            continue;
        if (row >= index->kb_entities)
            return bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": row %"
                           PRIu32 " of a catalogue of %" PRIu64 " entities",
                           index->map.path, i, row, index->kb_entities);
        if (seen[row / 64] & bit)
            return bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": row %"
                           PRIu32 " comes twice", index->map.path, i, row);
        seen[row / 64] |= bit;
        ++*alive;
    }
    return 0;
}

/* One segment on its way through. */
struct verifier {
    const struct bl_index *index;
    const struct bl_index_segment *segment;
    struct bl_sha256 sum;
    float *vector;              /* [padded] */
    int rc;                     /* of the values so far */
    struct bl_err err;
};

static int verify_values(struct verifier *verifier, uint64_t i)
{
    const struct bl_index *index = verifier->index;

    decode_one(index, verifier->segment, i, verifier->vector);
    if (bl_finite_before(verifier->vector, index->padded) < index->padded)
        return bl_fail(&verifier->err, BL_DATA,
                       "'%s': vector %" PRIu64 ": a value "
                       "is not finite",
                       index->map.path, i);
    for (size_t j = index->dim; j < index->padded; j++)
        if (verifier->vector[j] != 0)
            return bl_fail(&verifier->err, BL_DATA,
                           "'%s': vector %" PRIu64 ": its "
                           "padding is not zero",
                           index->map.path, i);
    return 0;
}

/* Codes beside f32 or f16.  The exact search leaves vectors unread because of
 * what their codes lost, so that a `lost` that is too small would make it
 * miss some.  The comparison is negated to refuse a NaN too. */
static int verify_codes(struct verifier *verifier, uint64_t i)
{
    const struct bl_index *index = verifier->index;
    const int8_t *codes = verifier->segment->codes + i * index->code_stride;
    double lost;

    if (!isfinite(verifier->segment->scales[i]))
        return bl_fail(&verifier->err, BL_DATA,
                       "'%s': vector %" PRIu64 ": its "
                       "scale is not finite",
                       index->map.path, i);
    for (size_t j = index->dim; j < index->code_stride; j++)
        if (codes[j])
            return bl_fail(&verifier->err, BL_DATA,
                           "'%s': vector %" PRIu64 ": the "
                           "padding of its codes is not zero",
                           index->map.path, i);
    decode_one(index, verifier->segment, i, verifier->vector);
    lost = bl_index_lost(verifier->vector, verifier->segment->scales[i], codes,
                         index->dim);
    if (!((double)verifier->segment->lost[i] >= lost))
        return bl_fail(&verifier->err, BL_DATA,
                       "'%s': vector %" PRIu64 ": its "
                       "codes lost %.9g, but the file says %.9g",
                       index->map.path, i, lost,
                       (double)verifier->segment->lost[i]);
    return 0;
}

/* Once through one part of the segment, `stride` bytes for each vector, for
 * the checksum and the values together; what was read is given back, so that
 * an index may be larger than memory. */
static void verify_part(struct verifier *verifier, const void *part,
                        size_t stride,
                        int (*check)(struct verifier *verifier, uint64_t i))
{
    const unsigned char *bytes = part;
    uint64_t step = PIECE / stride + 1, n;

    for (uint64_t at = 0; at < verifier->segment->n; at += n) {
        n = BL_MIN(verifier->segment->n - at, step);
        bl_sha256_add(&verifier->sum, bytes + at * stride, (size_t)n * stride);
        for (uint64_t i = at; i < at + n && !verifier->rc; i++)
            verifier->rc = check(verifier, i);
        bl_map_forget(verifier->segment->map);
    }
}

/* A wrong checksum is what is reported first: it says why values are wrong. */
static int verify_segment(const struct bl_index *index, size_t i,
                          float *vector, struct bl_err *err)
{
    const struct bl_index_segment *segment = &index->segments[i];
    const unsigned char *file = segment->map->data;
    size_t place = i < index->n_own ? i : i - index->n_own;
    const unsigned char *entry = file + AT_TABLE + place * ENTRY;
    struct extent at = extent_of(get64(entry), segment->n, index->dtype,
                                 index->dim);
    struct verifier verifier = { .index = index,
                                 .segment = segment,
                                 .vector = vector };
    uint64_t tables = at.codes ? at.codes : at.end;
    unsigned char sum[BL_SHA256_SIZE];

    bl_sha256_init(&verifier.sum);
    verify_part(&verifier, segment->vectors, index->stride, verify_values);
    bl_sha256_add(&verifier.sum, file + at.rows,
                  (size_t)(tables - at.rows));
    if (at.codes) {
        verify_part(&verifier, segment->codes, index->code_stride,
                    verify_codes);
        bl_sha256_add(&verifier.sum, file + at.scales,
                      (size_t)(at.end - at.scales));
    }
    bl_sha256_end(&verifier.sum, sum);
    if (memcmp(sum, entry + AT_SEGMENT_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': segment %zu (offset %" PRIu64
                       " to %" PRIu64 "): wrong checksum: damaged",
                       segment->map->path, place, at.vectors, at.end);
    if (verifier.rc < 0)
        *err = verifier.err;
    return verifier.rc;
}

int bl_index_verify(const struct bl_index *index, struct bl_err *err)
{
    uint64_t *seen = bl_xcalloc((size_t)(index->kb_entities / 64 + 1), 8);
    float *vector = bl_xmalloc(index->padded, sizeof *vector);
    uint64_t alive = 0;
    int rc = 0;

    for (size_t i = 0; i < index->n_segments && rc == 0; i++)
        if (verify_segment(index, i, vector, err) < 0
            || verify_rows(index, &index->segments[i], seen, &alive, err) < 0)
            rc = -1;
    if (rc == 0 && alive != index->n)
        rc = bl_fail(err, BL_DATA, "'%s': %" PRIu64 " vectors, but the "
                     "header says %" PRIu64, index->map.path, alive, index->n);
    free(seen);
    free(vector);
    return rc;
}
