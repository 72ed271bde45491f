/* SPDX-License-Identifier: MIT */
/*
 * Products in 8 bits: every kernel against plain sums, to the bit, on shapes
 * with and without rests; packing and preparing against their own
 * definitions, with registers of every width; what a product may differ from
 * floats.
 */
#include <stddef.h>

static size_t without;
#define INT8_WITHOUT without
#include "../../common/net/int8.c"

#include "base/mem.h"
#include "tap.h"

enum { WORKS = BL_COUNT(works) };

static uint32_t state = 1;

static uint32_t next(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static float *numbers(size_t n, float spread)
{
    float *p = bl_xmalloc(n, sizeof *p);

    for (size_t i = 0; i < n; i++)
        p[i] = spread * ((float)next() / (float)(1 << 23) - 1.0f);
    return p;
}

/* ---- Kernels ---- */

struct shape {
    size_t n, width, blocks, gap;       /* gap: between rows of x */
};

static bool sums_are_right(const struct bl_int8_kernel *k,
                           const struct shape *s)
{
    size_t stride = s->width + s->gap, columns = s->blocks * OUTS;
    size_t out = columns + 3, total = s->n * out;
    uint8_t *x = bl_xmalloc(s->n, stride);
    int8_t *w = bl_xmalloc(columns, s->width);
    int32_t *sums = bl_xcalloc(total + 1, sizeof *sums);
    bool good = true;

    for (size_t i = 0; i < s->n * stride; i++)
        x[i] = next() % 3 ? (uint8_t)next() : 255;
    for (size_t i = 0; i < columns * s->width; i++)
        w[i] = next() % 3 ? (int8_t)(next() % 256 - 128) : 127;
    k->multiply(x, stride, s->n, w, s->width, s->blocks, sums, out);
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = 0; o < out; o++) {
            const int8_t *column = w + o / OUTS * OUTS * s->width;
            int32_t sum = 0;

            for (size_t at = 0; at < s->width && o < columns; at++)
                sum += x[i * stride + at]
                    * column[at / 4 * 64 + o % OUTS * 4 + at % 4];
            good &= sum == sums[i * out + o];
        }
    good &= sums[total] == 0;
    free(x);
    free(w);
    free(sums);
    return good;
}

static bool dots_are_right(const struct bl_int8_kernel *k, size_t m,
                           size_t n, size_t width)
{
    uint8_t *x = bl_xmalloc(m, width);
    int8_t *rows = bl_xmalloc(n, width);
    int32_t *sums = bl_xcalloc(n * m + 1, sizeof *sums);
    bool good = true;

    for (size_t i = 0; i < m * width; i++)
        x[i] = next() % 3 ? (uint8_t)next() : 0;
    for (size_t i = 0; i < n * width; i++)
        rows[i] = next() % 3 ? (int8_t)(next() % 256 - 128) : -128;
    k->dot(x, m, rows, n, width, sums);
    for (size_t i = 0; i < n * m; i++) {
        int32_t sum = 0;

        for (size_t at = 0; at < width; at++)
            sum += (x[i % m * width + at] - 128) * rows[i / m * width + at];
        good &= sum == sums[i];
    }
    good &= sums[n * m] == 0;
    free(x);
    free(rows);
    free(sums);
    return good;
}

