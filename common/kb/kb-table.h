/* SPDX-License-Identifier: MIT */
/*
 * kb-table: the rows of a table (text/csv.h) as entities.  The first row names
 * the columns, by the names that fields of records have (kb-fields.h).
 *
 *     char separator = bl_kb_table_separator(head, &titled);
 *     struct bl_csv *csv = bl_csv_new(fd, "x.csv", separator, 16 << 20);
 *     struct bl_kb_table *table = bl_kb_table_open(csv, false, &line,
 *                                                  &err);
 *     while (bl_kb_table_next(table, &in, &arena, &line, &err) == 1) ...
 *     bl_kb_table_close(table);
 *     bl_csv_free(csv);
 *
 * Blanks around values are dropped, and rows without any value are skipped.
 * A list of names in one value is parted at ';' and '|', or written as JSON
 * or Python write lists.  In a table without ids the titles are the ids.
 */
#ifndef BL_KB_TABLE_H
#define BL_KB_TABLE_H

#include <stdbool.h>

#include "kb/kb-build.h"
#include "text/csv.h"

struct bl_kb_table;

/* What separates the values of a table that begins like this: of ',', ';',
 * tab and '|' the one that gives most names of columns which we know, or most
 * columns.  *titled: whether one of them is that of the titles.  Excel's first
 * line "sep=;" says it. */
char bl_kb_table_separator(struct bl_span head, bool *titled);

/* Reads the names of the columns.  NULL with BL_DATA, *line being where they
 * were expected (0: there is no line), or BL_SYSTEM.  With `part` there must
 * be ids, but need not be titles, and an empty value gives nothing.  The csv
 * is borrowed. */
struct bl_kb_table *bl_kb_table_open(struct bl_csv *csv, bool part,
                                     size_t *line, struct bl_err *err);
void bl_kb_table_close(struct bl_kb_table *table);      /* NULL allowed */
bool bl_kb_table_has_ids(const struct bl_kb_table *table);

/* The next entity and its line: 1, 0 at the end, -1 with a record-level code,
 * after which reading may go on, or BL_SYSTEM.  Memory is the arena's or
 * borrowed until the next call.  in->unused has each column that is not stored
 * in the first row where it has a value. */
int bl_kb_table_next(struct bl_kb_table *table, struct bl_kb_input *in,
                     struct bl_arena *arena, size_t *line,
                     struct bl_err *err);

#endif
