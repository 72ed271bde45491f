/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "model/rows.h"
#include "net/simd.h"

/* Attention's tiles: keys at a time; QUERIES by registers of columns. */
enum { KEYS = 8, WIDE = 2, MOST_LANES = 16 };

/* What it works in. */
struct room {
    float *query;               /* [d, up to LANES][LANES]: transposed */
    float *scores;              /* [n][LANES] */
};

/* What GELU takes from |x|: |x| * (1 - erf(|x| / sqrt(2))) / 2, negative, as
 * a polynomial in 2 |x| / gelu_end - 1, constant behind the end.  The terms
 * make the largest error, 5e-8, the least (Remez); with rounding it is
 * 2e-7, and 4e-7 behind the end. */
enum { GELU_TERMS = 17 };
static const float gelu_end = 5.25f;
static const float gelu_terms[GELU_TERMS] = {
    -0.011372706f, 0.07630555f, -0.21439452f, 0.29102832f, -0.081837386f,
    -0.35734165f, 0.5741455f, -0.25984594f, -0.26583672f, 0.4167683f,
    -0.091394514f, -0.21436492f, 0.14076295f, 0.05232469f, -0.060084544f,
    -0.0048745302f, 0.010011714f
};

size_t bl_kernel_attend_scratch(size_t n, size_t d)
{
    return (d + MOST_LANES - 1 + n) * MOST_LANES;
}

#if defined(__x86_64__)
#define NAME(x) avx512_##x
#define LANES 16
#define TARGET BL_TARGET_AVX512
#define QUERIES 8
#include "net/kernels-template.h"

#define NAME(x) avx2_##x
#define LANES 8
#define TARGET BL_TARGET_AVX2
#define QUERIES 4
#include "net/kernels-template.h"
#endif

/* SSE2 and NEON. */
#define NAME(x) plain_##x
#define LANES 4
#define TARGET
#define QUERIES 4
#include "net/kernels-template.h"

/* In the order of enum bl_activation. */
#define ACTIVATIONS(set) \
    { set##_gelu, set##_gelu_tanh, set##_relu, set##_silu }

static const struct choice {
    struct bl_kernels kernels;
    bool (*runs)(void);
} choices[] = {
#if defined(__x86_64__)
    { { avx512_look_up, avx512_add_norm, ACTIVATIONS(avx512), avx512_attend },
      bl_has_avx512 },
    { { avx2_look_up, avx2_add_norm, ACTIVATIONS(avx2), avx2_attend },
      bl_has_avx2 },
#endif
    { { plain_look_up, plain_add_norm, ACTIVATIONS(plain), plain_attend },
      bl_has_anything }
};

const struct bl_kernels *bl_kernels_at(size_t i)
{
    for (size_t j = 0; j < BL_COUNT(choices); j++)
        if (choices[j].runs() && i-- == 0)
            return &choices[j].kernels;
    return NULL;
}

void bl_kernel_look_up(const struct bl_shape *s, const struct bl_bert *t,
                       const int32_t *ids, const int32_t *positions,
                       const int32_t *segments, size_t n, float *x)
{
    bl_kernels_at(0)->look_up(s, t, ids, positions, segments, n, x);
}

void bl_kernel_add_norm(float *x, const float *y, const float *bias,
                        const struct bl_norm *norm, float epsilon, size_t n,
                        size_t hidden)
{
    bl_kernels_at(0)->add_norm(x, y, bias, norm, epsilon, n, hidden);
}

void bl_kernel_activate(enum bl_activation f, float *x, const float *bias,
                        size_t n, size_t w)
{
    bl_kernels_at(0)->activate[f](x, bias, n, w);
}

void bl_kernel_attend(const struct bl_attend *a, float *scratch)
{
    bl_kernels_at(0)->attend(a, scratch);
}
