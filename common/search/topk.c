/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/topk.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/threads.h"
#include "search/topk-coarse.h"
#include "search/topk-heap.h"
#include "search/topk-kernels.h"

enum {
    GROUP = 66,                 /* queries whose floats share a cache with a
                                 * strip: 264 KiB at 1024 floats; whole tiles
                                 * of every kernel */
    BLOCK_BYTES = 1 << 20,      /* what a thread takes at a time */
    MAX_THREADS = 256,
    SMALL_WORK = 1 << 22        /* products below which threads cost more
                                 * than they save */
};

/* One stretch of vectors of one segment. */
struct block {
    const struct bl_index *index;
    const struct bl_index_segment *segment;
    uint64_t first, n;
    bool present;               /* its pages were asked for */
    struct bl_coarse_most most; /* of codes; once present */
};

struct bl_topk {
    const struct bl_index *const *shards;
    size_t n_shards, threads;
    size_t dim, length;         /* length: dim up to a multiple of 16 */
    struct block *blocks;
    size_t n_blocks;
    uint64_t vectors;
    const struct bl_topk_kernel *kernel;
    uint32_t **places;          /* [n_shards][kb_entities], lazily */
};

/* ---- Set-up ---- */

static void add_blocks(struct bl_topk *t, const struct bl_index *x,
                       const struct bl_index_segment *s)
{
    uint64_t step = BLOCK_BYTES / (s->codes ? x->code_stride : x->stride);

    step = step < TOPK_STRIP ? TOPK_STRIP : step / TOPK_STRIP * TOPK_STRIP;
    size_t more = (size_t)((s->n + step - 1) / step);
    t->blocks = bl_xrealloc(t->blocks, t->n_blocks + more,
                            sizeof *t->blocks);
    for (uint64_t at = 0; at < s->n; at += step)
        t->blocks[t->n_blocks++] = (struct block){
            .index = x, .segment = s, .first = at, .n = BL_MIN(s->n - at, step)
        };
    t->vectors += s->n;
}

struct bl_topk *bl_topk_new(const struct bl_index *const *shards,
                            size_t n_shards, size_t threads)
{
    struct bl_topk *t = BL_NEW(struct bl_topk);

    t->shards = shards;
    t->n_shards = n_shards;
    t->threads = threads ? threads : bl_threads_default();
    if (t->threads > MAX_THREADS)
        t->threads = MAX_THREADS;
    t->dim = n_shards ? shards[0]->dim : 0;
    t->length = (t->dim + TOPK_MULTIPLE - 1) / TOPK_MULTIPLE * TOPK_MULTIPLE;
    t->kernel = bl_topk_kernel();
    for (size_t i = 0; i < n_shards; i++) {
        BL_ASSERT(shards[i]->dim == t->dim);
        for (size_t j = 0; j < shards[i]->n_segments; j++)
            add_blocks(t, shards[i], &shards[i]->segments[j]);
    }
    return t;
}

void bl_topk_free(struct bl_topk *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->places && i < t->n_shards; i++)
        free(t->places[i]);
    free(t->places);
    free(t->blocks);
    free(t);
}

const char *bl_topk_describe(void)
{
    return bl_topk_kernel()->name;
}

/* ---- One thread's part of a search ---- */

struct job {
    struct bl_topk *t;
    const float *queries;       /* [n][length], aligned */
    size_t n;
    struct bl_coarse **coarse;  /* one for each COARSE_QUERIES; NULL: none */
    atomic_size_t next;         /* block */
    struct bl_heap *heaps;      /* [n], of all threads */
    struct worker *workers;     /* by rank */
};

/* What one rank of the team works in. */
struct worker {
    struct job *job;
    float *wide;                /* [TOPK_STRIP][length], but for f32 */
    void *room;                 /* of bl_coarse_find() */
    struct bl_coarse_hit *found;
};

/* Vector number i of a block, and its codes. */
static const unsigned char *vector_at(const struct block *b, uint64_t i)
{
    return b->segment->vectors + (b->first + i) * b->index->stride;
}

static const int8_t *codes_at(const struct block *b, uint64_t i)
{
    return b->segment->codes + (b->first + i) * b->index->code_stride;
}

