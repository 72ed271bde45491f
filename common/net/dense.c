/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/dense.h"

#include "base/mem.h"
#include "net/simd.h"

/* 16 partial sums, as the compiler must not re-order a single one. */
enum { LANES = BL_LANES, ROWS = 4 };
typedef bl_lanes lanes;

BL_WIDE
float bl_dot(const float *a, const float *b, size_t n)
{
    lanes sum = { 0 }, x, y;
    size_t i = 0;
    float rest = 0;

    for (; i + LANES <= n; i += LANES) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += x * y;
    }
    for (; i < n; i++)
        rest += a[i] * b[i];
    return bl_lanes_sum(&sum) + rest;
}

/* ROWS rows of x against one row of w, which is then read once for all.
 * Four sums by name: an array of them would live in memory. */
BL_WIDE
static void dot_rows(const float *x, const float *w, size_t n, float *out,
                     size_t stride)
{
    lanes a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, left, right;
    const lanes *sums[ROWS] = { &a, &b, &c, &d };
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        memcpy(&right, w + i, sizeof right);
        memcpy(&left, x + i, sizeof left);
        a += left * right;
        memcpy(&left, x + n + i, sizeof left);
        b += left * right;
        memcpy(&left, x + 2 * n + i, sizeof left);
        c += left * right;
        memcpy(&left, x + 3 * n + i, sizeof left);
        d += left * right;
    }
    for (size_t r = 0; r < ROWS; r++) {
        float rest = 0;

        for (size_t k = i; k < n; k++)
            rest += x[r * n + k] * w[k];
        out[r * stride] = bl_lanes_sum(sums[r]) + rest;
    }
}

void bl_linear_apply(const struct bl_linear *l, const float *x, size_t n,
                     float *y)
{
    size_t row = 0;

    for (; row < n; row += ROWS) {
        size_t rows = BL_MIN(n - row, ROWS);
        const float *from = x + row * l->in;
        float *to = y + row * l->out;

        for (size_t o = 0; o < l->out; o++) {
            const float *w = l->w + o * l->in;

            if (rows == ROWS)
                dot_rows(from, w, l->in, to + o, l->out);
            for (size_t r = 0; r < rows && rows < ROWS; r++)
                to[r * l->out + o] = bl_dot(from + r * l->in, w, l->in);
            for (size_t r = 0; r < rows && l->b; r++)
                to[r * l->out + o] += l->b[o];
        }
    }
}
