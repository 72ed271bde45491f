/* SPDX-License-Identifier: MIT */
/*
 * kernels-template: the text of all kernels, included by kernels.c once per
 * instruction set with
 *
 *     NAME(x), LANES, TARGET      as in simd.h
 *     QUERIES     of a tile of attention's results, LANES at most: twice as
 *                 many sums stay in registers
 */
#include "net/lanes-template.h"

#define lanes NAME(lanes)
#define lanes_int NAME(lanes_int)
#define load NAME(lanes_load)
#define store NAME(lanes_store)

/* ---- Functions ---- */

/* 2^y for y <= 0, down to 2^-126: the number nearest to y goes into the
 * exponent's bits, the rest through a polynomial.  NaN stays NaN. */
TARGET static BL_INLINE void NAME(exp2_lanes)(lanes *y)
{
    const float magic = 12582912;       /* 1.5 * 2^23: adding it rounds */
    const lanes low = (lanes){ 0 } - 126;
    lanes rounded, r, p;

    NAME(lanes_at_least)(y, &low);
    rounded = *y + magic;
    r = *y - (rounded - magic);
    p = r * 1.54035304e-4f + 1.33335581e-3f;
    p = p * r + 9.61812911e-3f;
    p = p * r + 5.55041087e-2f;
    p = p * r + 2.40226507e-1f;
    p = p * r + 6.93147181e-1f;
    p = p * r + 1;
    p = (lanes)(((lanes_int)rounded << 23) + (lanes_int)p);
    *y = p + (*y - *y);                 /* 0, or NaN */
}

/* x * (1 + erf(x / sqrt(2))) / 2, which is x above 0 and 0 below, less what
 * |x| decides.  Two sums, as one would wait for itself. */
TARGET static BL_INLINE void NAME(gelu_lanes)(lanes *x)
{
    const lanes most = (lanes){ 0 } + gelu_end;
    lanes u = *x, odd = { 0 }, even = { 0 }, square;
    lanes_int positive = (lanes_int)*x & ~((lanes_int)*x >> 31);

    NAME(lanes_absolute)(&u);
    NAME(lanes_at_most)(&u, &most);
    u = u * (2 / gelu_end) - 1;
    square = u * u;
    odd += gelu_terms[GELU_TERMS - 2];
    even += gelu_terms[GELU_TERMS - 1];
    BL_UNROLL(16)
    for (int i = GELU_TERMS - 3; i > 0; i -= 2) {
        even = even * square + gelu_terms[i];
        odd = odd * square + gelu_terms[i - 1];
    }
    even = even * square + gelu_terms[0];
    *x = (lanes)positive + (odd * u + even);
}

/* 1 / (1 + exp(-x)) times `by`: exp of -|x| alone, which cannot overflow, is
 * above or below the line by the sign of x. */
TARGET static BL_INLINE void NAME(times_sigmoid)(lanes *by, const lanes *x)
{
    const lanes one = (lanes){ 0 } + 1;
    lanes_int negative = (lanes_int)*x >> 31;
    lanes e = *x, above;

    NAME(lanes_absolute)(&e);
    e = e * -1.44269504f;               /* log2(e) */
    NAME(exp2_lanes)(&e);
    above = (lanes)(((lanes_int)e & negative) | ((lanes_int)one & ~negative));
    *by = *by * (above / (e + 1));
}

/* (1 + tanh(u)) / 2 is the sigmoid of 2 u. */
TARGET static BL_INLINE void NAME(gelu_tanh_lanes)(lanes *x)
{
    lanes twice = *x * 1.59576912f      /* 2 * sqrt(2 / pi) */
        * (*x * *x * 0.044715f + 1);

    NAME(times_sigmoid)(x, &twice);
}

TARGET static BL_INLINE void NAME(relu_lanes)(lanes *x)
{
    const lanes zero = { 0 };

    NAME(lanes_at_least)(x, &zero);
}

