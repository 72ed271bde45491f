/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/tagger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/mem.h"
#include "ner/naming.h"
#include "ner/tagset.h"
#include "ner/window.h"
#include "net/dense.h"

/* Words whose states are kept: 50 MB with 384 numbers each. */
enum { WINDOWS = 32, MOST_KEPT = 1 << 15 };

struct bl_tagger {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_tagset tags;
    struct bl_windows windows;  /* at most WINDOWS */
    float *logits, *rows;       /* of the tokens of a batch; [words][tags] */
    size_t *labels;
    size_t cap_words, cap_logits;
    /* Of a one-pass model.  A word's state is the sum over its tokens, since a
     * mention's is the mean over all of its own. */
    float *states;              /* [n_tokens][H] of a batch */
    float *sums;                /* [kept][H] */
    uint16_t *pieces;           /* [kept] tokens of each word */
    size_t kept, cap_states, cap_kept;
    float *mean;                /* [H] */
};

/* ---- Opening ---- */

struct bl_tagger *bl_tagger_open(const char *name,
                                 const struct bl_engine_opts *opts,
                                 struct bl_err *err)
{
    struct bl_tagger *tagger = BL_NEW(struct bl_tagger);

    tagger->model = bl_model_open_as(name, BL_ROLE_TAGGER, err);
    if (tagger->model
        && bl_tagset_make(&tagger->tags, tagger->model->labels,
                          tagger->model->n_labels, err) == 0)
        tagger->encoder = bl_encoder_open(tagger->model, opts, err);
    if (tagger->encoder) {
        tagger->mean = bl_xmalloc(tagger->model->shape.hidden,
                                  sizeof *tagger->mean);
        return tagger;
    }
    bl_tagger_close(tagger);
    return NULL;
}

void bl_tagger_close(struct bl_tagger *tagger)
{
    if (!tagger)
        return;
    bl_encoder_close(tagger->encoder);
    bl_tagset_free(&tagger->tags);
    bl_model_close(tagger->model);
    bl_windows_free(&tagger->windows);
    free(tagger->logits);
    free(tagger->rows);
    free(tagger->labels);
    free(tagger->states);
    free(tagger->sums);
    free(tagger->pieces);
    free(tagger->mean);
    free(tagger);
}

const char *bl_tagger_describe(const struct bl_tagger *tagger)
{
    return bl_encoder_describe(tagger->encoder);
}

/* ---- Windows ---- */

/* Copies the logits of the words that are a window's own; `before` is where
 * the last window ended. */
static void take_rows(struct bl_tagger *tagger, const struct bl_window *window,
                      size_t before)
{
    const size_t *first = tagger->windows.first + window->first;

    for (size_t i = bl_windows_own(window, before); i < window->to; i++)
        memcpy(tagger->rows + i * tagger->tags.n,
               tagger->logits + tagger->tags.n * first[i - window->from],
               tagger->tags.n * sizeof *tagger->rows);
}

/* The same of a one-pass model's states. */
static void take_states(struct bl_tagger *tagger,
                        const struct bl_window *window, size_t before)
{
    const size_t *first = tagger->windows.first + window->first;
    size_t hidden = tagger->model->shape.hidden;
    size_t to = BL_MIN(window->to, tagger->kept);

    for (size_t i = bl_windows_own(window, before); i < to; i++) {
        size_t at = first[i - window->from], end = first[i - window->from + 1];
        float *sum = tagger->sums + i * hidden;

        tagger->pieces[i] = (uint16_t)(end - at);
        memset(sum, 0, hidden * sizeof *sum);
        for (; at < end; at++)
            for (size_t k = 0; k < hidden; k++)
                sum[k] += tagger->states[at * hidden + k];
    }
}

static void reserve_states(struct bl_tagger *tagger, size_t tokens)
{
    if (!bl_tagger_dim(tagger) || tokens <= tagger->cap_states)
        return;
    tagger->cap_states = tokens;
    free(tagger->states);
    tagger->states = bl_xmalloc(tokens, tagger->model->shape.hidden
                                * sizeof *tagger->states);
}

/* *before goes from batch to batch: the first window of one shares words with
 * the last window of the one before. */
static int run_batch(struct bl_tagger *tagger, size_t *before,
                     struct bl_err *err)
{
    const struct bl_windows *windows = &tagger->windows;
    size_t need = windows->batch.n_tokens;

