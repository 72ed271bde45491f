/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/spans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/dense.h"

enum { START, END, INSIDE, KINDS };

void bl_spans_free(struct bl_spans *spans)
{
    free(spans->v);
    free(spans->scores);
    *spans = (struct bl_spans)BL_SPANS_INIT;
}

double bl_log_probability(double logit)
{
    return logit < 0 ? logit - log1p(exp(logit)) : -log1p(exp(-logit));
}

/* ---- Scores of tokens ---- */

/* bounds[3] of one token, through both layers where there are two; hidden is
 * scratch of that size. */
static void score_token(const struct bl_span_heads *heads, const float *state,
                        float *hidden, float bounds[KINDS])
{
    if (heads->hidden.w) {
        bl_linear_apply(&heads->hidden, state, 1, hidden);
        for (size_t i = 0; i < heads->hidden.out; i++)
            hidden[i] = BL_MAX(hidden[i], 0.0f);
        state = hidden;
    }
    bl_linear_apply(&heads->bounds, state, 1, bounds);
}

/* Starts and ends as they are, and the sum of the insides up to and with each
 * token, so that a run's is a difference. */
static void score_tokens(struct bl_spans *spans, const struct bl_model *model,
                         const float *states, size_t n)
{
    size_t hidden = model->shape.hidden;
    float *scratch = bl_xmalloc(hidden, sizeof *scratch);
    double sum = 0;

    BL_GROW(spans->scores, KINDS * n, spans->cap_scores);
    for (size_t i = 0; i < n; i++) {
        float bounds[KINDS];

        score_token(&model->spans, states + i * hidden, scratch, bounds);
        sum += (double)bounds[INSIDE];
        spans->scores[START * n + i] = (double)bounds[START];
        spans->scores[END * n + i] = (double)bounds[END];
        spans->scores[INSIDE * n + i] = sum;
    }
    free(scratch);
}

/* ---- Runs ---- */

static void add(struct bl_spans *spans, size_t n, size_t first, size_t last)
{
    const double *inside = spans->scores + INSIDE * n;
    double logit = spans->scores[START * n + first]
        + spans->scores[END * n + last] + inside[last]
        - (first ? inside[first - 1] : 0);

    BL_GROW(spans->v, spans->n + 1, spans->cap);
    spans->v[spans->n++] = (struct bl_mention_span){ first, last,
                                                     (float)logit };
}

static int by_place(const void *a, const void *b)
{
    const struct bl_mention_span *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->last > y->last) - (x->last < y->last);
}

static int by_logit(const void *a, const void *b)
{
    const struct bl_mention_span *x = a, *y = b;

    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return by_place(a, b);
}

void bl_spans_find(struct bl_spans *out, const struct bl_model *model,
                   const float *states, size_t n, size_t most,
                   double threshold)
{
    size_t longest = model->spans.longest, above = 0;

    out->n = 0;
    score_tokens(out, model, states, n);
    for (size_t first = 0; first < n; first++)
        for (size_t last = first; last < n && last - first < longest; last++)
            add(out, n, first, last);
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, by_logit);
    out->n = BL_MIN(out->n, most);
    while (above < out->n
           && bl_log_probability((double)out->v[above].logit) > threshold)
        above++;
    if (above)
        out->n = above;
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, by_place);
}

/* ---- Vectors ---- */

/* The mean of the states of some tokens, `step` apart. */
static void mean(const float *states, size_t hidden, size_t first, size_t last,
                 size_t step, float *out)
{
    size_t n = 0;

    memset(out, 0, hidden * sizeof *out);
    for (size_t i = first; i <= last; i += step, n++)
        for (size_t k = 0; k < hidden; k++)
            out[k] += states[i * hidden + k];
    for (size_t k = 0; k < hidden; k++)
        out[k] /= (float)n;
}

/* Both ends; of a mention of one token that token twice. */
static void ends(const float *states, size_t hidden,
                 const struct bl_mention_span *span, float *out)
{
    memcpy(out, states + span->first * hidden, hidden * sizeof *out);
    memcpy(out + hidden, states + span->last * hidden, hidden * sizeof *out);
}

void bl_spans_vector(const struct bl_model *model, const float *states,
                     const struct bl_mention_span *span, float *out)
{
    const struct bl_span_heads *heads = &model->spans;
    size_t hidden = model->shape.hidden;
    size_t length = span->last - span->first;
    float *joined;

    if (!heads->project.w) {
        mean(states, hidden, span->first, span->last,
             heads->ends && length ? length : 1, out);
        return;
    }
    joined = bl_xmalloc(heads->project.in, sizeof *joined);
    if (heads->ends)
        ends(states, hidden, span, joined);
    else
        mean(states, hidden, span->first, span->last, 1, joined);
    bl_linear_apply(&heads->project, joined, 1, out);
    free(joined);
}
