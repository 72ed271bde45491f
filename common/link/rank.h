/* SPDX-License-Identifier: MIT */
/*
 * rank: which candidate is meant, and how sure that is.
 *
 *     struct bl_calibration cal = bl_calibration_default();
 *     double nil_p = bl_rank(&cal, mention, NULL, &candidates);
 *     ... candidates.v[i].p ...
 *
 * The model has two steps.  A linear score over a candidate's features
 * (calibration.h), turned into shares by a softmax over the list, says which
 * candidate it is if it is any of them.  A logistic model over the facts
 * about the best one says how likely it is none of them (nil_p).  The
 * probability of a candidate is its share times 1 - nil_p, so that all of
 * them and nil_p add up to 1.
 *
 * There are several sets of coefficients, because scores of different origin
 * have different scales: "cross" for a list that was re-ranked (a candidate
 * has a cross_score, or a score that is not its bi_score, as after a
 * re-ranker of one's own), "cosine" when all bi-encoder scores lie within
 * [-1, 1], "open" otherwise (inner products without bounds: only differences
 * within the list count).  The latter two have a second set, "..._named",
 * for lists where a candidate has a prior: there a name that the catalogue
 * knows says more than the encoder, and a candidate without a prior is one
 * that the mention does not name, while in other lists nobody looked.
 *
 * "cross" takes the re-ranker's word and no other, as BLINK does.  Small
 * models do better together: lists that have a cross_score, and bi_scores
 * that all lie within [-1, 1], have "cross_cosine" and "cross_cosine_named",
 * which weigh all evidence.
 *
 * In a catalogue of a few hundred things a name or a likeness means more than
 * among a hundred thousand, where both occur by chance.  So every profile has
 * its coefficients twice, for large catalogues and for small ones.
 *
 * In a "cross" list, a candidate without a cross_score, whose score is null,
 * is one that the re-ranker did not read (blink-rerank -k or --cascade).  It
 * counts as the worst that was read, or as 2 below the best where that is
 * less.
 */
#ifndef BL_RANK_H
#define BL_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/decls.h"
#include "json/candidates.h"
#include "link/calibration.h"

BL_BEGIN_DECLS

/* A share and a nil_p are cut to what has a logarithm, before anything is
 * added to it. */
double bl_rank_log(double share);
double bl_rank_logit(double p);

/* Which coefficients a list asks for. */
enum bl_profile bl_rank_profile(const struct bl_candidates *list);

/* How small the catalogue of a list is: 1 up to 3,000 entities, 0 from 10,000
 * on or when the list does not say, and between them by the logarithm. */
double bl_rank_small(const struct bl_candidates *list);
/* The coefficients for a list: those of its profile, by the part that
 * bl_rank_small() says mixed with those for small catalogues. */
struct bl_weights bl_rank_weights(const struct bl_calibration *cal,
                                  const struct bl_candidates *list);

/* Fills features[list->n][BL_N_FEATURES] for the mention's text. */
void bl_rank_features(const struct bl_candidates *list, struct bl_span mention,
                      double *features);

/* The softmax over features[n][BL_N_FEATURES] * weights[BL_N_FEATURES], to
 * share[n].  A candidate for which eligible[i] is false has share 0; eligible
 * may be NULL: all are. */
void bl_rank_shares(const double *weights, const double *features, size_t n,
                    const bool *eligible, double *share);
/* The largest share, the first of equals; 0 for an empty list. */
size_t bl_rank_best(const double *share, size_t n);
/* What the second step sees: facts[BL_N_NIL_FEATURES] of the best
 * candidate. */
void bl_rank_nil_features(const double *features, const double *share,
                          size_t best, double *facts);
/* The probability that none of the list is meant. */
double bl_rank_nil(const double *weights, const double *facts);

/* As bl_rank(), but without what coherence.h says of the document: p of the
 * mention's own candidates, and nil_p. */
double bl_rank_alone(const struct bl_calibration *cal, struct bl_span mention,
                     const bool *eligible, struct bl_candidates *list);

/* Sets p of every candidate and returns nil_p: 1 for a list without any
 * eligible candidate.  What the rest of the document adds, if anything, is
 * added to the logarithms of the shares and to the log-odds of none; among
 * candidates from other mentions it is the whole of the logarithm. */
double bl_rank(const struct bl_calibration *cal, struct bl_span mention,
               const bool *eligible, struct bl_candidates *list);

BL_END_DECLS

#endif
