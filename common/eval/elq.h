/* SPDX-License-Identifier: MIT */
/*
 * elq: precision, recall and F1 of mentions and entities together, as BLINK's
 * ELQ measures them (elq/vcg_utils/measures.py).
 *
 *     struct bl_elq_set *set = bl_elq_set_new(kb, 32);
 *     bl_elq_set_gold(set, &record, &arena, &err);        each labelled text
 *     bl_elq_set_answer(set, &record, &arena, &err);      each mention found
 *     bl_elq_set_measure(set, &figures);
 *     bl_elq_set_free(set);
 *
 * A mention is right in the weak sense when it overlaps with one of the same
 * entity, in the strong one when it begins and ends there.  Both are counted
 * along the longest common subsequence of the two lists by their ends, in the
 * original's form of it.
 */
#ifndef BL_EVAL_ELQ_H
#define BL_EVAL_ELQ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "json/record.h"
#include "kb/kb.h"

/* A mention [from, to), and its entity. */
struct bl_triple {
    const char *id;
    long from, to;
};

/* Sorts both by `to` (equal ones stay in order) and counts their matches. */
void bl_elq_match(struct bl_triple *gold, size_t n_gold,
                  struct bl_triple *found, size_t n_found, size_t *weak,
                  size_t *strong);

struct bl_elq_set;

/* kb: the catalogue whose entities labels that are numbers count, as in ELQ's
 * data (elq-labels.h); NULL: all are ids.  Borrowed.  window: tokens that ELQ
 * reads around the labelled mentions, beyond which it forgets them
 * (elq-window.h); 0: all count. */
struct bl_elq_set *bl_elq_set_new(struct bl_kb *kb, size_t window);
void bl_elq_set_free(struct bl_elq_set *set);           /* NULL: nothing */

/* A text: `id`, and its labels.  -1: BL_BAD_FIELD; BL_DATA when the catalogue
 * fails. */
int bl_elq_set_gold(struct bl_elq_set *set, const struct bl_record *record,
                    struct bl_arena *arena, struct bl_err *err);
/* A mention that was found: `doc`, `tokens` or `start` and `end`, and its
 * entity in `entity` or, where that is absent, in `candidates`; null is no
 * answer.  Tokens count where text and all its answers have them.  All texts
 * come before.  -1: BL_BAD_FIELD, also for a document that no text is. */
int bl_elq_set_answer(struct bl_elq_set *set, const struct bl_record *record,
                      struct bl_arena *arena, struct bl_err *err);

struct bl_elq_figures {
    size_t texts, gold, found, weak, strong;
};

void bl_elq_set_measure(struct bl_elq_set *set, struct bl_elq_figures *out);

/* Appends a table, or one JSON object. */
void bl_elq_put(struct bl_buf *out, const struct bl_elq_figures *figures,
                bool json);

#endif
