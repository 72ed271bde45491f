/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/onepass.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/mem.h"
#include "ner/spans.h"
#include "text/input.h"

enum { WINDOWS = 64 };          /* computed at once */

/* Tokens [from, to) of a text, read as one sequence.  Of what two windows
 * see, a mention belongs to the one that has its middle in [own, next). */
struct window {
    struct reading *of;
    size_t from, to;
    long own, next;
};

/* A mention that may stay, and what was found for it. */
struct kept {
    struct bl_joint_mention mention;    /* in tokens of the text, [CLS] as 0:
                                         * one more than ours */
    struct bl_gathered found;
    float *vector;              /* [dim] */
};

/* A text on its way. */
struct reading {
    struct bl_onepass_text *out;
    int32_t *ids;               /* [n] without [CLS] and [SEP] */
    struct bl_piece *pieces;    /* [n] */
    size_t n;
    struct kept *kept;          /* [n_kept] */
    size_t n_kept, cap_kept;
};

struct bl_onepass {
    const struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_gather *gather;
    struct bl_onepass_opts opts;
    size_t room;                /* tokens of a window but [CLS] and [SEP] */
    struct bl_batch batch;
    float *states, *vectors;    /* of the batch; of the runs found in it */
    size_t cap_states, cap_vectors;
    struct bl_spans spans;      /* of one window */
    struct bl_arena scratch;    /* of one batch */
};

/* ---- Opening ---- */

static int check_index(const struct bl_model *model,
                       const struct bl_gather *gather, struct bl_err *err)
{
    const struct bl_vector_want *want = bl_gather_want(gather);

    if (!want->dim || (want->dim == model->dim
                       && (!want->model
                           || !strcmp(want->model, model->fingerprint))))
        return 0;
    return bl_fail(err, BL_DATA, "%s has vectors of %zu numbers by model %s, "
                   "but '%s' is %s and makes %zu", want->by, want->dim,
                   want->model ? want->model : "?", model->path,
                   model->fingerprint, model->dim);
}

/* All that can be wrong with the parts is found here, before a text is
 * read. */
struct bl_onepass *bl_onepass_new(const struct bl_model *model,
                                  struct bl_encoder *encoder,
                                  struct bl_gather *gather,
                                  const struct bl_onepass_opts *opts,
                                  struct bl_err *err)
{
    size_t tokens = opts->tokens ? opts->tokens : model->input->context_length;
    struct bl_onepass *onepass;

    if (!model->spans.bounds.w) {
        bl_fail(err, BL_DATA, "'%s' has no heads that find mentions: "
                "blink-convert elq makes such a model of ELQ's, and blink-ner "
                "finds mentions for others", model->path);
        return NULL;
    }
    if (tokens > model->shape.positions) {
        bl_fail(err, BL_USAGE, "%zu tokens, but '%s' has %zu positions",
                tokens, model->path, model->shape.positions);
        return NULL;
    }
    if (check_index(model, gather, err) < 0)
        return NULL;
    onepass = BL_NEW(struct bl_onepass);
    onepass->model = model;
    onepass->encoder = encoder;
    onepass->gather = gather;
    onepass->opts = *opts;
    onepass->room = tokens - 2;
    return onepass;
}

void bl_onepass_free(struct bl_onepass *onepass)
{
    if (!onepass)
        return;
    bl_batch_free(&onepass->batch);
    bl_spans_free(&onepass->spans);
    bl_arena_free(&onepass->scratch);
    free(onepass->states);
    free(onepass->vectors);
    free(onepass);
}

/* ---- Tokens and windows ---- */

/* No text has more tokens than bytes. */
static void tokenize(struct bl_onepass *onepass, struct bl_span text,
                     size_t most, struct bl_arena *arena, struct reading *out)
{
    const struct bl_model *model = onepass->model;
    size_t room = BL_MIN(text.n, most);
    bool cut;

    out->ids = bl_arena_alloc(arena, room, sizeof *out->ids);
    out->pieces = bl_arena_alloc(arena, room, sizeof *out->pieces);
    out->n = bl_wordpiece_places(model->words, text, model->input->literal,
                                 out->ids, out->pieces, room, &cut);
    if (out->out)
        out->out->cut = cut;
}

