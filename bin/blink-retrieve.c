/* SPDX-License-Identifier: MIT */
/*
 * blink-retrieve: finds the entities whose vectors are nearest.
 *
 * In:  mention records with `embedding` (blink-embed)
 * Out: the same with `candidates` [{"id","title","score","bi_score",...}]
 *      and `catalogue_size`
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/candidates.h"
#include "json/writer.h"
#include "kb/kb.h"
#include "link/gather.h"

static struct opts {
    struct bl_strings indexes;
    const char *catalogue;
    size_t k, threads, ef_search, nprobe;
    bool keep, aliases, no_aliases, no_names, overwrite;
    struct bl_loop_opts loop;
} options = { .k = 10, .loop = BL_LOOP_OPTS_DEFAULT(64) };

static const struct bl_opt table[] = {
    BL_OPT_LIST('x', "index", "INDEX", &options.indexes,
                "index, or one shard of it; may be repeated"),
    BL_OPT_CATALOGUE(&options.catalogue,
               "catalogue: a file, or a name in the data folder"),
    BL_OPT_SIZE('k', "top", "N", &options.k, 1, 10000, "candidates a mention"),
    BL_OPT_SIZE(0, "ef-search", "N", &options.ef_search, 0, 1u << 20,
                "HNSW: width of the search (0: the file's)"),
    BL_OPT_SIZE(0, "nprobe", "N", &options.nprobe, 0, 1u << 30,
                "IVF: lists to search (0: the file's)"),
    BL_OPT_FLAG(0, "aliases", &options.aliases,
                "also look mentions up among names; adds prior"),
    BL_OPT_FLAG(0, "no-aliases", &options.no_aliases,
                "do not look names up, even if the model asks to"),
    BL_OPT_FLAG(0, "no-names", &options.no_names,
                "do not use the names of the catalogue's wiki"),
    BL_OPT_FLAG(0, "keep", &options.keep, "keep the field 'embedding'"),
    BL_OPT_FLAG(0, "overwrite", &options.overwrite,
                "replace the candidates of a record"),
    BL_OPT_SIZE(0, "threads", "N", &options.threads, 0, 256,
                "threads (0: one per core)"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-retrieve", "[-x INDEX]... [-c CATALOGUE] [-k N]",
    "find the entities with the nearest vectors", table, 0, 0
};

/* ---- What is loaded once ---- */

struct state {
    struct bl_kb *kb;
    struct bl_names *names;     /* NULL: none */
    struct bl_gather *gather;
    struct bl_arena scratch;    /* of one record's list */
    struct bl_buf json;
};

/* The names of the wiki whose pages the catalogue says its entities are. */
static int load_names(struct state *state, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span site;
    int rc = bl_kb_meta(state->kb, "site", &arena, &site, err);

    if (rc == 1)
        rc = bl_names_open_site(site, &state->names, err);
    bl_arena_free(&arena);
    return rc < 0 ? -1 : 0;
}

/* The catalogue and then its index.  Both may be replaced in between, and the
 * index be that of a later catalogue than the one that was opened: then they
 * are opened once more. */
static int open_both(struct state *state, struct bl_gather_opts *opts,
                     struct bl_err *err)
{
    char *before = NULL;
    bool again = true;

    while (again) {
        state->kb = bl_kb_open_named(options.catalogue, err);
        if (!state->kb)
            break;
        again = !before || strcmp(before, bl_kb_fingerprint(state->kb));
        if (!options.no_names && !state->names && load_names(state, err) < 0)
            break;
        opts->names = state->names;
        state->gather = bl_gather_open(options.indexes.v, options.indexes.n,
                                       state->kb, opts, err);
        if (state->gather || !again)
            break;
        free(before);
        before = bl_xstrdup(bl_kb_fingerprint(state->kb));
        bl_kb_close(state->kb);
        state->kb = NULL;
    }
    free(before);
    return state->gather ? 0 : -1;
}

static void say_stale(const struct state *state)
{
    const struct bl_gather_stale *stale = bl_gather_stale(state->gather);

    if (stale->index)
        bl_warn("%zu entities of '%s' are newer than '%s'; 'blink-index "
                "refresh -c %s -x %s' brings it up to date",
                stale->n_changed + stale->n_added, bl_kb_path(state->kb),
                stale->index, bl_kb_path(state->kb), stale->index);
}

static int state_load(struct state *state, struct bl_err *err)
{
    struct bl_gather_opts opts = {
        .k = options.k, .threads = options.threads,
        .ef_search = options.ef_search,
        .nprobe = options.nprobe
    };

    if (open_both(state, &opts, err) < 0)
        return -1;
    say_stale(state);
    bl_note("%s", bl_gather_describe(state->gather));
    return 0;
}

