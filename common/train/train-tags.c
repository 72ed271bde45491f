/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/doc.h"
#include "json/writer.h"
#include "base/mem.h"
#include "base/random.h"
#include "text/wordpiece.h"

enum { MOST_PIECES = 16, CHUNK = 128 };

/* ---- Labels ---- */

static int type_by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **bl_tagged_labels(const struct bl_conll *c, size_t *n)
{
    char **labels = bl_xcalloc(2 * c->n_types + 1, sizeof *labels);
    char **types = bl_xmemdup(c->types, c->n_types * sizeof *types);

    if (c->n_types)
        qsort(types, c->n_types, sizeof *types, type_by_name);
    *n = 0;
    labels[(*n)++] = bl_xstrdup("O");
    for (size_t i = 0; i < c->n_types; i++) {
        labels[(*n)++] = bl_xasprintf("B-%s", types[i]);
        labels[(*n)++] = bl_xasprintf("I-%s", types[i]);
    }
    free(types);
    return labels;
}

static int16_t label_of(const struct bl_conll *c,
                        const struct bl_conll_token *t, char kind,
                        char *const *labels, size_t n)
{
    for (size_t i = 0; kind != 'O' && i < n; i++)
        if (*labels[i] == kind && !strcmp(labels[i] + 2, c->types[t->type]))
            return (int16_t)i;
    return 0;
}

/* ---- Sequences ---- */

struct cutter {
    struct bl_tagged *out;
    const struct bl_conll *c;
    char *const *labels;
    size_t n_labels;
    const struct bl_model *m;
    size_t most;
    struct bl_doc doc;
    int32_t *ids, *segments;    /* [most] of the sequence being made */
    int16_t *tags;
    size_t n;
};

static void flush(struct cutter *k)
{
    struct bl_tagged *t = k->out;
    size_t at = t->batch.n_tokens;

    if (k->n < 2)
        return;
    k->ids[k->n] = bl_wordpiece_specials(k->m->words)->sep;
    k->segments[k->n] = 0;
    k->tags[k->n++] = BL_TRAIN_IGNORE;
    bl_batch_add(&t->batch, k->ids, k->segments, NULL, k->n);
    BL_GROW(t->labels, t->batch.n_tokens, t->cap);
    memcpy(t->labels + at, k->tags, k->n * sizeof *k->tags);
    k->n = 1;
}

static void add_word(struct cutter *k, const struct bl_doc_word *w,
                     int16_t label)
{
    struct bl_span text = { k->doc.text.p + w->start, w->end - w->start };
    int32_t pieces[MOST_PIECES];
    size_t n = bl_wordpiece_ids(k->m->words, text, BL_LITERAL_NONE, pieces,
                                MOST_PIECES, NULL);

    if (!n)
        pieces[n++] = bl_wordpiece_specials(k->m->words)->unk;
    if (k->n + n + 1 > k->most)
        flush(k);
    if (k->n + n + 1 > k->most)
        n = k->most - k->n - 1;
    for (size_t i = 0; i < n; i++, k->n++) {
        k->ids[k->n] = pieces[i];
        k->segments[k->n] = 1 + w->shape;
        k->tags[k->n] = i ? BL_TRAIN_IGNORE : label;
    }
}

/* A word takes the tag of the token that it begins in; the later words of a
 * token that begins an entity are inside it. */
static void add_sentence(struct cutter *k,
                         const struct bl_conll_sentence *s)
{
    const struct bl_conll_token *t = &k->c->v[s->from];
    const struct bl_conll_token *end = &k->c->v[s->to], *before = NULL;
    size_t base = t->start;

    bl_doc_set(&k->doc, (struct bl_span){ k->c->text.data + base,
                                          end[-1].end - base });
    for (size_t i = 0; i < k->doc.n; i++) {
        const struct bl_doc_word *w = &k->doc.v[i];
        char kind;

        while (t + 1 < end && base + w->start >= t->end)
            t++;
        kind = t == before && t->kind == 'B' ? 'I' : t->kind;
        before = t;
        add_word(k, w, label_of(k->c, t, kind, k->labels, k->n_labels));
    }
}

/* Tokens of a sentence, about; more than it has never. */
static size_t length_of(const struct bl_conll_sentence *s)
{
    return s->to - s->from;
}

