/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "net/encoder.h"
#include "search/index.h"
#include "search/topk.h"

enum { CHUNK = 512, ALIGN = 64 };

/* ---- Choosing ---- */

static void add(struct bl_pool *pool, uint32_t number)
{
    BL_GROW(pool->numbers, pool->n + 1, pool->cap);
    pool->numbers[pool->n++] = number;
}

/* Rows of the catalogue in a random order, until there are enough. */
static int add_rows(struct bl_pool *pool, size_t size, uint64_t seed,
                    struct bl_err *err)
{
    struct bl_examples *examples = pool->examples;
    size_t rows = bl_kb_count(examples->kb), known = pool->n, n_removed;
    size_t *order = bl_xmalloc(rows, sizeof *order);
    uint64_t random = bl_random_seed(seed, 'p', 0);
    struct bl_arena arena = BL_ARENA_INIT;
    int64_t *removed;
    int rc = bl_kb_removed_rows(examples->kb, &arena, &removed, &n_removed,
                                err);

    rows = 0;
    for (size_t i = 0, r = 0; rc == 0 && i < bl_kb_count(examples->kb); i++) {
        if (r < n_removed && removed[r] == (int64_t)i)
            r++;
        else
            order[rows++] = i;
    }
    bl_arena_free(&arena);
    bl_random_shuffle(&random, order, rows);
    for (size_t i = 0; i < rows && rc == 0 && (!size || pool->n < size); i++) {
        uint32_t number;

        rc = bl_examples_row(examples, (int64_t)order[i], &number, err);
        if (rc == 0 && number >= known)
            add(pool, number);
    }
    free(order);
    return rc;
}

int bl_pool_choose(struct bl_pool *pool, size_t size, bool own, uint64_t seed,
                   struct bl_err *err)
{
    pool->n = 0;
    /* Entities are numbered as they come, so the known ones are a prefix. */
    for (uint32_t i = 0; (own || !pool->examples->kb)
         && i < pool->examples->n_entities; i++)
        add(pool, i);
    return pool->examples->kb ? add_rows(pool, size, seed, err) : 0;
}

/* ---- Vectors ---- */

struct coder {
    struct bl_encoder *encoder;
    struct bl_batch batch;
    struct bl_input input;
};

static int open_coder(struct coder *coder, const struct bl_pool *pool,
                      struct bl_err *err)
{
    struct bl_engine_opts opts = BL_ENGINE_OPTS_DEFAULT;

    opts.threads = pool->threads;
    *coder = (struct coder){ .encoder = bl_encoder_open(&pool->net->view,
                                                        &opts, err) };
    return coder->encoder ? 0 : -1;
}

static void close_coder(struct coder *coder)
{
    bl_batch_free(&coder->batch);
    bl_input_free(&coder->input);
    bl_encoder_close(coder->encoder);
}

/* Vectors of the batch, to rows of `padded` floats that end with zeros. */
static int embed(struct coder *coder, const struct bl_pool *pool,
                 enum bl_tower tower, size_t padded, float *out,
                 struct bl_err *err)
{
    size_t dim = pool->net->view.dim, n = coder->batch.n_seqs;
    float *vectors = bl_xmalloc(n, dim * sizeof *vectors);
    int rc = bl_encoder_embed(coder->encoder, tower, &coder->batch, vectors,
                              NULL, err);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        memset(out + i * padded, 0, padded * sizeof *out);
        memcpy(out + i * padded, vectors + i * dim, dim * sizeof *vectors);
    }
    free(vectors);
    bl_batch_clear(&coder->batch);
    return rc;
}

static void add_input(struct coder *coder)
{
    bl_batch_add(&coder->batch, coder->input.ids, coder->input.segments,
                 coder->input.positions, coder->input.n);
}

/* Makes room for n vectors of pool->padded floats. */
static void make_room(struct bl_pool *pool, size_t n)
{
    size_t bytes;

    free(pool->vectors);
    if (!bl_size_mul(n ? n : 1, pool->padded * sizeof(float), &bytes)
        || !(pool->vectors = aligned_alloc(ALIGN, bytes)))
        bl_oom(SIZE_MAX);
}

/* Rows are padded with zeros to whole lines of 64 bytes, as those of an index
 * file are, because as_index() hands them to the search as an index.  Inputs
 * are encoded CHUNK at a time, which bounds the memory that tokens take. */
