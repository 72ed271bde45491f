/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb.h"

#include <stdlib.h>
#include <string.h>

#include "base/loaded.h"
#include "base/mem.h"
#include "base/paths.h"
#include "kb/kb-change.h"
#include "kb/kb-schema.h"
#include "kb/kb-struct.h"
#include "text/fold.h"

/* Slots of the prepared statements. */
enum {
    GET_ID, GET_ROW, BRIEF_ROW, ROW_OF_ID, META, LOOKUP, INITIALS, ALIASES,
    NAME_FROM,
    SPELLINGS, WALK, SEARCH, SEARCH_NAMES, MAX_ROW, COUNT, VERIFY
};

/* An entity has a row of seven columns, an id in an index, and a title among
 * the names: never less than this. */
enum { BYTES_AN_ENTITY = 24 };

#define COLUMNS "row, id, title, url, qid, type"

/* ---- Opening ---- */

static int meta_text(struct bl_kb *kb, const char *key, struct bl_arena *arena,
                     struct bl_span *out, struct bl_err *err)
{
    int rc = bl_kb_meta(kb, key, arena, out, err);

    if (rc == 0)
        return bl_fail(err, BL_DATA, "'%s' is damaged: its meta table lacks "
                       "'%s'", kb->conn.path, key);
    return rc < 0 ? -1 : 0;
}

/* A number of the meta table: 1 found, 0 absent, -1 failure. */
static int meta_number(struct bl_kb *kb, const char *key,
                       struct bl_arena *arena, unsigned long long *number,
                       struct bl_err *err)
{
    struct bl_span text;
    char *end;
    int rc = bl_kb_meta(kb, key, arena, &text, err);

    if (rc != 1)
        return rc;
    *number = strtoull(text.p, &end, 10);
    if (!text.n || *end || *number > INT64_MAX)
        return bl_fail(err, BL_DATA, "'%s' is damaged: its %s is '%s'",
                       kb->conn.path, key, text.p);
    return 1;
}

static int meta_count(struct bl_kb *kb, struct bl_arena *arena,
                      struct bl_err *err)
{
    struct bl_span text;
    unsigned long long n = 0, removed = 0;

    if (meta_text(kb, "count", arena, &text, err) < 0
        || meta_number(kb, "count", arena, &n, err) < 0
        || meta_number(kb, "removed", arena, &removed, err) < 0)
        return -1;
    if (n > kb->conn.size / BYTES_AN_ENTITY)
        return bl_fail(err, BL_DATA, "'%s' is damaged: it says that it has "
                       "%llu entities, more than its %llu bytes can hold",
                       kb->conn.path, n, (unsigned long long)kb->conn.size);
    if (removed > n)
        return bl_fail(err, BL_DATA, "'%s' is damaged: of %llu entities %llu "
                       "are removed", kb->conn.path, n, removed);
    kb->count = (size_t)n;
    kb->removed = (size_t)removed;
    return 0;
}

/* SQLite finds the last row without a scan.  If it is not count - 1, rows
 * are missing, and an index, which stores row numbers, would name other
 * entities. */
static int check_rows(struct bl_kb *kb, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, MAX_ROW,
        "SELECT coalesce(max(row), -1) FROM entity", err);
    int64_t last;

    if (!st || bl_sql_step(&kb->conn, st, err) < 0)
        return -1;
    last = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (last != (int64_t)kb->count - 1)
        return bl_fail(err, BL_DATA, "'%s' is damaged: %zu entities "
                       "expected, last row is %lld", kb->conn.path, kb->count,
                       (long long)last);
    return 0;
}

static int read_meta(struct bl_kb *kb, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span value;
    int rc = -1;

    if (meta_count(kb, &arena, err) == 0
        && meta_text(kb, "fingerprint", &arena, &value, err) == 0
        && check_rows(kb, err) == 0) {
        kb->fingerprint = bl_xstrdup(value.p);
        rc = bl_kb_meta(kb, "fts", &arena, &value, err);
        kb->fts &= rc == 1 && bl_span_is(value, "1");
    }
    bl_arena_free(&arena);
    return rc < 0 ? -1 : 0;
}

