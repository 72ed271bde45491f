/* SPDX-License-Identifier: MIT */
/*
 * The BERT stack in plain C: one thread, one loop per line of the paper
 * (Devlin et al. 2018), the oracle that every other engine is tested
 * against.  N tokens, H hidden, I inner, A heads of D = H / A.
 */
#include "config.h"

#include "net/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/rows.h"
#include "net/dense.h"

struct reference {
    struct bl_engine engine;
    const struct bl_model *model;
};

/* What one forward pass needs. */
struct scratch {
    float *x;                   /* [N][H] the states */
    float *q, *k, *v, *sum;     /* [N][H] */
    float *inner;               /* [N][I] */
    float *scores;              /* [longest] */
};

static void layer_norm(const struct bl_norm *norm, float epsilon, float *x,
                       size_t n, size_t hidden)
{
    for (float *row = x; row < x + n * hidden; row += hidden) {
        double mean = 0, square = 0;
        float scale;

        for (size_t i = 0; i < hidden; i++)
            mean += row[i];
        mean /= (double)hidden;
        for (size_t i = 0; i < hidden; i++)
            square += (row[i] - mean) * (row[i] - mean);
        scale = (float)(1 / sqrt(square / (double)hidden + epsilon));
        for (size_t i = 0; i < hidden; i++)
            row[i] = (row[i] - (float)mean) * scale * norm->gain[i]
                + norm->bias[i];
    }
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

/* 0.79788456 is sqrt(2 / pi). */
static float activated(enum bl_activation activation, float x)
{
    switch (activation) {
    case BL_ACT_GELU_TANH:
        return x * 0.5f * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x
                                                    * x)));
    case BL_ACT_RELU:
        return BL_MAX(0.0f, x);     /* NaN stays */
    case BL_ACT_SILU:
        return x / (1 + expf(-x));
    default:
        return x * 0.5f * (1 + erff(x * 0.70710678f));
    }
}

static void activate(enum bl_activation activation, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = activated(activation, x[i]);
}

