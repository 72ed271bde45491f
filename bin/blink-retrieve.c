/* SPDX-License-Identifier: MIT */
/*
 * blink-retrieve: finds the entities whose vectors are nearest.
 *
 * In:  mention records with `embedding` (blink-embed)
 * Out: the same with `candidates` [{"id","title","score","bi_score",...}]
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/ann.h"
#include "text/fold.h"
#include "text/initials.h"
#include "search/index.h"
#include "kb/kb.h"
#include "cli/loop.h"
#include "base/mem.h"
#include "cli/opts.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "search/topk.h"

static struct opts {
    struct bl_strings indexes;
    const char *catalogue;
    size_t k, threads, ef_search, nprobe;
    bool keep, aliases, no_aliases, overwrite;
    struct bl_loop_opts loop;
} o = { .k = 10, .loop = BL_LOOP_OPTS_DEFAULT(64) };

static const struct bl_opt table[] = {
    BL_OPT_LIST('x', "index", "INDEX", &o.indexes,
                "index, or one shard of it; may be repeated"),
    BL_OPT_CATALOGUE(&o.catalogue,
               "catalogue: a file, or a name in the data folder"),
    BL_OPT_SIZE('k', "top", "N", &o.k, 1, 10000, "candidates a mention"),
    BL_OPT_SIZE(0, "ef-search", "N", &o.ef_search, 0, 1u << 20,
                "HNSW: width of the search (0: the file's)"),
    BL_OPT_SIZE(0, "nprobe", "N", &o.nprobe, 0, 1u << 30,
                "IVF: lists to search (0: the file's)"),
    BL_OPT_FLAG(0, "aliases", &o.aliases,
                "also look mentions up among names; adds prior"),
    BL_OPT_FLAG(0, "no-aliases", &o.no_aliases,
                "do not look names up, even if the model asks to"),
    BL_OPT_FLAG(0, "keep", &o.keep, "keep the field 'embedding'"),
    BL_OPT_FLAG(0, "overwrite", &o.overwrite,
                "replace the candidates of a record"),
    BL_OPT_SIZE(0, "threads", "N", &o.threads, 0, 256,
                "threads (0: one per core)"),
    BL_OPTS_LOOP(o.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-retrieve", "[-x INDEX]... [-c CATALOGUE] [-k N]",
    "find the entities with the nearest vectors", table, 0, 0
};

enum {
    GROUP = 256,                /* queries searched together */
    NAMES = 1024,               /* entities of one name that get a prior */
    GUESSES = 256, BEST_GUESSES = 4     /* entities with the initials that a
                                         * mention is: looked at, taken */
};

/* ---- What is loaded once ---- */

struct state {
    struct bl_kb *kb;
    struct bl_index *indexes;   /* [n] all that were named */
    size_t n;
    const struct bl_index **shards;     /* [n_shards] those with vectors */
    size_t n_shards;
    struct bl_topk *topk;
    struct bl_ann *ann;         /* instead of all these */
    struct bl_vector_want want;
    char *want_by;
    float *queries;             /* [GROUP][dim] */
    struct bl_hit *hits;        /* [GROUP][k], grown with the batch */
    size_t cap;                 /* queries there is room for */
};

static int add_shard(struct state *s, const struct bl_index *x,
                     struct bl_err *err)
{
    const struct bl_index *first = s->n_shards ? s->shards[0] : NULL;

    if (bl_index_check_kb(x, bl_kb_fingerprint(s->kb), bl_kb_count(s->kb),
                          bl_kb_path(s->kb), err) < 0)
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
    s->shards[s->n_shards++] = x;
    return 0;
}

static int open_indexes(struct state *s, struct bl_err *err)
{
    const char *standard = NULL;
    const char **names = o.indexes.n ? o.indexes.v : &standard;

    s->n = o.indexes.n ? o.indexes.n : 1;
    s->indexes = BL_NEW_ARRAY(struct bl_index, s->n);
    s->shards = BL_NEW_ARRAY(const struct bl_index *, s->n);
    for (size_t i = 0; i < s->n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], err);
        int rc = path ? bl_index_open(&s->indexes[i], path, err) : -1;

        free(path);
        if (rc < 0 || add_shard(s, &s->indexes[i], err) < 0)
            return -1;
    }
    return 0;
}

