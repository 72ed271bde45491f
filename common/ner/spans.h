/* SPDX-License-Identifier: MIT */
/*
 * spans: the mentions of a text, from the states of its tokens, as BLINK's
 * ELQ finds them (elq/biencoder/biencoder.py).
 *
 *     struct bl_spans found = BL_SPANS_INIT;
 *     bl_encoder_states(encoder, BL_TOWER_CONTEXT, &batch, states, bad,
 *                       &err);
 *     bl_spans_find(&found, model, states, n, 50, -4.5);
 *     for (size_t i = 0; i < found.n; i++)
 *         bl_spans_vector(model, states, &found.v[i], vector);
 *     bl_spans_free(&found);
 *
 * Every run of at most spans.longest tokens has a logit: how much its first
 * token is a start, its last an end, and each of them the inside of a
 * mention, in one sum.  The first and the last token of a sequence, [CLS] and
 * [SEP], may be in a mention, because the model was trained so.
 */
#ifndef BL_SPANS_H
#define BL_SPANS_H

#include <stddef.h>

#include "model/model.h"

struct bl_mention_span {
    size_t first, last;         /* tokens, both within */
    float logit;
};

struct bl_spans {
    struct bl_mention_span *v;  /* [n] by place: first, then last */
    size_t n;
    size_t cap;
    double *scores;             /* private: [3][n] of the tokens */
    size_t cap_scores;
};

#define BL_SPANS_INIT { NULL, 0, 0, NULL, 0 }

void bl_spans_free(struct bl_spans *spans);

/* log(1 / (1 + exp(-logit))), the logarithm of the probability that a logit
 * stands for; exact where that is nearly 0 or 1. */
double bl_log_probability(double logit);

/* Replaces *out by the `most` likeliest runs of the tokens with
 * states[n][hidden], of these those whose log-probability is above
 * `threshold`; or all of them where none is above it, as ELQ does.  All
 * states are finite. */
void bl_spans_find(struct bl_spans *out, const struct bl_model *model,
                   const float *states, size_t n, size_t most,
                   double threshold);

/* out[model->dim]: the vector of one of them, to compare with those of
 * entities; states is that of the sequence's first token. */
void bl_spans_vector(const struct bl_model *model, const float *states,
                     const struct bl_mention_span *span, float *out);

#endif
