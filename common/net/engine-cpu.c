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

#include "base/mem.h"
#include "net/blas.h"
#include "net/f32.h"
#include "net/int8.h"
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

static void pack_tower(struct cpu *cpu, size_t number)
{
    const struct bl_shape *shape = &cpu->model->shape;
    struct bl_bert *tower = &cpu->towers[number];

    *tower = cpu->model->towers[number];
    cpu->packed[number] = bl_quantize(shape, tower, cpu->threads);
    tower->layers = bl_xmalloc(shape->layers, sizeof *tower->layers);
    memcpy(tower->layers, cpu->model->towers[number].layers,
           shape->layers * sizeof *tower->layers);
    for (size_t i = 0; i < shape->layers; i++)
        for (size_t k = 0; k < BL_LINEARS; k++)
            bl_layer_linear(&tower->layers[i],
                            (enum bl_linear_number)k)->int8 =
                &cpu->packed[number][i * BL_LINEARS + k];
}

/* A model of one tower has it under both numbers. */
static const struct bl_bert *tower_of(struct cpu *cpu, enum bl_tower tower)
{
    size_t i = cpu->model->n_towers > 1 ? tower : 0;

    if (!cpu->int8 || cpu->model->int8)
        return &cpu->model->towers[tower];
    if (!cpu->packed[i])
        pack_tower(cpu, i);
    return &cpu->towers[i];
}

/* ---- Products ---- */

static void multiply_f32(void *ctx, const struct bl_linear *linear,
                         const void *x,
                         size_t n, size_t from, size_t to, float *y)
{
    const struct cpu *cpu = ctx;

    cpu->f32->multiply(x, n, linear->w + from * linear->in, to - from,
                       linear->in, y + from, linear->out);
}

static void multiply_int8(void *ctx, const struct bl_linear *linear,
                          const void *x, size_t n, size_t from, size_t to,
                          float *y)
{
    const struct cpu *cpu = ctx;

    bl_int8_multiply(linear->int8, cpu->int8, x, n, from, to, y, linear->out);
}

static void prepare_int8(const struct bl_linear *linear, const float *x,
                         void *row)
{
    bl_int8_prepare(linear->int8, x, row);
}

static int cpu_forward(struct bl_engine *engine, enum bl_tower tower,
                       const struct bl_batch *batch, enum bl_want want,
                       float *out, struct bl_err *err)
{
    struct cpu *cpu = (struct cpu *)engine;
    struct bl_product product = { .multiply = multiply_f32, .ctx = cpu,
                                  .piece = PIECE_F32 };

    (void)err;
    if (cpu->int8)
        product = (struct bl_product){
            .multiply = multiply_int8, .ctx = cpu,
            .row_size = bl_int8_row_size, .prepare = prepare_int8,
            .piece = PIECE_INT8
        };
    bl_stack_forward(&cpu->model->shape, tower_of(cpu, tower), batch, want,
                     cpu->threads, product, out);
    return 0;
}

/* ---- Open and close ---- */

static void cpu_close(struct bl_engine *engine)
{
    struct cpu *cpu = (struct cpu *)engine;

    for (size_t i = 0; i < BL_MAX_TOWERS; i++) {
        bl_quantize_free(cpu->packed[i], cpu->model->shape.layers);
        free(cpu->towers[i].layers);
    }
    free(cpu);
}

static int open_int8(struct cpu *cpu, struct bl_err *err)
{
    if (cpu->model->shape.inner > BL_INT8_MAX_IN
        || cpu->model->shape.hidden > BL_INT8_MAX_IN)
        return bl_fail(err, BL_DATA, "'%s': layers of %zu numbers are too "
                       "wide for int8", cpu->model->path,
                       cpu->model->shape.inner);
    cpu->int8 = bl_int8_kernel(err);
    return cpu->int8 ? 0 : -1;
}

static void describe(struct cpu *cpu)
{
    snprintf(cpu->engine.describe, sizeof cpu->engine.describe,
             "cpu, %s (%s), %zu thread%s", cpu->f32 ? "f32" : "int8",
             cpu->f32 ? cpu->f32->what : cpu->int8->what, cpu->threads,
             cpu->threads == 1 ? "" : "s");
}

struct bl_engine *bl_engine_cpu_open(const struct bl_model *model,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err)
{
    static const struct bl_engine_ops ops = { cpu_forward, cpu_close };
    struct cpu *cpu;

    cpu = BL_NEW(struct cpu);
    cpu->engine.ops = &ops;
    cpu->model = model;
    cpu->threads = opts->threads;
    if (opts->precision != BL_PRECISION_INT8)
        cpu->f32 = bl_f32_kernel(err);
    /* bl_f32_kernel() fails where BLINK_F32 names a kernel that this machine
     * does not run; *err then says so. */
    if (!cpu->f32 && (opts->precision != BL_PRECISION_INT8
                      || open_int8(cpu, err) < 0)) {
        free(cpu);
        return NULL;
    }
    if (cpu->f32 && cpu->f32->what == bl_blas_what
        && bl_blas_reserve(opts->threads, err) < 0) {
        free(cpu);
        return NULL;
    }
    describe(cpu);
    return &cpu->engine;
}