struct bl_kb *bl_kb_open(const char *path, struct bl_err *err)
{
    struct bl_kb *kb = BL_NEW(struct bl_kb);

    if (bl_sql_open(&kb->conn, path, NULL, BL_SQL_READ, err) < 0
        || bl_kb_check_schema(&kb->conn, &kb->fts, err) < 0
        || read_meta(kb, err) < 0
        || bl_loaded("catalogue", kb->fingerprint, path, err) < 0) {
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
    bl_sql_close(&kb->conn);
    free(kb->fingerprint);
    free(kb);
}

char *bl_kb_label(const char *path)
{
    const char *base = bl_path_base(path), *dot = strrchr(base, '.');
    size_t n = dot && !strcmp(dot, ".kb") ? (size_t)(dot - base)
                                          : strlen(base);

    return bl_xasprintf("%.*s", (int)n, base);
}

size_t bl_kb_count(const struct bl_kb *kb)
{
    return kb->count;
}

size_t bl_kb_removed(const struct bl_kb *kb)
{
    return kb->removed;
}

/* sum() looks at each entry, which the bound on steps ends in a circle of
 * pages; count(*) would not. */
int bl_kb_check_count(struct bl_kb *kb, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, COUNT,
        "SELECT coalesce(sum(1), 0) FROM entity", err);
    int64_t found;

    if (!st || bl_sql_step(&kb->conn, st, err) < 0)
        return -1;
    found = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (found != (int64_t)kb->count)
        return bl_fail(err, BL_DATA, "'%s' is damaged: %zu entities "
                       "expected, %lld found", kb->conn.path, kb->count,
                       (long long)found);
    return 0;
}

const char *bl_kb_fingerprint(const struct bl_kb *kb)
{
    return kb->fingerprint;
}

const char *bl_kb_path(const struct bl_kb *kb)
{
    return kb->conn.path;
}

bool bl_kb_has_fts(const struct bl_kb *kb)
{
    return kb->fts;
}

int bl_kb_meta(struct bl_kb *kb, const char *key, struct bl_arena *arena,
               struct bl_span *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, META,
        "SELECT value FROM meta WHERE key = ?1", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, bl_span_of(key));
    rc = bl_sql_step(&kb->conn, st, err);
    if (rc == 1) {
        *out = bl_sql_column(st, 0, arena);
        sqlite3_reset(st);
        rc = out->p != NULL;
    }
    return rc;
}

/* ---- Entities ---- */

static void read_entity(sqlite3_stmt *st, bool text, struct bl_arena *arena,
                        struct bl_entity *entity)
{
    *entity = (struct bl_entity){ .row = sqlite3_column_int64(st, 0) };
    entity->id = bl_sql_column(st, 1, arena);
    entity->title = bl_sql_column(st, 2, arena);
    entity->url = bl_sql_column(st, 3, arena);
    entity->qid = bl_sql_column(st, 4, arena);
    entity->type = bl_sql_column(st, 5, arena);
    if (text)
        entity->text = bl_sql_column(st, 6, arena);
}

/* Steps a statement that yields COLUMNS [, text].  The columns are NOT NULL in
 * a catalogue of ours, but a damaged or foreign file can lack them. */
static int step_entity(struct bl_kb *kb, sqlite3_stmt *st, bool text,
                       struct bl_arena *arena, struct bl_entity *out,
                       struct bl_err *err)
{
    int rc = bl_sql_step(&kb->conn, st, err);

    if (rc != 1)
        return rc;
    read_entity(st, text, arena, out);
    if (!out->id.p || !out->title.p || (text && !out->text.p))
        return bl_fail(err, BL_DATA, "'%s' is damaged: row %lld has no id, "
                       "title or text", kb->conn.path, (long long)out->row);
    return 1;
}

/* No title is empty that was given; a removed entity has lost it. */
static bool is_removed(const struct bl_entity *entity)
{
    return entity->title.n == 0;
}

/* The same of a statement that yields one entity at most. */
static int step_only(struct bl_kb *kb, sqlite3_stmt *st, bool text,
                     struct bl_arena *arena, struct bl_entity *out,
                     struct bl_err *err)
{
    int rc = step_entity(kb, st, text, arena, out, err);

