/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/ann.h"
#include "text/fold.h"
#include "search/index.h"
#include "text/initials.h"
#include "base/mem.h"
#include "base/paths.h"
#include "search/topk.h"

enum {
    GROUP = 256,                /* queries searched together; bounds memory */
    MAX_NAMED = 1024,           /* entities of one name that get a prior */
    MAX_GUESSES = 256           /* entities with the initials that a mention
                                 * is, whose vectors are looked at */
};

struct bl_gather {
    struct bl_gather_opts opts;
    struct bl_kb *kb;           /* borrowed; NULL: none */
    struct bl_index *indexes;   /* [n_indexes] all that were named */
    size_t n_indexes;
    const struct bl_index **shards;     /* [n_shards] those with vectors */
    size_t n_shards;
    struct bl_topk *topk;       /* exact search of the shards, or */
    struct bl_ann *ann;         /* approximate search */
    struct bl_vector_want want;
    char *want_by, *description;

    float *vectors;             /* [room][dim] of the queries */
    struct bl_hit *nearest;     /* [room][k] */
    size_t room;                /* queries of a group there is room for */
    struct bl_hit *merged;      /* [2 k + BL_GATHER_INITIALS] of one query */
    struct bl_arena names;      /* what is looked up for one query */
};

/* ---- Opening ---- */

static int check_kb(const struct bl_gather *g, const struct bl_index *x,
                    struct bl_err *err)
{
    return !g->kb ? 0 : bl_index_check_kb(x, bl_kb_fingerprint(g->kb),
                                          bl_kb_count(g->kb),
                                          bl_kb_path(g->kb), err);
}

static int add_shard(struct bl_gather *g, const struct bl_index *x,
                     struct bl_err *err)
{
    const struct bl_index *first = g->n_shards ? g->shards[0] : NULL;

    if (check_kb(g, x, err) < 0)
        return -1;
    if (x->n == 0)
        return 0;               /* knows neither model nor dimension */
    if (first && strcmp(first->model, x->model))
        return bl_fail(err, BL_DATA, "'%s': made with model %.16s, but "
                       "'%s' with %.16s", x->map.path, x->model,
                       first->map.path, first->model);
    if (first && first->dim != x->dim)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, but "
                       "'%s' has %zu", x->map.path, x->dim, first->map.path,
                       first->dim);
    g->shards[g->n_shards++] = x;
    return 0;
}

static int open_shards(struct bl_gather *g, const char *const *names,
                       size_t n, struct bl_err *err)
{
    g->indexes = BL_NEW_ARRAY(struct bl_index, n);
    g->shards = BL_NEW_ARRAY(const struct bl_index *, n);
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], err);
        int rc = path ? bl_index_open(&g->indexes[i], path, err) : -1;

        free(path);
        if (rc < 0)
            return -1;
        g->n_indexes++;
        if (add_shard(g, &g->indexes[i], err) < 0)
            return -1;
    }
    return 0;
}

static int open_exact(struct bl_gather *g, const char *const *names,
                      size_t n, struct bl_err *err)
{
    if (g->opts.ef_search || g->opts.nprobe)
        return bl_fail(err, BL_USAGE, "--ef-search and --nprobe are for "
                       "approximate indexes");
    if (open_shards(g, names, n, err) < 0)
        return -1;
    g->topk = bl_topk_new(g->shards, g->n_shards, g->opts.threads);
    if (g->n_shards) {
        g->want_by = bl_xasprintf("'%s'", g->shards[0]->map.path);
        g->want = (struct bl_vector_want){
            g->shards[0]->dim, g->shards[0]->model, g->want_by
        };
    }
    g->description = bl_xasprintf("%zu indexes, kernel %s", n,
                                  bl_topk_describe());
    return 0;
}

static int open_approximate(struct bl_gather *g, const char *path,
                            struct bl_err *err)
{
    struct bl_ann_opts opts = { g->opts.ef_search, g->opts.nprobe,
                                g->opts.threads };
    const struct bl_faiss *f;

    g->ann = bl_ann_open(path, &opts, err);
    if (!g->ann)
        return -1;
    f = bl_ann_file(g->ann);
    g->want_by = bl_xasprintf("'%s'", path);
    g->want = (struct bl_vector_want){
        f->dim, *f->model ? f->model : NULL, g->want_by
    };
    g->description = bl_xstrdup(bl_ann_describe(g->ann));
    return !g->kb ? 0 : bl_faiss_check_kb(f, bl_kb_fingerprint(g->kb),
                                          bl_kb_count(g->kb),
                                          bl_kb_path(g->kb), err);
}

/* The path of the first that is a FAISS index, or NULL; caller frees.
 * What cannot be found is for open_shards() to complain of. */
static char *find_approximate(const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], NULL);

        if (path && bl_faiss_is_file(path))
            return path;
        free(path);
    }
    return NULL;
}

