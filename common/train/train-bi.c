/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-bi.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

enum { DEEPEST = 64 };

static bool is_blink(const struct bl_train_bi_task *b)
{
    return b->common->recipe == BL_RECIPE_BLINK;
}

/* ---- A batch ---- */

static void add_entity(struct bl_train_bi_task *b,
                       const struct bl_examples *x, uint32_t number)
{
    const struct bl_model *m = &b->net->view;

    bl_input_entity(&b->input, m->words, m->input, &x->entities[number]);
    bl_sorted_add(&b->entities, &b->input);
    BL_GROW(b->columns, b->n_columns + 1, b->cap_columns);
    b->columns[b->n_columns++] = number;
}

/* The column of an entity, which gets one if it has none. */
static int64_t column_of(struct bl_train_bi_task *b,
                         const struct bl_examples *x, uint32_t number)
{
    if (number >= b->cap_column) {
        size_t cap = bl_grown(b->cap_column, (size_t)number + 1);

        b->column = bl_xrealloc(b->column, cap, sizeof *b->column);
        memset(b->column + b->cap_column, 0, (cap - b->cap_column)
               * sizeof *b->column);
        b->cap_column = cap;
    }
    if (!b->column[number]) {
        add_entity(b, x, number);
        b->column[number] = (uint32_t)b->n_columns;
    }
    return (int64_t)b->column[number] - 1;
}

static void add_context(struct bl_train_bi_task *b,
                        const struct bl_example *e)
{
    const struct bl_model *m = &b->net->view;

    bl_input_context(&b->input, m->words, m->input, &e->mention);
    bl_sorted_add(&b->contexts, &b->input);
}

static int add_mined(struct bl_train_bi_task *b, size_t example,
                     struct bl_err *err)
{
    size_t width = 1 + b->opts->negatives;
    int32_t at = b->mined_at ? b->mined_at[example] : -1;
    uint32_t number;

    for (size_t i = 1; at >= 0 && i < width; i++) {
        int32_t row = b->mined[(size_t)at * width + i];

        if (row < 0)
            continue;
        if (b->train->kb) {
            if (bl_examples_row(b->train, row, &number, err) < 0)
                return -1;
        } else {
            number = (uint32_t)row;
        }
        column_of(b, b->train, number);
    }
    return 0;
}

static void begin(struct bl_train_bi_task *b, size_t n)
{
    bl_sorted_clear(&b->contexts);
    bl_sorted_clear(&b->entities);
    b->n_columns = 0;
    BL_GROW(b->target, n, b->cap_target);
}

static void end(struct bl_train_bi_task *b)
{
    for (size_t i = 0; i < b->n_columns && !is_blink(b); i++)
        b->column[b->columns[i]] = 0;
    bl_sorted_finish(&b->contexts);
    bl_sorted_finish(&b->entities);
}

/* Mentions alone; their targets are places in the pool. */
static int fill_contexts(struct bl_train_bi_task *b, const size_t *which,
                         size_t n)
{
    begin(b, n);
    for (size_t i = 0; i < n; i++) {
        const struct bl_example *e = &b->train->v[which[i]];

        add_context(b, e);
        b->target[i] = (int64_t)b->column[e->gold] - 1;
    }
    end(b);
    return 0;
}

/* Golds first, then what each record brings. */
static int fill_pairs(struct bl_train_bi_task *b, const struct bl_examples *x,
                      const size_t *which, size_t n, struct bl_err *err)
{
    int rc = 0;

    begin(b, n);
    for (size_t i = 0; i < n; i++) {
        const struct bl_example *e = &x->v[which[i]];

        add_context(b, e);
        if (is_blink(b)) {
            b->target[i] = (int64_t)i;
            add_entity(b, x, e->gold);
        } else {
            b->target[i] = column_of(b, x, e->gold);
        }
    }
    for (size_t i = 0; i < n && !is_blink(b) && !rc; i++) {
        const struct bl_example *e = &x->v[which[i]];

        for (uint32_t k = 0; k < e->n && k < b->opts->others; k++)
            column_of(b, x, x->others[e->from + k]);
        rc = add_mined(b, which[i], err);
    }
    end(b);
    return rc;
}

