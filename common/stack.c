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

/* Tokens taken at once: a piece's widest array [N][I] should fit a cache. */
enum { PIECE = 512 };

/* Whole sequences [from, to) of the batch; also any other range. */
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
    bool together;              /* all threads share every piece */
    atomic_size_t next;         /* piece, for threads on their own */
    pthread_mutex_t start;      /* held until the crew is complete */
    struct crew *crew;          /* of threads that work together */
    float *out;
};

/* What one thread works in. */
struct room {
    float *x, *q, *k, *v, *mixed;       /* [N][H] */
    float *inner;                       /* [N][I] */
};

/* Threads that share a piece: each computes some columns of every product,
 * the heads that lie in them, and some rows of what takes whole rows.  They
 * wait for each other where the next step needs what others made. */
struct crew {
    struct room room;
    size_t size;
    pthread_barrier_t barrier;          /* when size > 1 */
};

struct member {
    struct crew *crew;
    size_t index;
    float *scratch;                     /* of bl_kernel_attend */
};

static void room_init(struct room *r, const struct job *j)
{
    size_t row = j->shape->hidden * sizeof(float);

    r->x = bl_xmalloc(j->most, row);
    r->q = bl_xmalloc(j->most, row);
    r->k = bl_xmalloc(j->most, row);
    r->v = bl_xmalloc(j->most, row);
    r->mixed = bl_xmalloc(j->most, row);
    r->inner = bl_xmalloc(j->most, j->shape->inner * sizeof(float));
}

static void room_free(struct room *r)
{
    free(r->x);
    free(r->q);
    free(r->k);
    free(r->v);
    free(r->mixed);
    free(r->inner);
}

static void wait_for_all(const struct member *m)
{
    if (m->crew->size > 1)
        pthread_barrier_wait(&m->crew->barrier);
}

/* This member's part of [0, n), cut at multiples of unit. */
static struct piece share(const struct member *m, size_t n, size_t unit)
{
    size_t units = (n + unit - 1) / unit;
    size_t from = units * m->index / m->crew->size * unit;
    size_t to = units * (m->index + 1) / m->crew->size * unit;

    return (struct piece){ from < n ? from : n, to < n ? to : n };
}

/* Columns of whole heads. */
static struct piece share_heads(const struct job *j, const struct member *m)
{
    size_t unit = j->shape->hidden / j->shape->heads;

    while (unit % BL_STACK_UNIT && unit < j->shape->hidden)
        unit *= 2;
    return share(m, j->shape->hidden, unit);
}

/* Rows of q and mixed: one per token, or one per sequence when only first
 * tokens are asked for.  Columns c. */
