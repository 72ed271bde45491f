/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/trainer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "json/writer.h"

static bool is_blink(const struct bl_trainer *trainer)
{
    return trainer->opts->recipe == BL_RECIPE_BLINK;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- Epochs ---- */

/* Records of one part of a batch. */
static size_t part_size(const struct bl_trainer *trainer)
{
    size_t n = trainer->opts->batch / trainer->opts->accumulate;

    return n ? n : 1;
}

static void plan(struct bl_trainer *trainer)
{
    const struct bl_trainer_opts *opts = trainer->opts;
    size_t size = part_size(trainer), n = trainer->task->n;

    trainer->parts = (n + size - 1) / size;
    if (opts->steps)
        trainer->total = opts->steps;
    else if (is_blink(trainer)) /* forgets the short last batch */
        trainer->total = (uint64_t)((double)n / (double)size
                                    / (double)opts->accumulate)
            * opts->epochs;
    else
        trainer->total = (trainer->parts + opts->accumulate - 1)
            / opts->accumulate * opts->epochs;
    trainer->warmup = (uint64_t)((double)trainer->total * opts->warmup);
}

/* The order of the records in an epoch. */
static void set_order(struct bl_trainer *trainer, uint64_t epoch)
{
    uint64_t random = bl_random_seed(trainer->opts->seed, 'o', epoch);

    for (size_t i = 0; i < trainer->task->n; i++)
        trainer->order[i] = i;
    if (trainer->opts->order == BL_ORDER_SHUFFLED)
        bl_random_shuffle(&random, trainer->order, trainer->task->n);
}

static bool finished(const struct bl_trainer *trainer)
{
    const struct bl_trainer_opts *opts = trainer->opts;

    if (opts->patience && trainer->state.stale >= opts->patience)
        return true;
    return opts->steps ? trainer->state.step >= opts->steps
        : trainer->state.epoch >= opts->epochs;
}

/* ---- The log ---- */

static char *beside(const struct bl_trainer *trainer, const char *what)
{
    return bl_xasprintf("%s.%s", trainer->output, what);
}

static int open_log(struct bl_trainer *trainer, struct bl_err *err)
{
    char *path = beside(trainer, "log.jsonl");
    uint64_t *size = &trainer->state.log_size;
    struct stat st;
    int rc = 0;

    trainer->log = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                        0666);
    if (trainer->log >= 0 && fstat(trainer->log, &st) == 0)
        *size = BL_MIN(*size, (uint64_t)st.st_size);
    /* What was logged after the checkpoint will be logged again.  A log that
     * is shorter than it was then, or gone, is not filled with zeros. */
    if (trainer->log < 0 || ftruncate(trainer->log, (off_t)*size) < 0
        || lseek(trainer->log, 0, SEEK_END) < 0)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", path);
    free(path);
    return rc;
}

/* Closes the object and writes it. */
static int log_line(struct bl_trainer *trainer, struct bl_writer *w,
                    struct bl_err *err)
{
    const struct bl_buf *line = w->out;
    size_t done = 0;

    bl_write_end(w);
    bl_write_line(w);
    while (done < line->len) {
        ssize_t n = write(trainer->log, line->data + done, line->len - done);

        if (n < 0 && errno != EINTR)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write '%s."
                                 "log.jsonl'", trainer->output);
        done += n > 0 ? (size_t)n : 0;
    }
    trainer->state.log_size += line->len;
    return 0;
}

static int log_step(struct bl_trainer *trainer,
                    const struct bl_train_report *r, struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_writer w = bl_writer(&b, BL_WRITE_COMPACT);
    int rc;

    bl_write_object(&w, NULL);
    bl_write_size(&w, "step", trainer->state.step);
    bl_write_size(&w, "epoch", trainer->state.epoch);
    bl_write_size(&w, "examples", trainer->state.examples);
    bl_write_double_or_null(&w, "loss", r->loss, 9);
    bl_write_double_or_null(&w, "rate", r->rate, 9);
    bl_write_double_or_null(&w, "norm", r->norm, 9);
    bl_write_double_or_null(&w, "per_second", r->per_second, 9);
    rc = log_line(trainer, &w, err);
    bl_buf_free(&b);
    return rc;
}

