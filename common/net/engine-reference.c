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

#include "net/dense.h"
#include "base/mem.h"
#include "model/rows.h"

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

/* The exact form, not the tanh approximation. */
static void gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= 0.5f * (1 + erff(x[i] * 0.70710678f));
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
static void look_up(const struct bl_shape *s, const struct bl_bert *t,
                    const struct bl_batch *b, float *x)
{
    size_t hidden = s->hidden;

    for (size_t i = 0; i < b->n_tokens; i++) {
        float *row = x + i * hidden;
        const float *word = bl_row(&t->words, (size_t)b->ids[i], hidden,
                                   row);

        if (word != row)
            memcpy(row, word, hidden * sizeof *row);
        add(row, t->positions + (size_t)b->positions[i] * hidden, hidden);
        add(row, t->types + (size_t)b->segments[i] * hidden, hidden);
    }
    layer_norm(&t->norm, s->epsilon, x, b->n_tokens, hidden);
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

static void attention(const struct bl_shape *s, const struct bl_batch *b,
                      const struct scratch *w)
{
    size_t d = s->hidden / s->heads;

    for (size_t i = 0; i < b->n_seqs; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t at = b->offsets[i] * s->hidden + h * d;

            attend(w->q + at, w->k + at, w->v + at,
                   b->offsets[i + 1] - b->offsets[i], s->hidden, d,
                   w->scores, w->sum + at);
        }
}

static void run_layer(const struct bl_shape *s, const struct bl_layer *l,
                      const struct bl_batch *b, const struct scratch *w)
{
    size_t n = b->n_tokens, size = n * s->hidden;

    bl_linear_apply(&l->query, w->x, n, w->q);
    bl_linear_apply(&l->key, w->x, n, w->k);
    bl_linear_apply(&l->value, w->x, n, w->v);
    attention(s, b, w);
    bl_linear_apply(&l->attended, w->sum, n, w->q);
    add(w->x, w->q, size);
    layer_norm(&l->attended_norm, s->epsilon, w->x, n, s->hidden);
    bl_linear_apply(&l->up, w->x, n, w->inner);
    gelu(w->inner, n * s->inner);
    bl_linear_apply(&l->down, w->inner, n, w->q);
    add(w->x, w->q, size);
    layer_norm(&l->norm, s->epsilon, w->x, n, s->hidden);
}

static void scratch_init(struct scratch *w, const struct bl_shape *s,
                         const struct bl_batch *b)
{
    size_t hidden = s->hidden * sizeof(float), longest = 0;

    for (size_t i = 0; i < b->n_seqs; i++)
        if (b->offsets[i + 1] - b->offsets[i] > longest)
            longest = b->offsets[i + 1] - b->offsets[i];
    w->x = bl_xmalloc(b->n_tokens, hidden);
    w->q = bl_xmalloc(b->n_tokens, hidden);
    w->k = bl_xmalloc(b->n_tokens, hidden);
    w->v = bl_xmalloc(b->n_tokens, hidden);
    w->sum = bl_xmalloc(b->n_tokens, hidden);
    w->inner = bl_xmalloc(b->n_tokens, s->inner * sizeof(float));
    w->scores = bl_xmalloc(longest, sizeof(float));
}

static void scratch_free(struct scratch *w)
{
    free(w->x);
    free(w->q);
    free(w->k);
    free(w->v);
    free(w->sum);
    free(w->inner);
    free(w->scores);
}

static int reference_forward(struct bl_engine *g, enum bl_tower tower,
                             const struct bl_batch *b, enum bl_want want,
                             float *out, struct bl_err *err)
{
    const struct bl_model *m = ((struct reference *)g)->model;
    const struct bl_bert *t = &m->towers[tower];
    size_t row = m->shape.hidden * sizeof *out;
    struct scratch w;

    (void)err;
    scratch_init(&w, &m->shape, b);
    look_up(&m->shape, t, b, w.x);
    for (size_t i = 0; i < m->shape.layers; i++)
        run_layer(&m->shape, &t->layers[i], b, &w);
    if (want == BL_WANT_ALL)
        memcpy(out, w.x, b->n_tokens * row);
    for (size_t i = 0; i < b->n_seqs && want == BL_WANT_FIRST; i++)
        memcpy(out + i * m->shape.hidden,
               w.x + b->offsets[i] * m->shape.hidden, row);
    scratch_free(&w);
    return 0;
}

static void reference_close(struct bl_engine *g)
{
    free(g);
}

struct bl_engine *bl_engine_reference_open(const struct bl_model *m,
                                           const struct bl_engine_opts *opts,
                                           struct bl_err *err)
{
    static const struct bl_engine_ops ops = { reference_forward,
                                              reference_close };
    struct reference *r;

    if (opts->device != BL_DEVICE_CPU
        || opts->precision != BL_PRECISION_F32) {
        bl_fail(err, BL_USAGE, "the reference engine computes on the cpu in "
                "f32 only");
        return NULL;
    }
    r = BL_NEW(struct reference);
    r->engine.ops = &ops;
    r->model = m;
    snprintf(r->engine.describe, sizeof r->engine.describe,
             "reference, cpu, f32, 1 thread");
    return &r->engine;
}
