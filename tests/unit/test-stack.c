/* SPDX-License-Identifier: MIT */
/*
 * The stack of the cpu engine with every kind of team: threads on pieces of
 * their own and all together on one, however little there is to do.  f32
 * against the reference; int8 near it, and the same bits for any batch,
 * order, number of threads and kernel.
 */
#define STACK_JOINT 0.0
#include "../../common/stack.c"

#include <math.h>

#include "int8-kernels.h"
#include "random-model.h"
#include "tap.h"

static float *embed(const struct bl_model *m, int engine, int precision,
                    size_t threads, const struct bl_batch *b)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    float *out = bl_xcalloc(b->n_seqs * m->dim, sizeof *out);
    struct bl_encoder *e;
    struct bl_err err = { .code = BL_OK };

    eo.engine = engine;
    eo.precision = precision;
    eo.threads = threads;
    e = bl_encoder_open(m, &eo, &err);
    if (!e || bl_encoder_embed(e, BL_TOWER_CONTEXT, b, out, NULL, &err)) {
        printf("# %s\n", err.msg);
        out[0] = NAN;
    }
    bl_encoder_close(e);
    return out;
}

/* The cosine between the two results of the sequence that differs most. */
static double alike(const float *a, const float *b, size_t n, size_t dim)
{
    double least = 1;

    for (size_t i = 0; i < n; i++, a += dim, b += dim) {
        double ab = 0, aa = 0, bb = 0;

        for (size_t k = 0; k < dim; k++) {
            ab += (double)a[k] * (double)b[k];
            aa += (double)a[k] * (double)a[k];
            bb += (double)b[k] * (double)b[k];
        }
        ab /= sqrt(aa * bb);
        least = ab < least || isnan(ab) ? ab : least;
    }
    return least;
}

/* Every sequence alone, the last first. */
static bool same_alone(const struct bl_model *m, const struct bl_batch *b,
                       const float *want)
{
    bool same = true;

    for (size_t i = b->n_seqs; i-- > 0;) {
        struct bl_batch one = BL_BATCH_INIT;
        float *got;

        bl_batch_add(&one, b->ids + b->offsets[i], NULL, NULL,
                     b->offsets[i + 1] - b->offsets[i]);
        got = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, 2, &one);
        same &= !memcmp(got, want + i * m->dim, m->dim * sizeof *got);
        bl_batch_free(&one);
        free(got);
    }
    return same;
}

static void test_batch(const struct bl_model *m, size_t n, size_t length)
{
    struct bl_batch b = stairs(n, length);
    float *want = embed(m, BL_ENGINE_REFERENCE, BL_PRECISION_F32, 1, &b);
    float *first = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, 1, &b);
    const struct bl_int8_kernel *k;
    double d = alike(want, first, n, m->dim);

    printf("# %zu sequences of %zu tokens or fewer, %zu numbers\n", n,
           length, m->dim);
    ok(d > 0.97, "int8: near the reference (%.4f)", d);
    ok(n > 100 || same_alone(m, &b, first), "int8: alone the same bits");
    for (size_t threads = 1; threads <= 5; threads++) {
        float *f32 = embed(m, BL_ENGINE_CPU, BL_PRECISION_F32, threads, &b);
        float *got = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, threads, &b);

        d = alike(want, f32, n, m->dim);
        ok(d > 0.999999, "f32, %zu threads: as the reference (%.7f)",
           threads, d);
        ok(!memcmp(first, got, n * m->dim * sizeof *got),
           "int8, %zu threads: the same bits", threads);
        free(f32);
        free(got);
    }
    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++) {
        float *got;

        setenv("BLINK_CPU", k->name, 1);
        got = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, 1, &b);
        ok(!memcmp(first, got, n * m->dim * sizeof *got),
           "int8, %s: the same bits", k->name);
        free(got);
    }
    unsetenv("BLINK_CPU");
    bl_batch_free(&b);
    free(want);
    free(first);
}

int main(void)
{
    static const size_t shapes[][3] = {
        { 192, 3, 320 }, { 100, 5, 77 }, { 5, 5, 3 }
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct bl_arena a = BL_ARENA_INIT;
        struct bl_model m = small_model(&a, shapes[i][0], shapes[i][1],
                                        shapes[i][2]);

        for (int mean = 0; mean < 2; mean++) {
            m.pooling = mean ? BL_POOL_MEAN : BL_POOL_CLS;
            test_batch(&m, 1, 1);
            test_batch(&m, 1, 70);
            test_batch(&m, 7, 40);
        }
        test_batch(&m, 2000, 5);
        test_batch(&m, 1, POSITIONS);
        bl_arena_free(&a);
    }
    return tap_done();
}
