/* SPDX-License-Identifier: MIT */
/*
 * int8-kernels: sums of products of 8-bit integers, for the instruction sets
 * that a processor may have.
 *
 *     const struct bl_int8_kernel *k = bl_int8_kernel(&err);
 *     k->multiply(x, stride, n, w, width, blocks, sums, sums_stride);
 *
 * Which one runs is found by trying: a kernel's instructions are executed
 * with SIGILL caught, and its sums are compared with plain C's.  Neither
 * hypervisors that hide parts of CPUID nor kernels that refuse a register
 * file can mislead that.  BLINK_CPU in the environment forces one.
 *
 * All kernels give the same bits, as integers have no rounding.
 */
#ifndef BL_INT8_KERNELS_H
#define BL_INT8_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/int8-weights.h"

enum {
    BL_INT8_DOTS = 4            /* of a row at once */
};

/* sums[i][j] = the sum over k of x[i][k] * w(j)[k]: n rows of x of `width`
 * bytes each, `stride` bytes apart; w [blocks][width / 4][OUTS][4], which
 * makes blocks * OUTS columns; rows of sums `sums_stride` apart. */
typedef void bl_int8_multiply_fn(const uint8_t *x, size_t stride, size_t n,
                                 const int8_t *w, size_t width,
                                 size_t blocks, int32_t *sums,
                                 size_t sums_stride);

/* sums[i][j] = the sum over k of (x[j][k] - 128) * rows[i][k], for n rows of
 * `width` bytes each and m <= BL_INT8_DOTS such x, one behind the other. */
typedef void bl_int8_dot_fn(const uint8_t *x, size_t m, const int8_t *rows,
                            size_t n, size_t width, int32_t *sums);

/* What the products of up to four blocks of queries are compared with. */
struct bl_int8_limits {
    float by[4 * BL_INT8_OUTS], more[4 * BL_INT8_OUTS],
          limits[4 * BL_INT8_OUTS];
};

/* Bit j of masks[i]: whether by[j] * scales[i] * the sum over k of
 * (q(j)[k] - 128) * rows[i][k], and more[j] * extra[i] to it, reaches
 * limits[j]; in floats, multiplied from the sum on, added without rounding in
 * between.  n rows of `width` bytes, one behind the other; queries packed as
 * weights are, in at most four blocks. */
typedef void bl_int8_reach_fn(const int8_t *rows, size_t n, size_t width,
                              const uint8_t *queries, size_t blocks,
                              const struct bl_int8_limits *limits,
                              const float *scales, const float *extra,
                              uint64_t *masks);

struct bl_int8_kernel {
    const char *name;           /* as in BLINK_CPU */
    const char *what;           /* in words */
    bl_int8_multiply_fn *multiply;
    bl_int8_dot_fn *dot;
    bl_int8_reach_fn *reach;    /* NULL: nothing better than multiply */
};

/* The fastest that runs here, or the one that BLINK_CPU names.  NULL with
 * BL_USAGE when that is no kernel's name or cannot run here. */
const struct bl_int8_kernel *bl_int8_kernel(struct bl_err *err);

/* Number i of those that run here, fastest first; NULL at the end (tests). */
const struct bl_int8_kernel *bl_int8_kernel_at(size_t i);

/* Those compiled in; which of them run is not known before the trial. */
bl_int8_multiply_fn bl_int8_multiply_c;
bl_int8_dot_fn bl_int8_dot_c;
#if defined(__x86_64__)
bl_int8_multiply_fn bl_int8_multiply_amx, bl_int8_multiply_vnni,
                    bl_int8_multiply_avxvnni, bl_int8_multiply_avx2;
bl_int8_dot_fn bl_int8_dot_vnni, bl_int8_dot_avx2;
bl_int8_reach_fn bl_int8_reach_vnni;
#elif defined(__aarch64__)
bl_int8_multiply_fn bl_int8_multiply_neon;
#endif

#endif
