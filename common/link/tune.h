/* SPDX-License-Identifier: MIT */
/*
 * tune: a calibration moved towards labelled mentions of one catalogue, and
 * what that changed on mentions that the fit did not see.
 *
 *     struct bl_tune *t = bl_tune_new(&base);
 *     bl_tune_add(t, doc, mention, &list, gold, known);       one mention each
 *     better = bl_tune_run(t, &tuned, &report);
 *     bl_tune_free(t);
 *
 * The mentions are parted into five folds, by document or, where these are
 * few, by name, and each fold is judged by weights that were fitted to the
 * four others.  How far weights may move from the base (the ridge of
 * rank-fit.h) is chosen for each fold by the losses of the others, so that no
 * figure was chosen by what it is of.
 */
#ifndef BL_TUNE_H
#define BL_TUNE_H

#include <stdbool.h>
#include <stddef.h>

#include "json/candidates.h"
#include "link/calibration.h"

BL_BEGIN_DECLS

enum {
    BL_TUNE_LEAST = 30,         /* mentions, of which */
    BL_TUNE_LEAST_KNOWN = 10,   /* as many have their entity, */
    BL_TUNE_LEAST_NONE = 5      /* and as many none; with fewer, what says
                                 * "none" stays as it is */
};

struct bl_tune;

/* Never NULL; free with bl_tune_free(). */
struct bl_tune *bl_tune_new(const struct bl_calibration *base);
void bl_tune_free(struct bl_tune *tune);                /* NULL: nothing */

/* A mention with its list as blink-score would get it.  doc: the id of its
 * document.  gold: the place of the right candidate, or SIZE_MAX; known: the
 * catalogue has the right entity, whether or not the list does.  All is
 * copied.  A list that was re-ranked counts as it is and as it was before, for
 * a pipeline without re-ranking. */
void bl_tune_add(struct bl_tune *tune, struct bl_span doc,
                 struct bl_span mention, const struct bl_candidates *list,
                 size_t gold, bool known);

/* Mentions that were added, and those of them whose entity is known. */
size_t bl_tune_count(const struct bl_tune *tune, size_t *known);

/* NAN where there is nothing that it could be of. */
struct bl_tune_figures {
    double right;               /* of known ones: answered with it */
    double none_f1;             /* of "none" against what is not known */
    double false_none;          /* of known ones: answered with none */
    double ece;                 /* in ten bins of the answer's p */
    double loss;                /* mean -ln(p of what is right), nats */
    double wrong;               /* of all: answered wrongly */
};

struct bl_tune_report {
    struct bl_tune_figures before, after;
    bool none;                  /* what says "none" was fitted too */
};

/* Writes to *out the base moved by all mentions, of which there must be
 * BL_TUNE_LEAST.  True when the folds were judged better: a lower loss, and
 * no more wrong answers. */
bool bl_tune_run(struct bl_tune *tune, struct bl_calibration *out,
                 struct bl_tune_report *report);

BL_END_DECLS

#endif
