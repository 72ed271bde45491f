/* SPDX-License-Identifier: MIT */
/*
 * writer: JSON into a buffer.  Commas, nesting and escapes are its business.
 *
 *     struct bl_writer w = bl_writer(&out, BL_WRITE_COMPACT);
 *     bl_write_object(&w, NULL);
 *     bl_write_span(&w, "id", id);
 *     bl_write_array(&w, "tokens");
 *     bl_write_string(&w, NULL, "a");
 *     bl_write_end(&w);
 *     bl_write_end(&w);
 *     bl_write_line(&w);                  {"id":"7","tokens":["a"]}\n
 *
 * The key comes first, and is NULL in an array, for the whole value, and
 * after bl_write_key().  A key too many or too few, an end too many, or a
 * second whole value is a bug of the caller (BL_BUG).  The writer lives on
 * the stack and owns nothing; the buffer may be emptied between two whole
 * values.  Strings are valid UTF-8.
 */
#ifndef BL_WRITER_H
#define BL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum bl_write_style {
    BL_WRITE_COMPACT,           /* {"a":1,"b":[1,2]} */
    BL_WRITE_SPACED,            /* {"a": 1, "b": [1, 2]} */
    /* As spaced, but each member of an object on a line of its own, two
     * spaces further in than the object; arrays stay on their line. */
    BL_WRITE_INDENTED
};

enum { BL_WRITE_MAX_DEPTH = 64 };   /* the bits of `objects` */

struct bl_writer {
    struct bl_buf *out;
    uint64_t objects;           /* bit d: what is open at depth d + 1 */
    unsigned depth;
    enum bl_write_style style;
    bool comma;                 /* a member of the same parent is there */
    bool keyed;                 /* a key waits for its value */
    bool broken;                /* bl_write_break() set the gap */
};

/* A writer at the end of *out, which it borrows. */
struct bl_writer bl_writer(struct bl_buf *out, enum bl_write_style style);

/* Open one; its members follow. */
void bl_write_object(struct bl_writer *w, const char *key);
void bl_write_array(struct bl_writer *w, const char *key);
/* Closes the innermost of them. */
void bl_write_end(struct bl_writer *w);
/* '\n' after the whole value, which must be closed; the next may follow. */
void bl_write_line(struct bl_writer *w);

/* A key that is data; then a value whose key is NULL. */
void bl_write_key(struct bl_writer *w, struct bl_span key);
/* The next member begins a line, behind so many spaces, whatever the style;
 * for formats of which the layout is kept. */
void bl_write_break(struct bl_writer *w, unsigned spaces);

/* A value each; strings are quoted, and escaped where JSON wants it. */
void bl_write_span(struct bl_writer *w, const char *key, struct bl_span v);
void bl_write_string(struct bl_writer *w, const char *key, const char *v);
/* No member at all when v.p is NULL. */
void bl_write_optional(struct bl_writer *w, const char *key,
                       struct bl_span v);
/* And the values that are not strings. */
void bl_write_bool(struct bl_writer *w, const char *key, bool v);
void bl_write_null(struct bl_writer *w, const char *key);
void bl_write_integer(struct bl_writer *w, const char *key, int64_t v);
void bl_write_size(struct bl_writer *w, const char *key, uint64_t v);
/* At most so many significant digits; v is finite. */
void bl_write_double(struct bl_writer *w, const char *key, double v,
                     int digits);
/* The same, but null when v is NaN or infinite, which JSON does not have. */
void bl_write_double_or_null(struct bl_writer *w, const char *key, double v,
                             int digits);
/* 9 digits, which read back to the same float. */
void bl_write_float(struct bl_writer *w, const char *key, float v);
/* A value that is JSON already; it is not checked. */
void bl_write_raw(struct bl_writer *w, const char *key, struct bl_span v);
/* Where the caller appends exactly one value itself, before the next call:
 * for modules that put a value of theirs into a buffer. */
struct bl_buf *bl_write_slot(struct bl_writer *w, const char *key);

#endif
