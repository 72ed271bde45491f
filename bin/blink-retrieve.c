/* SPDX-License-Identifier: MIT */
/*
 * blink-retrieve: finds the entities whose vectors are nearest, or which have
 * the words of the mention.
 *
 * In:  mention records, with `embedding` (blink-embed) unless --lexical
 * Out: the same with `candidates` [{"id","title","score","bi_score",...}]
 *      and `catalogue_size`
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
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
#include "link/part.h"

static struct opts {
    struct bl_strings indexes, catalogues;
    size_t k, threads, ef_search, nprobe;
    bool keep, aliases, no_aliases, no_names, overwrite, part;
    bool lexical, hybrid;
    int words;                  /* enum bl_lexical_words */
    struct bl_loop_opts loop;
} options = { .k = 10, .words = BL_LEXICAL_CONTEXT,
              .loop = BL_LOOP_OPTS_DEFAULT(64) };

static const struct bl_opt table[] = {
    BL_OPT_LIST('x', "index", "INDEX", &options.indexes,
                "index, or one shard of it; may be repeated"),
    BL_OPT_CATALOGUES(&options.catalogues,
               "catalogue: a file or a name; may be repeated"),
    BL_OPT_SIZE('k', "top", "N", &options.k, 1, 10000, "candidates a mention"),
    BL_OPT_SIZE(0, "ef-search", "N", &options.ef_search, 0, 1u << 20,
                "HNSW: width of the search (0: the file's)"),
    BL_OPT_SIZE(0, "nprobe", "N", &options.nprobe, 0, 1u << 30,
                "IVF: lists to search (0: the file's)"),
    BL_OPT_FLAG(0, "lexical", &options.lexical,
                "find entities by their words; needs no model and no index"),
    BL_OPT_FLAG(0, "hybrid", &options.hybrid,
                "find them by vectors and by words"),
    BL_OPT_CHOICE(0, "words", "mention|context|full", &options.words,
                  "words to look for: also the rarest of its context, or "
                  "BLINK's query"),
    BL_OPT_FLAG(0, "aliases", &options.aliases,
                "also look mentions up among names; adds prior"),
    BL_OPT_FLAG(0, "no-aliases", &options.no_aliases,
                "do not look names up, even if the model asks to"),
    BL_OPT_FLAG(0, "no-names", &options.no_names,
                "do not use the names of the catalogue's wiki"),
    BL_OPT_FLAG(0, "keep", &options.keep, "keep the field 'embedding'"),
    BL_OPT_FLAG(0, "overwrite", &options.overwrite,
                "replace the candidates of a record"),
    BL_OPT_FLAG(0, "part", &options.part,
                "the index is a part of one: for blink-merge"),
    BL_OPT_SIZE(0, "threads", "N", &options.threads, 0, 256,
                "threads (0: one per core)"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-retrieve", "[-x INDEX]... [-c CATALOGUE] [-k N]",
    "find the entities that a mention may mean", table, 0, 0
};

/* ---- What is loaded once ---- */

static enum bl_gather_by way(void)
{
    if (options.hybrid)
        return BL_GATHER_HYBRID;
    return options.lexical ? BL_GATHER_LEXICAL : BL_GATHER_DENSE;
}

/* A catalogue with its index. */
struct source {
    const char *name;           /* as -c gives it; NULL: the default one */
    struct bl_strings indexes;
    char *label;                /* of its ids; NULL: it is the only one */
    struct bl_kb *kb;
    struct bl_names *names;     /* NULL: none */
    struct bl_gather *gather;
};

struct state {
    struct source *sources;     /* [n_sources] */
    size_t n_sources;
    struct bl_part part;        /* what all records say of it; with --part */
    struct bl_arena scratch;    /* of one record's list */
    struct bl_buf json;
};

/* The names of the wiki whose pages the catalogue says its entities are. */
static int load_names(struct source *source, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span site;
    int rc = bl_kb_meta(source->kb, "site", &arena, &site, err);

    if (rc == 1)
        rc = bl_names_open_site(site, &source->names, err);
    bl_arena_free(&arena);
    return rc < 0 ? -1 : 0;
}

/* The catalogue and then its index.  Both may be replaced in between, and the
 * index be that of a later catalogue than the one that was opened: then they
 * are opened once more. */
static int open_both(struct source *source, struct bl_gather_opts *opts,
                     struct bl_err *err)
{
    char *before = NULL;
    bool again = true;

    while (again) {
        source->kb = bl_kb_open_named(source->name, err);
        if (!source->kb)
            break;
        again = !before || strcmp(before, bl_kb_fingerprint(source->kb));
        if (!options.no_names && !source->names
            && load_names(source, err) < 0)
            break;
        opts->names = source->names;
        source->gather = bl_gather_open(source->indexes.v, source->indexes.n,
                                        source->kb, opts, err);
        if (source->gather || !again)
            break;
        free(before);
        before = bl_xstrdup(bl_kb_fingerprint(source->kb));
        bl_kb_close(source->kb);
        source->kb = NULL;
    }
    free(before);
    return source->gather ? 0 : -1;
}

static void say_stale(const struct source *source)
{
    const struct bl_gather_stale *stale = bl_gather_stale(source->gather);

    if (stale->index)
        bl_warn("%zu entities of '%s' are newer than '%s'; 'blink-index "
                "refresh -c %s -x %s' brings it up to date",
                stale->n_changed + stale->n_added, bl_kb_path(source->kb),
                stale->index, bl_kb_path(source->kb), stale->index);
}

/* One vector is compared with all, so one model must have made them. */
static int check_same(const struct source *one, const struct source *other,
                      struct bl_err *err)
{
    const struct bl_vector_want *a = bl_gather_want(one->gather);
    const struct bl_vector_want *b = bl_gather_want(other->gather);

    if (!strcmp(one->label, "n") || !strcmp(other->label, "n"))
        return bl_fail(err, BL_USAGE, "a catalogue called 'n' cannot be one "
                       "of several: the ids of pages by name begin with n:");
    if (!strcmp(one->label, other->label))
        return bl_fail(err, BL_USAGE, "two catalogues are called '%s', which "
                       "their ids would begin with", one->label);
    if (!a->dim || !b->dim
        || (a->dim == b->dim
            && (!a->model || !b->model || !strcmp(a->model, b->model))))
        return 0;
    return bl_fail(err, BL_DATA, "%s and %s were not made with one model",
                   a->by, b->by);
}

/* Several indexes of one catalogue are its shards; with several catalogues
 * each index is of the catalogue at its place. */
static void list_sources(struct state *state)
{
    size_t n = options.catalogues.n;

    state->n_sources = BL_MAX(n, 1);
    state->sources = BL_NEW_ARRAY(struct source, state->n_sources);
    if (n < 2) {
        state->sources->name = n ? options.catalogues.v[0] : NULL;
        state->sources->indexes = options.indexes;
        return;
    }
    if (options.indexes.n != n && way() != BL_GATHER_LEXICAL)
        bl_die_usage("with several catalogues, option '--index' is needed "
                     "once for each, in their order");
    for (size_t i = 0; i < n; i++)
        state->sources[i] = (struct source){
            .name = options.catalogues.v[i],
            .indexes = way() == BL_GATHER_LEXICAL ? options.indexes
                : (struct bl_strings){ options.indexes.v + i, 1 },
            .label = bl_kb_label(options.catalogues.v[i])
        };
}

/* A part that is taken for the whole answers "none" to what the others have.
 * Of what is newer than the index say_stale() has told. */
static void say_part(const struct source *source)
{
    const struct bl_gather_stale *stale = bl_gather_stale(source->gather);
    struct bl_part_rows here, all;

    if (bl_gather_rows(source->gather, &here, &all, NULL) < 0
        || here.n + stale->n_added >= all.n)
        return;
    bl_warn("only %" PRIu64 " of the %" PRIu64 " entities of '%s' have a "
            "vector here: give all parts of an index with -x, or merge their "
            "answers (--part, blink-merge)", here.n, all.n,
            bl_kb_path(source->kb));
}

static int load_part(struct state *state, struct bl_err *err)
{
    struct bl_part *part = &state->part;
    const struct source *source = state->sources;
    const char *model = bl_gather_want(source->gather)->model;

    if (bl_gather_rows(source->gather, &part->here, &part->all, err) < 0)
        return -1;
    part->k = options.k;
    part->model = bl_span_of(model ? model : "");
    part->kb = bl_span_of(bl_kb_fingerprint(source->kb));
    return 0;
}

/* What is stale is told when all are open: before, an error may follow. */
static int state_load(struct state *state, struct bl_err *err)
{
    struct bl_gather_opts opts = {
        .k = options.k, .by = way(),
        .words = (enum bl_lexical_words)options.words,
        .threads = options.threads, .why = options.part,
        .ef_search = options.ef_search,
        .nprobe = options.nprobe
    };

    list_sources(state);
    for (size_t i = 0; i < state->n_sources; i++) {
        struct source *source = &state->sources[i];

        if (open_both(source, &opts, err) < 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (check_same(&state->sources[j], source, err) < 0)
                return -1;
        bl_note("%s", bl_gather_describe(source->gather));
    }
    for (size_t i = 0; i < state->n_sources; i++) {
        say_stale(&state->sources[i]);
        if (!options.part)
            say_part(&state->sources[i]);
    }
    return options.part ? load_part(state, err) : 0;
}

static void state_free(struct state *state)
{
    for (size_t i = 0; i < state->n_sources; i++) {
        bl_gather_close(state->sources[i].gather);
        bl_names_close(state->sources[i].names);
        bl_kb_close(state->sources[i].kb);
        free(state->sources[i].label);
    }
    free(state->sources);
    bl_arena_free(&state->scratch);
    bl_buf_free(&state->json);
}

/* ---- One record ---- */

struct mention {
    struct bl_gather_query query;
    struct bl_span candidates;  /* what comes out */
    struct bl_span named;       /* the same; p == NULL: none */
    struct bl_span size;        /* the same, of the catalogue */
    struct bl_span part;        /* the same; p == NULL: none */
};

/* An index without vectors does not say what they would be. */
static const struct bl_vector_want *want_of(const struct state *state)
{
    size_t i = 0;

    while (i + 1 < state->n_sources
           && !bl_gather_want(state->sources[i].gather)->dim)
        i++;
    return bl_gather_want(state->sources[i].gather);
}

/* Without a model nobody can say that names are not wanted but the user. */
static int read_words(const struct bl_record *record, struct bl_arena *arena,
                      struct bl_gather_query *query, struct bl_err *err)
{
    if (bl_record_string(record, "mention", arena, &query->mention, err) < 0)
        return -1;
    if (!options.no_aliases)
        query->name = query->mention;
    if (options.words == BL_LEXICAL_MENTION)
        return 0;
    return bl_record_string_opt(record, "context_left", arena, &query->left,
                                err) < 0
        || bl_record_string_opt(record, "context_right", arena, &query->right,
                                err) < 0 ? -1 : 0;
}

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
    if (way() != BL_GATHER_DENSE && read_words(&item->rec, arena, &m->query,
                                               err) < 0)
        return -1;
    if (way() == BL_GATHER_LEXICAL)
        return 0;
    if (bl_vector_get(&item->rec, want_of(state), arena, &vector, err) < 0)
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

static struct bl_span labelled(const char *label, struct bl_span id,
                               struct bl_arena *arena)
{
    struct bl_buf buf = BL_BUF_INIT;
    struct bl_span whole;

    bl_buf_printf(&buf, "%s:", label);
    bl_buf_put_span(&buf, id);
    whole = copy(&buf, arena);
    bl_buf_free(&buf);
    return whole;
}

/* Appends the candidates of one catalogue, with its name before their ids.
 * Only that of a wiki's pages can know of a page by its name. */
static void append(struct bl_candidates *list, size_t *room,
                   const struct bl_candidates *more, const char *label,
                   struct bl_arena *arena)
{
    struct bl_candidate *v;

    list->entities += more->entities;
    if (!list->named.title.p)
        list->named = more->named;
    if (list->n + more->n > *room) {
        *room = 2 * (list->n + more->n);
        v = bl_arena_alloc(arena, *room, sizeof *v);
        if (list->n)
            memcpy(v, list->v, list->n * sizeof *v);
        list->v = v;
    }
    for (size_t i = 0; i < more->n; i++) {
        v = &list->v[list->n];
        *v = more->v[i];
        v->id = labelled(label, v->id, arena);
        v->place = list->n++;
    }
}

/* Best first; of equal scores those of the catalogue that was named first.
 * Behind the k best only what the mention names stays. */
static void cut(struct bl_candidates *list)
{
    size_t n = 0;

    bl_candidates_sort(list);
    for (size_t i = 0; i < list->n; i++)
        if (i < options.k || !isnan(list->v[i].prior))
            list->v[n++] = list->v[i];
    list->n = n;
    for (size_t i = 0; i < n; i++)
        list->v[i].place = i;
}

static bool is_name(const struct bl_candidates *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!isnan(list->v[i].prior))
            return true;
    return false;
}

/* The list of one record, out of what each catalogue has: found[i] is the
 * first record's, of source i.  A name of the first catalogue means what it
 * says, as if there were no other: among the entities of a large one the
 * evidence of a small one would count for little (rank.h), and a page by name
 * would answer first.  What no catalogue calls anything is looked for in
 * all. */
static int list_of(struct state *state, struct bl_gathered *const *found,
                   size_t record, struct bl_candidates *list,
                   struct bl_err *err)
{
    size_t room = 0;

    if (state->n_sources == 1)
        return bl_gather_candidates(state->sources->gather, &found[0][record],
                                    &state->scratch, list, err);
    *list = (struct bl_candidates){ .n = 0 };
    for (size_t i = 0; i < state->n_sources; i++) {
        struct bl_candidates more;
        bool own;

        if (bl_gather_candidates(state->sources[i].gather, &found[i][record],
                                 &state->scratch, &more, err) < 0)
            return -1;
        own = is_name(&more);
        if (own) {
            *list = (struct bl_candidates){ .n = 0 };
            room = 0;
        }
        append(list, &room, &more, state->sources[i].label, &state->scratch);
        if (own)
            break;
    }
    cut(list);
    return 0;
}

static void put_part(struct state *state, const struct bl_gathered *found)
{
    size_t n = found->n;
    uint32_t *row = bl_arena_alloc(&state->scratch, n, sizeof *row);
    unsigned char *why = bl_arena_alloc(&state->scratch, n, sizeof *why);

    for (size_t i = 0; i < n; i++) {
        row[i] = found->v[i].row;
        why[i] = found->v[i].why;
    }
    state->part.row = row;
    state->part.why = why;
    state->part.n = n;
    bl_buf_clear(&state->json);
    bl_part_put(&state->json, &state->part);
}

static int finish(struct state *state, struct bl_item *item,
                  struct bl_gathered *const *found, size_t record,
                  struct bl_arena *arena, struct bl_err *err)
{
    struct mention *m = item->data;
    struct bl_candidates list;

    bl_arena_reset(&state->scratch);
    if (list_of(state, found, record, &list, err) < 0) {
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
    if (options.part) {
        put_part(state, &found[0][record]);
        m->part = copy(&state->json, arena);
    }
    return 0;
}

/* Each catalogue is searched for the whole batch at once. */
static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    struct bl_gather_query *queries = bl_arena_alloc(arena, n,
                                                     sizeof *queries);
    struct bl_gathered **found = bl_arena_alloc(arena, state->n_sources,
                                                sizeof *found);

    for (size_t i = 0; i < n; i++)
        queries[i] = ((struct mention *)items[i]->data)->query;
    for (size_t i = 0; i < state->n_sources; i++) {
        found[i] = bl_arena_alloc(arena, n, sizeof *found[i]);
        if (bl_gather_search(state->sources[i].gather, queries, n, arena,
                             found[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        if (finish(state, items[i], found, i, arena, err) < 0)
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
    if (m->part.p)
        bl_edits_set(edits, "part", m->part);
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
    if (options.lexical && options.hybrid)
        bl_die_usage("options '--lexical' and '--hybrid' exclude each other");
    if (options.lexical && options.indexes.n)
        bl_die_usage("option '--lexical' needs no index");
    if (options.part && way() != BL_GATHER_DENSE)
        bl_die_usage("option '--part' is for vectors alone");
    if (bl_opts_given(&options.words) && way() == BL_GATHER_DENSE)
        bl_die_usage("option '--words' needs '--lexical' or '--hybrid'");
    if (options.part && options.catalogues.n > 1)
        bl_die_usage("option '--part' is for one catalogue");
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    int status = bl_loop_run(&loop);
    state_free(&state);
    return bl_prog_finish(status);
}