/* Pages of a mapped file come one fault at a time unless asked for; to ask
 * for what is there already costs little, but once is enough.  coarsely: the
 * codes are what is read, and few vectors beside them. */
static void make_present(struct block *b, bool coarsely)
{
    const void *from = coarsely ? codes_at(b, 0) : (void *)vector_at(b, 0);
    const struct bl_index_segment *s = b->segment;
    size_t stride = coarsely ? b->index->code_stride : b->index->stride;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    uintptr_t start = (uintptr_t)from & ~page;
    size_t n = (uintptr_t)from - start + (size_t)b->n * stride;

    if (b->present)
        return;
    b->present = true;
#ifdef MADV_POPULATE_READ
    madvise((void *)start, n, MADV_POPULATE_READ);
#else
    madvise((void *)start, n, MADV_WILLNEED);
#endif
    if (coarsely)
        b->most = bl_coarse_most(codes_at(b, 0), stride, (size_t)b->n,
                                 s->scales + b->first,
                                 s->lost ? s->lost + b->first : NULL);
}

/* A vector as floats, but for the scale of int8: where it lies, or widened
 * into wide. */
static const float *floats_at(const struct worker *w, const struct block *b,
                              const unsigned char *at, float *wide)
{
    const struct bl_topk *t = w->job->t;

    switch (b->index->dtype) {
    case BL_DTYPE_F16: case BL_DTYPE_F16_INT8:
        t->kernel->widen_f16((const void *)at, t->length, wide);
        return wide;
    case BL_DTYPE_INT8:
        t->kernel->widen_int8((const void *)at, t->length, wide);
        return wide;
    default:
        return (const void *)at;
    }
}

/* scores[n][4] of up to four vectors from number `first` offered to the
 * heaps.  NaN is below every threshold. */
static void choose(struct bl_heap *heaps, size_t n,
                   const struct bl_index_segment *s, uint64_t first,
                   size_t count, const float *scores)
{
    for (size_t i = 0; i < n; i++, scores += TOPK_STRIP) {
        float th = bl_heap_threshold(&heaps[i]);

        if (!((scores[0] >= th) | (scores[1] >= th) | (scores[2] >= th) |
              (scores[3] >= th)))
            continue;
        for (size_t j = 0; j < count; j++) {
            struct bl_hit x = { scores[j], s->rows[first + j] };

            if (x.score >= th && x.row != BL_INDEX_REMOVED)
                bl_heap_offer(&heaps[i], x);
        }
    }
}

/* The kernel has summed the products of the bare codes; each score still lacks
 * its vector's scale.  `first` is the vector's number in its segment.  Types
 * other than int8 need nothing. */
static void scale_scores(const struct block *b, uint64_t first, size_t count,
                         float *scores, size_t n)
{
    for (size_t i = 0; b->index->dtype == BL_DTYPE_INT8 && i < n; i++)
        for (size_t j = 0; j < count; j++)
            scores[i * TOPK_STRIP + j] *= b->segment->scales[first + j];
}

/* Four vectors at a time are made floats once and then meet all queries, in
 * groups that stay in a cache with them.  A strip that is not full repeats its
 * first row, so that the kernel has one form; choose() takes `count` of the
 * scores.  The kernel is told where the next strip lies to fetch it ahead. */
static void search_block(const struct worker *w, const struct block *b)
{
    const struct job *job = w->job;
    const struct bl_topk *t = job->t;
    float scores[GROUP * TOPK_STRIP];

    for (uint64_t i = 0; i < b->n; i += TOPK_STRIP) {
        size_t count = (size_t)BL_MIN(b->n - i, TOPK_STRIP);
        uint64_t first = b->first + i;
        const float *rows[TOPK_STRIP];
        const void *next = vector_at(b, i + count < b->n ? i + count : i);

        for (size_t j = 0; j < TOPK_STRIP; j++)
            rows[j] = j < count ? floats_at(w, b, vector_at(b, i + j),
                                            w->wide + j * t->length)
                : rows[0];
        for (size_t q = 0; q < job->n; q += GROUP) {
            size_t n = BL_MIN(job->n - q, GROUP);

            t->kernel->strip(job->queries + q * t->length, n, rows,
                             (uintptr_t)next, t->length, scores);
            scale_scores(b, first, count, scores, n);
            choose(job->heaps + q, n, b->segment, first, count, scores);
        }
    }
}

