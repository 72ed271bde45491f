/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/paths.h"
#include "kb/kb-index.h"
#include "link/page.h"
#include "search/ann.h"
#include "search/index.h"
#include "search/topk.h"
#include "text/fold.h"
#include "text/initials.h"

enum {
    GROUP = 256,                /* queries searched together; bounds memory */
    MAX_NAMED = 1024,           /* entities of one name that get a prior */
    MAX_GUESSES = 256,          /* entities with the initials that a mention
                                 * is, whose vectors are looked at */
    REDIRECT_WEIGHT = 1         /* as of an alias without a count */
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
    struct bl_gather_stale stale;
    int64_t *removed;           /* [n_removed] rows, in order */
    size_t n_removed;
    struct bl_arena state;      /* they are in it */

    float *vectors;             /* [room][dim] of the queries */
    struct bl_hit *nearest;     /* [room][k] */
    size_t room;                /* queries of a group there is room for */
    struct bl_hit *merged;      /* [2 k + BL_GATHER_INITIALS] of one query */
    struct bl_arena names;      /* what is looked up for one query */
};

/* ---- Opening ---- */

/* Of several shards, the one that lacks most. */
static void note_stale(struct bl_gather *gather, const char *path,
                       const struct bl_kb_since *since)
{
    size_t n = since->n_changed + since->n_added;

    if (n > gather->stale.n_changed + gather->stale.n_added)
        gather->stale = (struct bl_gather_stale){ path, since->n_changed,
                                                  since->n_added };
}

static int check_kb(struct bl_gather *gather, struct bl_index *index,
                    struct bl_err *err)
{
    struct bl_kb_since since;

    if (!gather->kb)
        return 0;
    if (bl_kb_index_check(gather->kb, index, &gather->state, &since, err) < 0)
        return -1;
    note_stale(gather, index->map.path, &since);
    return 0;
}

static int add_shard(struct bl_gather *gather, struct bl_index *index,
                     struct bl_err *err)
{
    const struct bl_index *first = gather->n_shards ? gather->shards[0] : NULL;

    if (check_kb(gather, index, err) < 0)
        return -1;
    if (index->n == 0)
        return 0;               /* knows neither model nor dimension */
    if (first && strcmp(first->model, index->model))
        return bl_fail(err, BL_DATA, "'%s': made with model %.16s, but "
                       "'%s' with %.16s", index->map.path, index->model,
                       first->map.path, first->model);
    if (first && first->dim != index->dim)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, but "
                       "'%s' has %zu", index->map.path, index->dim,
                       first->map.path,
                       first->dim);
    gather->shards[gather->n_shards++] = index;
    return 0;
}

static int open_shards(struct bl_gather *gather, const char *const *names,
                       size_t n, struct bl_err *err)
{
    gather->indexes = BL_NEW_ARRAY(struct bl_index, n);
    gather->shards = BL_NEW_ARRAY(const struct bl_index *, n);
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], err);
        int rc = path ? bl_index_open(&gather->indexes[i], path, err) : -1;

        free(path);
        if (rc < 0)
            return -1;
        gather->n_indexes++;
        if (add_shard(gather, &gather->indexes[i], err) < 0)
            return -1;
    }
    return 0;
}

/* A row that two shards have comes once, but one that is given twice by
 * mistake stands where another was meant. */
static int check_once(const struct bl_index *indexes, size_t n,
                      struct bl_err *err)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            struct stat one, other;

            if (stat(indexes[i].map.path, &one) == 0
                && stat(indexes[j].map.path, &other) == 0
                && one.st_dev == other.st_dev && one.st_ino == other.st_ino)
                return bl_fail(err, BL_USAGE, "the index '%s' is given twice",
                               indexes[i].map.path);
        }
    }
    return 0;
}

