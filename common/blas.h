/* SPDX-License-Identifier: MIT */
/*
 * blas: single-precision matrix products through OpenBLAS, opened late.
 *
 * OpenBLAS picks its kernels when it is loaded, and Debian 12's (0.3.21)
 * takes many newer processors for a far older one: on a Xeon with AVX-512 it
 * runs at a fifth of its speed.  So no program links it: it is opened by
 * name after bl_blas_environment() has named the right core.  Without
 * OpenBLAS the plain C product of dense.h takes over.
 */
#ifndef BL_BLAS_H
#define BL_BLAS_H

#include <stddef.h>

/* Sets OPENBLAS_CORETYPE for this processor unless the user did.  To be
 * called before anything that loads OpenBLAS (libtorch too). */
void bl_blas_environment(void);

/* Opens OpenBLAS once and sets its number of threads (0: as many as
 * bl_threads_default() says). */
void bl_blas_start(size_t threads);

/* "openblas SkylakeX, 2 threads" or "plain C"; static storage. */
const char *bl_blas_describe(void);

/* c[m][n] = a[m][k] * b[n][k]^T; row strides k, k and stride >= n. */
void bl_sgemm_nt(size_t m, size_t n, size_t k, const float *a,
                 const float *b, float *c, size_t stride);

#endif
