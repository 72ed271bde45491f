/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-elq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json/writer.h"
#include "link/joint.h"
#include "net/dense.h"

enum { MOST_SPANS = 50 };

/* Log-probabilities: of a run to be looked at, and of a mention and its entity
 * to be counted as found (elq/biencoder/train_biencoder.py). */
#define SPAN_THRESHOLD (-3.5)
#define LINK_THRESHOLD (-2.5)

static bool is_blink(const struct bl_train_elq_task *elq)
{
    return elq->common->recipe == BL_RECIPE_BLINK;
}

/* ---- Vectors that stay ---- */

/* Where the vector of each row is. */
static void note_places(struct bl_train_elq_task *elq)
{
    const struct bl_index *index = elq->opts->vectors;

    elq->places = bl_xcalloc(index->kb_entities, sizeof *elq->places);
    for (size_t s = 0; s < index->n_segments; s++) {
        const struct bl_index_segment *segment = &index->segments[s];
        const uint32_t *rows = segment->shown ? segment->shown
            : segment->rows;

        for (uint64_t i = 0; i < segment->n; i++)
            if (rows[i] < index->kb_entities)
                elq->places[rows[i]] = 1 + ((uint64_t)s << 32 | i);
    }
}

static const struct bl_index_segment *segment_of(
    const struct bl_train_elq_task *elq, int64_t row, uint64_t *number)
{
    uint64_t place = elq->places[row];

    if (!place)
        return NULL;
    *number = (place - 1) & UINT32_MAX;
    return &elq->opts->vectors->segments[(place - 1) >> 32];
}

static int check_rows(const struct bl_train_elq_task *elq,
                      const struct bl_elq_examples *examples,
                      struct bl_err *err)
{
    uint64_t unused;

    for (size_t i = 0; examples && i < examples->n_mentions; i++)
        if (!segment_of(elq, examples->mentions[i].row, &unused))
            return bl_fail(err, BL_DATA, "the vectors lack entity %lld of "
                           "the catalogue, which a text names",
                           (long long)examples->mentions[i].row);
    return 0;
}

static int open_vectors(struct bl_train_elq_task *elq, struct bl_err *err)
{
    const struct bl_index *index = elq->opts->vectors;

    if (index->dim != elq->net->view.dim)
        return bl_fail(err, BL_DATA, "the vectors have %zu numbers, the "
                       "model makes %zu", index->dim, elq->net->view.dim);
    if (bl_index_check_kb(index, bl_kb_fingerprint(elq->kb),
                          bl_kb_count(elq->kb), bl_kb_path(elq->kb),
                          err) < 0)
        return -1;
    note_places(elq);
    if (elq->opts->negatives)
        elq->topk = bl_topk_new(&index, 1, elq->common->threads);
    return check_rows(elq, elq->train, err) < 0
        || check_rows(elq, elq->dev, err) < 0 ? -1 : 0;
}

/* ---- A batch ---- */

static void clear(struct bl_train_elq_task *elq)
{
    bl_sorted_clear(&elq->contexts);
    bl_sorted_clear(&elq->entities);
    elq->n_spans = elq->n_columns = elq->n_pairs = 0;
}

/* The column of an entity, which gets one if it has none.  A batch has few,
 * so that they are looked through. */
static int64_t column_of(struct bl_train_elq_task *elq, int64_t row, bool once)
{
    for (size_t i = 0; once && i < elq->n_columns; i++)
        if (elq->columns[i] == row)
            return (int64_t)i;
    BL_GROW(elq->columns, elq->n_columns + 1, elq->cap_columns);
    elq->columns[elq->n_columns++] = row;
    return (int64_t)elq->n_columns - 1;
}