size_t bl_onepass_tokens(struct bl_onepass *onepass, struct bl_span text,
                         struct bl_arena *arena, int32_t **ids)
{
    struct reading reading = { .out = NULL };

    tokenize(onepass, text, SIZE_MAX, arena, &reading);
    *ids = reading.ids;
    return reading.n;
}

struct windows {
    struct window *v;
    size_t n, cap;
};

static void add_window(struct windows *windows, struct reading *of,
                       size_t from, size_t to)
{
    BL_GROW(windows->v, windows->n + 1, windows->cap);
    windows->v[windows->n++] = (struct window){ of, from, to, LONG_MIN,
                                                LONG_MAX };
}

/* As many as the text needs, at least one. */
static void add_windows(struct windows *windows, struct reading *of,
                        size_t room)
{
    size_t from = 0, to = BL_MIN(of->n, room);

    add_window(windows, of, from, to);
    while (to < of->n) {
        struct window *before;

        from = to - room / 4;
        to = BL_MIN(of->n, from + room);
        add_window(windows, of, from, to);
        before = &windows->v[windows->n - 2];
        before->next = windows->v[windows->n - 1].own =
            (long)(from + before->to) / 2;
    }
}

static void cut_text(struct bl_onepass *onepass, struct reading *reading,
                     struct bl_arena *arena, struct windows *windows)
{
    struct bl_onepass_text *text = reading->out;
    bool whole = onepass->opts.windows || text->gold;
    struct bl_elq_window gold;

    tokenize(onepass, text->text, whole ? SIZE_MAX : onepass->room, arena,
             reading);
    if (text->gold) {
        bl_elq_window(text->gold, text->n_gold, reading->n, onepass->room,
                      &gold);
        add_window(windows, reading, gold.from, gold.to);
        text->cut = gold.from > 0 || gold.to < reading->n;
    } else {
        add_windows(windows, reading, onepass->room);
    }
    text->seen = text->cut && reading->n ? reading->pieces[reading->n - 1].end
                                         : text->text.n;
}

/* A typed [PAD] is masked by the original: it is left out, and leaves a gap
 * in the positions (input.h). */
static void add_sequence(struct bl_onepass *onepass,
                         const struct window *window)
{
    const struct bl_specials *sp = bl_wordpiece_specials(
        onepass->model->words);
    size_t n = window->to - window->from, at = 0;
    int32_t *ids = bl_xmalloc(n + 2, sizeof *ids);
    int32_t *positions = bl_xmalloc(n + 2, sizeof *positions);

    ids[at] = sp->cls;
    positions[at++] = 0;
    for (size_t i = 0; i < n; i++) {
        ids[at] = window->of->ids[window->from + i];
        positions[at] = (int32_t)i + 1;
        at += ids[at] != sp->pad;
    }
    ids[at] = sp->sep;
    positions[at++] = (int32_t)n + 1;
    bl_batch_add(&onepass->batch, ids, NULL, positions, at);
    free(ids);
    free(positions);
}

/* ---- A batch of windows ---- */

/* What the runs of a batch are, in the order of their vectors. */
struct run {
    const struct window *window;
    struct bl_joint_mention mention;
};

struct runs {
    struct run *v;
    size_t n, cap;
};

/* Whether the window is the one to tell of a mention of these tokens. */
static bool owns(const struct window *window, size_t first, size_t last)
{
    long middle = (long)((first + last) / 2);

    return middle >= window->own && middle < window->next;
}

