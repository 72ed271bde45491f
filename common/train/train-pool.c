/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-pool.h"

#include <stdlib.h>
#include <string.h>

#include "net/encoder.h"
#include "search/index.h"
#include "base/mem.h"
#include "search/topk.h"
#include "base/random.h"

enum { CHUNK = 512, ALIGN = 64 };

/* ---- Choosing ---- */

static void add(struct bl_pool *p, uint32_t number)
{
    BL_GROW(p->numbers, p->n + 1, p->cap);
    p->numbers[p->n++] = number;
}

/* Rows of the catalogue in a random order, until there are enough. */
static int add_rows(struct bl_pool *p, size_t size, uint64_t seed,
                    struct bl_err *err)
{
    struct bl_examples *x = p->examples;
    size_t rows = bl_kb_count(x->kb), known = p->n;
    size_t *order = bl_xmalloc(rows, sizeof *order);
    uint64_t random = bl_random_seed(seed, 'p', 0);
    int rc = 0;

    for (size_t i = 0; i < rows; i++)
        order[i] = i;
    bl_random_shuffle(&random, order, rows);
    for (size_t i = 0; i < rows && !rc && (!size || p->n < size); i++) {
        uint32_t number;

        rc = bl_examples_row(x, (int64_t)order[i], &number, err);
        if (!rc && number >= known)
            add(p, number);
    }
    free(order);
    return rc;
}

int bl_pool_choose(struct bl_pool *p, size_t size, bool own, uint64_t seed,
                   struct bl_err *err)
{
    p->n = 0;
    /* Entities are numbered as they come, so the known ones are a prefix. */
    for (uint32_t i = 0; (own || !p->examples->kb)
         && i < p->examples->n_entities; i++)
        add(p, i);
    return p->examples->kb ? add_rows(p, size, seed, err) : 0;
}

/* ---- Vectors ---- */

struct coder {
    struct bl_encoder *encoder;
    struct bl_batch batch;
    struct bl_input input;
};

static int open_coder(struct coder *c, const struct bl_pool *p,
                      struct bl_err *err)
{
    struct bl_engine_opts o = BL_ENGINE_OPTS_DEFAULT;

    o.threads = p->threads;
    *c = (struct coder){ .encoder = bl_encoder_open(&p->net->view, &o,
                                                    err) };
    return c->encoder ? 0 : -1;
}

static void close_coder(struct coder *c)
{
    bl_batch_free(&c->batch);
    bl_input_free(&c->input);
    bl_encoder_close(c->encoder);
}

/* Vectors of the batch, to rows of `padded` floats that end with zeros. */
static int embed(struct coder *c, const struct bl_pool *p,
                 enum bl_tower tower, size_t padded, float *out,
                 struct bl_err *err)
{
    size_t dim = p->net->view.dim, n = c->batch.n_seqs;
    float *v = bl_xmalloc(n, dim * sizeof *v);
    int rc = bl_encoder_embed(c->encoder, tower, &c->batch, v, NULL, err);

    for (size_t i = 0; !rc && i < n; i++) {
        memset(out + i * padded, 0, padded * sizeof *out);
        memcpy(out + i * padded, v + i * dim, dim * sizeof *v);
    }
    free(v);
    bl_batch_clear(&c->batch);
    return rc;
}

static void add_input(struct coder *c)
{
    bl_batch_add(&c->batch, c->input.ids, c->input.segments,
                 c->input.positions, c->input.n);
}

/* For n vectors of p->padded floats. */
static void make_room(struct bl_pool *p, size_t n)
{
    size_t bytes;

    free(p->vectors);
    if (!bl_size_mul(n ? n : 1, p->padded * sizeof(float), &bytes)
        || !(p->vectors = aligned_alloc(ALIGN, bytes)))
        bl_oom(SIZE_MAX);
}

