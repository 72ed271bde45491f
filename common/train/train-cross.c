/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-cross.h"

#include <stdlib.h>

#include "base/mem.h"

enum { EVAL_LISTS = 32 };

/* The gold is in the list as the program would see it. */
static bool has_gold(const struct bl_example *e,
                     const struct bl_train_cross_opts *opts)
{
    return e->gold_place >= 0 && (size_t)e->gold_place < opts->candidates;
}

size_t bl_train_cross_prune(struct bl_examples *x,
                            const struct bl_train_cross_opts *opts)
{
    size_t kept = 0, before = x->n;

    for (size_t i = 0; i < before; i++)
        if (x->v[i].n && (opts->missing == BL_MISSING_INSERT
                          || has_gold(&x->v[i], opts)))
            x->v[kept++] = x->v[i];
    x->n = kept;
    return before - kept;
}

/* ---- A batch ---- */

static void add_pair(struct bl_train_cross_task *c,
                     const struct bl_examples *x,
                     const struct bl_example *e, uint32_t entity)
{
    const struct bl_model *m = &c->net->view;

    bl_input_pair(&c->input, m->words, m->input, &e->mention,
                  &x->entities[entity]);
    bl_sorted_add(&c->pairs, &c->input);
}

/* The list in its order; the gold where it was, or last when it is put in;
 * with -1 it is not in the list.  Returns its place. */
static int64_t add_list(struct bl_train_cross_task *c,
                        const struct bl_examples *x,
                        const struct bl_example *e, bool insert)
{
    bool there = has_gold(e, c->opts);
    size_t room = c->opts->candidates - (there || insert);
    size_t n = BL_MIN(e->n, room);
    int64_t gold = there ? e->gold_place : insert ? (int64_t)n : -1;

    for (size_t i = 0, k = 0; i < n + (gold >= 0); i++)
        add_pair(c, x, e, gold == (int64_t)i ? e->gold
                 : x->others[e->from + k++]);
    return gold;
}

static void fill_lists(struct bl_train_cross_task *c,
                       const struct bl_examples *x, const size_t *which,
                       size_t n, bool insert)
{
    if (c->cap < n) {
        c->cap = n;
        c->starts = bl_xrealloc(c->starts, n + 1, sizeof *c->starts);
        c->gold = bl_xrealloc(c->gold, n, sizeof *c->gold);
    }
    bl_sorted_clear(&c->pairs);
    for (size_t i = 0; i < n; i++) {
        c->starts[i] = c->pairs.given.n_seqs;
        c->gold[i] = add_list(c, x, &x->v[which[i]], insert);
    }
    c->starts[n] = c->pairs.given.n_seqs;
    bl_sorted_finish(&c->pairs);
}

static int run_batch(struct bl_train_cross_task *c, size_t n,
                     const struct bl_train_run *run, double *loss,
                     float *scores, struct bl_err *err)
{
    char error[BL_ERR_MSG];
    struct bl_train_lists lists = {
        .pairs = { &c->pairs.batch, c->pairs.rows }, .starts = c->starts,
        .gold = c->gold, .n = n,
    };

    if (c->api->lists(c->handle, &lists, run, loss, scores, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_cross_task *c = ctx;

    fill_lists(c, c->train, which, n, true);
    return run_batch(c, n, run, loss, NULL, err);
}

/* ---- Evaluation ---- */

struct sums {
    size_t right, within, lists;
};

/* Golds that are not there stand at -1, which no place is. */
static void count(struct bl_train_cross_task *c, size_t n,
                  const float *scores, struct sums *s)
{
    for (size_t g = 0; g < n; g++) {
        size_t from = c->starts[g], best = from;

        for (size_t i = from; i < c->starts[g + 1]; i++)
            if (scores[i] > scores[best])
                best = i;
        s->lists++;
        s->within += c->gold[g] >= 0;
        s->right += c->gold[g] == (int64_t)(best - from);
    }
}

/* One part of the dev lists; libtorch wants a place for every gold. */
static int evaluate_part(struct bl_train_cross_task *c, size_t at, size_t n,
                         float *scores, struct sums *s, struct bl_err *err)
{
    struct bl_train_run run = { .scale = 1 };
    size_t which[EVAL_LISTS] = { 0 };
    int64_t gold[EVAL_LISTS];
    double loss;

    for (size_t i = 0; i < n; i++)
        which[i] = at + i;
    fill_lists(c, c->dev, which, n, false);
    for (size_t i = 0; i < n; i++) {
        gold[i] = c->gold[i];
        c->gold[i] = BL_MAX(gold[i], 0);
    }
    if (run_batch(c, n, &run, &loss, scores, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        c->gold[i] = gold[i];
    count(c, n, scores, s);
    return 0;
}

static int evaluate_cross(void *ctx, struct bl_metrics *out,
                          struct bl_err *err)
{
    struct bl_train_cross_task *c = ctx;
    struct sums s = { 0 };
    float *scores = bl_xmalloc(EVAL_LISTS, c->opts->candidates
                               * sizeof *scores);
    int rc = 0;

    for (size_t at = 0; at < c->dev->n && !rc; at += EVAL_LISTS) {
        size_t n = c->dev->n - at;

        rc = evaluate_part(c, at, BL_MIN(n, EVAL_LISTS), scores, &s, err);
    }
    free(scores);
    *out = (struct bl_metrics){ .n = 2, .v = {
        { "accuracy", (double)s.right / (double)(s.lists ? s.lists : 1) },
        { "within", (double)s.right / (double)(s.within ? s.within : 1) } },
    };
    return rc;
}

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_cross_task *c = ctx;

    for (size_t i = 0; i < n; i++)
        bl_example_put(out, c->train, which[i]);
}

/* ---- The task ---- */

void bl_train_cross_task(struct bl_train_cross_task *c, struct bl_task *task)
{
    *task = (struct bl_task){
        .ctx = c, .n = c->train->n, .step = step,
        .evaluate = c->dev ? evaluate_cross : NULL, .dump = dump,
    };
}

void bl_train_cross_release(struct bl_train_cross_task *c)
{
    bl_sorted_free(&c->pairs);
    bl_input_free(&c->input);
    free(c->starts);
    free(c->gold);
}
