/* SPDX-License-Identifier: MIT */
/*
 * finite: floats without NaN and infinity among them.
 */
#ifndef BL_FINITE_H
#define BL_FINITE_H

#include <stddef.h>

/* How many of values[0..count) come before the first NaN or infinity; count
 * when there is none. */
size_t bl_finite_before(const float *values, size_t count);

#endif