static void softmax(float *x, size_t n)
{
    float most = x[0], sum = 0;

    for (size_t i = 1; i < n; i++)
        most = fmaxf(most, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += x[i] = expf(x[i] - most);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

/* x = words[id] + positions[position] + types[segment], normalised. */
static void look_up(const struct bl_shape *shape, const struct bl_bert *tower,
                    const struct bl_batch *batch, float *x)
{
    size_t hidden = shape->hidden;

    for (size_t i = 0; i < batch->n_tokens; i++) {
        float *row = x + i * hidden;
        const float *word = bl_row(&tower->words, (size_t)batch->ids[i],
                                   hidden, row);

        if (word != row)
            memcpy(row, word, hidden * sizeof *row);
        add(row, tower->positions + (size_t)batch->positions[i] * hidden,
            hidden);
        add(row, tower->types + (size_t)batch->segments[i] * hidden, hidden);
    }
    layer_norm(&tower->norm, shape->epsilon, x, batch->n_tokens, hidden);
}

/* One head of one sequence of n tokens: q, k, v and out point at its first
 * number, rows are `hidden` apart. */
static void attend(const float *q, const float *k, const float *v, size_t n,
                   size_t hidden, size_t d, float *scores, float *out)
{
    float scale = 1 / sqrtf((float)d);

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            scores[j] = scale * bl_dot(q + i * hidden, k + j * hidden, d);
        softmax(scores, n);
        memset(out + i * hidden, 0, d * sizeof *out);
        for (size_t j = 0; j < n; j++)
            for (size_t c = 0; c < d; c++)
                out[i * hidden + c] += scores[j] * v[j * hidden + c];
    }
}

static void attention(const struct bl_shape *shape,
                      const struct bl_batch *batch,
                      const struct scratch *scratch)
{
    size_t d = shape->hidden / shape->heads;

    for (size_t i = 0; i < batch->n_seqs; i++)
        for (size_t h = 0; h < shape->heads; h++) {
            size_t at = batch->offsets[i] * shape->hidden + h * d;

            attend(scratch->q + at, scratch->k + at, scratch->v + at,
                   batch->offsets[i + 1] - batch->offsets[i], shape->hidden, d,
                   scratch->scores, scratch->sum + at);
        }
}

static void run_layer(const struct bl_shape *shape,
                      const struct bl_layer *layer,
                      const struct bl_batch *batch,
                      const struct scratch *scratch)
{
    size_t n = batch->n_tokens, size = n * shape->hidden;

    bl_linear_apply(&layer->query, scratch->x, n, scratch->q);
    bl_linear_apply(&layer->key, scratch->x, n, scratch->k);
    bl_linear_apply(&layer->value, scratch->x, n, scratch->v);
    attention(shape, batch, scratch);
    bl_linear_apply(&layer->attended, scratch->sum, n, scratch->q);
    add(scratch->x, scratch->q, size);
    layer_norm(&layer->attended_norm, shape->epsilon, scratch->x, n,
               shape->hidden);
    bl_linear_apply(&layer->up, scratch->x, n, scratch->inner);
    activate(shape->activation, scratch->inner, n * shape->inner);
    bl_linear_apply(&layer->down, scratch->inner, n, scratch->q);
    add(scratch->x, scratch->q, size);
    layer_norm(&layer->norm, shape->epsilon, scratch->x, n, shape->hidden);
}

static void scratch_init(struct scratch *scratch, const struct bl_shape *shape,
                         const struct bl_batch *batch)
{
    size_t hidden = shape->hidden * sizeof(float), longest = 0;

    for (size_t i = 0; i < batch->n_seqs; i++)
        if (batch->offsets[i + 1] - batch->offsets[i] > longest)
            longest = batch->offsets[i + 1] - batch->offsets[i];
    scratch->x = bl_xmalloc(batch->n_tokens, hidden);
    scratch->q = bl_xmalloc(batch->n_tokens, hidden);
    scratch->k = bl_xmalloc(batch->n_tokens, hidden);
    scratch->v = bl_xmalloc(batch->n_tokens, hidden);
    scratch->sum = bl_xmalloc(batch->n_tokens, hidden);
    scratch->inner = bl_xmalloc(batch->n_tokens, shape->inner * sizeof(float));
    scratch->scores = bl_xmalloc(longest, sizeof(float));
}

static void scratch_free(struct scratch *scratch)
{
    free(scratch->x);
    free(scratch->q);
    free(scratch->k);
    free(scratch->v);
    free(scratch->sum);
    free(scratch->inner);
    free(scratch->scores);
}

static int reference_forward(struct bl_engine *engine, enum bl_tower tower,
                             const struct bl_batch *batch, enum bl_want want,
                             float *out, struct bl_err *err)
{
    const struct bl_model *model = ((struct reference *)engine)->model;
    const struct bl_bert *t = &model->towers[tower];
    size_t row = model->shape.hidden * sizeof *out;
    struct scratch scratch;

    (void)err;
    scratch_init(&scratch, &model->shape, batch);
    look_up(&model->shape, t, batch, scratch.x);
    for (size_t i = 0; i < model->shape.layers; i++)
        run_layer(&model->shape, &t->layers[i], batch, &scratch);
    if (want == BL_WANT_ALL)
        memcpy(out, scratch.x, batch->n_tokens * row);
    for (size_t i = 0; i < batch->n_seqs && want == BL_WANT_FIRST; i++)
        memcpy(out + i * model->shape.hidden,
               scratch.x + batch->offsets[i] * model->shape.hidden, row);
    scratch_free(&scratch);
    return 0;
}

static void reference_close(struct bl_engine *engine)
{
    free(engine);
}

struct bl_engine *bl_engine_reference_open(const struct bl_model *model,
                                           const struct bl_engine_opts *opts,
                                           struct bl_err *err)
{
    static const struct bl_engine_ops ops = { reference_forward,
                                              reference_close };
    struct reference *reference;

    (void)opts;
    (void)err;
    reference = BL_NEW(struct reference);
    reference->engine.ops = &ops;
    reference->model = model;
    snprintf(reference->engine.describe, sizeof reference->engine.describe,
             "reference, cpu, f32, 1 thread");
    return &reference->engine;
}
