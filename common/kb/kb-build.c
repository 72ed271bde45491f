/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-build.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "kb/kb-change.h"
#include "kb/kb-names.h"
#include "kb/kb-schema.h"

/* Slots of the prepared statements. */
enum {
    PUT_ENTITY, PUT_NAME, PUT_FTS, PUT_META, FIND, CHANGE, DROP_NAMES,
    DROP_FTS, DUPLICATE, GET_META, GET_OLD, GET_ALIASES
};

/* Rows from `row` on came from lines in a row: `line` of the file and those
 * after it. */
struct segment {
    int64_t row;
    const char *file;
    size_t line;
};

struct bl_kb_builder {
    struct bl_sql conn;
    struct bl_newfile *file;
    int lock;                           /* the old file of an update, or -1 */
    char *target;                       /* its path; NULL in a build */
    struct bl_kb_build_opts opts;
    char *site;                         /* in place of the option's; NULL */
    bool replace;
    int64_t change;                     /* number of this update */
    char was[BL_SHA256_HEX];            /* fingerprint before it */
    size_t rows, rows_were, changed;
    struct segment *seg;                /* [n_seg], one more at each gap */
    size_t n_seg, cap_seg;
    struct bl_sha256 ids;               /* a build's fingerprint so far */
    struct bl_arena arena;              /* the names of one entity */
    struct bl_buf fold;
};

/* While a build fills it, FTS5 merges pieces (a MiB of memory each) as it
 * grows; at its default of four at a time that is half of its work.  Then the
 * default comes back, which is for what is added later. */
static const char start_fts[] =
    "INSERT INTO fts(fts, rank) VALUES('automerge', 16);";
static const char settle_fts[] =
    "INSERT INTO fts(fts, rank) VALUES('automerge', 4);";

/* ---- One entity ---- */

static int insert_name(struct bl_kb_builder *builder, int64_t row,
                       const struct bl_kb_naming *name, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, PUT_NAME,
        "INSERT INTO alias VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int(st, 2, name->n);
    bl_sql_text(st, 3, name->folded);
    sqlite3_bind_int(st, 4, name->kind);
    if (name->count >= 0)
        sqlite3_bind_int64(st, 5, name->count);
    else
        sqlite3_bind_null(st, 5);
    sqlite3_bind_int64(st, 6, name->weight);
    bl_sql_text(st, 7, name->surface);
    return bl_sql_step(&builder->conn, st, err);
}

static int insert_names(struct bl_kb_builder *builder, int64_t row,
                        const struct bl_kb_input *in, struct bl_err *err)
{
    size_t n_names;
    struct bl_kb_naming *names = bl_kb_name_all(in, &builder->fold,
                                                &builder->arena, &n_names);
    int rc = 0;

    for (size_t i = 0; i < n_names && rc == 0; i++)
        rc = insert_name(builder, row, &names[i], err);
    bl_arena_reset(&builder->arena);
    return rc;
}

/* The table fts keeps no copy of the texts (content='fts_source').  What is
 * put in must be what that view yields for the row: aliases in their order
 * with newlines between, NULL where there are none.  Otherwise the 'delete' of
 * drop_old() would name other words, and the words indexed here would stay. */
static int insert_fts(struct bl_kb_builder *builder, int64_t row,
                      const struct bl_kb_input *in, struct bl_err *err)
{
    sqlite3_stmt *st;
    struct bl_buf names = BL_BUF_INIT;
    int rc;

    if (!builder->opts.fts)
        return 0;
    st = bl_sql_stmt(&builder->conn, PUT_FTS,
                     "INSERT INTO fts(rowid, title, text, aliases) "
                     "VALUES(?1, ?2, ?3, ?4)", err);
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
    rc = bl_sql_step(&builder->conn, st, err);
    bl_buf_free(&names);
    return rc;
}

/* The same seven columns serve INSERT and UPDATE.  An entity without a title
 * is one that is removed, which has no names. */
