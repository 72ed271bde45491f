/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"
#include "net/dense.h"
#include "net/engine.h"
#include "net/model-plain.h"

struct bl_encoder {
    const struct bl_model *model;
    struct bl_model *plain;     /* what the engine has of it; NULL: model */
    struct bl_engine *engine;
    size_t batch_tokens;
    struct bl_batch part;       /* what the engine is given */
    float *states;              /* [cap_states] what it gives back */
    size_t cap_states;
    float *pooled;              /* [H] */
};

/* ---- Opening ---- */

/* What auto stands for: the CPU's own engine, or what does the rest. */
static int engine_of(const struct bl_engine_opts *opts)
{
    if (opts->engine != BL_ENGINE_AUTO)
        return opts->engine;
    return opts->device == BL_DEVICE_CPU
        && opts->precision != BL_PRECISION_BF16 ? BL_ENGINE_CPU
                                                : BL_ENGINE_TORCH;
}

int bl_engine_opts_check(const struct bl_engine_opts *opts, struct bl_err *err)
{
    bool cpu = opts->device == BL_DEVICE_CPU;
    int precision = opts->precision;

    switch (engine_of(opts)) {
    case BL_ENGINE_REFERENCE:
        if (!cpu || precision == BL_PRECISION_INT8
            || precision == BL_PRECISION_BF16)
            return bl_fail(err, BL_USAGE, "the reference engine computes on "
                           "the cpu in f32 only");
        return 0;
    case BL_ENGINE_CPU:
        if (!cpu || precision == BL_PRECISION_BF16)
            return bl_fail(err, BL_USAGE, "the cpu engine computes on the cpu "
                           "in f32 or int8 only");
        return 0;
    default:
        if (precision == BL_PRECISION_INT8)
            return bl_fail(err, BL_USAGE, "the torch engine does not compute "
                           "in int8");
        return bl_engine_torch_there(err);
    }
}

/* Nothing is left at auto.  Int8 products are for models stored so, on the
 * CPU, unless something else is asked for. */
static struct bl_engine_opts choose(const struct bl_model *model,
                                    const struct bl_engine_opts *opts)
{
    struct bl_engine_opts chosen = *opts;

    if (!chosen.threads)
        chosen.threads = bl_threads_default();
    chosen.engine = engine_of(opts);
    if (chosen.precision == BL_PRECISION_AUTO)
        chosen.precision = model->int8 && chosen.engine == BL_ENGINE_CPU
            ? BL_PRECISION_INT8 : BL_PRECISION_F32;
    return chosen;
}

static struct bl_engine *open_engine(struct bl_encoder *encoder,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err)
{
    const struct bl_model *model = encoder->model;
    struct bl_engine_opts chosen = choose(model, opts);
    bool words = chosen.engine == BL_ENGINE_TORCH
        && !model->towers[0].words.f32;

    if (bl_engine_opts_check(&chosen, err) < 0)
        return NULL;
    if (words || (model->int8 && chosen.precision != BL_PRECISION_INT8))
        model = encoder->plain = bl_model_plain(model, words);
    switch (chosen.engine) {
    case BL_ENGINE_REFERENCE:
        return bl_engine_reference_open(model, &chosen, err);
    case BL_ENGINE_CPU:
        return bl_engine_cpu_open(model, &chosen, err);
    default:
        return bl_engine_torch_open(model, &chosen, err);
    }
}

struct bl_encoder *bl_encoder_open(const struct bl_model *model,
                                   const struct bl_engine_opts *opts,
                                   struct bl_err *err)
{
    struct bl_encoder *encoder = BL_NEW(struct bl_encoder);

    encoder->model = model;
    encoder->engine = open_engine(encoder, opts, err);
    if (!encoder->engine) {
        bl_model_plain_free(encoder->plain);
        free(encoder);
        return NULL;
    }
    encoder->batch_tokens = opts->batch_tokens;
    encoder->pooled = bl_xmalloc(model->shape.hidden, sizeof *encoder->pooled);
    return encoder;
}

void bl_encoder_close(struct bl_encoder *encoder)
{
    if (!encoder)
        return;
    encoder->engine->ops->close(encoder->engine);
    bl_model_plain_free(encoder->plain);
    bl_batch_free(&encoder->part);
    free(encoder->states);
    free(encoder->pooled);
    free(encoder);
}

const char *bl_encoder_describe(const struct bl_encoder *encoder)
{
    return encoder->engine->describe;
}

size_t bl_encoder_dim(const struct bl_encoder *encoder)
{
    return encoder->model->dim;
}

size_t bl_encoder_tags(const struct bl_encoder *encoder)
{
    return encoder->model->role == BL_ROLE_TAGGER ? encoder->model->n_labels
                                                  : 0;
}

