/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-lexical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "kb/kb-struct.h"
#include "text/unicode.h"

enum { TITLE, TEXT, ALIASES, N_COLUMNS };       /* of the table fts */
/* Slots of the prepared statements, behind those of kb.c and kb-since.c. */
enum { COUNT = 17, FIND, SCORE, LINKS, AVERAGES, END };

enum {
    MOST_MENTION = 16,          /* words of a mention */
    MOST_CONTEXT = 64,          /* of each side of it, the nearest */
    MOST_PHRASES = 3 * MOST_MENTION + 2 * MOST_CONTEXT,
    MOST_WORD = 64,             /* bytes; FTS5 has no need of longer ones */
    BUDGET = 4096,              /* entities that are looked at for words of
                                 * which one is enough */
    FULL_BUDGET = 1 << 15,      /* the same of the full query */
    MORE = 256,                 /* hits that are boosted, beside those asked
                                 * for */
    CACHED = 1 << 15            /* words whose count is remembered */
};

/* Fitted to the recall of the sets that may be tuned on.  What has many
 * aliases is well known, so their length does not count against it; that of
 * the title does. */
static const double field_weight[N_COLUMNS] = { 10, 1, 6 };
static const double field_length[N_COLUMNS] = { .8, .5, 0 };
static const double saturation = 3;
static const double context_part = .07, solr_context_part = .5;

struct word {
    struct bl_span text;
    size_t count;               /* entities that have it, at most
                                 * BL_LEXICAL_COMMON */
};

struct slot {
    char *word;                 /* NULL: free */
    size_t size, count;
};

struct bl_lexical {
    struct bl_kb *kb;
    struct slot *cache;         /* [2 * CACHED] open addressing */
    size_t n_cached;
    struct bl_arena cached;     /* its words */
    double average[N_COLUMNS];  /* words of a field */
    struct bl_buf match;        /* the query of the last search */
    double weight[MOST_PHRASES];        /* of its phrases */
    size_t n_phrases;
};

/* ---- The score of one row ---- */

static double field_of(const struct bl_lexical *lexical, int column,
                       int times, int size)
{
    double length = lexical->average[column] > 0
        ? fmax(size, 1) / lexical->average[column] : 1;

    return field_weight[column] * times
        / (1 - field_length[column] + field_length[column] * length);
}

/* How often each phrase is in each field.  A damaged file may say anything. */
static int count_phrases(const struct bl_lexical *lexical,
                         const Fts5ExtensionApi *api, Fts5Context *context,
                         int times[MOST_PHRASES][N_COLUMNS])
{
    int n = 0, rc = api->xInstCount(context, &n);

    for (int i = 0; i < n && rc == SQLITE_OK; i++) {
        int phrase, column, offset;

        rc = api->xInst(context, i, &phrase, &column, &offset);
        if (rc == SQLITE_OK && phrase >= 0 && column >= 0
            && (size_t)phrase < lexical->n_phrases && column < N_COLUMNS)
            times[phrase][column]++;
    }
    return rc;
}

/* Of FTS5's bm25() neither the rarity, for which it walks over all entities
 * that have a word, nor the length, for which it takes all fields together,
 * suits names.  The sign is bm25()'s: less is better. */
static void score_row(const Fts5ExtensionApi *api, Fts5Context *context,
                      sqlite3_context *out, int n_args, sqlite3_value **args)
{
    const struct bl_lexical *lexical = api->xUserData(context);
    int times[MOST_PHRASES][N_COLUMNS], size[N_COLUMNS], rc;
    double sum = 0;

    (void)n_args;
    (void)args;
    memset(times, 0, lexical->n_phrases * sizeof *times);
    rc = count_phrases(lexical, api, context, times);
    for (int i = 0; i < N_COLUMNS && rc == SQLITE_OK; i++)
        rc = api->xColumnSize(context, i, &size[i]);
    if (rc != SQLITE_OK) {
        sqlite3_result_error_code(out, rc);
        return;
    }
    for (size_t i = 0; i < lexical->n_phrases; i++) {
        double t = 0;

        for (int j = 0; j < N_COLUMNS; j++)
            if (times[i][j])
                t += field_of(lexical, j, times[i][j], size[j]);
        sum += lexical->weight[i] * t / (t + saturation);
    }
    sqlite3_result_double(out, -sum);
}