    sqlite3_reset(st);
    return rc == 1 && is_removed(out) ? 0 : rc;
}

int bl_kb_get(struct bl_kb *kb, struct bl_span id, struct bl_arena *arena,
              struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, GET_ID,
        "SELECT " COLUMNS ", text FROM entity WHERE id = ?1", err);

    if (!st)
        return -1;
    bl_sql_text(st, 1, id);
    return step_only(kb, st, true, arena, out, err);
}

int bl_kb_get_row(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                  struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, GET_ROW,
        "SELECT " COLUMNS ", text FROM entity WHERE row = ?1", err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    return step_only(kb, st, true, arena, out, err);
}

int bl_kb_brief_row(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                    struct bl_entity *out, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, BRIEF_ROW,
        "SELECT " COLUMNS " FROM entity WHERE row = ?1", err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    return step_only(kb, st, false, arena, out, err);
}

int bl_kb_row(struct bl_kb *kb, struct bl_span id, int64_t *row,
              struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, ROW_OF_ID,
        "SELECT row FROM entity WHERE id = ?1 AND title > ''", err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, id);
    rc = bl_sql_step(&kb->conn, st, err);
    if (rc == 1) {
        *row = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return rc;
}

int bl_kb_walk(struct bl_kb *kb, int64_t row, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, WALK,
        "SELECT " COLUMNS ", text FROM entity WHERE row >= ?1 ORDER BY row",
        err);

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    kb->next = row;
    return 0;
}

int bl_kb_next(struct bl_kb *kb, struct bl_arena *arena, struct bl_entity *out,
               struct bl_err *err)
{
    int rc;

    BL_ASSERT(kb->conn.stmt[WALK]);
    do {
        rc = step_entity(kb, kb->conn.stmt[WALK], true, arena, out, err);
        if (rc == 1 && out->row != kb->next++)
            return bl_fail(err, BL_DATA, "'%s' is damaged: row %lld expected, "
                           "row %lld found", kb->conn.path,
                           (long long)kb->next - 1, (long long)out->row);
    } while (rc == 1 && is_removed(out));
    return rc;
}

/* ---- Names ---- */

/* Makes room for one more element in an array of the arena.  Doubling leaves
 * the outgrown copies in the arena: together less than the last one. */
static void *grow(void *array, size_t used, size_t *cap, size_t size,
                  struct bl_arena *arena)
{
    void *bigger;

    if (used < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 8;
    bigger = bl_arena_alloc(arena, *cap, size);
    if (used)
        memcpy(bigger, array, used * size);
    return bigger;
}

/* Lists that are read whole must be in their order.  In a damaged file pages
 * may be in them again and again. */
static int out_of_order(struct bl_kb *kb, sqlite3_stmt *st,
                        struct bl_err *err)
{
    sqlite3_reset(st);
    return bl_fail(err, BL_DATA, "'%s' is damaged: its names are not in their "
                   "order, or have no weight", kb->conn.path);
}

static bool follows(const struct bl_kb_name *a, const struct bl_kb_name *b)
{
    return b->weight < a->weight || (b->weight == a->weight
                                     && b->row > a->row);
}

/* The index alias_name holds what this reads, already in this order, so the
 * tables are not touched.  Weight 0 marks further spellings of a name and
 * initials; a text, which SQLite finds greater than 0 too, reads as 0.  The
 * total covers names beyond max too, as shares are of all uses of a name; it
 * cannot overflow in an honest catalogue, because blink-kb refuses counts
 * above 2^40. */
int bl_kb_lookup(struct bl_kb *kb, struct bl_span folded, size_t max,
                 struct bl_arena *arena, struct bl_kb_names *out,
                 struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, LOOKUP,
        "SELECT row, weight, kind FROM alias WHERE name = ?1 AND weight > 0 "
        "ORDER BY weight DESC, row", err);
    struct bl_kb_name last = { 0 };
    size_t cap = 0;
    int rc;

