/* SPDX-License-Identifier: MIT */
/* Search by int8 codes, of vectors in f32 and f16 or of the codes alone: to
 * the bit what a search that looks at all vectors gives, by every kernel,
 * whatever the numbers; and few vectors are left to be scored. */
#include <stddef.h>

static size_t which;
#define TOPK_INT8_KERNEL which
#include "../../common/search/topk-coarse.c"

#include <float.h>
#include <unistd.h>

#include "base/mem.h"
#include "make-index.h"
#include "search/index-file.h"
#include "search/index.h"
#include "search/topk.h"
#include "tap.h"

/* As few vectors as keep more than one thread busy (topk.c). */
enum { N = 500, QUERIES = 70, MOST_K = N + 5 };

static char folder[] = "/tmp/test-topk-both-XXXXXX";
static uint32_t seed = 1;

/* Uniform in [-1, 1). */
static float number(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

/* ---- Vectors that make it hard ---- */

enum kind {
    PLAIN, EQUAL, ZEROS, TINY, HUGE_ONES, ALL_SIZES, ONE_LARGE, NEAR, SAME,
    N_KINDS
};

static const char *const names[N_KINDS] = {
    "random", "equal", "with zeros", "denormal", "huge", "of all sizes",
    "with one large number", "nearly equal", "of equal scores"
};

/* Number j of vector i; `top` is the largest that the type holds. */
static float value(enum kind kind, size_t i, size_t j, float top)
{
    float x = number(), same = (float)((j * 37) % 19) / 9 - 1;

    switch (kind) {
    case EQUAL: return same;
    case ZEROS: return i % 3 ? x : 0;
    case TINY: return x * (top > 1e5f ? 1e-42f : 1e-6f);
    case HUGE_ONES: return x * top;
    case ALL_SIZES: return top > 1e5f ? x * powf(10, (float)(i % 75) - 37)
                                      : x * powf(10, (float)(i % 10) - 6);
    case ONE_LARGE: return j == i % 7 ? 9000 * x : x;
    case NEAR: return same + x * 1e-3f;
    case SAME: return j == 0 ? 1 : i % 2 ? 0 : x;
    default: return x;
    }
}

/* [n][dim]; for the kind SAME all queries see the first number alone. */
static float *make_numbers(enum kind kind, size_t n, size_t dim, float top,
                           bool queries)
{
    float *v = bl_xmalloc(n, dim * sizeof *v);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dim; j++)
            v[i * dim + j] = queries && kind == SAME && j
                ? 0 : value(kind, i, j, top);
    return v;
}

/* ---- Indexes ---- */

/* Rows in another order than vectors. */
static void make(struct bl_index *x, enum bl_dtype dtype, size_t dim,
                 const float *v, size_t n)
{
    make_index(x, folder, bl_dtype_name(dtype), dtype, dim, v, n, n, 5, 11);
}

/* The same vectors in three segments, every ninth removed; caller frees what
 * it returns. */
static uint32_t *cut(struct bl_index *x)
{
    static const uint64_t sizes[] = { 97, 1, N - 98 };
    struct bl_index_segment all = x->segments[0];
    uint32_t *rows = bl_xmemdup(all.rows, N * sizeof *rows);
    uint64_t at = 0;

    for (size_t i = 0; i < N; i += 9)
        rows[i] = BL_INDEX_REMOVED;
    for (size_t i = 0; i < 3; at += sizes[i++])
        x->segments[i] = (struct bl_index_segment){
            .n = sizes[i], .vectors = all.vectors + at * x->stride,
            .rows = rows + at,
            .codes = all.codes ? all.codes + at * x->code_stride : NULL,
            .scales = all.scales ? all.scales + at : NULL,
            .lost = all.lost ? all.lost + at : NULL
        };
    x->n_segments = 3;
    return rows;
}

/* ---- The same answers ---- */

/* Of 5 queries for MOST_K; all of them, for 20, take less. */
struct answer {
    struct bl_hit hits[5 * MOST_K];
    size_t found[QUERIES];
};

/* a is not searched by codes: there is no point in it with plain C. */
static bool same_answers(struct bl_topk *a, struct bl_topk *b,
                         const float *queries, size_t n, size_t k)
{
    struct answer *x = bl_xcalloc(2, sizeof *x);
    size_t chosen = which;
    bool same;

    while (bl_int8_kernel_at(which + 1))
        which++;
    bl_topk_search(a, queries, n, k, x[0].hits, x[0].found);
    which = chosen;
    bl_topk_search(b, queries, n, k, x[1].hits, x[1].found);
    same = !memcmp(&x[0], &x[1], sizeof *x);
    free(x);
    return same;
}