/* An index of FAISS, which is one for itself. */
static int open_ann(struct state *s, const char *path, struct bl_err *err)
{
    struct bl_ann_opts opts = { o.ef_search, o.nprobe, o.threads };
    const struct bl_faiss *f;

    s->ann = bl_ann_open(path, &opts, err);
    if (!s->ann)
        return -1;
    f = bl_ann_file(s->ann);
    s->want_by = bl_xasprintf("'%s'", path);
    s->want = (struct bl_vector_want){
        f->dim, *f->model ? f->model : NULL, s->want_by
    };
    bl_note("%s", bl_ann_describe(s->ann));
    return bl_faiss_check_kb(f, bl_kb_fingerprint(s->kb), bl_kb_count(s->kb),
                             bl_kb_path(s->kb), err);
}

static int open_exact(struct state *s, struct bl_err *err)
{
    if (o.ef_search || o.nprobe)
        return bl_fail(err, BL_USAGE, "--ef-search and --nprobe are for "
                       "approximate indexes");
    if (open_indexes(s, err) < 0)
        return -1;
    s->topk = bl_topk_new(s->shards, s->n_shards, o.threads);
    if (s->n_shards) {
        s->want_by = bl_xasprintf("'%s'", s->shards[0]->map.path);
        s->want = (struct bl_vector_want){
            s->shards[0]->dim, s->shards[0]->model, s->want_by
        };
    }
    bl_note("%zu indexes, kernel %s", s->n, bl_topk_describe());
    return 0;
}

/* The one that is an approximate index, or NULL. */
static char *find_ann(void)
{
    for (size_t i = 0; i < o.indexes.n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, o.indexes.v[i], NULL);

        if (path && bl_faiss_is_file(path))
            return path;
        free(path);
    }
    return NULL;
}

static int state_load(struct state *s, struct bl_err *err)
{
    char *path = find_ann();
    int rc = -1;

    if (path && o.indexes.n > 1)
        bl_fail(err, BL_USAGE, "'%s' is a FAISS index, which cannot be "
                               "combined with other shards", path);
    else if ((s->kb = bl_kb_open_named(o.catalogue, err)))
        rc = path ? open_ann(s, path, err) : open_exact(s, err);
    free(path);
    return rc;
}

static void state_free(struct state *s)
{
    bl_topk_free(s->topk);
    bl_ann_close(s->ann);
    for (size_t i = 0; i < s->n; i++)
        bl_index_close(&s->indexes[i]);
    free(s->indexes);
    free(s->shards);
    free(s->want_by);
    free(s->queries);
    free(s->hits);
    bl_kb_close(s->kb);
}

/* ---- One record ---- */

struct mention {
    struct bl_vector vector;
    struct bl_kb_names names;   /* of the mention, where they are wanted */
    int64_t *guesses;           /* rows; titles with these initials */
    size_t n_guesses;
    struct bl_span candidates;  /* what comes out */
};

/* "ICJ", which no alias explains, may be a title's initials. */
static int guess(struct state *s, struct mention *m, struct bl_span text,
                 struct bl_arena *arena, struct bl_err *err)
{
    char capitals[BL_MOST_INITIALS];
    struct bl_buf folded = BL_BUF_INIT;
    size_t n = bl_initials_read(text, capitals);
    int rc;

    if (n < 3)
        return 0;
    bl_fold(&folded, (struct bl_span){ capitals, n });
    rc = bl_kb_initials(s->kb, (struct bl_span){ folded.data, folded.len },
                        GUESSES, arena, &m->guesses, &m->n_guesses, err);
    bl_buf_free(&folded);
    return rc;
}

static int look_up_names(struct state *s, const struct bl_item *item,
                         struct mention *m, struct bl_arena *arena,
                         struct bl_err *err)
{
    struct bl_buf folded = BL_BUF_INIT;
    struct bl_span text = { NULL, 0 };

    /* Only who asks for names has to give a mention. */
    if ((o.aliases ? bl_record_string : bl_record_string_opt)(
            &item->rec, "mention", arena, &text, err) < 0)
        return -1;
    if (!text.p)
        return 0;
    bl_fold(&folded, text);
    int rc = bl_kb_lookup(s->kb, (struct bl_span){ folded.data, folded.len },
                          NAMES, arena, &m->names, err);
    bl_buf_free(&folded);
    return rc < 0 ? rc : guess(s, m, text, arena, err);
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *s = ctx;
    struct mention *m = bl_arena_alloc(arena, 1, sizeof *m);
    struct bl_span old;