    *out = (struct bl_kb_names){ NULL, 0, 0 };
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    while ((rc = bl_sql_step(&kb->conn, st, err)) == 1) {
        struct bl_kb_name name = { sqlite3_column_int64(st, 0),
                                   sqlite3_column_int64(st, 1),
                                   sqlite3_column_int(st, 2) };

        if (name.weight < 1 || (last.weight && !follows(&last, &name)))
            return out_of_order(kb, st, err);
        last = name;
        if (__builtin_add_overflow(out->total, name.weight, &out->total)) {
            sqlite3_reset(st);
            return bl_fail(err, BL_DATA, "'%s' is damaged: the counts of a "
                           "name are beyond all measure", kb->conn.path);
        }
        if (out->n < max) {
            out->v = grow(out->v, out->n, &cap, sizeof *out->v, arena);
            out->v[out->n++] = name;
        }
    }
    return rc;
}

/* Initials have weight 0, so that bl_kb_lookup() does not take them for
 * names. */
int bl_kb_initials(struct bl_kb *kb, struct bl_span folded, size_t max,
                   struct bl_arena *arena, int64_t **rows, size_t *n_rows,
                   struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, INITIALS,
        "SELECT row FROM alias WHERE name = ?1 AND weight = 0 AND kind = 3 "
        "ORDER BY row LIMIT ?2", err);
    size_t cap = 0;
    int rc;

    *rows = NULL;
    *n_rows = 0;
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while ((rc = bl_sql_step(&kb->conn, st, err)) == 1) {
        *rows = grow(*rows, *n_rows, &cap, sizeof **rows, arena);
        (*rows)[(*n_rows)++] = sqlite3_column_int64(st, 0);
    }
    return rc;
}

/* The kind without the bit BL_KB_COMMON must be BL_KB_ALIAS: the table also
 * holds the title, the title without its "(...)" and the initials. */
int bl_kb_aliases(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                  struct bl_kb_alias **aliases, size_t *n_aliases,
                  struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, ALIASES,
        "SELECT surface, coalesce(count, -1), n FROM alias WHERE row = ?1 "
        "AND kind & 7 = 2 ORDER BY n", err);
    int64_t last = -1;
    size_t cap = 0;
    int rc;

    *aliases = NULL;
    *n_aliases = 0;
    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, row);
    while ((rc = bl_sql_step(&kb->conn, st, err)) == 1) {
        if (sqlite3_column_int64(st, 2) <= last)
            return out_of_order(kb, st, err);
        last = sqlite3_column_int64(st, 2);
        *aliases = grow(*aliases, *n_aliases, &cap, sizeof **aliases, arena);
        (*aliases)[(*n_aliases)++] = (struct bl_kb_alias){
            bl_sql_column(st, 0, arena), sqlite3_column_int64(st, 1)
        };
    }
    return rc;
}

int bl_kb_name_from(struct bl_kb *kb, struct bl_span folded,
                    struct bl_arena *arena, struct bl_span *out,
                    struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, NAME_FROM,
        "SELECT name FROM alias WHERE name >= ?1 ORDER BY name LIMIT 1",
        err);
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    rc = bl_sql_step(&kb->conn, st, err);
    if (rc == 1) {
        *out = bl_sql_column(st, 0, arena);
        sqlite3_reset(st);
    }
    return rc;
}

/* Weight 0 counts here, because further spellings of one normal form have it;
 * initials, which have it too, are left out by their kind.  The order, by n at
 * last, is that of the input, so the first that fits is always the same. */
