/* SPDX-License-Identifier: MIT */
/*
 * blink-rerank: reads each candidate together with the mention's sentence
 * through a cross-encoder, and puts the list in the order of its scores.
 *
 *     {"context_left":"","mention":"Paris","context_right":" fell.",
 *      "candidates":[{"id":"1","score":0.7},{"id":"2","score":0.6}]}
 *  -> {..., "candidates":[{"id":"2","score":3.1,"cross_score":3.1},...]}
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/engine-opts.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/candidates.h"
#include "kb/kb.h"
#include "link/alias-title.h"
#include "link/calibration.h"
#include "link/cascade.h"
#include "model/model.h"
#include "net/encoder.h"
#include "text/input.h"

static struct opts {
    const char *model, *calibration;
    struct bl_strings catalogues;
    size_t top;
    double cascade, sure, sure_none;
    bool probabilities, texts;
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} options = {
    .model = "default-cross", .top = 100, .sure = 1, .sure_none = 1,
    .engine = BL_ENGINE_OPTS_DEFAULT, .loop = BL_LOOP_OPTS_DEFAULT(32)
};

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "MODEL", &options.model, "cross-encoder"),
    BL_OPT_CATALOGUES(&options.catalogues,
               "catalogue of the candidates' texts; may be repeated"),
    BL_OPT_FLAG(0, "texts", &options.texts,
                "candidates have title and text; no catalogue is read"),
    BL_OPT_SIZE('k', "top", "N", &options.top, 1, 1 << 20,
                "candidates to read in each list"),
    BL_OPT_DOUBLE(0, "cascade", "RISK", &options.cascade, 0, 1,
                  "skip candidates unlikely to win (0: none)"),
    BL_OPT_DOUBLE(0, "sure", "P", &options.sure, 0, 1,
                  "skip lists whose best has this probability (1: none)"),
    BL_OPT_DOUBLE(0, "sure-none", "P", &options.sure_none, 0, 1,
                  "skip lists that none is meant of by this probability"),
    BL_OPT_STR(0, "calibration", "CALIBRATION", &options.calibration,
               "calibration for these three (a file or a name)"),
    BL_OPT_FLAG(0, "probabilities", &options.probabilities,
                "also add cross_p, the softmax of a list's scores"),
    BL_OPTS_ENGINE(options.engine),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-rerank", "", "reorder candidates with a cross-encoder",
    table, 0, 0
};

struct state {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_kb **kbs;         /* [n_kbs] */
    char **labels;              /* [n_kbs] what their ids begin with */
    size_t n_kbs;
    struct bl_calibration calibration;
    struct bl_input input;
    struct bl_batch batch;
    struct bl_buf out;
};

/* One record. */
struct work {
    struct bl_mention mention;
    struct bl_candidates list;
    struct bl_entity_text *texts;       /* [cascade.n], as in the list */
    struct bl_cascade cascade;
    size_t now;                         /* of its order, in this round */
    bool sure;                          /* it stays as it is ... */
    bool judged;                        /* but for what an earlier one said */
};

/* ---- Start ---- */

/* What was opened is counted as it is, for state_free(). */
static int open_catalogues(struct state *state, struct bl_err *err)
{
    size_t n = BL_MAX(options.catalogues.n, 1);

    state->kbs = BL_NEW_ARRAY(struct bl_kb *, n);
    state->labels = BL_NEW_ARRAY(char *, n);
    for (; state->n_kbs < n; state->n_kbs++) {
        const char *name = options.catalogues.n
            ? options.catalogues.v[state->n_kbs] : "default";

        state->kbs[state->n_kbs] = bl_kb_open_named(name, err);
        if (!state->kbs[state->n_kbs])
            return -1;
        state->labels[state->n_kbs] = bl_kb_label(name);
    }
    return 0;
}

static int state_load(struct state *state, struct bl_err *err)
{
    if ((options.cascade > 0 || options.sure < 1 || options.sure_none < 1)
        && bl_calibration_load(&state->calibration, options.calibration,
                               err) < 0)
        return -1;
    if (!options.texts && open_catalogues(state, err) < 0)
        return -1;
    state->model = bl_model_open_as(options.model, BL_ROLE_CROSS_ENCODER, err);
    if (!state->model)
        return -1;
    state->encoder = bl_encoder_open(state->model, &options.engine, err);
    if (!state->encoder)
        return -1;
    bl_note("'%s': %s", state->model->path,
            bl_encoder_describe(state->encoder));
    return 0;
}