/* The runs of one window, with their vectors. */
static void add_runs(struct bl_onepass *onepass, const struct window *window,
                     size_t sequence, struct runs *runs)
{
    const struct bl_joint_opts *joint = &onepass->opts.joint;
    size_t at = onepass->batch.offsets[sequence], dim = onepass->model->dim;
    const float *states = onepass->states + at * onepass->model->shape.hidden;
    const int32_t *positions = onepass->batch.positions + at;

    bl_spans_find(&onepass->spans, onepass->model, states,
                  onepass->batch.offsets[sequence + 1] - at,
                  onepass->opts.mentions, joint->by_mention
                  ? joint->mention_threshold : joint->threshold);
    for (size_t i = 0; i < onepass->spans.n; i++) {
        const struct bl_mention_span *span = &onepass->spans.v[i];
        size_t first = window->from + (size_t)positions[span->first];
        size_t last = window->from + (size_t)positions[span->last];

        if (!owns(window, first, last))
            continue;
        BL_GROW(runs->v, runs->n + 1, runs->cap);
        BL_GROW(onepass->vectors, (runs->n + 1) * dim, onepass->cap_vectors);
        bl_spans_vector(onepass->model, states, span,
                        onepass->vectors + runs->n * dim);
        runs->v[runs->n++] = (struct run){ window, { .first = first,
            .last = last, .logit = (double)span->logit } };
    }
}

static void keep(struct bl_onepass *onepass, const struct run *run,
                 const float *vector, const struct bl_gathered *found,
                 struct bl_arena *arena)
{
    size_t dim = onepass->model->dim;
    struct reading *of = run->window->of;
    struct kept *kept;

    BL_GROW(of->kept, of->n_kept + 1, of->cap_kept);
    kept = &of->kept[of->n_kept++];
    kept->mention = run->mention;
    kept->found = (struct bl_gathered){ .n = found->n };
    kept->found.v = bl_arena_alloc(arena, found->n, sizeof *found->v);
    memcpy(kept->found.v, found->v, found->n * sizeof *found->v);
    kept->vector = bl_arena_alloc(arena, dim, sizeof *vector);
    memcpy(kept->vector, vector, dim * sizeof *vector);
}

/* Log-probabilities of a mention with what was found for it, which is sorted,
 * in the arena. */
static double *joint_of(const struct bl_gathered *found, double logit,
                        struct bl_arena *arena)
{
    double *scores = bl_arena_alloc(arena, found->n, sizeof *scores);
    double *joint = bl_arena_alloc(arena, found->n, sizeof *joint);

    for (size_t i = 0; i < found->n; i++)
        scores[i] = (double)found->v[i].score;
    bl_joint(logit, scores, found->n, joint);
    return joint;
}

/* All runs of a batch are looked up in one call, since the vectors of the
 * index are then read once; those that cannot stay are dropped at once, so
 * that memory does not grow with the text. */
static int look_up(struct bl_onepass *onepass, struct runs *runs,
                   struct bl_arena *arena, struct bl_err *err)
{
    struct bl_arena *scratch = &onepass->scratch;
    size_t dim = onepass->model->dim;
    struct bl_gather_query *queries = bl_arena_alloc(scratch, runs->n,
                                                     sizeof *queries);
    struct bl_gathered *found = bl_arena_alloc(scratch, runs->n,
                                               sizeof *found);

    for (size_t i = 0; i < runs->n; i++)
        queries[i] = (struct bl_gather_query){
            .vector = onepass->vectors + i * dim
        };
    if (bl_gather_search(onepass->gather, queries, runs->n, scratch, found,
                         err) < 0)
        return -1;
    for (size_t i = 0; i < runs->n; i++) {
        struct bl_joint_mention *mention = &runs->v[i].mention;

        if (!found[i].n)
            continue;
        mention->joint = *joint_of(&found[i], mention->logit, scratch);
        mention->best = (double)found[i].v->score;
        if (bl_joint_passes(mention, &onepass->opts.joint))
            keep(onepass, &runs->v[i], queries[i].vector, &found[i], arena);
    }
    return 0;
}

/* A window whose states are not finite fails its text and no other. */
static int run_windows(struct bl_onepass *onepass,
                       const struct window *windows, size_t n,
                       struct bl_arena *arena, struct bl_err *err)
{
    struct runs runs = { NULL, 0, 0 };
    bool bad[WINDOWS];
    int rc;

