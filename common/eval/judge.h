/* SPDX-License-Identifier: MIT */
/*
 * judge: what one record answers, held against what is right.
 *
 *     struct bl_case c;
 *     if (bl_case_read(&c, &record, &arena, &err) < 0) ...
 *     if (bl_case_judge(&c, &record, &arena, &err) < 0) ...
 *     bl_tally_add(&tally, &c.judged, &cutoffs);
 *     bl_case_free(&c);
 *
 * The answer is the record's `entity` (null: none), or its first candidate
 * where that field is absent.  A record with an `error` has no answer and is
 * counted as missed: failing must not raise the score.
 */
#ifndef BL_JUDGE_H
#define BL_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "eval/clusters.h"
#include "eval/metrics.h"
#include "json/record.h"

struct bl_case {
    struct bl_judged judged;
    bool error;                 /* the record carries an `error` */
    bool used;                  /* for the caller */
    size_t line;
    /* Owned by the case; NULL where the record does not say. */
    char *key;                  /* names the mention in any file: document,
                                 * start and end, or else the id, or else
                                 * the number of the line */
    char *doc, *id, *mention, *gold, *answer;
    char *group;                /* see bl_case_group() */
    char *gold_nil;             /* `label_nil`, or the `label` of a mention
                                 * without a gold entity */
    char *nil_id;               /* of an answer that is no entity; or the id
                                 * of a page by name */
};

/* Reads which mention it is and what is right for it: everything but the
 * answer.  On failure nothing is left to free. */
int bl_case_read(struct bl_case *one, const struct bl_record *record,
                 struct bl_arena *arena, struct bl_err *err);
/* Compares the answer with one->judged.gold and one->gold.  -1: BL_BAD_FIELD
 * when a labelled record has neither `entity` nor `candidates`. */
int bl_case_judge(struct bl_case *one, const struct bl_record *record,
                  struct bl_arena *arena, struct bl_err *err);
/* one->group becomes the text of the record's field `name`, a string or a
 * number. */
int bl_case_group(struct bl_case *one, const struct bl_record *record,
                  const char *name, struct bl_arena *arena,
                  struct bl_err *err);
void bl_case_free(struct bl_case *one);

struct bl_cases {
    struct bl_case *v;
    size_t n, cap;
};

#define BL_CASES_INIT { NULL, 0, 0 }

/* Takes the case. */
void bl_cases_add(struct bl_cases *all, const struct bl_case *one);
void bl_cases_free(struct bl_cases *all);
/* By key, equal ones by line; then bl_cases_find() works. */
void bl_cases_sort(struct bl_cases *all);
/* The first not yet used case of that key, or NULL. */
struct bl_case *bl_cases_find(struct bl_cases *all, const char *key);
/* By document, then by line: documents become runs of neighbours. */
void bl_cases_by_doc(struct bl_cases *all);
/* By group, those without one first, then by document and line. */
void bl_cases_by_group(struct bl_cases *all);

/* What the mentions are that mean one thing: those with one gold entity, or
 * without one with one gold_nil; and those with one answer, or without one
 * with one nil_id.  A mention without either is alone.  Cases without a label
 * do not count, answers that the labels lack and mentions that were missed
 * are there on one side. */
void bl_cases_cluster(const struct bl_cases *all, struct bl_clustering *out);

/* The sums over all cases, in by_doc order. */
void bl_cases_tally(const struct bl_cases *all,
                    const struct bl_cutoffs *cutoffs, struct bl_tally *out);

/* 95 % intervals by `rounds` bootstrap samples of documents (of mentions
 * where no record names its document), in by_doc order: lo[] and hi[] for
 * each of bl_figures().  The same seed gives the same numbers anywhere. */
void bl_cases_bootstrap(const struct bl_cases *all,
                        const struct bl_cutoffs *cutoffs, size_t rounds,
                        uint64_t seed, double *lo, double *hi);

#endif