struct bl_gather *bl_gather_open(const char *const *indexes, size_t n,
                                 struct bl_kb *kb,
                                 const struct bl_gather_opts *opts,
                                 struct bl_err *err)
{
    static const char *const standard[] = { NULL };
    struct bl_gather *g = BL_NEW(struct bl_gather);
    char *path = find_approximate(indexes, n);
    int rc;

    BL_ASSERT(opts->k > 0);
    g->opts = *opts;
    g->kb = kb;
    if (path && n > 1)
        rc = bl_fail(err, BL_USAGE, "'%s' is a FAISS index, which cannot "
                     "be combined with other shards", path);
    else if (path)
        rc = open_approximate(g, path, err);
    else
        rc = open_exact(g, n ? indexes : standard, n ? n : 1, err);
    free(path);
    if (rc < 0) {
        bl_gather_close(g);
        return NULL;
    }
    g->merged = bl_xmalloc(2 * opts->k + BL_GATHER_INITIALS,
                           sizeof *g->merged);
    return g;
}

void bl_gather_close(struct bl_gather *g)
{
    if (!g)
        return;
    bl_topk_free(g->topk);
    bl_ann_close(g->ann);
    for (size_t i = 0; i < g->n_indexes; i++)
        bl_index_close(&g->indexes[i]);
    free(g->indexes);
    free(g->shards);
    free(g->want_by);
    free(g->description);
    free(g->vectors);
    free(g->nearest);
    free(g->merged);
    bl_arena_free(&g->names);
    free(g);
}

const struct bl_vector_want *bl_gather_want(const struct bl_gather *g)
{
    return &g->want;
}

const char *bl_gather_describe(const struct bl_gather *g)
{
    return g->description;
}

/* ---- Names ---- */

struct named {
    struct bl_kb_names names;
    int64_t *guesses;           /* [n_guesses] rows whose titles have these
                                 * initials */
    size_t n_guesses;
};

/* "ICJ", which no alias may explain, can be the initials of a title.  The
 * catalogue has none of fewer than three letters: they fit too many titles. */
static int look_up_initials(struct bl_gather *g, struct bl_span name,
                            struct named *out, struct bl_err *err)
{
    char capitals[BL_MOST_INITIALS];
    struct bl_buf folded = BL_BUF_INIT;
    size_t n = bl_initials_read(name, capitals);
    int rc;

    if (n < 3)
        return 0;
    bl_fold(&folded, (struct bl_span){ capitals, n });
    rc = bl_kb_initials(g->kb, (struct bl_span){ folded.data, folded.len },
                        MAX_GUESSES, &g->names, &out->guesses,
                        &out->n_guesses, err);
    bl_buf_free(&folded);
    return rc;
}

/* *out lives until the next call. */
static int look_up(struct bl_gather *g, struct bl_span name,
                   struct named *out, struct bl_err *err)
{
    struct bl_buf folded = BL_BUF_INIT;
    int rc;

    memset(out, 0, sizeof *out);
    if (!name.p || !g->kb)
        return 0;
    bl_arena_reset(&g->names);
    bl_fold(&folded, name);
    rc = bl_kb_lookup(g->kb, (struct bl_span){ folded.data, folded.len },
                      MAX_NAMED, &g->names, &out->names, err);
    bl_buf_free(&folded);
    return rc < 0 ? rc : look_up_initials(g, name, out, err);
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
    const struct bl_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static bool among(const struct bl_hit *hits, size_t n, int64_t row)
{
    for (size_t i = 0; i < n; i++)
        if (hits[i].row == row)
            return true;
    return false;
}

static int score_rows(struct bl_gather *g, const float *vector,
                      const uint32_t *rows, size_t n, float *scores,
                      struct bl_err *err)
{
    if (g->ann)
        return bl_ann_scores(g->ann, vector, rows, n, scores, err);
    bl_topk_scores(g->topk, vector, rows, n, scores);
    return 0;
}

/* Appends to g->merged[*n] the nearest `most` of those of rows[n_rows] that
 * are not among it.  A row without a vector has the score NAN. */
static int add_rows(struct bl_gather *g, const float *vector,
                    const int64_t *rows, size_t n_rows, size_t most,
                    size_t *n, struct bl_err *err)
{
    uint32_t *fresh = bl_xmalloc(n_rows, sizeof *fresh);
    float *scores = bl_xmalloc(n_rows, sizeof *scores);
    struct bl_hit *found = bl_xmalloc(n_rows, sizeof *found);
    size_t n_fresh = 0, n_found = 0;
    int rc = 0;

    for (size_t i = 0; i < n_rows; i++)
        if (!among(g->merged, *n, rows[i]))
            fresh[n_fresh++] = (uint32_t)rows[i];
    if (n_fresh)
        rc = score_rows(g, vector, fresh, n_fresh, scores, err);
    for (size_t i = 0; i < n_fresh && rc == 0; i++)
        if (!isnan(scores[i]))
            found[n_found++] = (struct bl_hit){ scores[i], fresh[i] };
    qsort(found, n_found, sizeof *found, best_first);
    n_found = BL_MIN(n_found, most);
    memcpy(g->merged + *n, found, n_found * sizeof *found);
    *n += n_found;
    free(fresh);
    free(scores);
    free(found);
    return rc;
}

/* Of the named entities the k best known ones, which come first in the
 * catalogue's answer, and not the k nearest: who is meant by a name nine times
 * in ten belongs in the list however far the vector is. */
static int add_named(struct bl_gather *g, const float *vector,
                     const struct named *named, size_t *n,
                     struct bl_err *err)
{
    size_t n_names = BL_MIN(named->names.n, g->opts.k);
    int64_t *rows = bl_xmalloc(n_names, sizeof *rows);
    int rc;