/* The token that sequences of this style begin with; -1: there is none. */
static int32_t begin_of(const struct bl_model *m, unsigned style)
{
    char name[16];
    int n = snprintf(name, sizeof name, "[unused%u]", style);

    if (!style)
        return bl_wordpiece_specials(m->words)->cls;
    return bl_wordpiece_find(m->words, (struct bl_span){ name, (size_t)n });
}

/* What a sequence that is still empty begins with. */
static int begin(struct cutter *k, unsigned style, struct bl_err *err)
{
    k->ids[0] = begin_of(k->m, style);
    if (k->ids[0] < 0)
        return bl_fail(err, BL_DATA, "style=%u needs a token [unused%u], "
                       "which the vocabulary lacks", style, style);
    return 0;
}

static int add_all(struct cutter *k, struct bl_err *err)
{
    for (size_t i = 0; i < k->c->n_sentences; i++) {
        const struct bl_conll_sentence *s = &k->c->sentences[i];

        if (s->first || k->n + length_of(s) + 1 > k->most)
            flush(k);
        if (s->first && begin(k, s->style, err) < 0)
            return -1;
        add_sentence(k, s);
    }
    flush(k);
    return 0;
}

int bl_tagged_fill(struct bl_tagged *t, const struct bl_conll *c,
                   char *const *labels, size_t n_labels,
                   const struct bl_model *m, size_t most, struct bl_err *err)
{
    struct cutter k = { .out = t, .c = c, .labels = labels,
                        .n_labels = n_labels, .m = m, .most = most };
    int rc;

    k.ids = bl_xcalloc(most, sizeof *k.ids);
    k.segments = bl_xcalloc(most, sizeof *k.segments);
    k.tags = bl_xcalloc(most, sizeof *k.tags);
    k.tags[0] = BL_TRAIN_IGNORE;
    k.n = 1;
    rc = add_all(&k, err);
    bl_doc_free(&k.doc);
    free(k.ids);
    free(k.segments);
    free(k.tags);
    return rc;
}

void bl_tagged_free(struct bl_tagged *t)
{
    bl_batch_free(&t->batch);
    free(t->labels);
    *t = (struct bl_tagged){ .labels = NULL };
}

/* ---- A batch ---- */

static void lower(int32_t *segments, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (segments[i] > 1 + BL_SHAPE_LOWER)
            segments[i] = 1 + BL_SHAPE_LOWER;
}

/* Labels go where their sequences went. */
static void sort_labels(struct bl_train_tags_task *t,
                        const struct bl_tagged *from, const size_t *which)
{
    const struct bl_batch *b = &t->sorted.batch;

    BL_GROW(t->labels, b->n_tokens, t->cap);
    for (size_t i = 0; i < b->n_seqs; i++) {
        size_t to = b->offsets[t->sorted.rows[i]];
        size_t at = from->batch.offsets[which[i]];
        size_t n = from->batch.offsets[which[i] + 1] - at;

        for (size_t k = 0; k < n; k++)
            t->labels[to + k] = from->labels[at + k];
    }
}

