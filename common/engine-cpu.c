/* SPDX-License-Identifier: MIT */
/*
 * The engine for a plain CPU: stack.h with OpenBLAS for the products, one
 * thread of it per thread of ours.  Without OpenBLAS its products are plain
 * C, several times slower.
 */
#include "config.h"

#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "blas.h"
#include "mem.h"
#include "stack.h"

struct cpu {
    struct bl_engine engine;
    const struct bl_model *model;
    size_t threads;
};

static void multiply(void *ctx, const struct bl_linear *l, const float *x,
                     size_t n, size_t from, size_t to, float *y)
{
    (void)ctx;
    bl_sgemm_nt(n, to - from, l->in, x, l->w + from * l->in, y + from,
                l->out);
}

static int cpu_forward(struct bl_engine *g, enum bl_tower tower,
                       const struct bl_batch *b, enum bl_want want,
                       float *out, struct bl_err *err)
{
    struct cpu *c = (struct cpu *)g;

    (void)err;
    bl_stack_forward(c->model, tower, b, want, c->threads,
                     (struct bl_product){ multiply, NULL }, out);
    return 0;
}

static void cpu_close(struct bl_engine *g)
{
    free(g);
}

struct bl_engine *bl_engine_cpu_open(const struct bl_model *m,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err)
{
    static const struct bl_engine_ops ops = { cpu_forward, cpu_close };
    struct cpu *c;

    if (opts->device != BL_DEVICE_CPU ||
        opts->precision != BL_PRECISION_F32) {
        bl_fail(err, BL_USAGE, "the cpu engine computes on the cpu in f32 "
                "only");
        return NULL;
    }
    bl_blas_start(1);
    c = BL_NEW(struct cpu);
    c->engine.ops = &ops;
    c->model = m;
    c->threads = opts->threads;
    snprintf(c->engine.describe, sizeof c->engine.describe,
             "cpu, f32, %zu thread%s, %s each", c->threads,
             c->threads == 1 ? "" : "s", bl_blas_describe());
    return &c->engine;
}
