/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/tagger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/input.h"
#include "base/mem.h"
#include "ner/tagset.h"

enum { WINDOWS = 32, MOST_PIECES = 16 };

struct bl_tagger {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_tagset tags;
    struct bl_batch batch;
    size_t *first;              /* [cap] of the words of a batch: their
                                 * first token */
    struct part *parts;         /* [WINDOWS] */
    float *logits, *rows;       /* of the tokens of a batch; [words][tags] */
    size_t *labels;
    size_t cap, cap_words, cap_logits;
};

/* Words [from, to) of the document are one sequence of the batch. */
struct part {
    size_t from, to, first;     /* first: its words in t->first */
};

/* ---- Opening ---- */

struct bl_tagger *bl_tagger_open(const char *name,
                                 const struct bl_engine_opts *opts,
                                 struct bl_err *err)
{
    struct bl_tagger *t = BL_NEW(struct bl_tagger);

    t->model = bl_model_open_as(name, BL_ROLE_TAGGER, err);
    if (t->model
        && bl_tagset_make(&t->tags, t->model->labels, t->model->n_labels,
                          err) == 0)
        t->encoder = bl_encoder_open(t->model, opts, err);
    t->parts = BL_NEW_ARRAY(struct part, WINDOWS);
    if (t->encoder)
        return t;
    bl_tagger_close(t);
    return NULL;
}

void bl_tagger_close(struct bl_tagger *t)
{
    if (!t)
        return;
    bl_encoder_close(t->encoder);
    bl_tagset_free(&t->tags);
    bl_model_close(t->model);
    bl_batch_free(&t->batch);
    free(t->first);
    free(t->parts);
    free(t->logits);
    free(t->rows);
    free(t->labels);
    free(t);
}

const char *bl_tagger_describe(const struct bl_tagger *t)
{
    return bl_encoder_describe(t->encoder);
}

/* ---- Windows ---- */

static void note_first(struct bl_tagger *t, size_t n_words, size_t token)
{
    BL_GROW(t->first, n_words + 1, t->cap);
    t->first[n_words] = token;
}

/* Models without shapes have two segments or fewer and get the first. */
static int32_t segment_of(const struct bl_tagger *t,
                          const struct bl_doc_word *w)
{
    return t->model->shape.types >= BL_TAG_SHAPES ? 1 + w->shape : 0;
}

/* A window from word `from` on; its end.  A word without any piece is an
 * unknown one. */
static size_t add_window(struct bl_tagger *t, const struct bl_doc *d,
                         size_t from, size_t *n_words)
{
    const struct bl_specials *sp = bl_wordpiece_specials(t->model->words);
    size_t most = t->model->input->context_length, n = 1, i;
    int32_t *ids = bl_xmalloc(most, sizeof *ids);
    int32_t *segments = bl_xcalloc(most, sizeof *segments);

    ids[0] = sp->cls;
    for (i = from; i < d->n; i++) {
        const struct bl_doc_word *w = &d->v[i];
        struct bl_span text = { d->text.p + w->start, w->end - w->start };
        int32_t pieces[MOST_PIECES];
        size_t k = bl_wordpiece_ids(t->model->words, text, BL_LITERAL_NONE,
                                    pieces, MOST_PIECES, NULL);

        if (!k)
            pieces[k++] = sp->unk;
        if (n + k + 1 > most && i > from)
            break;
        k = n + k + 1 > most ? most - n - 1 : k;
        note_first(t, (*n_words)++, t->batch.n_tokens + n);
        for (size_t j = 0; j < k; j++, n++) {
            ids[n] = pieces[j];
            segments[n] = segment_of(t, w);
        }
    }
    ids[n++] = sp->sep;
    bl_batch_add(&t->batch, ids, segments, NULL, n);
    free(ids);
    free(segments);
    return i;
}

/* The rows of a window, but for the words that the one before sees better:
 * the first half of what they share. */
