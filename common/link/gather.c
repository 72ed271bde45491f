/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "link/fuse.h"
#include "link/gather-struct.h"
#include "link/page.h"
#include "text/fold.h"
#include "text/initials.h"

enum {
    GROUP = 256,                /* queries searched together; bounds memory */
    MAX_NAMED = 1024,           /* entities of one name that get a prior */
    MAX_GUESSES = 256,          /* entities with the initials that a mention
                                 * is, whose vectors are looked at */
    REDIRECT_WEIGHT = 1         /* as of an alias without a count */
};

/* ---- Names ---- */

struct named {
    struct bl_kb_names names;
    int64_t *guesses;           /* [n_guesses] rows whose titles have these
                                 * initials */
    size_t n_guesses;
    struct bl_name page;        /* title.p == NULL: none */
};

/* "ICJ", which no alias may explain, can be the initials of a title.  The
 * catalogue has none of fewer than three letters: they fit too many titles. */
static int look_up_initials(struct bl_gather *gather, struct bl_span name,
                            struct named *out, struct bl_err *err)
{
    char capitals[BL_MOST_INITIALS];
    struct bl_buf folded = BL_BUF_INIT;
    size_t n = bl_initials_read(name, capitals);
    int rc;

    if (n < 3)
        return 0;
    bl_fold(&folded, (struct bl_span){ capitals, n });
    rc = bl_kb_initials(gather->kb,
                        (struct bl_span){ folded.data, folded.len },
                        MAX_GUESSES, &gather->names, &out->guesses,
                        &out->n_guesses, err);
    bl_buf_free(&folded);
    return rc;
}

/* Puts the entity of that row first among the names, so that it is not left
 * out as one name too many, unless it is there. */
static void add_name(struct bl_gather *gather, struct bl_kb_names *names,
                     int64_t row)
{
    struct bl_kb_name *v;

    for (size_t i = 0; i < names->n; i++)
        if (names->v[i].row == row)
            return;
    if (__builtin_add_overflow(names->total, REDIRECT_WEIGHT, &names->total))
        return;
    v = bl_arena_alloc(&gather->names, names->n + 1, sizeof *v);
    v[0] = (struct bl_kb_name){ row, REDIRECT_WEIGHT, BL_KB_ALIAS };
    if (names->n)
        memcpy(v + 1, names->v, names->n * sizeof *v);
    names->v = v;
    names->n++;
}

/* A name that redirects to a page is an alias of the entity with that
 * title. */
static int look_up_page(struct bl_gather *gather, struct bl_span folded,
                        struct named *out, struct bl_err *err)
{
    struct bl_kb_names titles;
    int rc = bl_names_find(gather->opts.names, folded, &gather->names,
                           &out->page, err);

    if (rc != 1 || !out->page.redirect)
        return rc < 0 ? -1 : 0;
    if (bl_kb_lookup(gather->kb, out->page.folded, gather->opts.k,
                     &gather->names, &titles, err) < 0)
        return -1;
    for (size_t i = titles.n; i-- > 0;)
        if ((titles.v[i].kind & ~BL_KB_COMMON) == BL_KB_TITLE)
            add_name(gather, &out->names, titles.v[i].row);
    return 0;
}

/* What the name means in the catalogue; *out lives until the next call. */
static int look_up(struct bl_gather *gather, struct bl_span name,
                   struct named *out, struct bl_err *err)
{
    struct bl_buf buf = BL_BUF_INIT;
    struct bl_span folded;
    int rc;

    memset(out, 0, sizeof *out);
    if (!name.p || !gather->kb)
        return 0;
    bl_arena_reset(&gather->names);
    bl_fold(&buf, name);
    folded = (struct bl_span){ buf.data, buf.len };
    rc = bl_kb_lookup(gather->kb, folded, MAX_NAMED, &gather->names,
                      &out->names, err);
    if (rc == 0 && gather->opts.names)
        rc = look_up_page(gather, folded, out, err);
    bl_buf_free(&buf);
    return rc < 0 ? rc : look_up_initials(gather, name, out, err);
}

