/* SPDX-License-Identifier: MIT */
/*
 * random: random numbers that are functions of a seed and a place, so
 * that training has no generator whose state would have to be saved.
 *
 *     uint64_t s = bl_random_seed(seed, step, 0);
 *     double x = bl_random_unit(&s), y = bl_random_unit(&s);
 */
#ifndef BL_RANDOM_H
#define BL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): the next 64 bits. */
static inline uint64_t bl_random_next(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* A state for this use: what for, and the how-manieth. */
static inline uint64_t bl_random_seed(uint64_t seed, uint64_t what,
                                      uint64_t number)
{
    uint64_t s = seed;

    s = bl_random_next(&s) ^ what;
    s = bl_random_next(&s) ^ number;
    return bl_random_next(&s);
}

/* [0, 1). */
static inline double bl_random_unit(uint64_t *state)
{
    return (double)(bl_random_next(state) >> 11) * 0x1p-53;
}

/* 0 .. n - 1; n > 0 and small against 2^64. */
static inline size_t bl_random_below(uint64_t *state, size_t n)
{
    return (size_t)(bl_random_next(state) % n);
}

/* A random order of v[n]. */
static inline void bl_random_shuffle(uint64_t *state, size_t *v, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = bl_random_below(state, i), x = v[i - 1];

        v[i - 1] = v[j];
        v[j] = x;
    }
}

#endif
