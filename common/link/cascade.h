/* SPDX-License-Identifier: MIT */
/*
 * cascade: which candidates of a list a slow judge, the cross-encoder, still
 * has to read, and when it may stop.
 *
 *     bl_cascade_start(&c, &calibration, mention, &list, list.n, &arena);
 *     while ((n = bl_cascade_next(&c, 0.01)) > 0) {
 *         for (size_t i = 0; i < n; i++)
 *             list.v[c.order[c.read + i]].cross = ...;
 *         c.read += n;
 *     }
 *
 * What is known before gives each candidate a share, as the first step of
 * rank.h does without the judge: the probability that it is the right one if
 * any is.  They are read in the order of it, two at first, then one more, or
 * an eighth of what has been read.  What the judge said goes to both steps of
 * rank.h, as it will in blink-score, for the probability of "none": of a list
 * that was read in part, as it stands.  The list is done when
 *
 *     the shares of those that were not read * (1 - p(none)) <= risk
 *
 * that is, when one of them is the right answer with the probability `risk`
 * at most.  So a list whose first is far ahead of all others by what is known
 * ends soon, and so does one that surely holds no answer; a list that none is
 * ahead in is read on.  How far the judge puts one of them before another does
 * not count: that was tried, and was less sure.
 *
 * A list of which that is sure before anything is read is left alone by
 * bl_cascade_sure(): blink-score then weighs it as one without a judge.
 *
 * What happens to a list depends on nothing outside it.  A smaller risk never
 * reads fewer.
 */
#ifndef BL_CASCADE_H
#define BL_CASCADE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "json/candidates.h"
#include "link/calibration.h"

struct bl_cascade {
    const struct bl_candidates *list;   /* borrowed */
    const struct bl_calibration *calibration;   /* borrowed; NULL: none */
    struct bl_span mention;     /* borrowed */
    size_t n;                   /* the first n of the list are looked at */
    size_t read;                /* so far, in `order`; the caller counts */
    size_t *order;              /* [n]: places in the list */
    double *left;               /* [n + 1]: the shares of order[i ..] */
};

/* Memory is the arena's.  calibration NULL: all n are read at once, in the
 * order of the list.  Scores of an earlier judge must be gone from it
 * (cross = NAN).  One that the judge has no score for (NAN) counts as not
 * read in p(none). */
void bl_cascade_start(struct bl_cascade *cascade,
                      const struct bl_calibration *cal, struct bl_span mention,
                      const struct bl_candidates *list, size_t n,
                      struct bl_arena *arena);

/* How many of order[read ..] are to be read now; 0: the list is done.
 * risk 0: never before all are read. */
size_t bl_cascade_next(const struct bl_cascade *cascade, double risk);

/* Whether a list need not be read at all, since what is known without the
 * judge is sure: rank.h gives its best candidate a probability of `entity` or
 * more, or "none" one of `none` or more.  1 is never sure enough.  A score
 * beside a bi_score is another judge's and does not count. */
bool bl_cascade_sure(const struct bl_calibration *cal, struct bl_span mention,
                     const struct bl_candidates *list, double entity,
                     double none);

#endif