    memset(m, 0, sizeof *m);
    item->data = m;
    int found = bl_record_get(&item->rec, "candidates", &old, err);
    if (found < 0)
        return -1;
    if (found && !o.overwrite)
        return bl_fail(err, BL_BAD_FIELD, "field 'candidates' is there "
                       "already (see --overwrite)");
    if (bl_vector_get(&item->rec, &s->want, arena, &m->vector, err) < 0)
        return -1;
    if (!o.aliases && (o.no_aliases || !m->vector.names))
        return 0;
    return look_up_names(s, item, m, arena, err);
}

/* ---- A batch ---- */

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

static int score_rows(struct state *s, const float *query,
                      const uint32_t *rows, size_t n, float *scores,
                      struct bl_err *err)
{
    if (s->ann)
        return bl_ann_scores(s->ann, query, rows, n, scores, err);
    bl_topk_scores(s->topk, query, rows, n, scores);
    return 0;
}

/* To the hits all[*n] the nearest `most` of some rows, of each once. */
static int add_rows(struct state *s, const struct mention *m,
                    const int64_t *rows, size_t n_rows, size_t most,
                    struct bl_hit *all, size_t *n, struct bl_err *err)
{
    uint32_t *fresh = bl_xmalloc(n_rows, sizeof *fresh);
    float *scores = bl_xmalloc(n_rows, sizeof *scores);
    struct bl_hit *found = bl_xmalloc(n_rows, sizeof *found);
    size_t n_fresh = 0, n_found = 0;
    int rc = 0;

    for (size_t i = 0; i < n_rows; i++)
        if (!among(all, *n, rows[i]))
            fresh[n_fresh++] = (uint32_t)rows[i];
    if (n_fresh)
        rc = score_rows(s, m->vector.v, fresh, n_fresh, scores, err);
    for (size_t i = 0; i < n_fresh && rc == 0; i++)
        if (!isnan(scores[i]))
            found[n_found++] = (struct bl_hit){ scores[i], fresh[i] };
    qsort(found, n_found, sizeof *found, best_first);
    n_found = BL_MIN(n_found, most);
    memcpy(all + *n, found, n_found * sizeof *all);
    *n += n_found;
    free(fresh);
    free(scores);
    free(found);
    return rc;
}

/* The best known entities of that name, at most k, and the nearest of the
 * guesses. */
static int add_named(struct state *s, const struct mention *m,
                     struct bl_hit *all, size_t *n, struct bl_err *err)
{
    size_t n_names = BL_MIN(m->names.n, o.k);
    int64_t *rows = bl_xmalloc(n_names, sizeof *rows);
    int rc;

    for (size_t i = 0; i < n_names; i++)
        rows[i] = m->names.v[i].row;
    rc = add_rows(s, m, rows, n_names, n_names, all, n, err);
    if (rc == 0)
        rc = add_rows(s, m, m->guesses, m->n_guesses, BEST_GUESSES, all, n,
                      err);
    free(rows);
    qsort(all, *n, sizeof *all, best_first);
    return rc;
}

/* NAN when the mention is no name of that entity. */
static double prior_of(const struct mention *m, uint32_t row)
{
    for (size_t i = 0; i < m->names.n; i++)
        if (m->names.v[i].row == row && m->names.total > 0)
            return (double)m->names.v[i].weight / (double)m->names.total;
    return NAN;
}

static void put_text(struct bl_buf *b, const char *name, struct bl_span v)
{
    if (!v.p)
        return;
    bl_buf_printf(b, ",\"%s\":", name);
    bl_json_put_string(b, v.p, v.n);
}

static void put_candidate(struct bl_buf *b, const struct bl_entity *e,
                          float score, double prior)
{
    bl_buf_puts(b, "{\"id\":");
    bl_json_put_string(b, e->id.p, e->id.n);
    put_text(b, "title", e->title);
    put_text(b, "url", e->url);
    put_text(b, "qid", e->qid);
    put_text(b, "type", e->type);
    bl_buf_puts(b, ",\"score\":");
    bl_json_put_float(b, score);
    bl_buf_puts(b, ",\"bi_score\":");
    bl_json_put_float(b, score);
    if (!isnan(prior)) {
        bl_buf_puts(b, ",\"prior\":");
        bl_json_put_double(b, prior, 9);
    }
    bl_buf_putc(b, '}');
}