int bl_kb_spellings(struct bl_kb *kb, struct bl_span folded, size_t max,
                    struct bl_arena *arena, struct bl_kb_spelling **spellings,
                    size_t *n_spellings, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, SPELLINGS,
        "SELECT a.surface, e.type, a.row, a.weight, a.kind, a.count "
        "FROM alias a JOIN entity e ON e.row = a.row WHERE a.name = ?1 "
        "AND a.kind & 7 < 3 ORDER BY a.weight DESC, a.row, a.n LIMIT ?2", err);
    size_t cap = 0;
    int rc;

    *spellings = NULL;
    *n_spellings = 0;
    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while ((rc = bl_sql_step(&kb->conn, st, err)) == 1) {
        *spellings = grow(*spellings, *n_spellings, &cap, sizeof **spellings,
                          arena);
        (*spellings)[(*n_spellings)++] = (struct bl_kb_spelling){
            bl_sql_column(st, 0, arena), bl_sql_column(st, 1, arena),
            sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3),
            sqlite3_column_int(st, 4),
            sqlite3_column_type(st, 5) != SQLITE_NULL
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

static void put_match(struct bl_buf *match, struct bl_span query,
                      const char *op)
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
        bl_buf_printf(match, "%s\"", words++ ? op : "");
        bl_buf_put(match, query.p + from, i - from);
        bl_buf_putc(match, '"');
    }
}

static bool seen(const struct bl_kb_hit *hits, size_t n_hits, int64_t row)
{
    for (size_t i = 0; i < n_hits; i++)
        if (hits[i].entity.row == row)
            return true;
    return false;
}

/* Entities that have the query as a name come before all others: 100, and up
 * to 100 more for their share of that name. */
static int named(struct bl_kb *kb, struct bl_span folded, size_t max,
                 struct bl_arena *arena, struct bl_kb_hit *hits,
                 size_t *n_hits, struct bl_err *err)
{
    struct bl_kb_names names;

    if (bl_kb_lookup(kb, folded, max, arena, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n && *n_hits < max; i++) {
        const struct bl_kb_name *name = &names.v[i];
        double share = names.total > 0
            ? (double)name->weight / (double)names.total : 0;
        int rc = bl_kb_get_row(kb, name->row, arena, &hits[*n_hits].entity,
                               err);
        if (rc < 0)
            return -1;
        hits[*n_hits].score = 100 + 100 * share;
        *n_hits += rc == 1 && !seen(hits, *n_hits, name->row);
    }
    return 0;
}

/* Up to 10 for a title that begins with the query's words, the more the larger
 * a part of it they are: "New York City" before "New York City Subway". */
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

static int by_score(const void *va, const void *vb)
{
    const struct bl_kb_hit *a = va, *b = vb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->entity.row < b->entity.row ? -1 : a->entity.row > b->entity.row;
}

/* Words of the title weigh ten times the text's, those of aliases five times.
 * The subquery limits the rows before the join reads their texts. bm25() is
 * lower for better rows, so its sign is changed.  More rows are fetched than
 * were asked for, because the bonus for the title changes their order. */
static int search_pass(struct bl_kb *kb, struct bl_span match,
                       struct bl_span folded, size_t max,
                       struct bl_arena *arena, struct bl_kb_hit *hits,
                       size_t *n_hits, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, SEARCH,
        "SELECT e.row, e.id, e.title, e.url, e.qid, e.type, e.text, f.s FROM "
        "(SELECT rowid AS r, bm25(fts, 10.0, 1.0, 5.0) AS s FROM fts "
        "WHERE fts MATCH ?1 ORDER BY s, rowid LIMIT ?2) f "
        "JOIN entity e ON e.row = f.r ORDER BY f.s, e.row", err);
    struct bl_buf fold = BL_BUF_INIT;
    size_t before = *n_hits;
    int rc;

    if (!st)
        return -1;
    bl_sql_text(st, 1, match);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)(max - before));
    while ((rc = step_entity(kb, st, true, arena, &hits[*n_hits].entity,
                             err)) == 1) {
        hits[*n_hits].score = -sqlite3_column_double(st, 7)
            + title_bonus(hits[*n_hits].entity.title, folded, &fold);
        *n_hits += !seen(hits, before, hits[*n_hits].entity.row);
        if (*n_hits == max)
            break;
    }
    sqlite3_reset(st);
    bl_buf_free(&fold);
    qsort(hits + before, *n_hits - before, sizeof *hits, by_score);
    return rc < 0 ? -1 : 0;
}

/* Entities with a name that holds the query's normal form, whole words of it:
 * FTS5 takes accents off letters, but does not find "Walesa" in "Lech
 * Wałęsa".  All names are read, so this comes when all else failed. */
