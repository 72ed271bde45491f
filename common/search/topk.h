/* SPDX-License-Identifier: MIT */
/*
 * topk: the k best vectors of one or more indexes by inner product, exactly.
 *
 *     struct bl_topk *t = bl_topk_new(shards, n_shards, 0);
 *     bl_topk_search(t, queries, n, 10, hits, found);
 *     bl_topk_free(t);
 *
 * Every score is added up in one fixed order, whatever the batch, the
 * threads or the place of the vector in its file: the same query gives the
 * same bits, and equal scores are ordered by catalogue row.  Rows of vectors
 * go through the processor's nearest cache once for all queries of a call,
 * so that 64 queries cost much less than 64 calls, and one query runs at the
 * speed of memory.
 *
 * The shards are borrowed and must outlive the bl_topk, which is to be used
 * by one thread (it has its own).
 */
#ifndef BL_TOPK_H
#define BL_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "search/index.h"

BL_BEGIN_DECLS

struct bl_hit {
    float score;
    uint32_t row;               /* of the catalogue */
};

struct bl_topk;

/* All shards have the same dim.  threads 0: one per core that this process
 * may use, or one alone in a job of GNU parallel. */
struct bl_topk *bl_topk_new(const struct bl_index *const *shards,
                            size_t n_shards, size_t threads);
void bl_topk_free(struct bl_topk *t);

/* queries[n][dim] -> hits[n][k], best first; found[i] <= k of them are set
 * (fewer only when the indexes hold fewer vectors).  A row that several
 * shards hold comes once, with its best score.  Queries must be finite. */
void bl_topk_search(struct bl_topk *t, const float *queries, size_t n,
                    size_t k, struct bl_hit *hits, size_t *found);

/* The scores of the given catalogue rows for one query, equal to what a
 * search would give; NAN for a row without a vector.  The first call makes a
 * table of 4 bytes per catalogue row and shard. */
void bl_topk_scores(struct bl_topk *t, const float *query,
                    const uint32_t *rows, size_t n, float *scores);

/* The vector of a catalogue row, out[dim]; false for a row without one.  A row
 * that several shards hold has that of the first.  Uses the same table. */
bool bl_topk_vector(struct bl_topk *t, uint32_t row, float *out);

/* "avx512f", "avx2" or "plain C"; static storage. */
const char *bl_topk_describe(void);

BL_END_DECLS

#endif
