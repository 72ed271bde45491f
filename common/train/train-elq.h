/* SPDX-License-Identifier: MIT */
/*
 * train-elq: training a bi-encoder that finds its mentions itself, as BLINK's
 * ELQ (elq/biencoder/train_biencoder.py), as a task of trainer.h.
 *
 * A batch is its texts with their mentions.  The loss is that of the runs of
 * tokens, each being one of the mentions or not (binary cross-entropy, mean
 * over all runs), and that of the mentions' entities, which is
 *
 *     in the batch      the cross-entropy of each mention's scores with the
 *                       entities of all mentions
 *     hard negatives    with `negatives`, the binary cross-entropy of the
 *                       mention's score with its entity and with the entities
 *                       whose vectors are nearest, mean over all pairs
 *
 * The vectors of entities are made by the entity tower, or are those of an
 * index that stay as they are, which hard negatives need.  With BLINK's recipe
 * a batch has a column for each mention, so that an entity that two mentions
 * share is a negative of itself, and a near entity is left out for all
 * mentions of a text when it is right for one of them.
 */
#ifndef BL_TRAIN_ELQ_H
#define BL_TRAIN_ELQ_H

#include "kb/kb.h"
#include "ner/spans.h"
#include "search/index.h"
#include "search/topk.h"
#include "train/elq-examples.h"
#include "train/train-batch.h"
#include "train/trainer.h"

struct bl_train_elq_opts {
    size_t negatives;           /* 0: those of the batch */
    const struct bl_index *vectors;     /* NULL: the entity tower's */
};

struct bl_train_elq_task {
    const struct bl_train_elq_opts *opts;
    const struct bl_trainer_opts *common;
    struct bl_params *net;
    const struct bl_train_api *api;
    struct bl_train *handle;
    struct bl_kb *kb;
    struct bl_elq_examples *train, *dev;        /* dev NULL: no evaluation */
    double spans_loss;          /* of the last step: the part of the runs */
    /* ---- private ---- */
    struct bl_encoder *encoder; /* with the weights of the moment */
    struct bl_topk *topk;       /* of opts->vectors */
    uint64_t *places;           /* [kb_entities] 1 + where a row's vector is:
                                 * segment << 32 | number; 0: nowhere */
    struct bl_sorted contexts, entities;
    struct bl_train_span *spans;        /* [n_spans] mentions of the batch */
    int64_t *rows, *target;     /* [n_spans] their entities; their columns */
    size_t n_spans, cap_spans, cap_rows, cap_target;
    int64_t *columns;           /* [n_columns] rows of the catalogue */
    float *fixed;               /* [n_columns][padded] */
    size_t n_columns, cap_columns, cap_fixed;
    int64_t *pair_spans, *pair_columns; /* [n_pairs] */
    float *pair_labels;
    size_t n_pairs, cap_pairs[3];
    struct bl_input input;
    struct bl_arena arena;
    struct bl_spans found;
};

/* Fills the task's functions; elq is its context and must outlive it.  -1:
 * BL_DATA when the vectors are of another dimension, or lack an entity that
 * a text names. */
int bl_train_elq_task(struct bl_train_elq_task *elq, struct bl_task *task,
                      struct bl_err *err);
void bl_train_elq_release(struct bl_train_elq_task *elq);

#endif
