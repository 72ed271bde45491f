/* SPDX-License-Identifier: MIT */
/*
 * elq-labels: the mentions and entities that a labelled text has, as ELQ's
 * data (EL4QA) write them.
 *
 *     {"id":"q1","text":"who is governor of ohio 2011?",
 *      "mentions":[[19,23]],"tokenized_mention_idxs":[[4,5]],
 *      "label_id":[10902]}
 *
 *     struct bl_elq_labels labels;
 *     bl_elq_labels_read(&record, kb, &arena, &labels, &err);
 *     ... labels.v[i].tokens, .chars, .id, .row ...
 *
 * `mentions` counts characters, `tokenized_mention_idxs` tokens; both ends are
 * exclusive.  A label that is a number counts the entities of the catalogue
 * from 0, as in ELQ's data; one that is a string is an id.  Without a
 * catalogue both are ids.
 */
#ifndef BL_ELQ_LABELS_H
#define BL_ELQ_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "json/record.h"
#include "kb/kb.h"
#include "ner/elq-window.h"

struct bl_elq_label {
    struct bl_bounds tokens, chars;
    struct bl_span id;          /* p == NULL: no entity of the catalogue */
    int64_t row;                /* -1: that, or no catalogue */
};

struct bl_elq_labels {
    struct bl_elq_label *v;     /* [n], in the arena */
    size_t n;
    bool has_tokens, has_chars; /* which places are set */
};

/* -1: BL_BAD_FIELD when a list is none, or they differ in length; BL_DATA when
 * the catalogue cannot be read.  kb may be NULL. */
int bl_elq_labels_read(const struct bl_record *record, struct bl_kb *kb,
                       struct bl_arena *arena, struct bl_elq_labels *out,
                       struct bl_err *err);

#endif
