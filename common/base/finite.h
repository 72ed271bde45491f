/* SPDX-License-Identifier: MIT */
/*
 * finite: floats without NaN and infinity among them.
 */
#ifndef BL_FINITE_H
#define BL_FINITE_H

#include <stddef.h>

/* How many of v[0..n) come before the first NaN or infinity; n when there is
 * none. */
size_t bl_finite_before(const float *v, size_t n);

#endif
