/* SPDX-License-Identifier: MIT */
/*
 * trainer: the loop of training: epochs, batches, schedule, clipping,
 * optimiser, evaluation, checkpoints, log.  What is learnt is the task's.
 *
 *     struct bl_trainer_opts o = { .rate = 2e-5, .batch = 32, ... };
 *     struct bl_trainer t = { .opts = &o, .net = net, .task = &task,
 *                             .output = "mini" };
 *     if (bl_trainer_run(&t, &err) < 0) ...
 *
 * Everything random is a function of the seed and of a place (epoch, step),
 * so that a run that was stopped, however, and resumed goes on to the same
 * bits, given the same machine and number of threads.
 *
 * Beside the model OUT there are, while training:
 *
 *     OUT.checkpoint/     state.json, state.safetensors: replaced whole
 *     OUT.log.jsonl       a line per step and evaluation; stays
 *     OUT.bad-batch.jsonl the batch whose loss was not finite
 *
 * OUT appears with the first evaluation (or at the end when there is none)
 * and is replaced whole whenever the task's first metric is better.
 */
#ifndef BL_TRAINER_H
#define BL_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "train/adamw.h"
#include "train/params.h"
#include "train/save.h"
#include "train/train-shim.h"

enum bl_recipe { BL_RECIPE_SANE, BL_RECIPE_BLINK };
enum bl_order { BL_ORDER_SHUFFLED, BL_ORDER_GIVEN };

struct bl_trainer_opts {
    int recipe, order;          /* enums above */
    double rate, warmup;        /* warmup: share of the steps */
    double decay, clip, dropout;
    size_t batch;               /* records a step ... */
    size_t accumulate;          /* ... in so many parts */
    size_t epochs, steps;       /* steps > 0: as many, whatever epochs says */
    size_t eval_every, save_every;  /* steps; 0: once an epoch */
    size_t patience;            /* evaluations without a better one before
                                 * training stops; 0: never */
    size_t refresh;             /* steps between task->refresh; 0: never */
    size_t seed;
    size_t threads;             /* > 0 */
};

/* ---- What is learnt ---- */

enum { BL_MAX_METRICS = 6 };

struct bl_metric {
    const char *name;           /* static */
    double value;
};

struct bl_metrics {
    struct bl_metric v[BL_MAX_METRICS];     /* the first one decides */
    size_t n;
};

struct bl_task {
    void *ctx;
    size_t n;                   /* examples to train on */
    /* Adds the gradients of these examples. */
    int (*step)(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err);
    /* NULL: no evaluation. */
    int (*evaluate)(void *ctx, struct bl_metrics *out, struct bl_err *err);
    /* Before the steps that will use these examples; round: which time.
     * NULL: nothing to do. */
    int (*refresh)(void *ctx, const size_t *which, size_t n, uint64_t round,
                   struct bl_err *err);
    /* What refresh made, as numbers to save and to take back; NULL: none. */
    void (*keep)(void *ctx, const int32_t **v, size_t *n);
    int (*restore)(void *ctx, const int32_t *v, size_t n,
                   struct bl_err *err);
    /* Appends the examples as lines of JSON. */
    void (*dump)(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out);
};

/* ---- The loop ---- */

struct bl_train_state {
    uint64_t step, epoch;
    uint64_t part;              /* parts of batches done in this epoch */
    uint64_t rounds;            /* of refresh */
    uint64_t stale;             /* evaluations since the best */
    uint64_t best_step, measured;   /* of the best, of the last one */
    double best;                /* -1: none yet */
    bool settled;               /* BLINK's quirk: left in evaluation mode */
    uint64_t log_size;
    uint64_t examples;
};

struct bl_train_report {
    const struct bl_train_state *state;
    uint64_t total;             /* steps */
    double loss, rate, norm;
    double per_second;          /* examples, lately */
    double left;                /* seconds, estimated */
};

struct bl_trainer {
    const struct bl_trainer_opts *opts;
    struct bl_params *net;
    const struct bl_train_api *api;
    struct bl_train *handle;
    const struct bl_task *task;
    const struct bl_model_spec *spec;   /* how the model is saved */
    const char *output;
    const char *settings;       /* all that must be the same for --resume,
                                 * a JSON object */
    bool resume, force;
    /* Called after each step, and after each evaluation; may be NULL. */
    void (*on_step)(void *ctx, const struct bl_train_report *r);
    void (*on_eval)(void *ctx, const struct bl_train_report *r,
                    const struct bl_metrics *m, bool best);
    void *ctx;
    /* ---- private ---- */
    struct bl_train_state state;
    struct bl_adamw adamw;
    size_t *order;
    uint64_t total, warmup, parts;      /* parts of an epoch */
    double pace, last;          /* seconds an example; time of the last */
    int log;                    /* descriptor */
};

/* Runs to the end.  -1: BL_USAGE when the output is there and neither resume
 * nor force is set; BL_DATA when a checkpoint is of other settings, or the
 * loss is not finite. */
int bl_trainer_run(struct bl_trainer *t, struct bl_err *err);

/* ---- Checkpoints (train-state.c) ---- */

int bl_train_state_save(struct bl_trainer *t, struct bl_err *err);
/* 1 loaded, 0 there is none, -1 failed. */
int bl_train_state_load(struct bl_trainer *t, struct bl_err *err);
/* Removes the checkpoint. */
void bl_train_state_drop(const struct bl_trainer *t);

#endif
