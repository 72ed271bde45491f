/* SPDX-License-Identifier: MIT */
/*
 * index-codes: a vector rounded to int8, and what that loses; for the files
 * index*.c only.
 *
 *     float scale = bl_index_codes(v, dim, codes);
 *     double lost = bl_index_lost(v, scale, codes, dim);
 */
#ifndef BL_INDEX_CODES_H
#define BL_INDEX_CODES_H

#include <stddef.h>
#include <stdint.h>

/* v[n], finite -> codes[n] of -127..127; returns the scale, with which
 * scale * codes is near v. */
float bl_index_codes(const float *v, size_t n, int8_t *codes);

/* The length of v - scale * codes, to 1e-11 of it (n up to 65536). */
double bl_index_lost(const float *v, float scale, const int8_t *codes,
                     size_t n);

/* The same as a float that is not below it. */
float bl_index_lost_above(const float *v, float scale, const int8_t *codes,
                          size_t n);

#endif
