/* SPDX-License-Identifier: MIT */
/*
 * int8: matrix products in 8-bit integers.
 *
 *     struct bl_int8 m;
 *     bl_int8_pack(&m, &linear, NULL);         once
 *     bl_int8_prepare(&m, x, row);             each row, once for all products
 *     bl_int8_multiply(&m, kernel, rows, stride, n, 0, m.out, y, m.out);
 *     bl_int8_free(&m);
 *
 * Weights: one scale per output, codes -127..127, the largest weight of the
 * output at 127.  A row of x: codes 0..255 with a scale and a zero point of
 * its own, so that x is near scale * (code - zero); 0 is met exactly.  Sums
 * of products are 32-bit integers and exact, hence the same bits from every
 * kernel, whatever stands beside a row.
 *
 * Where inputs differ much in size, x may be divided by a factor for each
 * input before it is rounded; the weights were multiplied by it.
 */
#ifndef BL_INT8_H
#define BL_INT8_H

#include <stddef.h>
#include <stdint.h>

#include "model/int8-weights.h"
#include "model/model.h"
#include "net/int8-kernels.h"

/* Packs a copy of the weights of l (l->in <= BL_INT8_MAX_IN) times
 * factors[l->in] (NULL: all 1).  An output with a weight that is not finite
 * gives NaN. */
void bl_int8_pack(struct bl_int8 *m, const struct bl_linear *l,
                  const float *factors);
void bl_int8_free(struct bl_int8 *m);
/* The weights [out][in] that the codes stand for, factors taken out. */
void bl_int8_unpack(const struct bl_int8 *m, float *w);

/* Bytes of a prepared row of `in` numbers; a multiple of 64. */
size_t bl_int8_row_size(size_t in);
/* x[m->in] -> row, which need not be aligned, for products with m and others
 * of the same factors.  Numbers that are not finite make every product of
 * the row NaN. */
void bl_int8_prepare(const struct bl_int8 *m, const float *x, void *row);

/* y[i][from .. to) = the products of n prepared rows with the outputs of
 * that range; y rows are `stride` floats apart and y points at column 0.
 * from: a multiple of BL_INT8_OUTS. */
void bl_int8_multiply(const struct bl_int8 *m,
                      const struct bl_int8_kernel *kernel, const void *rows,
                      size_t n, size_t from, size_t to, float *y,
                      size_t stride);

#endif
