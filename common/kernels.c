/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kernels.h"

#include <math.h>
#include <string.h>

#include "rows.h"
#include "wide.h"

enum { LANES = BL_LANES, QUERIES = 4 };
typedef bl_lanes lanes;

static size_t padded(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* ---- Functions of 16 numbers at once ---- */

/* 2^y for y <= 0, down to 2^-126: the number nearest to y goes into the
 * exponent's bits, the rest through a polynomial.  NaN stays NaN. */
static BL_INLINE void exp2_lanes(lanes *y)
{
    const float magic = 12582912;       /* 1.5 * 2^23: adding it rounds */
    const lanes low = (lanes){ 0 } - 126;
    lanes rounded, r, p;

    bl_lanes_at_least(y, &low);
    rounded = *y + magic;
    r = *y - (rounded - magic);
    p = r * 1.54035304e-4f + 1.33335581e-3f;
    p = p * r + 9.61812911e-3f;
    p = p * r + 5.55041087e-2f;
    p = p * r + 2.40226507e-1f;
    p = p * r + 6.93147181e-1f;
    p = p * r + 1;
    p = (lanes)(((bl_lanes_int)rounded << 23) + (bl_lanes_int)p);
    *y = p + (*y - *y);                 /* 0, or NaN */
}

/* x * (1 + erf(x / sqrt(2))) / 2 by Abramowitz and Stegun 7.1.26. */
static BL_INLINE void gelu_lanes(lanes *x)
{
    lanes z = *x * 0.70710678f, half = *x * 0.5f, t, e, p;

    bl_lanes_absolute(&z);
    e = z * z * -1.44269504f;
    exp2_lanes(&e);
    t = 1 / (z * 0.3275911f + 1);
    p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    p = 1 - p * t * e;                  /* erf(|x| / sqrt(2)) */
    t = half;
    bl_lanes_absolute(&t);
    *x = half + t * p;
}

/* ---- Rows ---- */

/* x = (x - mean) / deviation * gain + bias, in place. */
static BL_INLINE void norm_row(float *x, const struct bl_norm *norm,
                               float epsilon, size_t n)
{
    lanes sum = { 0 }, square = { 0 }, v, gain, bias;
    float mean, scale;

    for (size_t i = 0; i < n; i += LANES) {
        bl_lanes_load(&v, x + i, n - i);
        sum += v;
    }
    mean = bl_lanes_sum(&sum) / (float)n;
    for (size_t i = 0; i < n; i += LANES) {
        size_t left = n - i;

        bl_lanes_load(&v, x + i, left);
        v -= mean;
        if (left < LANES)               /* the lanes beyond the row */
            for (size_t k = left; k < LANES; k++)
                v[k] = 0;
        square += v * v;
    }
    scale = 1 / sqrtf(bl_lanes_sum(&square) / (float)n + epsilon);
    for (size_t i = 0; i < n; i += LANES) {
        bl_lanes_load(&v, x + i, n - i);
        bl_lanes_load(&gain, norm->gain + i, n - i);
        bl_lanes_load(&bias, norm->bias + i, n - i);
        v = (v - mean) * scale * gain + bias;
        bl_lanes_store(&v, x + i, n - i);
    }
}

/* x = a + b + c */
static BL_INLINE void add_row(float *x, const float *a, const float *b,
                              const float *c, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        lanes u, v, w;

        bl_lanes_load(&u, a + i, n - i);
        bl_lanes_load(&v, b + i, n - i);
        bl_lanes_load(&w, c + i, n - i);
        u = u + v + w;
        bl_lanes_store(&u, x + i, n - i);
    }
}

BL_WIDE
void bl_kernel_look_up(const struct bl_shape *s, const struct bl_bert *t,
                       const int32_t *ids, const int32_t *positions,
                       const int32_t *segments, size_t n, float *x)
{
    size_t hidden = s->hidden;

    for (size_t i = 0; i < n; i++, x += hidden) {
        add_row(x, bl_row(&t->words, (size_t)ids[i], hidden, x),
                t->positions + (size_t)positions[i] * hidden,
                t->types + (size_t)segments[i] * hidden, hidden);
        norm_row(x, &t->norm, s->epsilon, hidden);
    }
}

BL_WIDE
void bl_kernel_add_norm(float *x, const float *y, const float *bias,
                        const struct bl_norm *norm, float epsilon, size_t n,
                        size_t hidden)
{
    for (size_t i = 0; i < n; i++) {
        add_row(x + i * hidden, x + i * hidden, y + i * hidden, bias,
                hidden);
        norm_row(x + i * hidden, norm, epsilon, hidden);
    }
}

BL_WIDE
void bl_kernel_gelu(float *x, const float *bias, size_t n, size_t w)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < w; k += LANES) {
            float *p = x + i * w + k;
            lanes v, b;

            bl_lanes_load(&v, p, w - k);
            bl_lanes_load(&b, bias + k, w - k);
            v += b;
            gelu_lanes(&v);
            bl_lanes_store(&v, p, w - k);
        }
}

/* ---- Attention ---- */

/* What attend() works in: keys transposed so that 16 keys are one load. */
struct room {
    float *keys;                /* [d][n padded] */
    float *values;              /* [n][d padded] */
    float *query;               /* [QUERIES][d] */
    float *scores;              /* [QUERIES][n padded] */
};

