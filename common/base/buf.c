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

bool bl_span_eq(struct bl_span a, struct bl_span b)
{
    return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n));
}

bool bl_span_is(struct bl_span a, const char *s)
{
    return bl_span_eq(a, bl_span_of(s));
}

bool bl_span_blank(struct bl_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
            return false;
    return true;
}

void bl_buf_free(struct bl_buf *b)
{
    free(b->data);
    *b = (struct bl_buf)BL_BUF_INIT;
}

void bl_buf_clear(struct bl_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void bl_buf_reserve(struct bl_buf *b, size_t more)
{
    size_t need;
    size_t cap = b->cap ? b->cap : 64;

    if (!bl_size_add(b->len, more, &need)
        || !bl_size_add(need, 1, &need))
        bl_oom(SIZE_MAX);
    if (need <= b->cap)
        return;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->data = bl_xrealloc(b->data, cap, 1);
    b->cap = cap;
}

void bl_buf_put(struct bl_buf *b, const void *p, size_t n)
{
    bl_buf_reserve(b, n);
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void bl_buf_put_span(struct bl_buf *b, struct bl_span s)
{
    bl_buf_put(b, s.p, s.n);
}

void bl_buf_putc(struct bl_buf *b, char c)
{
    bl_buf_put(b, &c, 1);
}

void bl_buf_puts(struct bl_buf *b, const char *s)
{
    bl_buf_put(b, s, strlen(s));
}

void bl_buf_printf(struct bl_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        BL_BUG("bad format");
    bl_buf_reserve(b, (size_t)n);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
    va_end(again);
    b->len += (size_t)n;
}
