/* SPDX-License-Identifier: MIT */
/*
 * stack: the BERT stack on a CPU in f32, with the matrix products left to
 * the caller's library.
 *
 * The batch is cut into pieces of whole sequences; each thread takes pieces
 * one after another through all layers.  No thread waits for another before
 * the end, and a piece stays in the cache.  A batch too small for that is
 * one piece, whose columns the threads share.  What lies between the
 * products is kernels.h's.  Nothing is padded.
 */
#ifndef BL_STACK_H
#define BL_STACK_H

#include "engine.h"

/* Products are cut at columns that this divides. */
enum { BL_STACK_UNIT = 16 };

/* Columns [from, to) of y[n][l->out] = x[n][l->in] w^T, WITHOUT the bias,
 * which the kernels add; from and to are multiples of BL_STACK_UNIT, or to
 * is l->out.  Called from several threads at once. */
struct bl_product {
    void (*multiply)(void *ctx, const struct bl_linear *l, const float *x,
                     size_t n, size_t from, size_t to, float *y);
    void *ctx;
};

/* Last hidden states as bl_engine_ops.forward gives them; cannot fail. */
void bl_stack_forward(const struct bl_model *m, enum bl_tower tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out);

#endif
