/* SPDX-License-Identifier: MIT */
/*
 * bench-topk: makes an index of random vectors and times searches in it,
 * without the JSON around it; for bench-retrieve.
 *
 *     bench-topk make FILE.blx ROWS DIM DTYPE
 *     bench-topk time FILE.blx QUERIES.f32 N K THREADS TIMES
 *
 * `time` searches the first N queries of a file of raw floats TIMES times,
 * prints the seconds of the fastest and the least processor time of one on
 * standard error, and the catalogue rows of each query on a line of standard
 * output.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "search/index.h"
#include "search/topk.h"

static uint64_t state = 88172645463325252u;

/* Uniform in [-1, 1). */
static float random_float(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static enum bl_dtype dtype_of(const char *name)
{
    for (enum bl_dtype d = BL_DTYPE_F32; d <= BL_DTYPE_F16_INT8; d++)
        if (!strcmp(name, bl_dtype_name(d)))
            return d;
    bl_die_usage("expected one of " BL_DTYPE_NAMES ", found '%s'", name);
}

static int make(char **v)
{
    struct bl_index_spec spec = {
        .dtype = dtype_of(v[3]),
        .dim = strtoull(v[2], NULL, 10), .model = "random", .kb = "random",
        .kb_entities = strtoull(v[1], NULL, 10),
        .expected = strtoull(v[1], NULL, 10)
    };
    struct bl_err err;
    float *x = bl_xmalloc(spec.dim, sizeof *x);
    struct bl_index_writer *w = bl_index_create(v[0], &spec, &err);

    if (!w)
        bl_die(&err);
    for (uint64_t i = 0; i < spec.expected; i++) {
        for (size_t j = 0; j < spec.dim; j++)
            x[j] = random_float();
        if (bl_index_add(w, i, x, &err) < 0)
            bl_die(&err);
    }
    if (bl_index_commit(w, &err) < 0)
        bl_die(&err);
    free(x);
    return 0;
}

/* Of all threads. */
static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int time_search(char **v)
{
    size_t n = strtoull(v[2], NULL, 10), k = strtoull(v[3], NULL, 10);
    size_t threads = strtoull(v[4], NULL, 10);
    size_t times = strtoull(v[5], NULL, 10);
    struct bl_index index;
    const struct bl_index *shard = &index;
    struct bl_map queries;
    struct bl_err err;
    double best = 1e9, least = 1e9;

    if (bl_index_open(&index, v[0], &err) < 0
        || bl_map_open(&queries, v[1], &err) < 0)
        bl_die(&err);
    if (queries.size / sizeof(float) / index.dim < n)
        bl_die_usage("'%s' holds fewer than %zu queries", v[1], n);
    struct bl_hit *hits = bl_xmalloc(n * k, sizeof *hits);
    size_t *found = bl_xmalloc(n, sizeof *found);
    struct bl_topk *t = bl_topk_new(&shard, 1, threads);
    for (size_t i = 0; i < times; i++) {
        double start = bl_now(), cpu = cpu_now();

        bl_topk_search(t, (const void *)queries.data, n, k, hits, found);
        start = bl_now() - start;
        cpu = cpu_now() - cpu;
        best = BL_MIN(start, best);
        least = BL_MIN(cpu, least);
    }
    fprintf(stderr, "%.6f %.6f\n", best, least);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < found[i]; j++)
            printf("%" PRIu32 "%c", hits[i * k + j].row,
                   j + 1 < found[i] ? ' ' : '\n');
    bl_topk_free(t);
    free(hits);
    free(found);
    bl_map_close(&queries);
    bl_index_close(&index);
    return 0;
}

int main(int argc, char **argv)
{
    bl_prog_init("bench-topk");
    if (argc == 6 && !strcmp(argv[1], "make"))
        return bl_prog_finish(make(argv + 2));
    if (argc == 8 && !strcmp(argv[1], "time"))
        return bl_prog_finish(time_search(argv + 2));
    bl_die_usage("expected 'make FILE ROWS DIM DTYPE' or 'time FILE QUERIES "
                 "N K THREADS TIMES'");
}
