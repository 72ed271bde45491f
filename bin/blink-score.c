/* SPDX-License-Identifier: MIT */
/*
 * blink-score: says which candidate is meant, and how probable that is.
 *
 *     {"mention":"Paris","candidates":[{"id":"1","score":0.7}]}
 *  -> {..., "candidates":[{"id":"1","score":0.9,"p":0.9}],
 *      "entity":{"id":"1","p":0.9},"nil_p":0.1}
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "eval/label.h"
#include "json/candidates.h"
#include "json/json.h"
#include "json/writer.h"
#include "link/calibration.h"
#include "link/page.h"
#include "link/rank-fit.h"
#include "link/rank.h"

static struct opts {
    const char *calibration, *fit, *provenance;
    double nil, min_p;
    size_t keep;
    bool type_filter, no_pages;
    struct bl_loop_opts loop;
} options = { .nil = 0.5, .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_DOUBLE(0, "nil", "P", &options.nil, 0, 1,
                  "no entity when nil_p is above P"),
    BL_OPT_DOUBLE(0, "min-p", "P", &options.min_p, 0, 1,
                  "mark an entity less probable than P as unsure"),
    BL_OPT_SIZE('k', "top", "N", &options.keep, 0, 1 << 20,
                "candidates kept in the output (0: all)"),
    BL_OPT_FLAG(0, "type-filter", &options.type_filter,
                "only candidates of the mention's type"),
    BL_OPT_FLAG(0, "no-pages", &options.no_pages,
                "only entities of the catalogue, no pages by name"),
    BL_OPT_STR(0, "calibration", "CALIBRATION", &options.calibration,
               "calibration to use (a file or a name)"),
    BL_OPT_GROUP("Calibration"),
    BL_OPT_STR(0, "fit", "FILE", &options.fit,
               "write a calibration fitted to labelled records"),
    BL_OPT_STR(0, "provenance", "JSON", &options.provenance,
               "origin to record in the fitted file"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-score", "", "choose an entity, or none, with a probability",
    table, 0, 0
};

struct state {
    struct bl_calibration calibration;
    struct bl_fit *fit;
    struct bl_buf out;
};

/* One record. */
struct work {
    struct bl_candidates list;
    struct bl_span mention;
    double nil_p;
};

/* ---- Start ---- */

static int state_load(struct state *state, struct bl_err *err)
{
    if (options.provenance
        && bl_json_check(options.provenance, strlen(options.provenance),
                         err) < 0)
        bl_die_usage("option --provenance: expected JSON: %s", err->msg);
    if (options.fit)
        state->fit = bl_fit_new();
    return bl_calibration_load(&state->calibration, options.calibration, err);
}

static void state_free(struct state *state)
{
    bl_fit_free(state->fit);
    bl_buf_free(&state->out);
}

/* ---- One record ---- */

/* A candidate may be chosen when one of the two has no type, or the types
 * are the same but for case.  MISC is no statement about the type. */
static bool *eligible(const struct bl_candidates *c, struct bl_span type,
                      struct bl_arena *arena)
{
    bool *ok = bl_arena_alloc(arena, c->n, sizeof *ok);

    for (size_t i = 0; i < c->n; i++) {
        struct bl_span t = c->v[i].type;
        ok[i] = !t.n || !type.n || !strcasecmp(type.p, "MISC")
            || !strcasecmp(type.p, t.p);
    }
    return ok;
}

/* Coefficients are fitted to what a mention says by itself. */
static int add_to_fit(struct state *state, const struct bl_item *item,
                      struct work *w, struct bl_arena *arena,
                      struct bl_err *err)
{
    double *x = bl_arena_alloc(arena, w->list.n, BL_N_FEATURES * sizeof *x);
    size_t gold = SIZE_MAX;
    enum bl_gold kind;
    struct bl_span id;

    if (bl_label_read(&item->rec, arena, &kind, &id, err) < 0)
        return -1;
    if (kind == BL_GOLD_NONE)
        return 0;
    w->list.n -= w->list.n_from;
    for (size_t i = w->list.n; kind == BL_GOLD_ENTITY && i-- > 0;)
        if (bl_label_is(id, w->list.v[i].id))
            gold = i;
    bl_rank_features(&w->list, w->mention, x);
    bl_fit_add(state->fit, bl_rank_profile(&w->list), bl_rank_small(&w->list),
               x, w->list.n, gold);
    return 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *state = ctx;
    struct work *w = bl_arena_alloc(arena, 1, sizeof *w);
    struct bl_span type = { NULL, 0 };
    bool *ok = NULL;

    *w = (struct work){ .mention = BL_SPAN_LIT("") };
    if (bl_candidates_read(&item->rec, arena, &w->list, err) < 0
        || bl_record_string_opt(&item->rec, "mention", arena, &w->mention,
                                err) < 0)
        return -1;
    if (options.type_filter) {
        if (bl_record_string_opt(&item->rec, "type", arena, &type, err) < 0)
            return -1;
        ok = eligible(&w->list, type, arena);
    }
    item->data = w;
    /* While fitting, records only give examples; nothing is scored. */
    if (state->fit)
        return add_to_fit(state, item, w, arena, err);
    w->nil_p = bl_rank(&state->calibration, w->mention, ok, &w->list);
    for (size_t i = 0; i < w->list.n; i++)
        w->list.v[i].score = w->list.v[i].p;
    bl_candidates_sort(&w->list);
    return 0;
}

/* A page that the catalogue does not have; its id is no catalogue's.  It is
 * named by the mention or by an earlier one that this one follows.  Returns
 * its probability, or 1 for none. */
