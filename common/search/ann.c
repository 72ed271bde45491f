/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/ann.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loaded.h"
#include "base/mem.h"
#include "base/module.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "base/threads.h"
#include "net/blas.h"
#include "search/ann-module.h"

struct bl_ann {
    const struct bl_faiss_api *api;
    struct bl_faiss file;
    struct bl_faiss_index *index;
    float *vector;              /* [stored_dim], one that was fetched */
    int64_t *ids;               /* [cap] what a search found */
    float *queries;             /* [cap_queries][stored_dim] */
    size_t cap, cap_queries;
    char describe[BL_FAISS_TYPE_MAX + 64];
};

/* ---- The module ---- */

/* OpenBLAS, below FAISS, starts its threads as it is loaded: as many as are
 * asked for, and with one none that memory could be too short for. */
static void prepare_blas(size_t threads)
{
    char number[24];

    bl_blas_environment();
    snprintf(number, sizeof number, "%zu", threads);
    setenv("OPENBLAS_NUM_THREADS", number, 0);
}

const struct bl_faiss_api *bl_ann_module(size_t threads, struct bl_err *err)
{
    char *path = bl_path_module("faiss");
    const struct bl_faiss_api *api = NULL;
    bl_faiss_api_fn *entry;
    void *module;

    if (!path && errno) {
        bl_fail_file(err, "cannot look for libblink-faiss.so");
        return NULL;
    }
    if (!path) {
        bl_fail(err, BL_DATA, "this needs FAISS, but blink was built without "
                              "it (no libblink-faiss.so): install "
                              "libfaiss-dev and configure again, or search "
                              "exactly (blink-index import)");
        return NULL;
    }
    threads = threads ? threads : bl_threads_default();
    prepare_blas(threads);
    if (threads > 1 && bl_blas_fits(threads, err) < 0) {
        free(path);
        return NULL;
    }
    /* Threads that wait for others by spinning take the cores that these
     * need, as soon as someone else works here too. */
    setenv("OMP_WAIT_POLICY", "passive", 0);
    module = bl_module_load(path, err);
    if (module) {
        *(void **)&entry = dlsym(module, "bl_faiss_api");
        api = entry ? entry() : NULL;
        if (!api || api->abi != BL_FAISS_ABI) {
            bl_fail(err, BL_DATA, "'%s' comes from another version of blink",
                    path);
            api = NULL;
        }
    }
    free(path);
    if (api)
        api->threads(threads);
    return api;
}

const char *bl_ann_version(struct bl_err *err)
{
    const struct bl_faiss_api *api = bl_ann_module(0, err);

    return api ? api->version : NULL;
}

/* ---- Opening ---- */

static int check_opts(const struct bl_faiss *faiss,
                      const struct bl_ann_opts *opts, struct bl_err *err)
{
    if (opts->ef_search && !faiss->ef_search)
        return bl_fail(err, BL_USAGE, "--ef-search is for HNSW indexes, "
                       "which '%s' (%s) is not", faiss->map.path, faiss->type);
    if (opts->nprobe && !faiss->lists)
        return bl_fail(err, BL_USAGE, "--nprobe is for IVF indexes, which "
                       "'%s' (%s) is not", faiss->map.path, faiss->type);
    return 0;
}

static void describe(struct bl_ann *ann, const struct bl_ann_opts *opts)
{
    const struct bl_faiss *faiss = &ann->file;
    size_t length = (size_t)snprintf(ann->describe, sizeof ann->describe,
                                     "FAISS %s, %s", ann->api->version,
                                     faiss->type);

    if (faiss->ef_search)
        snprintf(ann->describe + length, sizeof ann->describe - length,
                 ", efSearch %zu",
                 opts->ef_search ? opts->ef_search : faiss->ef_search);
    else if (faiss->lists)
        snprintf(ann->describe + length, sizeof ann->describe - length,
                 ", nprobe %" PRIu64,
                 opts->nprobe ? opts->nprobe : faiss->nprobe);
}

/* Also one vector, so that an index which cannot give any is known now. */
static int load(struct bl_ann *ann, const struct bl_ann_opts *opts,
                struct bl_err *err)
{
    char error[BL_ERR_MSG] = "";
    const struct bl_faiss *faiss = &ann->file;

    if (check_opts(faiss, opts, err) < 0)
        return -1;
    ann->api = bl_ann_module(opts->threads, err);
    if (!ann->api)
        return bl_err_prefix(err, "'%s'", faiss->map.path);
    ann->index = ann->api->read(faiss->map.data, faiss->size, error);
    bl_map_forget(&faiss->map);
    ann->vector = bl_xmalloc(faiss->stored_dim, sizeof *ann->vector);
    if (!ann->index
        || ann->api->tune(ann->index, 0, opts->ef_search, opts->nprobe,
                          error) < 0
        || (faiss->n
            && ann->api->fetch(ann->index, (int64_t)bl_faiss_row(faiss, 0),
                               ann->vector, error) < 0))
        return bl_fail(err, BL_DATA, "'%s': %s", faiss->map.path, error);
    describe(ann, opts);
    return 0;
}