static void take_rows(struct bl_tagger *t, const struct part *p,
                      size_t before)
{
    size_t shared = before > p->from ? before - p->from : 0;

    for (size_t i = p->from + shared / 2; i < p->to; i++)
        memcpy(t->rows + i * t->tags.n,
               t->logits + t->first[p->first + i - p->from] * t->tags.n,
               t->tags.n * sizeof *t->rows);
}

static int run_batch(struct bl_tagger *t, size_t n_parts, size_t *before,
                     struct bl_err *err)
{
    size_t need = t->batch.n_tokens;

    if (need > t->cap_logits) {
        t->cap_logits = need;
        free(t->logits);
        t->logits = bl_xmalloc(need, t->tags.n * sizeof *t->logits);
    }
    if (bl_encoder_tag(t->encoder, &t->batch, t->logits, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < n_parts; i++) {
        take_rows(t, &t->parts[i], *before);
        *before = t->parts[i].to;
    }
    return 0;
}

static int tag_words(struct bl_tagger *t, const struct bl_doc *d,
                     struct bl_err *err)
{
    size_t from = 0, to = 0, before = 0, n_parts = 0, n_words = 0;

    bl_batch_clear(&t->batch);
    while (to < d->n) {
        struct part *p = &t->parts[n_parts++];

        *p = (struct part){ .from = from, .first = n_words };
        to = p->to = add_window(t, d, from, &n_words);
        /* The next one sees the last quarter of this one again. */
        from = to - (to - from > 3 ? (to - from) / 4 : 0);
        if (to < d->n && n_parts < WINDOWS)
            continue;
        if (run_batch(t, n_parts, &before, err) < 0)
            return -1;
        bl_batch_clear(&t->batch);
        n_parts = n_words = 0;
    }
    return 0;
}

/* ---- Mentions ---- */

static void reserve(struct bl_tagger *t, size_t words)
{
    if (words <= t->cap_words)
        return;
    t->cap_words = words;
    free(t->rows);
    free(t->labels);
    t->rows = bl_xmalloc(words, t->tags.n * sizeof *t->rows);
    t->labels = bl_xmalloc(words, sizeof *t->labels);
}

static void add_found(struct bl_tagger *t, const struct bl_doc *d,
                      size_t from, size_t to, struct bl_founds *out)
{
    const char *type = t->tags.types[t->tags.v[t->labels[from]].type];
    float least = 0;

    for (size_t i = from; i < to; i++) {
        float p = t->rows[i * t->tags.n + t->labels[i]];
        least = BL_MIN(p, least);
    }
    BL_GROW(out->v, out->n + 1, out->cap);
    out->v[out->n++] = (struct bl_found){ .start = d->v[from].start,
        .end = d->v[to - 1].end, .score = exp((double)least), .row = -1,
        .type = bl_span_of(type) };
}

/* Part by part, so that no tag goes on from one to the next. */
static void decode(struct bl_tagger *t, const struct bl_doc *d)
{
    for (size_t from = 0, to; from < d->n; from = to) {
        for (to = from + 1; to < d->n && !d->v[to].apart; to++)
            ;
        bl_tagset_decode(&t->tags, t->rows + from * t->tags.n, to - from,
                         t->labels + from);
    }
}

int bl_tagger_find(struct bl_tagger *t, const struct bl_doc *doc,
                   struct bl_founds *out, struct bl_err *err)
{
    out->n = 0;
    if (!doc->n)
        return 0;
    reserve(t, doc->n);
    if (tag_words(t, doc, err) < 0)
        return -1;
    decode(t, doc);
    for (size_t i = 0, to; i < doc->n; i = to) {
        to = i + 1;
        if (t->tags.v[t->labels[i]].kind == 'O')
            continue;
        while (to < doc->n && t->tags.v[t->labels[to]].kind == 'I')
            to++;
        add_found(t, doc, i, to, out);
    }
    return 0;
}