/* Only as many columns as there are entities, but in BLINK's recipe. */
static void add_text(struct bl_train_elq_task *elq,
                     const struct bl_elq_examples *examples, size_t number,
                     size_t sequence)
{
    const struct bl_elq_example *example = &examples->v[number];

    bl_batch_add(&elq->contexts.given, examples->ids + example->at, NULL,
                 NULL, example->n);
    for (size_t i = 0; i < example->n_mentions; i++) {
        const struct bl_elq_mention *mention =
            &examples->mentions[example->from + i];
        size_t n = elq->n_spans + 1;

        BL_GROW(elq->spans, n, elq->cap_spans);
        BL_GROW(elq->rows, n, elq->cap_rows);
        BL_GROW(elq->target, n, elq->cap_target);
        elq->spans[elq->n_spans] = (struct bl_train_span){
            sequence, mention->first, mention->last
        };
        elq->rows[elq->n_spans] = mention->row;
        elq->target[elq->n_spans++] = column_of(elq, mention->row,
                                                !is_blink(elq));
    }
}

/* The columns as texts for the entity tower. */
static int add_entities(struct bl_train_elq_task *elq, struct bl_err *err)
{
    const struct bl_model *model = &elq->net->view;
    struct bl_entity entity;

    for (size_t i = 0; i < elq->n_columns; i++) {
        int got;

        bl_arena_reset(&elq->arena);
        got = bl_kb_get_row(elq->kb, elq->columns[i], &elq->arena, &entity,
                            err);
        if (got <= 0)
            return got < 0 ? -1 : bl_fail(err, BL_DATA, "'%s': entity %lld "
                                          "is gone", bl_kb_path(elq->kb),
                                          (long long)elq->columns[i]);
        bl_input_entity(&elq->input, model->words, model->input,
                        &(struct bl_entity_text){ entity.title, entity.text,
                                                  true });
        bl_sorted_add(&elq->entities, &elq->input);
    }
    return 0;
}

/* Or as the vectors of the index. */
static void add_fixed(struct bl_train_elq_task *elq)
{
    const struct bl_index *index = elq->opts->vectors;

    BL_GROW(elq->fixed, elq->n_columns * index->padded, elq->cap_fixed);
    for (size_t i = 0; i < elq->n_columns; i++) {
        uint64_t number = 0;
        const struct bl_index_segment *segment =
            segment_of(elq, elq->columns[i], &number);

        bl_index_decode(index, segment, number, 1,
                        elq->fixed + i * index->padded);
    }
}

static int add_columns(struct bl_train_elq_task *elq, struct bl_err *err)
{
    if (elq->opts->vectors)
        add_fixed(elq);
    else if (add_entities(elq, err) < 0)
        return -1;
    bl_sorted_finish(&elq->contexts);
    bl_sorted_finish(&elq->entities);
    return 0;
}

/* ---- The weights of the moment ---- */

static int open_encoder(struct bl_train_elq_task *elq, struct bl_err *err)
{
    struct bl_engine_opts opts = BL_ENGINE_OPTS_DEFAULT;

    opts.threads = elq->common->threads;
    if (!elq->encoder)
        elq->encoder = bl_encoder_open(&elq->net->view, &opts, err);
    return elq->encoder ? 0 : -1;
}

/* The states of the batch's texts, in their order; caller frees. */
static float *states_of(struct bl_train_elq_task *elq, struct bl_err *err)
{
    const struct bl_batch *batch = &elq->contexts.given;
    size_t hidden = elq->net->view.shape.hidden;
    float *states = bl_xmalloc(batch->n_tokens, hidden * sizeof *states);

    if (open_encoder(elq, err) == 0
        && bl_encoder_states(elq->encoder, BL_TOWER_CONTEXT, batch, states,
                             NULL, err) == 0)
        return states;
    free(states);
    return NULL;
}

/* out[n_spans][dim] */
static void vectors_of(const struct bl_train_elq_task *elq,
                       const float *states, float *out)
{
    const struct bl_model *model = &elq->net->view;

    for (size_t i = 0; i < elq->n_spans; i++) {
        const struct bl_train_span *span = &elq->spans[i];
        size_t at = elq->contexts.given.offsets[span->sequence];

        bl_spans_vector(model, states + at * model->shape.hidden,
                        &(struct bl_mention_span){ span->first, span->last,
                                                   0 },
                        out + i * model->dim);
    }
}

/* ---- Hard negatives ---- */

