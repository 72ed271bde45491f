/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/f32.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/blas.h"
#include "net/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum {
    MOST_ROWS = 512,            /* that share a panel of weights */
    ROOM = 128 * 1024,          /* floats of x copied at once: half of a
                                 * second cache of 1 MiB */
    LINE = 16                   /* floats in a line of a cache */
};

/* ---- What the kernels are given ---- */

/* Inputs [from, to) of some rows; from is a multiple of the block. */
struct part {
    const float *x;             /* [blocks][n][BL_F32_BLOCK] */
    size_t n, in, from, to;
    size_t stride;              /* of y */
};

typedef void part_fn(const struct part *p, const float *w, size_t out,
                     float *y);

/* Rows of weights to be fetched meanwhile; perhaps beyond the end, so an
 * address that is no pointer. */
struct next {
    uintptr_t at;
    size_t rows, step;          /* bytes from one row to the next */
};

/* Some rows with a panel. */
struct tile {
    const float *x;             /* [rows][BL_F32_BLOCK] */
    const float *w;             /* [k][outputs] */
    size_t k;
    bool add;                   /* to what y holds */
    float *y;
    size_t stride;
    struct next next;
};

/* The line of float `at` of each row. */
static BL_INLINE void fetch(const struct next *n, size_t at)
{
    uintptr_t p = n->at + at * sizeof(float);

    for (size_t i = 0; i < n->rows; i++, p += n->step)
        __builtin_prefetch((const void *)p, 0, 2);
}

/* ---- Around them ---- */

/* Rows lie close in the copy: those of x, a power of two apart, would drive
 * each other out of the cache. */
static void copy_blocks(const float *x, const struct part *p, float *to)
{
    for (size_t at = p->from; at < p->to; at += BL_F32_BLOCK)
        for (size_t i = 0; i < p->n; i++, to += BL_F32_BLOCK)
            memcpy(to, x + i * p->in + at,
                   BL_MIN(p->to - at, BL_F32_BLOCK) * sizeof *x);
}

/* As many blocks at once as there is room for: a few rows pass whole rows of
 * weights, many pass a block of each. */
static void multiply_rows(part_fn *part, const float *x, size_t n,
                          const float *w, size_t out, size_t in, float *y,
                          size_t stride)
{
    size_t blocks = (in + BL_F32_BLOCK - 1) / BL_F32_BLOCK;
    size_t at_once = BL_MIN(ROOM / (n * BL_F32_BLOCK), blocks);
    size_t step = at_once * BL_F32_BLOCK;
    float *copy = bl_xaligned(n * step, sizeof *copy);

    for (size_t at = 0; at < in; at += step) {
        struct part p = { copy, n, in, at, BL_MIN(at + step, in), stride };

        copy_blocks(x, &p, copy);
        part(&p, w, out, y);
    }
    free(copy);
}

static void multiply(part_fn *part, const float *x, size_t n, const float *w,
                     size_t out, size_t in, float *y, size_t stride)
{
    size_t groups = (n + MOST_ROWS - 1) / MOST_ROWS;

    for (size_t i = 0; i < n && !in; i++)
        memset(y + i * stride, 0, out * sizeof *y);
    for (; groups > 0 && in; groups--) {
        size_t rows = n / groups;

        multiply_rows(part, x, rows, w, out, in, y, stride);
        x += rows * in;
        y += rows * stride;
        n -= rows;
    }
}

/* ---- Ours ---- */

#if defined(__x86_64__)
#define NAME(x) avx512_##x
#define LANES 16
#define TARGET BL_TARGET_AVX512
#define ROWS 12
#define QUAD(p) _mm_loadu_ps(p)
#define QUADS(p, n) \
    _mm512_insertf32x4(_mm512_insertf32x4(_mm512_insertf32x4( \
        _mm512_castps128_ps512(QUAD(p)), QUAD((p) + (n)), 1), \
        QUAD((p) + 2 * (n)), 2), QUAD((p) + 3 * (n)), 3)
#define ZIP(a, b, h) \
    ((h) ? _mm512_unpackhi_ps(a, b) : _mm512_unpacklo_ps(a, b))
