/* SPDX-License-Identifier: MIT */
/*
 * rank-fit: finds a calibration from lists whose right answer is known.
 *
 *     struct bl_fit *f = bl_fit_new();
 *     bl_fit_add(f, profile, features, n, gold);  one call a list
 *     bl_fit_run(f, BL_PROFILE_COSINE, used, &weights, &quality);
 *     bl_fit_free(f);
 *
 * Both steps are concave maximum likelihood problems of a few unknowns, solved
 * by Newton's method from zero, so the result does not depend on the order of
 * the lists.  A ridge keeps what the data does not tell near zero, and the
 * prior never counts against a candidate.
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

/* features[n][BL_N_FEATURES] is copied.  gold: the place of the right
 * candidate, or SIZE_MAX when none of them is. */
void bl_fit_add(struct bl_fit *fit, enum bl_profile profile,
                const double *features, size_t n, size_t gold);

struct bl_fit_quality {
    size_t lists, with_gold;
    double rank_loss;           /* mean -ln(share of the right one), nats */
    double nil_loss;            /* mean -ln(probability of what was) */
};

/* Lists of that profile added so far. */
size_t bl_fit_count(const struct bl_fit *fit, enum bl_profile profile);

/* Fits *weights to the lists of `from`.  use_bi false: the absolute
 * bi-encoder score is left out (the "open" profile). */
void bl_fit_run(const struct bl_fit *fit, enum bl_profile from, bool use_bi,
                struct bl_weights *weights, struct bl_fit_quality *quality);

#endif
