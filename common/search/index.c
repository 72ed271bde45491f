/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/index.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/finite.h"
#include "search/index-codes.h"
#include "search/index-file.h"
#include "base/mem.h"

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

/* ---- Opening ---- */

/* What has to be right before the rest of the header means anything. */
static int check_start(const struct bl_map *m, struct bl_err *err)
{
    const unsigned char *h = m->data;
    unsigned char sum[BL_SHA256_SIZE];

    if (m->size >= 8 && (!memcmp(h, "\200\2\212", 3)
                         || !memcmp(h, "PK\3\4", 4)))
        return bl_fail(err, BL_DATA, "'%s': a torch.save file, not a blink "
                                     "index; blink-index import makes an "
                                     "index from it",
                       m->path);
    if (m->size >= 8 && memcmp(h, INDEX_MAGIC, 8))
        return bl_fail(err, BL_DATA, "'%s': not a blink index (offset 0: "
                       "other magic bytes)", m->path);
    if (m->size < BL_INDEX_HEADER)
        return bl_fail(err, BL_DATA, "'%s': truncated: %zu bytes, but the "
                       "header takes %d", m->path, m->size,
                       BL_INDEX_HEADER);
    if (get32(h + AT_BYTE_ORDER) == __builtin_bswap32(INDEX_BYTE_ORDER))
        return bl_fail(err, BL_DATA, "'%s': offset %d: written in big-endian "
                       "byte order, expected little-endian", m->path,
                       AT_BYTE_ORDER);
    if (get32(h + AT_BYTE_ORDER) != INDEX_BYTE_ORDER)
        return bl_fail(err, BL_DATA, "'%s': offset %d: no byte order mark",
                       m->path, AT_BYTE_ORDER);
    if (get32(h + AT_VERSION) != BL_INDEX_VERSION
        && get32(h + AT_VERSION) != BL_INDEX_VERSION_BOTH)
        return bl_fail(err, BL_DATA, "'%s': offset %d: format version "
                       "%" PRIu32 ", expected %d or %d", m->path, AT_VERSION,
                       get32(h + AT_VERSION), BL_INDEX_VERSION,
                       BL_INDEX_VERSION_BOTH);
    header_sum(h, sum);
    if (memcmp(h + AT_SUM, sum, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': offset %d: wrong checksum: the "
                       "header is damaged", m->path, AT_SUM);
    return 0;
}

/* A name of 1..64 printable ASCII bytes, filled up with NULs; false when it
 * is none. */
static bool take_name(const unsigned char *p, char *out)
{
    size_t n = strnlen((const char *)p, BL_FINGERPRINT_MAX);

    memcpy(out, p, n);
    memset(out + n, 0, BL_FINGERPRINT_MAX + 1 - n);
    for (size_t i = 0; i < n; i++)
        if (p[i] < ' ' || p[i] > '~')
            return false;
    for (size_t i = n; i < BL_FINGERPRINT_MAX; i++)
        if (p[i])
            return false;
    return n > 0;
}

/* Each version has its own types. */
static int take_dtype(struct bl_index *x, struct bl_err *err)
{
    const unsigned char *h = x->map.data;
    uint32_t dtype = get32(h + AT_DTYPE);
    bool both = get32(h + AT_VERSION) == BL_INDEX_VERSION_BOTH;

    if (dtype < (both ? BL_DTYPE_F32_INT8 : BL_DTYPE_F32)
        || dtype > (both ? BL_DTYPE_F16_INT8 : BL_DTYPE_INT8))
        return bl_fail(err, BL_DATA, "'%s': offset %d: number type %" PRIu32
                       ", expected %s", x->map.path, AT_DTYPE, dtype,
                       both ? "4 or 5" : "1, 2 or 3");
    x->dtype = dtype;
    return 0;
}

static int take_fields(struct bl_index *x, struct bl_err *err)
{
    const unsigned char *h = x->map.data;
    const char *path = x->map.path;
    uint32_t dim = get32(h + AT_DIM);
    uint64_t size = get64(h + AT_SIZE);

    if (get32(h + AT_HEADER) != BL_INDEX_HEADER)
        return bl_fail(err, BL_DATA, "'%s': offset %d: header of %" PRIu32
                       " bytes, expected %d", path, AT_HEADER,
                       get32(h + AT_HEADER), BL_INDEX_HEADER);
    if (take_dtype(x, err) < 0)
        return -1;
    if (!dim || dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': offset %d: dimension %" PRIu32
                       ", expected 1 to %d", path, AT_DIM, dim,
                       BL_VECTOR_MAX_DIM);
    x->dim = dim;
    x->stride = stride_of(x->dtype, dim);
    x->code_stride = stride_of(BL_DTYPE_INT8, dim);
    x->padded = x->stride / dtype_size(x->dtype);
    if (get32(h + AT_STRIDE) != x->stride)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu32 " bytes a "
                       "vector, expected %zu", path, AT_STRIDE,
                       get32(h + AT_STRIDE), x->stride);
    if (size != x->map.size)
        return bl_fail(err, BL_DATA, "'%s': %s: %zu bytes, but the header "
                       "says %" PRIu64, path,
                       size > x->map.size ? "truncated" : "bytes at the end",
                       x->map.size, size);
    if (!take_name(h + AT_MODEL, x->model) || !take_name(h + AT_KB, x->kb))
        return bl_fail(err, BL_DATA, "'%s': offset %d: no valid "
                       "fingerprints", path, AT_MODEL);
    x->n = get64(h + AT_N);
    x->kb_entities = get64(h + AT_ENTITIES);
    if (x->kb_entities >= BL_INDEX_REMOVED || x->n > x->kb_entities)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu64 " vectors "
                       "for %" PRIu64 " entities", path, AT_N, x->n,
                       x->kb_entities);
    return 0;
}