static int open_exact(struct bl_gather *gather, const char *const *names,
                      size_t n, struct bl_err *err)
{
    if (gather->opts.ef_search || gather->opts.nprobe)
        return bl_fail(err, BL_USAGE, "--ef-search and --nprobe are for "
                       "approximate indexes");
    if (open_shards(gather, names, n, err) < 0
        || check_once(gather->indexes, n, err) < 0)
        return -1;
    gather->topk = bl_topk_new(gather->shards, gather->n_shards,
                               gather->opts.threads);
    if (gather->n_shards) {
        gather->want_by = bl_xasprintf("'%s'", gather->shards[0]->map.path);
        gather->want = (struct bl_vector_want){
            gather->shards[0]->dim, gather->shards[0]->model, gather->want_by
        };
    }
    gather->description = bl_xasprintf("%zu indexes, kernel %s", n,
                                       bl_topk_describe());
    return 0;
}

static int open_approximate(struct bl_gather *gather, const char *path,
                            struct bl_err *err)
{
    struct bl_ann_opts opts = { gather->opts.ef_search, gather->opts.nprobe,
                                gather->opts.threads };
    struct bl_kb *kb = gather->kb;
    const struct bl_faiss *file;
    struct bl_kb_since since;

    gather->ann = bl_ann_open(path, &opts, err);
    if (!gather->ann)
        return -1;
    file = bl_ann_file(gather->ann);
    gather->want_by = bl_xasprintf("'%s'", path);
    gather->want = (struct bl_vector_want){
        file->dim, *file->model ? file->model : NULL, gather->want_by
    };
    gather->description = bl_xstrdup(bl_ann_describe(gather->ann));
    if (!kb)
        return 0;
    if (bl_kb_faiss_check(kb, file, &gather->state, &since, err) < 0
        || bl_kb_removed_rows(kb, &gather->state, &gather->removed,
                              &gather->n_removed, err) < 0)
        return -1;
    note_stale(gather, file->map.path, &since);
    return 0;
}

/* The path of the first that is a FAISS index, or NULL; caller frees.
 * What cannot be found is for open_shards() to complain of. */
static int find_approximate(const char *const *names, size_t n, char **found,
                            struct bl_err *err)
{
    *found = NULL;
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], NULL);
        int is = path ? bl_faiss_is_file(path, err) : 0;

        if (is > 0)
            *found = path;
        else
            free(path);
        if (is != 0)
            return is < 0 ? -1 : 0;
    }
    return 0;
}

/* Without any name the standard index is opened, which bl_path_find() finds
 * by the name NULL. */
struct bl_gather *bl_gather_open(const char *const *indexes, size_t n,
                                 struct bl_kb *kb,
                                 const struct bl_gather_opts *opts,
                                 struct bl_err *err)
{
    static const char *const standard[] = { NULL };
    struct bl_gather *gather = BL_NEW(struct bl_gather);
    char *path;
    int rc = find_approximate(indexes, n, &path, err);

    BL_ASSERT(opts->k > 0);
    gather->opts = *opts;
    gather->kb = kb;
    if (rc == 0 && path && n > 1)
        rc = bl_fail(err, BL_USAGE, "'%s' is a FAISS index, which cannot "
                     "be combined with other shards", path);
    else if (rc == 0 && path)
        rc = open_approximate(gather, path, err);
    else if (rc == 0)
        rc = open_exact(gather, n ? indexes : standard, n ? n : 1, err);
    free(path);
    if (rc < 0) {
        bl_gather_close(gather);
        return NULL;
    }
    gather->merged = bl_xmalloc(2 * opts->k + BL_GATHER_INITIALS,
                                sizeof *gather->merged);
    return gather;
}

void bl_gather_close(struct bl_gather *gather)
{
    if (!gather)
        return;
    bl_topk_free(gather->topk);
    bl_ann_close(gather->ann);
    for (size_t i = 0; i < gather->n_indexes; i++)
        bl_index_close(&gather->indexes[i]);
    free(gather->indexes);
    free(gather->shards);
    free(gather->want_by);
    free(gather->description);
    free(gather->vectors);
    free(gather->nearest);
    free(gather->merged);
    bl_arena_free(&gather->names);
    bl_arena_free(&gather->state);
    free(gather);
}

