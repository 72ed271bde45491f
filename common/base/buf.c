/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

struct bl_span bl_span_of(const char *s)
{
    return (struct bl_span){ s, strlen(s) };
}

bool bl_span_eq(struct bl_span left, struct bl_span right)
{
    return left.n == right.n
           && (left.n == 0 || !memcmp(left.p, right.p, left.n));
}

bool bl_span_is(struct bl_span span, const char *text)
{
    return bl_span_eq(span, bl_span_of(text));
}

bool bl_span_blank(struct bl_span span)
{
    for (size_t i = 0; i < span.n; i++)
        if (span.p[i] != ' ' && span.p[i] != '\t' && span.p[i] != '\r')
            return false;
    return true;
}

void bl_buf_free(struct bl_buf *buf)
{
    free(buf->data);
    *buf = (struct bl_buf)BL_BUF_INIT;
}

void bl_buf_clear(struct bl_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void bl_buf_reserve(struct bl_buf *buf, size_t more)
{
    size_t need;
    size_t cap = buf->cap ? buf->cap : 64;

    if (!bl_size_add(buf->len, more, &need)
        || !bl_size_add(need, 1, &need))
        bl_oom(SIZE_MAX);
    if (need <= buf->cap)
        return;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    buf->data = bl_xrealloc(buf->data, cap, 1);
    buf->cap = cap;
}

void bl_buf_put(struct bl_buf *buf, const void *data, size_t size)
{
    bl_buf_reserve(buf, size);
    if (size)
        memcpy(buf->data + buf->len, data, size);
    buf->len += size;
    buf->data[buf->len] = '\0';
}

void bl_buf_put_span(struct bl_buf *buf, struct bl_span span)
{
    bl_buf_put(buf, span.p, span.n);
}

void bl_buf_putc(struct bl_buf *buf, char c)
{
    bl_buf_put(buf, &c, 1);
}

void bl_buf_puts(struct bl_buf *buf, const char *text)
{
    bl_buf_put(buf, text, strlen(text));
}

void bl_buf_printf(struct bl_buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    int length;

    va_start(ap, fmt);
    va_copy(again, ap);
    length = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (length < 0)
        BL_BUG("bad format");
    bl_buf_reserve(buf, (size_t)length);
    vsnprintf(buf->data + buf->len, (size_t)length + 1, fmt, again);
    va_end(again);
    buf->len += (size_t)length;
}
