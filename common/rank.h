/* SPDX-License-Identifier: MIT */
/*
 * rank: which candidate is meant, and how sure that is.
 *
 *     struct bl_calibration cal = bl_calibration_default();
 *     bl_rank(&cal, mention, &candidates, &answer);
 *     answer.nil_p, candidates.v[0].p ...
 *
 * The model has two steps.  A linear score over the features below, turned
 * into shares by a softmax over the list, says which candidate it is if it
 * is any of them.  A logistic model over the facts about the best one says
 * how likely none of them is (nil_p).  The probability of a candidate is its
 * share times 1 - nil_p, so that all of them and nil_p add up to 1.
 *
 * Three sets of coefficients, because scores of different origin have
 * different scales: "cross" when any candidate has a cross_score, "cosine"
 * when all bi-encoder scores lie within [-1, 1], "open" otherwise (inner
 * products without bounds: only differences within the list count).
 */
#ifndef BL_RANK_H
#define BL_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "candidates.h"
#include "err.h"

/* Of one candidate.  Missing evidence is 0. */
enum bl_feature {
    BL_F_BI,            /* bi_score (score where there is none) */
    BL_F_BI_REST,       /* how far below the best bi_score, in standard
                         * deviations of the list */
    BL_F_CROSS,         /* cross_score */
    BL_F_NAMED,         /* 1: has a prior, so the mention is its name */
    BL_F_PRIOR,         /* ln(prior), at least ln(0.001) */
    BL_F_EQUAL,         /* 1: title and mention have one normal form */
    BL_F_BARE,          /* 1: they have without the title's "(...)" */
    BL_F_OVERLAP,       /* shared words / words of both (Jaccard) */
    BL_F_WITHIN,        /* share of the mention's words that the title has */
    BL_N_FEATURES
};

/* Of the list, after the first step. */
enum bl_nil_feature {
    BL_N_ONE,           /* 1 */
    BL_N_SHARE,         /* the best candidate's logit of its share, cut to
                         * [-6, 6] */
    BL_N_BI, BL_N_CROSS, BL_N_NAMED, BL_N_PRIOR, BL_N_EQUAL, BL_N_BARE,
    BL_N_OVERLAP, BL_N_WITHIN,  /* the best candidate's features */
    BL_N_NIL_FEATURES
};

enum bl_profile { BL_PROFILE_CROSS, BL_PROFILE_COSINE, BL_PROFILE_OPEN,
                  BL_N_PROFILES };

struct bl_weights {
    double rank[BL_N_FEATURES];
    double nil[BL_N_NIL_FEATURES];      /* positive: none of them */
};

struct bl_calibration {
    struct bl_weights profile[BL_N_PROFILES];
    double nil_threshold;       /* default of --nil */
};

/* Names in calibration files: "bi", "named", ...; "cosine" ... */
const char *bl_feature_name(enum bl_feature f);
const char *bl_nil_feature_name(enum bl_nil_feature f);
const char *bl_profile_name(enum bl_profile p);

/* The coefficients of share/calibration/default.json, compiled in. */
struct bl_calibration bl_calibration_default(void);

/* Reads a calibration file; what it does not name is 0.  -1 with BL_DATA
 * naming the path and what is wrong. */
int bl_calibration_read(struct bl_calibration *out, const char *path,
                        struct bl_err *err);

/* Appends the file's text, "provenance" being the JSON text given. */
void bl_calibration_put(struct bl_buf *out, const struct bl_calibration *c,
                        struct bl_span provenance);

/* Which coefficients a list asks for. */
enum bl_profile bl_rank_profile(const struct bl_candidates *c);

/* x[n][BL_N_FEATURES], n = c->n, for the mention's text. */
void bl_rank_features(const struct bl_candidates *c, struct bl_span mention,
                      double *x);

/* Softmax over the list: share[i] from x[i] and w; eligible (may be NULL)
 * false: share 0. */
void bl_rank_shares(const double *w, const double *x, size_t n,
                    const bool *eligible, double *share);
/* What the second step sees: z[BL_N_NIL_FEATURES] for the best candidate. */
void bl_rank_nil_features(const double *x, const double *share, size_t best,
                          double *z);
double bl_rank_nil(const double *w, const double *z);

/* Sets p of every candidate and returns nil_p: 1 for a list without any
 * eligible candidate. */
double bl_rank(const struct bl_calibration *cal, struct bl_span mention,
               const bool *eligible, struct bl_candidates *c);

#endif