/* ---- Opening ---- */

/* FTS5 hands its functions out through a pointer that is bound. */
static fts5_api *fts5_of(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(st);
    sqlite3_finalize(st);
    return api;
}

/* Row 1 of fts_data is the number of rows and then of words in each column,
 * as SQLite's variable-length integers: seven bits a byte, the highest bit set
 * in all but the last, nine bytes at most. */
static int read_averages(struct bl_lexical *lexical, struct bl_err *err)
{
    sqlite3_stmt *st = bl_sql_stmt(&lexical->kb->conn, AVERAGES,
        "SELECT block FROM fts_data WHERE id = 1", err);
    uint64_t number[1 + N_COLUMNS] = { 0 };
    const unsigned char *bytes;
    size_t n, at = 0;
    int rc;

    if (!st)
        return -1;
    rc = bl_sql_step(&lexical->kb->conn, st, err);
    bytes = rc == 1 ? sqlite3_column_blob(st, 0) : NULL;
    n = bytes ? (size_t)sqlite3_column_bytes(st, 0) : 0;
    for (size_t i = 0; i <= N_COLUMNS; i++)
        for (size_t j = 0; j < 8 && at < n; j++) {
            number[i] = number[i] << 7 | (bytes[at] & 0x7f);
            if (bytes[at++] < 0x80)
                break;
        }
    sqlite3_reset(st);
    for (size_t i = 0; i < N_COLUMNS && number[0]; i++)
        lexical->average[i] = (double)number[i + 1] / (double)number[0];
    return rc < 0 ? -1 : 0;
}

struct bl_lexical *bl_lexical_open(struct bl_kb *kb, struct bl_err *err)
{
    struct bl_lexical *lexical;
    fts5_api *api;

    if (!kb->fts) {
        bl_fail(err, BL_DATA, "'%s' has no full text: it was built with "
                "--no-fts", kb->conn.path);
        return NULL;
    }
    lexical = BL_NEW(struct bl_lexical);
    lexical->kb = kb;
    lexical->cache = BL_NEW_ARRAY(struct slot, 2 * CACHED);
    api = fts5_of(kb->conn.db);
    if (!api || api->xCreateFunction(api, "bl_lexical", lexical, score_row,
                                     NULL) != SQLITE_OK) {
        bl_sql_fail(&kb->conn, err);
        bl_lexical_close(lexical);
        return NULL;
    }
    if (read_averages(lexical, err) < 0) {
        bl_lexical_close(lexical);
        return NULL;
    }
    return lexical;
}

void bl_lexical_close(struct bl_lexical *lexical)
{
    if (!lexical)
        return;
    /* They know the function by its struct. */
    for (size_t i = COUNT; i < END; i++) {
        sqlite3_finalize(lexical->kb->conn.stmt[i]);
        lexical->kb->conn.stmt[i] = NULL;
    }
    bl_arena_free(&lexical->cached);
    bl_buf_free(&lexical->match);
    free(lexical->cache);
    free(lexical);
}

/* ---- Words ---- */

/* The length of the character at `at` if it is of a word, or else 0.  What is
 * left of FTS5's separators, such as symbols, FTS5 parts words at itself. */
static unsigned word_char(struct bl_span text, size_t at)
{
    unsigned len;
    uint32_t cp;

    if (at >= text.n)
        return 0;
    cp = bl_utf8_decode(text.p + at, text.n - at, &len);
    return cp < 0x20 || cp == 0x7f || bl_uni_is_space(cp)
        || bl_uni_is_punct(cp) ? 0 : len;
}

/* The next word of text from *at on, in ASCII lower case; p == NULL: there is
 * none.  Longer ones than MOST_WORD are passed over. */
