/* SPDX-License-Identifier: MIT */
/*
 * int8-rows-template: from numbers to codes and from sums to numbers,
 * included by int8.c once per instruction set with
 *
 *     NAME(x), LANES, TARGET      as in simd.h
 */
#include "net/lanes-template.h"

#define lanes NAME(lanes)
#define lanes_int NAME(lanes_int)
#define load NAME(lanes_load)
#define store NAME(lanes_store)

/* ---- Numbers to codes ---- */

typedef uint8_t NAME(bytes) __attribute__((vector_size(LANES)));

/* LANES codes, round(x * factor) + zero: adding 1.5 * 2^23 rounds to a whole
 * number, which the low bits then hold. */
TARGET static BL_INLINE void NAME(to_codes)(const lanes *x, float factor,
                                            int32_t zero, unsigned char *codes)
{
    lanes rounded = *x * factor + 12582912;
    lanes_int whole = (lanes_int)rounded - (0x4b400000 - zero);
    NAME(bytes) bytes = __builtin_convertvector(whole, NAME(bytes));

    memcpy(codes, &bytes, sizeof bytes);
}

/* Numbers of x times those of by (NULL: 1); left of them, the others are
 * 0. */
TARGET static BL_INLINE void NAME(load_product)(lanes *v, const float *x,
                                                const float *by, size_t left)
{
    lanes b;

    load(v, x, left);
    if (!by)
        return;
    load(&b, by, left);
    *v *= b;
}

/* The largest number above 0 and the largest below without its sign, as
 * bits: those of positive floats are in the order of the floats, infinity
 * and NaN the largest, and all others are below 0. */
struct NAME(range) {
    lanes_int above, below;
};

TARGET static BL_INLINE void NAME(raise)(lanes_int *v, const lanes_int *low)
{
    lanes_int less = *v < *low;

    *v = (*low & less) | (*v & ~less);
}

TARGET static BL_INLINE void NAME(widen)(struct NAME(range) *r, const float *x,
                                         const float *by, size_t left)
{
    lanes_int above, below;
    lanes v;

    NAME(load_product)(&v, x, by, left);
    above = (lanes_int)v;
    below = above ^ INT32_MIN;
    NAME(raise)(&r->above, &above);
    NAME(raise)(&r->below, &below);
}

/* v is raised to v's lanes from n on. */
#define FOLD(n) \
    turned = BL_LANES_TURN(lanes_int, LANES, v, n); \
    NAME(raise)(&v, &turned)

TARGET static BL_INLINE float NAME(largest)(const lanes_int *of)
{
    lanes_int v = *of, turned;
    int32_t most;
    float f;

    if (LANES > 8) {
        FOLD(8);
    }
    if (LANES > 4) {
        FOLD(4);
    }
    FOLD(2);
    FOLD(1);
    most = v[0];
    memcpy(&f, &most, sizeof f);
    return f;
}

#undef FOLD

/* The smallest and the largest number of x[n] * by and 0; false unless all
 * are finite.  Several ranges, as one would wait for itself. */
TARGET static BL_INLINE bool NAME(range_of)(const float *x, const float *by,
                                            size_t n, float *low, float *high)
{
    struct NAME(range) r[RANGES] = { { { 0 }, { 0 } } };
    size_t i = 0;

    for (; i + RANGES * LANES <= n; i += RANGES * LANES)
        BL_UNROLL(8)
        for (size_t k = 0; k < RANGES; k++)
            NAME(widen)(&r[k], x + i + k * LANES,
                        by ? by + i + k * LANES : NULL, LANES);
    for (; i < n; i += LANES)
        NAME(widen)(&r[0], x + i, by ? by + i : NULL, n - i);
    BL_UNROLL(8)
    for (size_t k = 1; k < RANGES; k++) {
        NAME(raise)(&r[0].above, &r[k].above);
        NAME(raise)(&r[0].below, &r[k].below);
    }
    *high = NAME(largest)(&r[0].above);
    *low = -NAME(largest)(&r[0].below);
    return isfinite(*high) && isfinite(*low);
}

