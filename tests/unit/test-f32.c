/* SPDX-License-Identifier: MIT */
/* Products of floats: every kernel against sums in double precision, on
 * shapes with and without rests; the same bits wherever a row and an output
 * stand, which are those of the order that f32.h states. */
#include "../../common/net/f32.c"

#include <math.h>

#include "base/mem.h"
#include "tap.h"

static uint32_t state = 1;

static float *numbers(size_t n)
{
    float *p = bl_xmalloc(n + 1, sizeof *p);

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        p[i] = (float)(state >> 8) / (float)(1 << 23) - 1.0f;
    }
    return p;
}

struct shape {
    size_t n, out, in, stride;
};

static bool near(const struct shape *s, const float *x, const float *w,
                 const float *y)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = 0; o < s->out; o++) {
            double sum = 0;

            for (size_t k = 0; k < s->in; k++)
                sum += (double)x[i * s->in + k] * (double)w[o * s->in + k];
            if (!(fabs(sum - (double)y[i * s->stride + o])
                  <= 1e-6 * sqrt((double)s->in) + 1e-7 * (double)s->in))
                return false;
        }
    return true;
}

/* To the bit: blocks, and fmaf() in them. */
static bool as_stated(const struct shape *s, const float *x, const float *w,
                      const float *y)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = 0; o < s->out; o++) {
            float sum = 0, block = 0;

            for (size_t k = 0; k < s->in; k++) {
                block = fmaf(x[i * s->in + k], w[o * s->in + k], block);
                if ((k + 1) % BL_F32_BLOCK && k + 1 < s->in)
                    continue;
                sum = k < BL_F32_BLOCK ? block : sum + block;
                block = 0;
            }
            if (memcmp(&sum, &y[i * s->stride + o], sizeof sum))
                return false;
        }
    return true;
}

/* Plain C of x86-64 has no instruction that multiplies and adds. */
static bool fused(const struct bl_f32_kernel *k)
{
#if defined(__aarch64__)
    return k->ordered;
#else
    return k->ordered && strcmp(k->name, "c");
#endif
}

/* Nothing written beside the outputs. */
static bool untouched(const struct shape *s, const float *y)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = s->out; o < s->stride; o++)
            if (!(y[i * s->stride + o] > 41.0f))
                return false;
    return y[s->n * s->stride] > 41.0f;
}

/* Rows and outputs by themselves, from places that are not aligned. */
static bool ordered(const struct bl_f32_kernel *k, const struct shape *s,
                    const float *x, const float *w, const float *y)
{
    for (size_t i = 0; i < s->n; i += 1 + s->n / 5)
        for (size_t o = 0; o < s->out; o += 1 + s->out / 7) {
            size_t outs = BL_MIN(s->out - o, 1 + o % 37);
            float *part = bl_xmalloc(outs, sizeof *part);
            bool same;

            k->multiply(x + i * s->in, 1, w + o * s->in, outs, s->in, part,
                        outs);
            same = !memcmp(part, y + i * s->stride + o, outs * sizeof *part);
            free(part);
            if (!same)
                return false;
        }
    return true;
}

static float *product(const struct bl_f32_kernel *k, const struct shape *s,
                      const float *x, const float *w)
{
    size_t n = s->n * s->stride + 1;
    float *y = bl_xmalloc(n, sizeof *y);

    for (size_t i = 0; i < n; i++)
        y[i] = 42.0f;
    k->multiply(x, s->n, w, s->out, s->in, y, s->stride);
    return y;
}

static void test_shape(const struct bl_f32_kernel *k, const struct shape *s,
                       const float *x, const float *w)
{
    float *y = product(k, s, x, w);

    ok(near(s, x, w, y) && untouched(s, y), "%s: %zu x %zu x %zu", k->name,
       s->n, s->out, s->in);
    if (k->ordered)
        ok(ordered(k, s, x, w, y), "%s: the same bits in parts", k->name);
    if (fused(k))
        ok(as_stated(s, x, w, y), "%s: the bits that f32.h states", k->name);
    free(y);
}

static void test_shapes(void)
{
    static const struct shape shapes[] = {
        { 1, 1, 1, 1 }, { 1, 5, 3, 5 }, { 3, 70, 384, 70 },
        { 17, 33, 7, 33 }, { 2, 4, 20000, 4 }, { 40, 41, 42, 45 },
        { 13, 48, 256, 48 }, { 12, 32, 257, 32 }, { 25, 31, 515, 64 },
        { 5, 16, 768, 16 }, { 600, 17, 300, 17 }, { 129, 64, 1024, 64 },
        { 2, 3, 0, 3 }, { 3, 0, 5, 2 }, { 0, 7, 5, 7 }
    };

    for (size_t i = 0; i < BL_COUNT(shapes); i++) {
        const struct shape *s = &shapes[i];
        float *x = numbers(s->n * s->in), *w = numbers(s->out * s->in);
        const struct bl_f32_kernel *k;

        for (size_t j = 0; (k = bl_f32_kernel_at(j)); j++)
            test_shape(k, s, x, w);
        free(x);
        free(w);
    }
}

/* They reach the outputs that they are part of, and no others. */
static void test_not_finite(void)
{
    const struct bl_f32_kernel *k;

    for (size_t j = 0; (k = bl_f32_kernel_at(j)); j++) {
        float *x = numbers(3 * 20), *w = numbers(18 * 20), *y;
        struct shape s = { 3, 18, 20, 18 };
        size_t bad = 0;

        x[20 + 3] = NAN;
        w[17 * 20] = INFINITY;
        y = product(k, &s, x, w);
        for (size_t i = 0; i < 3 * 18; i++)
            bad += isfinite(y[i]) ? 0 : 1;
        ok(bad == 18 + 2, "%s: NaN in one row, infinity in one output",
           k->name);
        free(x);
        free(w);
        free(y);
    }
}

static void test_choice(void)
{
    struct bl_err err;
    const struct bl_f32_kernel *k;

    for (size_t j = 0; (k = bl_f32_kernel_at(j)); j++) {
        setenv("BLINK_F32", k->name, 1);
        ok(bl_f32_kernel(&err) == k, "BLINK_F32=%s: %s", k->name, k->what);
    }
    setenv("BLINK_F32", "z80", 1);
    ok(!bl_f32_kernel(&err) && err.code == BL_USAGE, "%s", err.msg);
    unsetenv("BLINK_F32");
    setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
    bl_blas_environment();
    is_str(getenv("OPENBLAS_CORETYPE"), "Nehalem", "the user's choice stays");
}

int main(void)
{
    test_shapes();
    test_not_finite();
    test_choice();
    return tap_done();
}
