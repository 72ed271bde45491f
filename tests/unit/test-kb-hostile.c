/* SPDX-License-Identifier: MIT */
/* Catalogues made to hang, to fill memory or to lie: each is refused, at once
 * and with a sentence; and one that shrinks while it is in use. */
#include "config.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kb/kb-build.h"
#include "tap.h"

enum { ENTITIES = 3000, PAGE = 4096 };

static struct bl_err err;
static struct bl_arena arena;

static void build(const char *path, bool fts)
{
    struct bl_kb_build_opts opts = { .fts = fts };
    struct bl_kb_builder *b = bl_kb_build_open(path, &opts, &err);
    struct bl_record record = { 0 };

    for (size_t i = 0; b && i < ENTITIES; i++) {
        char json[128];
        struct bl_kb_input in;

        snprintf(json, sizeof json, "{\"id\":\"p%zu\",\"title\":\"Paris\","
                 "\"aliases\":[\"Lutetia\",\"P%zu\"]}", i, i);
        if (bl_record_parse(&record, bl_span_of(json), i, &err) < 0
            || bl_kb_input_read(&in, &record, false, &arena, &err) < 0
            || bl_kb_build_add(b, &in, "f", i, &err) < 0)
            exit(99);
        bl_arena_reset(&arena);
    }
    bl_record_free(&record);
    if (!b || bl_kb_build_finish(b, &err) < 0)
        exit(99);
}

static void copy(const char *from, const char *to)
{
    struct bl_buf text = BL_BUF_INIT;
    FILE *f = fopen(to, "w");

    if (bl_file_read(from, 1 << 26, &text, &err) < 0 || !f
        || fwrite(text.data, 1, text.len, f) != text.len || fclose(f))
        exit(99);
    bl_buf_free(&text);
}

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    char *text = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK
        || sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK) {
        printf("# %s: %s\n", sql, text);
        exit(99);
    }
    sqlite3_close(db);
}

/* Counts that add up to more than a number holds. */
static void test_counts(void)
{
    struct bl_kb_names names;
    struct bl_kb *kb;

    copy("good.kb", "x.kb");
    change("x.kb", "UPDATE alias SET weight = 1 << 62 WHERE weight > 0");
    kb = bl_kb_open("x.kb", &err);
    ok(kb && bl_kb_lookup(kb, bl_span_of("lutetia"), 10, &arena, &names,
                          &err) < 0
       && err.code == BL_DATA && strstr(err.msg, "beyond all measure"),
       "counts that overflow: %s", err.msg);
    bl_kb_close(kb);
}

static void refused(const char *what, const char *said)
{
    struct bl_kb *kb;

    alarm(20);                          /* instead of a test that hangs */
    kb = bl_kb_open("x.kb", &err);
    ok(!kb && err.code == BL_DATA && strstr(err.msg, "x.kb")
       && strstr(err.msg, said), "%s: %s", what, kb ? "opened" : err.msg);
    bl_kb_close(kb);
    alarm(0);
}

#define ENDLESS "WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 " \
    "FROM c) SELECT "
#define AWAY(t) "ALTER TABLE " t " RENAME TO old_" t "; "

