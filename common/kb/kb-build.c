/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "kb/kb-names.h"
#include "kb/kb-sql.h"
#include "base/mem.h"

/* Slots of the prepared statements. */
enum {
    PUT_ENTITY, PUT_NAME, PUT_FTS, PUT_META, FIND, CHANGE, DROP_NAMES,
    DROP_FTS, DUPLICATE, GET_META
};

/* Where rows from `row` on stood: line = row - first.row + first.line. */
struct segment {
    int64_t row;
    const char *file;
    size_t line;
};

struct bl_kb_builder {
    struct bl_sql q;
    struct bl_newfile *file;
    int lock;                           /* the old file of an update, or -1 */
    char *target;                       /* its path; NULL in a build */
    struct bl_kb_build_opts opts;
    bool replace;
    size_t rows, changed;
    struct segment *seg;                /* [n_seg], short: one a gap */
    size_t n_seg, cap_seg;
    struct bl_sha256 ids;               /* a build's fingerprint so far */
    struct bl_arena arena;              /* the names of one entity */
    struct bl_buf fold;
};

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE entity(row INTEGER PRIMARY KEY, id TEXT NOT NULL,"
    " title TEXT NOT NULL, url TEXT, qid TEXT, type TEXT,"
    " text TEXT NOT NULL);"
    "CREATE TABLE alias(row INTEGER NOT NULL, n INTEGER NOT NULL,"
    " name TEXT NOT NULL, kind INTEGER NOT NULL, count INTEGER,"
    " weight INTEGER NOT NULL, surface TEXT NOT NULL,"
    " PRIMARY KEY(row, n)) WITHOUT ROWID;";

static const char schema_fts[] =
    "CREATE VIEW fts_source AS SELECT row, title, text, (SELECT"
    " group_concat(surface, char(10)) FROM alias WHERE alias.row ="
    " entity.row AND kind & 7 = 2 ORDER BY n) AS aliases FROM entity;"
    "CREATE VIRTUAL TABLE fts USING fts5(title, text, aliases,"
    " content='fts_source', content_rowid='row',"
    " tokenize='unicode61 remove_diacritics 2');"
    "INSERT INTO fts(fts, rank) VALUES('automerge', 16);";

/* While a build fills it, FTS5 merges pieces (a MiB of memory each) as it
 * grows; at its default of four at a time that is half of its work.  Then the
 * default comes back, which is for what is added later. */
static const char settle_fts[] =
    "INSERT INTO fts(fts, rank) VALUES('automerge', 4);";

/* ---- One entity ---- */

static int insert_name(struct bl_kb_builder *b, int64_t row,
                       const struct bl_kb_naming *e, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&b->q, PUT_NAME,
        "INSERT INTO alias VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int(st, 2, e->n);
    bl_sql_text(st, 3, e->folded);
    sqlite3_bind_int(st, 4, e->kind);
    if (e->count >= 0)
        sqlite3_bind_int64(st, 5, e->count);
    else
        sqlite3_bind_null(st, 5);
    sqlite3_bind_int64(st, 6, e->weight);
    bl_sql_text(st, 7, e->surface);
    return bl_sql_step(&b->q, st, err);
}

static int insert_names(struct bl_kb_builder *b, int64_t row,
                        const struct bl_kb_input *in, struct bl_err *err)
{
    size_t n;
    struct bl_kb_naming *v = bl_kb_name_all(in, &b->fold, &b->arena, &n);
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = insert_name(b, row, &v[i], err);
    bl_arena_reset(&b->arena);
    return rc;
}

static int insert_fts(struct bl_kb_builder *b, int64_t row,
                      const struct bl_kb_input *in, struct bl_err *err)
{
    sqlite3_stmt *st;
    struct bl_buf names = BL_BUF_INIT;
    int rc;

    if (!b->opts.fts)
        return 0;
    st = bl_sql_stmt(&b->q, PUT_FTS, "INSERT INTO fts(rowid, title, text, "
                     "aliases) VALUES(?1, ?2, ?3, ?4)", err);
    if (!st)
        return -1;
    for (size_t i = 0; i < in->n_aliases; i++) {
        if (i)
            bl_buf_putc(&names, '\n');
        bl_buf_put_span(&names, in->aliases[i].surface);
    }
    sqlite3_bind_int64(st, 1, row);
    bl_sql_text(st, 2, in->title);
    bl_sql_text(st, 3, in->text);
    bl_sql_text(st, 4, (struct bl_span){ names.data, names.len });
    rc = bl_sql_step(&b->q, st, err);
    bl_buf_free(&names);
    return rc;
}

/* The same seven columns serve INSERT and UPDATE. */
static int put_entity(struct bl_kb_builder *b, sqlite3_stmt *st, int64_t row,
                      const struct bl_kb_input *in, struct bl_err *err)
{
    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    bl_sql_text(st, 2, in->id);
    bl_sql_text(st, 3, in->title);
    bl_sql_text(st, 4, in->url);
    bl_sql_text(st, 5, in->qid);
    bl_sql_text(st, 6, in->type);
    bl_sql_text(st, 7, in->text);
    if (bl_sql_step(&b->q, st, err) < 0
        || insert_names(b, row, in, err) < 0
        || insert_fts(b, row, in, err) < 0)
        return -1;
    b->changed++;
    return 0;
}

static int insert_entity(struct bl_kb_builder *b,
                         const struct bl_kb_input *in, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&b->q, PUT_ENTITY,
        "INSERT INTO entity VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

    if (put_entity(b, st, (int64_t)b->rows, in, err) < 0)
        return -1;
    b->rows++;
    return 0;
}

/* An external-content FTS5 table must be told the old text to forget it. */
static int drop_old(struct bl_kb_builder *b, int64_t row, struct bl_err *err)
{
    static const char fts[] = "INSERT INTO fts(fts, rowid, title, text, "
        "aliases) SELECT 'delete', row, title, text, aliases FROM fts_source "
        "WHERE row = ?1";
    static const char names[] = "DELETE FROM alias WHERE row = ?1";

    for (int i = !b->opts.fts; i < 2; i++) {
        sqlite3_stmt *st = bl_sql_stmt(&b->q, i ? DROP_NAMES : DROP_FTS,
                                       i ? names : fts, err);

        if (!st)
            return -1;
        sqlite3_bind_int64(st, 1, row);
        if (bl_sql_step(&b->q, st, err) < 0)
            return -1;
    }
    return 0;
}

static int update_entity(struct bl_kb_builder *b,
                         const struct bl_kb_input *in, const char *file,
                         size_t line, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&b->q, FIND,
        "SELECT row FROM entity WHERE id = ?1", err);
    int64_t row;
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, in->id);
    rc = bl_sql_step(&b->q, st, err);
    if (rc <= 0)
        return rc < 0 ? -1 : insert_entity(b, in, err);
    row = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (!b->replace)
        return bl_fail(err, BL_DATA, "%s:%zu: the id '%s' is in '%s' "
                       "already, at row %lld", file, line, in->id.p,
                       b->target, (long long)row);
    if (drop_old(b, row, err) < 0)
        return -1;
    st = bl_sql_stmt(&b->q, CHANGE, "UPDATE entity SET id = ?2, title = ?3, "
                     "url = ?4, qid = ?5, type = ?6, text = ?7 "
                     "WHERE row = ?1", err);
    return put_entity(b, st, row, in, err);
}