TARGET static BL_INLINE void NAME(prepare)(const float *x, const float *by,
                                           size_t in, size_t width,
                                           unsigned char *codes)
{
    struct scale s = { NAN, 0 };
    float low, high, factor;
    size_t i = 0;
    lanes v;

    if (!NAME(range_of)(x, by, in, &low, &high) || !isfinite(high - low)) {
        memset(codes, 0, width);
        memcpy(codes + width, &s, sizeof s);
        return;
    }
    /* The smallest ranges have no finite inverse: as if they were 0. */
    factor = high - low > 1e-30f ? levels / (high - low) : 0;
    s.scale = (high - low) / levels;
    s.zero = (int32_t)(-low * factor + 0.5f);
    for (; i + LANES <= in; i += LANES) {
        NAME(load_product)(&v, x + i, by ? by + i : NULL, LANES);
        NAME(to_codes)(&v, factor, s.zero, codes + i);
    }
    for (; i < width; i += LANES) {
        v = (lanes){ 0 };
        if (i < in)
            NAME(load_product)(&v, x + i, by ? by + i : NULL, in - i);
        NAME(to_codes)(&v, factor, s.zero, codes + i);
    }
    memcpy(codes + width, &s, sizeof s);
}

/* bl_int8_prepare(). */
TARGET static void NAME(prepare_row)(const struct bl_int8 *m, const float *x,
                                     unsigned char *row)
{
    if (m->shrink)
        NAME(prepare)(x, m->shrink, m->in, m->width, row);
    else
        NAME(prepare)(x, NULL, m->in, m->width, row);
}

/* One output: w[in] * by to the codes of its column of a block. */
TARGET static void NAME(pack_output)(const float *w, const float *by,
                                     size_t in, size_t width, int8_t *codes,
                                     float *scale, int32_t *sum)
{
    float low, high, factor = 0;
    bool good = NAME(range_of)(w, by, in, &low, &high);

    high = BL_MAX(high, -low);
    *scale = good ? high / 127 : NAN;
    *sum = 0;
    if (high > 1e-30f)
        factor = 127 / high;
    for (size_t i = 0; i < width; i += LANES) {
        int8_t some[LANES];
        lanes v = { 0 };

        if (good && i < in)
            NAME(load_product)(&v, w + i, by ? by + i : NULL, in - i);
        NAME(to_codes)(&v, factor, 0, (unsigned char *)some);
        for (size_t k = 0; k < LANES; k += 4)
            memcpy(codes + (i + k) * OUTS, some + k, 4);
        for (size_t k = 0; k < LANES; k++)
            *sum += some[k];
    }
}

/* ---- Sums to numbers ---- */

/* Columns of n rows: m registers of them, of which the last holds `left`. */
TARGET static BL_INLINE void NAME(columns)(const struct sums *s, int m,
                                           size_t at, size_t left)
{
    lanes_int taken[COLUMNS], whole;
    lanes scales[COLUMNS], v;

    BL_UNROLL(8)
    for (int k = 0; k < m; k++) {
        memcpy(&taken[k], s->taken + at + LANES * k, sizeof whole);
        memcpy(&scales[k], s->scales + at + LANES * k, sizeof v);
    }
    for (size_t i = 0; i < s->n; i++) {
        const int32_t *sums = s->sums + i * s->stride + at;
        float *y = s->y + i * s->y_stride + at;
        struct scale row;

        memcpy(&row, s->rows + i * s->row_stride, sizeof row);
        BL_UNROLL(8)
        for (int k = 0; k < m; k++) {
            memcpy(&whole, sums + LANES * k, sizeof whole);
            v = __builtin_convertvector(whole - row.zero * taken[k], lanes)
                * (scales[k] * row.scale);
            store(&v, y + LANES * k, k + 1 < m ? LANES : left);
        }
    }
}

/* y = (sums - zero * (sums of the weights)) * scales. */
TARGET static void NAME(to_floats)(const struct sums *s)
{
    size_t at = 0, n = s->width;

    for (; at + COLUMNS * LANES <= n; at += COLUMNS * LANES)
        NAME(columns)(s, COLUMNS, at, LANES);
    for (; at + LANES <= n; at += LANES)
        NAME(columns)(s, 1, at, LANES);
    if (at < n)
        NAME(columns)(s, 1, at, n - at);
}

#undef lanes
#undef lanes_int
#undef load
#undef store
#undef NAME
#undef LANES
#undef TARGET
