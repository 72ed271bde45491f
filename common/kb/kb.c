/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb.h"

#include <stdlib.h>
#include <string.h>

#include "text/fold.h"
#include "kb/kb-sql.h"
#include "base/mem.h"
#include "base/paths.h"

/* Slots of the prepared statements. */
enum {
    GET_ID, GET_ROW, BRIEF_ROW, ROW_OF_ID, META, LOOKUP, INITIALS, ALIASES,
    NAME_FROM,
    SPELLINGS, WALK, SEARCH, MAX_ROW, VERIFY
};

struct bl_kb {
    struct bl_sql q;
    size_t count;
    char *fingerprint;
    bool fts;
};

#define COLUMNS "row, id, title, url, qid, type"

/* ---- Opening ---- */

static int meta_text(struct bl_kb *kb, const char *key, struct bl_arena *a,
                     struct bl_span *out, struct bl_err *err)
{
    int rc = bl_kb_meta(kb, key, a, out, err);

    if (rc == 0)
        return bl_fail(err, BL_DATA, "'%s' is damaged: its meta table lacks "
                       "'%s'", kb->q.path, key);
    return rc < 0 ? -1 : 0;
}

static int meta_count(struct bl_kb *kb, struct bl_arena *a,
                      struct bl_err *err)
{
    struct bl_span s;
    unsigned long long n;
    char *end;

    if (meta_text(kb, "count", a, &s, err) < 0)
        return -1;
    n = strtoull(s.p, &end, 10);
    if (!s.n || *end || n > INT64_MAX)
        return bl_fail(err, BL_DATA, "'%s' is damaged: its count is '%s'",
                       kb->q.path, s.p);
    kb->count = (size_t)n;
    return 0;
}

/* The last row is found without a scan; a wrong one means that rows went
 * missing, and an index would point beside them. */
static int check_rows(struct bl_kb *kb, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, MAX_ROW,
        "SELECT coalesce(max(row), -1) FROM entity", err);
    int64_t last;

    if (!st || bl_sql_step(&kb->q, st, err) < 0)
        return -1;
    last = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (last + 1 != (int64_t)kb->count)
        return bl_fail(err, BL_DATA, "'%s' is damaged: %zu entities "
                       "expected, last row is %lld", kb->q.path, kb->count,
                       (long long)last);
    return 0;
}

static int read_meta(struct bl_kb *kb, struct bl_err *err)
{
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_span s;
    int rc = -1;

    if (meta_count(kb, &a, err) == 0
        && meta_text(kb, "fingerprint", &a, &s, err) == 0
        && check_rows(kb, err) == 0) {
        kb->fingerprint = bl_xstrdup(s.p);
        rc = bl_kb_meta(kb, "fts", &a, &s, err);
        kb->fts = rc == 1 && bl_span_is(s, "1");
    }
    bl_arena_free(&a);
    return rc < 0 ? -1 : 0;
}

struct bl_kb *bl_kb_open(const char *path, struct bl_err *err)
{
    struct bl_kb *kb = BL_NEW(struct bl_kb);

    if (bl_sql_open(&kb->q, path, BL_SQL_READ, err) < 0
        || read_meta(kb, err) < 0) {
        bl_kb_close(kb);
        return NULL;
    }
    return kb;
}

struct bl_kb *bl_kb_open_named(const char *name, struct bl_err *err)
{
    char *path = bl_path_find(BL_PATH_CATALOGUE, name, err);
    struct bl_kb *kb = path ? bl_kb_open(path, err) : NULL;

    free(path);
    return kb;
}

void bl_kb_close(struct bl_kb *kb)
{
    if (!kb)
        return;
    bl_sql_close(&kb->q);
    free(kb->fingerprint);
    free(kb);
}

size_t bl_kb_count(const struct bl_kb *kb)
{
    return kb->count;
}

const char *bl_kb_fingerprint(const struct bl_kb *kb)
{
    return kb->fingerprint;
}

const char *bl_kb_path(const struct bl_kb *kb)
{
    return kb->q.path;
}

bool bl_kb_has_fts(const struct bl_kb *kb)
{
    return kb->fts;
}

int bl_kb_meta(struct bl_kb *kb, const char *key, struct bl_arena *a,
               struct bl_span *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, META,
        "SELECT value FROM meta WHERE key = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    rc = bl_sql_step(&kb->q, st, err);
    if (rc == 1) {
        *out = bl_sql_column(st, 0, a);
        sqlite3_reset(st);
        rc = out->p != NULL;
    }
    return rc;
}

/* ---- Entities ---- */

