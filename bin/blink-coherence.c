/* SPDX-License-Identifier: MIT */
/*
 * blink-coherence: weighs the candidates of a mention by the rest of its
 * document.
 *
 * In:  mention records with `doc` and `candidates`, those of a document
 *      together and in its order (blink-retrieve, blink-rerank)
 * Out: the same, with `coherence` in candidates and records (blink-score)
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/candidates.h"
#include "json/writer.h"
#include "link/calibration.h"
#include "link/coherence.h"
#include "link/entities.h"

static struct opts {
    struct bl_strings indexes, catalogues;
    const char *calibration;
    size_t window;
    bool names, evidence, drop_ends;
    struct bl_loop_opts loop;
} options = { .window = 1000, .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_LIST('x', "index", "INDEX", &options.indexes,
                "index, for vectors; may be repeated"),
    BL_OPT_CATALOGUES(&options.catalogues,
               "catalogue, for texts; may be repeated"),
    BL_OPT_FLAG(0, "names", &options.names,
                "go by names alone, without catalogue and index"),
    BL_OPT_SIZE(0, "window", "N", &options.window, 1, 10000,
                "mentions of a document read together"),
    BL_OPT_STR(0, "calibration", "CALIBRATION", &options.calibration,
               "calibration of blink-score (a file or a name)"),
    BL_OPT_FLAG(0, "drop-ends", &options.drop_ends,
                "leave out what blink-ner --mark-ends wrote"),
    BL_OPT_FLAG(0, "evidence", &options.evidence,
                "also write what was weighed"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-coherence", "[-x INDEX]... [-c CATALOGUE]...",
    "weigh candidates by the rest of the document", table, 0, 0
};

struct state {
    struct bl_calibration calibration;
    struct bl_entities *entities;
    struct bl_coherence *coherence;
    struct bl_buf out;
};

/* One record. */
struct work {
    struct bl_candidates list;
    struct bl_coherent mention;
    bool alone;                 /* without a document */
};

/* ---- Start ---- */

/* Without any of both, the default ones; an index of the default catalogue
 * would be of no use beside another. */
static int open_entities(struct state *state, struct bl_err *err)
{
    static const char *const usual[] = { "default" };
    static const char *const usual_index[] = { NULL };
    bool given = options.catalogues.n || options.indexes.n;

    if (options.names)
        state->entities = bl_entities_open(NULL, 0, NULL, 0, err);
    else if (given)
        state->entities = bl_entities_open(
            options.catalogues.n ? options.catalogues.v : usual,
            BL_MAX(options.catalogues.n, 1), options.indexes.v,
            options.indexes.n, err);
    else
        state->entities = bl_entities_open(usual, 1, usual_index, 1, err);
    return state->entities ? 0 : -1;
}

static int state_load(struct state *state, struct bl_err *err)
{
    if (bl_calibration_load(&state->calibration, options.calibration,
                            err) < 0 || open_entities(state, err) < 0)
        return -1;
    state->coherence = bl_coherence_new(&state->calibration, state->entities);
    return 0;
}

static void state_free(struct state *state)
{
    bl_coherence_free(state->coherence);
    bl_entities_close(state->entities);
    bl_buf_free(&state->out);
}

/* ---- A document ---- */

/* An id may be a number, as other producers write it. */
static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct work *w = bl_arena_alloc(arena, 1, sizeof *w);
    struct bl_span doc;
    int has;

    (void)ctx;
    memset(w, 0, sizeof *w);
    item->data = w;
    has = bl_record_get(&item->rec, "doc", &doc, err);
    if (has < 0)
        return -1;
    w->alone = !has || bl_json_type(doc) == BL_JSON_NULL;
    w->mention.mention = BL_SPAN_LIT("");
    if (bl_candidates_read(&item->rec, arena, &w->list, err) < 0
        || bl_record_string_opt(&item->rec, "mention", arena,
                                &w->mention.mention, err) < 0
        || bl_record_string_opt(&item->rec, "type", arena, &w->mention.type,
                                err) < 0)
        return -1;
    return bl_record_id_opt(&item->rec, "id", arena, &w->mention.id, err) < 0
        ? -1 : 0;
}

