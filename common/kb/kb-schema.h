/* SPDX-License-Identifier: MIT */
/*
 * kb-schema: the tables of a catalogue, for kb-build.c, which makes them, and
 * for all who open one.  Only kb*.c use this.
 *
 * A catalogue comes from strangers, and SQL can be hidden in a schema: a view
 * in the place of a table, a column that is computed, a trigger.  So the
 * schema must be, byte for byte, what kb-build.c writes.
 */
#ifndef BL_KB_SCHEMA_H
#define BL_KB_SCHEMA_H

#include "kb/kb-sql.h"

/* Creates the tables of an empty catalogue, with `fts` the full text too. */
int bl_kb_make_tables(struct bl_sql *conn, bool fts, struct bl_err *err);

/* What the indexes of the tables are made with, once all rows are in. */
extern const char bl_kb_index_ids[], bl_kb_index_names[];

/* BL_DATA unless the schema holds what a catalogue has and nothing else;
 * *fts is set to whether there is full text. */
int bl_kb_check_schema(struct bl_sql *conn, bool *fts, struct bl_err *err);

#endif
