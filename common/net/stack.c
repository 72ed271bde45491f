/* SPDX-License-Identifier: MIT */
/* N tokens of a piece, S sequences, H hidden, I inner, heads of D numbers. */
#include "config.h"

#include "net/stack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"
#include "net/kernels.h"

enum {
    LEAST = 32,                 /* tokens below which a piece is not cut */
    ROWS = 16,                  /* that pass two kernels in the cache */
    COLUMNS = 64                /* columns of a product come in these */
};

/* Multiplications that make up for waiting for one another. */
#ifndef STACK_JOINT
#define STACK_JOINT 1e8
#endif

/* Whole sequences [from, to) of the batch. */
struct piece {
    size_t from, to;
};

/* Arrays for the largest piece that is to pass through them. */
struct room {
    size_t tokens;
    float *x, *q, *k, *v, *mixed;       /* [N][H] */
    float *inner;                       /* [N][I] */
    unsigned char *prepared;            /* [N][row size of H or I] */
};

struct job {
    const struct bl_shape *shape;
    const struct bl_bert *tower;
    const struct bl_batch *batch;
    struct bl_product product;
    bool first_only;            /* of the last layer, the first tokens only */
    size_t threads;
    struct piece *pieces;       /* n_joint for all together, then the rest */
    size_t n_pieces, n_joint;
    size_t longest;             /* tokens of the longest sequence */
    struct room joint;
    atomic_size_t next;
    float *out;
};

/* One thread on a piece: alone, or one of a team. */
struct hand {
    struct bl_team *team;       /* NULL: alone */
    size_t rank, size;
    const struct room *room;
    float *scratch;             /* of bl_kernel_attend */
};

/* ---- Rooms ---- */

static size_t piece_tokens(const struct job *job, struct piece piece)
{
    return job->batch->offsets[piece.to] - job->batch->offsets[piece.from];
}

static void room_init(struct room *room, const struct job *job, size_t from,
                      size_t to)
{
    size_t hidden = job->shape->hidden, inner = job->shape->inner;
    size_t row = hidden * sizeof(float), n = 0;

    for (size_t i = from; i < to; i++)
        if (piece_tokens(job, job->pieces[i]) > n)
            n = piece_tokens(job, job->pieces[i]);
    room->tokens = n;
    room->x = bl_xaligned(n, row);
    room->q = bl_xaligned(n, row);
    room->k = bl_xaligned(n, row);
    room->v = bl_xaligned(n, row);
    room->mixed = bl_xaligned(n, row);
    room->inner = bl_xaligned(n, inner * sizeof(float));
    room->prepared = NULL;
    if (job->product.prepare)
        room->prepared = bl_xaligned(n, job->product.row_size(
            BL_MAX(hidden, inner)));
}

static void room_free(struct room *room)
{
    free(room->x);
    free(room->q);
    free(room->k);
    free(room->v);
    free(room->mixed);
    free(room->inner);
    free(room->prepared);
}

/* ---- Shares ---- */

/* This hand's part of n things that come in multiples of `step`. */
static struct piece share(const struct hand *hand, size_t n, size_t step)
{
    size_t steps = (n + step - 1) / step;
    size_t from = steps * hand->rank / hand->size * step;
    size_t to = steps * (hand->rank + 1) / hand->size * step;

    return (struct piece){ BL_MIN(from, n), BL_MIN(to, n) };
}

static void wait_for_all(const struct hand *hand)
{
    if (hand->team)
        bl_team_wait(hand->team);
}

/* ---- A layer's steps; each hand does its share ---- */

/* Rows [from, to) of x made ready for the product with l (NULL: none is to
 * come). */
static void prepare(const struct job *job, const struct hand *hand,
                    const struct bl_linear *linear, const float *x,
                    size_t from, size_t to)
{
    if (!job->product.prepare || !linear)
        return;
    for (size_t i = from; i < to; i++)
        job->product.prepare(linear, x + i * linear->in, hand->room->prepared
                             + i * job->product.row_size(linear->in));
}

/* Columns of whole heads. */
static struct piece share_heads(const struct job *job, const struct hand *hand)
{
    size_t unit = job->shape->hidden / job->shape->heads;

    while (unit % COLUMNS && unit < job->shape->hidden)
        unit *= 2;
    return share(hand, job->shape->hidden, unit);
}

/* The columns of y = x w^T, for x that was made ready. */
static void multiply(const struct job *job, const struct hand *hand,
                     const struct bl_linear *linear, const float *x, size_t n,
                     struct piece columns, float *y)
{
    const void *rows = job->product.prepare
        ? (const void *)hand->room->prepared : x;

    if (columns.from < columns.to)
        job->product.multiply(job->product.ctx, linear, rows, n, columns.from,
                              columns.to, y);
}

/* Rows of q and mixed: one per token, or one per sequence when only first
 * tokens are asked for.  Only the heads in the columns, which are this
 * hand's own. */
