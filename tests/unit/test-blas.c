/* SPDX-License-Identifier: MIT */
/* The matrix product, through OpenBLAS and in plain C, against sums in
 * double precision. */
#include "../../common/blas.c"

#include <math.h>

#include "mem.h"
#include "tap.h"

static float *numbers(size_t n, unsigned seed)
{
    float *p = bl_xmalloc(n, sizeof *p);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
    }
    return p;
}

typedef void product_fn(size_t m, size_t n, size_t k, const float *a,
                        const float *b, float *c, size_t stride);

/* Right, and nothing written beside the n columns of its rows. */
static bool right(product_fn *f, size_t m, size_t n, size_t k, size_t stride)
{
    float *a = numbers(m * k, 1), *b = numbers(n * k, 2);
    float *c = bl_xmalloc(m * stride + 1, sizeof *c);
    bool good = true;

    for (size_t i = 0; i <= m * stride; i++)
        c[i] = 42.0f;
    f(m, n, k, a, b, c, stride);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double s = 0;

            for (size_t l = 0; l < k; l++)
                s += (double)a[i * k + l] * (double)b[j * k + l];
            s -= (double)c[i * stride + j];
            good &= fabs(s) < 1e-4 + 1e-7 * (double)k;
        }
    for (size_t i = 0; i < m; i++)
        for (size_t j = n; j < stride; j++)
            good &= c[i * stride + j] > 41.0f;
    good &= c[m * stride] > 41.0f;
    free(a);
    free(b);
    free(c);
    return good;
}

int main(void)
{
    static const size_t shapes[][3] = {
        { 1, 1, 1 }, { 1, 5, 3 }, { 3, 70, 384 }, { 17, 33, 7 },
        { 2, 4, 20000 }, { 40, 41, 42 }
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t *s = shapes[i];

        ok(right(bl_sgemm_nt, s[0], s[1], s[2], s[1]), "%zu x %zu x %zu",
           s[0], s[1], s[2]);
        ok(right(plain_sgemm_nt, s[0], s[1], s[2], s[1]),
           "%zu x %zu x %zu in plain C", s[0], s[1], s[2]);
    }
    ok(right(bl_sgemm_nt, 17, 33, 7, 40), "some columns of wider rows");
    ok(right(plain_sgemm_nt, 17, 33, 7, 40), "the same in plain C");
    ok(right(bl_sgemm_nt, 2, 3, 0, 3), "no columns: zeros");
    bl_sgemm_nt(0, 0, 4, NULL, NULL, NULL, 0);
    bl_blas_start(2);
    ok(strstr(bl_blas_describe(), "2 threads") || !blas.sgemm,
       "%s", bl_blas_describe());
    setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
    bl_blas_environment();
    is_str(getenv("OPENBLAS_CORETYPE"), "Nehalem", "the user's choice stays");
    return tap_done();
}
