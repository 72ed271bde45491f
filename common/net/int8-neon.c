/* SPDX-License-Identifier: MIT */
/*
 * The kernel of 64-bit ARM with dot products (ARMv8.2 and later).  They
 * multiply signed bytes, so that x goes in less 128, which 128 times the
 * sum of the weights makes good.
 */
#include "config.h"

#include "net/int8-kernels.h"
#include "net/simd.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <stdbool.h>
#include <string.h>

static inline uint32_t four(const uint8_t *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof x);
    return x ^ 0x80808080u;
}

#define NAME(x) neon_##x
#define LANES 4
#define TARGET BL_TARGET_DOTPROD
#define ROWS 5
#define BLOCKS 1
#define SUM int32x4_t
#define LEFT int8x16_t
#define RIGHT int8x16_t
#define ZERO vdupq_n_s32(0)
#define LOAD_X(p) vreinterpretq_s8_u32(vdupq_n_u32(four(p)))
#define LOAD_W(p, i) vld1q_s8((p) + 16 * (i))
#define STEP(s, x, w) vdotq_s32(s, x, w)
#define STORE(s, p) \
    (vst1q_s32(p, (s)[0]), vst1q_s32((p) + 4, (s)[1]), \
     vst1q_s32((p) + 8, (s)[2]), vst1q_s32((p) + 12, (s)[3]))
#include "net/int8-template.h"

/* What the 128 has taken away: 128 times the sums of the weights, which
 * belong to columns, so that they are found once for all rows. */
BL_TARGET_DOTPROD
static void restore(const int8_t *w, size_t width, size_t n, int32_t *sums,
                    size_t sums_stride)
{
    const int8x16_t one = vdupq_n_s8(1);
    int32x4_t total[4] = { vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0),
                           vdupq_n_s32(0) };

    for (size_t at = 0; at < width / 4; at++)
        for (size_t i = 0; i < 4; i++)
            total[i] = vdotq_s32(total[i], one,
                                 vld1q_s8(w + at * 64 + 16 * i));
    for (size_t row = 0; row < n; row++)
        for (size_t i = 0; i < 4; i++) {
            int32_t *p = sums + row * sums_stride + 4 * i;

            vst1q_s32(p, vaddq_s32(vld1q_s32(p),
                                   vshlq_n_s32(total[i], 7)));
        }
}

void bl_int8_multiply_neon(const uint8_t *x, size_t stride, size_t n,
                           const int8_t *w, size_t width, size_t blocks,
                           int32_t *sums, size_t sums_stride)
{
    neon_multiply(x, stride, n, w, width, blocks, sums, sums_stride);
    for (size_t i = 0; i < blocks; i++)
        restore(w + i * width * BL_INT8_OUTS, width, n,
                sums + i * BL_INT8_OUTS, sums_stride);
}
#endif
