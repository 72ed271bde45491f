/* SPDX-License-Identifier: MIT */
/*
 * train-bi: training a bi-encoder, as a task of trainer.h.
 *
 * A batch is its mentions against the entities that they name, each entity
 * once (so that a second mention of one is no negative of the first), and
 * the hard negatives of all of them: those that the records name, and those
 * that are mined among the catalogue's entities with the weights of the
 * moment.  The loss is the cross-entropy of softmax(scores / temperature).
 *
 * Where nothing of the entities is trained, their vectors can be made once,
 * and a mention be compared with all of the pool in place of its batch
 * (against_pool): a step costs its mentions alone, and no negative is
 * missing.  all-MiniLM-L6-v2 learns faster so by an order of magnitude.
 *
 * With BLINK's recipe a batch is its pairs in order, duplicates and all, and
 * nothing else; and the evaluation is BLINK's: the accuracy among the golds
 * of a batch of eval_batch, where a short last batch counts as all wrong.
 */
#ifndef BL_TRAIN_BI_H
#define BL_TRAIN_BI_H

#include "train/examples.h"
#include "train/train-batch.h"
#include "train/train-pool.h"
#include "train/trainer.h"

struct bl_train_bi_opts {
    double temperature;
    size_t negatives;           /* mined for each mention */
    size_t others;              /* of the record's own, at most */
    size_t pool;                /* entities to measure and mine among; 0:
                                 * the whole catalogue */
    size_t eval_batch;          /* BLINK's evaluation */
    bool against_pool;          /* entities must be frozen */
    const struct bl_index *vectors;     /* of frozen entities, which are the
                                 * pool then; NULL: made when needed */
};

struct bl_train_bi_task {
    const struct bl_train_bi_opts *opts;
    const struct bl_trainer_opts *common;
    struct bl_params *net;
    const struct bl_train_api *api;
    struct bl_train *handle;
    struct bl_examples *train, *dev;    /* dev NULL: no evaluation */
    /* ---- private ---- */
    struct bl_pool measured, mined_from, fixed;
    struct bl_sorted contexts, entities;
    struct bl_input input;
    int64_t *target;            /* [cap_target] */
    uint32_t *column;           /* [cap_column] 1 + where an entity stands */
    uint32_t *columns;          /* [n_columns] entities of the batch */
    size_t cap_target, cap_column, n_columns, cap_columns;
    int32_t *mined;             /* [n_mined][1 + negatives]: the example, its
                                 * negatives' rows of the catalogue */
    int32_t *mined_at;          /* [train->n] place in mined, or -1 */
    size_t n_mined;
};

/* Fills the task's functions; bi is its context and must outlive it. */
void bl_train_bi_task(struct bl_train_bi_task *bi, struct bl_task *task);
void bl_train_bi_release(struct bl_train_bi_task *bi);

#endif
