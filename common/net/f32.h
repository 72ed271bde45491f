/* SPDX-License-Identifier: MIT */
/*
 * f32: matrix products in floats.
 *
 *     const struct bl_f32_kernel *k = bl_f32_kernel(&err);
 *     k->multiply(x, n, w, out, in, y, out);
 *
 * Kernels of our own for AVX-512 and AVX2; elsewhere OpenBLAS, or plain C
 * where that is not installed.  BLINK_F32 in the environment forces one.
 * Weights are used as they lie in a mapped file, which processes share;
 * nothing has to be prepared.
 *
 * One order of sums.  Our kernels add up a number of y in one way, whatever
 * n, out, the row's and the output's places and the number of threads: the
 * products of BL_F32_BLOCK inputs, from the first, one after another, each
 * multiplied and added with one rounding; then the sums of these blocks, one
 * after another.  So the same row and the same weights give the same bits
 * whatever stands beside them, and AVX-512, AVX2 and NEON (plain C) the same
 * as each other.  Plain C rounds twice where no instruction does both, in
 * the same order.  OpenBLAS promises nothing of the kind.
 */
#ifndef BL_F32_H
#define BL_F32_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { BL_F32_BLOCK = 256 };    /* inputs; longer sums lose more digits */

/* y[i][o] = the sum over k of x[i][k] * w[o][k], for x[n][in] and
 * w[out][in]; rows of y are `stride` >= out floats apart, and what lies
 * between them stays.  Without inputs y is 0.  For many threads at once. */
typedef void bl_f32_multiply_fn(const float *x, size_t n, const float *w,
                                size_t out, size_t in, float *y,
                                size_t stride);

struct bl_f32_kernel {
    const char *name;           /* as in BLINK_F32 */
    const char *what;           /* in words */
    bl_f32_multiply_fn *multiply;
    bool ordered;               /* as above */
};

/* The fastest that runs here, or the one that BLINK_F32 names; static
 * storage.  NULL with BL_USAGE when that is no kernel's name or cannot run
 * here. */
const struct bl_f32_kernel *bl_f32_kernel(struct bl_err *err);

/* Number i of those that run here, fastest first; NULL at the end (tests,
 * benchmarks). */
const struct bl_f32_kernel *bl_f32_kernel_at(size_t i);

#endif
