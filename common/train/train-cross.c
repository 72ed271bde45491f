/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-cross.h"

#include <stdlib.h>

#include "base/mem.h"

enum { EVAL_LISTS = 32 };

/* The gold is in the list as the program would see it. */
static bool has_gold(const struct bl_example *example,
                     const struct bl_train_cross_opts *opts)
{
    return example->gold_place >= 0
        && (size_t)example->gold_place < opts->candidates;
}

size_t bl_train_cross_prune(struct bl_examples *examples,
                            const struct bl_train_cross_opts *opts)
{
    size_t kept = 0, before = examples->n;

    for (size_t i = 0; i < before; i++)
        if (examples->v[i].n
            && (opts->missing == BL_MISSING_INSERT
                || has_gold(&examples->v[i], opts)))
            examples->v[kept++] = examples->v[i];
    examples->n = kept;
    return before - kept;
}

/* ---- A batch ---- */

static void add_pair(struct bl_train_cross_task *cross,
                     const struct bl_examples *examples,
                     const struct bl_example *example, uint32_t entity)
{
    const struct bl_model *model = &cross->net->view;

    bl_input_pair(&cross->input, model->words, model->input, &example->mention,
                  &examples->entities[entity]);
    bl_sorted_add(&cross->pairs, &cross->input);
}

/* The list in its order; the gold where it was, or last when it is put in;
 * with -1 it is not in the list.  Returns its place. */
static int64_t add_list(struct bl_train_cross_task *cross,
                        const struct bl_examples *examples,
                        const struct bl_example *example, bool insert)
{
    bool there = has_gold(example, cross->opts);
    size_t room = cross->opts->candidates - (there || insert);
    size_t n = BL_MIN(example->n, room);
    int64_t gold = there ? example->gold_place : insert ? (int64_t)n : -1;

    for (size_t i = 0, k = 0; i < n + (gold >= 0); i++)
        add_pair(cross, examples, example, gold == (int64_t)i ? example->gold
                 : examples->others[example->from + k++]);
    return gold;
}

static void fill_lists(struct bl_train_cross_task *cross,
                       const struct bl_examples *examples, const size_t *which,
                       size_t n, bool insert)
{
    if (cross->cap < n) {
        cross->cap = n;
        cross->starts = bl_xrealloc(cross->starts, n + 1,
                                    sizeof *cross->starts);
        cross->gold = bl_xrealloc(cross->gold, n, sizeof *cross->gold);
    }
    bl_sorted_clear(&cross->pairs);
    for (size_t i = 0; i < n; i++) {
        cross->starts[i] = cross->pairs.given.n_seqs;
        cross->gold[i] = add_list(cross, examples, &examples->v[which[i]],
                                  insert);
    }
    cross->starts[n] = cross->pairs.given.n_seqs;
    bl_sorted_finish(&cross->pairs);
}

static int run_batch(struct bl_train_cross_task *cross, size_t n,
                     const struct bl_train_run *run, double *loss,
                     float *scores, struct bl_err *err)
{
    char error[BL_ERR_MSG];
    struct bl_train_lists lists = {
        .pairs = { &cross->pairs.batch, cross->pairs.rows },
        .starts = cross->starts, .gold = cross->gold, .n = n,
    };

    if (cross->api->lists(cross->handle, &lists, run, loss, scores, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_cross_task *cross = ctx;

    fill_lists(cross, cross->train, which, n, true);
    return run_batch(cross, n, run, loss, NULL, err);
}

/* ---- Evaluation ---- */

struct sums {
    size_t right, within, lists;
};

/* A list without its gold has -1 for it, which no place equals, so it counts
 * as wrong. */
static void count(struct bl_train_cross_task *cross, size_t n,
                  const float *scores, struct sums *sums)
{
    for (size_t list = 0; list < n; list++) {
        size_t from = cross->starts[list], best = from;

        for (size_t i = from; i < cross->starts[list + 1]; i++)
            if (scores[i] > scores[best])
                best = i;
        sums->lists++;
        sums->within += cross->gold[list] >= 0;
        sums->right += cross->gold[list] == (int64_t)(best - from);
    }
}

/* Evaluates a part of the dev lists.  libtorch computes a loss as well, which
 * needs a place for every gold: lists without one say 0 meanwhile. */
static int evaluate_part(struct bl_train_cross_task *cross, size_t at,
                         size_t n, float *scores, struct sums *sums,
                         struct bl_err *err)
{
    struct bl_train_run run = { .scale = 1 };
    size_t which[EVAL_LISTS] = { 0 };
    int64_t gold[EVAL_LISTS];
    double loss;

    for (size_t i = 0; i < n; i++)
        which[i] = at + i;
    fill_lists(cross, cross->dev, which, n, false);
    for (size_t i = 0; i < n; i++) {
        gold[i] = cross->gold[i];
        cross->gold[i] = BL_MAX(gold[i], 0);
    }
    if (run_batch(cross, n, &run, &loss, scores, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        cross->gold[i] = gold[i];
    count(cross, n, scores, sums);
    return 0;
}

/* The room for scores is that of EVAL_LISTS lists of the longest, as each
 * chunk has other lengths. */
static int evaluate_cross(void *ctx, struct bl_metrics *out,
                          struct bl_err *err)
{
    struct bl_train_cross_task *cross = ctx;
    struct sums sums = { 0 };
    float *scores = bl_xmalloc(EVAL_LISTS, cross->opts->candidates
                               * sizeof *scores);
    int rc = 0;

    for (size_t at = 0; at < cross->dev->n && rc == 0; at += EVAL_LISTS) {
        size_t n = cross->dev->n - at;

        rc = evaluate_part(cross, at, BL_MIN(n, EVAL_LISTS), scores, &sums,
                           err);
    }
    free(scores);
    *out = (struct bl_metrics){ .n = 2, .v = {
        { "accuracy", (double)sums.right / (double)BL_MAX(sums.lists, 1) },
        { "within", (double)sums.right / (double)BL_MAX(sums.within, 1) } },
    };
    return rc;
}

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_cross_task *cross = ctx;

    for (size_t i = 0; i < n; i++)
        bl_example_put(out, cross->train, which[i]);
}

/* ---- The task ---- */

void bl_train_cross_task(struct bl_train_cross_task *cross,
                         struct bl_task *task)
{
    *task = (struct bl_task){
        .ctx = cross, .n = cross->train->n, .step = step,
        .evaluate = cross->dev ? evaluate_cross : NULL, .dump = dump,
    };
}

void bl_train_cross_release(struct bl_train_cross_task *cross)
{
    bl_sorted_free(&cross->pairs);
    bl_input_free(&cross->input);
    free(cross->starts);
    free(cross->gold);
}