/* Limits that some sums meet to the bit; two scales are no numbers. */
static bool reach_is_right(const struct bl_int8_kernel *k, size_t n,
                           size_t width, size_t blocks)
{
    size_t columns = blocks * OUTS;
    uint8_t *q = bl_xmalloc(columns, width);
    int8_t *rows = bl_xmalloc(n, width);
    float *scales = numbers(n, .01f), *extra = numbers(n, .1f);
    float *scores = bl_xmalloc(n, 64 * 4);
    uint64_t *masks = bl_xcalloc(n + 1, sizeof *masks);
    struct bl_int8_limits l;
    bool good = true;

    for (size_t i = 0; i < columns * width; i++)
        q[i] = next() % 3 ? (uint8_t)next() : 255;
    for (size_t i = 0; i < n * width; i++)
        rows[i] = next() % 3 ? (int8_t)(next() % 256 - 128) : -128;
    scales[n / 2] = scales[n - 1] = NAN;
    for (size_t j = 0; j < columns; j++) {
        l.by[j] = (float)(next() % 100) / 1000;
        l.more[j] = (float)(next() % 100) / 10;
        for (size_t i = 0; i < n; i++) {
            const uint8_t *column = q + j / OUTS * OUTS * width;
            int32_t sum = 0;

            for (size_t at = 0; at < width; at++)
                sum += rows[i * width + at]
                    * (column[at / 4 * 64 + j % OUTS * 4 + at % 4] - 128);
            scores[i * 64 + j] = fmaf(l.more[j], extra[i],
                                      (float)sum * l.by[j] * scales[i]);
        }
        l.limits[j] = j % 9 ? scores[next() % n * 64 + j] : -INFINITY;
    }
    k->reach(rows, n, width, q, blocks, &l, scales, extra, masks);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++)
            good &= (masks[i] >> j & 1)
                == (scores[i * 64 + j] >= l.limits[j]);
    good &= masks[n] == 0;
    free(q);
    free(rows);
    free(scales);
    free(extra);
    free(scores);
    free(masks);
    return good;
}

static void test_reach(const struct bl_int8_kernel *k)
{
    static const size_t widths[] = { 64, 128, 192, 1024 };

    for (size_t i = 0; i < 4; i++)
        for (size_t blocks = 1; blocks <= 4; blocks++) {
            bool good = true;

            for (size_t n = 1; n < 30; n++)
                good &= reach_is_right(k, n, widths[i], blocks);
            ok(good, "%s: what %zu queries of %zu reach", k->name,
               blocks * OUTS, widths[i]);
        }
}

static void test_kernel(const struct bl_int8_kernel *k)
{
    static const struct shape shapes[] = {
        { 1, 64, 1, 0 }, { 1, 4096, 4, 64 }, { 2, 64, 2, 1 },
        { 5, 128, 3, 64 }, { 6, 64, 4, 64 }, { 7, 192, 5, 0 },
        { 16, 64, 2, 64 }, { 17, 64, 3, 64 }, { 31, 128, 9, 64 },
        { 32, 384, 24, 64 }, { 33, 64, 7, 64 }, { 48, 64, 1, 0 },
        { 100, 1536, 6, 64 }, { 512, 64, 4, 64 }
    };

    for (size_t i = 0; i < BL_COUNT(shapes); i++)
        ok(sums_are_right(k, &shapes[i]), "%s: %zu rows, %zu x %zu", k->name,
           shapes[i].n, shapes[i].width, shapes[i].blocks * OUTS);
    for (size_t m = 1; m <= BL_INT8_DOTS; m++)
        ok(dots_are_right(k, m, 1, 64) && dots_are_right(k, m, 7, 192)
           && dots_are_right(k, m, 3, 1024), "%s: rows as they lie, %zu",
           k->name, m);
    if (k->reach)
        test_reach(k);
}

/* ---- Numbers and codes ---- */

static void row_parts(const void *row, size_t in, float *scale,
                      int32_t *zero)
{
    const unsigned char *p = row;

    p += (in + BL_INT8_INS - 1) / BL_INT8_INS * BL_INT8_INS;
    memcpy(scale, p, sizeof *scale);
    memcpy(zero, p + sizeof *scale, sizeof *zero);
}

static void test_prepare(size_t in, float spread, float add)
{
    float *x = numbers(in, spread), scale, worst = 0;
    unsigned char *row = bl_xaligned(1, bl_int8_row_size(in));
    int32_t zero;

    for (size_t i = 0; i < in; i++)
        x[i] += add;
    memset(row, 0xaa, bl_int8_row_size(in));
    bl_int8_prepare(&(struct bl_int8){ .in = in, .width = bl_int8_row_size(in)
                                       - 64 }, x, row);
    row_parts(row, in, &scale, &zero);
    for (size_t i = 0; i < in; i++)
        worst = fmaxf(worst, fabsf(x[i] - scale
                                   * (float)((int32_t)row[i] - zero)));
    ok(worst <= scale * 0.501f && zero >= 0 && zero <= 255,
       "%zu numbers around %g: half a step at most (%g of %g)", in,
       (double)add, (double)worst, (double)scale);
    free(x);
    free(row);
}

