/* SPDX-License-Identifier: MIT */
/*
 * elq-examples: labelled texts to train a model of ELQ on, as token ids with
 * the places and entities of their mentions.
 *
 *     struct bl_elq_examples *x = bl_elq_examples_read("train.jsonl", model,
 *                                                      kb, &err);
 *     ... x->v[i]: x->ids[v.at .. v.at + v.n), x->mentions[v.from] ...
 *     bl_elq_examples_free(x);
 *
 * A text is cut to the model's context_length around its mentions, as ELQ
 * does (elq-window.h), and mentions that do not fit are left out.  A line has
 * `text` with `mentions` (start and end in characters), or ELQ's own
 * `tokenized_text_ids` with `tokenized_mention_idxs`, which are taken as they
 * are where they are there; and `label_id`, one a mention.
 */
#ifndef BL_ELQ_EXAMPLES_H
#define BL_ELQ_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kb/kb.h"
#include "model/model.h"

/* Tokens [first, last] of the sequence, of which [CLS] is number 0. */
struct bl_elq_mention {
    uint32_t first, last;
    int64_t row;                /* of its entity in the catalogue */
};

struct bl_elq_example {
    size_t at, n;               /* its ids, [CLS] and [SEP] among them */
    size_t from, n_mentions;    /* its mentions, at least one */
    size_t line;
};

struct bl_elq_examples {
    struct bl_elq_example *v;   /* [n] */
    size_t n;
    int32_t *ids;
    size_t n_ids;
    struct bl_elq_mention *mentions;
    size_t n_mentions;
    size_t unlabelled;          /* texts without a mention that is kept */
    size_t unknown;             /* mentions of no entity of the catalogue */
    char digest[17];            /* of the file, in hexadecimal */
    size_t cap, cap_ids, cap_mentions;  /* private */
};

/* NULL: BL_DATA that names the line, when it is no such record. */
struct bl_elq_examples *bl_elq_examples_read(const char *path,
                                             const struct bl_model *model,
                                             struct bl_kb *kb,
                                             struct bl_err *err);
void bl_elq_examples_free(struct bl_elq_examples *examples);

#endif
