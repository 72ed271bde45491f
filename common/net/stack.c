/* SPDX-License-Identifier: MIT */
/* N tokens of a piece, S sequences, H hidden, I inner, heads of D numbers. */
#include "config.h"

#include "net/stack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "net/kernels.h"
#include "base/mem.h"
#include "base/threads.h"

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

static size_t piece_tokens(const struct job *j, struct piece p)
{
    return j->batch->offsets[p.to] - j->batch->offsets[p.from];
}

static void room_init(struct room *r, const struct job *j, size_t from,
                      size_t to)
{
    size_t hidden = j->shape->hidden, inner = j->shape->inner;
    size_t row = hidden * sizeof(float), n = 0;

    for (size_t i = from; i < to; i++)
        if (piece_tokens(j, j->pieces[i]) > n)
            n = piece_tokens(j, j->pieces[i]);
    r->tokens = n;
    r->x = bl_xaligned(n, row);
    r->q = bl_xaligned(n, row);
    r->k = bl_xaligned(n, row);
    r->v = bl_xaligned(n, row);
    r->mixed = bl_xaligned(n, row);
    r->inner = bl_xaligned(n, inner * sizeof(float));
    r->prepared = NULL;
    if (j->product.prepare)
        r->prepared = bl_xaligned(n, j->product.row_size(
            BL_MAX(hidden, inner)));
}

static void room_free(struct room *r)
{
    free(r->x);
    free(r->q);
    free(r->k);
    free(r->v);
    free(r->mixed);
    free(r->inner);
    free(r->prepared);
}

/* ---- Shares ---- */

/* This hand's part of n things that come in multiples of `step`. */
static struct piece share(const struct hand *h, size_t n, size_t step)
{
    size_t steps = (n + step - 1) / step;
    size_t from = steps * h->rank / h->size * step;
    size_t to = steps * (h->rank + 1) / h->size * step;

    return (struct piece){ BL_MIN(from, n), BL_MIN(to, n) };
}

static void wait_for_all(const struct hand *h)
{
    if (h->team)
        bl_team_wait(h->team);
}

/* ---- A layer's steps; each hand does its share ---- */

/* Rows [from, to) of x made ready for the product with l (NULL: none is to
 * come). */
static void prepare(const struct job *j, const struct hand *h,
                    const struct bl_linear *l, const float *x, size_t from,
                    size_t to)
{
    if (!j->product.prepare || !l)
        return;
    for (size_t i = from; i < to; i++)
        j->product.prepare(l, x + i * l->in, h->room->prepared
                           + i * j->product.row_size(l->in));
}

/* Columns of whole heads. */
static struct piece share_heads(const struct job *j, const struct hand *h)
{
    size_t unit = j->shape->hidden / j->shape->heads;

    while (unit % COLUMNS && unit < j->shape->hidden)
        unit *= 2;
    return share(h, j->shape->hidden, unit);
}

/* The columns of y = x w^T, for x that was made ready. */
static void multiply(const struct job *j, const struct hand *h,
                     const struct bl_linear *l, const float *x, size_t n,
                     struct piece columns, float *y)
{
    const void *rows = j->product.prepare ? (const void *)h->room->prepared
        : x;

    if (columns.from < columns.to)
        j->product.multiply(j->product.ctx, l, rows, n, columns.from,
                            columns.to, y);
}

/* Rows of q and mixed: one per token, or one per sequence when only first
 * tokens are asked for.  Only the heads in the columns, which are this
 * hand's own. */
static void attend(const struct job *j, const struct bl_layer *l,
                   struct piece p, bool first, struct piece columns,
                   const struct hand *hand)
{
    const size_t *offsets = j->batch->offsets;
    size_t hidden = j->shape->hidden, d = hidden / j->shape->heads;
    const struct room *r = hand->room;

    for (size_t i = p.from; i < p.to; i++) {
        size_t key = (offsets[i] - offsets[p.from]) * hidden;
        size_t query = first ? (i - p.from) * hidden : key;
        size_t n = offsets[i + 1] - offsets[i];

        for (size_t h = columns.from; h < columns.to; h += d) {
            struct bl_attend a = {
                r->q + query + h, r->k + key + h, r->v + key + h,
                l->query.b + h, l->key.b + h, l->value.b + h,
                n, first ? 1 : n, d, hidden, r->mixed + query + h
            };

            bl_kernel_attend(&a, hand->scratch);
        }
    }
}

