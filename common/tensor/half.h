/* SPDX-License-Identifier: MIT */
/*
 * half: 16-bit floats in plain C: IEEE 754 binary16 ("half"), and bfloat16,
 * which is the upper half of a float.
 */
#ifndef BL_HALF_H
#define BL_HALF_H

#include <stdint.h>
#include <string.h>

/* Exact for all 65,536 values. */
static inline float bl_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, x;
    uint32_t exponent = h >> 10 & 31, fraction = h & 0x3ff;
    float f;

    if (!exponent) {            /* zero or denormal: fraction * 2^-24 */
        f = (float)fraction * 0x1p-24f;
        return sign ? -f : f;
    }
    exponent = exponent == 31 ? 255 : exponent + 112;
    x = sign | exponent << 23 | fraction << 13;
    memcpy(&f, &x, sizeof f);
    return f;
}

static inline float bl_bf16_to_float(uint16_t h)
{
    uint32_t x = (uint32_t)h << 16;
    float f;

    memcpy(&f, &x, sizeof f);
    return f;
}

/* Nearest, ties to even; too large becomes infinity. */
static inline uint16_t bl_half_of_float(float f)
{
    uint32_t x, sign, rest, half;

    memcpy(&x, &f, sizeof x);
    sign = x >> 16 & 0x8000;
    x &= 0x7fffffff;
    if (x >= 0x47800000)        /* 65536 and above, infinity, NaN */
        return (uint16_t)(sign | (x > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (x < 0x38800000) {       /* below 2^-14: a multiple of 2^-24 */
        float scaled, whole = 0x1p23f;

        memcpy(&scaled, &x, sizeof scaled);
        /* Adding 2^23 makes the processor round to a whole number. */
        volatile float sum = scaled * 0x1p24f + whole;

        return (uint16_t)(sign | (uint32_t)(sum - whole));
    }
    rest = x & 0x1fff;
    half = (x >> 13) - (112u << 10);
    half += rest > 0x1000 || (rest == 0x1000 && (half & 1));
    return (uint16_t)(sign | half);
}

#endif
