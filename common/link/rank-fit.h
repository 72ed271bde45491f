/* SPDX-License-Identifier: MIT */
/*
 * rank-fit: finds a calibration from lists whose right answer is known.
 *
 *     struct bl_fit *f = bl_fit_new();
 *     bl_fit_add(f, profile, 0, features, n, gold);   one call a list
 *     bl_fit_run(f, BL_PROFILE_COSINE, used, &weights, &quality);
 *     bl_fit_run_small(f, BL_PROFILE_COSINE, used, &weights, &small,
 *                      &quality);
 *     bl_fit_free(f);
 *
 * Lists of large catalogues tell the coefficients, and those of smaller ones
 * how much the coefficients for small catalogues differ (rank.h).
 *
 * Both steps are concave maximum likelihood problems of a few unknowns, solved
 * by Newton's method from zero, so the result does not depend on the order of
 * the lists.  A ridge keeps what the data does not tell near zero, or near
 * what the coefficients for small catalogues were, and the prior never counts
 * against a candidate.
 */
#ifndef BL_RANK_FIT_H
#define BL_RANK_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "link/calibration.h"

struct bl_fit;

/* Never NULL; free with bl_fit_free(). */
struct bl_fit *bl_fit_new(void);
void bl_fit_free(struct bl_fit *fit);

/* features[n][BL_N_FEATURES] is copied.  small: what bl_rank_small() says of
 * the list.  gold: the place of the right candidate, or SIZE_MAX when none of
 * them is. */
void bl_fit_add(struct bl_fit *fit, enum bl_profile profile, double small,
                const double *features, size_t n, size_t gold);

struct bl_fit_quality {
    size_t lists, with_gold;
    double rank_loss;           /* mean -ln(share of the right one), nats */
    double nil_loss;            /* mean -ln(probability of what was) */
};

/* Lists of that profile added so far: of large catalogues, or of smaller
 * ones. */
size_t bl_fit_count(const struct bl_fit *fit, enum bl_profile profile,
                    bool small);

/* Fits *weights to the lists of `from` that are of large catalogues.  use_bi
 * false: the absolute bi-encoder score is left out (the "open" profile). */
void bl_fit_run(const struct bl_fit *fit, enum bl_profile from, bool use_bi,
                struct bl_weights *weights, struct bl_fit_quality *quality);
/* The same for *small and the other lists; *large stays, and *small says where
 * to begin. */
void bl_fit_run_small(const struct bl_fit *fit, enum bl_profile from,
                      bool use_bi, const struct bl_weights *large,
                      struct bl_weights *small,
                      struct bl_fit_quality *quality);

/* Moves *weights as far as the lists of that profile ask for, those of large
 * and of smaller catalogues alike: what they do not tell stays what it was,
 * the more so the larger `ridge`, above 0, is.  nil false: only the first
 * step. */
void bl_fit_run_near(const struct bl_fit *fit, enum bl_profile profile,
                     bool use_bi, double ridge, bool nil,
                     struct bl_weights *weights);

#endif