static void read_entity(sqlite3_stmt *st, bool text, struct bl_arena *a,
                        struct bl_entity *e)
{
    *e = (struct bl_entity){ .row = sqlite3_column_int64(st, 0) };
    e->id = bl_sql_column(st, 1, a);
    e->title = bl_sql_column(st, 2, a);
    e->url = bl_sql_column(st, 3, a);
    e->qid = bl_sql_column(st, 4, a);
    e->type = bl_sql_column(st, 5, a);
    if (text)
        e->text = bl_sql_column(st, 6, a);
}

/* Steps a statement that yields COLUMNS [, text]. */
static int step_entity(struct bl_kb *kb, sqlite3_stmt *st, bool text,
                       struct bl_arena *a, struct bl_entity *out,
                       struct bl_err *err)
{
    int rc = bl_sql_step(&kb->q, st, err);

    if (rc != 1)
        return rc;
    read_entity(st, text, a, out);
    if (!out->id.p || !out->title.p || (text && !out->text.p))
        return bl_fail(err, BL_DATA, "'%s' is damaged: row %lld has no id, "
                       "title or text", kb->q.path, (long long)out->row);
    return 1;
}

int bl_kb_get(struct bl_kb *kb, struct bl_span id, struct bl_arena *a,
              struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, GET_ID,
        "SELECT " COLUMNS ", text FROM entity WHERE id = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, id);
    rc = step_entity(kb, st, true, a, out, err);
    sqlite3_reset(st);
    return rc;
}

int bl_kb_get_row(struct bl_kb *kb, int64_t row, struct bl_arena *a,
                  struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, GET_ROW,
        "SELECT " COLUMNS ", text FROM entity WHERE row = ?1", err);
    int rc;

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    rc = step_entity(kb, st, true, a, out, err);
    sqlite3_reset(st);
    return rc;
}

int bl_kb_brief_row(struct bl_kb *kb, int64_t row, struct bl_arena *a,
                    struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, BRIEF_ROW,
        "SELECT " COLUMNS " FROM entity WHERE row = ?1", err);
    int rc;

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    rc = step_entity(kb, st, false, a, out, err);
    sqlite3_reset(st);
    return rc;
}

int bl_kb_row(struct bl_kb *kb, struct bl_span id, int64_t *row,
              struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, ROW_OF_ID,
        "SELECT row FROM entity WHERE id = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, id);
    rc = bl_sql_step(&kb->q, st, err);
    if (rc == 1) {
        *row = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return rc;
}

int bl_kb_walk(struct bl_kb *kb, int64_t row, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, WALK,
        "SELECT " COLUMNS ", text FROM entity WHERE row >= ?1 ORDER BY row",
        err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    return 0;
}

int bl_kb_next(struct bl_kb *kb, struct bl_arena *a, struct bl_entity *out,
               struct bl_err *err)
{
    BL_ASSERT(kb->q.stmt[WALK]);
    return step_entity(kb, kb->q.stmt[WALK], true, a, out, err);
}

/* ---- Names ---- */

/* Room for one more in an arena array that doubles. */
static void *grow(void *v, size_t n, size_t *cap, size_t size,
                  struct bl_arena *a)
{
    void *bigger;

    if (n < *cap)
        return v;
    *cap = *cap ? *cap * 2 : 8;
    bigger = bl_arena_alloc(a, *cap, size);
    if (n)
        memcpy(bigger, v, n * size);
    return bigger;
}

int bl_kb_lookup(struct bl_kb *kb, struct bl_span folded, size_t max,
                 struct bl_arena *a, struct bl_kb_names *out,
                 struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, LOOKUP,
        "SELECT row, weight, kind FROM alias WHERE name = ?1 AND weight > 0 "
        "ORDER BY weight DESC, row", err);
    size_t cap = 0;
    int rc;

    *out = (struct bl_kb_names){ NULL, 0, 0 };
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    while ((rc = bl_sql_step(&kb->q, st, err)) == 1) {
        struct bl_kb_name e = { sqlite3_column_int64(st, 0),
                                sqlite3_column_int64(st, 1),
                                sqlite3_column_int(st, 2) };

        if (!__builtin_add_overflow(out->total, e.weight, &out->total)
            && out->n < max) {
            out->v = grow(out->v, out->n, &cap, sizeof *out->v, a);
            out->v[out->n++] = e;
        }
    }
    return rc;
}

