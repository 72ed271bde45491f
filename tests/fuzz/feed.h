/* SPDX-License-Identifier: MIT */
/*
 * feed: numbers for fuzz targets: the bytes of the input, and when these are
 * used up a fixed sequence that depends on them, so that a short input still
 * fills large arrays.
 */
#ifndef FEED_H
#define FEED_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define CHECK(cond) ((cond) ? (void)0 : abort())

struct feed {
    const uint8_t *p;
    size_t n;
    uint32_t state;
};

static inline unsigned feed_byte(struct feed *f)
{
    unsigned b = 0;

    if (f->n > 0) {
        f->n--;
        b = *f->p++;
    }
    f->state = (f->state + b) * 1664525u + 1013904223u;
    return f->n > 0 ? b : b ^ f->state >> 24;
}

/* low .. high */
static inline size_t feed_size(struct feed *f, size_t low, size_t high)
{
    return low + (feed_byte(f) << 8 | feed_byte(f)) % (high - low + 1);
}

/* Within [-2, 2), with every exponent down to 2^-14, and 0. */
static inline float feed_float(struct feed *f)
{
    float v = (float)((int)feed_byte(f) - 128) / 64;
    unsigned e = feed_byte(f);

    return e % 4 ? v : v / (float)(1u << (e / 4 % 15));
}

static inline void feed_floats(struct feed *f, float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = feed_float(f);
}

#endif