    bl_arena_reset(&onepass->scratch);
    bl_batch_clear(&onepass->batch);
    for (size_t i = 0; i < n; i++)
        add_sequence(onepass, &windows[i]);
    BL_GROW(onepass->states, onepass->batch.n_tokens
            * onepass->model->shape.hidden, onepass->cap_states);
    rc = bl_encoder_states(onepass->encoder, BL_TOWER_CONTEXT,
                           &onepass->batch, onepass->states, bad, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!bad[i])
            add_runs(onepass, &windows[i], i, &runs);
        else
            bl_fail(&windows[i].of->out->err, BL_NON_FINITE,
                    "the model gave NaN or infinity");
    }
    if (rc == 0 && runs.n)
        rc = look_up(onepass, &runs, arena, err);
    free(runs.v);
    return rc;
}

/* ---- What stays ---- */

/* Where tokens [first, last] lie, numbered with [CLS] as 0; false where no
 * token of the text is among them. */
static bool place(const struct reading *reading,
                  const struct bl_joint_mention *mention,
                  struct bl_onepass_mention *out)
{
    size_t from = mention->first ? mention->first - 1 : 0;
    size_t to = BL_MIN(mention->last, reading->n);

    if (from < to) {
        out->start = reading->pieces[from].start;
        out->end = reading->pieces[to - 1].end;
        return true;
    }
    out->start = out->end = mention->first ? reading->out->seen : 0;
    return false;
}

static int finish_mention(struct bl_onepass *onepass, const struct kept *kept,
                          struct bl_arena *arena,
                          struct bl_onepass_mention *out, struct bl_err *err)
{
    const double *joint = joint_of(&kept->found, kept->mention.logit, arena);

    out->first = (long)kept->mention.first - 1;
    out->last = (long)kept->mention.last;
    out->logit = kept->mention.logit;
    out->joint = kept->mention.joint;
    out->vector = kept->vector;
    if (bl_gather_candidates(onepass->gather, &kept->found, arena, &out->list,
                             err) < 0)
        return -1;
    for (size_t i = 0; i < out->list.n; i++)
        out->list.v[i].p = exp(joint[i]);
    return 0;
}

/* A mention without text takes part in the choice, as in the original, whose
 * scores would otherwise be others; it is left out only afterwards. */
static int finish(struct bl_onepass *onepass, struct reading *reading,
                  struct bl_arena *arena, struct bl_err *err)
{
    struct bl_onepass_text *text = reading->out;
    size_t n = reading->n_kept;
    struct bl_joint_mention *mentions = bl_arena_alloc(arena, n,
                                                       sizeof *mentions);
    size_t *chosen = bl_arena_alloc(arena, n, sizeof *chosen);

    for (size_t i = 0; i < n; i++)
        mentions[i] = reading->kept[i].mention;
    n = bl_joint_choose(mentions, n, &onepass->opts.joint, chosen);
    text->v = bl_arena_alloc(arena, n, sizeof *text->v);
    for (size_t i = 0; i < n && text->err.code == BL_OK; i++) {
        const struct kept *kept = &reading->kept[chosen[i]];
        struct bl_onepass_mention *out = &text->v[text->n];

        if (!place(reading, &kept->mention, out) && !onepass->opts.specials)
            continue;
        if (finish_mention(onepass, kept, arena, out, err) == 0)
            text->n++;
        else if (err->code >= BL_USAGE)
            return -1;
        else
            text->err = *err;
    }
    return 0;
}

/* Windows of all texts share batches, so that short questions fill them. */
int bl_onepass_read(struct bl_onepass *onepass, struct bl_onepass_text *texts,
                    size_t n, struct bl_arena *arena, struct bl_err *err)
{
    struct reading *readings = bl_xcalloc(n, sizeof *readings);
    struct windows windows = { NULL, 0, 0 };
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        texts[i].n = 0;
        texts[i].err.code = BL_OK;
        readings[i].out = &texts[i];
        cut_text(onepass, &readings[i], arena, &windows);
    }
    for (size_t at = 0; at < windows.n && rc == 0; at += WINDOWS)
        rc = run_windows(onepass, windows.v + at,
                         BL_MIN(windows.n - at, WINDOWS), arena, err);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = finish(onepass, &readings[i], arena, err);
        free(readings[i].kept);
    }
    free(windows.v);
    free(readings);
    return rc;
}
