/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "worker.h"

enum {
    START_SECONDS = 120,        /* for a large model on a cold disk */
    MAX_LINE = 64 << 20,        /* bytes of one answer */
    AGAIN_SECONDS = 1           /* between starts of what ends at once */
};

struct place {
    struct bl_worker worker;
    bool busy;
    double started;
};

struct bl_pool {
    char *name, *command;
    struct bl_pool_limits limits;
    pthread_mutex_t lock;       /* of all below, but for the worker of a place
                                 * that is busy */
    pthread_cond_t freed;
    struct place *places;       /* [limits.workers] */
    size_t busy, waiting;
    unsigned long restarts;
};

struct bl_pool *bl_pool_new(const char *name, const char *command,
                            const struct bl_pool_limits *limits)
{
    struct bl_pool *pool = BL_NEW(struct bl_pool);
    pthread_condattr_t attributes;

    pool->name = bl_xstrdup(name);
    pool->command = bl_xstrdup(command);
    pool->limits = *limits;
    pool->places = BL_NEW_ARRAY(struct place, limits->workers);
    for (size_t i = 0; i < limits->workers; i++)
        pool->places[i].worker = (struct bl_worker)BL_WORKER_INIT;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    return pool;
}

void bl_pool_free(struct bl_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->limits.workers; i++)
        bl_worker_end(&pool->places[i].worker);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->places);
    free(pool->command);
    free(pool->name);
    free(pool);
}

/* ---- What is asked ---- */

int bl_exchange_init(struct bl_exchange *exchange, struct bl_err *err)
{
    unsigned char number[16];
    struct bl_buf mark = BL_BUF_INIT;

    *exchange = (struct bl_exchange){ .lines = 0 };
    if (getrandom(number, sizeof number, 0) != (ssize_t)sizeof number)
        return bl_fail_errno(err, BL_SYSTEM, "cannot get a random number");
    bl_buf_puts(&mark, "{\"error\":{\"by\":\"blink-serve\",\"code\":\"end\","
                       "\"message\":\"");
    for (size_t i = 0; i < sizeof number; i++)
        bl_buf_printf(&mark, "%02x", number[i]);
    bl_buf_puts(&mark, "\"}}");
    BL_ASSERT(mark.len < sizeof exchange->mark);
    memcpy(exchange->mark, mark.data, mark.len + 1);
    bl_buf_free(&mark);
    return 0;
}

void bl_exchange_free(struct bl_exchange *exchange)
{
    bl_buf_free(&exchange->input);
}

void bl_exchange_add(struct bl_exchange *exchange, struct bl_span line)
{
    bl_buf_put_span(&exchange->input, line);
    bl_buf_printf(&exchange->input, "\n%s\n", exchange->mark);
    exchange->lines++;
}

/* ---- The answer ---- */

/* How far an exchange is. */
struct progress {
    const struct bl_exchange *exchange;
    bl_take_fn *take;
    void *ctx;
    size_t line;                /* of the input, to which answers come */
    size_t sent;                /* bytes */
};

/* Takes the whole lines there are, and leaves the rest. */
static void take_lines(struct bl_worker *worker, struct progress *progress)
{
    const char *at = worker->read.data, *nl;
    const char *end = at + worker->read.len;

    while (at < end && progress->line < progress->exchange->lines
           && (nl = memchr(at, '\n', (size_t)(end - at)))) {
        struct bl_span line = { at, (size_t)(nl - at) };

        if (bl_span_is(line, progress->exchange->mark)) {
            progress->take(progress->ctx, progress->line++,
                           (struct bl_span){ NULL, 0 });
        } else {
            progress->take(progress->ctx, progress->line, line);
        }
        at = nl + 1;
    }
    worker->read.len = (size_t)(end - at);
    if (at != worker->read.data)
        memmove(worker->read.data, at, worker->read.len);
}

static enum bl_asked exchange_with(struct bl_worker *worker,
                                   struct progress *progress, double deadline)
{
    const struct bl_buf *input = &progress->exchange->input;
    enum bl_pumped pumped;

    while (progress->line < progress->exchange->lines) {
        pumped = bl_worker_pump(worker,
                                (struct bl_span){ input->data, input->len },
                                &progress->sent, deadline);
        take_lines(worker, progress);
        if (pumped == BL_PUMP_LATE)
            return BL_ASKED_LATE;
        if ((pumped == BL_PUMP_ENDED || worker->read.len > MAX_LINE)
            && progress->line < progress->exchange->lines)
            return BL_ASKED_DIED;
    }
    /* Something behind the last mark belongs to nobody: such a pipeline is
     * not used again. */
    return worker->read.len ? BL_ASKED_DIED : BL_ASKED_DONE;
}

/* ---- Places ---- */

static void say_ended(const struct bl_pool *pool, int ending)
{
    if (WIFEXITED(ending))
        bl_warn("the pipeline of %s ended with status %d; it is started anew",
                pool->name, WEXITSTATUS(ending));
    else
        bl_warn("the pipeline of %s is started anew", pool->name);
}

/* A pipeline that ended at once, for want of a file perhaps, is not started
 * anew more than once a second. */
static int start_at(struct bl_pool *pool, struct place *place,
                    struct bl_err *err)
{
    double since = bl_now() - place->started;

