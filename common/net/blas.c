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

#include "net/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };  /* cblas.h */

enum {
    BUFFER = 128 << 20,         /* bytes that each call works in, at most */
    MOST_BUFFERS = 32           /* fewer than OpenBLAS can have */
};

typedef void *alloc_fn(int unused);
typedef void release_fn(void *buffer);
typedef void sgemm_fn(int order, int trans_a, int trans_b, int m, int n,
                      int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c,
                      int ldc);

char bl_blas_what[BL_BLAS_WHAT] = "OpenBLAS";

static struct {
    pthread_once_t once;
    sgemm_fn *sgemm;            /* NULL: not there */
    alloc_fn *alloc;            /* NULL: not to be had from outside */
    release_fn *release;
} blas = { .once = PTHREAD_ONCE_INIT };

void bl_blas_environment(void)
{
#if defined(__x86_64__)
    const char *core = NULL;

    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
        core = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        core = "Haswell";
    if (core)
        setenv("OPENBLAS_CORETYPE", core, 0);
#endif
}

/* A function from a library; ISO C has no cast from object to function
 * pointers, POSIX guarantees that their bytes agree. */
static bool find_symbol(void *lib, const char *name, void *fn)
{
    void *p = dlsym(lib, name);

    *(void **)fn = p;
    return p != NULL;
}

static void open_library(void)
{
    char *(*core_name)(void) = NULL;
    void (*set_threads)(int) = NULL;
    sgemm_fn *sgemm = NULL;

    bl_blas_environment();
    /* It starts a thread for each core as it is loaded, and where there is no
     * memory for them ends the process or waits for them at its end for
     * ever. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return;
    if (!find_symbol(lib, "cblas_sgemm", &sgemm)
        || !find_symbol(lib, "openblas_set_num_threads", &set_threads)) {
        dlclose(lib);
        return;
    }
    set_threads(1);
    if (find_symbol(lib, "openblas_get_corename", &core_name))
        snprintf(bl_blas_what, sizeof bl_blas_what, "OpenBLAS %s",
                 core_name());
    if (!find_symbol(lib, "blas_memory_alloc", &blas.alloc)
        || !find_symbol(lib, "blas_memory_free", &blas.release))
        blas.alloc = NULL;
    blas.sgemm = sgemm;         /* never closed: it owns threads */
}

bool bl_blas_open(void)
{
    pthread_once(&blas.once, open_library);
    return blas.sgemm != NULL;
}

/* Whether so much could be mapped at this moment. */
static bool fits(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return false;
    munmap(memory, bytes);
    return true;
}

int bl_blas_fits(size_t threads, struct bl_err *err)
{
    size_t n = BL_MIN(threads, (size_t)MOST_BUFFERS);

    /* One more, for stacks and the like. */
    if (fits((n + 1) * BUFFER))
        return 0;
    return bl_fail(err, BL_SYSTEM, "out of memory (OpenBLAS wants %zu times "
                   "%d MB)", n, BUFFER >> 20);
}

int bl_blas_reserve(size_t threads, struct bl_err *err)
{
    size_t n = BL_MIN(threads, (size_t)MOST_BUFFERS);
    void *buffers[MOST_BUFFERS];

    if (!bl_blas_open() || !blas.alloc)
        return 0;
    if (bl_blas_fits(threads, err) < 0)
        return -1;
    /* OpenBLAS keeps what is given back for the calls that follow. */
    for (size_t i = 0; i < n; i++)
        buffers[i] = blas.alloc(0);
    for (size_t i = 0; i < n; i++)
        blas.release(buffers[i]);
    return 0;
}

void bl_blas_multiply(const float *x, size_t n, const float *w, size_t out,
                      size_t in, float *y, size_t stride)
{
    blas.sgemm(ROW_MAJOR, NO_TRANS, TRANS, (int)n, (int)out, (int)in, 1.0f,
               x, (int)in, w, (int)in, 0.0f, y, (int)stride);
}