static void add_pair(struct bl_train_elq_task *elq, size_t span, int64_t row,
                     float label)
{
    size_t n = elq->n_pairs + 1;

    BL_GROW(elq->pair_spans, n, elq->cap_pairs[0]);
    BL_GROW(elq->pair_columns, n, elq->cap_pairs[1]);
    BL_GROW(elq->pair_labels, n, elq->cap_pairs[2]);
    elq->pair_spans[elq->n_pairs] = (int64_t)span;
    elq->pair_columns[elq->n_pairs] = label > 0 ? elq->target[span]
        : column_of(elq, row, true);
    elq->pair_labels[elq->n_pairs++] = label;
}

/* Whether neighbour number k counts as a negative of this mention.  With
 * BLINK's recipe the mentions of a text share the verdict. */
static bool negative(const struct bl_train_elq_task *elq, size_t span,
                     const struct bl_hit *hits, const size_t *found, size_t k)
{
    size_t width = elq->opts->negatives;

    if (k >= found[span])
        return false;
    for (size_t i = 0; i < elq->n_spans; i++)
        if ((i == span || (is_blink(elq) && elq->spans[i].sequence
                           == elq->spans[span].sequence))
            && k < found[i] && hits[i * width + k].row == elq->rows[i])
            return false;
    return true;
}

/* The search wants vectors before the step computes them: they are made by the
 * encoder, and so without the step's dropout. */
static int add_negatives(struct bl_train_elq_task *elq, struct bl_err *err)
{
    size_t width = elq->opts->negatives, dim = elq->net->view.dim;
    float *states = states_of(elq, err), *vectors;
    struct bl_hit *hits;
    size_t *found;

    if (!states)
        return -1;
    vectors = bl_xmalloc(elq->n_spans, dim * sizeof *vectors);
    hits = bl_xmalloc(elq->n_spans, width * sizeof *hits);
    found = bl_xmalloc(elq->n_spans, sizeof *found);
    vectors_of(elq, states, vectors);
    bl_topk_search(elq->topk, vectors, elq->n_spans, width, hits, found);
    for (size_t i = 0; i < elq->n_spans; i++) {
        add_pair(elq, i, elq->rows[i], 1);
        for (size_t k = 0; k < width; k++)
            if (negative(elq, i, hits, found, k))
                add_pair(elq, i, hits[i * width + k].row, 0);
    }
    free(states);
    free(vectors);
    free(hits);
    free(found);
    return 0;
}

static int fill(struct bl_train_elq_task *elq,
                const struct bl_elq_examples *examples, const size_t *which,
                size_t n, struct bl_err *err)
{
    clear(elq);
    for (size_t i = 0; i < n; i++)
        add_text(elq, examples, which[i], i);
    if (elq->opts->negatives && examples == elq->train
        && add_negatives(elq, err) < 0)
        return -1;
    return add_columns(elq, err);
}

/* With vectors that stay there is no batch of entities, and their columns are
 * given in its place. */
static int step(void *ctx, const size_t *which, size_t n,
                const struct bl_train_run *run, double *loss,
                struct bl_err *err)
{
    struct bl_train_elq_task *elq = ctx;
    const struct bl_index *index = elq->opts->vectors;
    char error[BL_ERR_MSG];

    if (fill(elq, elq->train, which, n, err) < 0)
        return -1;
    struct bl_train_spans batch = {
        .contexts = { &elq->contexts.batch, elq->contexts.rows },
        .entities = { &elq->entities.batch, elq->entities.rows },
        .mentions = elq->spans, .n = elq->n_spans,
        .longest = elq->net->view.spans.longest, .target = elq->target,
        .fixed = index ? elq->fixed : NULL, .n_fixed = elq->n_columns,
        .fixed_stride = index ? index->padded : 0,
        .pair_mentions = elq->pair_spans, .pair_columns = elq->pair_columns,
        .pair_labels = elq->pair_labels, .n_pairs = elq->n_pairs
    };
    if (elq->api->spans(elq->handle, &batch, run, loss, &elq->spans_loss,
                        NULL, error) < 0)
        return bl_fail(err, BL_SYSTEM, "%s", error);
    return 0;
}

/* ---- Evaluation ---- */