static int put_entity(struct bl_kb_builder *builder, sqlite3_stmt *st,
                      int64_t row, const struct bl_kb_input *in,
                      struct bl_err *err)
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
    if (bl_sql_step(&builder->conn, st, err) < 0
        || (in->title.n && insert_names(builder, row, in, err) < 0)
        || insert_fts(builder, row, in, err) < 0)
        return -1;
    builder->changed++;
    return 0;
}

static int insert_entity(struct bl_kb_builder *builder,
                         const struct bl_kb_input *in, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, PUT_ENTITY,
        "INSERT INTO entity VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

    if (put_entity(builder, st, (int64_t)builder->rows, in, err) < 0)
        return -1;
    builder->rows++;
    return 0;
}

/* An FTS5 table with external content does not know the old text and must be
 * told it to forget it; so this comes before the row changes. */
static int drop_old(struct bl_kb_builder *builder, int64_t row,
                    struct bl_err *err)
{
    static const char fts[] = "INSERT INTO fts(fts, rowid, title, text, "
        "aliases) SELECT 'delete', row, title, text, aliases FROM fts_source "
        "WHERE row = ?1";
    static const char names[] = "DELETE FROM alias WHERE row = ?1";

    for (int i = !builder->opts.fts; i < 2; i++) {
        sqlite3_stmt *st = bl_sql_stmt(&builder->conn,
                                       i ? DROP_NAMES : DROP_FTS,
                                       i ? names : fts, err);

        if (!st)
            return -1;
        sqlite3_bind_int64(st, 1, row);
        if (bl_sql_step(&builder->conn, st, err) < 0)
            return -1;
    }
    return 0;
}

/* The row of an id. */
struct place {
    int64_t row;
    bool removed;               /* nothing but the id is left */
    bool same;                  /* title and text are those that were given */
};

static bool column_is(sqlite3_stmt *st, int column, struct bl_span text)
{
    const char *have = (const char *)sqlite3_column_text(st, column);

    return have && (size_t)sqlite3_column_bytes(st, column) == text.n
        && !memcmp(have, text.p, text.n);
}

/* 1 found, 0 no such id, -1 failure. */
static int find_place(struct bl_kb_builder *builder,
                      const struct bl_kb_input *in, struct place *place,
                      struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, FIND,
        "SELECT row, title, text FROM entity WHERE id = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, in->id);
    rc = bl_sql_step(&builder->conn, st, err);
    if (rc != 1)
        return rc;
    place->row = sqlite3_column_int64(st, 0);
    place->removed = column_is(st, 1, BL_SPAN_LIT(""));
    place->same = column_is(st, 1, in->title) && column_is(st, 2, in->text);
    sqlite3_reset(st);
    return 1;
}

/* Indexes refer to rows, so an entity keeps its own, whatever becomes of
 * it. */
static int replace_entity(struct bl_kb_builder *builder,
                          const struct place *place,
                          const struct bl_kb_input *in, struct bl_err *err)
{
    static const struct bl_span none = { NULL, 0 };
    sqlite3_stmt *st;

    if (drop_old(builder, place->row, err) < 0)
        return -1;
    st = bl_sql_stmt(&builder->conn, CHANGE,
                     "UPDATE entity SET id = ?2, title = ?3, url = ?4, "
                     "qid = ?5, type = ?6, text = ?7 WHERE row = ?1", err);
    if (put_entity(builder, st, place->row, in, err) < 0)
        return -1;
    return place->same ? 0 : bl_kb_change_row(&builder->conn, place->row,
                                              builder->change,
                                              in->title.n ? in->title : none,
                                              in->text, err);
}