static bool has_row(const int64_t *rows, size_t n, uint32_t row)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i] == row)
            return true;
    return false;
}

/* What the name alone says for that row. */
static unsigned char why_named(const struct named *named, size_t k,
                               uint32_t row)
{
    const struct bl_kb_names *names = &named->names;
    unsigned char why = 0;

    for (size_t i = 0; i < BL_MIN(names->n, k); i++)
        if (names->v[i].row == row)
            why = BL_WHY_NAMED;
    if (has_row(named->guesses, named->n_guesses, row))
        why |= BL_WHY_INITIALS;
    return why;
}

static double prior_of(const struct bl_kb_names *names, uint32_t row)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->v[i].row == row && names->total > 0)
            return (double)names->v[i].weight / (double)names->total;
    return NAN;
}

/* ---- One list ---- */

static int best_first(const void *pa, const void *pb)
{
    const struct bl_hit *one = pa, *other = pb;

    if (one->score != other->score)
        return one->score > other->score ? -1 : 1;
    return (one->row > other->row) - (one->row < other->row);
}

static bool among(const struct bl_hit *hits, size_t n, int64_t row)
{
    for (size_t i = 0; i < n; i++)
        if (hits[i].row == row)
            return true;
    return false;
}

static int score_words(struct bl_gather *gather, const uint32_t *rows,
                       size_t n, float *scores, struct bl_err *err)
{
    double score;

    for (size_t i = 0; i < n; i++) {
        if (bl_lexical_score(gather->lexical, rows[i], &score, err) < 0)
            return -1;
        scores[i] = (float)score;
    }
    return 0;
}

static int score_rows(struct bl_gather *gather, const float *vector,
                      const uint32_t *rows, size_t n, float *scores,
                      struct bl_err *err)
{
    if (gather->opts.by == BL_GATHER_LEXICAL)
        return score_words(gather, rows, n, scores, err);
    if (gather->ann)
        return bl_ann_scores(gather->ann, vector, rows, n, scores, err);
    bl_topk_scores(gather->topk, vector, rows, n, scores);
    return 0;
}

/* Appends to gather->merged[*n] the nearest `most` of those of rows[n_rows]
 * that are not among it.  A row without a vector has the score NAN. */
static int add_rows(struct bl_gather *gather, const float *vector,
                    const int64_t *rows, size_t n_rows, size_t most,
                    size_t *n, struct bl_err *err)
{
    uint32_t *fresh = bl_xmalloc(n_rows, sizeof *fresh);
    float *scores = bl_xmalloc(n_rows, sizeof *scores);
    struct bl_hit *found = bl_xmalloc(n_rows, sizeof *found);
    size_t n_fresh = 0, n_found = 0;
    int rc = 0;

    for (size_t i = 0; i < n_rows; i++)
        if (!among(gather->merged, *n, rows[i]))
            fresh[n_fresh++] = (uint32_t)rows[i];
    if (n_fresh)
        rc = score_rows(gather, vector, fresh, n_fresh, scores, err);
    for (size_t i = 0; i < n_fresh && rc == 0; i++)
        if (!isnan(scores[i]))
            found[n_found++] = (struct bl_hit){ scores[i], fresh[i] };
    qsort(found, n_found, sizeof *found, best_first);
    n_found = BL_MIN(n_found, most);
    memcpy(gather->merged + *n, found, n_found * sizeof *found);
    *n += n_found;
    free(fresh);
    free(scores);
    free(found);
    return rc;
}

/* Adds the k best known of the named entities, which come first in the
 * catalogue's answer, and not the k nearest: who is meant by a name nine times
 * in ten belongs in the list however far the vector is. */
static int add_named(struct bl_gather *gather, const float *vector,
                     const struct named *named, size_t *n,
                     struct bl_err *err)
{
    size_t n_names = BL_MIN(named->names.n, gather->opts.k);
    int64_t *rows = bl_xmalloc(n_names, sizeof *rows);
    int rc;