static double put_page(struct bl_writer *json, const struct work *w)
{
    const struct bl_named *named = &w->list.named;
    double p = bl_page_p(named, w->mention);
    struct bl_buf id = BL_BUF_INIT;

    if (w->list.whole.page_p > p) {
        named = &w->list.whole.page;
        p = w->list.whole.page_p;
    }
    if (p <= 0 || options.no_pages) {
        bl_write_null(json, NULL);
        return 1;
    }
    bl_write_object(json, NULL);
    bl_buf_puts(&id, "n:");
    bl_buf_put_span(&id, named->title);
    bl_write_span(json, "id", (struct bl_span){ id.data, id.len });
    bl_write_span(json, "title", named->title);
    bl_write_optional(json, "url", named->url);
    bl_write_string(json, "source", "name");
    bl_write_double(json, "p", p, 6);
    bl_write_end(json);
    bl_buf_free(&id);
    return p;
}

/* The probability of what is answered; 1 for none. */
static double put_entity(struct bl_buf *out, const struct work *w)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);
    const struct bl_candidate *best = w->list.v;

    if (!w->list.n || best->p <= 0 || w->nil_p > options.nil)
        return put_page(&json, w);
    bl_write_object(&json, NULL);
    bl_write_optional(&json, "id", best->id);
    bl_write_optional(&json, "title", best->title);
    bl_write_optional(&json, "url", best->url);
    bl_write_optional(&json, "type", best->type);
    bl_write_double(&json, "p", best->p, 6);
    bl_write_end(&json);
    return best->p;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *state = ctx;
    struct work *w = item->data;
    struct bl_candidates kept = w->list;
    double p;

    if (options.keep && kept.n > options.keep)
        kept.n = options.keep;
    bl_buf_clear(&state->out);
    bl_candidates_put(&state->out, &kept, BL_PUT_SCORE | BL_PUT_P);
    bl_edits_set_buf(edits, "candidates", &state->out);
    bl_buf_clear(&state->out);
    p = put_entity(&state->out, w);
    bl_edits_set_buf(edits, "entity", &state->out);
    bl_buf_clear(&state->out);
    bl_json_put_double(&state->out, w->nil_p, 6);
    bl_edits_set_buf(edits, "nil_p", &state->out);
    /* Of a record that comes a second time, an earlier doubt is gone. */
    if (p < options.min_p)
        bl_edits_set(edits, "unsure", BL_SPAN_LIT("true"));
    else
        bl_edits_drop(edits, "unsure");
}

/* ---- --fit ---- */

static void say_quality(const struct bl_fit_quality *q, const char *of)
{
    bl_warn("%zu lists%s, %zu with their entity: loss %.4f nats to choose, "
            "%.4f for none", q->lists, of, q->with_gold, q->rank_loss,
            q->nil_loss);
}

/* Where the coefficients for small catalogues were those for large ones, they
 * stay so until lists tell otherwise. */
static void fit_profile(struct state *state, enum bl_profile from,
                        enum bl_profile to)
{
    bool open = to == BL_PROFILE_OPEN || to == BL_PROFILE_OPEN_NAMED;
    struct bl_weights *large = &state->calibration.profile[to];
    struct bl_weights *small = &state->calibration.small[to];
    bool alike = !memcmp(large, small, sizeof *large);
    struct bl_fit_quality q;

    if (bl_fit_count(state->fit, from, false)) {
        bl_fit_run(state->fit, from, !open, large, &q);
        say_quality(&q, "");
        if (alike)
            *small = *large;
    }
    if (bl_fit_count(state->fit, to, true)) {
        bl_fit_run_small(state->fit, to, !open, large, small, &q);
        say_quality(&q, " of small catalogues");
    }
}

/* What no record tells about keeps the coefficients it had. */
static int fit_write(struct state *state, struct bl_err *err)
{
    const char *origin = options.provenance ? options.provenance : "{}";
    bool open = bl_fit_count(state->fit, BL_PROFILE_OPEN, false) > 0
        || bl_fit_count(state->fit, BL_PROFILE_OPEN_NAMED, false) > 0;
    struct bl_newfile *f;

    fit_profile(state, BL_PROFILE_CROSS, BL_PROFILE_CROSS);
    fit_profile(state, BL_PROFILE_CROSS_COSINE, BL_PROFILE_CROSS_COSINE);
    fit_profile(state, BL_PROFILE_CROSS_COSINE_NAMED,
                BL_PROFILE_CROSS_COSINE_NAMED);
    fit_profile(state, BL_PROFILE_COSINE, BL_PROFILE_COSINE);
    fit_profile(state, BL_PROFILE_COSINE_NAMED, BL_PROFILE_COSINE_NAMED);
    fit_profile(state, open ? BL_PROFILE_OPEN : BL_PROFILE_COSINE,
                BL_PROFILE_OPEN);
    fit_profile(state, open ? BL_PROFILE_OPEN_NAMED : BL_PROFILE_COSINE_NAMED,
                BL_PROFILE_OPEN_NAMED);
    bl_buf_clear(&state->out);
    bl_calibration_put(&state->out, &state->calibration, bl_span_of(origin));
    f = bl_newfile_open(options.fit, 0, err);
    if (!f)
        return -1;
    if (bl_newfile_write(f, state->out.data, state->out.len, err) < 0) {
        bl_newfile_abort(f);
        return -1;
    }
    return bl_newfile_commit(f, err);
}

int main(int argc, char **argv)
{
    struct state state = { .out = BL_BUF_INIT };
    struct bl_err err;
    int rc;

    bl_prog_init("blink-score");
    bl_opts_parse(&command, argc, argv);
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    rc = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state, .prepare = prepare,
        .emit = state.fit ? NULL : emit,
    });
    if (state.fit && rc <= 1 && fit_write(&state, &err) < 0)
        bl_die(&err);
    state_free(&state);
    return bl_prog_finish(rc);
}
