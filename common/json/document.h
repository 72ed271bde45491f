/* SPDX-License-Identifier: MIT */
/*
 * document: JSON files that are read whole: configurations, calibrations,
 * vocabularies, manifests.  (Records, of which there are millions, are read
 * in place by json.h, and so are the headers of safetensors: of 100,000
 * tensors cJSON makes 80 MiB in half a second, the cursor nothing in a
 * tenth.)
 *
 *     struct bl_document *d = bl_document_read(path, 1 << 20, &err);
 *     struct bl_node root = bl_document_root(d);
 *     size_t hidden, layers = 12;
 *     if (bl_required(bl_member_size(root, "hidden_size", 1, 1 << 24,
 *                                    &hidden, &err),
 *                     root, "hidden_size", &err) < 0
 *         || bl_member_size(root, "layers", 1, 100, &layers, &err) < 0)
 *         return -1;
 *     bl_document_free(d);
 *
 * cJSON makes the tree, but only of text that bl_json_check() accepted and
 * in which nothing stands that cJSON would change: it cuts strings at
 * \u0000, gives up at numbers of 64 characters, and keeps every number as a
 * double.  The first two are refused when a document is read; an integer of
 * 2^53 or more is refused where an integer is asked for, so that unread ones
 * (model_max_length of Hugging Face's tokenizers) do no harm.  1.0 and 1e3
 * count as the integers that they are.
 *
 * Every failure is BL_DATA with one sentence that says where:
 * "'blink.json': tags[2]: expected string, found number"; only a file that
 * cannot be read may be BL_SYSTEM.  A failure leaves *out as it was.  Strings
 * and keys are borrowed from the document, valid UTF-8 without NUL inside.
 * A document may be read by several threads at once.
 */
#ifndef BL_DOCUMENT_H
#define BL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

enum {
    /* Depth bounds the stack, as cJSON recurses; the number of values bounds
     * the memory, to 128 MiB: one takes up to 128 bytes however short its
     * text is, and a vocabulary of 500,000 words is the largest known. */
    BL_DOCUMENT_MAX_DEPTH = 100,
    BL_DOCUMENT_MAX_VALUES = 1 << 20,
    BL_DOCUMENT_MAX_DIGITS = 63         /* characters of a number */
};

struct bl_document;

/* One value of a document.  item is NULL behind the last member only. */
struct bl_node {
    const struct bl_document *document;
    const struct cJSON *item;
};

/* NULL with *err on failure; max: bytes of text.  The path or the
 * name stands in messages, and is copied; the text is not needed
 * afterwards. */
struct bl_document *bl_document_read(const char *path, size_t max,
                                     struct bl_err *err);
struct bl_document *bl_document_parse(struct bl_span text, const char *name,
                                      struct bl_err *err);
void bl_document_free(struct bl_document *d);   /* d may be NULL */
struct bl_node bl_document_root(const struct bl_document *d);

/* ---- A value ---- */

enum bl_json_type bl_node_type(struct bl_node v);
/* -1 with "'NAME': PATH: " and the text. */
int bl_node_fail(struct bl_node v, struct bl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Each -1 when v is of another type or outside [lo, hi]. */
int bl_node_expect(struct bl_node v, enum bl_json_type type,
                   struct bl_err *err);
int bl_node_integer(struct bl_node v, int64_t lo, int64_t hi, int64_t *out,
                    struct bl_err *err);
int bl_node_size(struct bl_node v, size_t lo, size_t hi, size_t *out,
                 struct bl_err *err);
int bl_node_number(struct bl_node v, double lo, double hi, double *out,
                   struct bl_err *err);
int bl_node_bool(struct bl_node v, int *out, struct bl_err *err);
int bl_node_string(struct bl_node v, const char **out, struct bl_err *err);
/* A string of names[], which ends with NULL; *out is its index. */
int bl_node_choice(struct bl_node v, const char *const *names, int *out,
                   struct bl_err *err);

/* The same type and value, for scalars; false for anything else. */
bool bl_node_same(struct bl_node a, struct bl_node b);
/* A scalar as JSON, appended to *b: a number with as few digits as read back
 * to the same double.  Of an array or object "array" or "object". */
void bl_node_put(struct bl_buf *b, struct bl_node v);

/* ---- Members of an array or object ----
 *     for (v = bl_node_first(list); v.item; v = bl_node_next(v)) ...  */

size_t bl_node_count(struct bl_node v);     /* 0 for a scalar */
struct bl_node bl_node_first(struct bl_node v);
struct bl_node bl_node_next(struct bl_node v);
/* The name of a member of an object; "" for any other value. */
const char *bl_node_key(struct bl_node v);

/* ---- A member by name ---- */

/* 1: found; 0: absent or null, and *out as it was, so that what it held is
 * the default; -1: wrong, also when the object has two of that name, or is
 * not an object. */
int bl_member(struct bl_node object, const char *name, struct bl_node *out,
              struct bl_err *err);
int bl_member_of(struct bl_node object, const char *name,
                 enum bl_json_type type, struct bl_node *out,
                 struct bl_err *err);
int bl_member_integer(struct bl_node object, const char *name, int64_t lo,
                      int64_t hi, int64_t *out, struct bl_err *err);
int bl_member_size(struct bl_node object, const char *name, size_t lo,
                   size_t hi, size_t *out, struct bl_err *err);
int bl_member_number(struct bl_node object, const char *name, double lo,
                     double hi, double *out, struct bl_err *err);
int bl_member_bool(struct bl_node object, const char *name, int *out,
                   struct bl_err *err);
int bl_member_string(struct bl_node object, const char *name,
                     const char **out, struct bl_err *err);
int bl_member_choice(struct bl_node object, const char *name,
                     const char *const *names, int *out, struct bl_err *err);
/* What one of the above returned, but -1 with "NAME is missing" for 0. */
int bl_required(int found, struct bl_node object, const char *name,
                struct bl_err *err);

#endif