    for (size_t i = 0; i < n_names; i++)
        rows[i] = named->names.v[i].row;
    rc = add_rows(g, vector, rows, n_names, n_names, n, err);
    if (rc == 0)
        rc = add_rows(g, vector, named->guesses, named->n_guesses,
                      BL_GATHER_INITIALS, n, err);
    free(rows);
    qsort(g->merged, *n, sizeof *g->merged, best_first);
    return rc;
}

/* nearest[n], n <= k, and what is named -> *out. */
static int make_list(struct bl_gather *g, const struct bl_gather_query *query,
                     const struct bl_hit *nearest, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err)
{
    struct named named;

    if (look_up(g, query->name, &named, err) < 0)
        return -1;
    memcpy(g->merged, nearest, n * sizeof *nearest);
    if ((named.names.n || named.n_guesses)
        && add_named(g, query->vector, &named, &n, err) < 0)
        return -1;
    out->n = n;
    out->v = bl_arena_alloc(arena, n, sizeof *out->v);
    for (size_t i = 0; i < n; i++)
        out->v[i] = (struct bl_gather_hit){
            g->merged[i].score, g->merged[i].row,
            prior_of(&named.names, g->merged[i].row)
        };
    return 0;
}

/* ---- Queries ---- */

static void make_room(struct bl_gather *g, size_t n)
{
    if (n <= g->room)
        return;
    g->room = n;
    g->vectors = bl_xrealloc(g->vectors, n, g->want.dim * sizeof(float) + 1);
    g->nearest = bl_xrealloc(g->nearest, n, g->opts.k * sizeof *g->nearest);
}

static int find_nearest(struct bl_gather *g, size_t n, size_t *found,
                        struct bl_err *err)
{
    if (g->ann)
        return bl_ann_search(g->ann, g->vectors, n, g->opts.k, g->nearest,
                             found, err);
    bl_topk_search(g->topk, g->vectors, n, g->opts.k, g->nearest, found);
    return 0;
}

static int search_group(struct bl_gather *g,
                        const struct bl_gather_query *queries, size_t n,
                        struct bl_arena *arena, struct bl_gathered *out,
                        struct bl_err *err)
{
    size_t found[GROUP], dim = g->want.dim;

    make_room(g, n);
    for (size_t i = 0; i < n; i++)
        memcpy(g->vectors + i * dim, queries[i].vector, dim * sizeof(float));
    if (find_nearest(g, n, found, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (make_list(g, &queries[i], g->nearest + i * g->opts.k, found[i],
                      arena, &out[i], err) < 0)
            return -1;
    return 0;
}

int bl_gather_search(struct bl_gather *g,
                     const struct bl_gather_query *queries, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err)
{
    for (size_t i = 0; i < n; i += GROUP)
        if (search_group(g, queries + i, BL_MIN(n - i, GROUP), arena, out + i,
                         err) < 0)
            return -1;
    return 0;
}

/* ---- What the catalogue says ---- */

static int read_row(struct bl_gather *g, uint32_t row, struct bl_arena *arena,
                    struct bl_entity *e, struct bl_err *err)
{
    int found = bl_kb_brief_row(g->kb, row, arena, e, err);

    if (!found)
        return bl_fail(err, BL_DATA, "'%s': an index names row %lu, which "
                       "does not exist", bl_kb_path(g->kb),
                       (unsigned long)row);
    return found < 0 ? -1 : 0;
}

int bl_gather_candidates(struct bl_gather *g, const struct bl_gathered *list,
                         struct bl_arena *arena, struct bl_candidates *out,
                         struct bl_err *err)
{
    struct bl_entity e;

    BL_ASSERT(g->kb);
    out->n = list->n;
    out->v = bl_arena_alloc(arena, list->n, sizeof *out->v);
    for (size_t i = 0; i < list->n; i++) {
        const struct bl_gather_hit *hit = &list->v[i];

        if (!isfinite(hit->score))
            return bl_fail(err, BL_NON_FINITE, "the score of row %lu is not "
                           "finite", (unsigned long)hit->row);
        if (read_row(g, hit->row, arena, &e, err) < 0)
            return -1;
        out->v[i] = (struct bl_candidate){
            .id = e.id, .title = e.title, .url = e.url, .qid = e.qid,
            .type = e.type, .score = (double)hit->score,
            .bi = (double)hit->score, .cross = NAN, .prior = hit->prior,
            .p = NAN, .cross_p = NAN, .place = i
        };
    }
    return 0;
}