static void attend(const struct job *job, const struct bl_layer *layer,
                   struct piece piece, bool first, struct piece columns,
                   const struct hand *hand)
{
    const size_t *offsets = job->batch->offsets;
    size_t hidden = job->shape->hidden, d = hidden / job->shape->heads;
    const struct room *room = hand->room;

    for (size_t i = piece.from; i < piece.to; i++) {
        size_t key = (offsets[i] - offsets[piece.from]) * hidden;
        size_t query = first ? (i - piece.from) * hidden : key;
        size_t n = offsets[i + 1] - offsets[i];

        for (size_t h = columns.from; h < columns.to; h += d) {
            struct bl_attend a = {
                room->q + query + h, room->k + key + h, room->v + key + h,
                layer->query.b + h, layer->key.b + h, layer->value.b + h,
                n, first ? 1 : n, d, hidden, room->mixed + query + h
            };

            bl_kernel_attend(&a, hand->scratch);
        }
    }
}

/* x = norm(x + q + bias), made ready for the next product. */
static void add_norm(const struct job *job, const struct hand *hand,
                     const float *bias, const struct bl_norm *norm,
                     const struct bl_linear *next, size_t n)
{
    struct piece rows = share(hand, n, 1);
    size_t hidden = job->shape->hidden;

    for (size_t i = rows.from; i < rows.to; i += ROWS) {
        size_t to = BL_MIN(i + ROWS, rows.to);

        bl_kernel_add_norm(hand->room->x + i * hidden,
                           hand->room->q + i * hidden,
                           bias, norm, job->shape->epsilon, to - i, hidden);
        prepare(job, hand, next, hand->room->x, i, to);
    }
}

static void activate(const struct job *job, const struct hand *hand,
                     const struct bl_layer *layer, size_t n)
{
    struct piece rows = share(hand, n, 1);
    size_t inner = job->shape->inner;

    for (size_t i = rows.from; i < rows.to; i++) {
        bl_kernel_activate(job->shape->activation,
                           hand->room->inner + i * inner, layer->up.b, 1,
                           inner);
        prepare(job, hand, &layer->down, hand->room->inner, i, i + 1);
    }
}

/* The first row of each sequence, of `size` bytes; they move to the front. */
static void keep_first(const struct job *job, struct piece piece, void *rows,
                       size_t size)
{
    const size_t *offsets = job->batch->offsets;
    unsigned char *at = rows;

    for (size_t i = piece.from; i < piece.to && rows; i++)
        memmove(at + (i - piece.from) * size,
                at + (offsets[i] - offsets[piece.from]) * size, size);
}

/* Nobody may read the rows any more, or yet. */
static void keep_first_rows(const struct job *job, struct piece piece,
                            const struct hand *hand)
{
    size_t hidden = job->shape->hidden;

    wait_for_all(hand);
    if (!hand->rank) {
        keep_first(job, piece, hand->room->x, hidden * sizeof(float));
        if (job->product.prepare)
            keep_first(job, piece, hand->room->prepared,
                       job->product.row_size(hidden));
    }
    wait_for_all(hand);
}

/* n rows of x, made ready, become the next states, made ready for the layer
 * `next`; with `first` only S rows do. */
static size_t run_layer(const struct job *job, const struct bl_layer *layer,
                        const struct bl_layer *next, struct piece piece,
                        bool first, size_t n, const struct hand *hand)
{
    const struct room *room = hand->room;
    struct piece columns = share_heads(job, hand), rows;

    multiply(job, hand, &layer->key, room->x, n, columns, room->k);
    multiply(job, hand, &layer->value, room->x, n, columns, room->v);
    if (first) {
        keep_first_rows(job, piece, hand);
        n = piece.to - piece.from;
    }
    multiply(job, hand, &layer->query, room->x, n, columns, room->q);
    attend(job, layer, piece, first, columns, hand);
    wait_for_all(hand);
    if (job->product.prepare) {
        rows = share(hand, n, 1);
        prepare(job, hand, &layer->attended, room->mixed, rows.from, rows.to);
        wait_for_all(hand);
    }
    multiply(job, hand, &layer->attended, room->mixed, n, columns, room->q);
    wait_for_all(hand);
    add_norm(job, hand, layer->attended.b, &layer->attended_norm, &layer->up,
             n);
    wait_for_all(hand);
    multiply(job, hand, &layer->up, room->x, n,
             share(hand, job->shape->inner, COLUMNS), room->inner);
    wait_for_all(hand);
    activate(job, hand, layer, n);
    wait_for_all(hand);
    multiply(job, hand, &layer->down, room->inner, n, columns, room->q);
    wait_for_all(hand);
    add_norm(job, hand, layer->down.b, &layer->norm,
             next ? &next->query : NULL, n);
    wait_for_all(hand);
    return n;
}