/* ---- A batch in parts, sorted by length ---- */

/* One call of those below: what to ask the engine for, and what to make of
 * the n states of a sequence; returns how many floats it wrote to out. */
struct job {
    enum bl_tower tower;
    enum bl_want want;
    size_t (*finish)(struct bl_encoder *e, const struct job *job,
                     const float *states, size_t n, float *out);
    const struct bl_batch *batch;
    float *out;
    bool *bad;
    float *keep;                /* [n_tokens][H] the states too; NULL: no */
    size_t width;               /* floats of out for each sequence */
    bool by_token;              /* or rather for each token */
};

/* Gathers sequences from places[0..n) while they fit; returns how many. */
static size_t fill_part(struct bl_encoder *encoder,
                        const struct bl_batch *batch,
                        const struct bl_place *places, size_t n)
{
    size_t i = 0;

    bl_batch_clear(&encoder->part);
    for (; i < n; i++) {
        size_t at = batch->offsets[places[i].index];

        size_t tokens = encoder->part.n_tokens + places[i].length;

        if (i && tokens > encoder->batch_tokens)
            break;
        bl_batch_add(&encoder->part, batch->ids + at, batch->segments + at,
                     batch->positions + at, places[i].length);
    }
    return i;
}

static void reserve_states(struct bl_encoder *encoder, size_t rows)
{
    if (rows <= encoder->cap_states)
        return;
    free(encoder->states);
    encoder->states = bl_xmalloc(rows,
                                 encoder->model->shape.hidden * sizeof(float));
    encoder->cap_states = rows;
}

static bool all_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

/* Where a sequence's result goes: by its number, or by its first token's. */
static float *result_of(const struct job *job, size_t seq)
{
    return job->out + job->width
        * (job->by_token ? job->batch->offsets[seq] : seq);
}

static int finish_part(struct bl_encoder *encoder, const struct job *job,
                       const struct bl_place *places, struct bl_err *err)
{
    size_t hidden = encoder->model->shape.hidden;

    for (size_t i = 0; i < encoder->part.n_seqs; i++) {
        size_t row = job->want == BL_WANT_ALL ? encoder->part.offsets[i] : i;
        size_t seq = places[i].index, n;
        float *out = result_of(job, seq);
        bool good;

        n = job->finish(encoder, job, encoder->states + row * hidden,
                        places[i].length, out);
        if (job->keep)
            memcpy(job->keep + job->batch->offsets[seq] * hidden,
                   encoder->states + row * hidden,
                   places[i].length * hidden * sizeof *job->keep);
        good = all_finite(out, n);
        /* One text with a result that is not finite must not fail the others
         * of its batch, if the caller can mark it. */
        if (job->bad)
            job->bad[seq] = !good;
        else if (!good)
            return bl_fail(err, BL_NON_FINITE, "the model gave NaN or "
                           "infinity for sequence %zu", seq);
    }
    return 0;
}

static int check_batch(const struct bl_encoder *encoder,
                       const struct bl_batch *batch, struct bl_err *err)
{
    const struct bl_shape *shape = &encoder->model->shape;

    for (size_t i = 0; i < batch->n_tokens; i++) {
        if (batch->ids[i] < 0 || (size_t)batch->ids[i] >= shape->vocab)
            return bl_fail(err, BL_DATA, "token id %d, but the model has %zu "
                           "words", batch->ids[i], shape->vocab);
        if (batch->segments[i] < 0
            || (size_t)batch->segments[i] >= shape->types)
            return bl_fail(err, BL_DATA, "segment %d, but the model has %zu",
                           batch->segments[i], shape->types);
        if (batch->positions[i] < 0
            || (size_t)batch->positions[i] >= shape->positions)
            return bl_fail(err, BL_DATA, "position %d, but the model has "
                           "%zu", batch->positions[i], shape->positions);
    }
    return 0;
}

static int run_job(struct bl_encoder *encoder, const struct job *job,
                   struct bl_err *err)
{
    const struct bl_batch *batch = job->batch;
    struct bl_place *places;
    size_t done = 0;
    int rc = check_batch(encoder, batch, err);

    if (rc < 0)
        return -1;
    /* The engines want the longest sequences last: stack.h cuts the batch into
     * pieces from its end, and torch joins runs of equal length. */
    places = bl_batch_by_length(batch);
    while (rc == 0 && done < batch->n_seqs) {
        size_t n = fill_part(encoder, batch, places + done,
                             batch->n_seqs - done);

        reserve_states(encoder,
                       job->want == BL_WANT_ALL ? encoder->part.n_tokens : n);
        rc = encoder->engine->ops->forward(encoder->engine, job->tower,
                                           &encoder->part,
                                           job->want, encoder->states, err);
        if (rc == 0)
            rc = finish_part(encoder, job, places + done, err);
        done += n;
    }
    free(places);
    return rc;
}