/* A new id gets the next row; rows stay 0 to count - 1. */
static int update_entity(struct bl_kb_builder *builder,
                         const struct bl_kb_input *in, const char *file,
                         size_t line, struct bl_err *err)
{
    struct place place;
    int rc = find_place(builder, in, &place, err);

    if (rc <= 0)
        return rc < 0 ? -1 : insert_entity(builder, in, err);
    if (!builder->replace && !place.removed)
        return bl_fail(err, BL_DATA, "%s:%zu: the id '%s' is in '%s' "
                       "already, at row %lld", file, line, in->id.p,
                       builder->target, (long long)place.row);
    return replace_entity(builder, &place, in, err);
}

/* What the catalogue has under in->id; 1 found, 0 there is none. */
static int read_old(struct bl_kb_builder *builder, struct bl_kb_input *in,
                    struct bl_arena *arena, struct bl_err *err)
{
    struct bl_kb_alias *v = NULL;
    size_t cap = 0;
    int64_t row;
    int rc;
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, GET_OLD,
        "SELECT row, title, text, url, qid, type FROM entity WHERE id = ?1 "
        "AND title > ''", err);

    if (!st)
        return -1;
    bl_sql_text(st, 1, in->id);
    rc = bl_sql_step(&builder->conn, st, err);
    if (rc != 1)
        return rc;
    row = sqlite3_column_int64(st, 0);
    in->title = bl_sql_column(st, 1, arena);
    in->text = bl_sql_column(st, 2, arena);
    in->url = bl_sql_column(st, 3, arena);
    in->qid = bl_sql_column(st, 4, arena);
    in->type = bl_sql_column(st, 5, arena);
    sqlite3_reset(st);
    st = bl_sql_stmt(&builder->conn, GET_ALIASES,
        "SELECT surface, coalesce(count, -1) FROM alias WHERE row = ?1 "
        "AND kind & 7 = 2 ORDER BY n", err);
    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    while ((rc = bl_sql_step(&builder->conn, st, err)) == 1) {
        BL_GROW(v, in->n_aliases + 1, cap);
        v[in->n_aliases++] = (struct bl_kb_alias){
            bl_sql_column(st, 0, arena), sqlite3_column_int64(st, 1) };
    }
    in->aliases = bl_arena_alloc(arena, in->n_aliases, sizeof *v);
    if (in->n_aliases)
        memcpy(in->aliases, v, in->n_aliases * sizeof *v);
    free(v);
    return rc < 0 ? -1 : 1;
}

/* The codes of records, so that --errors drop may leave the line out. */
static int no_entity(const struct bl_kb_builder *builder, struct bl_span id,
                     struct bl_err *err)
{
    return bl_fail(err, BL_BAD_FIELD, "no entity '%.*s' in '%s'",
                   (int)bl_utf8_cut(id.p, id.n, 64), id.p, builder->target);
}

/* Aliases that were read include those that counts were given to before, so
 * that they stay as they are. */
int bl_kb_build_change(struct bl_kb_builder *builder, struct bl_kb_input *in,
                       struct bl_arena *arena, struct bl_err *err)
{
    struct bl_kb_input old = { .id = in->id, .text = { "", 0 } };
    struct place place;
    int rc;

    BL_ASSERT(builder->target);
    rc = read_old(builder, &old, arena, err);
    if (rc != 1)
        return rc < 0 ? -1 : no_entity(builder, in->id, err);
    if (!(in->given & BL_KB_GIVES_TITLE))
        in->title = old.title;
    if (!(in->given & BL_KB_GIVES_TEXT))
        in->text = old.text;
    if (!(in->given & BL_KB_GIVES_URL))
        in->url = old.url;
    if (!(in->given & BL_KB_GIVES_QID))
        in->qid = old.qid;
    if (!(in->given & BL_KB_GIVES_TYPE))
        in->type = old.type;
    if (!(in->given & BL_KB_GIVES_ALIASES)) {
        in->aliases = old.aliases;
        in->n_aliases = old.n_aliases;
    }
    rc = find_place(builder, in, &place, err);
    return rc < 0 ? -1 : replace_entity(builder, &place, in, err);
}

