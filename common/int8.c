/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "int8.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "wide.h"

enum {
    LANES = BL_LANES,
    OUTS = BL_INT8_OUTS,
    ALIGN = 64,
    PANEL = 4,                  /* blocks whose sums are kept at once */
    ROWS = 96                   /* and rows: 24 KiB; whole tiles of all
                                 * kernels */
};
typedef bl_lanes lanes;

/* What stands behind the codes of a prepared row. */
struct scale {
    float scale;
    int32_t zero;
};

static size_t padded(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* ---- Numbers to codes ---- */

typedef uint8_t lanes_byte __attribute__((vector_size(BL_LANES)));

/* Codes fill 0..254 only: zero and a number are rounded apart from each
 * other, which may add one. */
static const float levels = 254;

/* codes = round(x * factor) + zero, 16 at once: adding 1.5 * 2^23 rounds to
 * a whole number, which the low bits then hold. */
static BL_INLINE void to_codes(const lanes *x, float factor, int32_t zero,
                               lanes_byte *codes)
{
    lanes rounded = *x * factor + 12582912;
    bl_lanes_int whole = (bl_lanes_int)rounded - (0x4b400000 - zero);

    *codes = __builtin_convertvector(whole, lanes_byte);
}

/* 16 numbers of x times those of by (NULL: 1); left of them, the others are
 * 0. */
static BL_INLINE void load_product(lanes *v, const float *x, const float *by,
                                   size_t left)
{
    lanes b;

    bl_lanes_load(v, x, left);
    if (!by)
        return;
    bl_lanes_load(&b, by, left);
    *v *= b;
}

/* The largest number above 0 and the largest below without its sign, as
 * bits: those of positive floats are in the order of the floats, infinity
 * and NaN the largest, and all others are below 0. */
struct range {
    bl_lanes_int above, below;
};

static BL_INLINE void at_least(bl_lanes_int *v, bl_lanes_int low)
{
    bl_lanes_int less = *v < low;

    *v = (low & less) | (*v & ~less);
}

static BL_INLINE void widen(struct range *r, const lanes *v)
{
    at_least(&r->above, (bl_lanes_int)*v);
    at_least(&r->below, (bl_lanes_int)*v ^ INT32_MIN);
}

/* In all lanes what was in one. */
static BL_INLINE void gather(bl_lanes_int *v)
{
    at_least(v, BL_LANES_TURN(bl_lanes_int, 16, *v, 8));
    at_least(v, BL_LANES_TURN(bl_lanes_int, 16, *v, 4));
    at_least(v, BL_LANES_TURN(bl_lanes_int, 16, *v, 2));
    at_least(v, BL_LANES_TURN(bl_lanes_int, 16, *v, 1));
}

/* The smallest and the largest number of x[n] * by and 0; false unless all
 * are finite.  Two ranges, as one would wait for itself. */
static BL_INLINE bool range_of(const float *x, const float *by, size_t n,
                               float *low, float *high)
{
    struct range r = { { 0 }, { 0 } }, s = r;
    size_t i = 0;
    lanes v;

    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        load_product(&v, x + i, by ? by + i : NULL, LANES);
        widen(&r, &v);
        load_product(&v, x + i + LANES, by ? by + i + LANES : NULL, LANES);
        widen(&s, &v);
    }
    for (; i < n; i += LANES) {
        load_product(&v, x + i, by ? by + i : NULL, n - i);
        widen(&r, &v);
    }
    at_least(&r.above, s.above);
    at_least(&r.below, s.below);
    gather(&r.above);
    gather(&r.below);
    memcpy(high, &r.above, sizeof *high);
    memcpy(low, &r.below, sizeof *low);
    *low = -*low;
    return isfinite(*high) && isfinite(*low);
}

size_t bl_int8_width(size_t in)
{
    return padded(in, BL_INT8_INS);
}

size_t bl_int8_row_size(size_t in)
{
    return padded(in, BL_INT8_INS) + ALIGN;
}

/* The codes of x[in] * by, and 0s up to width. */
static BL_INLINE void row_to_codes(const float *x, const float *by,
                                   size_t in, size_t width,
                                   const struct scale *s, float factor,
                                   unsigned char *codes)
{
    lanes_byte bytes;
    size_t i = 0;
    lanes v;

    for (; i + LANES <= in; i += LANES) {
        load_product(&v, x + i, by ? by + i : NULL, LANES);
        to_codes(&v, factor, s->zero, &bytes);
        memcpy(codes + i, &bytes, sizeof bytes);
    }
    for (; i < width; i += LANES) {
        v = (lanes){ 0 };
        if (i < in)
            load_product(&v, x + i, by ? by + i : NULL, in - i);
        to_codes(&v, factor, s->zero, &bytes);
        memcpy(codes + i, &bytes, sizeof bytes);
    }
}

static BL_INLINE void prepare(const float *x, const float *by, size_t in,
                              size_t width, unsigned char *codes)
{
    struct scale s = { NAN, 0 };
    float low, high, factor;

    if (!range_of(x, by, in, &low, &high) || !isfinite(high - low)) {
        memset(codes, 0, width);
        memcpy(codes + width, &s, sizeof s);
        return;
    }
    /* The smallest ranges have no finite inverse: as if they were 0. */
    factor = high - low > 1e-30f ? levels / (high - low) : 0;
    s.scale = (high - low) / levels;
    s.zero = (int32_t)(-low * factor + 0.5f);
    row_to_codes(x, by, in, width, &s, factor, codes);
    memcpy(codes + width, &s, sizeof s);
}

