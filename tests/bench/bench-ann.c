/* SPDX-License-Identifier: MIT */
/*
 * bench-ann: exact search beside approximate search through FAISS, on the
 * same vectors; for scripts/bench.d/bench-ann.
 *
 *     bench-ann FOLDER ROWS DIM THREADS TYPE WIDTH...
 *
 * The vectors are sums of FACTORS random directions and some noise, as those
 * of an encoder have far fewer degrees of freedom than numbers; approximate
 * search of plain noise says nothing.  Prints rows of a table: for each
 * width of the search (efSearch or nprobe) the time of one query and the
 * share of the ten best that it finds.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "search/ann.h"
#include "search/topk.h"

enum { FACTORS = 32, QUERIES = 200, K = 10 };

static uint64_t state = 88172645463325252u;

/* Nearly normal: the sum of four uniform numbers. */
static float random_float(void)
{
    float sum = 0;

    for (int i = 0; i < 4; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        sum += (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
    return sum;
}

static void make_vector(const float *directions, size_t dim, float *v)
{
    for (size_t j = 0; j < dim; j++)
        v[j] = 0.3f * random_float();
    for (size_t f = 0; f < FACTORS; f++) {
        float weight = random_float();

        for (size_t j = 0; j < dim; j++)
            v[j] += weight * directions[f * dim + j];
    }
}

static void make_exact(const char *path, uint64_t rows, size_t dim,
                       float *queries)
{
    struct bl_index_spec spec = { BL_DTYPE_F32, dim, "random", "random",
                                  rows, rows, NULL };
    float *directions = bl_xmalloc(FACTORS, dim * sizeof *directions);
    float *v = bl_xmalloc(dim, sizeof *v);
    struct bl_err err;
    struct bl_index_writer *w = bl_index_create(path, &spec, &err);

    if (!w)
        bl_die(&err);
    for (size_t i = 0; i < FACTORS * dim; i++)
        directions[i] = random_float();
    for (uint64_t i = 0; i < rows; i++) {
        make_vector(directions, dim, v);
        if (bl_index_add(w, i, v, &err) < 0)
            bl_die(&err);
    }
    for (size_t i = 0; i < QUERIES; i++)
        make_vector(directions, dim, queries + i * dim);
    if (bl_index_commit(w, &err) < 0)
        bl_die(&err);
    free(directions);
    free(v);
}

static double recall(const struct bl_hit *a, const size_t *n_a,
                     const struct bl_hit *b, const size_t *n_b)
{
    size_t same = 0, all = 0;

    for (size_t q = 0; q < QUERIES; q++, a += K, b += K) {
        all += n_b[q];
        for (size_t i = 0; i < n_b[q]; i++)
            for (size_t j = 0; j < n_a[q]; j++)
                same += a[j].row == b[i].row;
    }
    return (double)same / (double)all;
}

static double milliseconds(double start)
{
    return (bl_now() - start) * 1000 / QUERIES;
}

struct bench {
    const char *path;
    size_t threads;
    float *queries;
    struct bl_hit exact[QUERIES * K];
    size_t found[QUERIES];
    double exact_time, build_time;
    char what[128];
};

static void time_ann(struct bench *b, size_t width, bool graph)
{
    static struct bl_hit hits[QUERIES * K];
    struct bl_ann_opts opts = { graph ? width : 0, graph ? 0 : width,
                                b->threads };
    size_t found[QUERIES];
    struct bl_err err;
    struct bl_ann *a = bl_ann_open(b->path, &opts, &err);

    if (!a || bl_ann_search(a, b->queries, 1, K, hits, found, &err) < 0)
        bl_die(&err);
    double start = bl_now();
    if (bl_ann_search(a, b->queries, QUERIES, K, hits, found, &err) < 0)
        bl_die(&err);
    double took = milliseconds(start);
    printf("| %s, %s (built in %.0f s, %.1f %% of the ids) | %.2f ms | "
           "exact: %.2f ms | %.1f |\n", b->what, bl_ann_describe(a),
           b->build_time,
           100 * recall(hits, found, b->exact, b->found), took,
           b->exact_time, b->exact_time / took);
    fflush(stdout);
    bl_ann_close(a);
}

static void time_exact(struct bench *b, const struct bl_index *x)
{
    struct bl_topk *t = bl_topk_new(&x, 1, b->threads);
    double start;

    bl_topk_search(t, b->queries, 1, K, b->exact, b->found);
    start = bl_now();
    bl_topk_search(t, b->queries, QUERIES, K, b->exact, b->found);
    b->exact_time = milliseconds(start);
    bl_topk_free(t);
}

int main(int argc, char **argv)
{
    bl_prog_init("bench-ann");
    if (argc < 7)
        bl_die_usage("expected FOLDER ROWS DIM THREADS TYPE WIDTH...");
    static struct bench b;
    struct bl_ann_spec spec = { .type = argv[5] };
    uint64_t rows = strtoull(argv[2], NULL, 10);
    size_t dim = strtoull(argv[3], NULL, 10);
    char *exact = bl_xasprintf("%s/exact.blx", argv[1]);
    char *path = bl_xasprintf("%s/ann.faiss", argv[1]);
    struct bl_index x;
    struct bl_err err;

    b.path = path;
    spec.threads = b.threads = strtoull(argv[4], NULL, 10);
    b.queries = bl_xmalloc(QUERIES, dim * sizeof *b.queries);
    snprintf(b.what, sizeof b.what, "10 of %" PRIu64 " x %zu, %d queries, "
             "%zu threads", rows, dim, QUERIES, b.threads);
    make_exact(exact, rows, dim, b.queries);
    if (bl_index_open(&x, exact, &err) < 0)
        bl_die(&err);
    time_exact(&b, &x);
    double start = bl_now();
    if (bl_ann_make(&x, &spec, path, &err) < 0)
        bl_die(&err);
    b.build_time = bl_now() - start;
    for (int i = 6; i < argc; i++)
        time_ann(&b, strtoull(argv[i], NULL, 10),
                 strncmp(argv[5], "IVF", 3) != 0);
    bl_index_close(&x);
    free(b.queries);
    free(exact);
    free(path);
    return bl_prog_finish(0);
}