/* The batch is a document, or mentions without one, each of which stands for
 * itself and so stays what it is. */
static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    struct bl_coherent *mentions = bl_arena_alloc(arena, n, sizeof *mentions);
    struct work *first = items[0]->data;

    if (first->alone)
        return 0;
    for (size_t i = 0; i < n; i++) {
        struct work *w = items[i]->data;

        mentions[i] = w->mention;
        mentions[i].list = &w->list;
    }
    if (bl_coherence_read(state->coherence, mentions, n, items[0]->continues,
                          arena, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        ((struct work *)items[i]->data)->mention = mentions[i];
    return 0;
}

/* ---- What comes out ---- */

static void put_page(struct bl_writer *json, const struct bl_whole *whole)
{
    if (!whole->page.title.p)
        return;
    bl_write_object(json, "page");
    bl_write_span(json, "title", whole->page.title);
    bl_write_optional(json, "url", whole->page.url);
    bl_write_bool(json, "redirect", whole->page.redirect);
    bl_write_double(json, "p", whole->page_p, 6);
    bl_write_end(json);
}

/* Arrays are as long as the mention's own list, which comes first. */
static void put_facts(struct bl_writer *json, const struct work *w)
{
    const struct bl_coherent_facts *facts = &w->mention.facts;
    size_t n = w->list.n - w->list.n_from;

    bl_write_object(json, "evidence");
    bl_write_size(json, "others", facts->others);
    bl_write_double(json, "nil", facts->nil, 9);
    bl_write_array(json, "share");
    for (size_t i = 0; i < n; i++)
        bl_write_double(json, NULL, facts->share[i], 9);
    bl_write_end(json);
    for (size_t e = 0; e < BL_N_EVIDENCE; e++) {
        bl_write_array(json, e == BL_E_NEAR ? "near" : "told");
        for (size_t i = 0; i < n; i++)
            bl_write_double(json, NULL,
                            facts->evidence[i * BL_N_EVIDENCE + e], 9);
        bl_write_end(json);
    }
    if (facts->is_short) {
        bl_write_size(json, "earlier", facts->earlier);
        bl_write_array(json, "follow");
        for (size_t i = 0; i < BL_N_FOLLOW_FACTS; i++)
            bl_write_double(json, NULL, facts->follow[i], 9);
        bl_write_end(json);
    }
    bl_write_end(json);
}

static void put_whole(struct bl_buf *out, const struct work *w)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);
    const struct bl_whole *whole = &w->list.whole;

    bl_write_object(&json, NULL);
    bl_write_double(&json, "nil", whole->nil, 9);
    bl_write_optional(&json, "follows", whole->follows);
    put_page(&json, whole);
    if (options.evidence)
        put_facts(&json, w);
    bl_write_end(&json);
}

/* What an earlier run said of a mention about which nothing is to be said now
 * would be wrong, and goes. */
static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *state = ctx;
    const struct work *w = item->data;
    struct bl_span old;

    if (!w->mention.changed) {
        if (w->alone
            || bl_record_get(&item->rec, "coherence", &old, NULL) != 1)
            return;
        bl_edits_drop(edits, "coherence");
    } else {
        bl_buf_clear(&state->out);
        put_whole(&state->out, w);
        bl_edits_set_buf(edits, "coherence", &state->out);
    }
    bl_buf_clear(&state->out);
    bl_candidates_put(&state->out, &w->list, BL_PUT_COHERENCE);
    bl_edits_set_buf(edits, "candidates", &state->out);
}

int main(int argc, char **argv)
{
    struct state state = { .out = BL_BUF_INIT };
    struct bl_err err;
    int status;

    bl_prog_init("blink-coherence");
    bl_opts_parse(&command, argc, argv);
    if (options.names && (options.catalogues.n || options.indexes.n))
        bl_die_usage("option '--names' excludes '--catalogue' and '--index'");
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state, .prepare = prepare,
        .run = run, .emit = emit, .window = options.window,
        .drop_marks = options.drop_ends ? "\"blink-ner\"" : NULL,
    });
    state_free(&state);
    return bl_prog_finish(status);
}
