/* SPDX-License-Identifier: MIT */
/*
 * The engine for a plain CPU: stack.h with products in f32, which are f32.h's,
 * or in int8, which are int8.h's.  But for OpenBLAS, where that has to do the
 * former, a token's numbers depend on its own sequence alone.
 */
#include "config.h"

#include "net/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/f32.h"
#include "net/int8.h"
#include "base/mem.h"
#include "net/quantize.h"
#include "net/stack.h"

/* Tokens of a piece.  In f32 its widest array [N][I] should fit a core's
 * cache, beside the weights that pass by; in int8 it pays to have more
 * tokens for each weight that comes from afar. */
enum { PIECE_F32 = 512, PIECE_INT8 = 256 };

struct cpu {
    struct bl_engine engine;
    const struct bl_model *model;
    size_t threads;
    const struct bl_f32_kernel *f32;            /* NULL: int8 */
    const struct bl_int8_kernel *int8;          /* NULL: f32 */
    struct bl_bert towers[BL_MAX_TOWERS];       /* with int8 weights, made
                                                 * when first wanted */
    struct bl_int8 *packed[BL_MAX_TOWERS];      /* of bl_quantize() */
};

/* ---- Weights in int8 ---- */

static void pack_tower(struct cpu *c, size_t number)
{
    const struct bl_shape *s = &c->model->shape;
    struct bl_bert *t = &c->towers[number];

    *t = c->model->towers[number];
    c->packed[number] = bl_quantize(s, t, c->threads);
    t->layers = bl_xmalloc(s->layers, sizeof *t->layers);
    memcpy(t->layers, c->model->towers[number].layers,
           s->layers * sizeof *t->layers);
    for (size_t i = 0; i < s->layers; i++)
        for (size_t k = 0; k < BL_LINEARS; k++)
            bl_layer_linear(&t->layers[i], (enum bl_linear_number)k)->int8 =
                &c->packed[number][i * BL_LINEARS + k];
}

/* A model of one tower has it under both numbers. */
static const struct bl_bert *tower_of(struct cpu *c, enum bl_tower tower)
{
    size_t i = c->model->n_towers > 1 ? tower : 0;

    if (!c->int8 || c->model->int8)
        return &c->model->towers[tower];
    if (!c->packed[i])
        pack_tower(c, i);
    return &c->towers[i];
}

/* ---- Products ---- */

static void multiply_f32(void *ctx, const struct bl_linear *l, const void *x,
                         size_t n, size_t from, size_t to, float *y)
{
    const struct cpu *c = ctx;

    c->f32->multiply(x, n, l->w + from * l->in, to - from, l->in, y + from,
                     l->out);
}

static void multiply_int8(void *ctx, const struct bl_linear *l,
                          const void *x, size_t n, size_t from, size_t to,
                          float *y)
{
    const struct cpu *c = ctx;

    bl_int8_multiply(l->int8, c->int8, x, n, from, to, y, l->out);
}

static void prepare_int8(const struct bl_linear *l, const float *x,
                         void *row)
{
    bl_int8_prepare(l->int8, x, row);
}

static int cpu_forward(struct bl_engine *g, enum bl_tower tower,
                       const struct bl_batch *b, enum bl_want want,
                       float *out, struct bl_err *err)
{
    struct cpu *c = (struct cpu *)g;
    struct bl_product product = { .multiply = multiply_f32, .ctx = c,
                                  .piece = PIECE_F32 };

    (void)err;
    if (c->int8)
        product = (struct bl_product){
            .multiply = multiply_int8, .ctx = c,
            .row_size = bl_int8_row_size, .prepare = prepare_int8,
            .piece = PIECE_INT8
        };
    bl_stack_forward(&c->model->shape, tower_of(c, tower), b, want,
                     c->threads, product, out);
    return 0;
}

/* ---- Open and close ---- */

static void cpu_close(struct bl_engine *g)
{
    struct cpu *c = (struct cpu *)g;

    for (size_t i = 0; i < BL_MAX_TOWERS; i++) {
        bl_quantize_free(c->packed[i], c->model->shape.layers);
        free(c->towers[i].layers);
    }
    free(c);
}

static int open_int8(struct cpu *c, struct bl_err *err)
{
    if (c->model->shape.inner > BL_INT8_MAX_IN
        || c->model->shape.hidden > BL_INT8_MAX_IN)
        return bl_fail(err, BL_DATA, "'%s': layers of %zu numbers are too "
                       "wide for int8", c->model->path,
                       c->model->shape.inner);
    c->int8 = bl_int8_kernel(err);
    return c->int8 ? 0 : -1;
}

static void describe(struct cpu *c)
{
    snprintf(c->engine.describe, sizeof c->engine.describe,
             "cpu, %s (%s), %zu thread%s", c->f32 ? "f32" : "int8",
             c->f32 ? c->f32->what : c->int8->what, c->threads,
             c->threads == 1 ? "" : "s");
}

struct bl_engine *bl_engine_cpu_open(const struct bl_model *m,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err)
{
    static const struct bl_engine_ops ops = { cpu_forward, cpu_close };
    struct cpu *c;

    if (opts->device != BL_DEVICE_CPU
        || opts->precision == BL_PRECISION_BF16) {
        bl_fail(err, BL_USAGE, "the cpu engine computes on the cpu in f32 "
                "or int8 only");
        return NULL;
    }
    c = BL_NEW(struct cpu);
    c->engine.ops = &ops;
    c->model = m;
    c->threads = opts->threads;
    if (opts->precision != BL_PRECISION_INT8)
        c->f32 = bl_f32_kernel(err);
    if (!c->f32 && (opts->precision != BL_PRECISION_INT8
                    || open_int8(c, err) < 0)) {
        free(c);
        return NULL;
    }
    describe(c);
    return &c->engine;
}
