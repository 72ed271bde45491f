/* SPDX-License-Identifier: MIT */
/*
 * train-tags: training a tagger of words, as a task of trainer.h.
 *
 * Text is cut into words as blink-ner cuts it (doc.h), whatever the tokens
 * of the columns are; each word's label stands on its first piece, the
 * others have none.  Sentences of one document follow each other in a
 * sequence as long as it has room, since that is what a document looks like
 * later.  A sequence begins with [CLS], as later too; one of a document of
 * style N > 0 (conll.h) with [unusedN]: what sets of other rules teach then
 * stands apart from what blink-ner asks for, and yet they teach it text.
 * Segments are the words' shapes (tagset.h); with `lower` that share of the
 * sequences is seen as if all in lower case.
 *
 * The evaluation: F1 of spans with their types, precision, recall, and F1
 * of spans alone.
 */
#ifndef BL_TRAIN_TAGS_H
#define BL_TRAIN_TAGS_H

#include "ner/tagset.h"
#include "train/conll.h"
#include "train/train-batch.h"
#include "train/trainer.h"

/* Sequences with their labels. */
struct bl_tagged {
    struct bl_batch batch;
    int16_t *labels;            /* [n_tokens]; BL_TRAIN_IGNORE */
    size_t cap;
};

struct bl_train_tags_task {
    double lower;
    size_t threads;
    struct bl_params *net;
    const struct bl_train_api *api;
    struct bl_train *handle;
    const struct bl_tagset *tags;
    struct bl_tagged train, dev;        /* dev empty: no evaluation */
    /* ---- private ---- */
    struct bl_sorted sorted;
    int64_t *labels;
    size_t cap;
};

/* The labels for these types, in the order of their names: "O", "B-LOC",
 * "I-LOC", ...; *n of them; caller frees each and all. */
char **bl_tagged_labels(const struct bl_conll *conll, size_t *n);

/* Cuts the text into sequences of at most `most` tokens.  Types that the
 * labels lack stand for O.  -1 with BL_DATA when the vocabulary lacks the
 * token of a style; then *out is partly filled. */
int bl_tagged_fill(struct bl_tagged *out, const struct bl_conll *conll,
                   char *const *labels, size_t n_labels,
                   const struct bl_model *model, size_t most,
                   struct bl_err *err);
void bl_tagged_free(struct bl_tagged *tagged);

/* Fills the task's functions; tagger is its context and must outlive it. */
void bl_train_tags_task(struct bl_train_tags_task *tagger,
                        struct bl_task *task);
void bl_train_tags_release(struct bl_train_tags_task *tagger);

#endif