int bl_kb_initials(struct bl_kb *kb, struct bl_span folded, size_t max,
                   struct bl_arena *a, int64_t **rows, size_t *n,
                   struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, INITIALS,
        "SELECT row FROM alias WHERE name = ?1 AND weight = 0 AND kind = 3 "
        "ORDER BY row LIMIT ?2", err);
    size_t cap = 0;
    int rc;

    *rows = NULL;
    *n = 0;
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while ((rc = bl_sql_step(&kb->q, st, err)) == 1) {
        *rows = grow(*rows, *n, &cap, sizeof **rows, a);
        (*rows)[(*n)++] = sqlite3_column_int64(st, 0);
    }
    return rc;
}

int bl_kb_aliases(struct bl_kb *kb, int64_t row, struct bl_arena *a,
                  struct bl_kb_alias **out, size_t *n, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, ALIASES,
        "SELECT surface, coalesce(count, -1) FROM alias WHERE row = ?1 AND "
        "kind & 7 = 2 ORDER BY n", err);
    size_t cap = 0;
    int rc;

    *out = NULL;
    *n = 0;
    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    while ((rc = bl_sql_step(&kb->q, st, err)) == 1) {
        *out = grow(*out, *n, &cap, sizeof **out, a);
        (*out)[(*n)++] = (struct bl_kb_alias){
            bl_sql_column(st, 0, a), sqlite3_column_int64(st, 1)
        };
    }
    return rc;
}

int bl_kb_name_from(struct bl_kb *kb, struct bl_span folded,
                    struct bl_arena *a, struct bl_span *out,
                    struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, NAME_FROM,
        "SELECT name FROM alias WHERE name >= ?1 ORDER BY name LIMIT 1",
        err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    rc = bl_sql_step(&kb->q, st, err);
    if (rc == 1) {
        *out = bl_sql_column(st, 0, a);
        sqlite3_reset(st);
    }
    return rc;
}

int bl_kb_spellings(struct bl_kb *kb, struct bl_span folded, size_t max,
                    struct bl_arena *a, struct bl_kb_spelling **out,
                    size_t *n, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, SPELLINGS,
        "SELECT a.surface, e.type, a.row, a.weight, a.kind FROM alias a "
        "JOIN entity e ON e.row = a.row WHERE a.name = ?1 "
        "AND a.kind & 7 < 3 ORDER BY a.weight DESC, a.row, a.n LIMIT ?2", err);
    size_t cap = 0;
    int rc;

    *out = NULL;
    *n = 0;
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while ((rc = bl_sql_step(&kb->q, st, err)) == 1) {
        *out = grow(*out, *n, &cap, sizeof **out, a);
        (*out)[(*n)++] = (struct bl_kb_spelling){
            bl_sql_column(st, 0, a), bl_sql_column(st, 1, a),
            sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3),
            sqlite3_column_int(st, 4)
        };
    }
    return rc;
}

/* ---- Full text ---- */

/* A word of the query is a run of letters, digits and anything not ASCII;
 * quoted, FTS5 takes it as text whatever it spells. */
static bool word_byte(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9')
        || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

enum { MAX_QUERY_WORDS = 64 };

static void put_match(struct bl_buf *b, struct bl_span query, const char *op)
{
    size_t words = 0;

    for (size_t i = 0; i < query.n && words < MAX_QUERY_WORDS; ) {
        size_t from = i;

        while (i < query.n && word_byte((unsigned char)query.p[i]))
            i++;
        if (i == from) {
            i++;
            continue;
        }
        bl_buf_printf(b, "%s\"", words++ ? op : "");
        bl_buf_put(b, query.p + from, i - from);
        bl_buf_putc(b, '"');
    }
}

static bool seen(const struct bl_kb_hit *v, size_t n, int64_t row)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].entity.row == row)
            return true;
    return false;
}

/* The entities of that very name, the likeliest first: 100 and more. */
static int named(struct bl_kb *kb, struct bl_span folded, size_t max,
                 struct bl_arena *a, struct bl_kb_hit *v, size_t *n,
                 struct bl_err *err)
{
    struct bl_kb_names names;