static void state_free(struct state *state)
{
    bl_gather_close(state->gather);
    bl_names_close(state->names);
    bl_kb_close(state->kb);
    bl_arena_free(&state->scratch);
    bl_buf_free(&state->json);
}

/* ---- One record ---- */

struct mention {
    struct bl_gather_query query;
    struct bl_span candidates;  /* what comes out */
    struct bl_span named;       /* the same; p == NULL: none */
    struct bl_span size;        /* the same, of the catalogue */
};

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *state = ctx;
    struct mention *m = bl_arena_alloc(arena, 1, sizeof *m);
    struct bl_vector vector;
    struct bl_span old;

    memset(m, 0, sizeof *m);
    item->data = m;
    int found = bl_record_get(&item->rec, "candidates", &old, err);
    if (found < 0)
        return -1;
    if (found && !options.overwrite)
        return bl_fail(err, BL_BAD_FIELD, "field 'candidates' is there "
                       "already (see --overwrite)");
    if (bl_vector_get(&item->rec, bl_gather_want(state->gather), arena,
                      &vector, err) < 0)
        return -1;
    m->query.vector = vector.v;
    /* A record without a mention is wrong only if its name was asked for. */
    if (options.aliases)
        return bl_record_string(&item->rec, "mention", arena, &m->query.name,
                                err);
    if (vector.names && !options.no_aliases
        && bl_record_string_opt(&item->rec, "mention", arena, &m->query.name,
                                err) < 0)
        return -1;
    return 0;
}

/* ---- A batch ---- */

static struct bl_span copy(const struct bl_buf *json, struct bl_arena *arena)
{
    return (struct bl_span){ bl_arena_strndup(arena, json->data, json->len),
                             json->len };
}

static void put_named(struct bl_buf *out, const struct bl_named *named)
{
    struct bl_writer writer;

    bl_buf_clear(out);
    writer = bl_writer(out, BL_WRITE_COMPACT);
    bl_write_object(&writer, NULL);
    bl_write_span(&writer, "title", named->title);
    bl_write_optional(&writer, "url", named->url);
    bl_write_bool(&writer, "redirect", named->redirect);
    bl_write_end(&writer);
}

static int finish(struct state *state, struct bl_item *item,
                  const struct bl_gathered *found, struct bl_arena *arena,
                  struct bl_err *err)
{
    struct mention *m = item->data;
    struct bl_candidates list;

    bl_arena_reset(&state->scratch);
    if (bl_gather_candidates(state->gather, found, &state->scratch, &list,
                             err) < 0) {
        /* An error of this record alone leaves the others of the batch as they
         * are; the rest (BL_USAGE and above) ends the program. */
        if (err->code >= BL_USAGE)
            return -1;
        bl_item_fail(item, err->code, "%s", err->msg);
        return 0;
    }
    bl_buf_clear(&state->json);
    bl_candidates_put(&state->json, &list, BL_PUT_SCORE);
    m->candidates = copy(&state->json, arena);
    bl_buf_clear(&state->json);
    bl_buf_printf(&state->json, "%zu", list.entities);
    m->size = copy(&state->json, arena);
    if (list.named.title.p) {
        put_named(&state->json, &list.named);
        m->named = copy(&state->json, arena);
    }
    return 0;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    struct bl_gather_query *queries = bl_arena_alloc(arena, n,
                                                     sizeof *queries);
    struct bl_gathered *found = bl_arena_alloc(arena, n, sizeof *found);

    for (size_t i = 0; i < n; i++)
        queries[i] = ((struct mention *)items[i]->data)->query;
    if (bl_gather_search(state->gather, queries, n, arena, found, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (finish(state, items[i], &found[i], arena, err) < 0)
            return -1;
    return 0;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    const struct mention *m = item->data;

    (void)ctx;
    bl_edits_set(edits, "candidates", m->candidates);
    bl_edits_set(edits, "catalogue_size", m->size);
    if (m->named.p)
        bl_edits_set(edits, "named", m->named);
    else
        bl_edits_drop(edits, "named");
    if (!options.keep)
        bl_edits_drop(edits, "embedding");
}

int main(int argc, char **argv)
{
    struct state state = { 0 };
    struct bl_loop loop = { .opts = &options.loop, .ctx = &state,
                            .prepare = prepare,
                            .run = run, .emit = emit };
    struct bl_err err;

    bl_prog_init("blink-retrieve");
    bl_opts_parse(&command, argc, argv);
    if (options.aliases && options.no_aliases)
        bl_die_usage("options '--aliases' and '--no-aliases' exclude each "
                     "other");
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    int status = bl_loop_run(&loop);
    state_free(&state);
    return bl_prog_finish(status);
}