int bl_kb_build_remove(struct bl_kb_builder *builder, struct bl_span id,
                       struct bl_err *err)
{
    struct bl_kb_input in = { .id = id, .title = { "", 0 },
                              .text = { "", 0 } };
    struct place place = { .removed = false };
    int rc = find_place(builder, &in, &place, err);

    BL_ASSERT(builder->target);
    if (rc == 0 || place.removed)
        return no_entity(builder, id, err);
    return rc < 0 ? -1 : replace_entity(builder, &place, &in, err);
}

/* Lines that follow each other belong to one segment, so the table has an
 * entry for each gap (a blank or a bad line) or file, not for each entity. */
static void note_line(struct bl_kb_builder *builder, const char *file,
                      size_t line)
{
    struct segment *last = builder->n_seg ? &builder->seg[builder->n_seg - 1]
                                          : NULL;

    if (last && last->file == file
        && line - last->line == (size_t)((int64_t)builder->rows - last->row))
        return;
    BL_GROW(builder->seg, builder->n_seg + 1, builder->cap_seg);
    builder->seg[builder->n_seg++] =
        (struct segment){ (int64_t)builder->rows, file, line };
}

int bl_kb_build_add(struct bl_kb_builder *builder,
                    const struct bl_kb_input *in, const char *file,
                    size_t line, struct bl_err *err)
{
    if (builder->target)
        return update_entity(builder, in, file, line, err);
    note_line(builder, file, line);
    bl_sha256_add(&builder->ids, in->id.p, in->id.n);
    bl_sha256_add(&builder->ids, "", 1);
    return insert_entity(builder, in, err);
}

size_t bl_kb_build_count(const struct bl_kb_builder *builder)
{
    return builder->changed;
}

/* ---- Start ---- */

static int open_tables(struct bl_kb_builder *builder, const char *name,
                       struct bl_err *err)
{
    const char *path = bl_newfile_path(builder->file, err);

    return path ? bl_sql_open(&builder->conn, path, name, BL_SQL_NEW, err)
                : -1;
}

static int start_new(struct bl_kb_builder *builder, struct bl_err *err)
{
    char *mark = bl_xasprintf("PRAGMA application_id=%d;"
                              "PRAGMA user_version=%d; BEGIN",
                              BL_KB_APPLICATION_ID, BL_KB_FORMAT);
    int rc = -1;

    if (bl_sql_exec(&builder->conn, mark, err) == 0
        && bl_kb_make_tables(&builder->conn, builder->opts.fts, err) == 0)
        rc = builder->opts.fts ? bl_sql_exec(&builder->conn, start_fts, err)
                               : 0;
    free(mark);
    return rc;
}

struct bl_kb_builder *bl_kb_build_open(const char *path,
                                       const struct bl_kb_build_opts *opts,
                                       struct bl_err *err)
{
    struct bl_kb_builder *builder = BL_NEW(struct bl_kb_builder);

    builder->opts = *opts;
    builder->lock = -1;
    bl_sha256_init(&builder->ids);
    builder->file = bl_newfile_open(path, 0, err);
    if (!builder->file || open_tables(builder, path, err) < 0
        || start_new(builder, err) < 0) {
        bl_kb_build_abort(builder);
        return NULL;
    }
    return builder;
}

/* Opens the old catalogue as readers do, so that a damaged one is refused. */
static int check_old(struct bl_kb_builder *builder, struct bl_err *err)
{
    struct bl_kb *kb = bl_kb_open(builder->target, err);

    if (!kb)
        return -1;
    builder->opts.fts = bl_kb_has_fts(kb);
    bl_kb_close(kb);
    return 0;
}

static int start_update(struct bl_kb_builder *builder, struct bl_err *err)
{
    bool fts;

    if (check_old(builder, err) < 0)
        return -1;
    builder->lock = bl_file_lock(builder->target, err);
    if (builder->lock < 0)
        return -1;
    builder->file = bl_newfile_open(builder->target, 0, err);
    if (!builder->file || bl_newfile_copy(builder->file, builder->lock,
                                           err) < 0
        || open_tables(builder, builder->target, err) < 0
        || bl_kb_check_schema(&builder->conn, &fts, err) < 0)
        return -1;
    return bl_sql_exec(&builder->conn, "BEGIN", err);
}

