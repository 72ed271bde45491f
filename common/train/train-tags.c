/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "json/writer.h"
#include "text/doc.h"
#include "text/wordpiece.h"

enum { MOST_PIECES = 16, CHUNK = 128 };

/* ---- Labels ---- */

static int type_by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

char **bl_tagged_labels(const struct bl_conll *conll, size_t *n)
{
    char **labels = bl_xcalloc(2 * conll->n_types + 1, sizeof *labels);
    char **types = bl_xmemdup(conll->types, conll->n_types * sizeof *types);

    if (conll->n_types)
        qsort(types, conll->n_types, sizeof *types, type_by_name);
    *n = 0;
    labels[(*n)++] = bl_xstrdup("O");
    for (size_t i = 0; i < conll->n_types; i++) {
        labels[(*n)++] = bl_xasprintf("B-%s", types[i]);
        labels[(*n)++] = bl_xasprintf("I-%s", types[i]);
    }
    free(types);
    return labels;
}

static int16_t label_of(const struct bl_conll *conll,
                        const struct bl_conll_token *token, char kind,
                        char *const *labels, size_t n)
{
    for (size_t i = 0; kind != 'O' && i < n; i++)
        if (*labels[i] == kind
            && !strcmp(labels[i] + 2, conll->types[token->type]))
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

static void flush(struct cutter *cutter)
{
    struct bl_tagged *out = cutter->out;
    size_t at = out->batch.n_tokens;

    if (cutter->n < 2)
        return;
    cutter->ids[cutter->n] = bl_wordpiece_specials(cutter->m->words)->sep;
    cutter->segments[cutter->n] = 0;
    cutter->tags[cutter->n++] = BL_TRAIN_IGNORE;
    bl_batch_add(&out->batch, cutter->ids, cutter->segments, NULL, cutter->n);
    BL_GROW(out->labels, out->batch.n_tokens, out->cap);
    memcpy(out->labels + at, cutter->tags, cutter->n * sizeof *cutter->tags);
    cutter->n = 1;
}

static void add_word(struct cutter *cutter, const struct bl_doc_word *word,
                     int16_t label)
{
    struct bl_span text = { cutter->doc.read.p + word->start,
                            word->end - word->start };
    int32_t pieces[MOST_PIECES];
    size_t n = bl_wordpiece_ids(cutter->m->words, text, BL_LITERAL_NONE,
                                pieces, MOST_PIECES, NULL);

    if (!n)
        pieces[n++] = bl_wordpiece_specials(cutter->m->words)->unk;
    if (cutter->n + n + 1 > cutter->most)
        flush(cutter);
    if (cutter->n + n + 1 > cutter->most)
        n = cutter->most - cutter->n - 1;
    for (size_t i = 0; i < n; i++, cutter->n++) {
        cutter->ids[cutter->n] = pieces[i];
        cutter->segments[cutter->n] = 1 + word->shape;
        cutter->tags[cutter->n] = i ? BL_TRAIN_IGNORE : label;
    }
}

/* A word takes the tag of the token that it begins in; the later words of a
 * token that begins an entity are inside it. */
static void add_sentence(struct cutter *cutter,
                         const struct bl_conll_sentence *sentence)
{
    const struct bl_conll_token *token = &cutter->c->v[sentence->from];
    const struct bl_conll_token *end = &cutter->c->v[sentence->to];
    const struct bl_conll_token *before = NULL;
    size_t base = token->start;

    bl_doc_set(&cutter->doc,
               (struct bl_span){ cutter->c->text.data + base,
                                 end[-1].end - base });
    for (size_t i = 0; i < cutter->doc.n; i++) {
        const struct bl_doc_word *word = &cutter->doc.v[i];
        char kind;

        while (token + 1 < end && base + word->start >= token->end)
            token++;
        kind = token == before && token->kind == 'B' ? 'I' : token->kind;
        before = token;
        add_word(cutter, word,
                 label_of(cutter->c, token, kind, cutter->labels,
                          cutter->n_labels));
    }
}

/* Tokens of a sentence, about; more than it has never. */
static size_t length_of(const struct bl_conll_sentence *sentence)
{
    return sentence->to - sentence->from;
}

/* The token that sequences of this style begin with; -1: there is none. */
static int32_t begin_of(const struct bl_model *model, unsigned style)
{
    char name[16];
    int n = snprintf(name, sizeof name, "[unused%u]", style);

    if (!style)
        return bl_wordpiece_specials(model->words)->cls;
    return bl_wordpiece_find(model->words,
                             (struct bl_span){ name, (size_t)n });
}

/* What a sequence that is still empty begins with. */
static int begin(struct cutter *cutter, unsigned style, struct bl_err *err)
{
    cutter->ids[0] = begin_of(cutter->m, style);
    if (cutter->ids[0] < 0)
        return bl_fail(err, BL_DATA, "style=%u needs a token [unused%u], "
                       "which the vocabulary lacks", style, style);
    return 0;
}

static int add_all(struct cutter *cutter, struct bl_err *err)
{
    for (size_t i = 0; i < cutter->c->n_sentences; i++) {
        const struct bl_conll_sentence *sentence = &cutter->c->sentences[i];

        if (sentence->first
            || cutter->n + length_of(sentence) + 1 > cutter->most)
            flush(cutter);
        if (sentence->first && begin(cutter, sentence->style, err) < 0)
            return -1;
        add_sentence(cutter, sentence);
    }
    flush(cutter);
    return 0;
}

int bl_tagged_fill(struct bl_tagged *out, const struct bl_conll *conll,
                   char *const *labels, size_t n_labels,
                   const struct bl_model *model, size_t most,
                   struct bl_err *err)
{
    struct cutter cutter = { .out = out, .c = conll, .labels = labels,
                             .n_labels = n_labels, .m = model, .most = most };
    int rc;

    cutter.ids = bl_xcalloc(most, sizeof *cutter.ids);
    cutter.segments = bl_xcalloc(most, sizeof *cutter.segments);
    cutter.tags = bl_xcalloc(most, sizeof *cutter.tags);
    cutter.tags[0] = BL_TRAIN_IGNORE;
    cutter.n = 1;
    rc = add_all(&cutter, err);
    bl_doc_free(&cutter.doc);
    free(cutter.ids);
    free(cutter.segments);
    free(cutter.tags);
    return rc;
}

void bl_tagged_free(struct bl_tagged *tagged)
{
    bl_batch_free(&tagged->batch);
    free(tagged->labels);
    *tagged = (struct bl_tagged){ .labels = NULL };
}

/* ---- A batch ---- */

static void lower(int32_t *segments, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (segments[i] > 1 + BL_SHAPE_LOWER)
            segments[i] = 1 + BL_SHAPE_LOWER;
}

/* Labels go where their sequences went. */
static void sort_labels(struct bl_train_tags_task *tagger,
                        const struct bl_tagged *from, const size_t *which)
{
    const struct bl_batch *sorted = &tagger->sorted.batch;

    BL_GROW(tagger->labels, sorted->n_tokens, tagger->cap);
    for (size_t i = 0; i < sorted->n_seqs; i++) {
        size_t to = sorted->offsets[tagger->sorted.rows[i]];
        size_t at = from->batch.offsets[which[i]];
        size_t n = from->batch.offsets[which[i] + 1] - at;

        for (size_t k = 0; k < n; k++)
            tagger->labels[to + k] = from->labels[at + k];
    }
}

/* Lower case is drawn for each sequence from the seed of the step, so that a
 * resumed run sees the same ones. */
static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_tags_task *tagger = ctx;
    const struct bl_batch *all = &tagger->train.batch;
    struct bl_train_tags tags = { &tagger->sorted.batch, NULL };
    char error[BL_ERR_MSG];

    bl_sorted_clear(&tagger->sorted);
    for (size_t i = 0; i < n; i++) {
        size_t at = all->offsets[which[i]];
        size_t length = all->offsets[which[i] + 1] - at;
        uint64_t random = bl_random_seed(run->seed, 'l', i);
        struct bl_batch *given = &tagger->sorted.given;

        bl_batch_add(given, all->ids + at, all->segments + at, NULL,
                     length);
        if (bl_random_unit(&random) < tagger->lower)
            lower(given->segments + given->n_tokens - length, length);
    }
    bl_sorted_finish(&tagger->sorted);
    sort_labels(tagger, &tagger->train, which);
    tags.labels = tagger->labels;
    if (tagger->api->tags(tagger->handle, &tags, run, loss, NULL, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

/* ---- Evaluation ---- */

struct counts {
    size_t found, gold, right, spans;
};

/* Where the span that begins at i ends; i when none does. */
static size_t span_end(const struct bl_tagset *tagset, const size_t *labels,
                       size_t i, size_t n)
{
    size_t to = i;

    if (tagset->v[labels[i]].kind != 'B')
        return i;
    while (++to < n && tagset->v[labels[to]].kind == 'I')
        ;
    return to;
}

static void count_spans(const struct bl_tagset *tagset, const size_t *gold,
                        const size_t *got, size_t n, struct counts *counts)
{
    for (size_t i = 0; i < n; i++) {
        size_t gold_end = span_end(tagset, gold, i, n);
        size_t got_end = span_end(tagset, got, i, n);

        counts->gold += gold_end > i;
        counts->found += got_end > i;
        counts->spans += gold_end > i && gold_end == got_end;
        counts->right += gold_end > i && gold_end == got_end
            && gold[i] == got[i];
    }
}

/* The words of sequence `seq`: rows of logits put side by side, and golds. */
static size_t gather(const struct bl_train_tags_task *tagger, size_t seq,
                     size_t base, float *logits, size_t *gold)
{
    const struct bl_tagged *dev = &tagger->dev;
    size_t n = 0, width = tagger->tags->n;

    for (size_t k = dev->batch.offsets[seq]; k < dev->batch.offsets[seq + 1];
         k++) {
        if (dev->labels[k] == BL_TRAIN_IGNORE)
            continue;
        memmove(logits + n * width, logits + (k - base) * width,
                width * sizeof *logits);
        gold[n++] = (size_t)dev->labels[k];
    }
    return n;
}

/* The model is run by the encoder of blink-ner and decoded as there, so that
 * what is measured is what a user gets.  Logits are those of all tokens;
 * gather() moves the rows of words to the front of their sequence. */
static int evaluate_chunk(struct bl_train_tags_task *tagger,
                          struct bl_encoder *encoder, size_t from, size_t to,
                          struct counts *counts, struct bl_err *err)
{
    const struct bl_batch *all = &tagger->dev.batch;
    struct bl_batch batch = BL_BATCH_INIT;
    size_t base = all->offsets[from], n_tokens = all->offsets[to] - base;
    float *logits = bl_xmalloc(n_tokens, tagger->tags->n * sizeof *logits);
    size_t *gold = bl_xmalloc(n_tokens, sizeof *gold);
    size_t *got = bl_xmalloc(n_tokens, sizeof *got);
    int rc;

    for (size_t i = from; i < to; i++) {
        size_t at = all->offsets[i];

        bl_batch_add(&batch, all->ids + at, all->segments + at, NULL,
                     all->offsets[i + 1] - at);
    }
    rc = bl_encoder_tag(encoder, &batch, logits, NULL, err);
    for (size_t i = from; i < to && rc == 0; i++) {
        float *own = logits + (all->offsets[i] - base) * tagger->tags->n;
        size_t n = gather(tagger, i, all->offsets[i], own, gold);

        bl_tagset_decode(tagger->tags, own, n, got);
        count_spans(tagger->tags, gold, got, n, counts);
    }
    bl_batch_free(&batch);
    free(logits);
    free(gold);
    free(got);
    return rc;
}

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* The counts of all chunks are added up before any share is taken: the mean
 * of chunks' F1 would be another figure. */
static int evaluate_tags(void *ctx, struct bl_metrics *out, struct bl_err *err)
{
    struct bl_train_tags_task *tagger = ctx;
    struct bl_engine_opts opts = BL_ENGINE_OPTS_DEFAULT;
    struct bl_encoder *encoder;
    struct counts counts = { 0 };
    size_t n = tagger->dev.batch.n_seqs;
    int rc = 0;

    opts.threads = tagger->threads;
    encoder = bl_encoder_open(&tagger->net->view, &opts, err);
    if (!encoder)
        return -1;
    for (size_t at = 0; at < n && rc == 0; at += CHUNK)
        rc = evaluate_chunk(tagger, encoder, at, BL_MIN(at + CHUNK, n),
                            &counts, err);
    bl_encoder_close(encoder);
    *out = (struct bl_metrics){ .n = 4, .v = {
        { "f1", share(2 * counts.right, counts.found + counts.gold) },
        { "precision", share(counts.right, counts.found) },
        { "recall", share(counts.right, counts.gold) },
        { "f1_spans", share(2 * counts.spans, counts.found + counts.gold) } }
    };
    return rc;
}

/* ---- The task ---- */

static void dump(void *ctx, const size_t *which, size_t n,
                 struct bl_buf *out)
{
    const struct bl_train_tags_task *tagger = ctx;
    const struct bl_batch *batch = &tagger->train.batch;
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    for (size_t i = 0; i < n; i++) {
        size_t from = batch->offsets[which[i]];
        size_t to = batch->offsets[which[i] + 1];

        bl_write_object(&w, NULL);
        bl_write_array(&w, "tokens");
        for (size_t k = from; k < to; k++)
            bl_write_span(&w, NULL, bl_wordpiece_token(tagger->net->view.words,
                                                       batch->ids[k]));
        bl_write_end(&w);
        bl_write_end(&w);
        bl_write_line(&w);
    }
}

void bl_train_tags_task(struct bl_train_tags_task *tagger,
                        struct bl_task *task)
{
    *task = (struct bl_task){
        .ctx = tagger, .n = tagger->train.batch.n_seqs, .step = step,
        .evaluate = tagger->dev.batch.n_seqs ? evaluate_tags : NULL,
        .dump = dump,
    };
}

void bl_train_tags_release(struct bl_train_tags_task *tagger)
{
    bl_tagged_free(&tagger->train);
    bl_tagged_free(&tagger->dev);
    bl_sorted_free(&tagger->sorted);
    free(tagger->labels);
}
