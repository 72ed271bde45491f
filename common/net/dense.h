/* SPDX-License-Identifier: MIT */
/*
 * dense: the small products in plain C behind the heads of encoder.c and the
 * whole of engine-reference.c.  Sums run in a fixed order: the same row
 * gives the same bits whatever stands beside it.
 */
#ifndef BL_DENSE_H
#define BL_DENSE_H

#include <stddef.h>

#include "model/model.h"

/* Sum of a[i] * b[i]. */
float bl_dot(const float *a, const float *b, size_t n);

/* y[n][l->out] = x[n][l->in] * w^T + b. */
void bl_linear_apply(const struct bl_linear *l, const float *x, size_t n,
                     float *y);

#endif