/* ---- Heads ---- */

/* Pooler, tanh and the linear layer behind it, on the first token. */
static size_t apply_head(struct bl_encoder *encoder,
                         const struct bl_bert *tower,
                         const float *first, float *out)
{
    bl_linear_apply(&tower->pooler, first, 1, encoder->pooled);
    for (size_t i = 0; i < tower->pooler.out; i++)
        encoder->pooled[i] = tanhf(encoder->pooled[i]);
    bl_linear_apply(&tower->head, encoder->pooled, 1, out);
    return tower->head.out;
}

static void mean(const float *states, size_t n, size_t hidden, float *out)
{
    memset(out, 0, hidden * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < hidden; k++)
            out[k] += states[i * hidden + k];
    for (size_t k = 0; k < hidden; k++)
        out[k] /= (float)n;
}

/* A zero vector stays what it is. */
static void normalize(float *v, size_t n)
{
    float length = sqrtf(bl_dot(v, v, n));

    for (size_t i = 0; i < n && length > 0; i++)
        v[i] /= length;
}

static size_t finish_vector(struct bl_encoder *encoder, const struct job *job,
                            const float *states, size_t n, float *out)
{
    const struct bl_model *model = encoder->model;
    const struct bl_bert *tower = &model->towers[job->tower];

    if (tower->head.w)
        apply_head(encoder, tower, states, out);
    else if (model->pooling == BL_POOL_MEAN)
        mean(states, n, model->shape.hidden, out);
    else
        memcpy(out, states, model->dim * sizeof *out);
    if (model->normalize)
        normalize(out, model->dim);
    return model->dim;
}

static size_t finish_score(struct bl_encoder *encoder, const struct job *job,
                           const float *states, size_t n, float *out)
{
    (void)n;
    return apply_head(encoder, &encoder->model->towers[job->tower], states,
                      out);
}

static size_t finish_tags(struct bl_encoder *encoder, const struct job *job,
                          const float *states, size_t n, float *out)
{
    const struct bl_linear *head = &encoder->model->towers[job->tower].head;

    bl_linear_apply(head, states, n, out);
    return n * head->out;
}

static size_t finish_states(struct bl_encoder *encoder, const struct job *job,
                            const float *states, size_t n, float *out)
{
    size_t size = n * encoder->model->shape.hidden;

    (void)job;
    memcpy(out, states, size * sizeof *out);
    return size;
}

/* ---- The calls ---- */

int bl_encoder_embed(struct bl_encoder *encoder, enum bl_tower tower,
                     const struct bl_batch *batch, float *out, bool *bad,
                     struct bl_err *err)
{
    const struct bl_model *model = encoder->model;
    bool all = !model->towers[tower].head.w && model->pooling == BL_POOL_MEAN;
    struct job job = { tower, all ? BL_WANT_ALL : BL_WANT_FIRST,
                       finish_vector, batch, out, bad, NULL, model->dim,
                       false };

    BL_ASSERT(model->role == BL_ROLE_BI_ENCODER);
    return run_job(encoder, &job, err);
}

int bl_encoder_score(struct bl_encoder *encoder, const struct bl_batch *batch,
                     float *out, bool *bad, struct bl_err *err)
{
    struct job job = { BL_TOWER_CONTEXT, BL_WANT_FIRST, finish_score, batch,
                       out, bad, NULL, 1, false };

    BL_ASSERT(encoder->model->role == BL_ROLE_CROSS_ENCODER);
    return run_job(encoder, &job, err);
}

int bl_encoder_tag(struct bl_encoder *encoder, const struct bl_batch *batch,
                   float *out, bool *bad, struct bl_err *err)
{
    return bl_encoder_read(encoder, batch, out, NULL, bad, err);
}

int bl_encoder_read(struct bl_encoder *encoder, const struct bl_batch *batch,
                    float *out, float *states, bool *bad, struct bl_err *err)
{
    struct job job = { BL_TOWER_CONTEXT, BL_WANT_ALL, finish_tags, batch,
                       out, bad, states, encoder->model->n_labels, true };

    BL_ASSERT(encoder->model->role == BL_ROLE_TAGGER);
    return run_job(encoder, &job, err);
}

int bl_encoder_states(struct bl_encoder *encoder, enum bl_tower tower,
                      const struct bl_batch *batch, float *out, bool *bad,
                      struct bl_err *err)
{
    struct job job = { tower, BL_WANT_ALL, finish_states, batch, out, bad,
                       NULL, encoder->model->shape.hidden, true };

    return run_job(encoder, &job, err);
}
