/* SPDX-License-Identifier: MIT */
/*
 * simd: several numbers as one value (lanes-template.h), for loops that must
 * use the widest registers of the processor they meet.
 *
 * There are two ways.  BL_WIDE compiles a function with values of 16 floats
 * for several processors, and the loader picks one; a compiler for a
 * processor without such registers splits the value, and does it badly where
 * many are alive.  Or a template, NAME-template.h, is included once for each
 * instruction set.  All templates use the same words, which the file that
 * includes one defines and the template undefines:
 *
 *     NAME(x)     the names of its functions and types: avx2_##x
 *     LANES       numbers in a register: 4, 8 or 16 floats
 *     TARGET      the attribute of every function: one of BL_TARGET_..., or
 *                 nothing for what any processor runs
 *
 * and what its own comment names besides.  A function that is inlined into
 * its callers (BL_INLINE) knows the arguments that are constants there, so
 * that its loops unroll whole (BL_UNROLL) and arrays of sums are registers.
 */
#ifndef BL_SIMD_H
#define BL_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Unrolls whole the loop that follows, of n turns at most (a literal), so
 * that arrays indexed in it can be registers.  clang takes gcc's pragma only
 * for small loops, and needs no n. */
#ifdef __clang__
#define BL_UNROLL(n) _Pragma("clang loop unroll(full)")
#else
#define BL_UNROLL(n) BL_PRAGMA(GCC unroll n)
#define BL_PRAGMA(text) _Pragma(#text)
#endif

/* What a TARGET can be, and whether it can run here. */
#if defined(__x86_64__)
#define BL_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define BL_TARGET_AVX512F __attribute__((target("avx512f")))
#define BL_TARGET_AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define BL_TARGET_VNNI \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

static inline bool bl_has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline bool bl_has_avx512(void)
{
    return bl_has_avx2() && __builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl");
}
#elif defined(__aarch64__)
#define BL_TARGET_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

static inline bool bl_has_anything(void)
{
    return true;
}

/* Lanes by number, those of b behind those of a; ints: a type of as many. */
#ifdef __clang__
#define BL_LANES_PICK(ints, a, b, ...) \
    __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define BL_LANES_PICK(ints, a, b, ...) \
    __builtin_shuffle(a, b, (ints){ __VA_ARGS__ })
#endif

/* Lane i + n (modulo their number, 4, 8 or 16) in the place of lane i. */
#define BL_LANES_TURN(ints, lanes, v, n) BL_TURN_(ints, lanes, v, n)
#define BL_TURN_(ints, lanes, v, n) \
    BL_LANES_PICK(ints, v, v, BL_TURNS_##lanes(n, lanes))
#define BL_TURNS_4(n, m) \
    (n) % m, ((n) + 1) % m, ((n) + 2) % m, ((n) + 3) % m
#define BL_TURNS_8(n, m) BL_TURNS_4(n, m), BL_TURNS_4(n + 4, m)
#define BL_TURNS_16(n, m) BL_TURNS_8(n, m), BL_TURNS_8(n + 8, m)

/* Lanes of a and b in turn, from number `from` of each: 0 or half of them. */
#define BL_LANES_ZIP(ints, lanes, a, b, from) \
    BL_ZIP_(ints, lanes, a, b, from)
#define BL_ZIP_(ints, lanes, a, b, from) \
    BL_LANES_PICK(ints, a, b, BL_ZIPS_##lanes(from, lanes))
#define BL_ZIPS_4(i, m) (i), (i) + m, (i) + 1, (i) + 1 + m
#define BL_ZIPS_8(i, m) BL_ZIPS_4(i, m), BL_ZIPS_4(i + 2, m)
#define BL_ZIPS_16(i, m) BL_ZIPS_8(i, m), BL_ZIPS_8(i + 4, m)

/* call for each whole vector of n floats and for what is left of them; it
 * uses i, where that begins, and left, its number, known for the former. */
#define BL_LANES_EACH(lanes, n, call) \
    do { \
        size_t i = 0; \
        for (; i + (lanes) <= (n); i += (lanes)) { \
            const size_t left = (lanes); \
            call; \
        } \
        if (i < (n)) { \
            const size_t left = (n) - i; \
            call; \
        } \
    } while (0)

enum { BL_LANES = 16 };
#define NAME(x) bl_##x
#define LANES 16
#define TARGET
#include "net/lanes-template.h"
#undef NAME
#undef LANES
#undef TARGET

#endif