    for (size_t i = 0; i < n_names; i++)
        rows[i] = named->names.v[i].row;
    rc = add_rows(gather, vector, rows, n_names, n_names, n, err);
    if (rc == 0)
        rc = add_rows(gather, vector, named->guesses, named->n_guesses,
                      BL_GATHER_INITIALS, n, err);
    free(rows);
    qsort(gather->merged, *n, sizeof *gather->merged, best_first);
    return rc;
}

static void describe_page(const struct bl_gather *gather,
                          const struct bl_name *page, struct bl_span mention,
                          struct bl_arena *arena, struct bl_named *out)
{
    struct bl_buf title = BL_BUF_INIT, url = BL_BUF_INIT;
    bool sure = bl_page_title(page, mention, &title);

    out->title.p = bl_arena_strndup(arena, title.data, title.len);
    out->title.n = title.len;
    bl_page_url(bl_names_note(gather->opts.names, BL_NAMES_NOTE_SITE),
                out->title, sure, &url);
    if (url.len) {
        out->url.p = bl_arena_strndup(arena, url.data, url.len);
        out->url.n = url.len;
    }
    bl_buf_free(&title);
    bl_buf_free(&url);
}

/* The best by words in gather->merged[*n], with their scores, which are the
 * arena's. */
static int find_words(struct bl_gather *gather,
                      const struct bl_gather_query *query,
                      struct bl_arena *arena, struct bl_lexical_hit **hits,
                      size_t *n, struct bl_err *err)
{
    struct bl_lexical_query words = { query->mention, query->left,
                                      query->right, gather->opts.words };

    return bl_lexical_search(gather->lexical, &words, gather->opts.k, arena,
                             hits, n, err);
}

static void put_hit(const struct bl_gather *gather, const struct named *named,
                    const struct bl_hit *hit, struct bl_gather_hit *out)
{
    bool lexical = gather->opts.by == BL_GATHER_LEXICAL;

    *out = (struct bl_gather_hit){
        .score = hit->score, .bi = lexical ? NAN : hit->score,
        .lexical = lexical ? hit->score : NAN, .row = hit->row,
        .prior = prior_of(&named->names, hit->row)
    };
}

/* The list of one query: its nearest[n], n <= k, and what its name means in
 * the catalogue. */
static int list_plain(struct bl_gather *gather,
                      const struct bl_gather_query *query,
                      const struct named *named, const struct bl_hit *nearest,
                      size_t n, struct bl_arena *arena,
                      struct bl_gathered *out, struct bl_err *err)
{
    size_t n_nearest = n;

    memcpy(gather->merged, nearest, n * sizeof *nearest);
    if ((named->names.n || named->n_guesses)
        && add_named(gather, query->vector, named, &n, err) < 0)
        return -1;
    out->n = n;
    out->v = bl_arena_alloc(arena, n, sizeof *out->v);
    for (size_t i = 0; i < n; i++) {
        const struct bl_hit *hit = &gather->merged[i];

        put_hit(gather, named, hit, &out->v[i]);
        if (gather->opts.why)
            out->v[i].why = why_named(named, gather->opts.k, hit->row);
        if (gather->opts.why && among(nearest, n_nearest, hit->row))
            out->v[i].why |= BL_WHY_NEAREST;
    }
    return 0;
}

static int list_lexical(struct bl_gather *gather,
                        const struct bl_gather_query *query,
                        const struct named *named, struct bl_arena *arena,
                        struct bl_gathered *out, struct bl_err *err)
{
    struct bl_lexical_hit *hits;
    struct bl_hit *nearest;
    size_t n;

    if (find_words(gather, query, arena, &hits, &n, err) < 0)
        return -1;
    nearest = bl_arena_alloc(arena, n, sizeof *nearest);
    for (size_t i = 0; i < n; i++)
        nearest[i] = (struct bl_hit){ (float)hits[i].score,
                                      (uint32_t)hits[i].row };
    return list_plain(gather, query, named, nearest, n, arena, out, err);
}

