/* SPDX-License-Identifier: MIT */
/*
 * buf: a growing byte string, and the two views of bytes used everywhere.
 *
 *     struct bl_buf b = BL_BUF_INIT;
 *     bl_buf_puts(&b, "x=");
 *     bl_buf_printf(&b, "%d", 3);
 *     write(1, b.data, b.len);
 *     bl_buf_free(&b);
 *
 * data is always NUL-terminated once anything was put (the NUL is not
 * counted in len).  The caller owns the struct; bl_buf_free() releases.
 */
#ifndef BL_BUF_H
#define BL_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"

BL_BEGIN_DECLS

/* Borrowed bytes, not NUL-terminated.  Valid while their owner is. */
struct bl_span {
    const char *p;
    size_t n;
};

#define BL_SPAN_LIT(s) ((struct bl_span){ (s), sizeof(s) - 1 })
/* The bytes of a C string; equality of two spans, of a span and a string. */
struct bl_span bl_span_of(const char *s);
bool bl_span_eq(struct bl_span left, struct bl_span right);
bool bl_span_is(struct bl_span span, const char *text);
/* Nothing but spaces, tabs and carriage returns: a line to skip. */
bool bl_span_blank(struct bl_span span);

struct bl_buf {
    char *data;
    size_t len, cap;
};

#define BL_BUF_INIT { NULL, 0, 0 }

void bl_buf_free(struct bl_buf *buf); /* also re-initialises */
void bl_buf_clear(struct bl_buf *buf); /* len = 0, keeps cap */
void bl_buf_reserve(struct bl_buf *buf, size_t more); /* room for len + more */
void bl_buf_put(struct bl_buf *buf, const void *data, size_t size);
void bl_buf_put_span(struct bl_buf *buf, struct bl_span span);
void bl_buf_putc(struct bl_buf *buf, char c);
void bl_buf_puts(struct bl_buf *buf, const char *text);
void bl_buf_printf(struct bl_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

BL_END_DECLS

#endif