static int log_eval(struct bl_trainer *trainer,
                    const struct bl_metrics *metrics, bool best,
                    struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_writer w = bl_writer(&b, BL_WRITE_COMPACT);
    int rc;

    bl_write_object(&w, NULL);
    bl_write_size(&w, "step", trainer->state.step);
    bl_write_size(&w, "epoch", trainer->state.epoch);
    bl_write_bool(&w, "best", best);
    for (size_t i = 0; i < metrics->n; i++)
        bl_write_double_or_null(&w, metrics->v[i].name, metrics->v[i].value,
                                9);
    rc = log_line(trainer, &w, err);
    bl_buf_free(&b);
    return rc;
}

/* ---- One step ---- */

/* Training cannot go on with a loss or gradient that is not finite: all
 * weights would be NaN after the step.  The records are written beside the
 * model, where one can look for what is wrong with them. */
static int write_bad(struct bl_trainer *trainer, const size_t *which, size_t n,
                     const char *what, struct bl_err *err)
{
    char *path = beside(trainer, "bad-batch.jsonl");
    struct bl_newfile *file = bl_newfile_open(path, 0, err);
    struct bl_buf text = BL_BUF_INIT;
    int rc = file ? 0 : -1;

    trainer->task->dump(trainer->task->ctx, which, n, &text);
    if (file && bl_newfile_write(file, text.data ? text.data : "", text.len,
                                 err) < 0) {
        bl_newfile_abort(file);
        rc = -1;
    } else if (file) {
        rc = bl_newfile_commit(file, err);
    }
    bl_buf_free(&text);
    if (rc == 0)
        bl_fail(err, BL_DATA, "step %llu: the %s is not finite; its records "
                "are in '%s'", (unsigned long long)trainer->state.step + 1,
                what, path);
    free(path);
    return -1;
}

/* The records of parts [part, part + n) of this epoch. */
static const size_t *records_of(const struct bl_trainer *trainer,
                                uint64_t part, uint64_t parts, size_t *n)
{
    size_t size = part_size(trainer), from = (size_t)part * size;
    size_t to = (size_t)(part + parts) * size;

    *n = BL_MIN(to, trainer->task->n) - from;
    return trainer->order + from;
}

/* Gradients of the next parts; *parts says how many there were. */
static int gather(struct bl_trainer *trainer, uint64_t *parts, double *loss,
                  struct bl_err *err)
{
    const struct bl_trainer_opts *opts = trainer->opts;
    struct bl_train_state *state = &trainer->state;
    uint64_t left = trainer->parts - state->part;
    struct bl_train_run run = { .backward = 1 };

    *parts = BL_MIN(left, opts->accumulate);
    run.scale = 1.0 / (double)(is_blink(trainer) ? opts->accumulate : *parts);
    run.dropout = state->settled ? 0 : opts->dropout;
    *loss = 0;
    for (uint64_t i = 0; i < *parts; i++) {
        size_t n;
        const size_t *which = records_of(trainer, state->part + i, 1, &n);
        double one;

        run.seed = bl_random_seed(opts->seed, 'd',
                                  state->epoch * trainer->parts + state->part
                                      + i);
        if (trainer->task->step(trainer->task->ctx, which, n, &run, &one,
                                err) < 0)
            return -1;
        if (!isfinite(one))
            return write_bad(trainer, which, n, "loss", err);
        *loss += one / (double)*parts;
        state->examples += n;
    }
    return 0;
}

