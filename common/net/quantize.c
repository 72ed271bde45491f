/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/quantize.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "net/f32.h"
#include "base/mem.h"
#include "net/stack.h"
#include "base/threads.h"

enum {
    SEQUENCES = 4, LENGTH = 16,         /* of the made-up batch */
    INPUTS = 4                          /* query, key and value share one */
};

struct bl_linear *bl_layer_linear(struct bl_layer *l,
                                  enum bl_linear_number number)
{
    struct bl_linear *all[BL_LINEARS] = { &l->query, &l->key, &l->value,
                                          &l->attended, &l->up, &l->down };

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

static float *most_of(const struct watch *w, const struct bl_linear *l)
{
    for (size_t i = 0; i < w->n_layers; i++)
        for (enum bl_linear_number k = 0; k < BL_LINEARS; k++)
            if (bl_layer_linear(&w->layers[i], k) == l)
                return w->most[i * INPUTS + input_of(k)];
    BL_BUG("a product of no layer");
}

static void multiply_and_watch(void *ctx, const struct bl_linear *l,
                               const void *x, size_t n, size_t from,
                               size_t to, float *y)
{
    float *most = most_of(ctx, l);
    const float *row = x;

    for (size_t i = 0; i < n; i++, row += l->in)
        for (size_t k = 0; k < l->in; k++)
            most[k] = fmaxf(most[k], fabsf(row[k]));
    bl_f32_kernel_at(0)->multiply(x, n, l->w + from * l->in, to - from, l->in,
                                  y + from, l->out);
}

static void watch_all(struct watch *w, const struct bl_shape *s,
                      const struct bl_bert *tower)
{
    struct bl_product product = { .multiply = multiply_and_watch, .ctx = w,
                                  .piece = SEQUENCES * LENGTH };
    struct bl_batch b = BL_BATCH_INIT;
    size_t length = BL_MIN(s->positions, LENGTH);
    int32_t ids[LENGTH];
    uint32_t state = 1;
    float *out;

    for (size_t i = 0; i < SEQUENCES; i++) {
        for (size_t k = 0; k < length; k++) {
            state = state * 1664525u + 1013904223u;
            ids[k] = (int32_t)((state >> 8) % s->vocab);
        }
        bl_batch_add(&b, ids, NULL, NULL, length);
    }
    out = bl_xmalloc(b.n_tokens, s->hidden * sizeof *out);
    bl_stack_forward(s, tower, &b, BL_WANT_ALL, 1, product, out);
    free(out);
    bl_batch_free(&b);
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
        const struct bl_linear *l =
            bl_layer_linear(layer, (enum bl_linear_number)(first + i));

        for (size_t o = 0; o < l->out; o++)
            for (size_t k = 0; k < in; k++)
                weight[k] = fmaxf(weight[k], fabsf(l->w[o * in + k]));
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

static void pack_input(const struct job *j, size_t layer, size_t input)
{
    static const struct { enum bl_linear_number first; size_t n; }
    inputs[INPUTS] = { { BL_LINEAR_QUERY, 3 }, { BL_LINEAR_ATTENDED, 1 },
                       { BL_LINEAR_UP, 1 }, { BL_LINEAR_DOWN, 1 } };
    struct bl_layer *l = &j->watch.layers[layer];
    float *factors = j->watch.most[layer * INPUTS + input];
    enum bl_linear_number first = inputs[input].first;

    make_factors(factors, l, first, inputs[input].n);
    for (size_t i = first; i < first + inputs[input].n; i++)
        bl_int8_pack(&j->out[layer * BL_LINEARS + i],
                     bl_layer_linear(l, (enum bl_linear_number)i), factors);
}

static void pack_some(void *ctx, struct bl_team *team, size_t rank)
{
    struct job *j = ctx;
    size_t i;

    (void)team;
    (void)rank;
    while ((i = atomic_fetch_add(&j->next, 1)) < j->watch.n_layers * INPUTS)
        pack_input(j, i / INPUTS, i % INPUTS);
}

struct bl_int8 *bl_quantize(const struct bl_shape *s,
                            const struct bl_bert *tower, size_t threads)
{
    struct job j = { .watch = { tower->layers, s->layers, NULL } };
    size_t n = s->layers * INPUTS;

    j.out = BL_NEW_ARRAY(struct bl_int8, s->layers * BL_LINEARS);
    j.watch.most = BL_NEW_ARRAY(float *, n);
    for (size_t i = 0; i < n; i++)
        j.watch.most[i] = BL_NEW_ARRAY(float, i % INPUTS + 1 == INPUTS
                                       ? s->inner : s->hidden);
    watch_all(&j.watch, s, tower);
    bl_team_run(threads, pack_some, &j);
    for (size_t i = 0; i < n; i++)
        free(j.watch.most[i]);
    free(j.watch.most);
    return j.out;
}

void bl_quantize_free(struct bl_int8 *q, size_t layers)
{
    for (size_t i = 0; q && i < layers * BL_LINEARS; i++)
        bl_int8_free(&q[i]);
    free(q);
}
