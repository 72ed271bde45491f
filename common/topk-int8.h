/* SPDX-License-Identifier: MIT */
/*
 * topk-int8: which vectors of an int8 index may be among the best, found in
 * 8-bit arithmetic; for topk.c only.
 *
 * A query q is rounded to q' of 8 bits.  For a vector v the two scores
 * differ by at most |q - q'| |v|, so that a vector whose rounded score is
 * below the threshold by more than that is none of the best, whatever its
 * exact score.  The few others are scored exactly: the answer is that of an
 * exact search, to the bit, for a fraction of the work.
 */
#ifndef BL_TOPK_INT8_H
#define BL_TOPK_INT8_H

#include <stddef.h>
#include <stdint.h>

enum {
    COARSE_QUERIES = 64,        /* that one bl_coarse takes */
    COARSE_ROWS = 96            /* vectors looked at together */
};

struct bl_coarse;

/* Rounds queries[n][length], n > 0, for vectors of `stride` codes, a multiple
 * of 64: one for each COARSE_QUERIES.  NULL when this processor gains nothing
 * by it. */
struct bl_coarse **bl_coarse_new(const float *queries, size_t n,
                                 size_t length, size_t stride);
void bl_coarse_free(struct bl_coarse **c, size_t n);

/* An upper bound of the lengths of n vectors, without those whose scale is
 * NaN. */
float bl_coarse_norm(const int8_t *codes, size_t stride, size_t n,
                     const float *scales);

struct bl_coarse_hit {
    uint32_t row, query;
};

/* Those of n <= COARSE_ROWS vectors, no longer than `norm`, that may reach
 * thresholds[i] for query i; by row.  hits: room for n * queries; room: of
 * bl_coarse_room() bytes, aligned to 64.  Returns how many. */
size_t bl_coarse_find(const struct bl_coarse *c, const int8_t *codes,
                      size_t n, const float *scales, float norm,
                      const float *thresholds, void *room,
                      struct bl_coarse_hit *hits);
size_t bl_coarse_room(const struct bl_coarse *c);

#endif