/* Up to four vectors, counted from number i, that may be among the best of
 * queries counted from number q: scored exactly. */
static void offer_exact(const struct worker *w, const struct block *b,
                        uint64_t i, size_t q,
                        const struct bl_coarse_hit *hits, size_t n)
{
    const struct bl_topk *t = w->job->t;
    const struct bl_index_segment *s = b->segment;
    const float *rows[TOPK_STRIP], *queries[TOPK_STRIP];
    float scores[TOPK_STRIP];

    for (size_t k = 0; k < TOPK_STRIP; k++) {
        const struct bl_coarse_hit *h = &hits[k < n ? k : 0];

        queries[k] = w->job->queries + (q + h->query) * t->length;
        if (k >= n)
            rows[k] = rows[0];
        else if (k && h->row == hits[k - 1].row)
            rows[k] = rows[k - 1];
        else
            rows[k] = floats_at(w, b, vector_at(b, i + h->row),
                                w->wide + k * t->length);
    }
    t->kernel->pairs(queries, rows, t->length, scores);
    for (size_t k = 0; k < n; k++) {
        uint64_t at = b->first + i + hits[k].row;
        struct bl_heap *heap = &w->job->heaps[q + hits[k].query];
        struct bl_hit x = { scores[k], s->rows[at] };

        if (b->index->dtype == BL_DTYPE_INT8)
            x.score *= s->scales[at];
        if (x.score >= bl_heap_threshold(heap)
            && x.row != BL_INDEX_REMOVED)
            bl_heap_offer(heap, x);
    }
}

/* Vector number i of the block and those that follow it, as many as one call
 * of bl_coarse_find() takes. */
static struct bl_coarse_rows coarse_rows(const struct block *b, uint64_t i)
{
    const struct bl_index_segment *s = b->segment;

    return (struct bl_coarse_rows){
        .codes = codes_at(b, i), .n = (size_t)BL_MIN(b->n - i, COARSE_ROWS),
        .scales = s->scales + b->first + i,
        .lost = s->lost ? s->lost + b->first + i : NULL,
        .norm = b->most.norm
    };
}

/* The same as search_block(), by codes: see topk-coarse.h. */
static void search_coarsely(const struct worker *w, const struct block *b)
{
    const struct job *job = w->job;
    float thresholds[COARSE_QUERIES];

    for (uint64_t i = 0; i < b->n; i += COARSE_ROWS) {
        struct bl_coarse_rows rows = coarse_rows(b, i);

        for (size_t q = 0; q < job->n; q += COARSE_QUERIES) {
            const struct bl_coarse *c = job->coarse[q / COARSE_QUERIES];
            size_t n;

            for (size_t k = 0; k < COARSE_QUERIES && q + k < job->n; k++)
                thresholds[k] = bl_heap_threshold(&job->heaps[q + k]);
            n = bl_coarse_find(c, &rows, thresholds, w->room, w->found);
            for (size_t k = 0; k < n; k += TOPK_STRIP)
                offer_exact(w, b, i, q, w->found + k,
                            BL_MIN(n - k, TOPK_STRIP));
        }
    }
}

static bool coarse_holds(const struct job *job, const struct block *b)
{
    for (size_t q = 0; q < job->n; q += COARSE_QUERIES)
        if (!bl_coarse_holds(job->coarse[q / COARSE_QUERIES], b->most))
            return false;
    return true;
}

/* Blocks are taken one by one, by whoever is free, so that the team may be
 * smaller than asked for. */
static void work(void *ctx, struct bl_team *team, size_t rank)
{
    struct job *job = ctx;
    const struct worker *w = &job->workers[rank];
    size_t i;

    (void)team;
    while ((i = atomic_fetch_add(&job->next, 1)) < job->t->n_blocks) {
        struct block *b = &job->t->blocks[i];
        bool coarsely = job->coarse && b->segment->codes;

        make_present(b, coarsely);
        if (coarsely && coarse_holds(job, b))
            search_coarsely(w, b);
        else
            search_block(w, b);
    }
}

