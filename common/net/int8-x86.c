/* SPDX-License-Identifier: MIT */
/*
 * Kernels of x86-64.  An instruction of VNNI multiplies unsigned bytes by
 * signed ones and adds four such products to each 32-bit sum.  AVX2's own
 * byte product adds pairs in 16 bits and would saturate (2 * 255 * 127), so
 * that its kernel widens both sides to 16 bits first.
 */
#include "config.h"

#include "net/int8-kernels.h"
#include "net/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

static inline int32_t four(const uint8_t *p)
{
    int32_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

#define NAME(x) vnni_##x
#define LANES 16
#define TARGET BL_TARGET_VNNI
#define ROWS 6
#define BLOCKS 4
#define SUM __m512i
#define LEFT __m512i
#define RIGHT __m512i
#define ZERO _mm512_setzero_si512()
#define LOAD_X(p) _mm512_set1_epi32(four(p))
#define LOAD_W(p, i) _mm512_loadu_si512((p) + 64 * (i))
#define STEP(s, x, w) _mm512_dpbusd_epi32(s, x, w)
#define STORE(s, p) _mm512_storeu_si512(p, (s)[0])
#include "net/int8-template.h"

void bl_int8_multiply_vnni(const uint8_t *x, size_t stride, size_t n,
                           const int8_t *w, size_t width, size_t blocks,
                           int32_t *sums, size_t sums_stride)
{
    vnni_multiply(x, stride, n, w, width, blocks, sums, sums_stride);
}

/* The AVX form of the same instruction: for processors without AVX-512. */
#define NAME(x) avxvnni_##x
#define LANES 8
#define TARGET __attribute__((target("avx2,avxvnni")))
#define ROWS 6
#define BLOCKS 1
#define SUM __m256i
#define LEFT __m256i
#define RIGHT __m256i
#define ZERO _mm256_setzero_si256()
#define LOAD_X(p) _mm256_set1_epi32(four(p))
#define LOAD_W(p, i) _mm256_loadu_si256((const void *)((p) + 32 * (i)))
#define STEP(s, x, w) _mm256_dpbusd_avx_epi32(s, x, w)
#define STORE(s, p) \
    (_mm256_storeu_si256((void *)(p), (s)[0]), \
     _mm256_storeu_si256((void *)((p) + 8), (s)[1]))
#include "net/int8-template.h"

void bl_int8_multiply_avxvnni(const uint8_t *x, size_t stride, size_t n,
                              const int8_t *w, size_t width, size_t blocks,
                              int32_t *sums, size_t sums_stride)
{
    avxvnni_multiply(x, stride, n, w, width, blocks, sums, sums_stride);
}

/* Eight sums, two for each of four outputs. */
__attribute__((target("avx2")))
static inline void store_pairs(const __m256i s[4], int32_t *p)
{
    for (int i = 0; i < 4; i += 2) {
        __m256i x = _mm256_hadd_epi32(s[i], s[i + 1]);

        _mm256_storeu_si256((void *)(p + 4 * i),
                            _mm256_permute4x64_epi64(x, 0xd8));
    }
}

#define NAME(x) avx2_##x
#define LANES 4
#define TARGET __attribute__((target("avx2")))
#define ROWS 3
#define BLOCKS 1
#define SUM __m256i
#define LEFT __m256i
#define RIGHT __m256i
#define ZERO _mm256_setzero_si256()
#define LOAD_X(p) _mm256_cvtepu8_epi16(_mm_set1_epi32(four(p)))
#define LOAD_W(p, i) \
    _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)((p) + 16 * (i))))
#define STEP(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(x, w))
#define STORE(s, p) store_pairs(s, p)
#include "net/int8-template.h"

void bl_int8_multiply_avx2(const uint8_t *x, size_t stride, size_t n,
                           const int8_t *w, size_t width, size_t blocks,
                           int32_t *sums, size_t sums_stride)
{
    avx2_multiply(x, stride, n, w, width, blocks, sums, sums_stride);
}

/* ---- Rows as they lie ---- */

enum { AHEAD = 4096 };          /* bytes asked for in time, perhaps beyond
                                 * the end */

/* Sums of m products with 64 bytes of a row, and of the row itself. */
BL_TARGET_VNNI
static BL_INLINE void dot_step(size_t m, const uint8_t *x, const int8_t *row,
                               size_t width, __m512i s[BL_INT8_DOTS + 1])
{
    __m512i r = _mm512_loadu_si512(row);

    __builtin_prefetch((const void *)((uintptr_t)row + AHEAD));

    BL_UNROLL(16)
    for (size_t j = 0; j < m; j++)
        s[j] = _mm512_dpbusd_epi32(s[j], _mm512_loadu_si512(x + j * width),
                                   r);
    s[m] = _mm512_dpbusd_epi32(s[m], _mm512_set1_epi8(-128), r);
}

/* m: known where this is inlined. */
BL_TARGET_VNNI
static BL_INLINE void dot_vnni(size_t m, const uint8_t *x,
                               const int8_t *rows, size_t n, size_t width,
                               int32_t *sums)
{
    for (size_t i = 0; i < n; i++, rows += width, sums += m) {
        __m512i s[BL_INT8_DOTS + 1], t[BL_INT8_DOTS + 1];
        size_t k = 0;

        BL_UNROLL(16)
        for (size_t j = 0; j <= m; j++)
            s[j] = t[j] = _mm512_setzero_si512();
        for (; k + 2 * BL_INT8_INS <= width; k += 2 * BL_INT8_INS) {
            dot_step(m, x + k, rows + k, width, s);
            dot_step(m, x + k + BL_INT8_INS, rows + k + BL_INT8_INS, width,
                     t);
        }
        if (k < width)
            dot_step(m, x + k, rows + k, width, s);
        BL_UNROLL(16)
        for (size_t j = 0; j < m; j++)
            sums[j] = _mm512_reduce_add_epi32(_mm512_sub_epi32(
                _mm512_add_epi32(s[j], t[j]), _mm512_add_epi32(s[m], t[m])));
    }
}

BL_TARGET_VNNI
void bl_int8_dot_vnni(const uint8_t *x, size_t m, const int8_t *rows,
                      size_t n, size_t width, int32_t *sums)
{
    switch (m) {
    case 1: dot_vnni(1, x, rows, n, width, sums); break;
    case 2: dot_vnni(2, x, rows, n, width, sums); break;
    case 3: dot_vnni(3, x, rows, n, width, sums); break;
    case 4: dot_vnni(4, x, rows, n, width, sums); break;
    default: break;
    }
}

__attribute__((target("avx2")))
static int32_t dot_avx2(const uint8_t *x, const int8_t *row, size_t width)
{
    const __m256i mid = _mm256_set1_epi16(128);
    __m256i sum = _mm256_setzero_si256();
    int32_t s[8];

    for (size_t k = 0; k < width; k += 16) {
        __m256i r = _mm256_cvtepi8_epi16(
            _mm_loadu_si128((const void *)(row + k)));
        __m256i q = _mm256_cvtepu8_epi16(
            _mm_loadu_si128((const void *)(x + k)));

        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(
            _mm256_sub_epi16(q, mid), r));
    }
    _mm256_storeu_si256((void *)s, sum);
    return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

void bl_int8_dot_avx2(const uint8_t *x, size_t m, const int8_t *rows,
                      size_t n, size_t width, int32_t *sums)
{
    for (size_t i = 0; i < n; i++, rows += width)
        for (size_t j = 0; j < m; j++)
            *sums++ = dot_avx2(x + j * width, rows, width);
}
#endif
