/* SPDX-License-Identifier: MIT */
/*
 * kb-change: what a catalogue remembers of its changes, so that an index of
 * an earlier state can be brought up to date.  Only kb*.c use this.
 *
 * Rows are never renumbered and ids never leave theirs: what is added comes
 * after the last row, what is removed leaves a row without title, text and
 * names, and its id finds that row again.  So the ids of every former state
 * are the first ids of every later one.  The table meta holds, beside what
 * kb.h names:
 *
 *     "change"             "7": the number of the last change; absent: 0
 *     "state:FINGERPRINT"  "6 65516": a former state, the number of its last
 *                          change, and its rows
 *     "row:0000000041"     "7 1f0e...": the change that last gave this row
 *                          another title or text, and the first half of the
 *                          SHA-256 of both; "7 -": removed
 *     "removed"            "2": rows removed; absent: 0
 *
 * The fingerprint of a catalogue without entries "row:" is that of its ids
 * (kb-sql.h); else the SHA-256 of these 64 digits and of each entry in the
 * order of rows, as "\nROW VALUE", ROW with ten digits.
 */
#ifndef BL_KB_CHANGE_H
#define BL_KB_CHANGE_H

#include <stdbool.h>

#include "kb/kb-sql.h"

/* The number of the last change, and the fingerprint. */
int bl_kb_change_last(struct bl_sql *conn, int64_t *number,
                      char fingerprint[BL_SHA256_HEX], struct bl_err *err);

/* Notes that change `number` gave this row another title or text, or, with
 * title.p == NULL, removed it. */
int bl_kb_change_row(struct bl_sql *conn, int64_t row, int64_t number,
                     struct bl_span title, struct bl_span text,
                     struct bl_err *err);

/* Notes the state before change `number`: its fingerprint and its rows. */
int bl_kb_change_state(struct bl_sql *conn, int64_t number,
                       const char *fingerprint, size_t rows,
                       struct bl_err *err);

/* The fingerprint of what is there now, and the number of rows, of which
 * *removed are removed.  Reads all ids. */
int bl_kb_change_sum(struct bl_sql *conn, char hex[BL_SHA256_HEX],
                     size_t *count, size_t *removed, struct bl_err *err);

/* A former state: 1 with its last change and its rows, 0 when the catalogue
 * has never had this fingerprint, -1 failure. */
int bl_kb_change_find(struct bl_sql *conn, const char *fingerprint,
                      int64_t *number, int64_t *rows, struct bl_err *err);

/* Walks over the entries "row:" in the order of rows: begin, then next until
 * it is not 1. */
int bl_kb_change_begin(struct bl_sql *conn, struct bl_err *err);
int bl_kb_change_next(struct bl_sql *conn, int64_t *row, int64_t *number,
                      bool *removed, struct bl_err *err);

#endif