static void note_line(struct bl_kb_builder *b, const char *file, size_t line)
{
    struct segment *s = b->n_seg ? &b->seg[b->n_seg - 1] : NULL;

    if (s && s->file == file
        && line - s->line == (size_t)((int64_t)b->rows - s->row))
        return;
    BL_GROW(b->seg, b->n_seg + 1, b->cap_seg);
    b->seg[b->n_seg++] = (struct segment){ (int64_t)b->rows, file, line };
}

int bl_kb_build_add(struct bl_kb_builder *b, const struct bl_kb_input *in,
                    const char *file, size_t line, struct bl_err *err)
{
    if (b->target)
        return update_entity(b, in, file, line, err);
    note_line(b, file, line);
    bl_sha256_add(&b->ids, in->id.p, in->id.n);
    bl_sha256_add(&b->ids, "", 1);
    return insert_entity(b, in, err);
}

size_t bl_kb_build_count(const struct bl_kb_builder *b)
{
    return b->changed;
}

/* ---- Start ---- */

static int open_tables(struct bl_kb_builder *b, struct bl_err *err)
{
    const char *path = bl_newfile_path(b->file, err);

    return path ? bl_sql_open(&b->q, path, BL_SQL_NEW, err) : -1;
}

static int start_new(struct bl_kb_builder *b, struct bl_err *err)
{
    char *mark = bl_xasprintf("PRAGMA application_id=%d;"
                              "PRAGMA user_version=%d; BEGIN",
                              BL_KB_APPLICATION_ID, BL_KB_FORMAT);
    int rc = -1;

    if (bl_sql_exec(&b->q, mark, err) == 0
        && bl_sql_exec(&b->q, schema, err) == 0)
        rc = b->opts.fts ? bl_sql_exec(&b->q, schema_fts, err) : 0;
    free(mark);
    return rc;
}