static int run_batch(struct bl_train_bi_task *b,
                     const struct bl_train_run *run, double *loss,
                     float *scores, struct bl_err *err)
{
    char error[BL_ERR_MSG];
    struct bl_train_bi batch = {
        .contexts = { &b->contexts.batch, b->contexts.rows },
        .entities = { &b->entities.batch, b->entities.rows },
        .target = b->target, .temperature = b->opts->temperature,
        .fixed = b->opts->against_pool ? b->fixed.vectors : NULL,
        .n_fixed = b->fixed.n, .fixed_stride = b->fixed.padded,
    };

    if (b->api->bi(b->handle, &batch, run, loss, scores, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

/* The pool and its vectors, as they are now. */
static int make_pool(struct bl_train_bi_task *b, struct bl_pool *p,
                     struct bl_examples *x, struct bl_err *err)
{
    *p = (struct bl_pool){ .net = b->net, .examples = x,
                           .threads = b->common->threads };
    if (b->opts->vectors)
        return bl_pool_load(p, b->opts->vectors, err);
    if (bl_pool_choose(p, b->opts->pool, true, b->common->seed, err) < 0)
        return -1;
    return bl_pool_embed(p, err);
}

static int check_golds(const struct bl_train_bi_task *b, struct bl_err *err)
{
    for (size_t i = 0; i < b->train->n; i++) {
        uint32_t gold = b->train->v[i].gold;

        if (!b->column[gold])
            return bl_fail(err, BL_DATA, "the vectors lack entity '%.*s', "
                           "which a record names",
                           (int)b->train->entities[gold].title.n,
                           b->train->entities[gold].title.p);
    }
    return 0;
}

/* The pool's vectors, once; column[] tells where an entity stands. */
static int fix_entities(struct bl_train_bi_task *b, struct bl_err *err)
{
    struct bl_pool *p = &b->fixed;

    if (make_pool(b, p, b->train, err) < 0)
        return -1;
    b->cap_column = b->train->n_entities;
    b->column = bl_xcalloc(b->cap_column, sizeof *b->column);
    for (size_t i = 0; i < p->n; i++)
        b->column[p->numbers[i]] = (uint32_t)i + 1;
    return check_golds(b, err);
}

static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_bi_task *b = ctx;

    if (b->opts->against_pool) {
        if ((!b->fixed.vectors && fix_entities(b, err) < 0)
            || fill_contexts(b, which, n) < 0)
            return -1;
        return run_batch(b, run, loss, NULL, err);
    }
    if (fill_pairs(b, b->train, which, n, err) < 0)
        return -1;
    return run_batch(b, run, loss, NULL, err);
}

/* ---- Evaluation ---- */

static size_t count_diagonal(const float *scores, size_t n)
{
    size_t right = 0;

    for (size_t i = 0; i < n; i++) {
        size_t best = 0;

        for (size_t k = 1; k < n; k++)
            if (scores[i * n + k] > scores[i * n + best])
                best = k;
        right += best == i;
    }
    return right;
}

/* BLINK's: among the golds of the batch; short batches count nothing. */
static int evaluate_blink(struct bl_train_bi_task *b, struct bl_metrics *out,
                          struct bl_err *err)
{
    size_t size = b->opts->eval_batch, right = 0;
    size_t *which = bl_xmalloc(size, sizeof *which);
    float *scores = bl_xmalloc(size, size * sizeof *scores);
    struct bl_train_run run = { .scale = 1 };
    double loss;
    int rc = 0;

    for (size_t at = 0; at + size <= b->dev->n && !rc; at += size) {
        for (size_t i = 0; i < size; i++)
            which[i] = at + i;
        rc = fill_pairs(b, b->dev, which, size, err);
        if (!rc)
            rc = run_batch(b, &run, &loss, scores, err);
        if (!rc)
            right += count_diagonal(scores, size);
    }
    free(which);
    free(scores);
    *out = (struct bl_metrics){ .n = 1, .v = {
        { "accuracy", (double)right / (double)b->dev->n } } };
    return rc;
}

static void measure(const struct bl_examples *x, const uint32_t *near,
                    size_t k, struct bl_metrics *out)
{
    size_t within[3] = { 0, 0, 0 };
    const size_t limits[3] = { 1, 10, DEEPEST };
    double n = (double)x->n;

    for (size_t i = 0; i < x->n; i++)
        for (size_t j = 0; j < k; j++)
            if (near[i * k + j] == x->v[i].gold)
                for (size_t l = 0; l < 3; l++)
                    within[l] += j < limits[l];
    *out = (struct bl_metrics){ .n = 3, .v = {
        { "recall_at_1", (double)within[0] / n },
        { "recall_at_10", (double)within[1] / n },
        { "recall_at_64", (double)within[2] / n } } };
}

static int evaluate_bi(void *ctx, struct bl_metrics *out, struct bl_err *err)
{
    struct bl_train_bi_task *b = ctx;
    struct bl_pool *p = &b->measured;
    uint32_t *near;
    size_t *which;
    int rc = 0;

    if (is_blink(b))
        return evaluate_blink(b, out, err);
    if (!p->net)
        rc = make_pool(b, p, b->dev, err);
    else if (!b->opts->against_pool)
        rc = bl_pool_embed(p, err);
    near = bl_xmalloc(b->dev->n, DEEPEST * sizeof *near);
    which = bl_xmalloc(b->dev->n, sizeof *which);
    for (size_t i = 0; i < b->dev->n; i++)
        which[i] = i;
    if (!rc)
        rc = bl_pool_search(p, which, b->dev->n, DEEPEST, near, err);
    if (!rc)
        measure(b->dev, near, DEEPEST, out);
    free(near);
    free(which);
    return rc;
}

/* ---- Mining ---- */

static void clear_mined(struct bl_train_bi_task *b, size_t n)
{
    size_t width = 1 + b->opts->negatives;

    free(b->mined);
    b->mined = bl_xmalloc(n, width * sizeof *b->mined);
    b->n_mined = n;
    if (!b->mined_at)
        b->mined_at = bl_xmalloc(b->train->n, sizeof *b->mined_at);
    for (size_t i = 0; i < b->train->n; i++)
        b->mined_at[i] = -1;
}

/* The nearest that are not the gold. */
static void take(struct bl_train_bi_task *b, size_t example,
                 const uint32_t *near, size_t k, int32_t *out)
{
    const struct bl_examples *x = b->train;
    size_t n = 0;

    *out++ = (int32_t)example;
    for (size_t i = 0; i < k && n < b->opts->negatives; i++)
        if (near[i] != BL_POOL_NONE && near[i] != x->v[example].gold)
            out[n++] = x->kb ? (int32_t)x->rows[near[i]] : (int32_t)near[i];
    while (n < b->opts->negatives)
        out[n++] = -1;
}

static int refresh(void *ctx, const size_t *which, size_t n, uint64_t round,
                   struct bl_err *err)
{
    struct bl_train_bi_task *b = ctx;
    struct bl_pool *p = &b->mined_from;
    size_t k = b->opts->negatives + 1, width = k;
    uint32_t *near = bl_xmalloc(n, k * sizeof *near);
    int rc;

    *p = (struct bl_pool){ .net = b->net, .examples = b->train,
                           .threads = b->common->threads };
    rc = bl_pool_choose(p, b->opts->pool, false,
                        bl_random_seed(b->common->seed, 'm', round), err);
    if (!rc)
        rc = bl_pool_embed(p, err);
    if (!rc)
        rc = bl_pool_search(p, which, n, k, near, err);
    if (!rc)
        clear_mined(b, n);
    for (size_t i = 0; i < n && !rc; i++) {
        take(b, which[i], near + i * k, k, b->mined + i * width);
        b->mined_at[which[i]] = (int32_t)i;
    }
    bl_pool_free(p);
    free(near);
    return rc;
}

static void keep(void *ctx, const int32_t **v, size_t *n)
{
    const struct bl_train_bi_task *b = ctx;

    *v = b->mined;
    *n = b->n_mined * (1 + b->opts->negatives);
}

static int restore(void *ctx, const int32_t *v, size_t n,
                   struct bl_err *err)
{
    struct bl_train_bi_task *b = ctx;
    size_t width = 1 + b->opts->negatives;
    size_t limit = b->train->kb ? bl_kb_count(b->train->kb)
        : b->train->n_entities;

    if (n % width)
        return bl_fail(err, BL_DATA, "mined negatives: %zu numbers, "
                       "expected a multiple of %zu", n, width);
    clear_mined(b, n / width);
    memcpy(b->mined, v, n * sizeof *v);
    for (size_t i = 0; i < n; i++) {
        bool first = i % width == 0;

        if (v[i] >= (int64_t)(first ? b->train->n : limit)
            || (first && v[i] < 0))
            return bl_fail(err, BL_DATA, "mined negatives: number %d is out "
                           "of range", v[i]);
        if (first)
            b->mined_at[v[i]] = (int32_t)(i / width);
    }
    return 0;
}

/* ---- The batch as text ---- */

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_bi_task *b = ctx;

    for (size_t i = 0; i < n; i++)
        bl_example_put(out, b->train, which[i]);
}

/* ---- The task ---- */

void bl_train_bi_task(struct bl_train_bi_task *b, struct bl_task *task)
{
    bool mines = b->opts->negatives && !is_blink(b)
        && !b->opts->against_pool;

    *task = (struct bl_task){
        .ctx = b, .n = b->train->n, .step = step,
        .evaluate = b->dev ? evaluate_bi : NULL,
        .refresh = mines ? refresh : NULL, .keep = mines ? keep : NULL,
        .restore = mines ? restore : NULL, .dump = dump,
    };
}

void bl_train_bi_release(struct bl_train_bi_task *b)
{
    bl_pool_free(&b->measured);
    bl_pool_free(&b->fixed);
    bl_sorted_free(&b->contexts);
    bl_sorted_free(&b->entities);
    bl_input_free(&b->input);
    free(b->target);
    free(b->column);
    free(b->columns);
    free(b->mined);
    free(b->mined_at);
}