/* ---- Hybrid lists ---- */

/* Appends an entity that is not there yet.  One that was not found by words
 * has the score 0: to ask for it would take a query each, and it has no place
 * among the best that would count (fuse.c). */
static void add_hybrid(struct bl_gathered *list, const struct named *named,
                       uint32_t row, float lexical)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].row == row)
            return;
    list->v[list->n++] = (struct bl_gather_hit){
        .bi = NAN, .lexical = lexical, .row = row,
        .prior = prior_of(&named->names, row)
    };
}

static int score_hybrid(struct bl_gather *gather,
                        const struct bl_gather_query *query,
                        struct bl_arena *arena, struct bl_gathered *list,
                        struct bl_err *err)
{
    uint32_t *rows = bl_arena_alloc(arena, list->n, sizeof *rows);
    float *scores = bl_arena_alloc(arena, list->n, sizeof *scores);
    int rc;

    for (size_t i = 0; i < list->n; i++)
        rows[i] = list->v[i].row;
    rc = score_rows(gather, query->vector, rows, list->n, scores, err);
    for (size_t i = 0; i < list->n && rc == 0; i++)
        list->v[i].bi = scores[i];
    return rc;
}

static int list_hybrid(struct bl_gather *gather,
                       const struct bl_gather_query *query,
                       const struct named *named, const struct bl_hit *nearest,
                       size_t n, struct bl_arena *arena,
                       struct bl_gathered *out, struct bl_err *err)
{
    struct bl_lexical_hit *hits;
    size_t n_hits, n_names = BL_MIN(named->names.n, gather->opts.k);

    if (find_words(gather, query, arena, &hits, &n_hits, err) < 0)
        return -1;
    out->n = 0;
    out->v = bl_arena_alloc(arena, n + n_hits + n_names, sizeof *out->v);
    for (size_t i = 0; i < n_hits; i++)
        add_hybrid(out, named, (uint32_t)hits[i].row, (float)hits[i].score);
    for (size_t i = 0; i < n; i++)
        add_hybrid(out, named, nearest[i].row, 0);
    for (size_t i = 0; i < n_names; i++)
        add_hybrid(out, named, (uint32_t)named->names.v[i].row, 0);
    if (score_hybrid(gather, query, arena, out, err) < 0)
        return -1;
    bl_fuse(out, gather->opts.k, arena);
    return 0;
}

/* Makes the list of one query, of whose nearest[n] there are n <= k. */
static int make_list(struct bl_gather *gather,
                     const struct bl_gather_query *query,
                     const struct bl_hit *nearest, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err)
{
    struct named named;
    int rc;

    if (look_up(gather, query->name, &named, err) < 0)
        return -1;
    if (gather->opts.by == BL_GATHER_LEXICAL)
        rc = list_lexical(gather, query, &named, arena, out, err);
    else if (gather->opts.by == BL_GATHER_HYBRID)
        rc = list_hybrid(gather, query, &named, nearest, n, arena, out, err);
    else
        rc = list_plain(gather, query, &named, nearest, n, arena, out, err);
    if (rc < 0)
        return -1;
    out->named = (struct bl_named){ .redirect = named.page.redirect };
    if (named.page.title.p)
        describe_page(gather, &named.page, query->name, arena, &out->named);
    return 0;
}

/* ---- Queries ---- */

static void make_room(struct bl_gather *gather, size_t n)
{
    if (n <= gather->room)
        return;
    gather->room = n;
    gather->vectors = bl_xrealloc(gather->vectors, n,
                                  gather->want.dim * sizeof(float) + 1);
    gather->nearest = bl_xrealloc(gather->nearest, n,
                                  gather->opts.k * sizeof *gather->nearest);
}

