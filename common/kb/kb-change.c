/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Slots that neither kb.c nor kb-build.c uses. */
enum { GET = BL_SQL_SLOTS - 3, PUT, ROWS };

enum { ROW_DIGITS = 10, SHORT_SUM = 16, MOST_ROW = 2000000000 };

static int damaged(struct bl_sql *conn, const char *key, const char *value,
                   struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "'%s' is damaged: its meta table says '%.80s'"
                   " of '%.80s'", conn->path, value, key);
}

/* A number of decimal digits, then what `end` says; NULL: it is none. */
static const char *take_number(const char *text, char end, int64_t *number)
{
    char *rest;

    if (*text < '0' || *text > '9')
        return NULL;
    *number = strtoll(text, &rest, 10);
    return *rest == end && *number < INT64_MAX ? rest + (end != '\0') : NULL;
}

/* 1 with the value in the arena, 0 absent, -1 failure. */
static int get(struct bl_sql *conn, const char *key, struct bl_arena *arena,
               struct bl_span *value, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(conn, GET,
        "SELECT value FROM meta WHERE key = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    rc = bl_sql_step(conn, st, err);
    if (rc == 1) {
        *value = bl_sql_column(st, 0, arena);
        sqlite3_reset(st);
        rc = value->p != NULL;
    }
    return rc;
}

static int put(struct bl_sql *conn, const char *key, const char *value,
               struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(conn, PUT,
        "INSERT OR REPLACE INTO meta VALUES(?1, ?2)", err);

    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    bl_sql_text(st, 2, bl_span_of(value));
    return bl_sql_step(conn, st, err);
}

/* A catalogue that never changed has no number. */
int bl_kb_change_last(struct bl_sql *conn, int64_t *number,
                      char fingerprint[BL_SHA256_HEX], struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span value = { "", 0 };
    int rc = get(conn, "change", &arena, &value, err);

    *number = 0;
    if (rc == 1 && !take_number(value.p, '\0', number))
        rc = damaged(conn, "change", value.p, err);
    if (rc >= 0)
        rc = get(conn, "fingerprint", &arena, &value, err);
    if (rc >= 0 && (rc == 0 || value.n >= BL_SHA256_HEX))
        rc = damaged(conn, "fingerprint", value.p, err);
    if (rc == 1)
        memcpy(fingerprint, value.p, value.n + 1);
    bl_arena_free(&arena);
    return rc < 0 ? -1 : 0;
}

/* What an embedding is made of, so that a change of the address alone makes no
 * vector out of date. */
static void sum_text(struct bl_span title, struct bl_span text,
                     char hex[BL_SHA256_HEX])
{
    unsigned char digest[BL_SHA256_SIZE];
    struct bl_sha256 sum;

    bl_sha256_init(&sum);
    bl_sha256_add(&sum, title.p, title.n);
    bl_sha256_add(&sum, "", 1);
    bl_sha256_add(&sum, text.p, text.n);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, SHORT_SUM, hex);
}

int bl_kb_change_row(struct bl_sql *conn, int64_t row, int64_t number,
                     struct bl_span title, struct bl_span text,
                     struct bl_err *err)
{
    char key[32], value[BL_SHA256_HEX + 32], hex[BL_SHA256_HEX] = "-";

    if (title.p)
        sum_text(title, text, hex);
    snprintf(key, sizeof key, "row:%0*lld", ROW_DIGITS, (long long)row);
    snprintf(value, sizeof value, "%lld %s", (long long)number, hex);
    return put(conn, key, value, err);
}

int bl_kb_change_state(struct bl_sql *conn, int64_t number,
                       const char *fingerprint, size_t rows,
                       struct bl_err *err)
{
    char *key = bl_xasprintf("state:%s", fingerprint);
    char was[64], now[32];
    int rc;

    snprintf(was, sizeof was, "%lld %zu", (long long)number - 1, rows);
    snprintf(now, sizeof now, "%lld", (long long)number);
    rc = put(conn, key, was, err);
    free(key);
    return rc < 0 ? -1 : put(conn, "change", now, err);
}

int bl_kb_change_find(struct bl_sql *conn, const char *fingerprint,
                      int64_t *number, int64_t *rows, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    char *key = bl_xasprintf("state:%s", fingerprint);
    struct bl_span value;
    int rc = get(conn, key, &arena, &value, err);

    if (rc == 1) {
        const char *rest = take_number(value.p, ' ', number);

        if (!rest || !take_number(rest, '\0', rows))
            rc = damaged(conn, key, value.p, err);
    }
    bl_arena_free(&arena);
    free(key);
    return rc;
}

/* ---- The entries of rows ---- */

int bl_kb_change_begin(struct bl_sql *conn, struct bl_err *err)
{
    return bl_sql_stmt(conn, ROWS, "SELECT key, value FROM meta WHERE "
                       "key >= 'row:' AND key < 'row;' ORDER BY key", err)
        ? 0 : -1;
}

/* A foreign file may have anything there: what is no row ends the walk. */
int bl_kb_change_next(struct bl_sql *conn, int64_t *row, int64_t *number,
                      bool *removed, struct bl_err *err)
{
    sqlite3_stmt *st = conn->stmt[ROWS];
    const char *key, *value, *rest;
    int rc = bl_sql_step(conn, st, err);

    if (rc != 1)
        return rc;
    key = (const char *)sqlite3_column_text(st, 0);
    value = (const char *)sqlite3_column_text(st, 1);
    if (key && value && strlen(key) == 4 + ROW_DIGITS
        && take_number(key + 4, '\0', row) && *row <= MOST_ROW
        && (rest = take_number(value, ' ', number))) {
        *removed = *rest == '-';
        return 1;
    }
    rc = damaged(conn, key ? key : "", value ? value : "", err);
    sqlite3_reset(st);
    return rc;
}

/* Adds the entries to the sum of the ids; leaves *hex as it is when there are
 * none. */
static int sum_rows(struct bl_sql *conn, char hex[BL_SHA256_HEX],
                    size_t *removed, struct bl_err *err)
{
    unsigned char digest[BL_SHA256_SIZE];
    struct bl_sha256 sum;
    sqlite3_stmt *st;
    int64_t row, number;
    bool any = false, gone;
    int rc;

    *removed = 0;
    if (bl_kb_change_begin(conn, err) < 0)
        return -1;
    st = conn->stmt[ROWS];
    bl_sha256_init(&sum);
    bl_sha256_add(&sum, hex, BL_SHA256_HEX - 1);
    while ((rc = bl_kb_change_next(conn, &row, &number, &gone, err)) == 1) {
        any = true;
        *removed += gone;
        bl_sha256_add(&sum, "\n", 1);
        bl_sha256_add(&sum, sqlite3_column_text(st, 0) + 4, ROW_DIGITS);
        bl_sha256_add(&sum, " ", 1);
        bl_sha256_add(&sum, sqlite3_column_text(st, 1),
                      (size_t)sqlite3_column_bytes(st, 1));
    }
    bl_sha256_end(&sum, digest);
    if (any)
        bl_sha256_hex(digest, sizeof digest, hex);
    return rc;
}

int bl_kb_change_sum(struct bl_sql *conn, char hex[BL_SHA256_HEX],
                     size_t *count, size_t *removed, struct bl_err *err)
{
    if (bl_sql_fingerprint(conn, hex, count, err) < 0)
        return -1;
    return sum_rows(conn, hex, removed, err);
}