static struct bl_span next_word(struct bl_span text, size_t *at,
                                struct bl_arena *arena)
{
    while (*at < text.n) {
        size_t from = *at;
        unsigned len = word_char(text, *at);

        if (!len) {
            bl_utf8_decode(text.p + *at, text.n - *at, &len);
            *at += len;
            continue;
        }
        for (; len; len = word_char(text, *at))
            *at += len;
        size_t end = *at;
        if (end > from && end - from <= MOST_WORD) {
            char *p = bl_arena_strndup(arena, text.p + from, end - from);

            for (size_t i = 0; i < end - from; i++)
                if (p[i] >= 'A' && p[i] <= 'Z')
                    p[i] += 'a' - 'A';
            return (struct bl_span){ p, end - from };
        }
    }
    return (struct bl_span){ NULL, 0 };
}

static bool among(const struct word *words, size_t n, struct bl_span text)
{
    for (size_t i = 0; i < n; i++)
        if (bl_span_eq(words[i].text, text))
            return true;
    return false;
}

/* FNV-1a. */
static size_t hash(struct bl_span word)
{
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < word.n; i++)
        sum = (sum ^ (unsigned char)word.p[i]) * UINT64_C(1099511628211);
    return (size_t)(sum >> 20);
}

static struct slot *slot_of(struct bl_lexical *lexical, struct bl_span word)
{
    size_t i = hash(word) % (2 * CACHED);

    while (lexical->cache[i].word
           && (lexical->cache[i].size != word.n
               || memcmp(lexical->cache[i].word, word.p, word.n)))
        i = (i + 1) % (2 * CACHED);
    return &lexical->cache[i];
}

static void forget(struct bl_lexical *lexical)
{
    memset(lexical->cache, 0, 2 * CACHED * sizeof *lexical->cache);
    lexical->n_cached = 0;
    bl_arena_reset(&lexical->cached);
}

static void put_phrase(struct bl_buf *match, struct bl_span word)
{
    bl_buf_putc(match, '"');
    bl_buf_put_span(match, word);
    bl_buf_putc(match, '"');
}

/* How many entities have it; a common word is not counted to its end. */
static int count_word(struct bl_lexical *lexical, struct bl_span word,
                      size_t *count, struct bl_err *err)
{
    struct bl_sql *conn = &lexical->kb->conn;
    struct bl_buf match = BL_BUF_INIT;
    sqlite3_stmt *st = bl_sql_stmt(conn, COUNT, "SELECT count(*) FROM "
        "(SELECT 1 FROM fts WHERE fts MATCH ?1 LIMIT ?2)", err);
    int rc = -1;

    if (!st)
        return -1;
    put_phrase(&match, word);
    bl_sql_text(st, 1, (struct bl_span){ match.data, match.len });
    sqlite3_bind_int64(st, 2, BL_LEXICAL_COMMON);
    rc = bl_sql_step(conn, st, err);
    if (rc == 1)
        *count = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    bl_buf_free(&match);
    return rc == 1 ? 0 : rc;
}

static int look_up(struct bl_lexical *lexical, struct word *word,
                   struct bl_err *err)
{
    struct slot *slot = slot_of(lexical, word->text);

    if (!slot->word) {
        if (lexical->n_cached == CACHED) {
            forget(lexical);
            slot = slot_of(lexical, word->text);
        }
        if (count_word(lexical, word->text, &slot->count, err) < 0)
            return -1;
        slot->word = bl_arena_strndup(&lexical->cached, word->text.p,
                                      word->text.n);
        slot->size = word->text.n;
        lexical->n_cached++;
    }
    word->count = slot->count;
    return 0;
}