static const struct { const char *what, *sql, *said; } schemas[] = {
    { "endless meta", AWAY("meta") "CREATE VIEW meta AS " ENDLESS
      "x AS key, 'v' AS value FROM c", "meta' in it " },
    { "endless entities", AWAY("entity") "CREATE VIEW entity AS " ENDLESS
      "x AS row, 'i' || x AS id, 't' AS title, NULL AS url, NULL AS qid, "
      "NULL AS type, 'text' AS text FROM c", "' in it " },
    { "endless names", AWAY("alias") "CREATE VIEW alias AS " ENDLESS
      "0 AS row, x AS n, 'paris' AS name, 1 AS kind, 1 AS count, 1 AS weight, "
      "'Paris' AS surface FROM c", "' in it " },
    { "endless source of full text", "DROP VIEW fts_source; CREATE VIEW "
      "fts_source AS " ENDLESS "x AS row, '' AS title, '' AS text, '' AS "
      "aliases FROM c", "fts_source' in it has another definition" },
    { "a bomb in a text", AWAY("entity") "CREATE VIEW entity AS SELECT row, "
      "id, title, url, qid, type, hex(zeroblob(450000000)) AS text FROM "
      "old_entity", "' in it " },
    { "a computed column", "ALTER TABLE entity ADD COLUMN bomb AS "
      "(hex(zeroblob(450000000)))", "entity' in it has another definition" },
    { "a trigger", "CREATE TRIGGER t AFTER UPDATE ON entity BEGIN DELETE "
      "FROM meta; END", "'t' in it is not part of one" },
    { "an index on a computation", "CREATE INDEX i ON "
      "entity(hex(zeroblob(9)))", "'i' in it is not part of one" },
    { "a table of another name", "CREATE TABLE \xc3\xa9(x)",
      "'\xc3\xa9' in it is not part of one" },
    { "a column with a rule", "DROP TABLE meta; CREATE TABLE meta(key TEXT "
      "PRIMARY KEY, value TEXT COLLATE NOCASE) WITHOUT ROWID",
      "meta' in it has another definition" },
    { "no index", "DROP INDEX alias_name", "'alias_name' in it is missing" },
    { "four billion entities", "UPDATE entity SET row = 4294967280 WHERE row "
      "= (SELECT max(row) FROM entity); UPDATE meta SET value = '4294967281' "
      "WHERE key = 'count'", "it says that it has 4294967281 entities" },
    { "the last row there can be", "UPDATE entity SET row = "
      "9223372036854775807 WHERE row = (SELECT max(row) FROM entity)",
      "3000 entities expected, last row is 9223372036854775807" },
    { "no count", "DELETE FROM meta WHERE key = 'count'",
      "its meta table lacks 'count'" },
    { "a count below 0", "UPDATE meta SET value = '-1' WHERE key = 'count'",
      "its count is '-1'" },
};

static void test_schemas(void)
{
    for (size_t i = 0; i < BL_COUNT(schemas); i++) {
        copy("good.kb", "x.kb");
        change("x.kb", schemas[i].sql);
        refused(schemas[i].what, schemas[i].said);
    }
}

/* The number of the page where a table or index begins. */
static unsigned root_of(const char *name)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    unsigned root = 0;

    if (sqlite3_open("x.kb", &db) != SQLITE_OK
        || sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_master WHERE "
                              "name = ?1", -1, &st, NULL) != SQLITE_OK)
        exit(99);
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW)
        root = (unsigned)sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return root;
}

/* Makes each pointer of the root page lead to the last child, in copies of
 * which the whole tree then consists (sqlite.org/fileformat2.html, 1.6). */
static void point_to_one(const char *name)
{
    unsigned char page[PAGE];
    FILE *f = fopen("x.kb", "r+");
    long at = (long)(root_of(name) - 1) * PAGE;
    size_t cells;

    if (!f || fseek(f, at, SEEK_SET) || fread(page, 1, PAGE, f) != PAGE)
        exit(99);
    cells = (size_t)page[3] << 8 | page[4];
    ok((page[0] == 2 || page[0] == 5) && cells > 1, "%s has a tree", name);
    for (size_t i = 0; i < cells; i++)
        memcpy(page + ((size_t)page[12 + 2 * i] << 8 | page[13 + 2 * i]),
               page + 8, 4);
    if (fseek(f, at, SEEK_SET) || fwrite(page, 1, PAGE, f) != PAGE
        || fclose(f))
        exit(99);
}

static struct bl_kb *open_with(const char *name)
{
    struct bl_kb *kb;

    copy("good.kb", "x.kb");
    point_to_one(name);
    kb = bl_kb_open("x.kb", &err);
    if (!ok(kb != NULL, "one with twisted %s opens", name))
        exit(tap_done());
    return kb;
}

static void test_circles(void)
{
    struct bl_kb *kb = open_with("entity");
    struct bl_kb_names names;
    struct bl_entity e;
    int rc = bl_kb_walk(kb, 0, &err);

    while (rc >= 0 && (rc = bl_kb_next(kb, &arena, &e, &err)) == 1)
        bl_arena_reset(&arena);
    ok(rc < 0 && strstr(err.msg, "row 0 expected, row "), "%s", err.msg);
    bl_kb_close(kb);
    kb = open_with("entity_id");
    ok(bl_kb_check_count(kb, &err) < 0
       && strstr(err.msg, "3000 entities expected, "), "%s", err.msg);
    bl_kb_close(kb);
    kb = open_with("alias_name");
    ok(bl_kb_lookup(kb, bl_span_of("paris"), 10, &arena, &names, &err) < 0
       && strstr(err.msg, "not in their order"), "%s", err.msg);
    bl_kb_close(kb);
}