static int sync_with(struct bl_trainer *trainer, int what, struct bl_err *err)
{
    char error[BL_ERR_MSG];

    if (trainer->api->sync(trainer->handle, what, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

static int update(struct bl_trainer *trainer, double rate, double *norm,
                  uint64_t parts, struct bl_err *err)
{
    if (sync_with(trainer, BL_TRAIN_GET_GRADS, err) < 0)
        return -1;
    *norm = bl_params_clip(trainer->net, trainer->opts->clip);
    if (!isfinite(*norm)) {
        size_t count;
        const size_t *which = records_of(trainer, trainer->state.part, parts,
                                         &count);

        return write_bad(trainer, which, count, "gradient", err);
    }
    bl_adamw_step(&trainer->adamw, trainer->net, rate);
    bl_params_zero(trainer->net, is_blink(trainer));
    if (sync_with(trainer, BL_TRAIN_PUT_GRADS, err) < 0)
        return -1;
    return sync_with(trainer, BL_TRAIN_PUT_VALUES, err);
}

static void report(struct bl_trainer *trainer, struct bl_train_report *r,
                   size_t examples)
{
    double time = now(), took = time - trainer->last, n = (double)examples;
    double left = (double)(trainer->total > trainer->state.step
                           ? trainer->total - trainer->state.step : 0);

    /* A running mean of the seconds an example. */
    if (trainer->pace == 0)
        trainer->pace = took / n;
    else
        trainer->pace += 0.1 * (took / n - trainer->pace);
    trainer->last = time;
    r->state = &trainer->state;
    r->total = trainer->total;
    r->per_second = trainer->pace > 0 ? 1 / trainer->pace : 0;
    r->left = left * (double)trainer->opts->batch * trainer->pace;
}

/* BLINK's first step has rate 0 and its last ones too; ours none. */
static double schedule(const struct bl_trainer *trainer)
{
    if (is_blink(trainer))
        return bl_schedule(trainer->state.step, trainer->warmup,
                           trainer->total);
    return bl_schedule(trainer->state.step + 1, trainer->warmup,
                       trainer->total + 1);
}

/* With BLINK's recipe the parts that are left at the end of an epoch make no
 * step; their gradients stay and count in the next epoch's first step. */
static int step(struct bl_trainer *trainer, struct bl_train_report *r,
                bool *stepped, struct bl_err *err)
{
    struct bl_train_state *state = &trainer->state;
    uint64_t parts, before = state->examples;

    if (gather(trainer, &parts, &r->loss, err) < 0)
        return -1;
    *stepped = !is_blink(trainer) || parts == trainer->opts->accumulate;
    if (*stepped) {
        r->rate = trainer->opts->rate * schedule(trainer);
        if (update(trainer, r->rate, &r->norm, parts, err) < 0)
            return -1;
        state->step++;
    }
    state->part += parts;
    if (!*stepped)
        return 0;
    report(trainer, r, (size_t)(state->examples - before));
    if (log_step(trainer, r, err) < 0)
        return -1;
    if (trainer->on_step)
        trainer->on_step(trainer->ctx, r);
    return 0;
}

/* ---- Evaluation ---- */

static int save_model(struct bl_trainer *trainer, struct bl_err *err)
{
    return bl_model_write(trainer->output, trainer->net, trainer->spec, true,
                          err);
}

/* counts: whether a better result makes the model be saved. */
static int evaluate_task(struct bl_trainer *trainer, struct bl_train_report *r,
                         bool counts, struct bl_err *err)
{
    struct bl_train_state *state = &trainer->state;
    struct bl_metrics metrics = { .n = 0 };
    bool best;

    if (!trainer->task->evaluate)
        return 0;
    if (trainer->task->evaluate(trainer->task->ctx, &metrics, err) < 0)
        return -1;
    best = counts && metrics.v[0].value > state->best;
    if (counts)
        state->measured = state->step;
    if (best) {
        state->best = metrics.v[0].value;
        state->best_step = state->step;
        state->stale = 0;
    } else if (counts) {
        state->stale++;
    }
    if (log_eval(trainer, &metrics, best, err) < 0)
        return -1;
    if (trainer->on_eval)
        trainer->on_eval(trainer->ctx, r, &metrics, best);
    trainer->last = now();
    return best ? save_model(trainer, err) : 0;
}

/* Every so many steps; BLINK counts from the start of the epoch. */
static bool due(const struct bl_trainer *trainer, size_t every)
{
    uint64_t at = is_blink(trainer)
        ? trainer->state.part / trainer->opts->accumulate
        : trainer->state.step;

    return every && at % every == 0;
}

/* ---- Refreshing ---- */

/* The examples of the next steps, in the order of their turns. */
static int refresh(struct bl_trainer *trainer, struct bl_err *err)
{
    size_t most = trainer->opts->refresh * trainer->opts->batch, n = 0;
    size_t *which = bl_xmalloc(most, sizeof *which);
    uint64_t epoch = trainer->state.epoch;
    size_t at = (size_t)trainer->state.part * part_size(trainer);
    int rc;

    while (n < most) {
        if (at >= trainer->task->n) {
            if (!trainer->opts->steps && epoch + 1 >= trainer->opts->epochs)
                break;
            set_order(trainer, ++epoch);
            at = 0;
        }
        which[n++] = trainer->order[at++];
    }
    if (epoch != trainer->state.epoch)
        set_order(trainer, trainer->state.epoch);
    rc = trainer->task->refresh(trainer->task->ctx, which, n,
                                trainer->state.rounds++, err);
    free(which);
    trainer->last = now();
    return rc;
}

/* ---- The whole ---- */

static int end_epoch(struct bl_trainer *trainer, struct bl_train_report *r,
                     struct bl_err *err)
{
    struct bl_train_state *state = &trainer->state;

    if (is_blink(trainer) || !trainer->opts->eval_every)
        if (evaluate_task(trainer, r, true, err) < 0)
            return -1;
    if (is_blink(trainer))
        state->settled = true;
    state->epoch++;
    state->part = 0;
    set_order(trainer, state->epoch);
    return 0;
}

static int after_step(struct bl_trainer *trainer, struct bl_train_report *r,
                      bool stepped, struct bl_err *err)
{
    const struct bl_trainer_opts *opts = trainer->opts;
    bool ended = trainer->state.part >= trainer->parts;

    if (stepped && due(trainer, opts->eval_every)) {
        if (evaluate_task(trainer, r, !is_blink(trainer), err) < 0)
            return -1;
        trainer->state.settled = false;
    }
    if (ended && end_epoch(trainer, r, err) < 0)
        return -1;
    if (stepped && !finished(trainer)
        && (opts->save_every ? trainer->state.step % opts->save_every == 0
                             : ended))
        return bl_train_state_save(trainer, err);
    return 0;
}

static int run_epochs(struct bl_trainer *trainer, struct bl_err *err)
{
    const struct bl_trainer_opts *opts = trainer->opts;
    struct bl_train_report r = { .state = &trainer->state,
                                 .total = trainer->total };
    bool stepped;

    if (!trainer->state.step && evaluate_task(trainer, &r, false, err) < 0)
        return -1;
    trainer->last = now();
    set_order(trainer, trainer->state.epoch);
    while (!finished(trainer)) {
        if (trainer->task->refresh && opts->refresh
            && trainer->state.step % opts->refresh == 0
            && refresh(trainer, err) < 0)
            return -1;
        if (step(trainer, &r, &stepped, err) < 0
            || after_step(trainer, &r, stepped, err) < 0)
            return -1;
    }
    if (!trainer->task->evaluate)
        return save_model(trainer, err);
    /* The last steps may not have been measured yet. */
    return trainer->state.measured == trainer->state.step ? 0
        : evaluate_task(trainer, &r, true, err);
}

static int check_output(const struct bl_trainer *trainer, struct bl_err *err)
{
    struct stat st;

    if (trainer->resume || trainer->force || lstat(trainer->output, &st) < 0)
        return 0;
    return bl_fail(err, BL_USAGE, "'%s' already exists (--force replaces "
                                  "it)", trainer->output);
}

static void set_optimiser(struct bl_trainer *trainer)
{
    bl_adamw_init(&trainer->adamw, trainer->net);
    trainer->adamw.decay = trainer->opts->decay;
    if (is_blink(trainer)) {
        trainer->adamw.epsilon = 1e-6;
        trainer->adamw.correct = false;
    }
}

/* A checkpoint is loaded before libtorch is given the values and gradients,
 * and before the log is opened, which is cut to the length it had then. */
int bl_trainer_run(struct bl_trainer *trainer, struct bl_err *err)
{
    int rc = check_output(trainer, err);

    if (rc < 0)
        return -1;
    trainer->state = (struct bl_train_state){ .best = -1 };
    trainer->order = bl_xmalloc(trainer->task->n, sizeof *trainer->order);
    trainer->log = -1;
    plan(trainer);
    set_optimiser(trainer);
    if (trainer->resume)
        rc = bl_train_state_load(trainer, err);
    if (rc >= 0)
        rc = open_log(trainer, err);
    if (rc == 0)
        rc = sync_with(trainer, BL_TRAIN_PUT_VALUES, err);
    if (rc == 0)
        rc = sync_with(trainer, BL_TRAIN_PUT_GRADS, err);
    if (rc == 0)
        rc = run_epochs(trainer, err);
    if (rc == 0)
        bl_train_state_drop(trainer);
    if (trainer->log >= 0)
        close(trainer->log);
    bl_adamw_free(&trainer->adamw);
    free(trainer->order);
    return rc;
}