BL_WIDE
void bl_int8_prepare(const struct bl_int8 *m, const float *x, void *row)
{
    if (m->shrink)
        prepare(x, m->shrink, m->in, m->width, row);
    else
        prepare(x, NULL, m->in, m->width, row);
}

/* ---- Weights ---- */

/* One output: w[in] * by to the codes of its column of a block. */
BL_WIDE
static void pack_output(const float *w, const float *by, size_t in,
                        size_t width, int8_t *codes, float *scale,
                        int32_t *sum)
{
    float low, high, factor = 0;
    bool good = range_of(w, by, in, &low, &high);

    high = high > -low ? high : -low;
    *scale = good ? high / 127 : NAN;
    *sum = 0;
    if (high > 1e-30f)
        factor = 127 / high;
    for (size_t i = 0; i < width; i += LANES) {
        int8_t four[LANES];
        lanes_byte bytes;
        lanes v;

        v = (lanes){ 0 };
        if (good && i < in)
            load_product(&v, w + i, by ? by + i : NULL, in - i);
        to_codes(&v, factor, 0, &bytes);
        memcpy(four, &bytes, sizeof four);
        for (size_t k = 0; k < LANES; k += 4)
            memcpy(codes + (i + k) * OUTS, four + k, 4);
        for (size_t k = 0; k < LANES; k++)
            *sum += four[k];
    }
}

void bl_int8_pack(struct bl_int8 *m, const struct bl_linear *l,
                  const float *factors)
{
    size_t blocks = padded(l->out, OUTS) / OUTS, n = blocks * OUTS;
    size_t width = padded(l->in, BL_INT8_INS), words = 2 * n + width;
    int8_t *codes = bl_xaligned(n * width + words * 4, 1);
    float *scales = (void *)(codes + n * width), *shrink;
    int32_t *sums = (void *)(scales + n);

    BL_ASSERT(l->in <= BL_INT8_MAX_IN);
    shrink = (void *)(sums + n);
    *m = (struct bl_int8){ l->out, l->in, blocks, width, codes, scales, sums,
                           factors ? shrink : NULL, codes };
    memset(scales, 0, words * 4);
    if (blocks)                         /* outputs beyond the last */
        memset(codes + (n - OUTS) * width, 0, OUTS * width);
    for (size_t o = 0; o < l->out; o++)
        pack_output(l->w + o * l->in, factors, l->in, width,
                    codes + o / OUTS * OUTS * width + o % OUTS * 4,
                    scales + o, sums + o);
    for (size_t k = 0; k < l->in && factors; k++)
        shrink[k] = 1 / factors[k];
}

void bl_int8_unpack(const struct bl_int8 *m, float *w)
{
    for (size_t o = 0; o < m->out; o++, w += m->in) {
        const int8_t *codes = m->codes + o / OUTS * OUTS * m->width
            + o % OUTS * 4;

        for (size_t k = 0; k < m->in; k++)
            w[k] = m->scales[o] * (float)codes[k / 4 * 4 * OUTS + k % 4]
                * (m->shrink ? m->shrink[k] : 1);
    }
}

void bl_int8_free(struct bl_int8 *m)
{
    free(m->memory);
    *m = (struct bl_int8){ 0 };
}

/* ---- Products ---- */

/* y = (sums - zero * (sums of the weights)) * scales, for n rows of `width`
 * numbers. */
BL_WIDE
static void to_floats(const struct bl_int8 *m, size_t from, size_t width,
                      const unsigned char *rows, size_t row_stride, size_t n,
                      const int32_t *sums, size_t sums_stride, float *y,
                      size_t y_stride)
{
    for (size_t i = 0; i < n; i++) {
        struct scale s;

        memcpy(&s, rows + i * row_stride + m->width, sizeof s);
        for (size_t k = 0; k < width; k += LANES) {
            bl_lanes_int whole, taken;
            lanes v, scale;

            memcpy(&whole, sums + i * sums_stride + k, sizeof whole);
            memcpy(&taken, m->sums + from + k, sizeof taken);
            memcpy(&scale, m->scales + from + k, sizeof scale);
            v = __builtin_convertvector(whole - s.zero * taken, lanes);
            v *= scale * s.scale;
            bl_lanes_store(&v, y + i * y_stride + k, width - k);
        }
    }
}

void bl_int8_multiply(const struct bl_int8 *m,
                      const struct bl_int8_kernel *kernel, const void *rows,
                      size_t n, size_t from, size_t to, float *y,
                      size_t stride)
{
    enum { WIDTH = PANEL * OUTS };
    _Alignas(ALIGN) int32_t sums[ROWS * WIDTH];
    size_t row = bl_int8_row_size(m->in);

    BL_ASSERT(from % OUTS == 0 && to <= m->out);
    for (size_t at = from; at < to; at += WIDTH) {
        size_t width = to - at < WIDTH ? to - at : WIDTH;

        for (size_t i = 0; i < n; i += ROWS) {
            const unsigned char *x = (const unsigned char *)rows + i * row;
            size_t count = n - i < ROWS ? n - i : ROWS;

            kernel->multiply(x, row, count, m->codes + at * m->width,
                             m->width, padded(width, OUTS) / OUTS, sums,
                             WIDTH);
            to_floats(m, at, width, x, row, count, sums, WIDTH,
                      y + i * stride + at, stride);
        }
    }
}
