/* SPDX-License-Identifier: MIT */
/*
 * stream: an answer that is sent while it is made.  The thread that makes it
 * holds a pipeline, which a client that reads slowly must not keep: what it
 * has not read yet waits here.
 */
#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H

#include <pthread.h>

#include "serve.h"

struct bl_stream {
    struct bl_request request;
    struct bl_buf body;         /* the request's */
    bl_handle_fn *handle;
    pthread_mutex_t lock;       /* of all below */
    pthread_cond_t more;
    struct bl_answer answer;
    size_t at;                  /* of its body, up to which was read */
    bool begun;                 /* the status has been sent */
    bool done;                  /* nothing more is made; */
    bool left;                  /* nothing more is read: whoever sets the
                                 * second of both frees the stream */
};

/* Takes the body over, to which request->body points. */
struct bl_stream *bl_stream_start(const struct bl_request *request,
                                  struct bl_buf *body, bl_handle_fn *handle);
void bl_stream_free(struct bl_stream *stream);

/* Makes the answer; for a thread of its own. */
void bl_stream_work(struct bl_stream *stream);
/* Waits for the first line.  True when the answer is whole already, and has
 * perhaps another status than 200. */
bool bl_stream_begin(struct bl_stream *stream);
/* Waits for bytes; 0 at the end. */
size_t bl_stream_read(struct bl_stream *stream, char *to, size_t max);
/* It is not used by this thread any more. */
void bl_stream_leave(struct bl_stream *stream);

#endif