struct counts {
    size_t gold, found, spans, right, linked;
};

/* entities[n_columns][dim]; caller frees. */
static float *embed_columns(struct bl_train_elq_task *elq, struct bl_err *err)
{
    size_t dim = elq->net->view.dim;
    float *out = bl_xmalloc(elq->n_columns, dim * sizeof *out);

    if (!elq->opts->vectors) {
        if (bl_encoder_embed(elq->encoder, BL_TOWER_ENTITY,
                             &elq->entities.given, out, NULL, err) == 0)
            return out;
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < elq->n_columns; i++)
        memcpy(out + i * dim, elq->fixed + i * elq->opts->vectors->padded,
               dim * sizeof *out);
    return out;
}

/* The column of the best of scores[n], and their products. */
static size_t best_column(const struct bl_train_elq_task *elq,
                          const float *mention, const float *entities,
                          double *scores)
{
    size_t dim = elq->net->view.dim, best = 0;

    for (size_t i = 0; i < elq->n_columns; i++) {
        scores[i] = (double)bl_dot(mention, entities + i * dim, dim);
        if (scores[i] > scores[best])
            best = i;
    }
    return best;
}

/* What is found in one text, as blink-elq finds it, but among the entities of
 * the batch and by the thresholds of the original's evaluation.  Columns of
 * what stays are in entity[]. */
static size_t find_mentions(struct bl_train_elq_task *elq,
                            const float *states, size_t n,
                            const float *entities, size_t *chosen,
                            size_t *entity)
{
    const struct bl_joint_opts opts = { .threshold = LINK_THRESHOLD };
    struct bl_joint_mention mentions[MOST_SPANS];
    const struct bl_model *model = &elq->net->view;
    float *vector = bl_xmalloc(model->dim, sizeof *vector);
    double *scores = bl_xmalloc(elq->n_columns, sizeof *scores);
    double *joint = bl_xmalloc(elq->n_columns, sizeof *joint);

    bl_spans_find(&elq->found, model, states, n, MOST_SPANS, SPAN_THRESHOLD);
    for (size_t i = 0; i < elq->found.n; i++) {
        const struct bl_mention_span *span = &elq->found.v[i];

        bl_spans_vector(model, states, span, vector);
        entity[i] = best_column(elq, vector, entities, scores);
        bl_joint((double)span->logit, scores, elq->n_columns, joint);
        mentions[i] = (struct bl_joint_mention){
            span->first, span->last, (double)span->logit, joint[entity[i]],
            scores[entity[i]]
        };
    }
    free(vector);
    free(scores);
    free(joint);
    return bl_joint_choose(mentions, elq->found.n, &opts, chosen);
}

/* The labels of a text are spans [from, to) of the batch. */
static void count_text(struct bl_train_elq_task *elq, const float *states,
                       size_t n, const float *entities, size_t from,
                       size_t to, struct counts *counts)
{
    size_t chosen[MOST_SPANS], entity[MOST_SPANS];
    size_t found = find_mentions(elq, states, n, entities, chosen, entity);

    counts->found += found;
    for (size_t i = 0; i < found; i++)
        for (size_t k = from; k < to; k++) {
            const struct bl_mention_span *span = &elq->found.v[chosen[i]];

            if (span->first != elq->spans[k].first
                || span->last != elq->spans[k].last)
                continue;
            counts->spans++;
            counts->right += elq->columns[entity[chosen[i]]] == elq->rows[k];
        }
}

/* Entities by themselves, with the spans of the labels. */
static void count_links(struct bl_train_elq_task *elq, const float *states,
                        const float *entities, struct counts *counts)
{
    size_t dim = elq->net->view.dim;
    float *vectors = bl_xmalloc(elq->n_spans, dim * sizeof *vectors);
    double *scores = bl_xmalloc(elq->n_columns, sizeof *scores);

    vectors_of(elq, states, vectors);
    for (size_t i = 0; i < elq->n_spans; i++)
        counts->linked += elq->rows[i] == elq->columns[
            best_column(elq, vectors + i * dim, entities, scores)];
    counts->gold += elq->n_spans;
    free(vectors);
    free(scores);
}

