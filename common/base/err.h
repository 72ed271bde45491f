/* SPDX-License-Identifier: MIT */
/*
 * err: what went wrong, as one complete sentence and one code.
 *
 *     struct bl_err err;
 *     if (bl_map_open(&map, path, &err) < 0)
 *         bl_die(&err);                       (programs only: prog.h)
 *
 * Library calls return 0, or -1 with *err filled; they never print and never
 * exit.  A message has no capital, no full stop, names its subject in single
 * quotes, and says what was expected and what was found.  Codes below
 * BL_USAGE concern ONE RECORD (the stream goes on, exit status 1), though
 * BL_NO_STAGE and BL_MODEL_MISMATCH end a stream that has had no good record
 * (loop.h); the others end the program with the status that bl_code_exit()
 * gives.
 */
#ifndef BL_ERR_H
#define BL_ERR_H

#include <stdarg.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/decls.h"

BL_BEGIN_DECLS

enum bl_code {
    BL_OK,
    BL_BAD_JSON,        /* "bad-json": not one JSON object */
    BL_BAD_UTF8,        /* "bad-utf8": invalid bytes in the line */
    BL_BAD_STRING,      /* "bad-string": \u0000 or a lone surrogate */
    BL_TOO_LONG,        /* "too-long": line above --max-line */
    BL_TOO_DEEP,        /* "too-deep": nesting above the limit */
    BL_DUPLICATE_KEY,   /* "duplicate-key": a field that we read, twice */
    BL_BAD_FIELD,       /* "bad-field": missing, wrong type or value */
    BL_BAD_VECTOR,      /* "bad-vector": wrong size, encoding or values */
    BL_MODEL_MISMATCH,  /* "model-mismatch": made by another model */
    BL_NO_STAGE,        /* "no-stage": a field that the program before adds
                         * is not there */
    BL_NON_FINITE,      /* "non-finite": NaN or infinity from a model */
    BL_NO_ENTITY,       /* "no-entity": id not in the catalogue */
    BL_USAGE,           /* wrong command line: exit 2 */
    BL_DATA,            /* a data file is missing, corrupt, wrong: exit 3 */
    BL_SYSTEM           /* read, write, memory, disk: exit 4 */
};

enum { BL_ERR_MSG = 512 };

struct bl_err {
    enum bl_code code;
    char msg[BL_ERR_MSG];
};

/* The code's name as records carry it ("bad-json"); static storage. */
const char *bl_code_name(enum bl_code code);

/* The exit status that a program ends with: 0, 1, 2, 3 or 4. */
int bl_code_exit(enum bl_code code);

/* Fill *err (may be NULL) and return -1, so that callers can say
 * `return bl_fail(err, BL_DATA, "...", ...)`.  Long texts are cut at a
 * character border. */
int bl_fail(struct bl_err *err, enum bl_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int bl_vfail(struct bl_err *err, enum bl_code code, const char *fmt,
             va_list ap) __attribute__((format(printf, 3, 0)));

/* The precision and argument of "%.*s" for a foreign string of which a message
 * shows `max` bytes at most: it is cut between characters. */
#define BL_SHOWN(max, text) bl_shown((text), (max)), (text)
int bl_shown(const char *text, size_t max);

/* As bl_fail, with ": " and the text of errno appended. */
int bl_fail_errno(struct bl_err *err, enum bl_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whose fault it is that a data file cannot be opened or read, by errno: the
 * file's (BL_DATA), such as when there is none or no permission, or the
 * system's (BL_SYSTEM), such as EIO or EMFILE, when trying again may help. */
enum bl_code bl_errno_code(int number);
/* As bl_fail_errno, with the code that bl_errno_code gives. */
int bl_fail_file(struct bl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the message that *err already holds; returns -1. */
int bl_err_prefix(struct bl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts `to` wherever the message that *err (may be NULL) holds has `from`: a
 * file that is made under a temporary name is called by its own.  Returns
 * -1. */
int bl_err_rename(struct bl_err *err, const char *from, const char *to);

BL_END_DECLS

#endif