#define JOIN(a, b, h) \
    ((h) ? _mm512_shuffle_ps(a, b, 0xee) : _mm512_shuffle_ps(a, b, 0x44))
#define SPREAD(x) _mm512_set1_ps(x)
#define STEP(s, x, w) _mm512_fmadd_ps(x, w, s)
#include "net/f32-template.h"

#define NAME(x) avx2_##x
#define LANES 8
#define TARGET BL_TARGET_AVX2
#define ROWS 6
#define QUADS(p, n) \
    _mm256_insertf128_ps(_mm256_castps128_ps256(QUAD(p)), QUAD((p) + (n)), 1)
#define ZIP(a, b, h) \
    ((h) ? _mm256_unpackhi_ps(a, b) : _mm256_unpacklo_ps(a, b))
#define JOIN(a, b, h) \
    ((h) ? _mm256_shuffle_ps(a, b, 0xee) : _mm256_shuffle_ps(a, b, 0x44))
#define SPREAD(x) _mm256_set1_ps(x)
#define STEP(s, x, w) _mm256_fmadd_ps(x, w, s)
#include "net/f32-template.h"
#endif

/* SSE2 and NEON. */
#define NAME(x) plain_##x
#define LANES 4
#define TARGET
#define ROWS 4
#define QUADS(p, n) (*(const plain_vec *)(p))
#define ZIP(a, b, h) \
    ((h) ? BL_LANES_ZIP(bl_ints_4, 4, a, b, 2) \
     : BL_LANES_ZIP(bl_ints_4, 4, a, b, 0))
#define JOIN(a, b, h) \
    ((h) ? BL_LANES_PICK(bl_ints_4, a, b, 2, 3, 6, 7) \
     : BL_LANES_PICK(bl_ints_4, a, b, 0, 1, 4, 5))
#define SPREAD(x) ((plain_vec){ x, x, x, x })
#if defined(__aarch64__)
#define STEP(s, x, w) vfmaq_f32(s, x, w)
#else
#define STEP(s, x, w) ((s) + (x) * (w))
#endif
typedef int32_t bl_ints_4 __attribute__((vector_size(16)));
#include "net/f32-template.h"

/* ---- OpenBLAS ---- */

/* It counts in int. */
static void openblas_multiply(const float *x, size_t n, const float *w,
                              size_t out, size_t in, float *y, size_t stride)
{
    enum { LIMIT = 1 << 30 };

    if (!in || n > LIMIT || stride > LIMIT || in > LIMIT)
        plain_multiply(x, n, w, out, in, y, stride);
    else if (n && out)
        bl_blas_multiply(x, n, w, out, in, y, stride);
}

/* ---- Which there are ---- */

static const struct choice {
    struct bl_f32_kernel kernel;
    bool (*runs)(void);
} choices[] = {
#if defined(__x86_64__)
    { { "avx512", "AVX-512", avx512_multiply, true }, bl_has_avx512 },
    { { "avx2", "AVX2", avx2_multiply, true }, bl_has_avx2 },
#endif
    { { "openblas", bl_blas_what, openblas_multiply, false }, bl_blas_open },
    { { "c", "plain C", plain_multiply, true }, bl_has_anything }
};

enum { N_CHOICES = BL_COUNT(choices) };

const struct bl_f32_kernel *bl_f32_kernel_at(size_t i)
{
    for (size_t j = 0; j < N_CHOICES; j++)
        if (choices[j].runs() && i-- == 0)
            return &choices[j].kernel;
    return NULL;
}

const struct bl_f32_kernel *bl_f32_kernel(struct bl_err *err)
{
    const char *name = getenv("BLINK_F32");

    if (!name || !*name)
        return bl_f32_kernel_at(0);
    for (size_t i = 0; i < N_CHOICES; i++) {
        if (strcmp(name, choices[i].kernel.name))
            continue;
        if (choices[i].runs())
            return &choices[i].kernel;
        bl_fail(err, BL_USAGE, "BLINK_F32=%s: this machine does not run %s",
                name, choices[i].kernel.what);
        return NULL;
    }
    bl_fail(err, BL_USAGE, "BLINK_F32: expected avx512, avx2, openblas or c, "
            "as this machine has, found '%.*s'",
            BL_SHOWN(32, name));
    return NULL;
}
