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
#include "json/writer.h"
#include "base/mem.h"
#include "base/random.h"

static bool is_blink(const struct bl_trainer *t)
{
    return t->opts->recipe == BL_RECIPE_BLINK;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- Epochs ---- */

/* Records of one part of a batch. */
static size_t part_size(const struct bl_trainer *t)
{
    size_t n = t->opts->batch / t->opts->accumulate;

    return n ? n : 1;
}

static void plan(struct bl_trainer *t)
{
    const struct bl_trainer_opts *o = t->opts;
    size_t size = part_size(t), n = t->task->n;

    t->parts = (n + size - 1) / size;
    if (o->steps)
        t->total = o->steps;
    else if (is_blink(t))       /* forgets the short last batch */
        t->total = (uint64_t)((double)n / (double)size
                              / (double)o->accumulate) * o->epochs;
    else
        t->total = (t->parts + o->accumulate - 1) / o->accumulate
            * o->epochs;
    t->warmup = (uint64_t)((double)t->total * o->warmup);
}

/* The order of the records in an epoch. */
static void set_order(struct bl_trainer *t, uint64_t epoch)
{
    uint64_t random = bl_random_seed(t->opts->seed, 'o', epoch);

    for (size_t i = 0; i < t->task->n; i++)
        t->order[i] = i;
    if (t->opts->order == BL_ORDER_SHUFFLED)
        bl_random_shuffle(&random, t->order, t->task->n);
}

static bool finished(const struct bl_trainer *t)
{
    const struct bl_trainer_opts *o = t->opts;

    if (o->patience && t->state.stale >= o->patience)
        return true;
    return o->steps ? t->state.step >= o->steps
        : t->state.epoch >= o->epochs;
}

/* ---- The log ---- */

static char *beside(const struct bl_trainer *t, const char *what)
{
    return bl_xasprintf("%s.%s", t->output, what);
}

static int open_log(struct bl_trainer *t, struct bl_err *err)
{
    char *path = beside(t, "log.jsonl");
    int rc = 0;

    t->log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    /* What was logged after the checkpoint will be logged again. */
    if (t->log < 0 || ftruncate(t->log, (off_t)t->state.log_size) < 0
        || lseek(t->log, 0, SEEK_END) < 0)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", path);
    free(path);
    return rc;
}

/* Closes the object and writes it. */
static int log_line(struct bl_trainer *t, struct bl_writer *w,
                    struct bl_err *err)
{
    const struct bl_buf *line = w->out;
    size_t done = 0;

    bl_write_end(w);
    bl_write_line(w);
    while (done < line->len) {
        ssize_t n = write(t->log, line->data + done, line->len - done);

        if (n < 0 && errno != EINTR)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write '%s."
                                 "log.jsonl'", t->output);
        done += n > 0 ? (size_t)n : 0;
    }
    t->state.log_size += line->len;
    return 0;
}

static int log_step(struct bl_trainer *t, const struct bl_train_report *r,
                    struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_writer w = bl_writer(&b, BL_WRITE_COMPACT);
    int rc;

    bl_write_object(&w, NULL);
    bl_write_size(&w, "step", t->state.step);
    bl_write_size(&w, "epoch", t->state.epoch);
    bl_write_size(&w, "examples", t->state.examples);
    bl_write_double_or_null(&w, "loss", r->loss, 9);
    bl_write_double_or_null(&w, "rate", r->rate, 9);
    bl_write_double_or_null(&w, "norm", r->norm, 9);
    bl_write_double_or_null(&w, "per_second", r->per_second, 9);
    rc = log_line(t, &w, err);
    bl_buf_free(&b);
    return rc;
}

static int log_eval(struct bl_trainer *t, const struct bl_metrics *m,
                    bool best, struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_writer w = bl_writer(&b, BL_WRITE_COMPACT);
    int rc;

    bl_write_object(&w, NULL);
    bl_write_size(&w, "step", t->state.step);
    bl_write_size(&w, "epoch", t->state.epoch);
    bl_write_bool(&w, "best", best);
    for (size_t i = 0; i < m->n; i++)
        bl_write_double_or_null(&w, m->v[i].name, m->v[i].value, 9);
    rc = log_line(t, &w, err);
    bl_buf_free(&b);
    return rc;
}

/* ---- One step ---- */

static int write_bad(struct bl_trainer *t, const size_t *which, size_t n,
                     const char *what, struct bl_err *err)
{
    char *path = beside(t, "bad-batch.jsonl");
    struct bl_newfile *f = bl_newfile_open(path, 0, err);
    struct bl_buf b = BL_BUF_INIT;
    int rc = f ? 0 : -1;

    t->task->dump(t->task->ctx, which, n, &b);
    if (f && bl_newfile_write(f, b.data ? b.data : "", b.len, err) < 0) {
        bl_newfile_abort(f);
        rc = -1;
    } else if (f) {
        rc = bl_newfile_commit(f, err);
    }
    bl_buf_free(&b);
    if (!rc)
        bl_fail(err, BL_DATA, "step %llu: the %s is not finite; its records "
                "are in '%s'", (unsigned long long)t->state.step + 1, what,
                path);
    free(path);
    return -1;
}

