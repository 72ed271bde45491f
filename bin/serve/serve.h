/* SPDX-License-Identifier: MIT */
/*
 * serve: the parts of blink-serve, one file each.
 *
 *     http.c       connections: limits, who may ask, routes
 *     link.c       POST /link: texts in, links out
 *     model.c      POST /v1/embeddings, /v1/rerank
 *     page.c       GET and POST /: a page to type into
 *     state.c      GET /health, /metrics
 *
 * A request has a thread of its own, which waits in bl_pool_ask() (pool.h).
 */
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "pool.h"

struct bl_serve {
    const char *listen, *unix_path;
    const char *token;          /* NULL: anybody may ask who can connect */
    size_t max_body;            /* bytes */
    size_t connections;
    size_t timeout;             /* seconds */
    struct bl_pool *link, *queries, *documents, *rerank;
};

/* ---- Answers ---- */

struct bl_stream;

/* What becomes of a request. */
struct bl_answer {
    unsigned status;            /* of HTTP */
    const char *type;           /* Content-Type */
    struct bl_buf body;
    struct bl_stream *stream;   /* NULL: the body is sent when it is whole */
};

/* Appends a line, which may be sent while others are still to come. */
void bl_answer_line(struct bl_answer *answer, struct bl_span line);

/* {"error":{"code":STATUS,"message":...}} in place of what there was. */
void bl_answer_fail(struct bl_answer *answer, unsigned status,
                    const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an exchange that was not done. */
void bl_answer_asked(struct bl_answer *answer, enum bl_asked asked);

/* ---- Requests ---- */

enum bl_media { BL_MEDIA_TEXT, BL_MEDIA_JSON, BL_MEDIA_LINES,
                BL_MEDIA_FORM };

struct bl_request {
    struct bl_serve *serve;
    struct bl_span body;
    enum bl_media media, wanted;        /* what it is; what it asks for */
};

typedef void bl_handle_fn(const struct bl_request *request,
                          struct bl_answer *answer);

bl_handle_fn bl_serve_link, bl_serve_embeddings, bl_serve_rerank,
    bl_serve_form, bl_serve_page, bl_serve_health, bl_serve_metrics;

/* ---- Texts in, links out (link.c) ---- */

/* The documents of a request. */
struct bl_documents {
    struct bl_exchange exchange;
    struct bl_arena arena;
    struct bl_span *ids;        /* [exchange.lines] as JSON */
    size_t cap;
    bool one;                   /* not in an array, and no lines */
};

/* -1 with one sentence (BL_BAD_JSON and the like, or BL_SYSTEM).  To be freed
 * in either case. */
int bl_documents_read(struct bl_documents *documents, struct bl_span body,
                      enum bl_media media, struct bl_err *err);
void bl_documents_free(struct bl_documents *documents);

/* ---- Connections (http.c) ---- */

/* Counts of what was answered, for /metrics. */
enum { BL_ROUTES = 8, BL_BUCKETS = 10 };

struct bl_counts {
    const char *route;
    unsigned long by_class[6];          /* answers with status n00 to n99 */
    unsigned long buckets[BL_BUCKETS];  /* answered within bl_buckets[] */
    double seconds;
};

extern const double bl_buckets[BL_BUCKETS];     /* seconds, rising */

/* What was counted of each route; returns how many routes there are. */
size_t bl_serve_counts(struct bl_counts counts[BL_ROUTES]);

/* Serves until SIGTERM or SIGINT, then lets the requests there are end.
 * -1: BL_USAGE for an address that is none, BL_SYSTEM. */
int bl_serve_run(struct bl_serve *serve, struct bl_err *err);

#endif