    if (need > tagger->cap_logits) {
        tagger->cap_logits = need;
        free(tagger->logits);
        tagger->logits = bl_xmalloc(need,
                                    tagger->tags.n * sizeof *tagger->logits);
    }
    reserve_states(tagger, need);
    if (bl_encoder_read(tagger->encoder, &windows->batch, tagger->logits,
                        tagger->states, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < windows->n; i++) {
        take_rows(tagger, &windows->v[i], *before);
        take_states(tagger, &windows->v[i], *before);
        *before = windows->v[i].to;
    }
    return 0;
}

static int tag_words(struct bl_tagger *tagger, const struct bl_doc *doc,
                     struct bl_err *err)
{
    size_t at = 0, before = 0;

    while (at < doc->n) {
        bl_windows_clear(&tagger->windows);
        while (at < doc->n && tagger->windows.n < WINDOWS)
            at = bl_windows_add(&tagger->windows, tagger->model, doc, at);
        if (run_batch(tagger, &before, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- Mentions ---- */

static void reserve_kept(struct bl_tagger *tagger, size_t words)
{
    tagger->kept = bl_tagger_dim(tagger) ? BL_MIN(words, MOST_KEPT) : 0;
    if (tagger->kept <= tagger->cap_kept)
        return;
    tagger->cap_kept = tagger->kept;
    free(tagger->sums);
    free(tagger->pieces);
    tagger->sums = bl_xmalloc(tagger->kept, tagger->model->shape.hidden
                              * sizeof *tagger->sums);
    tagger->pieces = bl_xmalloc(tagger->kept, sizeof *tagger->pieces);
}

static void reserve(struct bl_tagger *tagger, size_t words)
{
    reserve_kept(tagger, words);
    if (words <= tagger->cap_words)
        return;
    tagger->cap_words = words;
    free(tagger->rows);
    free(tagger->labels);
    tagger->rows = bl_xmalloc(words, tagger->tags.n * sizeof *tagger->rows);
    tagger->labels = bl_xmalloc(words, sizeof *tagger->labels);
}

static bool is_word(const struct bl_doc *doc, size_t i, const char *form)
{
    return bl_span_is((struct bl_span){ doc->forms.data + doc->v[i].form,
                                        doc->v[i].form_n }, form);
}

/* Whether words from, .. to - 1 hold this one too. */
static bool holds(const struct bl_doc *doc, size_t from, size_t to,
                  const char *form)
{
    while (from < to && !is_word(doc, from, form))
        from++;
    return from < to;
}

/* "Charles X", where "J. X." has initials.  The letters are those that numbers
 * of rulers end with when they are one letter long. */
static bool is_numeral(const struct bl_doc *doc, size_t from, size_t i)
{
    return i > from && doc->v[i - 1].shape == BL_SHAPE_TITLE
        && doc->v[i - 1].form_n > 1 && doc->v[i].shape == BL_SHAPE_CAPS
        && (is_word(doc, i, "i") || is_word(doc, i, "v")
            || is_word(doc, i, "x"));
}

/* Whether the sentence goes on behind the mark i. */
static bool goes_on(const struct bl_doc *doc, size_t i)
{
    return i + 1 < doc->n && !doc->v[i + 1].apart
        && (doc->v[i + 1].class != BL_FOLD_WORD
            || doc->v[i + 1].shape == BL_SHAPE_LOWER);
}

/* Whether the mark `i` belongs to the name of words from, .. i - 1 that it
 * follows: the stop of an abbreviation, what closes what the name opens, a "!"
 * or "?" with which no sentence ends. */
static bool closes(const struct bl_doc *doc, size_t from, size_t i)
{
    if (is_word(doc, i, "."))
        return (bl_doc_abbreviates(doc, i - 1)
                && !is_numeral(doc, from, i - 1))
            || (doc->v[i - 1].form_n == 2
                && doc->v[i - 1].shape == BL_SHAPE_TITLE);
    if (is_word(doc, i, "!") || is_word(doc, i, "?"))
        return goes_on(doc, i);
    return (is_word(doc, i, ")") && holds(doc, from, i, "("))
        || (is_word(doc, i, "\"") && holds(doc, from, i, "\""));
}

/* Whether a name may begin with word i: not with a mark, unless a word sticks
 * to it (".NET"), nor with the sign in the middle of an address, nor an
 * abbreviation with "The" ("The WHO"). */
static bool may_begin(const struct bl_doc *doc, size_t i, size_t to)
{
    if (i + 2 == to && is_word(doc, i, "the"))
        return doc->v[i + 1].shape != BL_SHAPE_CAPS;
    if (doc->v[i].class != BL_FOLD_WORD)
        return is_word(doc, i, ".") && doc->v[i + 1].start == doc->v[i].end;
    return !is_word(doc, i, "@") && !is_word(doc, i, "#");
}

/* Takes from both ends what is no part of a name: marks, and small words of
 * grammar behind it ("Viktor Orban of"). */
static void trim(const struct bl_doc *doc, size_t *from, size_t *to)
{
    while (*to - *from > 1
           && (doc->v[*to - 1].class != BL_FOLD_WORD
               ? !closes(doc, *from, *to - 1)
               : doc->v[*to - 1].shape == BL_SHAPE_LOWER
                 && bl_naming_function(doc, *to - 1)))
        --*to;
    while (*to - *from > 1 && !may_begin(doc, *from, *to))
        ++*from;
}

static void add_found(struct bl_tagger *tagger, const struct bl_doc *doc,
                      size_t from, size_t to, struct bl_founds *out)
{
    const char *type =
        tagger->tags.types[tagger->tags.v[tagger->labels[from]].type];
    float least = 0;

    for (size_t i = from; i < to; i++) {
        float logprob = tagger->rows[i * tagger->tags.n + tagger->labels[i]];
        least = BL_MIN(logprob, least);
    }
    trim(doc, &from, &to);
    if (to - from == 1 && doc->v[from].class != BL_FOLD_WORD)
        return;
    BL_GROW(out->v, out->n + 1, out->cap);
    out->v[out->n++] = (struct bl_found){ .start = doc->v[from].start,
        .end = doc->v[to - 1].end, .score = exp((double)least), .row = -1,
        .type = bl_span_of(type) };
}

/* No tag goes on across the end of a line, a column or a dash, so each part is
 * decoded by itself. */
static void decode(struct bl_tagger *tagger, const struct bl_doc *doc)
{
    for (size_t from = 0, to; from < doc->n; from = to) {
        for (to = from + 1; to < doc->n && !doc->v[to].apart
             && !doc->v[to].gap; to++)
            ;
        bl_tagset_decode(&tagger->tags, tagger->rows + from * tagger->tags.n,
                         to - from, tagger->labels + from);
    }
}

int bl_tagger_find(struct bl_tagger *tagger, const struct bl_doc *doc,
                   struct bl_founds *out, struct bl_err *err)
{
    out->n = 0;
    tagger->kept = 0;
    if (!doc->n)
        return 0;
    reserve(tagger, doc->n);
    if (tag_words(tagger, doc, err) < 0)
        return -1;
    decode(tagger, doc);
    for (size_t i = 0, to; i < doc->n; i = to) {
        to = i + 1;
        if (tagger->tags.v[tagger->labels[i]].kind == 'O')
            continue;
        while (to < doc->n && tagger->tags.v[tagger->labels[to]].kind == 'I')
            to++;
        add_found(tagger, doc, i, to, out);
    }
    return 0;
}

/* ---- Vectors ---- */

size_t bl_tagger_dim(const struct bl_tagger *tagger)
{
    return tagger->model->mention.w ? tagger->model->dim : 0;
}

const char *bl_tagger_space(const struct bl_tagger *tagger)
{
    return tagger->model->space;
}

bool bl_tagger_names(const struct bl_tagger *tagger)
{
    return tagger->model->names;
}

/* The first word that ends behind the byte. */
static size_t word_at(const struct bl_doc *doc, size_t byte)
{
    size_t from = 0, to = doc->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (doc->v[middle].end > byte)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

/* The mean is over tokens and not over words, as the model was trained: a word
 * of many pieces counts for more. */
bool bl_tagger_vector(struct bl_tagger *tagger, const struct bl_doc *doc,
                      size_t start, size_t end, float *out)
{
    size_t hidden = tagger->model->shape.hidden, i = word_at(doc, start);
    size_t tokens = 0, dim = bl_tagger_dim(tagger);
    float length;

    memset(tagger->mean, 0, hidden * sizeof *tagger->mean);
    for (; i < doc->n && doc->v[i].start < end; i++) {
        if (i >= tagger->kept)
            return false;
        tokens += tagger->pieces[i];
        for (size_t k = 0; k < hidden; k++)
            tagger->mean[k] += tagger->sums[i * hidden + k];
    }
    if (!tokens)
        return false;
    for (size_t k = 0; k < hidden; k++)
        tagger->mean[k] /= (float)tokens;
    bl_linear_apply(&tagger->model->mention, tagger->mean, 1, out);
    length = sqrtf(bl_dot(out, out, dim));
    for (size_t k = 0; k < dim && length > 0; k++)
        out[k] /= length;
    return bl_finite_before(out, dim) == dim;
}