/* The sum of the file's end, which holds a sum of all of it (blink-index(5))
 * unless FAISS alone made it; reading the whole would take minutes. */
static int say_loaded(const struct bl_map *map, struct bl_err *err)
{
    size_t end = BL_MIN(map->size, BL_FAISS_TRAILER);
    unsigned char sum[BL_SHA256_SIZE];

    bl_sha256_of(map->data + map->size - end, end, sum);
    return bl_loaded_sum("index", sum, map->path, err);
}

struct bl_ann *bl_ann_open(const char *path, const struct bl_ann_opts *opts,
                           struct bl_err *err)
{
    struct bl_ann *ann = BL_NEW(struct bl_ann);

    if (bl_faiss_open(&ann->file, path, err) == 0 && load(ann, opts, err) == 0
        && say_loaded(&ann->file.map, err) == 0)
        return ann;
    bl_ann_close(ann);
    return NULL;
}

void bl_ann_close(struct bl_ann *ann)
{
    if (!ann)
        return;
    if (ann->api)
        ann->api->close(ann->index);
    bl_faiss_close(&ann->file);
    free(ann->vector);
    free(ann->ids);
    free(ann->queries);
    free(ann);
}

const struct bl_faiss *bl_ann_file(const struct bl_ann *ann)
{
    return &ann->file;
}

const char *bl_ann_describe(const struct bl_ann *ann)
{
    return ann->describe;
}

/* ---- Searching ---- */

/* The sum goes through in the order of the numbers. */
static float score_of(const float *query, const float *vector, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)query[i] * (double)vector[i];
    return (float)sum;
}

/* The score of an id; NAN when the index does not have it. */
static int score_id(struct bl_ann *ann, const float *query, int64_t id,
                    float *score, struct bl_err *err)
{
    char error[BL_ERR_MSG] = "";
    int rc = ann->api->fetch(ann->index, id, ann->vector, error);

    if (rc < 0)
        return bl_fail(err, BL_SYSTEM, "'%s': %s", ann->file.map.path, error);
    *score = rc ? NAN : score_of(query, ann->vector, ann->file.dim);
    return 0;
}

static int best_first(const void *pa, const void *pb)
{
    const struct bl_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* ids[k] of one query as hits in order; returns how many, -1 on failure. */
static int take_hits(struct bl_ann *ann, const float *query,
                     const int64_t *ids, size_t k, struct bl_hit *hits,
                     size_t *found, struct bl_err *err)
{
    *found = 0;
    for (size_t i = 0; i < k; i++) {
        float score;

        if (ids[i] < 0 || ids[i] >= (int64_t)UINT32_MAX)
            continue;
        if (score_id(ann, query, ids[i], &score, err) < 0)
            return -1;
        if (!isnan(score))
            hits[(*found)++] = (struct bl_hit){ score, (uint32_t)ids[i] };
    }
    qsort(hits, *found, sizeof *hits, best_first);
    return 0;
}

/* BLINK's extra number is 0 in a query. */
static const float *widen(struct bl_ann *ann, const float *queries, size_t n)
{
    size_t dim = ann->file.dim, stored = ann->file.stored_dim;

    if (dim == stored)
        return queries;
    if (n > ann->cap_queries) {
        ann->cap_queries = n;
        ann->queries = bl_xrealloc(ann->queries, n, stored * sizeof(float));
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(ann->queries + i * stored, queries + i * dim,
               dim * sizeof(float));
        ann->queries[i * stored + dim] = 0;
    }
    return ann->queries;
}

int bl_ann_search(struct bl_ann *ann, const float *queries, size_t n, size_t k,
                  struct bl_hit *hits, size_t *found, struct bl_err *err)
{
    char error[BL_ERR_MSG] = "";
    size_t want = (size_t)BL_MIN(k, ann->file.n);

    memset(found, 0, n * sizeof *found);
    if (!n || !want)
        return 0;
    BL_GROW(ann->ids, n * want, ann->cap);
    if (ann->api->search(ann->index, widen(ann, queries, n), n, want, ann->ids,
                         error) < 0)
        return bl_fail(err, BL_SYSTEM, "'%s': %s", ann->file.map.path, error);
    for (size_t i = 0; i < n; i++)
        if (take_hits(ann, queries + i * ann->file.dim, ann->ids + i * want,
                      want, hits + i * k, &found[i], err) < 0)
            return -1;
    return 0;
}

int bl_ann_scores(struct bl_ann *ann, const float *query, const uint32_t *rows,
                  size_t n, float *scores, struct bl_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (score_id(ann, query, rows[i], &scores[i], err) < 0)
            return -1;
    return 0;
}
