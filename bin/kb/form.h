/* SPDX-License-Identifier: MIT */
/*
 * form: what kind of file entities are to be read from, by its first bytes.
 *
 *     struct bl_kb_head head = { 0 };
 *     bl_kb_head_read(&head, fd, "x.csv", &err);
 *     switch (bl_kb_form_of(&head, "x.csv")) ...
 *     bl_kb_head_free(&head);
 */
#ifndef BL_BIN_KB_FORM_H
#define BL_BIN_KB_FORM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_kb_head {
    struct bl_buf bytes;        /* read so far, 64 KiB or a little more */
    bool ended;                 /* there are no others */
    char separator;             /* of a table */
};

enum bl_kb_form {
    BL_KB_LINES,                /* JSON, or nothing that we know */
    BL_KB_TABLE,
    BL_KB_OTHER                 /* no entities, as bl_kb_form_fail() says */
};

/* Reads no further than it must: a line of JSON by its first byte is one.
 * -1 with BL_SYSTEM. */
int bl_kb_head_read(struct bl_kb_head *head, int fd, const char *name,
                    struct bl_err *err);
void bl_kb_head_free(struct bl_kb_head *head);

/* `name` counts by its end: ".csv", ".tsv" and ".tab" are tables. */
enum bl_kb_form bl_kb_form_of(struct bl_kb_head *head, const char *name);
/* Whether the input begins as JSON does. */
bool bl_kb_form_is_json(const struct bl_kb_head *head);

/* What it is, and the command that makes entities of it, which goes on with
 * `command`, "blink-kb build -o x.kb".  Returns -1 (BL_DATA). */
int bl_kb_form_fail(const struct bl_kb_head *head, const char *name,
                    const char *command, struct bl_err *err);

#endif