static bool same_scores(struct bl_topk *a, struct bl_topk *b,
                        const float *query)
{
    float x[N], y[N];
    uint32_t rows[N];

    for (uint32_t i = 0; i < N; i++)
        rows[i] = i;
    bl_topk_scores(a, query, rows, N, x);
    bl_topk_scores(b, query, rows, N, y);
    return !memcmp(x, y, sizeof x);
}

static bool agree(const struct bl_index *plain, const struct bl_index *both,
                  const float *q, size_t dim)
{
    bool good = true;

    for (size_t threads = 1; threads <= 3; threads += 2) {
        struct bl_topk *a = bl_topk_new(&plain, 1, 1);
        struct bl_topk *b = bl_topk_new(&both, 1, threads);

        good &= same_answers(a, b, q, 1, 10)
            && same_answers(a, b, q + dim, 3, 1)
            && same_answers(a, b, q, 5, MOST_K)
            && same_answers(a, b, q, 20, 12)
            && same_answers(a, b, q, QUERIES, 7)
            && same_scores(a, b, q);
        bl_topk_free(a);
        bl_topk_free(b);
    }
    return good;
}

/* The same numbers without codes beside them. */
static enum bl_dtype plain_of(enum bl_dtype dtype)
{
    return dtype == BL_DTYPE_F32_INT8 ? BL_DTYPE_F32
        : dtype == BL_DTYPE_F16_INT8 ? BL_DTYPE_F16 : dtype;
}

/* Vectors of one kind, queries of every kind. */
static void one_case(enum bl_dtype with, enum kind kind, size_t dim)
{
    enum bl_dtype dtype = plain_of(with);
    float top = dtype == BL_DTYPE_F16 ? 65000 : FLT_MAX;
    float *v = make_numbers(kind, N, dim, top, false);
    struct bl_index plain, both;
    bool whole = true, parts = true;
    uint32_t *rows[2];

    make(&plain, dtype, dim, v, N);
    make(&both, with, dim, v, N);
    for (enum kind k = 0; k < N_KINDS; k++) {
        float *q = make_numbers(k, QUERIES, dim, FLT_MAX, true);

        whole &= agree(&plain, &both, q, dim);
        free(q);
    }
    rows[0] = cut(&plain);
    rows[1] = cut(&both);
    float *q = make_numbers(kind, QUERIES, dim, top, true);
    parts &= agree(&plain, &both, q, dim);
    ok(whole, "%s x %zu, %s", bl_dtype_name(with), dim, names[kind]);
    ok(parts, "the same in three segments with vectors removed");
    bl_index_close(&plain);
    bl_index_close(&both);
    free(rows[0]);
    free(rows[1]);
    free(v);
    free(q);
}

/* Shards of all types answer as the same shards without codes beside f32 and
 * f16. */
static void shards(void)
{
    enum { DIM = 70 };
    static const enum bl_dtype types[] = {
        BL_DTYPE_F32, BL_DTYPE_F16, BL_DTYPE_INT8, BL_DTYPE_F32_INT8,
        BL_DTYPE_F16_INT8
    };
    float *v = make_numbers(PLAIN, N + 2, DIM, 1, false);
    struct bl_index x[5];
    const struct bl_index *some[3], *others[3];

    for (size_t i = 0; i < 5; i++)
        make(&x[i], types[i], DIM, v + i % 3 * DIM, N);
    for (size_t i = 0; i < 3; i++) {
        some[i] = &x[i];
        others[i] = i < 2 ? &x[i + 3] : &x[2];
    }
    struct bl_topk *a = bl_topk_new(some, 3, 1);
    struct bl_topk *b = bl_topk_new(others, 3, 2);
    ok(same_answers(a, b, v, 1, 5) && same_answers(a, b, v, 70, 20),
       "shards of several types");
    bl_topk_free(a);
    bl_topk_free(b);
    for (size_t i = 0; i < 5; i++)
        bl_index_close(&x[i]);
    free(v);
}

/* ---- How few are left ---- */

struct set {
    size_t n, dim, stride;
    float *v, *scales, *lost, *q;
    int8_t *codes;
};

static void set_init(struct set *s)
{
    s->v = make_numbers(PLAIN, s->n, s->dim, 1, false);
    s->q = make_numbers(PLAIN, COARSE_QUERIES, s->dim, 1, true);
    s->codes = bl_xaligned(s->n, s->stride);
    memset(s->codes, 0, s->n * s->stride);
    s->scales = bl_xmalloc(s->n, sizeof(float));
    s->lost = bl_xmalloc(s->n, sizeof(float));
    for (size_t i = 0; i < s->n; i++) {
        const float *v = s->v + i * s->dim;
        int8_t *codes = s->codes + i * s->stride;

        s->scales[i] = bl_index_codes(v, s->dim, codes);
        s->lost[i] = bl_index_lost_above(v, s->scales[i], codes, s->dim);
    }
}