TARGET static BL_INLINE void NAME(silu_lanes)(lanes *x)
{
    const lanes own = *x;

    NAME(times_sigmoid)(x, &own);
}

/* ---- Rows ---- */

/* x = a + b + c, added to *sum */
TARGET static BL_INLINE void NAME(add)(float *x, const float *a,
                                       const float *b, const float *c,
                                       size_t left, lanes *sum)
{
    lanes u, v, w;

    load(&u, a, left);
    load(&v, b, left);
    load(&w, c, left);
    u = u + v + w;
    *sum += u;
    store(&u, x, left);
}

/* (x - mean)^2, added to *sum */
TARGET static BL_INLINE void NAME(square)(const float *x, float mean,
                                          size_t left, lanes *sum)
{
    lanes v;

    load(&v, x, left);
    v -= mean;
    for (size_t k = left; k < LANES; k++)       /* beyond the row */
        v[k] = 0;
    *sum += v * v;
}

/* x = (x - mean) * scale * gain + bias */
TARGET static BL_INLINE void NAME(rescale)(float *x, float mean, float scale,
                                           const float *gain,
                                           const float *bias, size_t left)
{
    lanes v, g, b;

    load(&v, x, left);
    load(&g, gain, left);
    load(&b, bias, left);
    v = (v - mean) * scale * g + b;
    store(&v, x, left);
}

/* x = norm(a + b + c) */
TARGET static BL_INLINE void NAME(norm)(float *x, const float *a,
                                        const float *b, const float *c,
                                        const struct bl_norm *norm,
                                        float epsilon, size_t n)
{
    lanes sum = { 0 }, squares = { 0 };
    float mean, scale;

    BL_LANES_EACH(LANES, n,
                  NAME(add)(x + i, a + i, b + i, c + i, left, &sum));
    mean = NAME(lanes_sum)(&sum) / (float)n;
    BL_LANES_EACH(LANES, n, NAME(square)(x + i, mean, left, &squares));
    scale = 1 / sqrtf(NAME(lanes_sum)(&squares) / (float)n + epsilon);
    BL_LANES_EACH(LANES, n, NAME(rescale)(x + i, mean, scale, norm->gain + i,
                                          norm->bias + i, left));
}

TARGET static void NAME(look_up)(const struct bl_shape *s,
                                 const struct bl_bert *t, const int32_t *ids,
                                 const int32_t *positions,
                                 const int32_t *segments, size_t n, float *x)
{
    size_t hidden = s->hidden;

    for (size_t i = 0; i < n; i++, x += hidden)
        NAME(norm)(x, bl_row(&t->words, (size_t)ids[i], hidden, x),
                   t->positions + (size_t)positions[i] * hidden,
                   t->types + (size_t)segments[i] * hidden, &t->norm,
                   s->epsilon, hidden);
}

TARGET static void NAME(add_norm)(float *x, const float *y, const float *bias,
                                  const struct bl_norm *norm, float epsilon,
                                  size_t n, size_t hidden)
{
    for (size_t i = 0; i < n; i++, x += hidden, y += hidden)
        NAME(norm)(x, x, y, bias, norm, epsilon, hidden);
}

/* A row function for one activation; `apply` is inlined into it, so that the
 * choice costs nothing within a row. */
