/* SPDX-License-Identifier: MIT */
/*
 * metrics: how good links are, as sums that can be added up.
 *
 *     struct bl_tally t = { 0 };
 *     bl_tally_add(&t, &judged, &cutoffs);        one mention
 *     n = bl_figures(&t, &cutoffs, false, figures);
 *
 * Every figure is made of sums over mentions or documents, so that a
 * bootstrap sample is a sum of tallies.  Definitions, for the mentions whose
 * gold entity is in the catalogue ("support", n):
 *
 *     accuracy               the answer is the gold entity
 *     recall@k               the gold entity is among the first k
 *     biencoder accuracy     it has the best bi_score
 *     normalized accuracy    it comes first; over the mentions that have it
 *                            in their list at all
 *     unnormalized accuracy  it comes first; over all n
 *
 * and over all mentions, those without a gold entity included:
 *
 *     InKB          answers that are entities against gold entities
 *     NIL-required  every mention has an answer; "none" can be right
 */
#ifndef BL_METRICS_H
#define BL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "eval/label.h"

BL_BEGIN_DECLS

enum { BL_MAX_CUTOFFS = 16, BL_ECE_BINS = 10,
       BL_MAX_FIGURES = BL_MAX_CUTOFFS + 33 };
#define BL_NOT_FOUND SIZE_MAX

/* One mention as judged. */
struct bl_judged {
    enum bl_gold gold;
    bool missed;                /* no record for this gold mention */
    bool answered;              /* false: the answer is "no entity" */
    bool right;                 /* the answer is the gold entity */
    size_t list_rank;           /* of the gold entity; or BL_NOT_FOUND */
    size_t bi_rank;             /* the same by bi_score */
    double confidence;          /* of the answer; NAN: not given */
};

/* Precision's and recall's three counts. */
struct bl_prf_sum {
    double tp, predicted, gold;
};

struct bl_tally {
    double n, nil, unlabelled, errors;
    double right;               /* the answer is the gold entity */
    double first, found, bi_first;      /* by the lists */
    double at[BL_MAX_CUTOFFS];
    double at_blink[BL_MAX_CUTOFFS];    /* by bi_score, among first k - 1 */
    double reciprocal;          /* 1 / rank in the list */
    struct bl_prf_sum in_kb, nil_required;
    double docs, macro_in_kb[3], macro_nil[3];  /* sums of P, R, F1 */
    double bin_n[BL_ECE_BINS], bin_p[BL_ECE_BINS], bin_right[BL_ECE_BINS];
};

/* Which recalls are wanted, and how. */
struct bl_cutoffs {
    size_t v[BL_MAX_CUTOFFS], n;
    bool blink;                 /* by bi_score and off by one, as the
                                 * original prints it */
};

void bl_tally_add(struct bl_tally *tally, const struct bl_judged *judged,
                  const struct bl_cutoffs *cutoffs);
/* Adds every member of *more to *sum. */
void bl_tally_sum(struct bl_tally *sum, const struct bl_tally *more);
/* Ends a document: its own P, R and F1 become its macro sums. */
void bl_tally_close_doc(struct bl_tally *doc);

/* One number of the report under its name in JSON; NAN: undefined. */
struct bl_figure {
    char name[40];
    double value;
};

/* Fills out[BL_MAX_FIGURES] and returns how many there are: the same
 * ones in the same order for the same cutoffs and docs.  docs: with macro
 * averages. */
size_t bl_figures(const struct bl_tally *tally,
                  const struct bl_cutoffs *cutoffs, bool docs,
                  struct bl_figure *out);

/* xorshift64*: the same numbers everywhere.  state must not be 0. */
uint64_t bl_random(uint64_t *state);

BL_END_DECLS

#endif
