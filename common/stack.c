/* SPDX-License-Identifier: MIT */
/* N tokens of a piece, S sequences, H hidden, I inner, heads of D numbers. */
#include "config.h"

#include "stack.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "mem.h"

/* Tokens that a thread takes at once: a piece's widest array [N][I] should
 * fit its cache. */
enum { PIECE = 512 };

/* Whole sequences [from, to) of the batch. */
struct piece {
    size_t from, to;
};

struct job {
    const struct bl_shape *shape;
    const struct bl_bert *tower;
    const struct bl_batch *batch;
    struct bl_product product;
    bool first_only;            /* of the last layer, the first tokens only */
    struct piece *pieces;
    size_t n_pieces, most;      /* most: tokens of the largest piece */
    size_t longest;             /* tokens of the longest sequence */
    atomic_size_t next;
    float *out;
};

/* What one thread works in. */
struct room {
    float *x, *q, *k, *v, *mixed;       /* [N][H] */
    float *inner;                       /* [N][I] */
    float *scratch;                     /* of bl_kernel_attend */
};

static void room_init(struct room *r, const struct job *j)
{
    size_t row = j->shape->hidden * sizeof(float);
    size_t d = j->shape->hidden / j->shape->heads;

    r->x = bl_xmalloc(j->most, row);
    r->q = bl_xmalloc(j->most, row);
    r->k = bl_xmalloc(j->most, row);
    r->v = bl_xmalloc(j->most, row);
    r->mixed = bl_xmalloc(j->most, row);
    r->inner = bl_xmalloc(j->most, j->shape->inner * sizeof(float));
    r->scratch = bl_xmalloc(bl_kernel_attend_scratch(j->longest, d),
                            sizeof(float));
}

static void room_free(struct room *r)
{
    free(r->x);
    free(r->q);
    free(r->k);
    free(r->v);
    free(r->mixed);
    free(r->inner);
    free(r->scratch);
}

/* Rows of q and mixed: one per token, or one per sequence when only first
 * tokens are asked for. */
static void attend(const struct job *j, const struct bl_layer *l,
                   struct piece p, bool first, const struct room *r)
{
    const size_t *offsets = j->batch->offsets;
    size_t hidden = j->shape->hidden, d = hidden / j->shape->heads;

    for (size_t i = p.from; i < p.to; i++) {
        size_t key = (offsets[i] - offsets[p.from]) * hidden;
        size_t query = first ? (i - p.from) * hidden : key;
        size_t n = offsets[i + 1] - offsets[i];

        for (size_t h = 0; h < hidden; h += d) {
            struct bl_attend a = {
                r->q + query + h, r->k + key + h, r->v + key + h,
                l->query.b + h, l->key.b + h, l->value.b + h,
                n, first ? 1 : n, d, hidden, r->mixed + query + h
            };
            bl_kernel_attend(&a, r->scratch);
        }
    }
}

/* x[S][H] = the first row of each sequence; they move to the front. */
static void keep_first(const struct job *j, struct piece p, float *x)
{
    const size_t *offsets = j->batch->offsets;
    size_t hidden = j->shape->hidden;

    for (size_t i = p.from; i < p.to; i++)
        memmove(x + (i - p.from) * hidden,
                x + (offsets[i] - offsets[p.from]) * hidden,
                hidden * sizeof *x);
}

static void multiply(const struct job *j, const struct bl_linear *l,
                     const float *x, size_t n, float *y)
{
    j->product.multiply(j->product.ctx, l, x, n, y);
}

/* n rows of x become the next states; with `first` only S rows do. */
static size_t run_layer(const struct job *j, const struct bl_layer *l,
                        struct piece p, bool first, size_t n,
                        const struct room *r)
{
    size_t hidden = j->shape->hidden;
    float epsilon = j->shape->epsilon;

    multiply(j, &l->key, r->x, n, r->k);
    multiply(j, &l->value, r->x, n, r->v);
    if (first) {
        keep_first(j, p, r->x);
        n = p.to - p.from;
    }
    multiply(j, &l->query, r->x, n, r->q);
    attend(j, l, p, first, r);
    multiply(j, &l->attended, r->mixed, n, r->q);
    bl_kernel_add_norm(r->x, r->q, l->attended.b, &l->attended_norm,
                       epsilon, n, hidden);
    multiply(j, &l->up, r->x, n, r->inner);
    bl_kernel_gelu(r->inner, l->up.b, n, j->shape->inner);
    multiply(j, &l->down, r->inner, n, r->q);
    bl_kernel_add_norm(r->x, r->q, l->down.b, &l->norm, epsilon, n, hidden);
    return n;
}

static void run_piece(const struct job *j, struct piece p,
                      const struct room *r)
{
    const struct bl_batch *b = j->batch;
    size_t at = b->offsets[p.from], n = b->offsets[p.to] - at;
    size_t hidden = j->shape->hidden, layers = j->shape->layers;

    bl_kernel_look_up(j->shape, j->tower, b->ids + at, b->positions + at,
                      b->segments + at, n, r->x);
    for (size_t i = 0; i < layers; i++)
        n = run_layer(j, &j->tower->layers[i], p,
                      j->first_only && i + 1 == layers, n, r);
    memcpy(j->out + (j->first_only ? p.from : at) * hidden, r->x,
           n * hidden * sizeof *r->x);
}

static void *work(void *arg)
{
    struct job *j = arg;
    struct room r;
    size_t i;

    room_init(&r, j);
    while ((i = atomic_fetch_add(&j->next, 1)) < j->n_pieces)
        run_piece(j, j->pieces[i], &r);
    room_free(&r);
    return NULL;
}

/* Cuts the batch so that every thread has work and no piece is too large. */
static void cut(struct job *j, size_t threads)
{
    const struct bl_batch *b = j->batch;
    size_t share = (b->n_tokens + threads - 1) / threads;
    size_t limit = share < PIECE ? share : PIECE, tokens;

    j->pieces = BL_NEW_ARRAY(struct piece, b->n_seqs);
    for (size_t from = 0, to; from < b->n_seqs; from = to) {
        for (to = from + 1; to < b->n_seqs &&
             b->offsets[to + 1] - b->offsets[from] <= limit; to++)
            ;
        tokens = b->offsets[to] - b->offsets[from];
        j->most = tokens > j->most ? tokens : j->most;
        j->pieces[j->n_pieces++] = (struct piece){ from, to };
    }
    for (size_t i = 0; i < b->n_seqs; i++) {
        tokens = b->offsets[i + 1] - b->offsets[i];
        j->longest = tokens > j->longest ? tokens : j->longest;
    }
}

/* This thread works too; a thread that cannot be had is done without. */
static void run_threads(struct job *j, size_t threads)
{
    pthread_t *ids;
    size_t started = 0;

    if (threads > j->n_pieces)
        threads = j->n_pieces;
    ids = BL_NEW_ARRAY(pthread_t, threads);
    while (started + 1 < threads &&
           !pthread_create(&ids[started], NULL, work, j))
        started++;
    work(j);
    while (started > 0)
        pthread_join(ids[--started], NULL);
    free(ids);
}

void bl_stack_forward(const struct bl_model *m, enum bl_tower tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out)
{
    struct job j = {
        .shape = &m->shape, .tower = &m->towers[tower], .batch = batch,
        .product = product, .first_only = want == BL_WANT_FIRST,
        .out = out
    };

    cut(&j, threads);
    run_threads(&j, threads);
    free(j.pieces);
}