static int evaluate_batch(struct bl_train_elq_task *elq, const size_t *which,
                          size_t n, struct counts *counts, struct bl_err *err)
{
    const struct bl_batch *batch = &elq->contexts.given;
    size_t hidden = elq->net->view.shape.hidden, to = 0;
    float *states = NULL, *entities = NULL;

    if (fill(elq, elq->dev, which, n, err) == 0)
        states = states_of(elq, err);
    if (states)
        entities = embed_columns(elq, err);
    /* Spans stand in the order of their texts. */
    for (size_t i = 0; i < n && entities; i++) {
        size_t from = to;

        while (to < elq->n_spans && elq->spans[to].sequence == i)
            to++;
        count_text(elq, states + batch->offsets[i] * hidden,
                   batch->offsets[i + 1] - batch->offsets[i], entities, from,
                   to, counts);
    }
    if (entities)
        count_links(elq, states, entities, counts);
    free(states);
    free(entities);
    return entities ? 0 : -1;
}

static double f1(size_t right, size_t found, size_t gold)
{
    return found + gold ? 2 * (double)right / (double)(found + gold) : 0;
}

/* An entity wins among those of the batch: more cannot be asked for without
 * the vectors of all entities, which change as long as they are trained. */
static int evaluate_elq(void *ctx, struct bl_metrics *out, struct bl_err *err)
{
    struct bl_train_elq_task *elq = ctx;
    struct counts counts = { 0 };
    size_t size = elq->common->batch;
    size_t *which = bl_xmalloc(size, sizeof *which);
    int rc = 0;

    for (size_t at = 0; at < elq->dev->n && rc == 0; at += size) {
        size_t n = BL_MIN(elq->dev->n - at, size);

        for (size_t i = 0; i < n; i++)
            which[i] = at + i;
        rc = evaluate_batch(elq, which, n, &counts, err);
    }
    free(which);
    *out = (struct bl_metrics){ .n = 3, .v = {
        { "f1", f1(counts.right, counts.found, counts.gold) },
        { "f1_mentions", f1(counts.spans, counts.found, counts.gold) },
        { "accuracy", (double)counts.linked / (double)BL_MAX(counts.gold, 1) }
    } };
    return rc;
}

/* ---- The task ---- */

/* Tokens and not texts, because a line may have no more than ids. */
static void dump(void *ctx, const size_t *which, size_t n, struct bl_buf *out)
{
    const struct bl_train_elq_task *elq = ctx;
    const struct bl_elq_examples *examples = elq->train;
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    for (size_t i = 0; i < n; i++) {
        const struct bl_elq_example *example = &examples->v[which[i]];

        bl_write_object(&w, NULL);
        bl_write_size(&w, "line", example->line);
        bl_write_array(&w, "tokens");
        for (size_t k = 0; k < example->n; k++)
            bl_write_span(&w, NULL, bl_wordpiece_token(
                              elq->net->view.words,
                              examples->ids[example->at + k]));
        bl_write_end(&w);
        bl_write_end(&w);
        bl_write_line(&w);
    }
}

int bl_train_elq_task(struct bl_train_elq_task *elq, struct bl_task *task,
                      struct bl_err *err)
{
    *task = (struct bl_task){
        .ctx = elq, .n = elq->train->n, .step = step,
        .evaluate = elq->dev ? evaluate_elq : NULL, .dump = dump,
    };
    return elq->opts->vectors ? open_vectors(elq, err) : 0;
}

void bl_train_elq_release(struct bl_train_elq_task *elq)
{
    bl_encoder_close(elq->encoder);
    bl_topk_free(elq->topk);
    bl_sorted_free(&elq->contexts);
    bl_sorted_free(&elq->entities);
    bl_input_free(&elq->input);
    bl_arena_free(&elq->arena);
    bl_spans_free(&elq->found);
    free(elq->places);
    free(elq->spans);
    free(elq->rows);
    free(elq->target);
    free(elq->columns);
    free(elq->fixed);
    free(elq->pair_spans);
    free(elq->pair_columns);
    free(elq->pair_labels);
}