/* What there is before the update. */
static int read_state(struct bl_kb_builder *builder, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, GET_META,
        "SELECT coalesce(max(row) + 1, 0) FROM entity", err);

    if (!st || bl_sql_step(&builder->conn, st, err) < 0)
        return -1;
    builder->rows = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    builder->rows_were = builder->rows;
    if (bl_kb_change_last(&builder->conn, &builder->change, builder->was,
                          err) < 0)
        return -1;
    builder->change++;
    return 0;
}

struct bl_kb_builder *bl_kb_update_open(const char *path, bool replace,
                                        struct bl_err *err)
{
    struct bl_kb_builder *builder = BL_NEW(struct bl_kb_builder);

    builder->replace = replace;
    builder->lock = -1;
    builder->target = bl_path_real(path);     /* a link stays a link */
    if (!builder->target)
        builder->target = bl_xstrdup(path);
    if (start_update(builder, err) < 0 || read_state(builder, err) < 0) {
        bl_kb_build_abort(builder);
        return NULL;
    }
    return builder;
}

/* ---- End ---- */

static int put_meta(struct bl_kb_builder *builder, const char *key,
                    const char *value, struct bl_err *err)
{
    sqlite3_stmt *st;

    if (!value)
        return 0;
    st = bl_sql_stmt(&builder->conn, PUT_META,
                     "INSERT OR REPLACE INTO meta VALUES(?1, ?2)", err);
    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    bl_sql_text(st, 2, bl_span_of(value));
    return bl_sql_step(&builder->conn, st, err);
}

void bl_kb_timestamp(char out[32])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t now = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    struct tm tm;

    if (!gmtime_r(&now, &tm)
        || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
        out[0] = '\0';
}

static int put_number(struct bl_kb_builder *builder, const char *key,
                      size_t number, struct bl_err *err)
{
    char *text = bl_xasprintf("%zu", number);
    int rc = put_meta(builder, key, text, err);

    free(text);
    return rc;
}

static int put_sums(struct bl_kb_builder *builder, const char *fingerprint,
                    struct bl_err *err)
{
    return put_number(builder, "count", builder->rows, err) < 0
        ? -1 : put_meta(builder, "fingerprint", fingerprint, err);
}

static int put_all_meta(struct bl_kb_builder *builder, struct bl_err *err)
{
    unsigned char digest[BL_SHA256_SIZE];
    char hex[BL_SHA256_HEX], when[32];

    bl_kb_timestamp(when);
    bl_sha256_end(&builder->ids, digest);
    bl_sha256_hex(digest, sizeof digest, hex);
    if (put_sums(builder, hex, err) < 0
        || put_meta(builder, "format", "1", err) < 0
        || put_meta(builder, "fts", builder->opts.fts ? "1" : "0", err) < 0
        || put_meta(builder, "attribution", builder->opts.attribution, err) < 0
        || put_meta(builder, "licence", builder->opts.licence, err) < 0
        || put_meta(builder, "source", builder->opts.source, err) < 0
        || put_meta(builder, "site", builder->site ? builder->site
                                                   : builder->opts.site,
                    err) < 0)
        return -1;
    return put_meta(builder, "created", when, err);
}

static struct segment place_of(const struct bl_kb_builder *builder,
                               int64_t row)
{
    size_t i = builder->n_seg;

    while (i > 1 && builder->seg[i - 1].row > row)
        i--;
    return (struct segment){ row, builder->seg[i - 1].file,
        builder->seg[i - 1].line + (size_t)(row - builder->seg[i - 1].row) };
}

/* SQLite only says that the index on ids cannot be unique.  This finds the
 * first row whose id another row had before it, and names both lines. */
