/* SPDX-License-Identifier: MIT */
/*
 * The stack of the cpu engine with every kind of team: threads on pieces of
 * their own and all together on one, however little there is to do.  f32
 * against the reference, int8 near it; both the same bits for any batch,
 * order and number of threads, int8 for any kernel too.
 */
#define STACK_JOINT 0.0
#include "base/mem.h"
#include "../../common/net/stack.c"

#include <math.h>

#include "net/f32.h"
#include "net/int8-kernels.h"
#include "random-model.h"
#include "tap.h"

/* More tokens than one piece takes (engine-cpu.c), and as long a sequence as
 * it takes to share it out; more would last hours under valgrind. */
enum { MANY = 250, LONGEST = 150 };

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
static bool same_alone(const struct bl_model *m, int precision,
                       const struct bl_batch *b, const float *want)
{
    bool same = true;

    for (size_t i = b->n_seqs; i-- > 0;) {
        struct bl_batch one = BL_BATCH_INIT;
        float *got;

        bl_batch_add(&one, b->ids + b->offsets[i], NULL, NULL,
                     b->offsets[i + 1] - b->offsets[i]);
        got = embed(m, BL_ENGINE_CPU, precision, 2, &one);
        same &= !memcmp(got, want + i * m->dim, m->dim * sizeof *got);
        bl_batch_free(&one);
        free(got);
    }
    return same;
}

/* first: what one thread made of the batch. */
static void test_bits(const struct bl_model *m, int precision,
                      const struct bl_batch *b, const float *first)
{
    const char *name = precision == BL_PRECISION_F32 ? "f32" : "int8";
    size_t n = b->n_seqs;

    ok(n > 100 || same_alone(m, precision, b, first),
       "%s: alone the same bits", name);
    for (size_t threads = 2; threads <= 5; threads++) {
        float *got = embed(m, BL_ENGINE_CPU, precision, threads, b);

        ok(!memcmp(first, got, n * m->dim * sizeof *got),
           "%s, %zu threads: the same bits", name, threads);
        free(got);
    }
}

static void test_f32(const struct bl_model *m, const struct bl_batch *b,
                     const float *want)
{
    const struct bl_f32_kernel *k;

    for (size_t i = 0; (k = bl_f32_kernel_at(i)); i++) {
        float *first;
        double d;

        setenv("BLINK_F32", k->name, 1);
        first = embed(m, BL_ENGINE_CPU, BL_PRECISION_F32, 1, b);
        d = alike(want, first, b->n_seqs, m->dim);
        ok(d > 0.999999, "f32, %s: as the reference (%.7f)", k->name, d);
        if (k->ordered)
            test_bits(m, BL_PRECISION_F32, b, first);
        free(first);
    }
    unsetenv("BLINK_F32");
}

static void test_int8(const struct bl_model *m, const struct bl_batch *b,
                      const float *want)
{
    float *first = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, 1, b);
    double d = alike(want, first, b->n_seqs, m->dim);
    const struct bl_int8_kernel *k;

    ok(d > 0.97, "int8: near the reference (%.4f)", d);
    test_bits(m, BL_PRECISION_INT8, b, first);
    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++) {
        float *got;

        setenv("BLINK_CPU", k->name, 1);
        got = embed(m, BL_ENGINE_CPU, BL_PRECISION_INT8, 1, b);
        ok(!memcmp(first, got, b->n_seqs * m->dim * sizeof *got),
           "int8, %s: the same bits", k->name);
        free(got);
    }
    unsetenv("BLINK_CPU");
    free(first);
}

static void test_batch(const struct bl_model *m, size_t n, size_t length)
{
    struct bl_batch b = stairs(n, length);
    float *want = embed(m, BL_ENGINE_REFERENCE, BL_PRECISION_F32, 1, &b);

    printf("# %zu sequences of %zu tokens or fewer, %zu numbers\n", n,
           length, m->dim);
    test_f32(m, &b, want);
    test_int8(m, &b, want);
    bl_batch_free(&b);
    free(want);
}

int main(void)
{
    static const size_t shapes[][3] = {
        { 192, 3, 320 }, { 100, 5, 77 }, { 5, 5, 3 }
    };

    for (size_t i = 0; i < BL_COUNT(shapes); i++) {
        struct bl_arena a = BL_ARENA_INIT;
        struct bl_model m = small_model(&a, shapes[i][0], shapes[i][1],
                                        shapes[i][2]);

        for (int mean = 0; mean < 2; mean++) {
            m.pooling = mean ? BL_POOL_MEAN : BL_POOL_CLS;
            test_batch(&m, 1, 1);
            test_batch(&m, 1, 70);
            test_batch(&m, 7, 40);
        }
        test_batch(&m, MANY, 5);
        test_batch(&m, 1, LONGEST);
        bl_arena_free(&a);
    }
    return tap_done();
}