static void worker_init(struct worker *w, struct job *job)
{
    *w = (struct worker){ .job = job };
    w->wide = bl_xmalloc(TOPK_STRIP, job->t->length * sizeof *w->wide);
    if (job->coarse) {
        w->room = bl_xaligned(1, bl_coarse_room(job->coarse[0]));
        w->found = bl_xmalloc(COARSE_ROWS * COARSE_QUERIES,
                              sizeof *w->found);
    }
}

static void worker_release(struct worker *w)
{
    free(w->wide);
    free(w->room);
    free(w->found);
}

/* Heaps of `cap` hits for n queries, with locks if several threads fill
 * them. */
static struct bl_heap *heaps_new(size_t n, size_t cap, bool locks)
{
    struct bl_heap *heaps = bl_xmalloc(n, sizeof *heaps);
    struct bl_hit *hits = bl_xmalloc(n, cap * sizeof *hits);
    pthread_mutex_t *lock = locks ? bl_xmalloc(n, sizeof *lock) : NULL;

    for (size_t i = 0; i < n; i++) {
        heaps[i] = (struct bl_heap){ .v = hits + i * cap, .cap = cap,
                                     .lock = locks ? &lock[i] : NULL };
        atomic_init(&heaps[i].threshold, -INFINITY);
        if (locks)
            pthread_mutex_init(heaps[i].lock, NULL);
    }
    return heaps;
}

static void heaps_free(struct bl_heap *heaps, size_t n)
{
    for (size_t i = 0; i < n && heaps->lock; i++)
        pthread_mutex_destroy(heaps[i].lock);
    free(heaps->lock);
    free(heaps->v);
    free(heaps);
}

/* ---- All threads ---- */

static int by_rank(const void *pa, const void *pb)
{
    const struct bl_hit *a = pa, *b = pb;

    return bl_hit_better(*b, *a) - bl_hit_better(*a, *b);
}

static int by_row(const void *pa, const void *pb)
{
    const struct bl_hit *a = pa, *b = pb;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return by_rank(pa, pb);
}

/* The hits of one query, sorted, -> out[0..k); returns how many. */
static size_t take_best(const struct bl_heap *h, bool shards, size_t k,
                        struct bl_hit *out)
{
    size_t n = h->n, kept = 0;

    if (shards) {               /* a row that several hold: its best score */
        qsort(h->v, n, sizeof *h->v, by_row);
        for (size_t i = 0; i < n; i++)
            if (!kept || h->v[kept - 1].row != h->v[i].row)
                h->v[kept++] = h->v[i];
        n = kept;
    }
    qsort(h->v, n, sizeof *h->v, by_rank);
    n = BL_MIN(n, k);
    memcpy(out, h->v, n * sizeof *out);
    return n;
}

static float *pad_queries(const struct bl_topk *t, const float *queries,
                          size_t n)
{
    float *padded = bl_xcalloc(n, t->length * sizeof *padded);

    for (size_t i = 0; i < n; i++)
        memcpy(padded + i * t->length, queries + i * t->dim,
               t->dim * sizeof *padded);
    return padded;
}

static size_t threads_for(const struct bl_topk *t, size_t n)
{
    double products = (double)t->vectors * (double)t->length * (double)n;
    size_t threads = t->threads;

    if (products < SMALL_WORK)
        threads = 1;
    return BL_MAX(BL_MIN(threads, t->n_blocks), 1);
}

/* Each shard may hold the same row once: that many more hits are needed. */
static size_t heap_size(const struct bl_topk *t, size_t k)
{
    if (t->vectors / t->n_shards >= k)
        return k * t->n_shards;
    return (size_t)t->vectors;
}

/* The rounded queries, when an index has codes; else NULL. */
static struct bl_coarse **coarse_all(const struct bl_topk *t,
                                     const float *padded, size_t n)
{
    size_t stride = 0;

    for (size_t i = 0; i < t->n_shards; i++)
        if (t->shards[i]->n_segments && t->shards[i]->segments[0].codes)
            stride = t->shards[i]->code_stride;
    return stride ? bl_coarse_new(padded, n, t->length, stride) : NULL;
}

/* One set of heaps serves all threads, so that the threshold that one thread
 * raises spares the others work.  The result does not depend on who came
 * first: equal scores are ordered by row in the heap too. */
