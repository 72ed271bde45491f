/* SPDX-License-Identifier: MIT */
/* Exact search against a naive one: all number types and kernels, ties,
 * duplicates, block edges, shards, k above n, batches and threads. */
#include <stddef.h>

static size_t which;
#define TOPK_INT8_KERNEL which
#include "../../common/search/topk-coarse.c"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "make-index.h"
#include "search/index.h"
#include "search/topk-kernels.h"
#include "search/topk.h"
#include "tap.h"

static char folder[] = "/tmp/test-topk-XXXXXX";
static uint32_t seed = 1;

/* A few values only when `coarse`, so that many scores are equal. */
static float number(bool coarse)
{
    seed = seed * 1664525u + 1013904223u;
    if (coarse)
        return (float)((int)(seed >> 30) - 1);
    return (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

static float *numbers(size_t n, bool coarse)
{
    float *v = bl_xmalloc(n, sizeof *v);

    for (size_t i = 0; i < n; i++)
        v[i] = number(coarse);
    return v;
}

static int by_rank(const void *pa, const void *pb)
{
    const struct bl_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

/* All rows of one index by bl_topk_scores, sorted. */
static struct bl_hit *ranking(struct bl_topk *t, const float *query,
                              size_t n_kb, size_t *n)
{
    struct bl_hit *all = bl_xmalloc(n_kb, sizeof *all);

    *n = 0;
    for (uint32_t row = 0; row < n_kb; row++) {
        float score;

        bl_topk_scores(t, query, &row, 1, &score);
        if (!isnan(score))
            all[(*n)++] = (struct bl_hit){ score, row };
    }
    qsort(all, *n, sizeof *all, by_rank);
    return all;
}

/* Every search must give the head of the ranking, bit for bit. */
static bool agrees(struct bl_topk *t, const float *queries, size_t n,
                   size_t dim, size_t k, size_t n_kb)
{
    struct bl_hit *hits = bl_xcalloc(n * k, sizeof *hits);
    size_t *found = bl_xmalloc(n, sizeof *found);
    bool good = true;

    bl_topk_search(t, queries, n, k, hits, found);
    for (size_t i = 0; i < n; i++) {
        size_t total;
        struct bl_hit *want = ranking(t, queries + i * dim, n_kb, &total);

        good &= found[i] == BL_MIN(k, total)
            && !memcmp(want, hits + i * k, found[i] * sizeof *hits);
        free(want);
    }
    free(hits);
    free(found);
    return good;
}

/* The scores themselves against double precision. */
static bool close_to_truth(struct bl_topk *t, const struct bl_index *x,
                           const float *query)
{
    const struct bl_index_segment *s = &x->segments[0];
    float *v = bl_xmalloc(x->padded, sizeof *v), score;
    bool good = true;

    for (uint64_t i = 0; i < s->n; i++) {
        double sum = 0, size = 0;

        bl_index_decode(x, s, i, 1, v);
        for (size_t j = 0; j < x->dim; j++) {
            sum += (double)v[j] * (double)query[j];
            size += fabs((double)v[j] * (double)query[j]);
        }
        bl_topk_scores(t, query, &s->rows[i], 1, &score);
        good &= fabs((double)score - sum) <= 1e-6 * size + 1e-30;
    }
    free(v);
    return good;
}

static void one_case(enum bl_dtype dtype, size_t dim, size_t n, size_t n_kb,
                     bool coarse, size_t step)
{
    enum { QUERIES = 70 };
    float *v = numbers(n * dim, coarse);
    float *q = numbers(QUERIES * dim, coarse);
    const struct bl_index *shard;
    struct bl_index x;

    /* Every third vector is the one before it. */
    for (size_t i = 2; i < n; i += 3)
        memcpy(v + i * dim, v + (i - 1) * dim, dim * sizeof *v);
    make_index(&x, folder, "one.blx", dtype, dim, v, n, n_kb, 3, step);
    shard = &x;
    for (size_t threads = 1; threads <= 3; threads += 2) {
        struct bl_topk *t = bl_topk_new(&shard, 1, threads);

        ok(agrees(t, q, 1, dim, 10, n_kb) && agrees(t, q, 2, dim, 1, n_kb)
           && agrees(t, q, 5, dim, n + 5, n_kb)
           && agrees(t, q, 20, dim, 12, n_kb)
           && agrees(t, q, 47, dim, 3, n_kb)
           && agrees(t, q, QUERIES, dim, 7, n_kb),
           "%s %zu x %zu%s, %zu threads", bl_dtype_name(dtype), n, dim,
           coarse ? " with ties" : "", threads);
        ok(close_to_truth(t, &x, q), "scores are right");
        bl_topk_free(t);
    }
    bl_index_close(&x);
    free(v);
    free(q);
}

static void shards(void)
{
    enum { N = 50, DIM = 20, KB = 120 };
    float *v = numbers(2 * N * DIM, true), *q = numbers(3 * DIM, true);
    struct bl_index x[3];
    const struct bl_index *two[] = { &x[0], &x[1] }, *whole[] = { &x[2] };
    struct bl_hit a[3 * 30], b[3 * 30];
    size_t na[3], nb[3];

    make_index(&x[0], folder, "a.blx", BL_DTYPE_F32, DIM, v, N, KB, 0, 1);
    make_index(&x[1], folder, "b.blx", BL_DTYPE_F32, DIM, v + N * DIM, N, KB,
               N, 1);
    make_index(&x[2], folder, "w.blx", BL_DTYPE_F32, DIM, v, 2 * N, KB, 0, 1);
    struct bl_topk *ts = bl_topk_new(two, 2, 2);
    struct bl_topk *tw = bl_topk_new(whole, 1, 1);
    bl_topk_search(ts, q, 3, 30, a, na);
    bl_topk_search(tw, q, 3, 30, b, nb);
    ok(!memcmp(a, b, sizeof a) && !memcmp(na, nb, sizeof na),
       "two shards answer as the whole does");
    bl_topk_free(ts);

    /* The same shard twice: every row once. */
    two[1] = two[0];
    ts = bl_topk_new(two, 2, 2);
    ok(agrees(ts, q, 3, DIM, 30, KB) && agrees(ts, q, 3, DIM, 49, KB)
       && agrees(ts, q, 3, DIM, 110, KB), "a row of two shards comes once");
    bl_topk_free(ts);
    bl_topk_free(tw);
    for (size_t i = 0; i < 3; i++)
        bl_index_close(&x[i]);
    free(v);
    free(q);
}

/* Several blocks, and removed vectors among them. */
static void blocks(void)
{
    enum { N = 9001, DIM = 64 };
    float *v = numbers(N * DIM, false), *q = numbers(4 * DIM, false);
    struct bl_index x;
    const struct bl_index *shard = &x;

    make_index(&x, folder, "blocks.blx", BL_DTYPE_F32, DIM, v, N, N, 0, 1);
    uint32_t *rows = bl_xmemdup(x.segments[0].rows, N * sizeof *rows);
    for (size_t i = 0; i < N; i += 7)
        rows[i] = BL_INDEX_REMOVED;
    x.segments[0].rows = rows;
    struct bl_topk *t = bl_topk_new(&shard, 1, 4);
    ok(agrees(t, q, 4, DIM, 100, N), "%d vectors, every 7th removed", N);
    bl_topk_free(t);
    free(rows);
    bl_index_close(&x);
    free(v);
    free(q);
}

static void empty(void)
{
    struct bl_index x;
    const struct bl_index *shard = &x;
    struct bl_hit hit;
    float q[3] = { 1, 2, 3 }, score;
    size_t found = 9;
    uint32_t row = 0;

    make_index(&x, folder, "empty.blx", BL_DTYPE_F16, 3, NULL, 0, 5, 0, 1);
    struct bl_topk *t = bl_topk_new(&shard, 1, 2);
    bl_topk_search(t, q, 1, 1, &hit, &found);
    ok(found == 0, "an empty index finds nothing");
    bl_topk_scores(t, q, &row, 1, &score);
    ok(isnan(score), "a row without vector has no score");
    bl_topk_free(t);
    bl_index_close(&x);
}

/* Scores of strip(), q times rows, from other pairs to the bit. */
static bool pairs_are_those_of(const struct bl_topk_kernel *k,
                               const float *q, const float *const rows[4],
                               size_t n, const float *scores)
{
    const float *left[] = { q, q + n, q + 5 * n, q };
    const float *right[] = { rows[3], rows[1], rows[1], rows[0] };
    float pairs[4];

    k->pairs(left, right, n, pairs);
    return pairs[0] == scores[3] && pairs[1] == scores[4 + 1]
        && pairs[2] == scores[5 * 4 + 1] && pairs[3] == scores[0];
}

/* All kernels of this processor give nearly the same. */
static void kernels(void)
{
    enum { N = 96, QUERIES = 13 };
    float *r = numbers(4 * N, false), *q = numbers(QUERIES * N, false);
    const float *rows[] = { r, r + N, r + 2 * N, r + 3 * N };
    const struct bl_topk_kernel *k;
    uint16_t half[N];
    int8_t code[N];
    float wide[2][N];

    for (size_t i = 0; i < N; i++) {
        half[i] = (uint16_t)(i * 331);          /* up to 31445: finite */
        code[i] = (int8_t)(i * 5);
    }
    for (size_t i = 0; (k = bl_topk_kernel_at(i)); i++) {
        float scores[QUERIES * 4];
        bool good = true;

        k->strip(q, QUERIES, rows, (uintptr_t)r, N, scores);
        for (size_t j = 0; j < QUERIES * 4; j++) {
            double sum = 0;

            for (size_t l = 0; l < N; l++)
                sum += (double)q[j / 4 * N + l] *
                       (double)rows[j % 4][l];
            good &= fabs(sum - (double)scores[j]) < 1e-5;
        }
        ok(good, "kernel %s: products", k->name);
        ok(pairs_are_those_of(k, q, rows, N, scores),
           "kernel %s: products of pairs", k->name);
        k->widen_f16(half, N, wide[i > 0]);
        ok(!memcmp(wide[0], wide[i > 0], sizeof *wide), "kernel %s: f16",
           k->name);
        k->widen_int8(code, N, wide[1]);
        good = true;
        for (size_t j = 0; j < N; j++)
            good &= wide[1][j] == (float)code[j];
        ok(good, "kernel %s: int8", k->name);
    }
    free(r);
    free(q);
}

int main(void)
{
    char *command;

    if (!mkdtemp(folder))
        return 99;
    for (enum bl_dtype d = BL_DTYPE_F32; d <= BL_DTYPE_F16_INT8; d++) {
        one_case(d, 1, 1, 9, false, 1);
        one_case(d, 20, 37, 41, false, 2);
        one_case(d, 24, 101, 101, true, 3);
        one_case(d, 64, 64, 70, true, 1);
        one_case(d, 130, 63, 63, false, 4);
        one_case(d, 100, 300, 300, false, 1);
    }
    /* Where the fastest kernel compares by itself, others do not. */
    for (which = 1; bl_int8_kernel_at(which); which++) {
        one_case(BL_DTYPE_INT8, 24, 101, 101, true, 3);
        one_case(BL_DTYPE_INT8, 130, 300, 300, false, 1);
    }
    which = 0;
    shards();
    blocks();
    empty();
    kernels();
    command = bl_xasprintf("rm -rf '%s'", folder);
    if (system(command))
        return 99;
    free(command);
    return tap_done();
}
