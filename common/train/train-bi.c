/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-bi.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

enum { DEEPEST = 64 };

static bool is_blink(const struct bl_train_bi_task *bi)
{
    return bi->common->recipe == BL_RECIPE_BLINK;
}

/* ---- A batch ---- */

static void add_entity(struct bl_train_bi_task *bi,
                       const struct bl_examples *examples, uint32_t number)
{
    const struct bl_model *model = &bi->net->view;

    bl_input_entity(&bi->input, model->words, model->input,
                    &examples->entities[number]);
    bl_sorted_add(&bi->entities, &bi->input);
    BL_GROW(bi->columns, bi->n_columns + 1, bi->cap_columns);
    bi->columns[bi->n_columns++] = number;
}

/* The column of an entity, which gets one if it has none. */
static int64_t column_of(struct bl_train_bi_task *bi,
                         const struct bl_examples *examples, uint32_t number)
{
    if (number >= bi->cap_column) {
        size_t cap = bl_grown(bi->cap_column, (size_t)number + 1);

        bi->column = bl_xrealloc(bi->column, cap, sizeof *bi->column);
        memset(bi->column + bi->cap_column, 0, (cap - bi->cap_column)
               * sizeof *bi->column);
        bi->cap_column = cap;
    }
    if (!bi->column[number]) {
        add_entity(bi, examples, number);
        bi->column[number] = (uint32_t)bi->n_columns;
    }
    return (int64_t)bi->column[number] - 1;
}

static void add_context(struct bl_train_bi_task *bi,
                        const struct bl_example *example)
{
    const struct bl_model *model = &bi->net->view;

    bl_input_context(&bi->input, model->words, model->input,
                     &example->mention);
    bl_sorted_add(&bi->contexts, &bi->input);
}

/* An example that the last refresh did not foresee has no mined negatives,
 * and where too few were found the places that are left hold -1.  What is
 * mined is a row of the catalogue; without a catalogue, an entity's number. */
static int add_mined(struct bl_train_bi_task *bi, size_t example,
                     struct bl_err *err)
{
    size_t width = 1 + bi->opts->negatives;
    int32_t at = bi->mined_at ? bi->mined_at[example] : -1;
    uint32_t number;

    for (size_t i = 1; at >= 0 && i < width; i++) {
        int32_t row = bi->mined[(size_t)at * width + i];

        if (row < 0)
            continue;
        if (bi->train->kb) {
            if (bl_examples_row(bi->train, row, &number, err) < 0)
                return -1;
        } else {
            number = (uint32_t)row;
        }
        column_of(bi, bi->train, number);
    }
    return 0;
}

static void begin(struct bl_train_bi_task *bi, size_t n)
{
    bl_sorted_clear(&bi->contexts);
    bl_sorted_clear(&bi->entities);
    bi->n_columns = 0;
    BL_GROW(bi->target, n, bi->cap_target);
}

/* Only the columns of this batch are taken back, since clearing column[]
 * would cost as much as there are entities. */
static void end(struct bl_train_bi_task *bi)
{
    for (size_t i = 0; i < bi->n_columns && !is_blink(bi); i++)
        bi->column[bi->columns[i]] = 0;
    bl_sorted_finish(&bi->contexts);
    bl_sorted_finish(&bi->entities);
}

/* Mentions alone; their targets are places in the pool. */
static int fill_contexts(struct bl_train_bi_task *bi, const size_t *which,
                         size_t n)
{
    begin(bi, n);
    for (size_t i = 0; i < n; i++) {
        const struct bl_example *example = &bi->train->v[which[i]];

        add_context(bi, example);
        bi->target[i] = (int64_t)bi->column[example->gold] - 1;
    }
    end(bi);
    return 0;
}

/* The golds come first, then the negatives of each record.  With BLINK's
 * recipe the columns are the golds of the batch, one a mention. */