    if (place->started > 0 && since < AGAIN_SECONDS)
        nanosleep(&(struct timespec){
            .tv_nsec = (long)((AGAIN_SECONDS - since) * 999999999) }, NULL);
    place->started = bl_now();
    return bl_worker_start(&place->worker, pool->command, err);
}

/* Makes sure that the pipeline of a place that is ours runs. */
static int make_ready(struct bl_pool *pool, struct place *place)
{
    struct bl_err err;

    if (bl_worker_lives(&place->worker))
        return 0;
    if (place->worker.pid > 0) {
        say_ended(pool, bl_worker_kill(&place->worker));
        pthread_mutex_lock(&pool->lock);
        pool->restarts++;
        pthread_mutex_unlock(&pool->lock);
    }
    if (start_at(pool, place, &err) == 0)
        return 0;
    bl_warn("%s", err.msg);
    return -1;
}

static struct timespec time_of(double seconds)
{
    time_t whole = (time_t)seconds;

    return (struct timespec){ .tv_sec = whole,
        .tv_nsec = (long)((seconds - (double)whole) * 1e9) };
}

/* A place for us alone; NULL with *why. */
static struct place *acquire(struct bl_pool *pool, double deadline,
                             enum bl_asked *why)
{
    struct timespec until = time_of(deadline);
    struct place *place = pool->places;
    int rc = 0;

    pthread_mutex_lock(&pool->lock);
    *why = BL_ASKED_LATE;
    if (pool->busy == pool->limits.workers
        && pool->waiting >= pool->limits.queue) {
        *why = BL_ASKED_BUSY;
        rc = EBUSY;
    }
    pool->waiting++;
    while (rc == 0 && pool->busy == pool->limits.workers)
        rc = pthread_cond_timedwait(&pool->freed, &pool->lock, &until);
    pool->waiting--;
    if (rc) {
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    while (place->busy)
        place++;
    place->busy = true;
    pool->busy++;
    pthread_mutex_unlock(&pool->lock);
    return place;
}

static void release(struct bl_pool *pool, struct place *place)
{
    pthread_mutex_lock(&pool->lock);
    place->busy = false;
    pool->busy--;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

/* Whoever asks next finds a pipeline whose models are open, or nearly. */
static void replace(struct bl_pool *pool, struct place *place)
{
    struct bl_err err;

    say_ended(pool, bl_worker_kill(&place->worker));
    pthread_mutex_lock(&pool->lock);
    pool->restarts++;
    pthread_mutex_unlock(&pool->lock);
    if (start_at(pool, place, &err) < 0)
        bl_warn("%s", err.msg);
}

enum bl_asked bl_pool_ask(struct bl_pool *pool,
                          const struct bl_exchange *exchange,
                          bl_take_fn *take, void *ctx)
{
    struct progress progress = { exchange, take, ctx, 0, 0 };
    double deadline = bl_now() + pool->limits.timeout;
    enum bl_asked asked;
    struct place *place = acquire(pool, deadline, &asked);

    if (!place)
        return asked;
    asked = BL_ASKED_DIED;
    if (make_ready(pool, place) == 0)
        asked = exchange_with(&place->worker, &progress, deadline);
    if (asked != BL_ASKED_DONE && place->worker.pid > 0)
        replace(pool, place);
    release(pool, place);
    /* All marks had come, so that what was wrong came behind them. */
    return progress.line == exchange->lines ? BL_ASKED_DONE : asked;
}

/* ---- Start ---- */

static void take_nothing(void *ctx, size_t i, struct bl_span line)
{
    (void)ctx;
    (void)i;
    (void)line;
}

/* A wrong command line or a missing model shows in the first pipeline; the
 * others have the same. */
int bl_pool_start(struct bl_pool *pool, struct bl_err *err)
{
    struct bl_exchange mark;
    struct progress progress = { &mark, take_nothing, NULL, 0, 0 };
    struct place *first = pool->places;
    enum bl_asked asked;
    int ending;

    for (size_t i = 0; i < pool->limits.workers; i++)
        if (start_at(pool, &pool->places[i], err) < 0)
            return -1;
    if (bl_exchange_init(&mark, err) < 0)
        return -1;
    bl_buf_printf(&mark.input, "%s\n", mark.mark);
    mark.lines = 1;
    asked = exchange_with(&first->worker, &progress,
                          bl_now() + START_SECONDS);
    bl_exchange_free(&mark);
    if (asked == BL_ASKED_DONE)
        return 0;
    ending = asked == BL_ASKED_LATE ? bl_worker_kill(&first->worker)
        : bl_worker_end(&first->worker);
    if (asked == BL_ASKED_LATE)
        return bl_fail(err, BL_DATA, "the pipeline of %s has passed no mark "
                       "on in %d s (blink-json(5), \"Marks\")", pool->name,
                       START_SECONDS);
    return bl_fail(err, BL_DATA, "the pipeline of %s ended with status %d "
                   "before it was asked anything", pool->name,
                   WIFEXITED(ending) ? WEXITSTATUS(ending) : 4);
}

struct bl_pool_state bl_pool_state(struct bl_pool *pool)
{
    struct bl_pool_state state = { .workers = pool->limits.workers };

    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->limits.workers; i++)
        state.running += pool->places[i].busy
            || bl_worker_lives(&pool->places[i].worker);
    state.busy = pool->busy;
    state.waiting = pool->waiting;
    state.restarts = pool->restarts;
    pthread_mutex_unlock(&pool->lock);
    return state;
}