/* x = norm(x + q + bias), made ready for the next product. */
static void add_norm(const struct job *j, const struct hand *h,
                     const float *bias, const struct bl_norm *norm,
                     const struct bl_linear *next, size_t n)
{
    struct piece rows = share(h, n, 1);
    size_t hidden = j->shape->hidden;

    for (size_t i = rows.from; i < rows.to; i += ROWS) {
        size_t to = BL_MIN(i + ROWS, rows.to);

        bl_kernel_add_norm(h->room->x + i * hidden, h->room->q + i * hidden,
                           bias, norm, j->shape->epsilon, to - i, hidden);
        prepare(j, h, next, h->room->x, i, to);
    }
}

static void gelu(const struct job *j, const struct hand *h,
                 const struct bl_layer *l, size_t n)
{
    struct piece rows = share(h, n, 1);
    size_t inner = j->shape->inner;

    for (size_t i = rows.from; i < rows.to; i++) {
        bl_kernel_gelu(h->room->inner + i * inner, l->up.b, 1, inner);
        prepare(j, h, &l->down, h->room->inner, i, i + 1);
    }
}

/* The first row of each sequence, of `size` bytes; they move to the front. */
static void keep_first(const struct job *j, struct piece p, void *rows,
                       size_t size)
{
    const size_t *offsets = j->batch->offsets;
    unsigned char *at = rows;

    for (size_t i = p.from; i < p.to && rows; i++)
        memmove(at + (i - p.from) * size,
                at + (offsets[i] - offsets[p.from]) * size, size);
}

/* Nobody may read the rows any more, or yet. */
static void keep_first_rows(const struct job *j, struct piece p,
                            const struct hand *h)
{
    size_t hidden = j->shape->hidden;

    wait_for_all(h);
    if (!h->rank) {
        keep_first(j, p, h->room->x, hidden * sizeof(float));
        if (j->product.prepare)
            keep_first(j, p, h->room->prepared,
                       j->product.row_size(hidden));
    }
    wait_for_all(h);
}

/* n rows of x, made ready, become the next states, made ready for the layer
 * `next`; with `first` only S rows do. */
static size_t run_layer(const struct job *j, const struct bl_layer *l,
                        const struct bl_layer *next, struct piece p,
                        bool first, size_t n, const struct hand *h)
{
    const struct room *r = h->room;
    struct piece columns = share_heads(j, h), rows;

    multiply(j, h, &l->key, r->x, n, columns, r->k);
    multiply(j, h, &l->value, r->x, n, columns, r->v);
    if (first) {
        keep_first_rows(j, p, h);
        n = p.to - p.from;
    }
    multiply(j, h, &l->query, r->x, n, columns, r->q);
    attend(j, l, p, first, columns, h);
    wait_for_all(h);
    if (j->product.prepare) {
        rows = share(h, n, 1);
        prepare(j, h, &l->attended, r->mixed, rows.from, rows.to);
        wait_for_all(h);
    }
    multiply(j, h, &l->attended, r->mixed, n, columns, r->q);
    wait_for_all(h);
    add_norm(j, h, l->attended.b, &l->attended_norm, &l->up, n);
    wait_for_all(h);
    multiply(j, h, &l->up, r->x, n, share(h, j->shape->inner, COLUMNS),
             r->inner);
    wait_for_all(h);
    gelu(j, h, l, n);
    wait_for_all(h);
    multiply(j, h, &l->down, r->inner, n, columns, r->q);
    wait_for_all(h);
    add_norm(j, h, l->down.b, &l->norm, next ? &next->query : NULL, n);
    wait_for_all(h);
    return n;
}

