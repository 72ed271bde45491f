/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/dense.h"
#include "net/engine.h"
#include "base/mem.h"
#include "net/model-plain.h"
#include "base/threads.h"

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

/* Nothing is left at auto.  Int8 products are for models stored so, on the
 * CPU, unless something else is asked for. */
static struct bl_engine_opts choose(const struct bl_model *m,
                                    const struct bl_engine_opts *opts)
{
    struct bl_engine_opts o = *opts;
    bool cpu = o.device == BL_DEVICE_CPU
        && o.precision != BL_PRECISION_BF16;

    if (!o.threads)
        o.threads = bl_threads_default();
    if (o.engine == BL_ENGINE_AUTO)
        o.engine = cpu ? BL_ENGINE_CPU : BL_ENGINE_TORCH;
    if (o.precision == BL_PRECISION_AUTO)
        o.precision = m->int8 && o.engine == BL_ENGINE_CPU
            ? BL_PRECISION_INT8 : BL_PRECISION_F32;
    return o;
}

static struct bl_engine *open_engine(struct bl_encoder *e,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err)
{
    const struct bl_model *m = e->model;
    struct bl_engine_opts o = choose(m, opts);
    bool words = o.engine == BL_ENGINE_TORCH && !m->towers[0].words.f32;

    if (words || (m->int8 && o.precision != BL_PRECISION_INT8))
        m = e->plain = bl_model_plain(m, words);
    switch (o.engine) {
    case BL_ENGINE_REFERENCE:
        return bl_engine_reference_open(m, &o, err);
    case BL_ENGINE_CPU:
        return bl_engine_cpu_open(m, &o, err);
    default:
        return bl_engine_torch_open(m, &o, err);
    }
}

struct bl_encoder *bl_encoder_open(const struct bl_model *model,
                                   const struct bl_engine_opts *opts,
                                   struct bl_err *err)
{
    struct bl_encoder *e = BL_NEW(struct bl_encoder);

    e->model = model;
    e->engine = open_engine(e, opts, err);
    if (!e->engine) {
        bl_model_plain_free(e->plain);
        free(e);
        return NULL;
    }
    e->batch_tokens = opts->batch_tokens;
    e->pooled = bl_xmalloc(model->shape.hidden, sizeof *e->pooled);
    return e;
}

void bl_encoder_close(struct bl_encoder *e)
{
    if (!e)
        return;
    e->engine->ops->close(e->engine);
    bl_model_plain_free(e->plain);
    bl_batch_free(&e->part);
    free(e->states);
    free(e->pooled);
    free(e);
}

const char *bl_encoder_describe(const struct bl_encoder *e)
{
    return e->engine->describe;
}

size_t bl_encoder_dim(const struct bl_encoder *e)
{
    return e->model->dim;
}

size_t bl_encoder_tags(const struct bl_encoder *e)
{
    return e->model->role == BL_ROLE_TAGGER ? e->model->n_labels : 0;
}

/* ---- A batch in parts, sorted by length ---- */

/* One call of the three: what to ask the engine for, and what to make of
 * the n states of a sequence; returns how many floats it wrote to out. */
struct job {
    enum bl_tower tower;
    enum bl_want want;
    size_t (*finish)(struct bl_encoder *e, const struct job *job,
                     const float *states, size_t n, float *out);
    const struct bl_batch *batch;
    float *out;
    bool *bad;
};

/* Gathers sequences from places[0..n) while they fit; returns how many. */
static size_t fill_part(struct bl_encoder *e, const struct bl_batch *b,
                        const struct bl_place *places, size_t n)
{
    size_t i = 0;

    bl_batch_clear(&e->part);
    for (; i < n; i++) {
        size_t at = b->offsets[places[i].index];

        if (i && e->part.n_tokens + places[i].length > e->batch_tokens)
            break;
        bl_batch_add(&e->part, b->ids + at, b->segments + at,
                     b->positions + at, places[i].length);
    }
    return i;
}

static void reserve_states(struct bl_encoder *e, size_t rows)
{
    if (rows <= e->cap_states)
        return;
    free(e->states);
    e->states = bl_xmalloc(rows, e->model->shape.hidden * sizeof(float));
    e->cap_states = rows;
}

static bool all_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

/* Where a sequence's result goes: per sequence, or per token for tags. */
static float *result_of(const struct bl_encoder *e, const struct job *job,
                        size_t seq)
{
    switch (e->model->role) {
    case BL_ROLE_TAGGER:
        return job->out + job->batch->offsets[seq] * e->model->n_labels;
    case BL_ROLE_CROSS_ENCODER:
        return job->out + seq;
    case BL_ROLE_BI_ENCODER:
        break;
    }
    return job->out + seq * e->model->dim;
}