static int falling(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* Scores [n] of a query; the tenth best of them. */
static float score_all(const struct set *s, const float *q, float *scores)
{
    float *sorted, tenth;

    for (size_t i = 0; i < s->n; i++) {
        double sum = 0;

        for (size_t j = 0; j < s->dim; j++)
            sum += (double)q[j] * (double)s->v[i * s->dim + j];
        scores[i] = (float)sum;
    }
    sorted = bl_xmemdup(scores, s->n * sizeof *sorted);
    qsort(sorted, s->n, sizeof *sorted, falling);
    tenth = sorted[9];
    free(sorted);
    return tenth;
}

/* Marks what bl_coarse_find() leaves in left[n][COARSE_QUERIES]; how many. */
static size_t find_all(const struct set *s, const float *thresholds,
                       bool (*left)[COARSE_QUERIES])
{
    struct bl_coarse **c = bl_coarse_new(s->q, COARSE_QUERIES, s->dim,
                                         s->stride);
    struct bl_coarse_most most = bl_coarse_most(s->codes, s->stride, s->n,
                                                s->scales, s->lost);
    struct bl_coarse_hit hits[COARSE_ROWS * COARSE_QUERIES];
    void *room = bl_xaligned(1, bl_coarse_room(c[0]));
    size_t total = 0;

    for (size_t at = 0; at < s->n; at += COARSE_ROWS) {
        struct bl_coarse_rows rows = {
            s->codes + at * s->stride, BL_MIN(s->n - at, COARSE_ROWS),
            s->scales + at, s->lost + at, most.norm
        };
        size_t n = bl_coarse_find(c[0], &rows, thresholds, room, hits);

        for (size_t i = 0; i < n; i++)
            left[at + hits[i].row][hits[i].query] = true;
        total += n;
    }
    bl_coarse_free(c, COARSE_QUERIES);
    free(room);
    return total;
}

static void prunes(void)
{
    struct set s = { .n = 5000, .dim = 256, .stride = 256 };
    float thresholds[COARSE_QUERIES];
    float *scores = bl_xmalloc(COARSE_QUERIES, s.n * sizeof *scores);
    bool (*left)[COARSE_QUERIES] = bl_xcalloc(s.n, sizeof *left);
    size_t n, missed = 0;

    set_init(&s);
    for (size_t q = 0; q < COARSE_QUERIES; q++)
        thresholds[q] = score_all(&s, s.q + q * s.dim, scores + q * s.n);
    n = find_all(&s, thresholds, left);
    for (size_t q = 0; q < COARSE_QUERIES; q++)
        for (size_t i = 0; i < s.n; i++)
            missed += scores[q * s.n + i] >= thresholds[q] && !left[i][q];
    ok(!missed, "none of the ten best is lost");
    ok(n < 20 * COARSE_QUERIES, "of 5000 vectors %.1f are left for ten",
       (double)n / COARSE_QUERIES);
    free(s.v);
    free(s.q);
    free(s.codes);
    free(s.scales);
    free(s.lost);
    free(scores);
    free(left);
}

int main(void)
{
    static const size_t dims[] = { 1, 24, 130, 64 };
    char *command;

    if (!mkdtemp(folder))
        return 99;
    for (enum kind kind = 0; kind < N_KINDS; kind++) {
        one_case(BL_DTYPE_F32_INT8, kind, dims[kind % 4]);
        one_case(BL_DTYPE_F32_INT8, kind, dims[(kind + 2) % 4]);
        one_case(BL_DTYPE_F16_INT8, kind, dims[(kind + 1) % 4]);
        one_case(BL_DTYPE_INT8, kind, dims[(kind + 2) % 4]);
    }
    /* Where the fastest kernel compares by itself, others do not. */
    for (which = 1; bl_int8_kernel_at(which); which++) {
        one_case(BL_DTYPE_F32_INT8, ALL_SIZES, 24);
        one_case(BL_DTYPE_F32_INT8, NEAR, 130);
        one_case(BL_DTYPE_INT8, ALL_SIZES, 24);
    }
    which = 0;
    shards();
    if (bl_int8_kernel_at(0)->multiply != bl_int8_multiply_c)
        prunes();
    command = bl_xasprintf("rm -rf '%s'", folder);
    if (system(command))
        return 99;
    free(command);
    return tap_done();
}
