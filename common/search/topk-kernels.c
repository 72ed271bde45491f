/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/topk-kernels.h"

#include <stdbool.h>

#include "base/mem.h"
#include "net/simd.h"
#include "tensor/half.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define NAME(x) avx512_##x
#define LANES 16
#define TARGET BL_TARGET_AVX512F
#define QUERIES 6
#include "search/topk-template.h"

BL_TARGET_AVX512F
static void avx512_widen_f16(const uint16_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(
            _mm256_loadu_si256((const void *)(p + i))));
}

BL_TARGET_AVX512F
static void avx512_widen_int8(const int8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
            _mm_loadu_si128((const void *)(p + i)))));
}

#define NAME(x) avx2_##x
#define LANES 8
#define TARGET BL_TARGET_AVX2
#define QUERIES 3
#include "search/topk-template.h"

__attribute__((target("avx2,f16c")))
static void avx2_widen_f16(const uint16_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(
            _mm_loadu_si128((const void *)(p + i))));
}

__attribute__((target("avx2")))
static void avx2_widen_int8(const int8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
            _mm_loadl_epi64((const void *)(p + i)))));
}
#endif

#define NAME(x) plain_##x
#define LANES 4
#define TARGET
#define QUERIES 3
#include "search/topk-template.h"

static void plain_widen_f16(const uint16_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = bl_half_to_float(p[i]);
}

static void plain_widen_int8(const int8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)p[i];
}

static const struct bl_topk_kernel kernels[] = {
#if defined(__x86_64__)
    { "avx512f", avx512_strip, avx512_pairs, avx512_widen_f16,
      avx512_widen_int8 },
    { "avx2", avx2_strip, avx2_pairs, avx2_widen_f16, avx2_widen_int8 },
#endif
    { "plain C", plain_strip, plain_pairs, plain_widen_f16, plain_widen_int8 }
};

#if defined(__x86_64__)
static bool has_f16c(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

static bool runs_here(const struct bl_topk_kernel *k)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (k->strip == avx512_strip)
        return __builtin_cpu_supports("avx512f");
    if (k->strip == avx2_strip)
        return __builtin_cpu_supports("avx2")
            && __builtin_cpu_supports("fma") && has_f16c();
#endif
    return k != NULL;
}

const struct bl_topk_kernel *bl_topk_kernel_at(size_t i)
{
    for (size_t j = 0; j < BL_COUNT(kernels); j++)
        if (runs_here(&kernels[j]) && i-- == 0)
            return &kernels[j];
    return NULL;
}

const struct bl_topk_kernel *bl_topk_kernel(void)
{
    return bl_topk_kernel_at(0);
}
