/* SPDX-License-Identifier: MIT */
/*
 * blas: single-precision matrix products through OpenBLAS, opened late; for
 * f32.c, on processors that it has no kernel for.
 *
 * OpenBLAS picks its kernels when it is loaded, and Debian 12's (0.3.21)
 * takes many newer processors for a far older one: on a Xeon with AVX-512 it
 * runs at a fifth of its speed.  So no program links it: it is opened by
 * name after bl_blas_environment() has named the right core.
 */
#ifndef BL_BLAS_H
#define BL_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Sets OPENBLAS_CORETYPE for this processor unless the user did.  To be
 * called before anything that loads OpenBLAS (libtorch too). */
void bl_blas_environment(void);

/* Opens OpenBLAS once, with one thread: its callers have their own.  False:
 * it is not there. */
bool bl_blas_open(void);

/* Whether there is the memory that so many threads want of OpenBLAS at once:
 * when there is none it asks for it again for ever.  -1: BL_SYSTEM. */
int bl_blas_fits(size_t threads, struct bl_err *err);

/* The same, and has OpenBLAS take it now. */
int bl_blas_reserve(size_t threads, struct bl_err *err);

/* "OpenBLAS SkylakeX", once it is open. */
enum { BL_BLAS_WHAT = 64 };
extern char bl_blas_what[BL_BLAS_WHAT];

/* y[n][out] = x[n][in] * w[out][in]^T; rows of y are stride >= out floats
 * apart.  It must be open; no size may be 0 or beyond an int. */
void bl_blas_multiply(const float *x, size_t n, const float *w, size_t out,
                      size_t in, float *y, size_t stride);

#endif