static void test_special_rows(void)
{
    enum { IN = 70 };
    float x[IN] = { 0 }, scale, y[16];
    unsigned char *row = bl_xaligned(1, bl_int8_row_size(IN));
    float *w = numbers(16 * IN, 1);
    struct bl_linear l = { .w = w, .out = 16, .in = IN };
    struct bl_int8 m;
    int32_t zero;

    bl_int8_pack(&m, &l, NULL);
    bl_int8_prepare(&m, x, row);
    row_parts(row, IN, &scale, &zero);
    ok(scale == 0.0f, "a row of zeros");
    x[3] = 1e-42f;
    bl_int8_prepare(&m, x, row);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), row, 1, 0, 16, y, 16);
    ok(fabsf(y[5]) < 1e-40f, "the smallest numbers");
    x[64] = INFINITY;
    bl_int8_prepare(&m, x, row);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), row, 1, 0, 16, y, 16);
    ok(isnan(y[0]) && isnan(y[15]), "infinity gives NaN");
    x[64] = 3e38f;
    x[65] = -3e38f;
    bl_int8_prepare(&m, x, row);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), row, 1, 0, 16, y, 16);
    ok(isnan(y[0]), "and so does a range beyond floats");
    x[64] = 1;
    x[65] = NAN;
    bl_int8_prepare(&m, x, row);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), row, 1, 0, 16, y, 16);
    ok(isnan(y[0]), "and so does NaN");
    bl_int8_free(&m);
    x[65] = 1;
    w[3 * IN + 69] = NAN;
    bl_int8_pack(&m, &l, NULL);
    bl_int8_prepare(&m, x, row);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), row, 1, 0, 16, y, 16);
    ok(isnan(y[3]) && isfinite(y[2]) && isfinite(y[4]),
       "NaN in a weight: in its own output");
    bl_int8_free(&m);
    free(w);
    free(row);
}

/* ---- Products ---- */

static unsigned char *prepare_all(const struct bl_int8 *m, const float *x,
                                  size_t n)
{
    size_t in = m->in, size = bl_int8_row_size(in);
    unsigned char *rows = bl_xaligned(n, size);

    for (size_t i = 0; i < n; i++)
        bl_int8_prepare(m, x + i * in, rows + i * size);
    return rows;
}

/* The largest difference from floats, in parts of the largest product that
 * rows of that length could give. */
static double error_of(const float *x, const float *w, const float *y,
                       size_t n, size_t out, size_t in)
{
    double worst = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            double sum = 0, xx = 0, ww = 0;

            for (size_t k = 0; k < in; k++) {
                double a = (double)x[i * in + k], b = (double)w[o * in + k];

                sum += a * b;
                xx += a * a;
                ww += b * b;
            }
            sum = fabs(sum - (double)y[i * out + o]) / sqrt(xx * ww);
            worst = BL_MAX(sum, worst);
        }
    return worst;
}

static void test_narrower(const struct bl_int8 *m, const void *rows,
                          size_t n, const float *want)
{
    float *y = bl_xmalloc(n, m->out * sizeof *y);
    size_t saved = without;

    while (++without < WORKS) {
        memset(y, 0, n * m->out * sizeof *y);
        bl_int8_multiply(m, bl_int8_kernel_at(0), rows, n, 0, m->out, y,
                         m->out);
        ok(!memcmp(want, y, n * m->out * sizeof *y),
           "narrower registers: the same bits");
    }
    without = saved;
    free(y);
}