struct bl_kb_builder *bl_kb_build_open(const char *path,
                                       const struct bl_kb_build_opts *opts,
                                       struct bl_err *err)
{
    struct bl_kb_builder *b = BL_NEW(struct bl_kb_builder);

    b->opts = *opts;
    b->lock = -1;
    bl_sha256_init(&b->ids);
    b->file = bl_newfile_open(path, 0, err);
    if (!b->file || open_tables(b, err) < 0 || start_new(b, err) < 0) {
        bl_kb_build_abort(b);
        return NULL;
    }
    return b;
}

/* Checks it as readers do, so that a damaged catalogue is refused. */
static int check_old(struct bl_kb_builder *b, struct bl_err *err)
{
    struct bl_kb *kb = bl_kb_open(b->target, err);

    if (!kb)
        return -1;
    b->opts.fts = bl_kb_has_fts(kb);
    bl_kb_close(kb);
    return 0;
}

/* Locks the file that the path names.  Whoever held the lock may have put a
 * new file in its place: then the new one is locked. */
static int lock_old(struct bl_kb_builder *b, struct bl_err *err)
{
    struct stat mine, now;

    for (;;) {
        b->lock = open(b->target, O_RDONLY | O_CLOEXEC);
        if (b->lock < 0 || flock(b->lock, LOCK_EX) < 0
            || fstat(b->lock, &mine) < 0 || stat(b->target, &now) < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot lock '%s'",
                                 b->target);
        if (mine.st_ino == now.st_ino && mine.st_dev == now.st_dev)
            return 0;
        close(b->lock);
    }
}

static int copy_old(struct bl_kb_builder *b, struct bl_err *err)
{
    enum { PIECE = 1 << 20 };
    char *piece = bl_xmalloc(PIECE, 1);
    ssize_t n;
    int rc = 0;

    do {
        n = read(b->lock, piece, PIECE);
        if (n > 0)
            rc = bl_newfile_write(b->file, piece, (size_t)n, err);
    } while (rc == 0 && (n > 0 || (n < 0 && errno == EINTR)));
    free(piece);
    if (n < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'", b->target);
    return rc;
}

static int start_update(struct bl_kb_builder *b, struct bl_err *err)
{
    if (check_old(b, err) < 0 || lock_old(b, err) < 0)
        return -1;
    b->file = bl_newfile_open(b->target, 0, err);
    if (!b->file || copy_old(b, err) < 0 || open_tables(b, err) < 0)
        return -1;
    return bl_sql_exec(&b->q, "BEGIN", err);
}

static int count_rows(struct bl_kb_builder *b, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&b->q, GET_META,
        "SELECT coalesce(max(row) + 1, 0) FROM entity", err);

    if (!st || bl_sql_step(&b->q, st, err) < 0)
        return -1;
    b->rows = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return 0;
}

struct bl_kb_builder *bl_kb_update_open(const char *path, bool replace,
                                        struct bl_err *err)
{
    struct bl_kb_builder *b = BL_NEW(struct bl_kb_builder);

    b->replace = replace;
    b->lock = -1;
    b->target = realpath(path, NULL);   /* a link stays a link */
    if (!b->target)
        b->target = bl_xstrdup(path);
    if (start_update(b, err) < 0 || count_rows(b, err) < 0) {
        bl_kb_build_abort(b);
        return NULL;
    }
    return b;
}

/* ---- End ---- */

static int put_meta(struct bl_kb_builder *b, const char *key,
                    const char *value, struct bl_err *err)
{
    sqlite3_stmt *st;

    if (!value)
        return 0;
    st = bl_sql_stmt(&b->q, PUT_META,
                     "INSERT OR REPLACE INTO meta VALUES(?1, ?2)", err);
    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    bl_sql_text(st, 2, bl_span_of(value));
    return bl_sql_step(&b->q, st, err);
}

/* UTC, "2026-01-31T12:00:00Z"; SOURCE_DATE_EPOCH makes builds repeatable. */
static void timestamp(char out[32])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t now = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    struct tm tm;

    if (!gmtime_r(&now, &tm)
        || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
        out[0] = '\0';
}

static int put_sums(struct bl_kb_builder *b, const char *fingerprint,
                    struct bl_err *err)
{
    char *count = bl_xasprintf("%zu", b->rows);
    int rc = -1;