/* NULL: there is none. */
static const void *part(const struct bl_index *x, uint64_t offset)
{
    return offset ? x->map.data + offset : NULL;
}

static int take_segment(struct bl_index *x, size_t i, uint64_t at,
                        uint64_t *end, struct bl_err *err)
{
    const unsigned char *e = x->map.data + AT_TABLE + i * ENTRY;
    struct bl_index_segment *s = &x->segments[i];
    struct extent have, want;
    uint64_t n = get64(e + AT_COUNT);

    have = (struct extent){ get64(e + AT_VECTORS), get64(e + AT_ROWS),
                            get64(e + AT_CODES), get64(e + AT_SCALES),
                            get64(e + AT_LOST), get64(e + AT_END) };
    if (n > (x->map.size - at) / x->stride)
        return bl_fail(err, BL_DATA, "'%s': segment %zu: %" PRIu64
                       " vectors of %zu bytes do not fit in %zu bytes",
                       x->map.path, i, n, x->stride, x->map.size);
    want = extent_of(at, n, x->dtype, x->dim);
    if (memcmp(&have, &want, sizeof have) || want.end > x->map.size)
        return bl_fail(err, BL_DATA, "'%s': segment %zu: offsets do not "
                       "follow from its %" PRIu64 " vectors", x->map.path, i,
                       n);
    s->n = n;
    s->vectors = x->map.data + want.vectors;
    s->rows = part(x, want.rows);
    s->codes = part(x, x->dtype == BL_DTYPE_INT8 ? want.vectors : want.codes);
    s->scales = part(x, want.scales);
    s->lost = part(x, want.lost);
    *end = want.end;
    return 0;
}

static int take_segments(struct bl_index *x, struct bl_err *err)
{
    uint32_t n = get32(x->map.data + AT_SEGMENTS);
    uint64_t at = BL_INDEX_HEADER, total = 0;

    if (n > BL_INDEX_MAX_SEGMENTS)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu32 " segments, "
                       "expected at most %d", x->map.path, AT_SEGMENTS, n,
                       BL_INDEX_MAX_SEGMENTS);
    for (size_t i = 0; i < n; i++) {
        if (take_segment(x, i, at, &at, err) < 0)
            return -1;
        total += x->segments[i].n;
    }
    x->n_segments = n;
    if (at != x->map.size)
        return bl_fail(err, BL_DATA, "'%s': %zu bytes, but its segments end "
                       "at %" PRIu64, x->map.path, x->map.size, at);
    if (x->n > total)
        return bl_fail(err, BL_DATA, "'%s': offset %d: %" PRIu64 " vectors, "
                       "but the segments hold %" PRIu64, x->map.path, AT_N,
                       x->n, total);
    return 0;
}

