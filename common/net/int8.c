/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/int8.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/simd.h"

enum {
    OUTS = BL_INT8_OUTS,
    ALIGN = 64,
    PANEL = 4,                  /* blocks whose sums are kept at once */
    ROWS = 96,                  /* and rows: 24 KiB; whole tiles of all
                                 * kernels */
    RANGES = 4,                 /* of a row, found side by side */
    COLUMNS = 4                 /* registers of them, in to_floats */
};

/* What stands behind the codes of a prepared row. */
struct scale {
    float scale;
    int32_t zero;
};

static size_t padded(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Codes fill 0..254 only: zero and a number are rounded apart from each
 * other, which may add one. */
static const float levels = 254;

/* What to_floats() is given: n rows of `width` sums. */
struct sums {
    const int32_t *sums, *taken;        /* taken: sums of the weights */
    const float *scales;
    const unsigned char *rows;          /* the struct scale of the first */
    size_t stride, row_stride, y_stride, n, width;
    float *y;
};

#if defined(__x86_64__)
#define NAME(x) avx512_##x
#define LANES 16
#define TARGET BL_TARGET_AVX512
#include "net/int8-rows-template.h"

#define NAME(x) avx2_##x
#define LANES 8
#define TARGET BL_TARGET_AVX2
#include "net/int8-rows-template.h"
#endif

#define NAME(x) plain_##x
#define LANES 4
#define TARGET
#include "net/int8-rows-template.h"

/* ---- The best of them ---- */

static const struct work {
    bool (*runs)(void);
    void (*prepare_row)(const struct bl_int8 *m, const float *x,
                        unsigned char *row);
    void (*pack_output)(const float *w, const float *by, size_t in,
                        size_t width, int8_t *codes, float *scale,
                        int32_t *sum);
    void (*to_floats)(const struct sums *s);
} works[] = {
#if defined(__x86_64__)
    { bl_has_avx512, avx512_prepare_row, avx512_pack_output,
      avx512_to_floats },
    { bl_has_avx2, avx2_prepare_row, avx2_pack_output, avx2_to_floats },
#endif
    { bl_has_anything, plain_prepare_row, plain_pack_output,
      plain_to_floats }
};

/* How many a test leaves out. */
#ifndef INT8_WITHOUT
#define INT8_WITHOUT 0
#endif

static const struct work *best(void)
{
    const struct work *w = works + INT8_WITHOUT;

    while (!w->runs())
        w++;
    return w;
}

size_t bl_int8_row_size(size_t in)
{
    return padded(in, BL_INT8_INS) + ALIGN;
}

void bl_int8_prepare(const struct bl_int8 *matrix, const float *x, void *row)
{
    best()->prepare_row(matrix, x, row);
}

/* ---- Weights ---- */

void bl_int8_pack(struct bl_int8 *matrix, const struct bl_linear *linear,
                  const float *factors)
{
    size_t blocks = padded(linear->out, OUTS) / OUTS, n = blocks * OUTS;
    size_t width = padded(linear->in, BL_INT8_INS), words = 2 * n + width;
    int8_t *codes = bl_xaligned(n * width + words * 4, 1);
    float *scales = (void *)(codes + n * width), *shrink;
    int32_t *sums = (void *)(scales + n);
    const struct work *w = best();

    BL_ASSERT(linear->in <= BL_INT8_MAX_IN);
    shrink = (void *)(sums + n);
    *matrix = (struct bl_int8){
        linear->out, linear->in, blocks, width, codes, scales, sums,
        factors ? shrink : NULL, codes
    };
    memset(scales, 0, words * 4);
    if (blocks)                         /* outputs beyond the last */
        memset(codes + (n - OUTS) * width, 0, OUTS * width);
    for (size_t o = 0; o < linear->out; o++)
        w->pack_output(linear->w + o * linear->in, factors, linear->in, width,
                       codes + o / OUTS * OUTS * width + o % OUTS * 4,
                       scales + o, sums + o);
    for (size_t k = 0; k < linear->in && factors; k++)
        shrink[k] = 1 / factors[k];
}

void bl_int8_unpack(const struct bl_int8 *matrix, float *w)
{
    for (size_t o = 0; o < matrix->out; o++, w += matrix->in) {
        const int8_t *codes = matrix->codes + o / OUTS * OUTS * matrix->width
            + o % OUTS * 4;

        for (size_t k = 0; k < matrix->in; k++)
            w[k] = matrix->scales[o] * (float)codes[k / 4 * 4 * OUTS + k % 4]
                * (matrix->shrink ? matrix->shrink[k] : 1);
    }
}

void bl_int8_free(struct bl_int8 *matrix)
{
    free(matrix->memory);
    *matrix = (struct bl_int8){ 0 };
}

/* ---- Products ---- */

void bl_int8_multiply(const struct bl_int8 *matrix,
                      const struct bl_int8_kernel *kernel, const void *rows,
                      size_t n, size_t from, size_t to, float *y,
                      size_t stride)
{
    enum { WIDTH = PANEL * OUTS };
    _Alignas(ALIGN) int32_t sums[ROWS * WIDTH];
    size_t row = bl_int8_row_size(matrix->in);
    const struct work *w = best();

    BL_ASSERT(from % OUTS == 0 && to <= matrix->out);
    /* A panel of weights stays in the cache while all rows pass by it; the
     * sums of ROWS rows with it are turned into floats before they leave the
     * cache. */
    for (size_t at = from; at < to; at += WIDTH) {
        size_t width = BL_MIN(to - at, WIDTH);

        for (size_t i = 0; i < n; i += ROWS) {
            const unsigned char *x = (const unsigned char *)rows + i * row;
            size_t count = BL_MIN(n - i, ROWS);

            kernel->multiply(x, row, count, matrix->codes + at * matrix->width,
                             matrix->width, padded(width, OUTS) / OUTS, sums,
                             WIDTH);
            w->to_floats(&(struct sums){
                sums, matrix->sums + at, matrix->scales + at,
                         x + matrix->width, WIDTH, row,
                stride, count, width, y + i * stride + at
            });
        }
    }
}