static int finish_part(struct bl_encoder *e, const struct job *job,
                       const struct bl_place *places, struct bl_err *err)
{
    size_t hidden = e->model->shape.hidden;

    for (size_t i = 0; i < e->part.n_seqs; i++) {
        size_t row = job->want == BL_WANT_ALL ? e->part.offsets[i] : i;
        size_t seq = places[i].index, n;
        float *out = result_of(e, job, seq);
        bool good;

        n = job->finish(e, job, e->states + row * hidden, places[i].length,
                        out);
        good = all_finite(out, n);
        if (job->bad)
            job->bad[seq] = !good;
        else if (!good)
            return bl_fail(err, BL_NON_FINITE, "the model gave NaN or "
                           "infinity for sequence %zu", seq);
    }
    return 0;
}

static int check_batch(const struct bl_encoder *e, const struct bl_batch *b,
                       struct bl_err *err)
{
    const struct bl_shape *s = &e->model->shape;

    for (size_t i = 0; i < b->n_tokens; i++) {
        if (b->ids[i] < 0 || (size_t)b->ids[i] >= s->vocab)
            return bl_fail(err, BL_DATA, "token id %d, but the model has %zu "
                           "words", b->ids[i], s->vocab);
        if (b->segments[i] < 0 || (size_t)b->segments[i] >= s->types)
            return bl_fail(err, BL_DATA, "segment %d, but the model has %zu",
                           b->segments[i], s->types);
        if (b->positions[i] < 0 || (size_t)b->positions[i] >= s->positions)
            return bl_fail(err, BL_DATA, "position %d, but the model has "
                           "%zu", b->positions[i], s->positions);
    }
    return 0;
}

static int run_job(struct bl_encoder *e, const struct job *job,
                   struct bl_err *err)
{
    const struct bl_batch *b = job->batch;
    struct bl_place *places;
    size_t done = 0;
    int rc = check_batch(e, b, err);

    if (rc < 0)
        return -1;
    places = bl_batch_by_length(b);
    while (!rc && done < b->n_seqs) {
        size_t n = fill_part(e, b, places + done, b->n_seqs - done);

        reserve_states(e, job->want == BL_WANT_ALL ? e->part.n_tokens : n);
        rc = e->engine->ops->forward(e->engine, job->tower, &e->part,
                                     job->want, e->states, err);
        if (!rc)
            rc = finish_part(e, job, places + done, err);
        done += n;
    }
    free(places);
    return rc;
}

/* ---- Heads ---- */

/* Pooler, tanh and the linear layer behind it, on the first token. */
static size_t apply_head(struct bl_encoder *e, const struct bl_bert *t,
                         const float *first, float *out)
{
    bl_linear_apply(&t->pooler, first, 1, e->pooled);
    for (size_t i = 0; i < t->pooler.out; i++)
        e->pooled[i] = tanhf(e->pooled[i]);
    bl_linear_apply(&t->head, e->pooled, 1, out);
    return t->head.out;
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

static size_t finish_vector(struct bl_encoder *e, const struct job *job,
                            const float *states, size_t n, float *out)
{
    const struct bl_model *m = e->model;
    const struct bl_bert *t = &m->towers[job->tower];

    if (t->head.w)
        apply_head(e, t, states, out);
    else if (m->pooling == BL_POOL_MEAN)
        mean(states, n, m->shape.hidden, out);
    else
        memcpy(out, states, m->dim * sizeof *out);
    if (m->normalize)
        normalize(out, m->dim);
    return m->dim;
}

static size_t finish_score(struct bl_encoder *e, const struct job *job,
                           const float *states, size_t n, float *out)
{
    (void)n;
    return apply_head(e, &e->model->towers[job->tower], states, out);
}

static size_t finish_tags(struct bl_encoder *e, const struct job *job,
                          const float *states, size_t n, float *out)
{
    const struct bl_linear *head = &e->model->towers[job->tower].head;

    bl_linear_apply(head, states, n, out);
    return n * head->out;
}

/* ---- The three calls ---- */

int bl_encoder_embed(struct bl_encoder *e, enum bl_tower tower,
                     const struct bl_batch *batch, float *out, bool *bad,
                     struct bl_err *err)
{
    const struct bl_model *m = e->model;
    bool all = !m->towers[tower].head.w && m->pooling == BL_POOL_MEAN;
    struct job job = { tower, all ? BL_WANT_ALL : BL_WANT_FIRST,
                       finish_vector, batch, out, bad };

    BL_ASSERT(m->role == BL_ROLE_BI_ENCODER);
    return run_job(e, &job, err);
}

int bl_encoder_score(struct bl_encoder *e, const struct bl_batch *batch,
                     float *out, bool *bad, struct bl_err *err)
{
    struct job job = { BL_TOWER_CONTEXT, BL_WANT_FIRST, finish_score, batch,
                       out, bad };

    BL_ASSERT(e->model->role == BL_ROLE_CROSS_ENCODER);
    return run_job(e, &job, err);
}

int bl_encoder_tag(struct bl_encoder *e, const struct bl_batch *batch,
                   float *out, bool *bad, struct bl_err *err)
{
    struct job job = { BL_TOWER_CONTEXT, BL_WANT_ALL, finish_tags, batch,
                       out, bad };

    BL_ASSERT(e->model->role == BL_ROLE_TAGGER);
    return run_job(e, &job, err);
}