int bl_index_open(struct bl_index *x, const char *path, struct bl_err *err)
{
    memset(x, 0, sizeof *x);
    if (check_machine(err) < 0 || bl_map_open(&x->map, path, err) < 0)
        return -1;
    if (check_start(&x->map, err) < 0 || take_fields(x, err) < 0
        || take_segments(x, err) < 0) {
        bl_index_close(x);
        return -1;
    }
    return 0;
}

void bl_index_close(struct bl_index *x)
{
    bl_map_close(&x->map);
    memset(x, 0, sizeof *x);
}

int bl_index_check_kb(const struct bl_index *x, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err)
{
    if (x->kb_entities != entities)
        return bl_fail(err, BL_DATA, "'%s': made for a catalogue of %" PRIu64
                       " entities, but '%s' has %" PRIu64 "; make it again, "
                       "see blink-index(1)", x->map.path, x->kb_entities,
                       kb_path, entities);
    if (strcmp(x->kb, fingerprint))
        return bl_fail(err, BL_DATA, "'%s': made for catalogue %.*s, but "
                       "'%s' is %.*s; make it again, see blink-index(1)",
                       x->map.path, SHOWN, x->kb, kb_path, SHOWN,
                       fingerprint);
    return 0;
}

/* ---- Vectors as floats ---- */

static void decode_one(const struct bl_index *x,
                       const struct bl_index_segment *seg, uint64_t i,
                       float *out)
{
    const unsigned char *p = seg->vectors + i * x->stride;

    if (x->dtype != BL_DTYPE_INT8) {
        decode_wide(x->dtype, p, x->padded, out);
        return;
    }
    for (size_t j = 0; j < x->padded; j++)
        out[j] = seg->scales[i] * (float)(int8_t)p[j];
}

void bl_index_decode(const struct bl_index *x,
                     const struct bl_index_segment *seg, uint64_t first,
                     size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        decode_one(x, seg, first + i, out + i * x->padded);
}

/* ---- Verifying ---- */

/* seen: one bit per entity. */
static int verify_rows(const struct bl_index *x,
                       const struct bl_index_segment *s, uint64_t *seen,
                       uint64_t *alive, struct bl_err *err)
{
    for (uint64_t i = 0; i < s->n; i++) {
        uint32_t row = s->rows[i];
        uint64_t bit = (uint64_t)1 << row % 64;

        if (row == BL_INDEX_REMOVED)
            continue;
        if (row >= x->kb_entities)
            return bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": row %"
                           PRIu32 " of a catalogue of %" PRIu64 " entities",
                           x->map.path, i, row, x->kb_entities);
        if (seen[row / 64] & bit)
            return bl_fail(err, BL_DATA, "'%s': vector %" PRIu64 ": row %"
                           PRIu32 " comes twice", x->map.path, i, row);
        seen[row / 64] |= bit;
        ++*alive;
    }
    return 0;
}

/* One segment on its way through. */
struct verifier {
    const struct bl_index *x;
    const struct bl_index_segment *s;
    struct bl_sha256 sum;
    float *v;                   /* [padded] */
    int rc;                     /* of the values so far */
    struct bl_err err;
};

static int verify_values(struct verifier *f, uint64_t i)
{
    const struct bl_index *x = f->x;

    decode_one(x, f->s, i, f->v);
    if (bl_finite_before(f->v, x->padded) < x->padded)
        return bl_fail(&f->err, BL_DATA, "'%s': vector %" PRIu64 ": a value "
                       "is not finite", x->map.path, i);
    for (size_t j = x->dim; j < x->padded; j++)
        if (f->v[j] != 0)
            return bl_fail(&f->err, BL_DATA, "'%s': vector %" PRIu64 ": its "
                           "padding is not zero", x->map.path, i);
    return 0;
}