/* Inputs that differ a thousandfold, evened out by factors or not. */
static void test_product(size_t n, size_t out, size_t in, bool factors)
{
    float *x = numbers(n * in, 2), *w = numbers(out * in, 0.1f);
    struct bl_linear l = { .w = w, .out = out, .in = in };
    float *even = numbers(in, 1);
    unsigned char *rows;
    float *first = bl_xcalloc(n * out + 1, sizeof *first);
    float *y = bl_xcalloc(n * out + 1, sizeof *y);
    const struct bl_int8_kernel *k;
    struct bl_int8 m;
    double error;

    for (size_t j = 0; j < in && factors; j++) {
        even[j] = j % 7 ? 1 : 1000;
        for (size_t i = 0; i < n; i++)
            x[i * in + j] *= even[j];
        for (size_t o = 0; o < out; o++)
            w[o * in + j] /= even[j];
    }
    bl_int8_pack(&m, &l, factors ? even : NULL);
    rows = prepare_all(&m, x, n);
    bl_int8_multiply(&m, bl_int8_kernel_at(0), rows, n, 0, out, first, out);
    for (size_t j = 0; j < in && factors; j++) {
        for (size_t i = 0; i < n; i++)
            x[i * in + j] /= even[j];
        for (size_t o = 0; o < out; o++)
            w[o * in + j] *= even[j];
    }
    error = error_of(x, w, first, n, out, in);
    ok(error < 0.01 && first[n * out] == 0.0f,
       "%zu rows x %zu x %zu: near floats (%.1e)", n, in, out, error);
    for (size_t i = 1; (k = bl_int8_kernel_at(i)); i++) {
        bl_int8_multiply(&m, k, rows, n, 0, out, y, out);
        ok(!memcmp(first, y, n * out * sizeof *y), "%s: the same bits",
           k->name);
    }
    memset(y, 0, n * out * sizeof *y);
    for (size_t i = 0; i < n; i++)      /* row by row, columns in parts */
        for (size_t at = 0; at < out; at += 48)
            bl_int8_multiply(&m, bl_int8_kernel_at(0),
                             rows + i * bl_int8_row_size(in), 1, at,
                             BL_MIN(at + 48, out), y + i * out, out);
    ok(!memcmp(first, y, n * out * sizeof *y), "in parts: the same bits");
    test_narrower(&m, rows, n, first);
    bl_int8_free(&m);
    free(rows);
    free(even);
    free(x);
    free(w);
    free(y);
    free(first);
}

static void test_choice(void)
{
    struct bl_err err = { .code = BL_OK };
    const struct bl_int8_kernel *k;

    unsetenv("BLINK_CPU");
    ok(bl_int8_kernel(&err) == bl_int8_kernel_at(0), "the fastest first");
    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++) {
        setenv("BLINK_CPU", k->name, 1);
        ok(bl_int8_kernel(&err) == k, "BLINK_CPU=%s", k->name);
    }
    setenv("BLINK_CPU", "c", 1);
    ok(bl_int8_kernel(&err) != NULL, "plain C runs everywhere");
    setenv("BLINK_CPU", "mmx", 1);
    ok(!bl_int8_kernel(&err) && err.code == BL_USAGE, "no such kernel");
    is_str(err.msg, "BLINK_CPU: expected amx, vnni, avxvnni, avx2, neon or "
           "c, as this processor has, found 'mmx'", "in a sentence");
    unsetenv("BLINK_CPU");
}

static void test_works(void)
{
    printf("# without the %zu widest registers\n", without);
    test_prepare(1, 1, 5);
    test_prepare(64, 1, 0);
    test_prepare(100, 1000, -20);
    test_prepare(4096, 1e-3f, 2);
    test_special_rows();
    test_product(1, 1, 1, false);
    test_product(1, 64, 64, false);
    test_product(3, 70, 30, false);
    test_product(97, 100, 384, false);
    test_product(200, 33, 1536, false);
    test_product(20, 33, 100, true);
    test_product(20, 64, 384, true);
}

int main(void)
{
    const struct bl_int8_kernel *k;

    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++)
        test_kernel(k);
    test_choice();
    for (without = 0; without < WORKS; without++)
        test_works();
    return tap_done();
}