static int fill_pairs(struct bl_train_bi_task *bi,
                      const struct bl_examples *examples, const size_t *which,
                      size_t n, struct bl_err *err)
{
    int rc = 0;

    begin(bi, n);
    for (size_t i = 0; i < n; i++) {
        const struct bl_example *example = &examples->v[which[i]];

        add_context(bi, example);
        if (is_blink(bi)) {
            bi->target[i] = (int64_t)i;
            add_entity(bi, examples, example->gold);
        } else {
            bi->target[i] = column_of(bi, examples, example->gold);
        }
    }
    for (size_t i = 0; i < n && !is_blink(bi) && rc == 0; i++) {
        const struct bl_example *example = &examples->v[which[i]];

        for (uint32_t k = 0; k < example->n && k < bi->opts->others; k++)
            column_of(bi, examples, examples->others[example->from + k]);
        rc = add_mined(bi, which[i], err);
    }
    end(bi);
    return rc;
}

static int run_batch(struct bl_train_bi_task *bi,
                     const struct bl_train_run *run, double *loss,
                     float *scores, struct bl_err *err)
{
    char error[BL_ERR_MSG];
    struct bl_train_bi batch = {
        .contexts = { &bi->contexts.batch, bi->contexts.rows },
        .entities = { &bi->entities.batch, bi->entities.rows },
        .target = bi->target, .temperature = bi->opts->temperature,
        .fixed = bi->opts->against_pool ? bi->fixed.vectors : NULL,
        .n_fixed = bi->fixed.n, .fixed_stride = bi->fixed.padded,
    };

    if (bi->api->bi(bi->handle, &batch, run, loss, scores, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

/* The pool and its vectors, as they are now. */
static int make_pool(struct bl_train_bi_task *bi, struct bl_pool *pool,
                     struct bl_examples *examples, struct bl_err *err)
{
    *pool = (struct bl_pool){ .net = bi->net, .examples = examples,
                              .threads = bi->common->threads };
    if (bi->opts->vectors)
        return bl_pool_load(pool, bi->opts->vectors, err);
    if (bl_pool_choose(pool, bi->opts->pool, true, bi->common->seed, err) < 0)
        return -1;
    return bl_pool_embed(pool, err);
}

static int check_golds(const struct bl_train_bi_task *bi, struct bl_err *err)
{
    for (size_t i = 0; i < bi->train->n; i++) {
        uint32_t gold = bi->train->v[i].gold;

        if (!bi->column[gold])
            return bl_fail(err, BL_DATA, "the vectors lack entity '%.*s', "
                           "which a record names",
                           (int)bi->train->entities[gold].title.n,
                           bi->train->entities[gold].title.p);
    }
    return 0;
}

/* The pool's vectors, once; column[] tells where an entity stands. */
static int fix_entities(struct bl_train_bi_task *bi, struct bl_err *err)
{
    struct bl_pool *pool = &bi->fixed;

    if (make_pool(bi, pool, bi->train, err) < 0)
        return -1;
    bi->cap_column = bi->train->n_entities;
    bi->column = bl_xcalloc(bi->cap_column, sizeof *bi->column);
    for (size_t i = 0; i < pool->n; i++)
        bi->column[pool->numbers[i]] = (uint32_t)i + 1;
    return check_golds(bi, err);
}

static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_bi_task *bi = ctx;

    if (bi->opts->against_pool) {
        if ((!bi->fixed.vectors && fix_entities(bi, err) < 0)
            || fill_contexts(bi, which, n) < 0)
            return -1;
        return run_batch(bi, run, loss, NULL, err);
    }
    if (fill_pairs(bi, bi->train, which, n, err) < 0)
        return -1;
    return run_batch(bi, run, loss, NULL, err);
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

/* As BLINK does it, the right entity has to be the best among the golds of
 * its batch; the mentions of a last, short batch count as wrong. */
static int evaluate_blink(struct bl_train_bi_task *bi, struct bl_metrics *out,
                          struct bl_err *err)
{
    size_t size = bi->opts->eval_batch, right = 0;
    size_t *which = bl_xmalloc(size, sizeof *which);
    float *scores = bl_xmalloc(size, size * sizeof *scores);
    struct bl_train_run run = { .scale = 1 };
    double loss;
    int rc = 0;

    for (size_t at = 0; at + size <= bi->dev->n && rc == 0; at += size) {
        for (size_t i = 0; i < size; i++)
            which[i] = at + i;
        rc = fill_pairs(bi, bi->dev, which, size, err);
        if (rc == 0)
            rc = run_batch(bi, &run, &loss, scores, err);
        if (rc == 0)
            right += count_diagonal(scores, size);
    }
    free(which);
    free(scores);
    *out = (struct bl_metrics){ .n = 1, .v = {
        { "accuracy", (double)right / (double)bi->dev->n } } };
    return rc;
}

static void measure(const struct bl_examples *examples, const uint32_t *near,
                    size_t found, struct bl_metrics *out)
{
    size_t within[3] = { 0, 0, 0 };
    const size_t limits[3] = { 1, 10, DEEPEST };
    double n = (double)examples->n;

    for (size_t i = 0; i < examples->n; i++)
        for (size_t j = 0; j < found; j++)
            if (near[i * found + j] == examples->v[i].gold)
                for (size_t l = 0; l < 3; l++)
                    within[l] += j < limits[l];
    *out = (struct bl_metrics){ .n = 3, .v = {
        { "recall_at_1", (double)within[0] / n },
        { "recall_at_10", (double)within[1] / n },
        { "recall_at_64", (double)within[2] / n } } };
}

/* The pool is chosen once, so that the figures of a run can be compared with
 * each other.  Its vectors are computed anew each time, except when entities
 * are frozen (against_pool). */
static int evaluate_bi(void *ctx, struct bl_metrics *out, struct bl_err *err)
{
    struct bl_train_bi_task *bi = ctx;
    struct bl_pool *pool = &bi->measured;
    uint32_t *near;
    size_t *which;
    int rc = 0;

    if (is_blink(bi))
        return evaluate_blink(bi, out, err);
    if (!pool->net)
        rc = make_pool(bi, pool, bi->dev, err);
    else if (!bi->opts->against_pool)
        rc = bl_pool_embed(pool, err);
    near = bl_xmalloc(bi->dev->n, DEEPEST * sizeof *near);
    which = bl_xmalloc(bi->dev->n, sizeof *which);
    for (size_t i = 0; i < bi->dev->n; i++)
        which[i] = i;
    if (rc == 0)
        rc = bl_pool_search(pool, which, bi->dev->n, DEEPEST, near, err);
    if (rc == 0)
        measure(bi->dev, near, DEEPEST, out);
    free(near);
    free(which);
    return rc;
}

/* ---- Mining ---- */

static void clear_mined(struct bl_train_bi_task *bi, size_t n)
{
    size_t width = 1 + bi->opts->negatives;

    free(bi->mined);
    bi->mined = bl_xmalloc(n, width * sizeof *bi->mined);
    bi->n_mined = n;
    if (!bi->mined_at)
        bi->mined_at = bl_xmalloc(bi->train->n, sizeof *bi->mined_at);
    for (size_t i = 0; i < bi->train->n; i++)
        bi->mined_at[i] = -1;
}

/* The negatives of an example are the nearest entities but for its gold. */
static void take(struct bl_train_bi_task *bi, size_t example,
                 const uint32_t *near, size_t k, int32_t *out)
{
    const struct bl_examples *examples = bi->train;
    size_t n = 0;

    *out++ = (int32_t)example;
    for (size_t i = 0; i < k && n < bi->opts->negatives; i++)
        if (near[i] != BL_POOL_NONE && near[i] != examples->v[example].gold)
            out[n++] = examples->kb ? (int32_t)examples->rows[near[i]]
                                    : (int32_t)near[i];
    while (n < bi->opts->negatives)
        out[n++] = -1;
}

/* Each round mines with the weights of the moment among another random part
 * of the catalogue, so that over a run all of it gets its turn.  One more
 * than the negatives is searched for, since the gold may be among them. */
static int refresh(void *ctx, const size_t *which, size_t n, uint64_t round,
                   struct bl_err *err)
{
    struct bl_train_bi_task *bi = ctx;
    struct bl_pool *pool = &bi->mined_from;
    size_t k = bi->opts->negatives + 1, width = k;
    uint32_t *near = bl_xmalloc(n, k * sizeof *near);
    int rc;

    *pool = (struct bl_pool){ .net = bi->net, .examples = bi->train,
                              .threads = bi->common->threads };
    rc = bl_pool_choose(pool, bi->opts->pool, false,
                        bl_random_seed(bi->common->seed, 'm', round), err);
    if (rc == 0)
        rc = bl_pool_embed(pool, err);
    if (rc == 0)
        rc = bl_pool_search(pool, which, n, k, near, err);
    if (rc == 0)
        clear_mined(bi, n);
    for (size_t i = 0; i < n && rc == 0; i++) {
        take(bi, which[i], near + i * k, k, bi->mined + i * width);
        bi->mined_at[which[i]] = (int32_t)i;
    }
    bl_pool_free(pool);
    free(near);
    return rc;
}

static void keep(void *ctx, const int32_t **numbers, size_t *n)
{
    const struct bl_train_bi_task *bi = ctx;

    *numbers = bi->mined;
    *n = bi->n_mined * (1 + bi->opts->negatives);
}

/* The numbers come from a checkpoint's file and become indices, so none is
 * believed: the first of each row must be an example, the others must be
 * rows or entities that exist, or negative for none. */
static int restore(void *ctx, const int32_t *numbers, size_t n,
                   struct bl_err *err)
{
    struct bl_train_bi_task *bi = ctx;
    size_t width = 1 + bi->opts->negatives;
    size_t limit = bi->train->kb ? bl_kb_count(bi->train->kb)
        : bi->train->n_entities;

    if (n % width)
        return bl_fail(err, BL_DATA, "mined negatives: %zu numbers, "
                       "expected a multiple of %zu", n, width);
    clear_mined(bi, n / width);
    memcpy(bi->mined, numbers, n * sizeof *numbers);
    for (size_t i = 0; i < n; i++) {
        bool first = i % width == 0;

        if (numbers[i] >= (int64_t)(first ? bi->train->n : limit)
            || (first && numbers[i] < 0))
            return bl_fail(err, BL_DATA, "mined negatives: number %d is out "
                           "of range", numbers[i]);
        if (first)
            bi->mined_at[numbers[i]] = (int32_t)(i / width);
    }
    return 0;
}

/* ---- The batch as text ---- */

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_bi_task *bi = ctx;

    for (size_t i = 0; i < n; i++)
        bl_example_put(out, bi->train, which[i]);
}

/* ---- The task ---- */

void bl_train_bi_task(struct bl_train_bi_task *bi, struct bl_task *task)
{
    bool mines = bi->opts->negatives && !is_blink(bi)
        && !bi->opts->against_pool;

    *task = (struct bl_task){
        .ctx = bi, .n = bi->train->n, .step = step,
        .evaluate = bi->dev ? evaluate_bi : NULL,
        .refresh = mines ? refresh : NULL, .keep = mines ? keep : NULL,
        .restore = mines ? restore : NULL, .dump = dump,
    };
}

void bl_train_bi_release(struct bl_train_bi_task *bi)
{
    bl_pool_free(&bi->measured);
    bl_pool_free(&bi->fixed);
    bl_sorted_free(&bi->contexts);
    bl_sorted_free(&bi->entities);
    bl_input_free(&bi->input);
    free(bi->target);
    free(bi->column);
    free(bi->columns);
    free(bi->mined);
    free(bi->mined_at);
}