static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_tags_task *t = ctx;
    const struct bl_batch *all = &t->train.batch;
    struct bl_train_tags tags = { &t->sorted.batch, NULL };
    char error[BL_ERR_MSG];

    bl_sorted_clear(&t->sorted);
    for (size_t i = 0; i < n; i++) {
        size_t at = all->offsets[which[i]];
        size_t length = all->offsets[which[i] + 1] - at;
        uint64_t random = bl_random_seed(run->seed, 'l', i);
        struct bl_batch *given = &t->sorted.given;

        bl_batch_add(given, all->ids + at, all->segments + at, NULL,
                     length);
        if (bl_random_unit(&random) < t->lower)
            lower(given->segments + given->n_tokens - length, length);
    }
    bl_sorted_finish(&t->sorted);
    sort_labels(t, &t->train, which);
    tags.labels = t->labels;
    if (t->api->tags(t->handle, &tags, run, loss, NULL, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

/* ---- Evaluation ---- */

struct counts {
    size_t found, gold, right, spans;
};

/* Where the span that begins at i ends; i when none does. */
static size_t span_end(const struct bl_tagset *t, const size_t *labels,
                       size_t i, size_t n)
{
    size_t to = i;

    if (t->v[labels[i]].kind != 'B')
        return i;
    while (++to < n && t->v[labels[to]].kind == 'I')
        ;
    return to;
}

static void count_spans(const struct bl_tagset *t, const size_t *gold,
                        const size_t *got, size_t n, struct counts *c)
{
    for (size_t i = 0; i < n; i++) {
        size_t a = span_end(t, gold, i, n), b = span_end(t, got, i, n);

        c->gold += a > i;
        c->found += b > i;
        c->spans += a > i && a == b;
        c->right += a > i && a == b && gold[i] == got[i];
    }
}

/* The words of sequence i: rows of logits put side by side, and golds. */
static size_t gather(const struct bl_train_tags_task *t, size_t seq,
                     size_t base, float *logits, size_t *gold)
{
    const struct bl_tagged *d = &t->dev;
    size_t n = 0, width = t->tags->n;

    for (size_t k = d->batch.offsets[seq]; k < d->batch.offsets[seq + 1];
         k++) {
        if (d->labels[k] == BL_TRAIN_IGNORE)
            continue;
        memmove(logits + n * width, logits + (k - base) * width,
                width * sizeof *logits);
        gold[n++] = (size_t)d->labels[k];
    }
    return n;
}

static int evaluate_chunk(struct bl_train_tags_task *t, struct bl_encoder *e,
                          size_t from, size_t to, struct counts *c,
                          struct bl_err *err)
{
    const struct bl_batch *all = &t->dev.batch;
    struct bl_batch b = BL_BATCH_INIT;
    size_t base = all->offsets[from], n_tokens = all->offsets[to] - base;
    float *logits = bl_xmalloc(n_tokens, t->tags->n * sizeof *logits);
    size_t *gold = bl_xmalloc(n_tokens, sizeof *gold);
    size_t *got = bl_xmalloc(n_tokens, sizeof *got);
    int rc;

    for (size_t i = from; i < to; i++) {
        size_t at = all->offsets[i];

        bl_batch_add(&b, all->ids + at, all->segments + at, NULL,
                     all->offsets[i + 1] - at);
    }
    rc = bl_encoder_tag(e, &b, logits, NULL, err);
    for (size_t i = from; i < to && !rc; i++) {
        float *own = logits + (all->offsets[i] - base) * t->tags->n;
        size_t n = gather(t, i, all->offsets[i], own, gold);

        bl_tagset_decode(t->tags, own, n, got);
        count_spans(t->tags, gold, got, n, c);
    }
    bl_batch_free(&b);
    free(logits);
    free(gold);
    free(got);
    return rc;
}

static double share(size_t a, size_t b)
{
    return b ? (double)a / (double)b : 0;
}

static int evaluate_tags(void *ctx, struct bl_metrics *out, struct bl_err *err)
{
    struct bl_train_tags_task *t = ctx;
    struct bl_engine_opts o = BL_ENGINE_OPTS_DEFAULT;
    struct bl_encoder *e;
    struct counts c = { 0 };
    size_t n = t->dev.batch.n_seqs;
    int rc = 0;

    o.threads = t->threads;
    e = bl_encoder_open(&t->net->view, &o, err);
    if (!e)
        return -1;
    for (size_t at = 0; at < n && !rc; at += CHUNK)
        rc = evaluate_chunk(t, e, at, BL_MIN(at + CHUNK, n), &c, err);
    bl_encoder_close(e);
    *out = (struct bl_metrics){ .n = 4, .v = {
        { "f1", share(2 * c.right, c.found + c.gold) },
        { "precision", share(c.right, c.found) },
        { "recall", share(c.right, c.gold) },
        { "f1_spans", share(2 * c.spans, c.found + c.gold) } } };
    return rc;
}

/* ---- The task ---- */

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_tags_task *t = ctx;
    const struct bl_batch *b = &t->train.batch;
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    for (size_t i = 0; i < n; i++) {
        size_t from = b->offsets[which[i]], to = b->offsets[which[i] + 1];

        bl_write_object(&w, NULL);
        bl_write_array(&w, "tokens");
        for (size_t k = from; k < to; k++)
            bl_write_span(&w, NULL, bl_wordpiece_token(t->net->view.words,
                                                       b->ids[k]));
        bl_write_end(&w);
        bl_write_end(&w);
        bl_write_line(&w);
    }
}

void bl_train_tags_task(struct bl_train_tags_task *t, struct bl_task *task)
{
    *task = (struct bl_task){
        .ctx = t, .n = t->train.batch.n_seqs, .step = step,
        .evaluate = t->dev.batch.n_seqs ? evaluate_tags : NULL, .dump = dump,
    };
}

void bl_train_tags_release(struct bl_train_tags_task *t)
{
    bl_tagged_free(&t->train);
    bl_tagged_free(&t->dev);
    bl_sorted_free(&t->sorted);
    free(t->labels);
}