static void attend(const struct job *j, const struct bl_layer *l,
                   struct piece p, struct piece c, bool first,
                   const struct member *m)
{
    const struct room *r = &m->crew->room;
    const size_t *offsets = j->batch->offsets;
    size_t hidden = j->shape->hidden, d = hidden / j->shape->heads;

    for (size_t i = p.from; i < p.to; i++) {
        size_t key = (offsets[i] - offsets[p.from]) * hidden;
        size_t query = first ? (i - p.from) * hidden : key;
        size_t n = offsets[i + 1] - offsets[i];

        for (size_t h = c.from; h < c.to; h += d) {
            struct bl_attend a = {
                r->q + query + h, r->k + key + h, r->v + key + h,
                l->query.b + h, l->key.b + h, l->value.b + h,
                n, first ? 1 : n, d, hidden, r->mixed + query + h
            };
            bl_kernel_attend(&a, m->scratch);
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
                     const float *x, size_t n, struct piece c, float *y)
{
    if (c.from < c.to)
        j->product.multiply(j->product.ctx, l, x, n, c.from, c.to, y);
}

/* x[n][H] = norm(x + q + bias), when all of q is there. */
static void add_norm(const struct job *j, const float *bias,
                     const struct bl_norm *norm, size_t n,
                     const struct member *m)
{
    const struct room *r = &m->crew->room;
    size_t hidden = j->shape->hidden;
    struct piece rows;

    wait_for_all(m);
    rows = share(m, n, 1);
    bl_kernel_add_norm(r->x + rows.from * hidden, r->q + rows.from * hidden,
                       bias, norm, j->shape->epsilon, rows.to - rows.from,
                       hidden);
    wait_for_all(m);
}

/* inner[n][I] = gelu(x w^T + bias) in the columns c. */
static void run_up(const struct job *j, const struct bl_linear *up, size_t n,
                   struct piece c, const struct room *r)
{
    size_t inner = j->shape->inner;

    multiply(j, up, r->x, n, c, r->inner);
    if (c.to - c.from == inner) {
        bl_kernel_gelu(r->inner, up->b, n, inner);
        return;
    }
    for (size_t i = 0; i < n; i++)
        bl_kernel_gelu(r->inner + i * inner + c.from, up->b + c.from, 1,
                       c.to - c.from);
}

/* n rows of x become the next states; with `first` only S rows do. */
static size_t run_layer(const struct job *j, const struct bl_layer *l,
                        struct piece p, bool first, size_t n,
                        const struct member *m)
{
    const struct room *r = &m->crew->room;
    struct piece columns = share_heads(j, m);

    multiply(j, &l->key, r->x, n, columns, r->k);
    multiply(j, &l->value, r->x, n, columns, r->v);
    if (first) {
        wait_for_all(m);
        if (!m->index)
            keep_first(j, p, r->x);
        wait_for_all(m);
        n = p.to - p.from;
    }
    multiply(j, &l->query, r->x, n, columns, r->q);
    attend(j, l, p, columns, first, m);
    wait_for_all(m);
    multiply(j, &l->attended, r->mixed, n, columns, r->q);
    add_norm(j, l->attended.b, &l->attended_norm, n, m);
    run_up(j, &l->up, n, share(m, j->shape->inner, BL_STACK_UNIT), r);
    wait_for_all(m);
    multiply(j, &l->down, r->inner, n, columns, r->q);
    add_norm(j, l->down.b, &l->norm, n, m);
    return n;
}

static void run_piece(const struct job *j, struct piece p,
                      const struct member *m)
{
    const struct bl_batch *b = j->batch;
    const struct room *r = &m->crew->room;
    size_t at = b->offsets[p.from], n = b->offsets[p.to] - at;
    size_t hidden = j->shape->hidden, layers = j->shape->layers;
    struct piece rows = share(m, n, 1);

    at += rows.from;
    bl_kernel_look_up(j->shape, j->tower, b->ids + at, b->positions + at,
                      b->segments + at, rows.to - rows.from,
                      r->x + rows.from * hidden);
    wait_for_all(m);
    for (size_t i = 0; i < layers; i++)
        n = run_layer(j, &j->tower->layers[i], p,
                      j->first_only && i + 1 == layers, n, m);
    at = j->first_only ? p.from : b->offsets[p.from];
    rows = share(m, n, 1);
    memcpy(j->out + (at + rows.from) * hidden, r->x + rows.from * hidden,
           (rows.to - rows.from) * hidden * sizeof *r->x);
    wait_for_all(m);
}

static void member_run(struct job *j, struct crew *crew, size_t index)
{
    size_t d = j->shape->hidden / j->shape->heads, i;
    struct member m = { crew, index, bl_xmalloc(
        bl_kernel_attend_scratch(j->longest, d), sizeof *m.scratch) };

    if (j->together)
        for (i = 0; i < j->n_pieces; i++)
            run_piece(j, j->pieces[i], &m);
    else
        while ((i = atomic_fetch_add(&j->next, 1)) < j->n_pieces)
            run_piece(j, j->pieces[i], &m);
    free(m.scratch);
}

/* A thread that takes pieces on its own. */
static void *work_alone(void *arg)
{
    struct job *j = arg;
    struct crew crew = { .size = 1 };

    room_init(&crew.room, j);
    member_run(j, &crew, 0);
    room_free(&crew.room);
    return NULL;
}

/* A thread of the crew, numbered from 1 as they come. */
static void *work_together(void *arg)
{
    struct job *j = arg;
    size_t index = atomic_fetch_add(&j->next, 1) + 1;

    pthread_mutex_lock(&j->start);
    pthread_mutex_unlock(&j->start);
    member_run(j, j->crew, index);
    return NULL;
}

/* Cuts the batch so that no piece is too large and, unless they work
 * together, every thread has work. */
static void cut(struct job *j, size_t threads)
{
    const struct bl_batch *b = j->batch;
    size_t share = (b->n_tokens + threads - 1) / threads;
    size_t limit = share < PIECE && !j->together ? share : PIECE, tokens;

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

/* A thread that cannot be had is done without.  Returns how many run. */
static size_t start(struct job *j, void *(*work)(void *), pthread_t *ids,
                    size_t n)
{
    size_t started = 0;

    while (started < n && !pthread_create(&ids[started], NULL, work, j))
        started++;
    return started;
}

/* This thread works too. */
static void run_alone(struct job *j, size_t threads)
{
    pthread_t *ids = BL_NEW_ARRAY(pthread_t, threads);
    size_t started = threads < j->n_pieces ? threads : j->n_pieces;

    started = start(j, work_alone, ids, started - 1);
    work_alone(j);
    while (started > 0)
        pthread_join(ids[--started], NULL);
    free(ids);
}

static void run_together(struct job *j, size_t threads)
{
    pthread_t *ids = BL_NEW_ARRAY(pthread_t, threads);
    struct crew crew = { .size = 1 };
    size_t started;

    j->crew = &crew;
    room_init(&crew.room, j);
    pthread_mutex_init(&j->start, NULL);
    pthread_mutex_lock(&j->start);
    started = start(j, work_together, ids, threads - 1);
    crew.size += started;
    pthread_barrier_init(&crew.barrier, NULL, (unsigned)crew.size);
    pthread_mutex_unlock(&j->start);
    member_run(j, &crew, 0);
    while (started > 0)
        pthread_join(ids[--started], NULL);
    pthread_barrier_destroy(&crew.barrier);
    pthread_mutex_destroy(&j->start);
    room_free(&crew.room);
    free(ids);
}

/* Several threads and little work: pieces of whole sequences would leave
 * some without any. */
static bool is_small(const struct bl_batch *b, size_t threads)
{
    return threads > 1 && (b->n_tokens <= PIECE || b->n_seqs < threads);
}

void bl_stack_forward(const struct bl_model *m, enum bl_tower tower,
                      const struct bl_batch *batch, enum bl_want want,
                      size_t threads, struct bl_product product, float *out)
{
    struct job j = {
        .shape = &m->shape, .tower = &m->towers[tower], .batch = batch,
        .product = product, .first_only = want == BL_WANT_FIRST,
        .together = is_small(batch, threads), .out = out
    };

    cut(&j, threads);
    if (j.together)
        run_together(&j, threads);
    else
        run_alone(&j, threads);
    free(j.pieces);
}
