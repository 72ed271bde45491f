/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-schema.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

const char bl_kb_index_ids[] =
    "CREATE UNIQUE INDEX entity_id ON entity(id)";
const char bl_kb_index_names[] =
    "CREATE INDEX alias_name ON alias(name, weight DESC, row, kind)";

/* In the order in which they are made.  FTS5 makes the last four itself: their
 * texts have been the same in every release since the first. */
static const struct object {
    const char *name, *sql;
    bool fts, own;              /* of the full text; made by kb-build */
} objects[] = {
    { "meta", "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT)"
      " WITHOUT ROWID", false, true },
    { "entity", "CREATE TABLE entity(row INTEGER PRIMARY KEY,"
      " id TEXT NOT NULL, title TEXT NOT NULL, url TEXT, qid TEXT, type TEXT,"
      " text TEXT NOT NULL)", false, true },
    { "alias", "CREATE TABLE alias(row INTEGER NOT NULL, n INTEGER NOT NULL,"
      " name TEXT NOT NULL, kind INTEGER NOT NULL, count INTEGER,"
      " weight INTEGER NOT NULL, surface TEXT NOT NULL,"
      " PRIMARY KEY(row, n)) WITHOUT ROWID", false, true },
    { "fts_source", "CREATE VIEW fts_source AS SELECT row, title, text,"
      " (SELECT group_concat(surface, char(10)) FROM alias WHERE alias.row ="
      " entity.row AND kind & 7 = 2 ORDER BY n) AS aliases FROM entity",
      true, true },
    { "fts", "CREATE VIRTUAL TABLE fts USING fts5(title, text, aliases,"
      " content='fts_source', content_rowid='row',"
      " tokenize='unicode61 remove_diacritics 2')", true, true },
    { "entity_id", bl_kb_index_ids, false, false },
    { "alias_name", bl_kb_index_names, false, false },
    { "fts_data", "CREATE TABLE 'fts_data'(id INTEGER PRIMARY KEY,"
      " block BLOB)", true, false },
    { "fts_idx", "CREATE TABLE 'fts_idx'(segid, term, pgno,"
      " PRIMARY KEY(segid, term)) WITHOUT ROWID", true, false },
    { "fts_docsize", "CREATE TABLE 'fts_docsize'(id INTEGER PRIMARY KEY,"
      " sz BLOB)", true, false },
    { "fts_config", "CREATE TABLE 'fts_config'(k PRIMARY KEY, v)"
      " WITHOUT ROWID", true, false },
};
enum { N_OBJECTS = BL_COUNT(objects) };

int bl_kb_make_tables(struct bl_sql *conn, bool fts, struct bl_err *err)
{
    for (size_t i = 0; i < N_OBJECTS; i++)
        if (objects[i].own && (fts || !objects[i].fts)
            && bl_sql_exec(conn, objects[i].sql, err) < 0)
            return -1;
    return 0;
}

static size_t object_of(struct bl_span name)
{
    size_t i = 0;

    while (i < N_OBJECTS && !bl_span_is(name, objects[i].name))
        i++;
    return i;
}

static int strange(struct bl_sql *conn, struct bl_span name, const char *what,
                   struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "'%s' is not a catalogue as blink-kb makes "
                   "them: '%.*s' in it %s; build it again from its entities, "
                   "see blink-kb(1)", conn->path,
                   (int)bl_utf8_cut(name.p, name.n, 60), name.p, what);
}

/* One row of the schema.  The text says whether it is a table or a view; what
 * SQLite calls it is not asked, because it goes by the text. */
static int check_object(struct bl_sql *conn, sqlite3_stmt *st,
                        bool seen[N_OBJECTS], struct bl_arena *arena,
                        struct bl_err *err)
{
    struct bl_span name = bl_sql_column(st, 0, arena);
    struct bl_span sql = bl_sql_column(st, 1, arena);
    size_t i = object_of(name);

    if (!name.p)
        name = BL_SPAN_LIT("");
    if (i == N_OBJECTS)
        return strange(conn, name, "is not part of one", err);
    if (!bl_span_is(sql, objects[i].sql))
        return strange(conn, name, "has another definition", err);
    if (seen[i])
        return strange(conn, name, "is there twice", err);
    seen[i] = true;
    return 0;
}

int bl_kb_check_schema(struct bl_sql *conn, bool *fts, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    bool seen[N_OBJECTS] = { false };
    sqlite3_stmt *st;
    int rc = -1;

    if (sqlite3_prepare_v2(conn->db, "SELECT name, sql FROM sqlite_master",
                           -1, &st, NULL) != SQLITE_OK)
        return bl_sql_fail(conn, err);
    while ((rc = bl_sql_step(conn, st, err)) == 1
           && (rc = check_object(conn, st, seen, &arena, err)) == 0)
        ;
    sqlite3_finalize(st);
    *fts = seen[object_of(BL_SPAN_LIT("fts"))];
    for (size_t i = 0; i < N_OBJECTS && rc == 0; i++)
        if (!seen[i] && (*fts || !objects[i].fts))
            rc = strange(conn, bl_span_of(objects[i].name), "is missing",
                         err);
    bl_arena_free(&arena);
    return rc;
}