static void state_free(struct state *state)
{
    bl_buf_free(&state->out);
    bl_batch_free(&state->batch);
    bl_input_free(&state->input);
    bl_encoder_close(state->encoder);
    bl_model_close(state->model);
    for (size_t i = 0; i < state->n_kbs; i++) {
        bl_kb_close(state->kbs[i]);
        free(state->labels[i]);
    }
    free(state->kbs);
    free(state->labels);
}

/* ---- One record ---- */

/* Ids of several catalogues begin with the name of theirs. */
static int find_entity(struct state *state, struct bl_span id,
                       struct bl_arena *arena, struct bl_entity *entity,
                       struct bl_err *err)
{
    for (size_t i = 0; i < state->n_kbs && state->n_kbs > 1; i++) {
        size_t n = strlen(state->labels[i]);

        if (id.n > n && !memcmp(id.p, state->labels[i], n) && id.p[n] == ':')
            return bl_kb_get(state->kbs[i],
                             (struct bl_span){ id.p + n + 1, id.n - n - 1 },
                             arena, entity, err);
    }
    return state->n_kbs > 1 ? 0 : bl_kb_get(state->kbs[0], id, arena, entity,
                                            err);
}

/* --texts: what a record has that comes from no catalogue. */
static int own_text(const struct bl_candidate *candidate,
                    struct bl_arena *arena, struct bl_entity_text *out,
                    struct bl_err *err)
{
    struct bl_span value;

    *out = (struct bl_entity_text){ candidate->title, BL_SPAN_LIT(""),
                                    candidate->title.n > 0 };
    if (bl_json_get(candidate->raw, "text", &value, err) != 1)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'candidates': entry %zu: expected one 'text'",
                       candidate->place);
    if (bl_json_string(value, arena, &out->text, err) < 0)
        return bl_err_prefix(err, "field 'candidates': entry %zu: 'text'",
                             candidate->place);
    return 0;
}

static int read_text(struct state *state, const struct bl_candidate *candidate,
                     struct bl_arena *arena, struct bl_entity_text *out,
                     struct bl_err *err)
{
    struct bl_entity e;
    int got;

    if (options.texts)
        return own_text(candidate, arena, out, err);
    got = find_entity(state, candidate->id, arena, &e, err);
    if (got < 0)
        return -1;
    if (!got)
        return bl_fail(err, BL_NO_ENTITY,
                       "field 'candidates': entry %zu: the catalogue has no "
                       "entity '%.*s'", candidate->place,
                       (int)bl_utf8_cut(candidate->id.p, candidate->id.n, 80),
                       candidate->id.p);
    *out = (struct bl_entity_text){ e.title, e.text, e.title.p != NULL };
    return 0;
}

/* NAN marks a candidate as unread, which bl_cascade_start() and the emitted
 * record rely on; a field "cross" that came in with the record is of another
 * model, perhaps. */
static bool forget_cross(struct bl_candidates *list)
{
    bool any = false;

    for (size_t i = 0; i < list->n; i++) {
        any |= !isnan(list->v[i].cross);
        list->v[i].cross = NAN;
    }
    return any;
}

static bool is_sure(const struct state *state, struct bl_span mention,
                    const struct bl_candidates *list)
{
    return (options.sure < 1 || options.sure_none < 1)
        && bl_cascade_sure(&state->calibration, mention, list, options.sure,
                           options.sure_none);
}

/* The list is again as blink-retrieve wrote it. */
static void restore(struct bl_candidates *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!isnan(list->v[i].bi))
            list->v[i].score = list->v[i].bi;
    bl_candidates_sort(list);
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *state = ctx;
    struct work *w = bl_arena_alloc(arena, 1, sizeof *w);
    struct bl_mention *mention = &w->mention;
    size_t n;

    *w = (struct work){ .now = 0 };
    if (bl_record_string(&item->rec, "context_left", arena, &mention->left,
                         err) < 0
        || bl_record_string(&item->rec, "mention", arena, &mention->text,
                            err) < 0
        || bl_record_string(&item->rec, "context_right", arena,
                            &mention->right, err) < 0
        || bl_candidates_read(&item->rec, arena, &w->list, err) < 0)
        return -1;
    item->data = w;
    w->judged = forget_cross(&w->list);
    w->sure = is_sure(state, mention->text, &w->list);
    /* A list that stays needs no texts, which cost a look into the catalogue
     * for each candidate. */
    if (w->sure) {
        if (w->judged)
            restore(&w->list);
        return 0;
    }
    n = BL_MIN(w->list.n, options.top);
    w->texts = bl_arena_alloc(arena, n, sizeof *w->texts);
    for (size_t i = 0; i < n; i++)
        if (read_text(state, &w->list.v[i], arena, &w->texts[i], err) < 0)
            return -1;
    if (state->model->input->layout == BL_LAYOUT_FULL)
        bl_alias_titles(&w->list, mention->text, w->texts, n);
    bl_cascade_start(&w->cascade,
                     options.cascade > 0 ? &state->calibration : NULL,
                     mention->text, &w->list, n, arena);
    return 0;
}