/* The records of parts [part, part + n) of this epoch. */
static const size_t *records_of(const struct bl_trainer *t, uint64_t part,
                                uint64_t parts, size_t *n)
{
    size_t size = part_size(t), from = (size_t)part * size;
    size_t to = (size_t)(part + parts) * size;

    *n = BL_MIN(to, t->task->n) - from;
    return t->order + from;
}

/* Gradients of the next parts; *parts says how many there were. */
static int gather(struct bl_trainer *t, uint64_t *parts, double *loss,
                  struct bl_err *err)
{
    const struct bl_trainer_opts *o = t->opts;
    struct bl_train_state *s = &t->state;
    uint64_t left = t->parts - s->part;
    struct bl_train_run run = { .backward = 1 };

    *parts = BL_MIN(left, o->accumulate);
    run.scale = 1.0 / (double)(is_blink(t) ? o->accumulate : *parts);
    run.dropout = s->settled ? 0 : o->dropout;
    *loss = 0;
    for (uint64_t i = 0; i < *parts; i++) {
        size_t n;
        const size_t *which = records_of(t, s->part + i, 1, &n);
        double one;

        run.seed = bl_random_seed(o->seed, 'd', s->epoch * t->parts
                                  + s->part + i);
        if (t->task->step(t->task->ctx, which, n, &run, &one, err) < 0)
            return -1;
        if (!isfinite(one))
            return write_bad(t, which, n, "loss", err);
        *loss += one / (double)*parts;
        s->examples += n;
    }
    return 0;
}