static void run_piece(const struct job *j, struct piece p,
                      const struct hand *h)
{
    const struct bl_batch *b = j->batch;
    size_t at = b->offsets[p.from], n = b->offsets[p.to] - at;
    size_t hidden = j->shape->hidden, layers = j->shape->layers;
    struct piece rows = share(h, n, 1);
    const struct bl_layer *l = j->tower->layers;
    float *x = h->room->x;

    bl_kernel_look_up(j->shape, j->tower, b->ids + at + rows.from,
                      b->positions + at + rows.from,
                      b->segments + at + rows.from, rows.to - rows.from,
                      x + rows.from * hidden);
    prepare(j, h, layers ? &l->query : NULL, x, rows.from, rows.to);
    wait_for_all(h);
    for (size_t i = 0; i < layers; i++) {
        bool last = i + 1 == layers;

        n = run_layer(j, l + i, last ? NULL : l + i + 1, p,
                      j->first_only && last, n, h);
    }
    rows = share(h, n, 1);
    memcpy(j->out + ((j->first_only ? p.from : at) + rows.from) * hidden,
           x + rows.from * hidden,
           (rows.to - rows.from) * hidden * sizeof *x);
    wait_for_all(h);
}

/* ---- Pieces and threads ---- */

static void work(void *ctx, struct bl_team *team, size_t rank)
{
    struct job *j = ctx;
    struct room own = { .tokens = 0 };
    struct hand h = { .team = team, .rank = rank,
                      .size = bl_team_size(team), .room = &j->joint };
    size_t d = j->shape->hidden / j->shape->heads, i;

    h.scratch = bl_xaligned(bl_kernel_attend_scratch(j->longest, d),
                            sizeof(float));
    for (i = 0; i < j->n_joint; i++)
        run_piece(j, j->pieces[i], &h);
    h = (struct hand){ NULL, 0, 1, &own, h.scratch };
    while ((i = atomic_fetch_add(&j->next, 1)) < j->n_pieces) {
        if (!own.tokens)
            room_init(&own, j, j->n_joint, j->n_pieces);
        run_piece(j, j->pieces[i], &h);
    }
    room_free(&own);
    free(h.scratch);
}

/* Cuts sequences [0, end), of which the last are the longest, into pieces,
 * from the end: a thread's share of what is left, but no more than fits the
 * cache. */
static void cut(struct job *j, size_t end)
{
    const size_t *offsets = j->batch->offsets;

    for (size_t to = end, from; to > 0; to = from) {
        size_t limit = offsets[to] / (2 * j->threads);

        limit = BL_MAX(limit, LEAST);
        if (limit > j->product.piece || j->threads == 1)
            limit = j->product.piece;
        for (from = to - 1; from > 0
             && offsets[to] - offsets[from - 1] <= limit; from--)
            ;
        j->pieces[j->n_pieces++] = (struct piece){ from, to };
    }
}

/* Sequences, from the longest, that are more than a thread's share of what
 * is left: all threads work on each of them.  Returns where the others
 * end. */
static size_t cut_joint(struct job *j)
{
    const struct bl_shape *s = j->shape;
    const size_t *offsets = j->batch->offsets;
    size_t end = j->batch->n_seqs;
    double token = (double)s->layers * (double)s->hidden
        * (4 * (double)s->hidden + 2 * (double)s->inner);

    while (end && j->threads > 1) {
        size_t tokens = offsets[end] - offsets[end - 1];

        if (tokens * j->threads <= offsets[end]
            || (double)tokens * token < STACK_JOINT)
            break;
        j->pieces[j->n_pieces++] = (struct piece){ end - 1, end };
        j->n_joint++;
        end--;
    }
    return end;
}

static void find_longest(struct job *j)
{
    const struct bl_batch *b = j->batch;

    for (size_t i = 0; i < b->n_seqs; i++)
        if (b->offsets[i + 1] - b->offsets[i] > j->longest)
            j->longest = b->offsets[i + 1] - b->offsets[i];
}

void bl_stack_forward(const struct bl_shape *shape,
                      const struct bl_bert *tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out)
{
    struct job j = {
        .shape = shape, .tower = tower, .batch = batch, .product = product,
        .threads = threads, .first_only = want == BL_WANT_FIRST, .out = out
    };

    find_longest(&j);
    j.pieces = BL_NEW_ARRAY(struct piece, batch->n_seqs);
    cut(&j, cut_joint(&j));
    atomic_store(&j.next, j.n_joint);
    if (j.n_joint)
        room_init(&j.joint, &j, 0, j.n_joint);
    if (!j.n_joint && threads > j.n_pieces)
        threads = j.n_pieces ? j.n_pieces : 1;
    bl_team_run(threads, work, &j);
    room_free(&j.joint);
    free(j.pieces);
}