    if (bl_kb_lookup(kb, folded, max, a, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n && *n < max; i++) {
        const struct bl_kb_name *x = &names.v[i];
        int rc = bl_kb_get_row(kb, x->row, a, &v[*n].entity, err);
        if (rc < 0)
            return -1;
        v[*n].score = 100 + 100 * (names.total > 0 ? (double)x->weight /
                                   (double)names.total : 0);
        *n += rc == 1 && !seen(v, *n, x->row);
    }
    return 0;
}

/* Up to 10 for a title that starts with the words, the more the less else
 * it has: "New York City" before "New York City Subway". */
static double title_bonus(struct bl_span title, struct bl_span folded,
                          struct bl_buf *fold)
{
    bl_buf_clear(fold);
    bl_fold(fold, title);
    if (!folded.n || fold->len < folded.n
        || memcmp(fold->data, folded.p, folded.n)
        || (fold->len > folded.n && fold->data[folded.n] != ' '))
        return 0;
    return 10 * (double)folded.n / (double)fold->len;
}

static int by_score(const void *x, const void *y)
{
    const struct bl_kb_hit *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->entity.row < b->entity.row ? -1 : a->entity.row > b->entity.row;
}

/* Title words weigh ten times the text's, alias words five times.  More is
 * taken than is wanted, as the bonus changes the order. */
static int search_pass(struct bl_kb *kb, struct bl_span match,
                       struct bl_span folded, size_t max, struct bl_arena *a,
                       struct bl_kb_hit *v, size_t *n, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, SEARCH,
        "SELECT e.row, e.id, e.title, e.url, e.qid, e.type, e.text, f.s FROM "
        "(SELECT rowid AS r, bm25(fts, 10.0, 1.0, 5.0) AS s FROM fts "
        "WHERE fts MATCH ?1 ORDER BY s, rowid LIMIT ?2) f "
        "JOIN entity e ON e.row = f.r ORDER BY f.s, e.row", err);
    struct bl_buf fold = BL_BUF_INIT;
    size_t before = *n;
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, match);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)(max - before));
    while ((rc = step_entity(kb, st, true, a, &v[*n].entity, err)) == 1) {
        v[*n].score = -sqlite3_column_double(st, 7) +
                      title_bonus(v[*n].entity.title, folded, &fold);
        *n += !seen(v, before, v[*n].entity.row);
        if (*n == max)
            break;
    }
    sqlite3_reset(st);
    bl_buf_free(&fold);
    qsort(v + before, *n - before, sizeof *v, by_score);
    return rc < 0 ? -1 : 0;
}

int bl_kb_search(struct bl_kb *kb, struct bl_span query, size_t max,
                 struct bl_arena *a, struct bl_kb_hit **out, size_t *n,
                 struct bl_err *err)
{
    static const char *const ops[] = { " ", " OR " };   /* " ": and */
    struct bl_buf match = BL_BUF_INIT, fold = BL_BUF_INIT;
    size_t room = max * 4 + 64;
    int rc;

    *n = 0;
    *out = NULL;
    if (!kb->fts)
        return bl_fail(err, BL_DATA, "'%s' has no full text: it was built "
                       "with --no-fts", kb->q.path);
    *out = bl_arena_alloc(a, room + 1, sizeof **out);
    bl_fold(&fold, query);
    struct bl_span folded = { fold.data, fold.len };
    rc = folded.n ? named(kb, folded, max, a, *out, n, err) : 0;
    for (size_t i = 0; i < 2 && rc == 0 && *n < max; i++) {
        bl_buf_clear(&match);
        put_match(&match, query, ops[i]);
        if (match.len)
            rc = search_pass(kb, (struct bl_span){ match.data, match.len },
                             folded, room, a, *out, n, err);
    }
    *n = BL_MIN(*n, max);
    bl_buf_free(&match);
    bl_buf_free(&fold);
    return rc;
}

/* ---- Verifying ---- */

static int integrity(struct bl_kb *kb, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->q, VERIFY,
                                   "PRAGMA integrity_check(1)", err);
    const char *answer;
    int rc;

    if (!st || bl_sql_step(&kb->q, st, err) < 0)
        return -1;
    answer = (const char *)sqlite3_column_text(st, 0);
    rc = answer && !strcmp(answer, "ok") ? 0
        : bl_fail(err, BL_DATA, "'%s' is damaged: %s", kb->q.path,
                  answer ? answer : "no answer to integrity_check");
    sqlite3_reset(st);
    return rc;
}

int bl_kb_verify(struct bl_kb *kb, struct bl_err *err)
{
    char hex[BL_SHA256_HEX];
    size_t count;

    if (integrity(kb, err) < 0
        || bl_sql_fingerprint(&kb->q, hex, &count, err) < 0)
        return -1;
    if (count != kb->count)
        return bl_fail(err, BL_DATA, "'%s' is damaged: %zu entities "
                       "expected, %zu found", kb->q.path, kb->count, count);
    if (strcmp(hex, kb->fingerprint))
        return bl_fail(err, BL_DATA, "'%s' is damaged: its ids have the "
                       "fingerprint %.16s, its meta table says %.16s",
                       kb->q.path, hex, kb->fingerprint);
    return 0;
}