void bl_topk_search(struct bl_topk *t, const float *queries, size_t n,
                    size_t k, struct bl_hit *hits, size_t *found)
{
    memset(found, 0, n * sizeof *found);
    if (!n || !k || !t->vectors)
        return;
    float *padded = pad_queries(t, queries, n);
    struct job job = { .t = t, .queries = padded, .n = n };
    size_t threads = threads_for(t, n);

    job.workers = BL_NEW_ARRAY(struct worker, threads);
    job.heaps = heaps_new(n, heap_size(t, k), threads > 1);
    job.coarse = coarse_all(t, padded, n);
    for (size_t i = 0; i < threads; i++)
        worker_init(&job.workers[i], &job);
    bl_team_run(threads, work, &job);
    for (size_t i = 0; i < n; i++)
        found[i] = take_best(&job.heaps[i], t->n_shards > 1, k,
                             hits + i * k);
    for (size_t i = 0; i < threads; i++)
        worker_release(&job.workers[i]);
    bl_coarse_free(job.coarse, n);
    heaps_free(job.heaps, n);
    free(job.workers);
    free(padded);
}

/* ---- Scores of given rows ---- */

/* places[row]: 1 + the number of its vector, counted through the segments;
 * 0: none. */
static uint32_t *find_places(const struct bl_index *x)
{
    uint32_t *places = bl_xcalloc((size_t)x->kb_entities, sizeof *places);
    uint32_t number = 0;

    for (size_t s = 0; s < x->n_segments; s++)
        for (uint64_t i = 0; i < x->segments[s].n; i++) {
            number++;
            if (x->segments[s].rows[i] < x->kb_entities)
                places[x->segments[s].rows[i]] = number;
        }
    return places;
}

/* Vector number `place` (from 1) alone in a block; false when 0. */
static bool block_of(const struct bl_index *x, uint64_t place,
                     struct block *b)
{
    if (!place--)
        return false;
    for (size_t s = 0; s < x->n_segments; place -= x->segments[s++].n)
        if (place < x->segments[s].n) {
            *b = (struct block){ .index = x, .segment = &x->segments[s],
                                 .first = place, .n = 1 };
            return true;
        }
    return false;
}

static void make_places(struct bl_topk *t)
{
    if (t->places)
        return;
    t->places = BL_NEW_ARRAY(uint32_t *, t->n_shards);
    for (size_t i = 0; i < t->n_shards; i++)
        t->places[i] = find_places(t->shards[i]);
}

/* An index pads its vectors to 64 bytes, which for int8 is more numbers than
 * for floats, so one is decoded beside `out`. */
bool bl_topk_vector(struct bl_topk *t, uint32_t row, float *out)
{
    struct block b;

    make_places(t);
    for (size_t i = 0; i < t->n_shards; i++) {
        const struct bl_index *x = t->shards[i];
        float *padded;

        if (row >= x->kb_entities || !block_of(x, t->places[i][row], &b))
            continue;
        padded = bl_xmalloc(x->padded, sizeof *padded);
        bl_index_decode(x, b.segment, b.first, 1, padded);
        memcpy(out, padded, t->dim * sizeof *out);
        free(padded);
        return true;
    }
    return false;
}

/* Scores single vectors by the same path as a search, as blocks of one vector
 * with a heap of one hit: so they have the same bits.  A row with a vector in
 * several shards gets the best of its scores. */
void bl_topk_scores(struct bl_topk *t, const float *query,
                    const uint32_t *rows, size_t n, float *scores)
{
    float *padded = pad_queries(t, query, 1);
    struct job job = { .t = t, .queries = padded, .n = 1 };
    struct worker w;

    make_places(t);
    job.heaps = heaps_new(1, 1, false);
    worker_init(&w, &job);
    for (size_t i = 0; i < n; i++) {
        scores[i] = NAN;
        for (size_t j = 0; j < t->n_shards; j++) {
            struct block b;

            job.heaps->n = 0;
            job.heaps->threshold = -INFINITY;
            if (rows[i] >= t->shards[j]->kb_entities
                || !block_of(t->shards[j], t->places[j][rows[i]], &b))
                continue;
            search_block(&w, &b);
            if (job.heaps->n && !(scores[i] >= job.heaps->v[0].score))
                scores[i] = job.heaps->v[0].score;
        }
    }
    worker_release(&w);
    heaps_free(job.heaps, 1);
    free(padded);
}
