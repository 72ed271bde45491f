/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/index-codes.h"

#include <math.h>

#include "base/mem.h"

/* The scale puts the largest value at 127.  A denormal scale is coarse: the
 * quotient may leave the range.  Plain operations instead of fmaxf() and
 * rintf(), which would be calls: adding 1.5 * 2^23 makes the processor round
 * to a whole number, to even between two. */
float bl_index_codes(const float *v, size_t n, int8_t *codes)
{
    const float rounder = 0x1.8p23f, limit = 127.0f;
    float top = 0, scale;

    for (size_t i = 0; i < n; i++) {
        float size = fabsf(v[i]);

        top = BL_MAX(size, top);
    }
    scale = top / limit;
    for (size_t i = 0; i < n; i++) {
        float q = scale > 0 ? v[i] / scale : 0;

        q = BL_MAX(-limit, BL_MIN(limit, q));
        codes[i] = (int8_t)((q + rounder) - rounder);
    }
    return scale;
}

/* A product of a float and a code is exact in a double, and the square of a
 * float's smallest difference is a normal one. */
double bl_index_lost(const float *v, float scale, const int8_t *codes,
                     size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double rest = (double)v[i] - (double)scale * codes[i];

        sum += rest * rest;
    }
    return sqrt(sum);
}

float bl_index_lost_above(const float *v, float scale, const int8_t *codes,
                          size_t n)
{
    double lost = bl_index_lost(v, scale, codes, n) * (1 + 1e-9);
    float near = (float)lost;

    return (double)near < lost ? nextafterf(near, INFINITY) : near;
}