int bl_pool_embed(struct bl_pool *p, struct bl_err *err)
{
    const struct bl_model *m = &p->net->view;
    struct coder c;
    size_t at = 0;
    int rc = open_coder(&c, p, err);

    if (rc < 0)
        return -1;
    p->padded = (m->dim * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN
        / sizeof(float);
    make_room(p, p->n);
    for (size_t i = 0; i < p->n && !rc; i++) {
        bl_input_entity(&c.input, m->words, m->input,
                        &p->examples->entities[p->numbers[i]]);
        add_input(&c);
        if (c.batch.n_seqs < CHUNK && i + 1 < p->n)
            continue;
        rc = embed(&c, p, BL_TOWER_ENTITY, p->padded,
                   p->vectors + at * p->padded, err);
        at = i + 1;
    }
    close_coder(&c);
    return rc;
}

static int load_segment(struct bl_pool *p, const struct bl_index *x,
                        const struct bl_index_segment *s,
                        struct bl_err *err)
{
    uint32_t number;

    for (size_t i = 0; i < s->n; i++) {
        if (s->rows[i] == BL_INDEX_REMOVED)
            continue;
        if (bl_examples_row(p->examples, s->rows[i], &number, err) < 0)
            return -1;
        bl_index_decode(x, s, i, 1, p->vectors + p->n * p->padded);
        add(p, number);
    }
    return 0;
}

static int check_index(const struct bl_pool *p, const struct bl_index *x,
                       struct bl_err *err)
{
    const struct bl_kb *kb = p->examples->kb;

    if (bl_index_check_kb(x, bl_kb_fingerprint(kb), bl_kb_count(kb),
                          bl_kb_path(kb), err) < 0)
        return -1;
    if (!strcmp(x->model, p->net->base->fingerprint)
        && x->dim == p->net->view.dim)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': vectors of model %.16s, but the base "
                   "'%s' is %.16s", x->map.path, x->model,
                   p->net->base->path, p->net->base->fingerprint);
}

int bl_pool_load(struct bl_pool *p, const struct bl_index *x,
                 struct bl_err *err)
{
    if (check_index(p, x, err) < 0)
        return -1;
    p->n = 0;
    p->padded = x->padded;
    make_room(p, x->n);
    for (size_t i = 0; i < x->n_segments; i++)
        if (load_segment(p, x, &x->segments[i], err) < 0)
            return -1;
    return 0;
}

/* ---- Searching ---- */

/* The vectors as topk.h wants them: an index that is in no file. */
static void as_index(const struct bl_pool *p, struct bl_index *x,
                     uint32_t *rows)
{
    for (size_t i = 0; i < p->n; i++)
        rows[i] = (uint32_t)i;
    *x = (struct bl_index){ .dtype = BL_DTYPE_F32, .dim = p->net->view.dim,
        .padded = p->padded, .stride = p->padded * sizeof(float),
        .n = p->n, .kb_entities = p->n, .n_segments = 1 };
    x->segments[0] = (struct bl_index_segment){
        .n = p->n, .vectors = (const unsigned char *)p->vectors,
        .rows = rows };
}

static void take_hits(const struct bl_pool *p, const struct bl_hit *hits,
                      size_t found, size_t k, uint32_t *near)
{
    for (size_t i = 0; i < k; i++)
        near[i] = i < found ? p->numbers[hits[i].row] : BL_POOL_NONE;
}

static int search_chunk(struct bl_pool *p, struct coder *c,
                        struct bl_topk *topk, size_t k, uint32_t *near,
                        struct bl_err *err)
{
    size_t dim = p->net->view.dim, n = c->batch.n_seqs;
    float *v = bl_xmalloc(n, dim * sizeof *v);
    struct bl_hit *hits = bl_xmalloc(n, k * sizeof *hits);
    size_t *found = bl_xmalloc(n, sizeof *found);
    int rc = embed(c, p, BL_TOWER_CONTEXT, dim, v, err);

    if (!rc)
        bl_topk_search(topk, v, n, k, hits, found);
    for (size_t i = 0; i < n && !rc; i++)
        take_hits(p, hits + i * k, found[i], k, near + i * k);
    free(v);
    free(hits);
    free(found);
    return rc;
}

int bl_pool_search(struct bl_pool *p, const size_t *which, size_t n,
                   size_t k, uint32_t *near, struct bl_err *err)
{
    const struct bl_model *m = &p->net->view;
    uint32_t *rows = bl_xmalloc(p->n, sizeof *rows);
    struct bl_index index;
    const struct bl_index *shards[] = { &index };
    struct bl_topk *topk;
    struct coder c;
    size_t at = 0;
    int rc = open_coder(&c, p, err);

    as_index(p, &index, rows);
    topk = bl_topk_new(shards, 1, p->threads);
    for (size_t i = 0; i < n && !rc; i++) {
        bl_input_context(&c.input, m->words, m->input,
                         &p->examples->v[which[i]].mention);
        add_input(&c);
        if (c.batch.n_seqs < CHUNK && i + 1 < n)
            continue;
        rc = search_chunk(p, &c, topk, k, near + at * k, err);
        at = i + 1;
    }
    bl_topk_free(topk);
    if (c.encoder)
        close_coder(&c);
    free(rows);
    return rc;
}

void bl_pool_free(struct bl_pool *p)
{
    free(p->numbers);
    free(p->vectors);
    *p = (struct bl_pool){ .n = 0 };
}
