/* SPDX-License-Identifier: MIT */
/*
 * rows: word vectors in the numbers that the file has them in.
 *
 *     const float *v = bl_row(&tower->words, id, hidden, room);
 *
 * A network reads a few rows of a matrix of some 30,000, so those of 16 or
 * 8 bits are turned into floats when they are read; opening a model of such
 * numbers copies nothing.
 */
#ifndef BL_ROWS_H
#define BL_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* Row `id` of `width` numbers: in the matrix itself, or made in
 * room[width]. */
const float *bl_row(const struct bl_rows *rows, size_t id, size_t width,
                    float *room);

/* All of them: out[n][width]. */
void bl_rows_all(const struct bl_rows *rows, size_t n, size_t width,
                 float *out);

/* Rounds a row to 8 bits: codes[width] from -127 to 127; returns what to
 * multiply them by.  The numbers are finite. */
float bl_row_to_int8(const float *row, size_t width, int8_t *codes);

#endif
