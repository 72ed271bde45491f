/* SPDX-License-Identifier: MIT */
/* fuzz-kb-values: a catalogue that SQLite finds whole and whose tables hold
 * anything: rows that are missing or doubled, values of another type, a full
 * text index of nonsense, trees that share pages.  The input is a list of
 * statements by their number in the table, each with its values. */
#include <sqlite3.h>

#include "catalogue.h"
#include "feed.h"

static const char *const statements[] = {
    "UPDATE meta SET value = ?1",
    "DELETE FROM meta WHERE key = ?1",
    "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
    "UPDATE OR IGNORE entity SET row = ?1 WHERE row = ?2",
    "UPDATE OR IGNORE entity SET id = ?1 WHERE row = ?2",
    "UPDATE OR IGNORE entity SET title = ?1, url = ?2",
    "UPDATE OR IGNORE entity SET text = ?1, qid = ?2, type = ?1",
    "INSERT OR IGNORE INTO entity VALUES(?1, ?2, ?1, ?2, ?1, ?2, ?1)",
    "DELETE FROM entity WHERE row = ?1",
    "INSERT OR REPLACE INTO alias VALUES(?1, ?2, 'paris', 0, ?1, ?2, ?1)",
    "INSERT OR REPLACE INTO alias VALUES(0, ?2, ?1, ?2, ?1, ?2, 'Paris')",
    "UPDATE alias SET weight = ?1, kind = ?2",
    "UPDATE alias SET name = ?1, surface = ?2",
    "DELETE FROM alias WHERE row = ?1",
    "UPDATE fts_data SET block = ?1 WHERE id = ?2",
    "UPDATE fts_data SET block = ?1 WHERE id > 10",
    "INSERT OR REPLACE INTO fts_data VALUES(?1, ?2)",
    "DELETE FROM fts_data WHERE id = ?1",
    "INSERT OR REPLACE INTO fts_idx VALUES(?1, ?2, ?1)",
    "UPDATE OR IGNORE fts_idx SET pgno = ?1, term = ?2",
    "UPDATE fts_docsize SET sz = ?1",
    "DELETE FROM fts_docsize WHERE id = ?1",
    "INSERT OR REPLACE INTO fts_config VALUES(?1, ?2)",
    "UPDATE fts_config SET v = ?1",
    "UPDATE sqlite_master SET rootpage = ?1 WHERE rootpage = ?2",
    "UPDATE sqlite_master SET sql = ?1 WHERE rootpage = ?2",
    "UPDATE sqlite_master SET name = ?1, tbl_name = ?2 WHERE rootpage = ?2",
    "UPDATE sqlite_master SET type = ?1 WHERE rootpage = ?2",
};

static void bind(struct feed *f, sqlite3_stmt *statement, int at)
{
    unsigned kind = feed_byte(f);
    struct bl_span text;

    switch (kind % 6) {
    case 0:
        sqlite3_bind_int64(statement, at, (int8_t)feed_byte(f));
        break;
    case 1:
        sqlite3_bind_int64(statement, at,
                           INT64_MAX >> feed_byte(f) % 64);
        break;
    case 2:
        sqlite3_bind_double(statement, at, (double)feed_float(f) * 1e9);
        break;
    case 3:
        break;
    default:
        text = feed_piece(f);
        if (kind % 6 == 4)
            sqlite3_bind_text64(statement, at, text.p, text.n, SQLITE_STATIC,
                                SQLITE_UTF8);
        else
            sqlite3_bind_blob64(statement, at, text.p, text.n,
                                SQLITE_STATIC);
        break;
    }
}

/* Statements that SQLite refuses change nothing. */
static void change(struct feed *f, const char *path)
{
    sqlite3_stmt *statement;
    sqlite3 *db;

    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA writable_schema = ON;"
                 "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
    for (size_t i = 0; f->n && i < 64; i++) {
        const char *sql = statements[feed_byte(f) % BL_COUNT(statements)];

        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
            bind(f, statement, 1);
            if (sqlite3_bind_parameter_count(statement) > 1)
                bind(f, statement, 2);
            sqlite3_step(statement);
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file_of("x.kb", catalogue_bytes());
    struct feed f = { data, size, 1 };

    change(&f, path);
    catalogue_use(path);
    feed_remove(path);
    return 0;
}
