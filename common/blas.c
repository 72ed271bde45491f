/* SPDX-License-Identifier: MIT */
/*
 * OpenBLAS behind three functions found by name.
 *
 * What Debian 12's 0.3.21 detects by itself, and sgemm 512 x 1024 x 1024 on
 * one core (GF/s) with OPENBLAS_CORETYPE set to each kernel family:
 *
 *     processor                     detects     itself SkylakeX Haswell Zen
 *     AMD EPYC, Zen 4, AVX-512      Cooperlake      97       98     101  103
 *     Xeon with AVX-512 and AMX     Prescott        37      197       -    -
 *
 * (The second line is half of what its two cores did together.)  So naming
 * the family costs nothing where detection works, and is worth five times
 * the speed where it does not.
 */
#include "config.h"

#include "blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "dense.h"
#include "threads.h"

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };  /* cblas.h */

typedef void sgemm_fn(int order, int trans_a, int trans_b, int m, int n,
                      int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c,
                      int ldc);

static struct {
    pthread_once_t once;
    sgemm_fn *sgemm;            /* NULL: plain C */
    void (*set_threads)(int);
    size_t threads;
    char text[64];
} blas = { .once = PTHREAD_ONCE_INIT, .text = "plain C" };

void bl_blas_environment(void)
{
#if defined(__x86_64__)
    const char *core = NULL;

    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        core = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        core = "Haswell";
    if (core)
        setenv("OPENBLAS_CORETYPE", core, 0);
#endif
}

/* A function from a library; ISO C has no cast from object to function
 * pointers, POSIX guarantees that their bytes agree. */
static bool find(void *lib, const char *name, void *fn)
{
    void *p = dlsym(lib, name);

    *(void **)fn = p;
    return p != NULL;
}

static void open_library(void)
{
    char *(*core_name)(void) = NULL;
    sgemm_fn *sgemm = NULL;

    bl_blas_environment();
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return;
    if (!find(lib, "cblas_sgemm", &sgemm) ||
        !find(lib, "openblas_set_num_threads", &blas.set_threads)) {
        dlclose(lib);
        return;
    }
    find(lib, "openblas_get_corename", &core_name);
    snprintf(blas.text, sizeof blas.text, "openblas %s",
             core_name ? core_name() : "unknown");
    blas.sgemm = sgemm;         /* never closed: it owns threads */
}

void bl_blas_start(size_t threads)
{
    if (!threads)
        threads = bl_threads_default();
    pthread_once(&blas.once, open_library);
    blas.threads = threads;
    if (blas.sgemm)
        blas.set_threads(threads > 256 ? 256 : (int)threads);
}

const char *bl_blas_describe(void)
{
    static char text[sizeof blas.text + 32];

    pthread_once(&blas.once, open_library);
    if (!blas.sgemm)
        return blas.text;
    snprintf(text, sizeof text, "%s, %zu thread%s", blas.text, blas.threads,
             blas.threads == 1 ? "" : "s");
    return text;
}

static void plain_sgemm_nt(size_t m, size_t n, size_t k, const float *a,
                           const float *b, float *c, size_t stride)
{
    struct bl_linear l = { .w = b, .out = n, .in = k };

    for (size_t i = 0; i < m; i++)
        bl_linear_apply(&l, a + i * k, 1, c + i * stride);
}

void bl_sgemm_nt(size_t m, size_t n, size_t k, const float *a,
                 const float *b, float *c, size_t stride)
{
    enum { LIMIT = 1 << 30 };   /* OpenBLAS counts in int */

    pthread_once(&blas.once, open_library);
    if (!m || !n)
        return;
    if (!blas.sgemm || !k || m > LIMIT || stride > LIMIT || k > LIMIT) {
        plain_sgemm_nt(m, n, k, a, b, c, stride);
        return;
    }
    blas.sgemm(ROW_MAJOR, NO_TRANS, TRANS, (int)m, (int)n, (int)k, 1.0f, a,
               (int)k, b, (int)k, 0.0f, c, (int)stride);
}