/* ---- A batch ---- */

/* What each record wants read next, of all records together. */
static void add_round(struct state *state, struct bl_item **items, size_t n)
{
    bl_batch_clear(&state->batch);
    for (size_t i = 0; i < n; i++) {
        struct work *w = items[i]->data;
        const struct bl_cascade *c = &w->cascade;

        w->now = items[i]->failed || w->sure ? 0
            : bl_cascade_next(c, options.cascade);
        for (size_t k = 0; k < w->now; k++) {
            bl_input_pair(&state->input, state->model->words,
                          state->model->input,
                          &w->mention, &w->texts[c->order[c->read + k]]);
            bl_batch_add(&state->batch, state->input.ids,
                         state->input.segments,
                         state->input.positions, state->input.n);
        }
    }
}

static void take_round(struct bl_item **items, size_t n, const float *logits,
                       const bool *bad)
{
    for (size_t i = 0, at = 0; i < n; i++) {
        struct work *w = items[i]->data;
        struct bl_cascade *c = &w->cascade;

        for (size_t k = 0; k < w->now; k++, at++) {
            size_t place = c->order[c->read + k];

            if (bad[at] && !items[i]->failed)
                bl_item_fail(items[i], BL_NON_FINITE,
                             "the cross-encoder gives no finite score for "
                             "candidate %zu", place);
            w->list.v[place].cross = (double)logits[at];
        }
        c->read += w->now;
    }
}

/* Among the candidates that were read. */
static void softmax(struct bl_candidates *l)
{
    double best = l->n ? l->v[0].cross : 0, sum = 0;

    for (size_t i = 0; i < l->n; i++) {
        l->v[i].cross_p = exp(l->v[i].cross - best);
        sum += isnan(l->v[i].cross_p) ? 0 : l->v[i].cross_p;
    }
    for (size_t i = 0; i < l->n; i++)
        l->v[i].cross_p /= sum;
}

/* The candidates that were not read keep their order behind the others and
 * have no score: what they had is on another scale. */
static void take_order(struct bl_candidates *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->v[i].score = l->v[i].cross;
    bl_candidates_sort(l);
    if (options.probabilities)
        softmax(l);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    float *logits;
    bool *bad;

    /* One round takes from every record what its cascade reads next, so that
     * the encoder has full batches; without a cascade the first round takes
     * all. */
    for (;;) {
        add_round(state, items, n);
        if (!state->batch.n_seqs)
            break;
        logits = bl_arena_alloc(arena, state->batch.n_seqs, sizeof *logits);
        bad = bl_arena_alloc(arena, state->batch.n_seqs, sizeof *bad);
        if (bl_encoder_score(state->encoder, &state->batch, logits, bad,
                             err) < 0)
            return -1;
        take_round(items, n, logits, bad);
    }
    for (size_t i = 0; i < n; i++)
        if (!((struct work *)items[i]->data)->sure)
            take_order(&((struct work *)items[i]->data)->list);
    return 0;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *state = ctx;
    const struct work *w = item->data;

    if (w->sure && !w->judged)
        return;
    bl_buf_clear(&state->out);
    bl_candidates_put(&state->out, &w->list, BL_PUT_SCORE | BL_PUT_CROSS |
                      (options.probabilities ? BL_PUT_CROSS_P : 0u));
    bl_edits_set_buf(edits, "candidates", &state->out);
}

int main(int argc, char **argv)
{
    struct state state = { .input = BL_INPUT_INIT, .batch = BL_BATCH_INIT,
                       .out = BL_BUF_INIT };
    struct bl_err err;
    int rc;

    bl_prog_init("blink-rerank");
    bl_opts_parse(&command, argc, argv);
    if (options.texts && options.catalogues.n)
        bl_die_usage("options '--texts' and '--catalogue' exclude each "
                     "other");
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    rc = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state,
        .prepare = prepare, .run = run, .emit = emit,
    });
    state_free(&state);
    return bl_prog_finish(rc);
}