static int search_names(struct bl_kb *kb, struct bl_span folded, size_t max,
                        struct bl_arena *arena, struct bl_kb_hit *hits,
                        size_t *n_hits, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, SEARCH_NAMES,
        "SELECT e.row, e.id, e.title, e.url, e.qid, e.type, e.text FROM "
        "(SELECT DISTINCT row AS r FROM alias WHERE "
        "instr(' ' || name || ' ', ' ' || ?1 || ' ') ORDER BY row LIMIT ?2) a "
        "JOIN entity e ON e.row = a.r ORDER BY e.row", err);
    int rc = 0;

    if (!st)
        return -1;
    bl_sql_text(st, 1, folded);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while (*n_hits < max
           && (rc = step_entity(kb, st, true, arena, &hits[*n_hits].entity,
                                err)) == 1)
        hits[(*n_hits)++].score = 1;
    sqlite3_reset(st);
    return rc < 0 ? -1 : 0;
}

/* First the entities of that name, then those with all words of the query, and
 * only if there is room those with some: FTS5 joins words by AND when nothing
 * stands between them. */
int bl_kb_search(struct bl_kb *kb, struct bl_span query, size_t max,
                 struct bl_arena *arena, struct bl_kb_hit **hits,
                 size_t *n_hits, struct bl_err *err)
{
    static const char *const ops[] = { " ", " OR " };
    struct bl_buf match = BL_BUF_INIT, fold = BL_BUF_INIT;
    size_t room = max * 4 + 64;
    int rc;

    *n_hits = 0;
    *hits = NULL;
    if (!kb->fts)
        return bl_fail(err, BL_DATA, "'%s' has no full text: it was built "
                       "with --no-fts", kb->conn.path);
    *hits = bl_arena_alloc(arena, room + 1, sizeof **hits);
    bl_fold(&fold, query);
    struct bl_span folded = { fold.data, fold.len };
    rc = folded.n ? named(kb, folded, max, arena, *hits, n_hits, err) : 0;
    for (size_t i = 0; i < 2 && rc == 0 && *n_hits < max; i++) {
        bl_buf_clear(&match);
        put_match(&match, query, ops[i]);
        if (match.len)
            rc = search_pass(kb, (struct bl_span){ match.data, match.len },
                             folded, room, arena, *hits, n_hits, err);
    }
    if (rc == 0 && *n_hits == 0 && folded.n)
        rc = search_names(kb, folded, max, arena, *hits, n_hits, err);
    *n_hits = BL_MIN(*n_hits, max);
    bl_buf_free(&match);
    bl_buf_free(&fold);
    return rc;
}

/* ---- Verifying ---- */

static int integrity(struct bl_kb *kb, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&kb->conn, VERIFY,
                                   "PRAGMA integrity_check(1)", err);
    const char *answer;
    int rc;

    if (!st || bl_sql_step(&kb->conn, st, err) < 0)
        return -1;
    answer = (const char *)sqlite3_column_text(st, 0);
    rc = answer && !strcmp(answer, "ok") ? 0
        : bl_fail(err, BL_DATA, "'%s' is damaged: %s", kb->conn.path,
                  answer ? answer : "no answer to integrity_check");
    sqlite3_reset(st);
    return rc;
}

int bl_kb_verify(struct bl_kb *kb, struct bl_err *err)
{
    char hex[BL_SHA256_HEX];
    size_t count, removed;

    if (integrity(kb, err) < 0
        || bl_kb_change_sum(&kb->conn, hex, &count, &removed, err) < 0)
        return -1;
    if (count != kb->count || removed != kb->removed)
        return bl_fail(err, BL_DATA, "'%s' is damaged: %zu entities, of them "
                       "%zu removed, expected, %zu and %zu found",
                       kb->conn.path, kb->count, kb->removed, count, removed);
    if (strcmp(hex, kb->fingerprint))
        return bl_fail(err, BL_DATA, "'%s' is damaged: its ids and changes "
                       "have the fingerprint %.16s, its meta table says "
                       "%.16s", kb->conn.path, hex, kb->fingerprint);
    return 0;
}