/* Codes beside f32 or f16. */
static int verify_codes(struct verifier *f, uint64_t i)
{
    const struct bl_index *x = f->x;
    const int8_t *codes = f->s->codes + i * x->code_stride;
    double lost;

    if (!isfinite(f->s->scales[i]))
        return bl_fail(&f->err, BL_DATA, "'%s': vector %" PRIu64 ": its "
                       "scale is not finite", x->map.path, i);
    for (size_t j = x->dim; j < x->code_stride; j++)
        if (codes[j])
            return bl_fail(&f->err, BL_DATA, "'%s': vector %" PRIu64 ": the "
                           "padding of its codes is not zero", x->map.path,
                           i);
    decode_one(x, f->s, i, f->v);
    lost = bl_index_lost(f->v, f->s->scales[i], codes, x->dim);
    if (!((double)f->s->lost[i] >= lost))
        return bl_fail(&f->err, BL_DATA, "'%s': vector %" PRIu64 ": its "
                       "codes lost %.9g, but the file says %.9g",
                       x->map.path, i, lost, (double)f->s->lost[i]);
    return 0;
}

/* Once through one part of the segment, `stride` bytes for each vector, for
 * the checksum and the values together; what was read is given back, so that
 * an index may be larger than memory. */
static void verify_part(struct verifier *f, const void *part, size_t stride,
                        int (*check)(struct verifier *f, uint64_t i))
{
    const unsigned char *p = part;
    uint64_t step = PIECE / stride + 1, n;

    for (uint64_t at = 0; at < f->s->n; at += n) {
        n = BL_MIN(f->s->n - at, step);
        bl_sha256_add(&f->sum, p + at * stride, (size_t)n * stride);
        for (uint64_t i = at; i < at + n && !f->rc; i++)
            f->rc = check(f, i);
        bl_map_forget(&f->x->map);
    }
}

/* A wrong checksum is what is reported first: it says why values are wrong. */
static int verify_segment(const struct bl_index *x, size_t i, float *v,
                          struct bl_err *err)
{
    const struct bl_index_segment *s = &x->segments[i];
    const unsigned char *e = x->map.data + AT_TABLE + i * ENTRY;
    struct extent at = extent_of(get64(e), s->n, x->dtype, x->dim);
    struct verifier f = { .x = x, .s = s, .v = v };
    uint64_t tables = at.codes ? at.codes : at.end;
    unsigned char sum[BL_SHA256_SIZE];

    bl_sha256_init(&f.sum);
    verify_part(&f, s->vectors, x->stride, verify_values);
    bl_sha256_add(&f.sum, x->map.data + at.rows, (size_t)(tables - at.rows));
    if (at.codes) {
        verify_part(&f, s->codes, x->code_stride, verify_codes);
        bl_sha256_add(&f.sum, x->map.data + at.scales,
                      (size_t)(at.end - at.scales));
    }
    bl_sha256_end(&f.sum, sum);
    if (memcmp(sum, e + AT_SEGMENT_SUM, sizeof sum))
        return bl_fail(err, BL_DATA, "'%s': segment %zu (offset %" PRIu64
                       " to %" PRIu64 "): wrong checksum: damaged",
                       x->map.path, i, at.vectors, at.end);
    if (f.rc < 0)
        *err = f.err;
    return f.rc;
}

int bl_index_verify(const struct bl_index *x, struct bl_err *err)
{
    uint64_t *seen = bl_xcalloc((size_t)(x->kb_entities / 64 + 1), 8);
    float *v = bl_xmalloc(x->padded, sizeof *v);
    uint64_t alive = 0;
    int rc = 0;

    for (size_t i = 0; i < x->n_segments && !rc; i++)
        if (verify_segment(x, i, v, err) < 0
            || verify_rows(x, &x->segments[i], seen, &alive, err) < 0)
            rc = -1;
    if (!rc && alive != x->n)
        rc = bl_fail(err, BL_DATA, "'%s': %" PRIu64 " vectors, but the "
                     "header says %" PRIu64, x->map.path, alive, x->n);
    free(seen);
    free(v);
    return rc;
}