int bl_pool_embed(struct bl_pool *pool, struct bl_err *err)
{
    const struct bl_model *model = &pool->net->view;
    struct coder coder;
    size_t at = 0;
    int rc = open_coder(&coder, pool, err);

    if (rc < 0)
        return -1;
    pool->padded = (model->dim * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN
        / sizeof(float);
    make_room(pool, pool->n);
    for (size_t i = 0; i < pool->n && rc == 0; i++) {
        bl_input_entity(&coder.input, model->words, model->input,
                        &pool->examples->entities[pool->numbers[i]]);
        add_input(&coder);
        if (coder.batch.n_seqs < CHUNK && i + 1 < pool->n)
            continue;
        rc = embed(&coder, pool, BL_TOWER_ENTITY, pool->padded,
                   pool->vectors + at * pool->padded, err);
        at = i + 1;
    }
    close_coder(&coder);
    return rc;
}

static int load_segment(struct bl_pool *pool, const struct bl_index *index,
                        const struct bl_index_segment *segment,
                        struct bl_err *err)
{
    uint32_t number;

    for (size_t i = 0; i < segment->n; i++) {
        if (segment->rows[i] == BL_INDEX_REMOVED)
            continue;
        if (bl_examples_row(pool->examples, segment->rows[i], &number,
                            err) < 0)
            return -1;
        bl_index_decode(index, segment, i, 1,
                        pool->vectors + pool->n * pool->padded);
        add(pool, number);
    }
    return 0;
}

static int check_index(const struct bl_pool *pool,
                       const struct bl_index *index, struct bl_err *err)
{
    const struct bl_kb *kb = pool->examples->kb;

    if (bl_index_check_kb(index, bl_kb_fingerprint(kb), bl_kb_count(kb),
                          bl_kb_path(kb), err) < 0)
        return -1;
    if (!strcmp(index->model, pool->net->base->fingerprint)
        && index->dim == pool->net->view.dim)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': vectors of model %.16s, but the base "
                   "'%s' is %.16s", index->map.path, index->model,
                   pool->net->base->path, pool->net->base->fingerprint);
}

int bl_pool_load(struct bl_pool *pool, const struct bl_index *index,
                 struct bl_err *err)
{
    if (check_index(pool, index, err) < 0)
        return -1;
    pool->n = 0;
    pool->padded = index->padded;
    make_room(pool, index->n);
    for (size_t i = 0; i < index->n_segments; i++)
        if (load_segment(pool, index, &index->segments[i], err) < 0)
            return -1;
    return 0;
}

/* ---- Searching ---- */

/* topk.h searches an index; this one is in memory and in no file. */
static void as_index(const struct bl_pool *pool, struct bl_index *index,
                     uint32_t *rows)
{
    for (size_t i = 0; i < pool->n; i++)
        rows[i] = (uint32_t)i;
    *index = (struct bl_index){ .dtype = BL_DTYPE_F32,
        .dim = pool->net->view.dim, .padded = pool->padded,
        .stride = pool->padded * sizeof(float), .n = pool->n,
        .kb_entities = pool->n, .n_segments = 1 };
    index->segments[0] = (struct bl_index_segment){
        .n = pool->n, .vectors = (const unsigned char *)pool->vectors,
        .rows = rows };
}

static void take_hits(const struct bl_pool *pool, const struct bl_hit *hits,
                      size_t found, size_t k, uint32_t *near)
{
    for (size_t i = 0; i < k; i++)
        near[i] = i < found ? pool->numbers[hits[i].row] : BL_POOL_NONE;
}

static int search_chunk(struct bl_pool *pool, struct coder *coder,
                        struct bl_topk *topk, size_t k, uint32_t *near,
                        struct bl_err *err)
{
    size_t dim = pool->net->view.dim, n = coder->batch.n_seqs;
    float *vectors = bl_xmalloc(n, dim * sizeof *vectors);
    struct bl_hit *hits = bl_xmalloc(n, k * sizeof *hits);
    size_t *found = bl_xmalloc(n, sizeof *found);
    int rc = embed(coder, pool, BL_TOWER_CONTEXT, dim, vectors, err);

    if (rc == 0)
        bl_topk_search(topk, vectors, n, k, hits, found);
    for (size_t i = 0; i < n && rc == 0; i++)
        take_hits(pool, hits + i * k, found[i], k, near + i * k);
    free(vectors);
    free(hits);
    free(found);
    return rc;
}

/* A chunk of contexts is searched for before the next one is encoded, so the
 * memory does not depend on the number of examples. */
int bl_pool_search(struct bl_pool *pool, const size_t *which, size_t n,
                   size_t k, uint32_t *near, struct bl_err *err)
{
    const struct bl_model *model = &pool->net->view;
    uint32_t *rows = bl_xmalloc(pool->n, sizeof *rows);
    struct bl_index index;
    const struct bl_index *shards[] = { &index };
    struct bl_topk *topk;
    struct coder coder;
    size_t at = 0;
    int rc = open_coder(&coder, pool, err);

    as_index(pool, &index, rows);
    topk = bl_topk_new(shards, 1, pool->threads);
    for (size_t i = 0; i < n && rc == 0; i++) {
        bl_input_context(&coder.input, model->words, model->input,
                         &pool->examples->v[which[i]].mention);
        add_input(&coder);
        if (coder.batch.n_seqs < CHUNK && i + 1 < n)
            continue;
        rc = search_chunk(pool, &coder, topk, k, near + at * k, err);
        at = i + 1;
    }
    bl_topk_free(topk);
    if (coder.encoder)
        close_coder(&coder);
    free(rows);
    return rc;
}

void bl_pool_free(struct bl_pool *pool)
{
    free(pool->numbers);
    free(pool->vectors);
    *pool = (struct bl_pool){ .n = 0 };
}
