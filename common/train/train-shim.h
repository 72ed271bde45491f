/* SPDX-License-Identifier: MIT */
/*
 * train-shim: losses and their gradients by libtorch's autograd, behind C
 * functions, in the module libblink-train.so.
 *
 * The module exports bl_train_api() alone; trainer.c opens it.  A call runs
 * one packed batch forwards and backwards and ADDS the gradients of the loss
 * to net->grads; everything else about training (batches, optimiser,
 * schedule, checkpoints) is C and outside.  No exception leaves the module:
 * a call that fails returns -1 or NULL with a sentence in error[BL_ERR_MSG].
 *
 * Batches are best sorted by length (train-batch.h): the attention of
 * sequences of equal length that stand side by side is one product.  With
 * the same net, batch, seed and number of threads the same bits come out.
 */
#ifndef BL_TRAIN_SHIM_H
#define BL_TRAIN_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "net/encoder.h"
#include "train/params.h"

BL_BEGIN_DECLS

/* Raised whenever this file, params.h or model.h changes what crosses over. */
enum { BL_TRAIN_ABI = 6, BL_TRAIN_IGNORE = -100 };

struct bl_train;

struct bl_train_settings {
    int device, precision;      /* enums of encoder.h; bf16: products only,
                                 * the weights stay f32 */
    size_t threads;             /* > 0 */
};

/* Sequences: number i of the caller is number rows[i] of the batch. */
struct bl_train_seqs {
    const struct bl_batch *batch;
    const int64_t *rows;        /* [batch->n_seqs] */
};

/* How a batch is run. */
struct bl_train_run {
    double dropout;             /* 0: none */
    uint64_t seed;              /* of the dropout */
    double scale;               /* the gradients are of loss * scale */
    int backward;               /* 0: no gradients */
};

/* In-batch negatives: contexts [n] against entities [m]; the cross-entropy
 * of softmax(scores / temperature) at target[i], mean over i. */
struct bl_train_bi {
    struct bl_train_seqs contexts, entities;
    const int64_t *target;      /* [n] */
    const uint8_t *out;         /* [n][m] 1: left out; NULL: none */
    const float *fixed;         /* not NULL: vectors [m][stride] that stay as
                                 * they are, in place of the entities */
    size_t n_fixed, fixed_stride;
    double temperature;
};

/* Lists of pairs: list g is pairs [starts[g], starts[g + 1]); the
 * cross-entropy over each list at its gold, mean over the lists. */
struct bl_train_lists {
    struct bl_train_seqs pairs;
    const size_t *starts;       /* [n + 1] */
    const int64_t *gold;        /* [n] within the list */
    size_t n;
};

/* A mention: tokens [first, last] of a text, which is the caller's sequence
 * of that number. */
struct bl_train_span {
    size_t sequence;
    size_t first, last;
};

/* Texts with their mentions, for a bi-encoder that finds them itself: the
 * binary cross-entropy of all runs of at most `longest` tokens, mean over
 * them, plus that of the entities: the cross-entropy of each mention's scores
 * at target[i], mean over mentions; or, with pairs, the binary cross-entropy
 * of mention pair_mentions[i] with column pair_columns[i], mean over pairs. */
struct bl_train_spans {
    struct bl_train_seqs contexts, entities;
    const struct bl_train_span *mentions;       /* [n] */
    size_t n, longest;
    const int64_t *target;      /* [n] */
    const float *fixed;         /* as in bl_train_bi */
    size_t n_fixed, fixed_stride;
    const int64_t *pair_mentions, *pair_columns;        /* [n_pairs] */
    const float *pair_labels;   /* [n_pairs] 1 or 0 */
    size_t n_pairs;             /* 0: the entities of the batch */
};

/* Tags: labels in the batch's packed order, BL_TRAIN_IGNORE where none is
 * asked for; mean over the others. */
struct bl_train_tags {
    const struct bl_batch *batch;
    const int64_t *labels;      /* [n_tokens] */
};

struct bl_train_api {
    unsigned abi;               /* BL_TRAIN_ABI */
    const char *version;        /* of the libtorch built with */
    /* The net must outlive the handle. */
    struct bl_train *(*open)(struct bl_params *net,
                             const struct bl_train_settings *settings,
                             char *error);
    /* scores (may be NULL): [n][m]; [all pairs]; [n_tokens][labels]. */
    int (*bi)(struct bl_train *t, const struct bl_train_bi *b,
              const struct bl_train_run *run, double *loss, float *scores,
              char *error);
    int (*lists)(struct bl_train *t, const struct bl_train_lists *b,
                 const struct bl_train_run *run, double *loss,
                 float *scores, char *error);
    int (*tags)(struct bl_train *t, const struct bl_train_tags *b,
                const struct bl_train_run *run, double *loss, float *scores,
                char *error);
    /* scores [n][m]; spans (may be NULL): the part of the loss that is of the
     * runs. */
    int (*spans)(struct bl_train *t, const struct bl_train_spans *b,
                 const struct bl_train_run *run, double *loss, double *spans,
                 float *scores, char *error);
    /* On a device that has its own memory: net->values have changed; fetch
     * the gradients into net->grads; they were set from outside. */
    int (*sync)(struct bl_train *t, int what, char *error);
    void (*close)(struct bl_train *t);
};

enum bl_train_sync { BL_TRAIN_PUT_VALUES, BL_TRAIN_GET_GRADS,
                     BL_TRAIN_PUT_GRADS };

typedef const struct bl_train_api *bl_train_api_fn(void);

/* The table; static storage. */
const struct bl_train_api *bl_train_api(void)
    __attribute__((visibility("default")));

BL_END_DECLS

#endif