size_t bl_kernel_attend_scratch(size_t n, size_t d)
{
    return d * padded(n) + n * padded(d) + QUERIES * (d + padded(n));
}

static BL_INLINE void pack(const struct bl_attend *a, const struct room *r)
{
    size_t wide_n = padded(a->n), wide_d = padded(a->d);

    for (size_t c = 0; c < a->d; c++) {
        float *row = r->keys + c * wide_n;

        for (size_t j = 0; j < a->n; j++)
            row[j] = a->k[j * a->stride + c] + a->k_bias[c];
        for (size_t j = a->n; j < wide_n; j++)
            row[j] = 0;
    }
    for (size_t j = 0; j < a->n; j++)
        for (size_t c = 0; c < a->d; c += LANES) {
            lanes v, bias;

            bl_lanes_load(&v, a->v + j * a->stride + c, a->d - c);
            bl_lanes_load(&bias, a->v_bias + c, a->d - c);
            v += bias;
            memcpy(r->values + j * wide_d + c, &v, sizeof v);
        }
}

/* Rows i .. i + QUERIES of q, times log2(e) / sqrt(d), so that the softmax
 * can use powers of two; rows beyond the last are 0. */
static BL_INLINE void pack_queries(const struct bl_attend *a, size_t i,
                                   const struct room *r)
{
    float scale = 1.44269504f / sqrtf((float)a->d);

    for (size_t k = 0; k < QUERIES; k++)
        for (size_t c = 0; c < a->d; c++)
            r->query[k * a->d + c] = i + k < a->n_queries
                ? (a->q[(i + k) * a->stride + c] + a->q_bias[c]) * scale : 0;
}

/* sums[QUERIES][16] = the sum over i < n of row i's 16 floats times the
 * i-th number of each query.  Four sums by name: an array of them would
 * live in memory. */
static BL_INLINE void multiply_4(const float *rows, size_t stride,
                                 const float *by, size_t by_stride, size_t n,
                                 lanes sums[QUERIES])
{
    lanes a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, row;

    for (size_t i = 0; i < n; i++) {
        memcpy(&row, rows + i * stride, sizeof row);
        a += row * by[i];
        b += row * by[by_stride + i];
        c += row * by[2 * by_stride + i];
        d += row * by[3 * by_stride + i];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* scores[QUERIES][n] = query keys */
static BL_INLINE void score(const struct bl_attend *a, const struct room *r)
{
    size_t wide_n = padded(a->n);

    for (size_t j = 0; j < wide_n; j += LANES) {
        lanes sums[QUERIES];

        multiply_4(r->keys + j, wide_n, r->query, a->d, a->d, sums);
        for (size_t k = 0; k < QUERIES; k++)
            memcpy(r->scores + k * wide_n + j, &sums[k], sizeof sums[k]);
    }
}

/* One row: 2^(x - most), not yet divided by their sum, which it returns. */
static BL_INLINE float soften(float *x, size_t n)
{
    lanes most, v, sum = { 0 };
    float top;

    for (size_t j = n; j < padded(n); j++)
        x[j] = x[0];
    memcpy(&most, x, sizeof most);
    for (size_t j = LANES; j < n; j += LANES) {
        memcpy(&v, x + j, sizeof v);
        bl_lanes_at_least(&most, &v);
    }
    top = most[0];
    for (size_t k = 1; k < LANES; k++)
        top = most[k] > top ? most[k] : top;
    for (size_t j = 0; j < n; j += LANES) {
        memcpy(&v, x + j, sizeof v);
        v -= top;
        exp2_lanes(&v);
        memcpy(x + j, &v, sizeof v);
    }
    for (size_t j = n; j < padded(n); j++)
        x[j] = 0;
    for (size_t j = 0; j < n; j += LANES) {
        memcpy(&v, x + j, sizeof v);
        sum += v;
    }
    return bl_lanes_sum(&sum);
}

/* out rows i .. i + QUERIES = scores values / totals */
static BL_INLINE void mix(const struct bl_attend *a, size_t i,
                          const float *totals, const struct room *r)
{
    size_t wide_n = padded(a->n), wide_d = padded(a->d);

    for (size_t c = 0; c < a->d; c += LANES) {
        lanes sums[QUERIES];

        multiply_4(r->values + c, wide_d, r->scores, wide_n, a->n, sums);
        for (size_t k = 0; k < QUERIES && i + k < a->n_queries; k++) {
            sums[k] /= totals[k];
            bl_lanes_store(&sums[k], a->out + (i + k) * a->stride + c,
                           a->d - c);
        }
    }
}

BL_WIDE
void bl_kernel_attend(const struct bl_attend *a, float *scratch)
{
    size_t wide_n = padded(a->n), wide_d = padded(a->d);
    struct room r;

    r.keys = scratch;
    r.values = r.keys + a->d * wide_n;
    r.query = r.values + a->n * wide_d;
    r.scores = r.query + QUERIES * a->d;
    pack(a, &r);
    for (size_t i = 0; i < a->n_queries; i += QUERIES) {
        float totals[QUERIES];

        pack_queries(a, i, &r);
        score(a, &r);
        for (size_t k = 0; k < QUERIES; k++)
            totals[k] = soften(r.scores + k * wide_n, a->n);
        mix(a, i, totals, &r);
    }
}