static int rarest_first(const void *pa, const void *pb)
{
    const struct word *a = pa, *b = pb;
    size_t n = BL_MIN(a->text.n, b->text.n);
    int order;

    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    order = memcmp(a->text.p, b->text.p, n);
    return order ? order : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

/* Looks words[*n] up and sorts them; those that no entity has go, and common
 * ones where there are others. */
static int settle(struct bl_lexical *lexical, struct word *words, size_t *n,
                  struct bl_err *err)
{
    size_t known = 0;

    for (size_t i = 0; i < *n; i++) {
        if (look_up(lexical, &words[i], err) < 0)
            return -1;
        if (words[i].count)
            words[known++] = words[i];
    }
    qsort(words, known, sizeof *words, rarest_first);
    while (known > 1 && words[known - 1].count >= BL_LEXICAL_COMMON
           && words[0].count < BL_LEXICAL_COMMON)
        known--;
    *n = known;
    return 0;
}

/* Appends the words of text that are not among words[*n], up to `most`. */
static void add_words(struct bl_span text, struct word *words, size_t *n,
                      size_t most, struct bl_arena *arena)
{
    struct bl_span word;

    for (size_t at = 0; text.p && *n < most;) {
        word = next_word(text, &at, arena);
        if (!word.p)
            return;
        if (!among(words, *n, word))
            words[(*n)++] = (struct word){ word, 0 };
    }
}

/* The end of the left context is nearest to the mention: of the text's last
 * bytes, from a character on. */
static struct bl_span tail(struct bl_span text)
{
    enum { MOST_BYTES = 12 * MOST_CONTEXT };
    size_t from = text.n > MOST_BYTES ? text.n - MOST_BYTES : 0;

    while (from < text.n && ((unsigned char)text.p[from] & 0xc0) == 0x80)
        from++;
    return (struct bl_span){ text.p ? text.p + from : NULL, text.n - from };
}

/* ---- Queries ---- */

static double rarity(const struct bl_lexical *lexical, size_t count)
{
    double n = (double)count, all = (double)bl_kb_count(lexical->kb);

    return log(1 + (fmax(all - n, 0) + .5) / (n + .5));
}

static void start(struct bl_lexical *lexical)
{
    bl_buf_clear(&lexical->match);
    lexical->n_phrases = 0;
}

/* Appends n > 0 words joined by `op`, in columns or anywhere, each of which
 * counts that part of its rarity. */
static void put_group(struct bl_lexical *lexical, const char *columns,
                      const struct word *words, size_t n, const char *op,
                      double part)
{
    struct bl_buf *match = &lexical->match;

    bl_buf_puts(match, columns);
    bl_buf_puts(match, "(");
    for (size_t i = 0; i < n; i++) {
        bl_buf_puts(match, i ? op : "");
        put_phrase(match, words[i].text);
        BL_ASSERT(lexical->n_phrases < MOST_PHRASES);
        lexical->weight[lexical->n_phrases++] =
            part * rarity(lexical, words[i].count);
    }
    bl_buf_puts(match, ")");
}

/* The same for n words, as one way more to match. */
static void put_words(struct bl_lexical *lexical, const char *columns,
                      const struct word *words, size_t n, const char *op,
                      double part)
{
    if (!n)
        return;
    if (lexical->match.len)
        bl_buf_puts(&lexical->match, " OR ");
    put_group(lexical, columns, words, n, op, part);
}

/* How many of the rarest may be looked for one by one, when so many entities
 * can be looked at; one at least. */
static size_t affordable(const struct word *words, size_t n, size_t budget)
{
    size_t sum = 0, i = 0;

    while (i < n && (i == 0 || sum + words[i].count <= budget))
        sum += words[i++].count;
    return i;
}

static bool has_row(const struct bl_lexical_hit *hits, size_t n, int64_t row)
{
    for (size_t i = 0; i < n; i++)
        if (hits[i].row == row)
            return true;
    return false;
}

static int best_first(const void *pa, const void *pb)
{
    const struct bl_lexical_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Adds what the query finds to hits[*n], which has room for 2 max, and keeps
 * the best max.  A row that was there keeps its score. */
static int find(struct bl_lexical *lexical, size_t max,
                struct bl_lexical_hit *hits, size_t *n, struct bl_err *err)
{
    struct bl_sql *conn = &lexical->kb->conn;
    sqlite3_stmt *st = bl_sql_stmt(conn, FIND,
        "SELECT rowid, bl_lexical(fts) AS s FROM fts WHERE fts MATCH ?1 "
        "ORDER BY s, rowid LIMIT ?2", err);
    size_t before = *n;
    int rc;

    if (!st)
        return -1;
    if (!lexical->match.len)
        return 0;
    bl_sql_text(st, 1, (struct bl_span){ lexical->match.data,
                                         lexical->match.len });
    sqlite3_bind_int64(st, 2, (sqlite3_int64)max);
    while ((rc = bl_sql_step(conn, st, err)) == 1) {
        int64_t row = sqlite3_column_int64(st, 0);
        double score = -sqlite3_column_double(st, 1);

        if (score > 0 && row >= 0 && (size_t)row < bl_kb_count(lexical->kb)
            && !has_row(hits, before, row))
            hits[(*n)++] = (struct bl_lexical_hit){ row, score };
    }
    qsort(hits, *n, sizeof *hits, best_first);
    *n = BL_MIN(*n, max);
    return rc;
}

static const char names[] = "{title aliases} : ";

struct question {
    struct word words[MOST_MENTION], context[2 * MOST_CONTEXT];
    size_t n_words, n_context;  /* as settle() leaves them */
};

static int read_question(struct bl_lexical *lexical,
                         const struct bl_lexical_query *query,
                         struct bl_arena *arena, struct question *q,
                         struct bl_err *err)
{
    size_t n_words = 0, n_context = 0;

    add_words(query->mention, q->words, &n_words, MOST_MENTION, arena);
    if (query->words != BL_LEXICAL_MENTION) {
        add_words(query->right, q->context, &n_context, MOST_CONTEXT, arena);
        add_words(tail(query->left), q->context, &n_context, 2 * MOST_CONTEXT,
                  arena);
    }
    q->n_words = n_words;
    q->n_context = n_context;
    if (settle(lexical, q->words, &q->n_words, err) < 0
        || settle(lexical, q->context, &q->n_context, err) < 0)
        return -1;
    if (query->words == BL_LEXICAL_CONTEXT)
        q->n_context = BL_MIN(q->n_context, BL_LEXICAL_RAREST);
    return 0;
}

/* Entities whose names have all words of the mention, ranked by those and by
 * the words of the context that they have.  FTS5 knows no words that may be
 * there, so they stand in an OR with the same names once more, which count
 * nothing there. */
static void put_names(struct bl_lexical *lexical, const struct question *q)
{
    struct bl_buf *match = &lexical->match;

    start(lexical);
    put_words(lexical, names, q->words, q->n_words, " AND ", 1);
    if (!q->n_words || !q->n_context)
        return;
    bl_buf_puts(match, " OR (");
    put_group(lexical, names, q->words, q->n_words, " AND ", 0);
    bl_buf_puts(match, " AND ");
    put_group(lexical, "", q->context, q->n_context, " OR ", context_part);
    bl_buf_puts(match, ")");
}

/* If those are not enough: names that have some of the words, entities that
 * have all anywhere, and at last such as have rare words of the context. */
static void put_more(struct bl_lexical *lexical, const struct question *q,
                     int step)
{
    start(lexical);
    if (step == 1 && q->n_words > 1)
        put_words(lexical, names, q->words,
                  affordable(q->words, q->n_words, BUDGET), " OR ", 1);
    else if (step == 2 && q->n_words && q->words[0].count <= BUDGET)
        put_words(lexical, "", q->words, q->n_words, " AND ", 1);
    else if (step == 3)
        put_words(lexical, "", q->context,
                  affordable(q->context, q->n_context, BUDGET), " OR ",
                  context_part);
}

static int search_names(struct bl_lexical *lexical, const struct question *q,
                        size_t max, struct bl_lexical_hit *hits,
                        size_t *n_hits, struct bl_err *err)
{
    put_names(lexical, q);
    if (find(lexical, max, hits, n_hits, err) < 0)
        return -1;
    for (int step = 1; step < 4 && *n_hits < max; step++) {
        put_more(lexical, q, step);
        if (find(lexical, max, hits, n_hits, err) < 0)
            return -1;
    }
    start(lexical);
    put_words(lexical, names, q->words, q->n_words, " OR ", 1);
    put_words(lexical, "", q->context, q->n_context, " OR ", context_part);
    return 0;
}

/* How often the aliases of an entity were counted as links to it. */
static int add_links(struct bl_lexical *lexical, struct bl_lexical_hit *hit,
                     struct bl_err *err)
{
    struct bl_sql *conn = &lexical->kb->conn;
    sqlite3_stmt *st = bl_sql_stmt(conn, LINKS, "SELECT coalesce(sum(count), "
        "0) FROM alias WHERE row = ?1 AND count > 0", err);
    int rc;

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, hit->row);
    rc = bl_sql_step(conn, st, err);
    if (rc == 1)
        hit->score += log10(1 + fmax(sqlite3_column_double(st, 0), 0));
    sqlite3_reset(st);
    return rc < 0 ? -1 : 0;
}

/* 'title:(mention) OR aliases:(mention) OR sent_desc_1:(context)^0.5', with
 * the boost log(sum(num_incoming_links,1)) for the best found. */
static int search_full(struct bl_lexical *lexical, const struct question *q,
                       size_t max, struct bl_lexical_hit *hits,
                       size_t *n_hits, struct bl_err *err)
{
    size_t some = affordable(q->words, q->n_words, FULL_BUDGET);

    start(lexical);
    put_words(lexical, "title : ", q->words, some, " OR ", 1);
    put_words(lexical, "aliases : ", q->words, some, " OR ", 1);
    put_words(lexical, "text : ", q->context,
              affordable(q->context, q->n_context, FULL_BUDGET), " OR ",
              solr_context_part);
    if (find(lexical, max, hits, n_hits, err) < 0)
        return -1;
    for (size_t i = 0; i < *n_hits; i++)
        if (add_links(lexical, &hits[i], err) < 0)
            return -1;
    qsort(hits, *n_hits, sizeof *hits, best_first);
    return 0;
}

int bl_lexical_search(struct bl_lexical *lexical,
                      const struct bl_lexical_query *query, size_t max,
                      struct bl_arena *arena, struct bl_lexical_hit **hits,
                      size_t *n_hits, struct bl_err *err)
{
    bool full = query->words == BL_LEXICAL_FULL;
    size_t room = full ? max + MORE : max;
    struct question q;

    *n_hits = 0;
    *hits = bl_arena_alloc(arena, 2 * room, sizeof **hits);
    if (read_question(lexical, query, arena, &q, err) < 0)
        return -1;
    if (full ? search_full(lexical, &q, room, *hits, n_hits, err) < 0
             : search_names(lexical, &q, room, *hits, n_hits, err) < 0)
        return -1;
    *n_hits = BL_MIN(*n_hits, max);
    return 0;
}

int bl_lexical_score(struct bl_lexical *lexical, int64_t row, double *score,
                     struct bl_err *err)
{
    struct bl_sql *conn = &lexical->kb->conn;
    sqlite3_stmt *st;
    int rc;

    *score = 0;
    if (!lexical->match.len)
        return 0;
    st = bl_sql_stmt(conn, SCORE, "SELECT bl_lexical(fts) FROM fts "
                     "WHERE fts MATCH ?1 AND rowid = ?2", err);
    if (!st)
        return -1;
    bl_sql_text(st, 1, (struct bl_span){ lexical->match.data,
                                         lexical->match.len });
    sqlite3_bind_int64(st, 2, row);
    rc = bl_sql_step(conn, st, err);
    if (rc == 1)
        *score = -sqlite3_column_double(st, 0);
    sqlite3_reset(st);
    return rc < 0 ? -1 : 0;
}