static int sync_with(struct bl_trainer *t, int what, struct bl_err *err)
{
    char error[BL_ERR_MSG];

    if (t->api->sync(t->handle, what, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

static int update(struct bl_trainer *t, double rate, double *norm,
                  uint64_t parts, struct bl_err *err)
{
    if (sync_with(t, BL_TRAIN_GET_GRADS, err) < 0)
        return -1;
    *norm = bl_params_clip(t->net, t->opts->clip);
    if (!isfinite(*norm)) {
        size_t n;
        const size_t *which = records_of(t, t->state.part, parts, &n);

        return write_bad(t, which, n, "gradient", err);
    }
    bl_adamw_step(&t->adamw, t->net, rate);
    bl_params_zero(t->net, is_blink(t));
    if (sync_with(t, BL_TRAIN_PUT_GRADS, err) < 0)
        return -1;
    return sync_with(t, BL_TRAIN_PUT_VALUES, err);
}

static void report(struct bl_trainer *t, struct bl_train_report *r,
                   size_t examples)
{
    double time = now(), took = time - t->last, n = (double)examples;
    double left = (double)(t->total > t->state.step
                           ? t->total - t->state.step : 0);

    /* A running mean of the seconds an example. */
    if (t->pace == 0)
        t->pace = took / n;
    else
        t->pace += 0.1 * (took / n - t->pace);
    t->last = time;
    r->state = &t->state;
    r->total = t->total;
    r->per_second = t->pace > 0 ? 1 / t->pace : 0;
    r->left = left * (double)t->opts->batch * t->pace;
}

/* BLINK's first step has rate 0 and its last ones too; ours none. */
static double schedule(const struct bl_trainer *t)
{
    if (is_blink(t))
        return bl_schedule(t->state.step, t->warmup, t->total);
    return bl_schedule(t->state.step + 1, t->warmup, t->total + 1);
}

static int step(struct bl_trainer *t, struct bl_train_report *r,
                bool *stepped, struct bl_err *err)
{
    struct bl_train_state *s = &t->state;
    uint64_t parts, before = s->examples;

    if (gather(t, &parts, &r->loss, err) < 0)
        return -1;
    *stepped = !is_blink(t) || parts == t->opts->accumulate;
    if (*stepped) {
        r->rate = t->opts->rate * schedule(t);
        if (update(t, r->rate, &r->norm, parts, err) < 0)
            return -1;
        s->step++;
    }
    s->part += parts;
    if (!*stepped)
        return 0;
    report(t, r, (size_t)(s->examples - before));
    if (log_step(t, r, err) < 0)
        return -1;
    if (t->on_step)
        t->on_step(t->ctx, r);
    return 0;
}

/* ---- Evaluation ---- */

static int save_model(struct bl_trainer *t, struct bl_err *err)
{
    return bl_model_write(t->output, t->net, t->spec, true, err);
}

/* counts: whether a better result makes the model be saved. */
static int evaluate_task(struct bl_trainer *t, struct bl_train_report *r,
                         bool counts, struct bl_err *err)
{
    struct bl_train_state *s = &t->state;
    struct bl_metrics m = { .n = 0 };
    bool best;

    if (!t->task->evaluate)
        return 0;
    if (t->task->evaluate(t->task->ctx, &m, err) < 0)
        return -1;
    best = counts && m.v[0].value > s->best;
    if (counts)
        s->measured = s->step;
    if (best) {
        s->best = m.v[0].value;
        s->best_step = s->step;
        s->stale = 0;
    } else if (counts) {
        s->stale++;
    }
    if (log_eval(t, &m, best, err) < 0)
        return -1;
    if (t->on_eval)
        t->on_eval(t->ctx, r, &m, best);
    t->last = now();
    return best ? save_model(t, err) : 0;
}

/* Every so many steps; BLINK counts from the start of the epoch. */
static bool due(const struct bl_trainer *t, size_t every)
{
    uint64_t at = is_blink(t) ? t->state.part / t->opts->accumulate
        : t->state.step;

    return every && at % every == 0;
}

/* ---- Refreshing ---- */

/* The examples of the next steps, in the order of their turns. */
static int refresh(struct bl_trainer *t, struct bl_err *err)
{
    size_t most = t->opts->refresh * t->opts->batch, n = 0;
    size_t *which = bl_xmalloc(most, sizeof *which);
    uint64_t epoch = t->state.epoch;
    size_t at = (size_t)t->state.part * part_size(t);
    int rc;

    while (n < most) {
        if (at >= t->task->n) {
            if (!t->opts->steps && epoch + 1 >= t->opts->epochs)
                break;
            set_order(t, ++epoch);
            at = 0;
        }
        which[n++] = t->order[at++];
    }
    if (epoch != t->state.epoch)
        set_order(t, t->state.epoch);
    rc = t->task->refresh(t->task->ctx, which, n, t->state.rounds++, err);
    free(which);
    t->last = now();
    return rc;
}

/* ---- The whole ---- */

static int end_epoch(struct bl_trainer *t, struct bl_train_report *r,
                     struct bl_err *err)
{
    struct bl_train_state *s = &t->state;

    if (is_blink(t) || !t->opts->eval_every)
        if (evaluate_task(t, r, true, err) < 0)
            return -1;
    if (is_blink(t))
        s->settled = true;
    s->epoch++;
    s->part = 0;
    set_order(t, s->epoch);
    return 0;
}

static int after_step(struct bl_trainer *t, struct bl_train_report *r,
                      bool stepped, struct bl_err *err)
{
    const struct bl_trainer_opts *o = t->opts;
    bool ended = t->state.part >= t->parts;

    if (stepped && due(t, o->eval_every)) {
        if (evaluate_task(t, r, !is_blink(t), err) < 0)
            return -1;
        t->state.settled = false;
    }
    if (ended && end_epoch(t, r, err) < 0)
        return -1;
    if (stepped && !finished(t)
        && (o->save_every ? t->state.step % o->save_every == 0 : ended))
        return bl_train_state_save(t, err);
    return 0;
}

static int run_epochs(struct bl_trainer *t, struct bl_err *err)
{
    const struct bl_trainer_opts *o = t->opts;
    struct bl_train_report r = { .state = &t->state, .total = t->total };
    bool stepped;

    if (!t->state.step && evaluate_task(t, &r, false, err) < 0)
        return -1;
    t->last = now();
    set_order(t, t->state.epoch);
    while (!finished(t)) {
        if (t->task->refresh && o->refresh
            && t->state.step % o->refresh == 0 && refresh(t, err) < 0)
            return -1;
        if (step(t, &r, &stepped, err) < 0
            || after_step(t, &r, stepped, err) < 0)
            return -1;
    }
    if (!t->task->evaluate)
        return save_model(t, err);
    /* The last steps may not have been measured yet. */
    return t->state.measured == t->state.step ? 0
        : evaluate_task(t, &r, true, err);
}

static int check_output(const struct bl_trainer *t, struct bl_err *err)
{
    struct stat st;

    if (t->resume || t->force || lstat(t->output, &st) < 0)
        return 0;
    return bl_fail(err, BL_USAGE, "'%s' already exists (--force replaces "
                                  "it)", t->output);
}

static void set_optimiser(struct bl_trainer *t)
{
    bl_adamw_init(&t->adamw, t->net);
    t->adamw.decay = t->opts->decay;
    if (is_blink(t)) {
        t->adamw.epsilon = 1e-6;
        t->adamw.correct = false;
    }
}

int bl_trainer_run(struct bl_trainer *t, struct bl_err *err)
{
    int rc = check_output(t, err);

    if (rc < 0)
        return -1;
    t->state = (struct bl_train_state){ .best = -1 };
    t->order = bl_xmalloc(t->task->n, sizeof *t->order);
    t->log = -1;
    plan(t);
    set_optimiser(t);
    if (t->resume)
        rc = bl_train_state_load(t, err);
    if (rc >= 0)
        rc = open_log(t, err);
    if (!rc)
        rc = sync_with(t, BL_TRAIN_PUT_VALUES, err);
    if (!rc)
        rc = sync_with(t, BL_TRAIN_PUT_GRADS, err);
    if (!rc)
        rc = run_epochs(t, err);
    if (!rc)
        bl_train_state_drop(t);
    if (t->log >= 0)
        close(t->log);
    bl_adamw_free(&t->adamw);
    free(t->order);
    return rc;
}