/* 0, or -1 with a record-level code or worse. */
static int put_candidates(struct state *s, const struct mention *m,
                          const struct bl_hit *hits, size_t n,
                          struct bl_arena *arena, struct bl_buf *b,
                          struct bl_err *err)
{
    bl_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        struct bl_entity e;

        if (!isfinite(hits[i].score))
            return bl_fail(err, BL_NON_FINITE, "the score of row %lu is not "
                           "finite", (unsigned long)hits[i].row);
        int found = bl_kb_brief_row(s->kb, hits[i].row, arena, &e, err);
        if (!found)
            bl_fail(err, BL_DATA, "'%s': an index names row %lu, which does "
                                  "not exist", bl_kb_path(s->kb),
                    (unsigned long)hits[i].row);
        if (found != 1)
            return -1;
        if (i)
            bl_buf_putc(b, ',');
        put_candidate(b, &e, hits[i].score, prior_of(m, hits[i].row));
    }
    bl_buf_putc(b, ']');
    return 0;
}

/* hits[0..n) of the search, with room for k + BEST_GUESSES more. */
static int finish(struct state *s, struct bl_item *item, struct bl_hit *hits,
                  size_t n, struct bl_arena *arena, struct bl_err *err)
{
    struct mention *m = item->data;
    struct bl_buf b = BL_BUF_INIT;
    int rc;

    if ((m->names.n || m->n_guesses)
        && add_named(s, m, hits, &n, err) < 0)
        return -1;
    rc = put_candidates(s, m, hits, n, arena, &b, err);
    if (rc == 0) {
        m->candidates = (struct bl_span){
            bl_arena_strndup(arena, b.data, b.len), b.len
        };
    } else if (err->code < BL_USAGE) {
        bl_item_fail(item, err->code, "%s", err->msg);
        rc = 0;
    }
    bl_buf_free(&b);
    return rc;
}

static void make_room(struct state *s, size_t n)
{
    if (n <= s->cap)
        return;
    s->cap = n;
    s->queries = bl_xrealloc(s->queries, n, s->want.dim * sizeof(float) + 1);
    s->hits = bl_xrealloc(s->hits, n, o.k * sizeof *s->hits);
}

static int search(struct state *s, size_t n, size_t *found,
                  struct bl_err *err)
{
    if (s->ann)
        return bl_ann_search(s->ann, s->queries, n, o.k, s->hits, found,
                             err);
    bl_topk_search(s->topk, s->queries, n, o.k, s->hits, found);
    return 0;
}

static int run_group(struct state *s, struct bl_item **items, size_t n,
                     struct bl_arena *arena, struct bl_err *err)
{
    struct bl_hit *own = bl_xmalloc(2 * o.k + BEST_GUESSES, sizeof *own);
    size_t found[GROUP], dim = s->want.dim;
    int rc;

    make_room(s, n);
    for (size_t i = 0; i < n; i++) {
        const struct mention *m = items[i]->data;

        memcpy(s->queries + i * dim, m->vector.v, dim * sizeof(float));
    }
    rc = search(s, n, found, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        memcpy(own, s->hits + i * o.k, found[i] * sizeof *own);
        rc = finish(s, items[i], own, found[i], arena, err);
    }
    free(own);
    return rc;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    for (size_t i = 0; i < n; i += GROUP)
        if (run_group(ctx, items + i, BL_MIN(n - i, GROUP), arena, err) < 0)
            return -1;
    return 0;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    const struct mention *m = item->data;

    (void)ctx;
    bl_edits_set(edits, "candidates", m->candidates);
    if (!o.keep)
        bl_edits_drop(edits, "embedding");
}

int main(int argc, char **argv)
{
    struct state s = { 0 };
    struct bl_loop loop = { .opts = &o.loop, .ctx = &s, .prepare = prepare,
                            .run = run, .emit = emit };
    struct bl_err err;

    bl_prog_init("blink-retrieve");
    bl_opts_parse(&command, argc, argv);
    if (o.aliases && o.no_aliases)
        bl_die_usage("options '--aliases' and '--no-aliases' exclude each "
                     "other");
    if (state_load(&s, &err) < 0)
        bl_die(&err);
    int status = bl_loop_run(&loop);
    state_free(&s);
    return bl_prog_finish(status);
}
