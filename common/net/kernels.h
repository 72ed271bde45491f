/* SPDX-License-Identifier: MIT */
/*
 * kernels: what lies between the matrix products of a BERT layer, fused so
 * that each row is read and written once.  One thread; the same row gives
 * the same bits whatever stands beside it.  exp and GELU are polynomials
 * with errors below 1e-6.
 *
 * [n][w] arrays are dense rows; biases may not be NULL.
 */
#ifndef BL_KERNELS_H
#define BL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "model/model.h"

BL_BEGIN_DECLS

/* x[n][H] = norm(words[ids] + positions[positions] + types[segments]). */
void bl_kernel_look_up(const struct bl_shape *s, const struct bl_bert *t,
                       const int32_t *ids, const int32_t *positions,
                       const int32_t *segments, size_t n, float *x);

/* x[n][H] = norm(x + y + bias). */
void bl_kernel_add_norm(float *x, const float *y, const float *bias,
                        const struct bl_norm *norm, float epsilon, size_t n,
                        size_t hidden);

/* x[n][w] = f(x + bias). */
void bl_kernel_activate(enum bl_activation f, float *x, const float *bias,
                        size_t n, size_t w);

/* One head of one sequence: pointers are at the head's first number, rows
 * are `stride` floats apart. */
struct bl_attend {
    const float *q, *k, *v;
    const float *q_bias, *k_bias, *v_bias;
    size_t n;                   /* keys and values */
    size_t n_queries;           /* rows of q and out: n, or 1 (the first) */
    size_t d, stride;
    float *out;
};

/* out = softmax((q + q_bias) (k + k_bias)^T / sqrt(d)) (v + v_bias). */
void bl_kernel_attend(const struct bl_attend *a, float *scratch);
/* Floats that scratch must hold. */
size_t bl_kernel_attend_scratch(size_t n, size_t d);

/* These four for one instruction set. */
struct bl_kernels {
    void (*look_up)(const struct bl_shape *s, const struct bl_bert *t,
                    const int32_t *ids, const int32_t *positions,
                    const int32_t *segments, size_t n, float *x);
    void (*add_norm)(float *x, const float *y, const float *bias,
                     const struct bl_norm *norm, float epsilon, size_t n,
                     size_t hidden);
    void (*activate[BL_ACTIVATIONS])(float *x, const float *bias, size_t n,
                                     size_t w);
    void (*attend)(const struct bl_attend *a, float *scratch);
};

/* Number i of those that this processor can run, the best first: the one
 * that the functions above use; NULL at the end (tests). */
const struct bl_kernels *bl_kernels_at(size_t i);

BL_END_DECLS

#endif
