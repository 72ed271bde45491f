/* SPDX-License-Identifier: MIT */
/*
 * pool: pipelines that are kept running, each for one exchange at a time.
 *
 *     struct bl_pool *pool = bl_pool_new("link", "blink-ner | ...", &limits);
 *     struct bl_exchange exchange;
 *     bl_exchange_init(&exchange);
 *     bl_exchange_add(&exchange, document);          (one line of JSON each)
 *     bl_pool_ask(pool, &exchange, take, ctx, &err);
 *     bl_exchange_free(&exchange);
 *
 * Behind each line goes a mark, a record that carries an error with the code
 * "end" and a number that nobody can guess.  All stages pass it on untouched
 * and in its place (blink-json(5), "Marks"), so that it comes out when all
 * that answers the line has.  That is the whole of the protocol: a pipeline
 * for this is any that a shell can run on lines.
 *
 * A pipeline that ends, or that has not answered in time, is killed with all
 * of its processes and started anew; nothing of it reaches the next exchange.
 * All functions may be called by several threads at once, but for new, start
 * and free.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_pool_limits {
    size_t workers;             /* pipelines */
    size_t queue;               /* exchanges that may wait for one */
    double timeout;             /* seconds for an exchange, waiting included */
};

struct bl_pool;

/* name: for messages; command: for /bin/sh; both are copied.  Nothing is
 * started before the first exchange or bl_pool_start(). */
struct bl_pool *bl_pool_new(const char *name, const char *command,
                            const struct bl_pool_limits *limits);
/* Closes the input of every pipeline and waits for it to end. */
void bl_pool_free(struct bl_pool *pool);

/* Starts all pipelines and has a mark pass through the first.  -1 when it
 * ends before that: BL_DATA with its status, or BL_SYSTEM. */
int bl_pool_start(struct bl_pool *pool, struct bl_err *err);

/* ---- What is asked ---- */

enum { BL_MARK_LENGTH = 128 };

struct bl_exchange {
    char mark[BL_MARK_LENGTH];  /* without a line end */
    struct bl_buf input;
    size_t lines;               /* and as many marks */
};

/* Takes a new number; -1 with BL_SYSTEM when the system gives none. */
int bl_exchange_init(struct bl_exchange *exchange, struct bl_err *err);
void bl_exchange_free(struct bl_exchange *exchange);
/* A line of JSON, without its line end. */
void bl_exchange_add(struct bl_exchange *exchange, struct bl_span line);

/* A line that answers input line `i`; line.p == NULL: that was the last.
 * The line is borrowed until the function returns. */
typedef void bl_take_fn(void *ctx, size_t i, struct bl_span line);

enum bl_asked {
    BL_ASKED_DONE,
    BL_ASKED_BUSY,              /* too many wait already; nothing was sent */
    BL_ASKED_DIED,              /* the pipeline has ended */
    BL_ASKED_LATE               /* it had no answer in time */
};

/* Sends the input and takes all answers.  What was taken before a pipeline
 * ended stays taken. */
enum bl_asked bl_pool_ask(struct bl_pool *pool,
                          const struct bl_exchange *exchange,
                          bl_take_fn *take, void *ctx);

/* ---- How it is ---- */

struct bl_pool_state {
    size_t workers, running, busy, waiting;
    unsigned long restarts;     /* of pipelines that ended or were killed */
};

struct bl_pool_state bl_pool_state(struct bl_pool *pool);

#endif