static int by_row(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

static bool is_removed(const struct bl_gather *gather, uint32_t row)
{
    int64_t wanted = row;

    return gather->n_removed
        && bsearch(&wanted, gather->removed, gather->n_removed,
                   sizeof wanted, by_row);
}

/* FAISS finds entities that the catalogue has removed, too. */
static void leave_out_removed(struct bl_gather *gather, size_t n,
                              size_t *found)
{
    for (size_t i = 0; i < n && gather->n_removed; i++) {
        struct bl_hit *hits = gather->nearest + i * gather->opts.k;
        size_t left = 0;

        for (size_t j = 0; j < found[i]; j++)
            if (!is_removed(gather, hits[j].row))
                hits[left++] = hits[j];
        found[i] = left;
    }
}

static int find_nearest(struct bl_gather *gather, size_t n, size_t *found,
                        struct bl_err *err)
{
    if (gather->ann) {
        if (bl_ann_search(gather->ann, gather->vectors, n, gather->opts.k,
                          gather->nearest, found, err) < 0)
            return -1;
        leave_out_removed(gather, n, found);
        return 0;
    }
    bl_topk_search(gather->topk, gather->vectors, n, gather->opts.k,
                   gather->nearest, found);
    return 0;
}

static int search_group(struct bl_gather *gather,
                        const struct bl_gather_query *queries, size_t n,
                        struct bl_arena *arena, struct bl_gathered *out,
                        struct bl_err *err)
{
    size_t found[GROUP] = { 0 }, dim = gather->want.dim;
    bool dense = gather->opts.by != BL_GATHER_LEXICAL;

    make_room(gather, n);
    for (size_t i = 0; i < n && dense; i++)
        memcpy(gather->vectors + i * dim, queries[i].vector,
               dim * sizeof(float));
    if (dense && find_nearest(gather, n, found, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (make_list(gather, &queries[i],
                      gather->nearest + i * gather->opts.k, found[i], arena,
                      &out[i], err) < 0)
            return -1;
    return 0;
}

int bl_gather_search(struct bl_gather *gather,
                     const struct bl_gather_query *queries, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err)
{
    for (size_t i = 0; i < n; i += GROUP)
        if (search_group(gather, queries + i, BL_MIN(n - i, GROUP), arena,
                         out + i, err) < 0)
            return -1;
    return 0;
}

/* ---- What the catalogue says ---- */

static int read_row(struct bl_gather *gather, uint32_t row,
                    struct bl_arena *arena, struct bl_entity *entity,
                    struct bl_err *err)
{
    int found = bl_kb_brief_row(gather->kb, row, arena, entity, err);

    if (!found)
        return bl_fail(err, BL_DATA, "'%s': an index names row %lu, which "
                       "does not exist", bl_kb_path(gather->kb),
                       (unsigned long)row);
    return found < 0 ? -1 : 0;
}

/* Scores are checked here and not in the search, where one list with an
 * infinite score would fail all queries of the call. */
int bl_gather_candidates(struct bl_gather *gather,
                         const struct bl_gathered *list,
                         struct bl_arena *arena, struct bl_candidates *out,
                         struct bl_err *err)
{
    struct bl_entity entity;

    BL_ASSERT(gather->kb);
    *out = (struct bl_candidates){
        .v = bl_arena_alloc(arena, list->n, sizeof *out->v), .n = list->n,
        .named = list->named,
        .entities = bl_kb_count(gather->kb) - bl_kb_removed(gather->kb)
    };
    for (size_t i = 0; i < list->n; i++) {
        const struct bl_gather_hit *hit = &list->v[i];

        if (!isfinite(hit->score))
            return bl_fail(err, BL_NON_FINITE, "the score of row %lu is not "
                           "finite", (unsigned long)hit->row);
        if (read_row(gather, hit->row, arena, &entity, err) < 0)
            return -1;
        out->v[i] = (struct bl_candidate){
            .id = entity.id, .title = entity.title, .url = entity.url,
            .qid = entity.qid, .type = entity.type,
            .score = (double)hit->score, .bi = (double)hit->bi,
            .lexical = (double)hit->lexical,
            .cross = NAN, .prior = hit->prior, .p = NAN, .cross_p = NAN,
            .coherence = NAN, .place = i
        };
    }
    return 0;
}
