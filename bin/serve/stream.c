/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bl_stream *bl_stream_start(const struct bl_request *request,
                                  struct bl_buf *body, bl_handle_fn *handle)
{
    struct bl_stream *stream = BL_NEW(struct bl_stream);

    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->more, NULL);
    stream->request = *request;
    stream->body = *body;
    *body = (struct bl_buf)BL_BUF_INIT;
    stream->handle = handle;
    stream->answer = (struct bl_answer){ .status = 200, .stream = stream };
    return stream;
}

void bl_stream_free(struct bl_stream *stream)
{
    bl_buf_free(&stream->body);
    bl_buf_free(&stream->answer.body);
    pthread_cond_destroy(&stream->more);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

void bl_stream_work(struct bl_stream *stream)
{
    bool left;

    stream->handle(&stream->request, &stream->answer);
    pthread_mutex_lock(&stream->lock);
    stream->done = true;
    left = stream->left;
    pthread_cond_signal(&stream->more);
    pthread_mutex_unlock(&stream->lock);
    if (left)
        bl_stream_free(stream);
}

bool bl_stream_begin(struct bl_stream *stream)
{
    bool whole;

    pthread_mutex_lock(&stream->lock);
    while (!stream->done && !stream->answer.body.len)
        pthread_cond_wait(&stream->more, &stream->lock);
    whole = stream->done;
    stream->begun = true;
    pthread_mutex_unlock(&stream->lock);
    return whole;
}

size_t bl_stream_read(struct bl_stream *stream, char *to, size_t max)
{
    struct bl_buf *body = &stream->answer.body;
    size_t n;

    pthread_mutex_lock(&stream->lock);
    while (!stream->done && stream->at == body->len)
        pthread_cond_wait(&stream->more, &stream->lock);
    n = BL_MIN(max, body->len - stream->at);
    if (n)
        memcpy(to, body->data + stream->at, n);
    stream->at += n;
    if (stream->at == body->len) {
        bl_buf_clear(body);
        stream->at = 0;
    }
    pthread_mutex_unlock(&stream->lock);
    return n;
}

void bl_stream_leave(struct bl_stream *stream)
{
    bool done;

    pthread_mutex_lock(&stream->lock);
    stream->left = true;
    done = stream->done;
    pthread_mutex_unlock(&stream->lock);
    if (done)
        bl_stream_free(stream);
}