static void test_missing_row(void)
{
    struct bl_entity e;
    struct bl_kb *kb;
    int rc;

    copy("good.kb", "x.kb");
    change("x.kb", "DELETE FROM entity WHERE row = 7");
    kb = bl_kb_open("x.kb", &err);
    rc = kb ? bl_kb_walk(kb, 5, &err) : -1;
    while (rc >= 0 && (rc = bl_kb_next(kb, &arena, &e, &err)) == 1)
        ;
    ok(rc < 0 && strstr(err.msg, "row 7 expected, row 8 found"), "%s",
       err.msg);
    ok(kb && bl_kb_check_count(kb, &err) < 0, "the count says it too");
    bl_kb_close(kb);
}

/* A row without a title, which SQLite lets no honest program write. */
static void test_no_title(void)
{
    struct bl_entity e;
    struct bl_kb *kb;
    int64_t row;

    copy("good.kb", "x.kb");
    change("x.kb", "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql ="
           " replace(sql, 'title TEXT NOT NULL', 'title TEXT') WHERE name ="
           " 'entity'; PRAGMA writable_schema = RESET");
    change("x.kb", "UPDATE entity SET title = NULL WHERE row = 7");
    change("x.kb", "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql ="
           " replace(sql, 'title TEXT', 'title TEXT NOT NULL') WHERE name ="
           " 'entity'");
    kb = bl_kb_open("x.kb", &err);
    ok(kb && bl_kb_get_row(kb, 7, &arena, &e, &err) < 0
       && strstr(err.msg, "row 7 has no id, title or text"), "%s", err.msg);
    ok(kb && bl_kb_get(kb, bl_span_of("p7"), &arena, &e, &err) < 0
       && bl_kb_brief_row(kb, 7, &arena, &e, &err) < 0
       && bl_kb_row(kb, bl_span_of("p8"), &row, &err) == 1, "however asked");
    bl_kb_close(kb);
}

/* ---- Every page ---- */

/* What was refused is said to be the catalogue's fault. */
static bool sound(int rc)
{
    return rc >= 0 || (err.code == BL_DATA && strstr(err.msg, "x.kb"));
}

static int walk_all(struct bl_kb *kb)
{
    struct bl_entity e;
    int rc = bl_kb_walk(kb, 0, &err);

    while (rc >= 0 && (rc = bl_kb_next(kb, &arena, &e, &err)) == 1)
        ;
    return rc;
}

/* Every question that can be asked. */
static bool ask_all(struct bl_kb *kb)
{
    struct bl_span name = bl_span_of("paris"), out;
    struct bl_kb_spelling *spellings;
    struct bl_kb_alias *aliases;
    struct bl_kb_names names;
    struct bl_kb_since since;
    struct bl_kb_hit *hits;
    struct bl_entity e;
    int64_t *rows, row;
    size_t n;
    bool good = true;

    for (size_t i = 0; i < ENTITIES; i += 100) {
        char id[24];

        snprintf(id, sizeof id, "p%zu", i);
        good &= sound(bl_kb_get(kb, bl_span_of(id), &arena, &e, &err));
        good &= sound(bl_kb_row(kb, bl_span_of(id), &row, &err));
        good &= sound(bl_kb_brief_row(kb, (int64_t)i, &arena, &e, &err));
        good &= sound(bl_kb_aliases(kb, (int64_t)i, &arena, &aliases, &n,
                                    &err));
        good &= sound(bl_kb_lookup(kb, bl_span_of(id), 9, &arena, &names,
                                   &err));
        good &= sound(bl_kb_search(kb, bl_span_of(id), 9, &arena, &hits, &n,
                                   &err));
    }
    good &= sound(bl_kb_meta(kb, "source", &arena, &out, &err));
    good &= sound(bl_kb_initials(kb, name, 9, &arena, &rows, &n, &err));
    good &= sound(bl_kb_name_from(kb, name, &arena, &out, &err));
    good &= sound(bl_kb_spellings(kb, name, 9, &arena, &spellings, &n, &err));
    good &= sound(bl_kb_lookup(kb, name, 9, &arena, &names, &err));
    good &= sound(bl_kb_search(kb, bl_span_of("paris p7"), 9, &arena, &hits,
                               &n, &err));
    good &= sound(bl_kb_since(kb, bl_kb_fingerprint(kb), ENTITIES, &arena,
                              &since, &err));
    good &= sound(bl_kb_removed_rows(kb, &arena, &rows, &n, &err));
    good &= sound(walk_all(kb)) && sound(bl_kb_check_count(kb, &err));
    return good;
}