#define ACTIVATION(name) \
    TARGET static BL_INLINE void NAME(name##_of_sum)( \
        float *x, const float *bias, size_t left) \
    { \
        lanes v, b; \
        load(&v, x, left); \
        load(&b, bias, left); \
        v += b; \
        NAME(name##_lanes)(&v); \
        store(&v, x, left); \
    } \
    TARGET static void NAME(name)(float *x, const float *bias, size_t n, \
                                  size_t w) \
    { \
        for (size_t row = 0; row < n; row++, x += w) \
            BL_LANES_EACH(LANES, w, \
                          NAME(name##_of_sum)(x + i, bias + i, left)); \
    }

ACTIVATION(gelu)
ACTIVATION(gelu_tanh)
ACTIVATION(relu)
ACTIVATION(silu)
#undef ACTIVATION

/* ---- Attention ---- */

/*
 * A lane is a query, LANES of them at a time: their products with a key, and
 * what the softmax makes of these, need nothing of each other.  Keys and
 * values are read where they lie.  A tile is what the sums in registers
 * belong to.
 */

/* Rows become columns: again and again, the upper half of the rows and the
 * lower are shuffled like two halves of a pack of cards, and so are the
 * numbers of two such rows. */
TARGET static BL_INLINE void NAME(transpose)(lanes m[LANES])
{
    enum { HALF = LANES / 2 };

    BL_UNROLL(4)
    for (int size = 1; size < LANES; size *= 2) {
        lanes t[LANES];

        BL_UNROLL(8)
        for (int i = 0; i < HALF; i++) {
            t[2 * i] = BL_LANES_ZIP(lanes_int, LANES, m[i], m[i + HALF], 0);
            t[2 * i + 1] = BL_LANES_ZIP(lanes_int, LANES, m[i], m[i + HALF],
                                        LANES / 2);
        }
        BL_UNROLL(16)
        for (int i = 0; i < LANES; i++)
            m[i] = t[i];
    }
}

/* Columns [c, c + left) of rows i .. i + LANES of q, times scale; rows
 * beyond the last are 0. */
TARGET static BL_INLINE void NAME(pack_queries)(const struct bl_attend *a,
                                                size_t i, size_t c,
                                                size_t left, float scale,
                                                float *query)
{
    const float *q = a->q + i * a->stride + c;
    lanes m[LANES], bias;

    load(&bias, a->q_bias + c, left);
    BL_UNROLL(16)
    for (size_t k = 0; k < LANES; k++) {
        m[k] = (lanes){ 0 };
        if (i + k < a->n_queries) {
            load(&m[k], q + k * a->stride, left);
            m[k] = (m[k] + bias) * scale;
        }
    }
    NAME(transpose)(m);
    memcpy(query + c * LANES, m, sizeof m);
}

/* The products of m keys, from j on, with the queries; *most is raised to
 * the largest. */
TARGET static BL_INLINE void NAME(score)(const struct bl_attend *a, size_t j,
                                         int m, const struct room *r,
                                         lanes *most)
{
    const float *k = a->k + j * a->stride;
    lanes sums[KEYS], query;

    BL_UNROLL(16)
    for (int i = 0; i < m; i++)
        sums[i] = (lanes){ 0 };
    for (size_t c = 0; c < a->d; c++) {
        memcpy(&query, r->query + c * LANES, sizeof query);
        BL_UNROLL(16)
        for (int i = 0; i < m; i++)
            sums[i] += query * k[(size_t)i * a->stride + c];
    }
    BL_UNROLL(16)
    for (int i = 0; i < m; i++) {
        NAME(lanes_at_least)(most, &sums[i]);
        memcpy(r->scores + (j + (size_t)i) * LANES, &sums[i], sizeof query);
    }
}

/* All keys; the last tile overlaps the one before. */
TARGET static BL_INLINE void NAME(score_all)(const struct bl_attend *a,
                                             const struct room *r, lanes *most)
{
    size_t j = 0;

    *most = (lanes){ 0 } - INFINITY;
    for (; j + KEYS <= a->n; j += KEYS)
        NAME(score)(a, j, KEYS, r, most);
    if (j < a->n && a->n > KEYS)
        NAME(score)(a, a->n - KEYS, KEYS, r, most);
    else
        for (; j < a->n; j++)
            NAME(score)(a, j, 1, r, most);
}

/* 2^(x - most), not yet divided by their sums. */
TARGET static BL_INLINE void NAME(soften)(size_t n, const lanes *most,
                                          float *x, lanes *sum)
{
    lanes v;

    *sum = (lanes){ 0 };
    for (size_t j = 0; j < n; j++) {
        memcpy(&v, x + j * LANES, sizeof v);
        v -= *most;
        NAME(exp2_lanes)(&v);
        *sum += v;
        memcpy(x + j * LANES, &v, sizeof v);
    }
}

/* Columns c .. of QUERIES rows of out from i + k on: w registers, the last
 * of them with `left` columns. */
TARGET static BL_INLINE void NAME(mix)(const struct bl_attend *a, size_t i,
                                       size_t k, size_t c, int w, size_t left,
                                       const float *totals,
                                       const struct room *r)
{
    const float *by = r->scores + k, *v = a->v + c;
    lanes sums[QUERIES][WIDE], value[WIDE], bias;

    BL_UNROLL(16)
    for (int q = 0; q < QUERIES; q++)
        BL_UNROLL(16)
        for (int x = 0; x < w; x++)
            sums[q][x] = (lanes){ 0 };
    for (size_t j = 0; j < a->n; j++, v += a->stride, by += LANES) {
        BL_UNROLL(16)
        for (int x = 0; x < w; x++)
            load(&value[x], v + LANES * x, x + 1 < w ? LANES : left);
        BL_UNROLL(16)
        for (int q = 0; q < QUERIES; q++)
            BL_UNROLL(16)
            for (int x = 0; x < w; x++)
                sums[q][x] += value[x] * by[q];
    }
    BL_UNROLL(16)
    for (int x = 0; x < w; x++) {
        size_t columns = x + 1 < w ? LANES : left;
        float *out = a->out + (i + k) * a->stride + c + LANES * x;

        load(&bias, a->v_bias + c + LANES * x, columns);
        BL_UNROLL(16)
        for (size_t q = 0; q < QUERIES; q++) {
            sums[q][x] = sums[q][x] / totals[k + q] + bias;
            if (i + k + q < a->n_queries)
                store(&sums[q][x], out + q * a->stride, columns);
        }
    }
}

TARGET static BL_INLINE void NAME(mix_all)(const struct bl_attend *a, size_t i,
                                           const lanes *sum,
                                           const struct room *r)
{
    float totals[LANES];

    memcpy(totals, sum, sizeof totals);
    for (size_t k = 0; k < LANES && i + k < a->n_queries; k += QUERIES) {
        size_t c = 0;

        for (; c + WIDE * LANES <= a->d; c += WIDE * LANES)
            NAME(mix)(a, i, k, c, WIDE, LANES, totals, r);
        for (; c + LANES <= a->d; c += LANES)
            NAME(mix)(a, i, k, c, 1, LANES, totals, r);
        if (c < a->d)
            NAME(mix)(a, i, k, c, 1, a->d - c, totals, r);
    }
}

/* So that the softmax can use powers of two.  What the bias of the keys adds
 * is the same for all keys of a query and changes nothing, unless it is not
 * finite. */
TARGET static BL_INLINE float NAME(scale_of)(const struct bl_attend *a)
{
    float nothing = 0;

    for (size_t c = 0; c < a->d; c++)
        nothing += a->k_bias[c] * 0;
    return 1.44269504f / sqrtf((float)a->d) + nothing;
}

TARGET static void NAME(attend)(const struct bl_attend *a, float *scratch)
{
    size_t columns = (a->d + LANES - 1) / LANES * LANES;
    struct room r = { scratch, scratch + columns * LANES };
    float scale = NAME(scale_of)(a);

    for (size_t i = 0; i < a->n_queries; i += LANES) {
        lanes most, sum;
        size_t c = 0;

        for (; c + LANES <= a->d; c += LANES)
            NAME(pack_queries)(a, i, c, LANES, scale, r.query);
        if (c < a->d)
            NAME(pack_queries)(a, i, c, a->d - c, scale, r.query);
        NAME(score_all)(a, &r, &most);
        NAME(soften)(a->n, &most, r.scores, &sum);
        NAME(mix_all)(a, i, &sum, &r);
    }
}

#undef lanes
#undef lanes_int
#undef load
#undef store
#undef NAME
#undef LANES
#undef TARGET
#undef QUERIES