    if (put_meta(b, "count", count, err) == 0
        && put_meta(b, "fingerprint", fingerprint, err) == 0)
        rc = 0;
    free(count);
    return rc;
}

static int put_all_meta(struct bl_kb_builder *b, struct bl_err *err)
{
    unsigned char digest[BL_SHA256_SIZE];
    char hex[BL_SHA256_HEX], when[32];

    timestamp(when);
    bl_sha256_end(&b->ids, digest);
    bl_sha256_hex(digest, sizeof digest, hex);
    if (put_sums(b, hex, err) < 0 || put_meta(b, "format", "1", err) < 0
        || put_meta(b, "fts", b->opts.fts ? "1" : "0", err) < 0
        || put_meta(b, "attribution", b->opts.attribution, err) < 0
        || put_meta(b, "licence", b->opts.licence, err) < 0
        || put_meta(b, "source", b->opts.source, err) < 0)
        return -1;
    return put_meta(b, "created", when, err);
}

static struct segment place_of(const struct bl_kb_builder *b, int64_t row)
{
    size_t i = b->n_seg;

    while (i > 1 && b->seg[i - 1].row > row)
        i--;
    return (struct segment){ row, b->seg[i - 1].file,
        b->seg[i - 1].line + (size_t)(row - b->seg[i - 1].row) };
}

/* The index on ids could not be made unique: says which two lines. */
static int fail_duplicate(struct bl_kb_builder *b, struct bl_err *err)
{
    struct bl_arena a = BL_ARENA_INIT;
    struct segment one, two;
    sqlite3_stmt *st = bl_sql_stmt(&b->q, DUPLICATE,
        "SELECT id, before, row FROM (SELECT id, row, lag(row) OVER "
        "(PARTITION BY id ORDER BY row) AS before FROM entity) "
        "WHERE before IS NOT NULL ORDER BY row LIMIT 1", err);

    if (!st || bl_sql_step(&b->q, st, err) != 1)
        return -1;
    one = place_of(b, sqlite3_column_int64(st, 1));
    two = place_of(b, sqlite3_column_int64(st, 2));
    bl_fail(err, BL_DATA, "%s:%zu: the id '%s' was given before, at %s:%zu",
            two.file, two.line, bl_sql_column(st, 0, &a).p, one.file,
            one.line);
    sqlite3_reset(st);
    bl_arena_free(&a);
    return -1;
}

static int make_indexes(struct bl_kb_builder *b, struct bl_err *err)
{
    static const char unique[] = "CREATE UNIQUE INDEX entity_id ON entity(id)";
    static const char names[] = "CREATE INDEX alias_name ON "
        "alias(name, weight DESC, row, kind)";

    if (sqlite3_exec(b->q.db, unique, NULL, NULL, NULL) != SQLITE_OK) {
        if ((sqlite3_errcode(b->q.db) & 0xff) != SQLITE_CONSTRAINT)
            return bl_sql_fail(&b->q, err);
        return fail_duplicate(b, err);
    }
    return bl_sql_exec(&b->q, names, err);
}

static int complete_new(struct bl_kb_builder *b, struct bl_err *err)
{
    if (make_indexes(b, err) < 0
        || (b->opts.fts && bl_sql_exec(&b->q, settle_fts, err) < 0))
        return -1;
    return put_all_meta(b, err);
}

static int complete_update(struct bl_kb_builder *b, struct bl_err *err)
{
    char hex[BL_SHA256_HEX];

    if (bl_sql_fingerprint(&b->q, hex, &b->rows, err) < 0)
        return -1;
    return put_sums(b, hex, err);
}

int bl_kb_build_finish(struct bl_kb_builder *b, struct bl_err *err)
{
    int rc = b->target ? complete_update(b, err) : complete_new(b, err);
    struct bl_newfile *file = b->file;

    if (rc == 0)
        rc = bl_sql_exec(&b->q, "COMMIT", err);
    if (rc == 0) {
        bl_sql_close(&b->q);
        b->file = NULL;
        rc = bl_newfile_commit(file, err);
    }
    bl_kb_build_abort(b);
    return rc;
}

void bl_kb_build_abort(struct bl_kb_builder *b)
{
    if (!b)
        return;
    bl_sql_close(&b->q);
    if (b->file)
        bl_newfile_abort(b->file);
    if (b->lock >= 0)
        close(b->lock);
    free(b->target);
    bl_arena_free(&b->arena);
    bl_buf_free(&b->fold);
    free(b->seg);
    free(b);
}