const struct bl_vector_want *bl_gather_want(const struct bl_gather *gather)
{
    return &gather->want;
}

const char *bl_gather_describe(const struct bl_gather *gather)
{
    return gather->description;
}

const struct bl_gather_stale *bl_gather_stale(const struct bl_gather *gather)
{
    return &gather->stale;
}

/* ---- Which rows ---- */

static void count_shard(const struct bl_index *index,
                        struct bl_part_rows *rows)
{
    for (size_t s = 0; s < index->n_segments; s++) {
        const struct bl_index_segment *segment = &index->segments[s];

        for (uint64_t i = 0; i < segment->n; i++)
            if (segment->rows[i] != BL_INDEX_REMOVED)
                bl_part_count(rows, segment->rows[i]);
    }
}

/* Removed rows are in order. */
static int count_kb(struct bl_kb *kb, struct bl_part_rows *rows,
                    struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    int64_t *removed;
    size_t n_removed, at = 0;
    int rc = bl_kb_removed_rows(kb, &arena, &removed, &n_removed, err);

    for (size_t row = 0; rc == 0 && row < bl_kb_count(kb); row++) {
        if (at < n_removed && removed[at] == (int64_t)row)
            at++;
        else
            bl_part_count(rows, (uint32_t)row);
    }
    bl_arena_free(&arena);
    return rc;
}

int bl_gather_rows(struct bl_gather *gather, struct bl_part_rows *here,
                   struct bl_part_rows *all, struct bl_err *err)
{
    *here = *all = (struct bl_part_rows){ 0, 0 };
    if (gather->ann || !gather->kb)
        return bl_fail(err, BL_USAGE, "only exact indexes of a catalogue have "
                       "parts");
    for (size_t i = 0; i < gather->n_shards; i++)
        count_shard(gather->shards[i], here);
    return count_kb(gather->kb, all, err);
}

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

static int score_rows(struct bl_gather *gather, const float *vector,
                      const uint32_t *rows, size_t n, float *scores,
                      struct bl_err *err)
{
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

/* Makes the list of one query from its nearest[n], n <= k, and from what its
 * name means in the catalogue. */
static int make_list(struct bl_gather *gather,
                     const struct bl_gather_query *query,
                     const struct bl_hit *nearest, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err)
{
    struct named named;
    size_t n_nearest = n;

    if (look_up(gather, query->name, &named, err) < 0)
        return -1;
    memcpy(gather->merged, nearest, n * sizeof *nearest);
    if ((named.names.n || named.n_guesses)
        && add_named(gather, query->vector, &named, &n, err) < 0)
        return -1;
    out->n = n;
    out->v = bl_arena_alloc(arena, n, sizeof *out->v);
    for (size_t i = 0; i < n; i++) {
        const struct bl_hit *hit = &gather->merged[i];
        unsigned char why = 0;

        if (gather->opts.why)
            why = why_named(&named, gather->opts.k, hit->row);
        if (gather->opts.why && among(nearest, n_nearest, hit->row))
            why |= BL_WHY_NEAREST;
        out->v[i] = (struct bl_gather_hit){
            hit->score, why, hit->row, prior_of(&named.names, hit->row)
        };
    }
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
    size_t found[GROUP], dim = gather->want.dim;

    make_room(gather, n);
    for (size_t i = 0; i < n; i++)
        memcpy(gather->vectors + i * dim, queries[i].vector,
               dim * sizeof(float));
    if (find_nearest(gather, n, found, err) < 0)
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
    out->n = list->n;
    out->v = bl_arena_alloc(arena, list->n, sizeof *out->v);
    out->named = list->named;
    out->entities = bl_kb_count(gather->kb) - bl_kb_removed(gather->kb);
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
            .score = (double)hit->score, .bi = (double)hit->score,
            .cross = NAN, .prior = hit->prior, .p = NAN, .cross_p = NAN,
            .place = i
        };
    }
    return 0;
}