static void run_piece(const struct job *job, struct piece piece,
                      const struct hand *hand)
{
    const struct bl_batch *batch = job->batch;
    size_t at = batch->offsets[piece.from], n = batch->offsets[piece.to] - at;
    size_t hidden = job->shape->hidden, layers = job->shape->layers;
    struct piece rows = share(hand, n, 1);
    const struct bl_layer *layer = job->tower->layers;
    float *x = hand->room->x;

    bl_kernel_look_up(job->shape, job->tower, batch->ids + at + rows.from,
                      batch->positions + at + rows.from,
                      batch->segments + at + rows.from, rows.to - rows.from,
                      x + rows.from * hidden);
    prepare(job, hand, layers ? &layer->query : NULL, x, rows.from, rows.to);
    wait_for_all(hand);
    for (size_t i = 0; i < layers; i++) {
        bool last = i + 1 == layers;

        n = run_layer(job, layer + i, last ? NULL : layer + i + 1, piece,
                      job->first_only && last, n, hand);
    }
    /* The last layer may have left only the first row of each sequence, so the
     * rows are shared out anew. */
    rows = share(hand, n, 1);
    at = job->first_only ? piece.from : at;
    memcpy(job->out + (at + rows.from) * hidden,
           x + rows.from * hidden,
           (rows.to - rows.from) * hidden * sizeof *x);
    wait_for_all(hand);
}

/* ---- Pieces and threads ---- */

static void work(void *ctx, struct bl_team *team, size_t rank)
{
    struct job *job = ctx;
    struct room own = { .tokens = 0 };
    struct hand hand = { .team = team, .rank = rank,
                      .size = bl_team_size(team), .room = &job->joint };
    size_t d = job->shape->hidden / job->shape->heads, i;

    hand.scratch = bl_xaligned(bl_kernel_attend_scratch(job->longest, d),
                               sizeof(float));
    for (i = 0; i < job->n_joint; i++)
        run_piece(job, job->pieces[i], &hand);
    hand = (struct hand){ NULL, 0, 1, &own, hand.scratch };
    /* Pieces of all threads come first, in the same order for each of them;
     * the others are taken by whoever is free, and memory for them is only had
     * by a thread that takes one. */
    while ((i = atomic_fetch_add(&job->next, 1)) < job->n_pieces) {
        if (!own.tokens)
            room_init(&own, job, job->n_joint, job->n_pieces);
        run_piece(job, job->pieces[i], &hand);
    }
    room_free(&own);
    free(hand.scratch);
}

/* Cuts sequences [0, end), of which the last are the longest, into pieces,
 * from the end: a thread's share of what is left, but no more than fits the
 * cache. */
static void cut(struct job *job, size_t end)
{
    const size_t *offsets = job->batch->offsets;

    for (size_t to = end, from; to > 0; to = from) {
        size_t limit = offsets[to] / (2 * job->threads);

        limit = BL_MAX(limit, LEAST);
        if (limit > job->product.piece || job->threads == 1)
            limit = job->product.piece;
        for (from = to - 1; from > 0
             && offsets[to] - offsets[from - 1] <= limit; from--)
            ;
        job->pieces[job->n_pieces++] = (struct piece){ from, to };
    }
}

/* Sequences, from the longest, that are more than a thread's share of what
 * is left: all threads work on each of them.  Returns where the others
 * end. */
static size_t cut_joint(struct job *job)
{
    const struct bl_shape *shape = job->shape;
    const size_t *offsets = job->batch->offsets;
    size_t end = job->batch->n_seqs;
    double token = (double)shape->layers * (double)shape->hidden
        * (4 * (double)shape->hidden + 2 * (double)shape->inner);

    while (end && job->threads > 1) {
        size_t tokens = offsets[end] - offsets[end - 1];

        if (tokens * job->threads <= offsets[end]
            || (double)tokens * token < STACK_JOINT)
            break;
        job->pieces[job->n_pieces++] = (struct piece){ end - 1, end };
        job->n_joint++;
        end--;
    }
    return end;
}

static void find_longest(struct job *job)
{
    const struct bl_batch *batch = job->batch;

    for (size_t i = 0; i < batch->n_seqs; i++)
        if (batch->offsets[i + 1] - batch->offsets[i] > job->longest)
            job->longest = batch->offsets[i + 1] - batch->offsets[i];
}

void bl_stack_forward(const struct bl_shape *shape,
                      const struct bl_bert *tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out)
{
    struct job job = {
        .shape = shape, .tower = tower, .batch = batch, .product = product,
        .threads = threads, .first_only = want == BL_WANT_FIRST, .out = out
    };

    find_longest(&job);
    job.pieces = BL_NEW_ARRAY(struct piece, batch->n_seqs);
    cut(&job, cut_joint(&job));
    atomic_store(&job.next, job.n_joint);
    if (job.n_joint)
        room_init(&job.joint, &job, 0, job.n_joint);
    if (!job.n_joint && threads > job.n_pieces)
        threads = job.n_pieces ? job.n_pieces : 1;
    bl_team_run(threads, work, &job);
    room_free(&job.joint);
    free(job.pieces);
}
