/* SPDX-License-Identifier: MIT */
/*
 * stack: the BERT stack on a CPU, with the matrix products left to the
 * caller, in whatever number format.
 *
 * The batch is cut into pieces of whole sequences; each thread takes pieces
 * one after another through all layers.  No thread waits for another before
 * the end, and a piece stays in the cache.  Pieces grow smaller towards the
 * end, so that all threads end together.  A piece that would keep one thread
 * busy when the others have nothing left (a long sequence, or one alone) is
 * worked on by all: they share the columns of each product and the rows of
 * all else.  What lies between the products is kernels.h's.  Nothing is
 * padded.
 */
#ifndef BL_STACK_H
#define BL_STACK_H

#include "net/engine.h"

/* Called from several threads at once. */
struct bl_product {
    /* y[n][from .. to) = x[n][l->in] w^T, WITHOUT the bias, which the
     * kernels add.  Rows of y are l->out floats apart and y points at column
     * 0.  from is a multiple of 64.  x holds floats, or rows that prepare
     * made, row_size(l->in) bytes apart. */
    void (*multiply)(void *ctx, const struct bl_linear *l, const void *x,
                     size_t n, size_t from, size_t to, float *y);
    void *ctx;
    /* Both or neither: turn a row of floats into what multiply wants, for l
     * and (query) the other two products with the same x. */
    size_t (*row_size)(size_t width);
    void (*prepare)(const struct bl_linear *l, const float *x, void *row);
    size_t piece;               /* tokens that a thread takes at once */
};

/* Last hidden states as bl_engine_ops.forward gives them; cannot fail. */
void bl_stack_forward(const struct bl_shape *shape,
                      const struct bl_bert *tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out);

#endif
