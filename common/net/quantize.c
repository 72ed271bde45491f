/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/quantize.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/threads.h"
#include "net/f32.h"
#include "net/stack.h"

enum {
    SEQUENCES = 4, LENGTH = 16,         /* of the made-up batch */
    INPUTS = 4                          /* query, key and value share one */
};

struct bl_linear *bl_layer_linear(struct bl_layer *layer,
                                  enum bl_linear_number number)
{
    struct bl_linear *all[BL_LINEARS] = {
        &layer->query, &layer->key, &layer->value, &layer->attended,
        &layer->up, &layer->down
    };

    return all[number];
}

/* ---- What goes into each product ---- */

/* The largest value of each input so far: [layers][INPUTS] arrays. */
struct watch {
    struct bl_layer *layers;
    size_t n_layers;
    float **most;
};

static size_t input_of(enum bl_linear_number number)
{
    return number < BL_LINEAR_ATTENDED ? 0
        : (size_t)(number - BL_LINEAR_ATTENDED + 1);
}

static float *most_of(const struct watch *watch,
                      const struct bl_linear *linear)
{
    for (size_t i = 0; i < watch->n_layers; i++)
        for (enum bl_linear_number k = 0; k < BL_LINEARS; k++)
            if (bl_layer_linear(&watch->layers[i], k) == linear)
                return watch->most[i * INPUTS + input_of(k)];
    BL_BUG("a product of no layer");
}

static void multiply_and_watch(void *ctx, const struct bl_linear *linear,
                               const void *x, size_t n, size_t from,
                               size_t to, float *y)
{
    float *most = most_of(ctx, linear);
    const float *row = x;

    for (size_t i = 0; i < n; i++, row += linear->in)
        for (size_t k = 0; k < linear->in; k++)
            most[k] = fmaxf(most[k], fabsf(row[k]));
    bl_f32_kernel_at(0)->multiply(x, n, linear->w + from * linear->in,
                                  to - from, linear->in,
                                  y + from, linear->out);
}

static void watch_all(struct watch *watch, const struct bl_shape *shape,
                      const struct bl_bert *tower)
{
    struct bl_product product = { .multiply = multiply_and_watch, .ctx = watch,
                                  .piece = SEQUENCES * LENGTH };
    struct bl_batch batch = BL_BATCH_INIT;
    size_t length = BL_MIN(shape->positions, LENGTH);
    int32_t ids[LENGTH];
    uint32_t state = 1;
    float *out;

    /* Random tokens from a fixed seed stand for text: the packed weights must
     * be the same at every start, and no file of text need be there. */
    for (size_t i = 0; i < SEQUENCES; i++) {
        for (size_t k = 0; k < length; k++) {
            state = state * 1664525u + 1013904223u;
            ids[k] = (int32_t)((state >> 8) % shape->vocab);
        }
        bl_batch_add(&batch, ids, NULL, NULL, length);
    }
    out = bl_xmalloc(batch.n_tokens, shape->hidden * sizeof *out);
    bl_stack_forward(shape, tower, &batch, BL_WANT_ALL, 1, product, out);
    free(out);
    bl_batch_free(&batch);
}

/* ---- Factors ---- */

/* Neither 0 nor beyond bounds, whatever was seen. */
static float tame(float x)
{
    return x > 1e-5f ? x < 1e5f ? x : 1e5f : 1e-5f;
}

/* most[in] becomes the factors: the inputs' largest values in, what they are
 * divided by out.  n linears share the input. */
static void make_factors(float *most, struct bl_layer *layer,
                         enum bl_linear_number first, size_t n)
{
    size_t in = bl_layer_linear(layer, first)->in;
    float *weight = bl_xcalloc(in, sizeof *weight);

    for (size_t i = 0; i < n; i++) {
        const struct bl_linear *linear =
            bl_layer_linear(layer, (enum bl_linear_number)(first + i));

        for (size_t o = 0; o < linear->out; o++)
            for (size_t k = 0; k < in; k++)
                weight[k] = fmaxf(weight[k], fabsf(linear->w[o * in + k]));
    }
    for (size_t k = 0; k < in; k++)
        most[k] = sqrtf(tame(most[k]) / tame(weight[k]));
    free(weight);
}

/* ---- All layers ---- */

struct job {
    struct watch watch;
    struct bl_int8 *out;
    atomic_size_t next;         /* layer and input */
};

static void pack_input(const struct job *job, size_t layer, size_t input)
{
    static const struct { enum bl_linear_number first; size_t n; }
    inputs[INPUTS] = { { BL_LINEAR_QUERY, 3 }, { BL_LINEAR_ATTENDED, 1 },
                       { BL_LINEAR_UP, 1 }, { BL_LINEAR_DOWN, 1 } };
    struct bl_layer *l = &job->watch.layers[layer];
    float *factors = job->watch.most[layer * INPUTS + input];
    enum bl_linear_number first = inputs[input].first;

    make_factors(factors, l, first, inputs[input].n);
    for (size_t i = first; i < first + inputs[input].n; i++)
        bl_int8_pack(&job->out[layer * BL_LINEARS + i],
                     bl_layer_linear(l, (enum bl_linear_number)i), factors);
}

static void pack_some(void *ctx, struct bl_team *team, size_t rank)
{
    struct job *job = ctx;
    size_t i;

    (void)team;
    (void)rank;
    while ((i = atomic_fetch_add(&job->next,
                                 1)) < job->watch.n_layers * INPUTS)
        pack_input(job, i / INPUTS, i % INPUTS);
}

struct bl_int8 *bl_quantize(const struct bl_shape *shape,
                            const struct bl_bert *tower, size_t threads)
{
    struct job job = { .watch = { tower->layers, shape->layers, NULL } };
    size_t n = shape->layers * INPUTS;

    job.out = BL_NEW_ARRAY(struct bl_int8, shape->layers * BL_LINEARS);
    job.watch.most = BL_NEW_ARRAY(float *, n);
    for (size_t i = 0; i < n; i++)
        job.watch.most[i] = BL_NEW_ARRAY(float, i % INPUTS + 1 == INPUTS
                                         ? shape->inner : shape->hidden);
    watch_all(&job.watch, shape, tower);
    bl_team_run(threads, pack_some, &job);
    for (size_t i = 0; i < n; i++)
        free(job.watch.most[i]);
    free(job.watch.most);
    return job.out;
}

void bl_quantize_free(struct bl_int8 *matrix, size_t layers)
{
    for (size_t i = 0; matrix && i < layers * BL_LINEARS; i++)
        bl_int8_free(&matrix[i]);
    free(matrix);
}
