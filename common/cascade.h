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
 * rank.h does without the judge; they are read in the order of it, two at
 * first, then as many as have been read already.  The judge's scores are
 * taken for log odds: the share of a candidate that was read is multiplied
 * by exp(its score - the second best score so far).  A candidate that was
 * not read keeps its share, as if it were no better and no worse than the
 * second best.  The list is done when those that were not read have at most
 * `risk` of what all have together.  So a list whose first is far ahead of
 * all others, before or after it was read, ends soon, and one where two are
 * close is read on.
 *
 * What happens to a list depends on nothing outside it.
 */
#ifndef BL_CASCADE_H
#define BL_CASCADE_H

#include <stddef.h>

#include "arena.h"
#include "calibration.h"
#include "candidates.h"

struct bl_cascade {
    const struct bl_candidates *list;   /* borrowed */
    size_t n;                   /* the first n of it are looked at */
    size_t read;                /* so far, in `order`; the caller counts */
    size_t *order;              /* [n]: places in the list */
    double *share;              /* [n], as in the list; NULL: no cascade */
};

/* Memory is the arena's.  calibration NULL: all n are read at once, in the
 * order of the list.  Scores of an earlier judge must be gone from it
 * (cross = NAN). */
void bl_cascade_start(struct bl_cascade *c, const struct bl_calibration *cal,
                      struct bl_span mention,
                      const struct bl_candidates *list, size_t n,
                      struct bl_arena *a);

/* How many of order[read ..] are to be read now; 0: the list is done. */
size_t bl_cascade_next(const struct bl_cascade *c, double risk);

#endif
