/* SPDX-License-Identifier: MIT */
/*
 * wide: 16 floats as one value, for loops that must use the widest registers
 * of the processor they meet.  A compiler without such registers splits the
 * value; BL_WIDE compiles a function for several processors, and the loader
 * picks one.  Values travel by pointer, as their calling convention differs
 * between processors.
 */
#ifndef BL_WIDE_H
#define BL_WIDE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BL_LANES = 16 };
typedef float bl_lanes __attribute__((vector_size(BL_LANES * 4)));
typedef int32_t bl_lanes_int __attribute__((vector_size(BL_LANES * 4)));

/* By level, not by model: "arch=haswell" means Intel's alone.  Not with
 * sanitizers, which are not ready yet when the loader picks. */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 \
    && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) \
    && !defined(__SANITIZE_THREAD__)
#define BL_WIDE __attribute__((target_clones("default", "arch=x86-64-v3", \
                                             "arch=x86-64-v4")))
#else
#define BL_WIDE
#endif
/* Inlined into every version of its callers. */
#define BL_INLINE inline __attribute__((always_inline))

/* left floats, at most BL_LANES; the others are 0. */
static BL_INLINE void bl_lanes_load(bl_lanes *v, const float *p, size_t left)
{
    if (left >= BL_LANES) {
        memcpy(v, p, sizeof *v);
    } else {
        *v = (bl_lanes){ 0 };
        memcpy(v, p, left * sizeof *p);
    }
}

/* The first left floats, at most BL_LANES. */
static BL_INLINE void bl_lanes_store(const bl_lanes *v, float *p, size_t left)
{
    if (left >= BL_LANES)       /* a size known here: not a call */
        memcpy(p, v, sizeof *v);
    else
        memcpy(p, v, left * sizeof *p);
}

/* Lane i + n (modulo 16) in the place of lane i. */
#define BL_TURNS_(n) \
    (n) % 16, ((n) + 1) % 16, ((n) + 2) % 16, ((n) + 3) % 16, \
    ((n) + 4) % 16, ((n) + 5) % 16, ((n) + 6) % 16, ((n) + 7) % 16, \
    ((n) + 8) % 16, ((n) + 9) % 16, ((n) + 10) % 16, ((n) + 11) % 16, \
    ((n) + 12) % 16, ((n) + 13) % 16, ((n) + 14) % 16, ((n) + 15) % 16
#ifdef __clang__
#define BL_LANES_TURN(v, n) __builtin_shufflevector(v, v, BL_TURNS_(n))
#else
#define BL_LANES_TURN(v, n) \
    __builtin_shuffle(v, (bl_lanes_int){ BL_TURNS_(n) })
#endif

/* Sum in pairs: lane i and i + 8, then 4, 2, 1 apart. */
static BL_INLINE float bl_lanes_sum(const bl_lanes *v)
{
    bl_lanes s = *v;

    s += BL_LANES_TURN(s, 8);
    s += BL_LANES_TURN(s, 4);
    s += BL_LANES_TURN(s, 2);
    s += BL_LANES_TURN(s, 1);
    return s[0];
}

/* Where *v < *low (never for NaN): *low. */
static BL_INLINE void bl_lanes_at_least(bl_lanes *v, const bl_lanes *low)
{
    bl_lanes_int below = (bl_lanes_int)(*v < *low);

    *v = (bl_lanes)(((bl_lanes_int)*v & ~below)
                    | ((bl_lanes_int)*low & below));
}

/* Every float without its sign. */
static BL_INLINE void bl_lanes_absolute(bl_lanes *v)
{
    *v = (bl_lanes)((bl_lanes_int)*v & INT32_MAX);
}

#endif
