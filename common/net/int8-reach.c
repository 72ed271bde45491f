/* SPDX-License-Identifier: MIT */
/*
 * Which rows reach which queries' limits, with AVX-512 VNNI: sums never
 * leave their registers, one bit of each does.
 *
 * The instruction multiplies unsigned bytes by signed ones.  Rows go in as
 * they lie, as the signed side; the packed queries have 128 added, so that
 * 128 times the sum of a row's codes is too much in each of its sums.  That
 * is one instruction for each 64 that follow, and brings the row near.
 */
#include "config.h"

#include "net/int8-kernels.h"
#include "net/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET BL_TARGET_VNNI

enum { OUTS = BL_INT8_OUTS, INS = BL_INT8_INS, MOST_ROWS = 12 };

/* 128 times the sum of a row, in two chains of sums: one would wait for each
 * product in turn. */
TARGET static BL_INLINE int32_t too_much(const int8_t *row, size_t width)
{
    const __m512i mid = _mm512_set1_epi8(-128);     /* 128, unsigned */
    __m512i a = _mm512_setzero_si512(), b = a;
    size_t k = 0;

    for (; k + 2 * INS <= width; k += 2 * INS) {
        a = _mm512_dpbusd_epi32(a, mid, _mm512_loadu_si512(row + k));
        b = _mm512_dpbusd_epi32(b, mid, _mm512_loadu_si512(row + k + INS));
    }
    if (k < width)
        a = _mm512_dpbusd_epi32(a, mid, _mm512_loadu_si512(row + k));
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

TARGET static BL_INLINE __m512i four(const int8_t *codes)
{
    int32_t word;

    memcpy(&word, codes, sizeof word);
    return _mm512_set1_epi32(word);
}

/* n_rows and blocks are constants where this is inlined, so that all sums
 * have registers.  Meanwhile the rows of the tile after the next one are
 * fetched: the one after this is under way already. */
TARGET static BL_INLINE void tile(int n_rows, int blocks, const int8_t *rows,
                                  size_t width, const uint8_t *queries,
                                  const struct bl_int8_limits *limits,
                                  const float *scales, const float *extra,
                                  uint64_t *masks)
{
    uintptr_t behind = (uintptr_t)rows + 2 * (uintptr_t)n_rows * width;
    __m512i sums[MOST_ROWS][4];
    int32_t excess[MOST_ROWS];

    for (int i = 0; i < n_rows; i++)
        excess[i] = too_much(rows + (size_t)i * width, width);
    BL_UNROLL(16)
    for (int i = 0; i < n_rows; i++)
        BL_UNROLL(16)
        for (int j = 0; j < blocks; j++)
            sums[i][j] = _mm512_setzero_si512();
    for (size_t line = 0; line < width; line += INS) {
        BL_UNROLL(16)
        for (int i = 0; i < n_rows; i++, behind += INS)
            __builtin_prefetch((const void *)behind);
        for (size_t at = line; at < line + INS; at += 4) {
            __m512i inputs[4];

            BL_UNROLL(16)
            for (int j = 0; j < blocks; j++)
                inputs[j] = _mm512_loadu_si512(
                    queries + ((size_t)j * width + at) * OUTS);
            BL_UNROLL(16)
            for (int i = 0; i < n_rows; i++) {
                __m512i code = four(rows + (size_t)i * width + at);

                BL_UNROLL(16)
                for (int j = 0; j < blocks; j++)
                    sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], inputs[j],
                                                     code);
            }
        }
    }
    BL_UNROLL(16)
    for (int i = 0; i < n_rows; i++) {
        __m512i more = _mm512_set1_epi32(excess[i]);
        __m512 scale = _mm512_set1_ps(scales[i]);
        __m512 add = _mm512_set1_ps(extra[i]);
        uint64_t mask = 0;

        BL_UNROLL(16)
        for (int j = 0; j < blocks; j++) {
            __m512 score = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[i][j],
                                                               more));

            score = _mm512_mul_ps(score,
                                  _mm512_loadu_ps(limits->by + OUTS * j));
            score = _mm512_mul_ps(score, scale);
            score = _mm512_fmadd_ps(_mm512_loadu_ps(limits->more + OUTS * j),
                                    add, score);
            mask |= (uint64_t)_mm512_cmp_ps_mask(
                score, _mm512_loadu_ps(limits->limits + OUTS * j), _CMP_GE_OQ)
                << OUTS * j;
        }
        masks[i] = mask;
    }
}

/* For n >= n_rows.  Where n_rows does not divide n, the last tile starts
 * earlier and looks at some rows again, which gives them the same mask. */
TARGET static BL_INLINE void all(int n_rows, int blocks, const int8_t *rows,
                                 size_t n, size_t width,
                                 const uint8_t *queries,
                                 const struct bl_int8_limits *limits,
                                 const float *scales, const float *extra,
                                 uint64_t *masks)
{
    for (size_t i = 0; i < n; i += (size_t)n_rows) {
        if (i + (size_t)n_rows > n)
            i = n - (size_t)n_rows;
        tile(n_rows, blocks, rows + i * width, width, queries, limits,
             scales + i, extra + i, masks + i);
    }
}

TARGET
void bl_int8_reach_vnni(const int8_t *rows, size_t n, size_t width,
                        const uint8_t *queries, size_t blocks,
                        const struct bl_int8_limits *limits,
                        const float *scales, const float *extra,
                        uint64_t *masks)
{
#define SHAPE(b, m) \
    case b: \
        if (n >= (m)) \
            all(m, b, rows, n, width, queries, limits, scales, extra, masks); \
        else \
            all(1, b, rows, n, width, queries, limits, scales, extra, masks); \
        break;

    switch (blocks) {
    SHAPE(1, 12)
    SHAPE(2, 12)
    SHAPE(3, 8)
    SHAPE(4, 6)
    default: break;
    }
#undef SHAPE
}
#endif
