/* SPDX-License-Identifier: MIT */
/*
 * record: one JSONL line with its top-level fields found, and the edits that
 * a program makes to it.  Lines are never re-printed: unknown fields pass
 * byte for byte, new ones are appended before the final '}'.
 *
 *     struct bl_record r = { 0 };
 *     bl_record_parse(&r, line, 17, &err);
 *     struct bl_span text;
 *     if (bl_record_string(&r, "text", &arena, &text, &err) < 0) ...
 *
 * A record borrows the line it was parsed from and owns its field table,
 * which bl_record_free() releases and bl_record_parse() re-uses.
 */
#ifndef BL_RECORD_H
#define BL_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/json.h"

BL_BEGIN_DECLS

struct bl_field {
    struct bl_span key;         /* raw, without quotes */
    struct bl_span value;       /* raw, trimmed */
};

struct bl_record {
    struct bl_span line;        /* trimmed: starts with '{', ends with '}' */
    size_t number;              /* 1-based line number in the input */
    struct bl_field *fields;
    size_t n_fields, cap_fields;
};

/* -1 with a record-level code when the line is not one JSON object. */
int bl_record_parse(struct bl_record *record, struct bl_span line,
                    size_t number, struct bl_err *err);
void bl_record_free(struct bl_record *record);

/* 1 found, 0 absent, -1 given twice (BL_DUPLICATE_KEY).  Names match by
 * their exact spelling, upper and lower case apart. */
int bl_record_get(const struct bl_record *record, const char *name,
                  struct bl_span *value, struct bl_err *err);

/* Typed getters.  -1 names the field, what was expected and what was found.
 * The plain forms require the field; the _opt forms return 0 and leave *out
 * alone when it is absent or null, 1 when it was read. */
int bl_record_string(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err);
int bl_record_string_opt(const struct bl_record *record, const char *name,
                         struct bl_arena *arena, struct bl_span *out,
                         struct bl_err *err);
int bl_record_integer(const struct bl_record *record, const char *name,
                      int64_t lo, int64_t hi, int64_t *out,
                      struct bl_err *err);
int bl_record_integer_opt(const struct bl_record *record, const char *name,
                          int64_t lo, int64_t hi, int64_t *out,
                          struct bl_err *err);
int bl_record_array(const struct bl_record *record, const char *name,
                    struct bl_span *out, struct bl_err *err);
/* An id: a string, or an integer taken by its text.  Required. */
int bl_record_id(const struct bl_record *record, const char *name,
                 struct bl_arena *arena, struct bl_span *out,
                 struct bl_err *err);

/* The same where it may be absent or null: 1, or 0 and *out untouched. */
int bl_record_id_opt(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err);

/* True for the fields that stages give a mention: one of a document's that is
 * called so cannot be copied to it. */
bool bl_record_is_of_mention(const char *name);

/* A record that marks where something ends, such as a document: its `error`
 * is an object with the code "end".  Whatever leaves records that failed as
 * they are, and in their place, leaves this one so too. */
bool bl_record_is_mark(const struct bl_record *record);

/* ---- Edits: what a program adds, in one output line ---- */

struct bl_edits {
    struct bl_edit *v;
    size_t n, cap;
};

/* Field `name` gets the JSON text `value` (copied): replaced in place when
 * the record has it, appended otherwise. */
void bl_edits_set(struct bl_edits *edits, const char *name,
                  struct bl_span value);
/* The same with what a buffer holds. */
void bl_edits_set_buf(struct bl_edits *edits, const char *name,
                      const struct bl_buf *value);
/* Field `name` is left out of the output. */
void bl_edits_drop(struct bl_edits *edits, const char *name);
void bl_edits_clear(struct bl_edits *edits);
void bl_edits_free(struct bl_edits *edits);

/* Appends the record with the edits applied and "\n". */
void bl_record_write(struct bl_buf *out, const struct bl_record *record,
                     const struct bl_edits *edits);

BL_END_DECLS

#endif
