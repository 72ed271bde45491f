/* SPDX-License-Identifier: MIT */
/*
 * kb-sql: the few lines between the catalogue and SQLite.  Only kb*.c use
 * this.
 *
 *     struct bl_sql conn = { 0 };
 *     if (bl_sql_open(&conn, path, NULL, BL_SQL_READ, &err) < 0) ...
 *     sqlite3_stmt *st = bl_sql_stmt(&conn, 3, "SELECT ...", &err);
 *     ... bl_sql_step(&conn, st, &err) ...
 *     bl_sql_close(&conn);
 *
 * Statements are prepared once per slot and kept.  The struct owns them, the
 * connection and the path.
 */
#ifndef BL_KB_SQL_H
#define BL_KB_SQL_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/sha256.h"

enum { BL_SQL_SLOTS = 32 };

enum bl_sql_mode {
    BL_SQL_READ,                /* an existing catalogue, read-only */
    BL_SQL_NEW                  /* a file of our own that nobody else has */
};

struct bl_sql {
    sqlite3 *db;
    char *path;                 /* as messages call it */
    char *file;                 /* where it is, while it is made */
    sqlite3_stmt *stmt[BL_SQL_SLOTS];
    enum bl_sql_mode mode;
    uint64_t size;              /* of the file */
    uint64_t ticks;             /* of work since a statement was last begun */
    struct bl_map map;          /* SQLite's; data == NULL: it has none */
};

/* Opens the file at `path`; messages call one that is being made by `name`,
 * which it has not got yet (NULL: by its path).  On failure *conn is closed,
 * else it must stay where it is.  Catalogues are only ever replaced whole, so
 * reading takes no locks: they would cost more than the lookups.  A file that
 * others made is bounded: no statement works longer than its size warrants, no
 * value is longer than the file, and one that shrinks ends the process with
 * status 4 as any mapped file does (file.h). */
int bl_sql_open(struct bl_sql *conn, const char *path, const char *name,
                enum bl_sql_mode mode, struct bl_err *err);
void bl_sql_close(struct bl_sql *conn);

/* Runs statements that yield no rows. */
int bl_sql_exec(struct bl_sql *conn, const char *sql, struct bl_err *err);

/* The statement of a slot, reset and ready to bind; NULL on failure. */
sqlite3_stmt *bl_sql_stmt(struct bl_sql *conn, unsigned slot, const char *sql,
                          struct bl_err *err);

/* 1 a row, 0 done, -1 failure.  The statement is reset unless 1. */
int bl_sql_step(struct bl_sql *conn, sqlite3_stmt *st, struct bl_err *err);

/* Binds text that stays where it is until the statement is reset; NULL when
 * text.p is NULL. */
void bl_sql_text(sqlite3_stmt *st, int index, struct bl_span text);

/* A column as NUL-terminated text in the arena; p == NULL for NULL. */
struct bl_span bl_sql_column(sqlite3_stmt *st, int index,
                             struct bl_arena *arena);

/* The fingerprint: sha256 over every id, each followed by a NUL byte, in row
 * order; *count is set to the number of rows.  A row that is not the next
 * number is BL_DATA. */
int bl_sql_fingerprint(struct bl_sql *conn, char hex[BL_SHA256_HEX],
                       size_t *count, struct bl_err *err);

/* -1 with *err for the last failure of the connection: BL_DATA when the file
 * is at fault, BL_SYSTEM when disk, descriptors or locks are. */
int bl_sql_fail(struct bl_sql *conn, struct bl_err *err);

#endif