static int fail_duplicate(struct bl_kb_builder *builder, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct segment one, two;
    sqlite3_stmt *st = bl_sql_stmt(&builder->conn, DUPLICATE,
        "SELECT id, before, row FROM (SELECT id, row, lag(row) OVER "
        "(PARTITION BY id ORDER BY row) AS before FROM entity) "
        "WHERE before IS NOT NULL ORDER BY row LIMIT 1", err);

    if (!st || bl_sql_step(&builder->conn, st, err) != 1)
        return -1;
    one = place_of(builder, sqlite3_column_int64(st, 1));
    two = place_of(builder, sqlite3_column_int64(st, 2));
    bl_fail(err, BL_DATA, "%s:%zu: the id '%s' was given before, at %s:%zu",
            two.file, two.line, bl_sql_column(st, 0, &arena).p, one.file,
            one.line);
    sqlite3_reset(st);
    bl_arena_free(&arena);
    return -1;
}

/* Indexes are made when all rows are in: that takes one sort, where an index
 * that is there from the start takes a search for each row.  So an id given
 * twice is found only now. */
static int make_indexes(struct bl_kb_builder *builder, struct bl_err *err)
{
    if (sqlite3_exec(builder->conn.db, bl_kb_index_ids, NULL, NULL, NULL)
        != SQLITE_OK) {
        if ((sqlite3_errcode(builder->conn.db) & 0xff) != SQLITE_CONSTRAINT)
            return bl_sql_fail(&builder->conn, err);
        return fail_duplicate(builder, err);
    }
    return bl_sql_exec(&builder->conn, bl_kb_index_names, err);
}

static int complete_new(struct bl_kb_builder *builder, struct bl_err *err)
{
    if (make_indexes(builder, err) < 0
        || (builder->opts.fts
            && bl_sql_exec(&builder->conn, settle_fts, err) < 0))
        return -1;
    return put_all_meta(builder, err);
}

/* The state before the update is remembered only if an index could tell it
 * from this one. */
static int complete_update(struct bl_kb_builder *builder, struct bl_err *err)
{
    char hex[BL_SHA256_HEX], when[32];
    size_t removed;

    bl_kb_timestamp(when);
    if (bl_kb_change_sum(&builder->conn, hex, &builder->rows, &removed,
                         err) < 0
        || (strcmp(hex, builder->was)
            && bl_kb_change_state(&builder->conn, builder->change,
                                  builder->was, builder->rows_were, err) < 0)
        || put_sums(builder, hex, err) < 0
        || put_number(builder, "removed", removed, err) < 0)
        return -1;
    return put_meta(builder, "changed", when, err);
}

void bl_kb_build_site(struct bl_kb_builder *builder, const char *site)
{
    free(builder->site);
    builder->site = bl_xstrdup(site);
}

int bl_kb_build_finish(struct bl_kb_builder *builder, struct bl_err *err)
{
    struct bl_newfile *file = builder->file;
    int rc;

    if (builder->target && !builder->changed) {
        bl_kb_build_abort(builder);
        return 0;
    }
    rc = builder->target ? complete_update(builder, err)
                         : complete_new(builder, err);
    if (rc == 0)
        rc = bl_sql_exec(&builder->conn, "COMMIT", err);
    if (rc == 0) {
        bl_sql_close(&builder->conn);
        builder->file = NULL;
        rc = bl_newfile_commit(file, err);
    }
    bl_kb_build_abort(builder);
    return rc;
}

void bl_kb_build_abort(struct bl_kb_builder *builder)
{
    if (!builder)
        return;
    bl_sql_close(&builder->conn);
    if (builder->file)
        bl_newfile_abort(builder->file);
    if (builder->lock >= 0)
        close(builder->lock);
    free(builder->target);
    free(builder->site);
    bl_arena_free(&builder->arena);
    bl_buf_free(&builder->fold);
    free(builder->seg);
    free(builder);
}
