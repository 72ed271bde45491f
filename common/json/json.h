/* SPDX-License-Identifier: MIT */
/*
 * json: a strict reader of RFC 8259 text in place, and a writer.
 *
 * bl_json_check() proves once that a line is valid JSON in valid UTF-8; from
 * then on values are spans of that line, walked by a cursor without any
 * copy, so that what is not ours is never re-printed.  This is for records;
 * files that are read whole, as config.json, go through document.h, which
 * makes a tree with cJSON after this check.
 *
 *     struct bl_json_iter it = bl_json_iter(array);
 *     struct bl_span v;
 *     while (bl_json_next(&it, NULL, &v)) ...
 *
 * All spans are borrowed from the text that was checked.  No recursion.
 */
#ifndef BL_JSON_H
#define BL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum { BL_JSON_MAX_DEPTH = 1000 };

enum bl_json_type {
    BL_JSON_NULL, BL_JSON_BOOL, BL_JSON_NUMBER, BL_JSON_STRING,
    BL_JSON_ARRAY, BL_JSON_OBJECT
};

/* 0 when the n bytes are exactly one JSON value (white space around it is
 * allowed) in valid UTF-8; else -1 with BL_BAD_JSON, BL_BAD_UTF8 or
 * BL_TOO_DEEP and a message that names the byte offset.  Lone surrogate
 * escapes and \u0000 are JSON: they are refused where a string is read. */
int bl_json_check(const char *p, size_t n, struct bl_err *err);

/* ---- Below: only on text that bl_json_check() accepted. ---- */

/* The value without surrounding white space. */
struct bl_span bl_json_trim(struct bl_span value);
enum bl_json_type bl_json_type(struct bl_span value);
/* "null", "boolean", "number", "string", "array" or "object". */
const char *bl_json_type_name(enum bl_json_type type);

struct bl_json_iter {
    const char *p, *end;
    bool object;
};

/* A cursor over the members of an array or object; of any other value: an
 * empty one. */
struct bl_json_iter bl_json_iter(struct bl_span value);
/* Steps to the next member: *key (may be NULL) is the raw key WITHOUT its
 * quotes, escapes untouched; *value is trimmed.  False at the end. */
bool bl_json_next(struct bl_json_iter *it, struct bl_span *key,
                  struct bl_span *value);

/* True when the raw key (escapes allowed) spells the ASCII name. */
bool bl_json_key_is(struct bl_span key, const char *name);

/* The member `name` of an object.  1 found, 0 absent, -1 twice
 * (BL_DUPLICATE_KEY). */
int bl_json_get(struct bl_span object, const char *name,
                struct bl_span *value, struct bl_err *err);

/* Decodes a string value: escapes resolved, NUL-terminated, in *arena.
 * -1 with BL_BAD_STRING for \u0000 or a lone surrogate, BL_BAD_FIELD when it
 * is no string.  Strings without escapes are copied too. */
int bl_json_string(struct bl_span value, struct bl_arena *arena,
                   struct bl_span *out, struct bl_err *err);

/* The text of a string, decoded as by bl_json_string(), or of a number as it
 * is written (what others call a number may be an id to us), but 4.0 and 4e0
 * as 4, NUL-terminated in *arena.  1, or 0 and *out untouched for null; -1
 * with BL_BAD_STRING or BL_BAD_FIELD, which says that `expected` was
 * expected. */
int bl_json_text(struct bl_span value, const char *expected,
                 struct bl_arena *arena, struct bl_span *out,
                 struct bl_err *err);

/* An id: a string, or an integer taken by its text.  4.0 is 4, as data frames
 * write an integer once a value of its column is missing.  NUL-terminated in
 * *arena.  -1 with BL_BAD_STRING or BL_BAD_FIELD. */
int bl_json_id(struct bl_span value, struct bl_arena *arena,
               struct bl_span *out, struct bl_err *err);
/* The text without a fraction of zeros, if it is a number with one: 4 of 4.0,
 * -1 of -1.00. */
struct bl_span bl_json_whole(struct bl_span number);

/* Writes \ufffd over each lone surrogate escape (in strings of checked JSON,
 * in place: both are 6 bytes), as some readers stop at one. */
void bl_json_mend_surrogates(char *p, size_t n);

/* A finite double, read in the "C" locale; BL_BAD_FIELD otherwise. */
int bl_json_number(struct bl_span value, double *out, struct bl_err *err);
/* An integer without fraction or exponent within [lo, hi]. */
int bl_json_integer(struct bl_span value, int64_t lo, int64_t hi, int64_t *out,
                    struct bl_err *err);

/* ---- Writing: values alone; writer.h puts them together ---- */

/* A quoted string from n bytes of valid UTF-8; control characters and
 * quotes are escaped, everything else is left as it is. */
void bl_json_put_string(struct bl_buf *out, const char *p, size_t n);
/* 9 significant digits (reads back to the same float), "C" locale.  A
 * non-finite value is a bug of the caller. */
void bl_json_put_float(struct bl_buf *out, float value);
void bl_json_put_double(struct bl_buf *out, double value, int digits);

BL_END_DECLS

#endif
