/* SPDX-License-Identifier: MIT */
/*
 * train-cross: training a cross-encoder, as a task of trainer.h.
 *
 * Each example is a list of entities with the right one among them; the loss
 * is the cross-entropy of softmax(logits) over the list.  The list is the
 * record's candidates and negatives, the first `candidates` of them.  Where
 * the right one is not there it takes the place of the last
 * (BL_MISSING_INSERT), or the record is left out (BL_MISSING_DROP; BLINK's
 * training files hold no others).
 *
 * The evaluation is the share of lists whose best is the right one: of all,
 * a list without it counting as wrong (accuracy), and of those that have it
 * (within).
 */
#ifndef BL_TRAIN_CROSS_H
#define BL_TRAIN_CROSS_H

#include "train/examples.h"
#include "train/train-batch.h"
#include "train/trainer.h"

enum bl_missing { BL_MISSING_INSERT, BL_MISSING_DROP };

struct bl_train_cross_opts {
    size_t candidates;          /* a list has at most; > 1 */
    int missing;                /* enum bl_missing */
};

struct bl_train_cross_task {
    const struct bl_train_cross_opts *opts;
    struct bl_params *net;
    const struct bl_train_api *api;
    struct bl_train *handle;
    struct bl_examples *train, *dev;    /* dev NULL: no evaluation */
    /* ---- private ---- */
    struct bl_sorted pairs;
    struct bl_input input;
    size_t *starts, cap;        /* [cap + 1] */
    int64_t *gold;              /* [cap] */
};

/* Leaves out the examples that have no list, or no gold in it and are to be
 * dropped; how many. */
size_t bl_train_cross_prune(struct bl_examples *examples,
                            const struct bl_train_cross_opts *opts);
/* Fills the task's functions; cross is its context and must outlive it. */
void bl_train_cross_task(struct bl_train_cross_task *cross,
                         struct bl_task *task);
void bl_train_cross_release(struct bl_train_cross_task *cross);

#endif
