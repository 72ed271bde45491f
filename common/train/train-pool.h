/* SPDX-License-Identifier: MIT */
/*
 * train-pool: entities as the weights of this moment see them, and which of
 * them are nearest to a context: for evaluation and for mining negatives.
 *
 *     struct bl_pool p = { .net = net, .examples = x, .threads = 2 };
 *     bl_pool_choose(&p, 20000, seed, &err);
 *     bl_pool_embed(&p, &err);
 *     bl_pool_search(&p, which, n, 10, near, &err);
 *     bl_pool_free(&p);
 *
 * The cpu engine computes the vectors and topk.h finds them.
 */
#ifndef BL_TRAIN_POOL_H
#define BL_TRAIN_POOL_H

#include "search/index.h"
#include "train/examples.h"
#include "train/params.h"

struct bl_pool {
    const struct bl_params *net;        /* borrowed */
    struct bl_examples *examples;       /* borrowed; grows by new entities */
    size_t threads;
    uint32_t *numbers;          /* [n] entities, each once */
    size_t n;
    float *vectors;             /* [n][padded], aligned; private */
    size_t padded, cap;
};

#define BL_POOL_NONE UINT32_MAX

/* All entities that the examples have so far (own), then random ones of the
 * catalogue until there are `size` (0: the whole catalogue).  Without own:
 * random ones alone. */
int bl_pool_choose(struct bl_pool *pool, size_t size, bool own, uint64_t seed,
                   struct bl_err *err);
int bl_pool_embed(struct bl_pool *pool, struct bl_err *err);
/* In place of both: the entities of an index, with their vectors, for which
 * the base model must have made it and of the catalogue of the examples. */
int bl_pool_load(struct bl_pool *pool, const struct bl_index *index,
                 struct bl_err *err);
/* near[n][k]: entities, the best first; BL_POOL_NONE where the pool has no
 * more.  which[n]: the examples. */
int bl_pool_search(struct bl_pool *pool, const size_t *which, size_t n,
                   size_t k, uint32_t *near, struct bl_err *err);
void bl_pool_free(struct bl_pool *pool);

#endif
