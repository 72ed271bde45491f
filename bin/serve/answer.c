/* SPDX-License-Identifier: MIT */
/* Answers, whole or as they come. */
#include "config.h"

#include <stdarg.h>

#include "json/writer.h"
#include "serve.h"
#include "stream.h"

static void put_line(struct bl_answer *answer, struct bl_span line)
{
    bl_buf_put_span(&answer->body, line);
    bl_buf_putc(&answer->body, '\n');
}

void bl_answer_line(struct bl_answer *answer, struct bl_span line)
{
    struct bl_stream *stream = answer->stream;

    if (!stream) {
        put_line(answer, line);
        return;
    }
    pthread_mutex_lock(&stream->lock);
    if (!stream->left)
        put_line(answer, line);
    pthread_cond_signal(&stream->more);
    pthread_mutex_unlock(&stream->lock);
}

/* A status cannot be taken back once lines are on their way: then the failure
 * is the last of them. */
static void put_failure(struct bl_answer *answer, unsigned status,
                        const char *message)
{
    struct bl_writer json;

    if (!answer->stream || !answer->stream->begun) {
        answer->status = status;
        answer->type = "application/json";
        bl_buf_clear(&answer->body);
    }
    json = bl_writer(&answer->body, BL_WRITE_COMPACT);
    bl_write_object(&json, NULL);
    bl_write_object(&json, "error");
    bl_write_string(&json, "by", "blink-serve");
    bl_write_size(&json, "code", status);
    bl_write_string(&json, "message", message);
    bl_write_end(&json);
    bl_write_end(&json);
    bl_write_line(&json);
}

void bl_answer_fail(struct bl_answer *answer, unsigned status,
                    const char *fmt, ...)
{
    struct bl_err err;
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(&err, BL_SYSTEM, fmt, ap);
    va_end(ap);
    if (answer->stream)
        pthread_mutex_lock(&answer->stream->lock);
    put_failure(answer, status, err.msg);
    if (answer->stream)
        pthread_mutex_unlock(&answer->stream->lock);
}

void bl_answer_asked(struct bl_answer *answer, enum bl_asked asked)
{
    if (asked == BL_ASKED_BUSY)
        bl_answer_fail(answer, 503, "too many requests are waiting: try again "
                                    "in a second");
    else if (asked == BL_ASKED_DIED)
        bl_answer_fail(answer, 502, "the pipeline has ended and is started "
                                    "anew: try again");
    else if (asked == BL_ASKED_LATE)
        bl_answer_fail(answer, 504, "there was no answer in time");
}
