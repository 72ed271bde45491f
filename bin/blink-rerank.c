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

#include "link/alias-title.h"
#include "link/calibration.h"
#include "json/candidates.h"
#include "link/cascade.h"
#include "net/encoder.h"
#include "text/input.h"
#include "kb/kb.h"
#include "cli/loop.h"
#include "cli/engine-opts.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/model.h"
#include "cli/opts.h"
#include "cli/prog.h"

static struct opts {
    const char *model, *catalogue, *calibration;
    size_t top;
    double cascade;
    bool probabilities;
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} o = {
    .model = "default-cross", .catalogue = "default", .top = 100,
    .engine = BL_ENGINE_OPTS_DEFAULT, .loop = BL_LOOP_OPTS_DEFAULT(32)
};

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "MODEL", &o.model, "cross-encoder"),
    BL_OPT_CATALOGUE(&o.catalogue,
               "catalogue with the candidates' texts"),
    BL_OPT_SIZE('k', "top", "N", &o.top, 1, 1 << 20,
                "candidates to read in each list"),
    BL_OPT_DOUBLE(0, "cascade", "RISK", &o.cascade, 0, 1,
                  "skip candidates unlikely to win (0: none)"),
    BL_OPT_STR(0, "calibration", "FILE", &o.calibration,
               "calibration for --cascade (a file or a name)"),
    BL_OPT_FLAG(0, "probabilities", &o.probabilities,
                "also add cross_p, the softmax of a list's scores"),
    BL_OPTS_ENGINE(o.engine),
    BL_OPTS_LOOP(o.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-rerank", "", "reorder candidates with a cross-encoder",
    table, 0, 0
};

struct state {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_kb *kb;
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
};

/* ---- Start ---- */

static int state_load(struct state *s, struct bl_err *err)
{
    if (o.cascade > 0
        && bl_calibration_load(&s->calibration, o.calibration, err) < 0)
        return -1;
    s->kb = bl_kb_open_named(o.catalogue, err);
    if (!s->kb)
        return -1;
    s->model = bl_model_open_as(o.model, BL_ROLE_CROSS_ENCODER, err);
    if (!s->model)
        return -1;
    s->encoder = bl_encoder_open(s->model, &o.engine, err);
    if (!s->encoder)
        return -1;
    bl_note("'%s': %s", s->model->path, bl_encoder_describe(s->encoder));
    return 0;
}

static void state_free(struct state *s)
{
    bl_buf_free(&s->out);
    bl_batch_free(&s->batch);
    bl_input_free(&s->input);
    bl_encoder_close(s->encoder);
    bl_model_close(s->model);
    bl_kb_close(s->kb);
}

/* ---- One record ---- */

static int read_text(struct state *s, const struct bl_candidate *c,
                     struct bl_arena *a, struct bl_entity_text *out,
                     struct bl_err *err)
{
    struct bl_entity e;
    int got = bl_kb_get(s->kb, c->id, a, &e, err);

    if (got < 0)
        return -1;
    if (!got)
        return bl_fail(err, BL_NO_ENTITY,
                       "field 'candidates': entry %zu: the catalogue has no "
                       "entity '%.*s'", c->place,
                       (int)bl_utf8_cut(c->id.p, c->id.n, 80), c->id.p);
    *out = (struct bl_entity_text){ e.title, e.text, e.title.p != NULL };
    return 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *a,
                   struct bl_err *err)
{
    struct state *s = ctx;
    struct work *w = bl_arena_alloc(a, 1, sizeof *w);
    struct bl_mention *m = &w->mention;
    size_t n;

    *w = (struct work){ .now = 0 };
    if (bl_record_string(&item->rec, "context_left", a, &m->left, err) < 0
        || bl_record_string(&item->rec, "mention", a, &m->text, err) < 0
        || bl_record_string(&item->rec, "context_right", a, &m->right,
                            err) < 0
        || bl_candidates_read(&item->rec, a, &w->list, err) < 0)
        return -1;
    n = BL_MIN(w->list.n, o.top);
    w->texts = bl_arena_alloc(a, n, sizeof *w->texts);
    for (size_t i = 0; i < n; i++)
        if (read_text(s, &w->list.v[i], a, &w->texts[i], err) < 0)
            return -1;
    if (s->model->input->layout == BL_LAYOUT_FULL)
        bl_alias_titles(&w->list, m->text, w->texts, n);
    for (size_t i = 0; i < w->list.n; i++)
        w->list.v[i].cross = NAN;
    bl_cascade_start(&w->cascade, o.cascade > 0 ? &s->calibration : NULL,
                     m->text, &w->list, n, a);
    item->data = w;
    return 0;
}

/* ---- A batch ---- */

/* What each record wants read next, of all records together. */
static void add_round(struct state *s, struct bl_item **items, size_t n)
{
    bl_batch_clear(&s->batch);
    for (size_t i = 0; i < n; i++) {
        struct work *w = items[i]->data;
        const struct bl_cascade *c = &w->cascade;

        w->now = items[i]->failed ? 0 : bl_cascade_next(c, o.cascade);
        for (size_t k = 0; k < w->now; k++) {
            bl_input_pair(&s->input, s->model->words, s->model->input,
                          &w->mention, &w->texts[c->order[c->read + k]]);
            bl_batch_add(&s->batch, s->input.ids, s->input.segments,
                         s->input.positions, s->input.n);
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
    if (o.probabilities)
        softmax(l);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *a, struct bl_err *err)
{
    struct state *s = ctx;
    float *logits;
    bool *bad;

    for (;;) {
        add_round(s, items, n);
        if (!s->batch.n_seqs)
            break;
        logits = bl_arena_alloc(a, s->batch.n_seqs, sizeof *logits);
        bad = bl_arena_alloc(a, s->batch.n_seqs, sizeof *bad);
        if (bl_encoder_score(s->encoder, &s->batch, logits, bad, err) < 0)
            return -1;
        take_round(items, n, logits, bad);
    }
    for (size_t i = 0; i < n; i++)
        take_order(&((struct work *)items[i]->data)->list);
    return 0;
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    struct state *s = ctx;
    const struct work *w = item->data;

    bl_buf_clear(&s->out);
    bl_candidates_put(&s->out, &w->list, BL_PUT_SCORE | BL_PUT_CROSS |
                      (o.probabilities ? BL_PUT_CROSS_P : 0u));
    bl_edits_set(edits, "candidates",
                 (struct bl_span){ s->out.data, s->out.len });
}

int main(int argc, char **argv)
{
    struct state s = { .input = BL_INPUT_INIT, .batch = BL_BATCH_INIT,
                       .out = BL_BUF_INIT };
    struct bl_err err;
    int rc;

    bl_prog_init("blink-rerank");
    bl_opts_parse(&command, argc, argv);
    if (state_load(&s, &err) < 0)
        bl_die(&err);
    rc = bl_loop_run(&(struct bl_loop){
        .opts = &o.loop, .ctx = &s,
        .prepare = prepare, .run = run, .emit = emit,
    });
    state_free(&s);
    return bl_prog_finish(rc);
}