/* One page is overwritten; nothing else is. */
static void test_pages(void)
{
    size_t pages, bad = 0, unseen = 0;
    struct stat st;

    if (stat("good.kb", &st) < 0)
        exit(99);
    pages = (size_t)st.st_size / PAGE;
    for (size_t i = 1; i < pages; i++) {
        unsigned char page[PAGE];
        struct bl_kb *kb;
        int fd;

        memset(page, i % 2 ? 0xff : 0, sizeof page);
        copy("good.kb", "x.kb");
        fd = open("x.kb", O_WRONLY | O_CLOEXEC);
        if (pwrite(fd, page, PAGE, (off_t)i * PAGE) != PAGE || close(fd))
            exit(99);
        alarm(60);
        kb = bl_kb_open("x.kb", &err);
        bad += kb ? !ask_all(kb) : !sound(-1);
        unseen += kb && bl_kb_verify(kb, &err) == 0;
        bl_kb_close(kb);
        bl_arena_reset(&arena);
        alarm(0);
    }
    ok(pages > 50 && !bad, "each of %zu pages: answers, or a sentence", pages);
    ok(!unseen, "and verify sees each");
}

/* Weights that are no numbers. */
static void test_weights(const char *weight)
{
    char *sql = bl_xasprintf("UPDATE alias SET weight = %s", weight);
    struct bl_kb_names names;
    struct bl_kb *kb;

    copy("good.kb", "x.kb");
    change("x.kb", sql);
    kb = bl_kb_open("x.kb", &err);
    ok(kb && bl_kb_lookup(kb, bl_span_of("paris"), 10, &arena, &names, &err)
       < 0 && strstr(err.msg, "or have no weight"), "%s: %s", sql, err.msg);
    bl_kb_close(kb);
    free(sql);
}

/* The work of a child that has x.kb open while it becomes `size` bytes. */
static void shrunk(off_t size)
{
    struct bl_kb *kb = bl_kb_open("x.kb", &err);
    struct bl_entity e;
    int rc = 0;

    if (!kb || truncate("x.kb", size) < 0)
        _exit(98);
    for (int64_t row = 0; row < ENTITIES && rc >= 0; row++)
        rc = bl_kb_get_row(kb, row, &arena, &e, &err);
    if (rc >= 0)
        _exit(97);
    fprintf(stderr, "%s\n", err.msg);
    _exit(bl_code_exit(err.code));
}

static void test_shrinking(off_t size)
{
    char text[512] = "";
    int fds[2], status;
    pid_t pid;

    copy("good.kb", "x.kb");
    if (pipe(fds) < 0)
        exit(99);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], 2);
        shrunk(size);
    }
    close(fds[1]);
    waitpid(pid, &status, 0);
    if (read(fds[0], text, sizeof text - 1) > 0)
        text[strcspn(text, "\n")] = '\0';
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 4
       && strstr(text, "cannot read 'x.kb': the file became shorter"),
       "it shrinks to %d bytes: %s", (int)size, text);
    close(fds[0]);
}

int main(void)
{
    char folder[] = "/tmp/test-kb-hostile.XXXXXX";
    struct bl_kb_hit *hits;
    struct bl_kb *kb;
    size_t n;

    if (!mkdtemp(folder) || chdir(folder))
        return 99;
    build("good.kb", true);
    kb = bl_kb_open("good.kb", &err);
    ok(kb && bl_kb_check_count(kb, &err) == 0 && bl_kb_verify(kb, &err) == 0,
       "a good one: %s", err.msg);
    ok(kb && bl_kb_search(kb, bl_span_of("paris p7"), 5, &arena, &hits, &n,
                          &err) == 0 && n == 5, "is searched: %s", err.msg);
    bl_kb_close(kb);
    test_schemas();
    test_counts();
    test_circles();
    test_missing_row();
    test_no_title();
    test_pages();
    test_weights("'many'");
    test_weights("x'00'");
    test_weights("0.5");
    test_shrinking(0);
    test_shrinking(PAGE);
    test_shrinking(2 * PAGE);
    if (mkfifo("fifo", 0600))
        return 99;
    alarm(20);
    ok(!bl_kb_open("fifo", &err) && strstr(err.msg, "'fifo' is a pipe"),
       "a pipe: %s", err.msg);
    unlink("good.kb");
    unlink("x.kb");
    unlink("fifo");
    rmdir(folder);
    bl_arena_free(&arena);
    return tap_done();
}
