/* SPDX-License-Identifier: MIT */
/*
 * topk-coarse: which vectors that have int8 codes may be among the best, found
 * in 8-bit arithmetic; for topk.c only.
 *
 * A query q is rounded to q' of 8 bits.  The vector v is what its codes stand
 * for, v' = scale * codes, or f32 or f16 near it, of which the codes lost
 * |v - v'|.  Of its two scores, <q, v> and the rounded <q', v'>,
 *
 *     <q, v> - <q', v'> = <q - q', v'> + <q, v - v'>,
 *
 * and by Cauchy and Schwarz they differ by at most
 *
 *     |q - q'| |v'| + |q| |v - v'|.
 *
 * So a vector whose rounded score is below the threshold by more than that is
 * none of the best, whatever its exact score.  The few others are scored
 * exactly, from v: the answer is that of an exact search, to the bit, for a
 * fraction of the work.
 *
 * Floats add to it.  With u = 2^-24, an exact score of n numbers is a sum in
 * at least four lanes, each product of which is rounded n / 4 + 4 times or
 * less: off by (n / 4 + 4) u |q| |v| at most.  The rounded score is an
 * integer, converted and multiplied twice: off by 3 u |q'| |v'|.  What it is
 * compared with takes a few operations more, on numbers that are |q| |v| at
 * most wherever the comparison is close.  Together that is below
 * e |q| |v| <= e |q| (|v'| + |v - v'|) for the e = 1e-6 (10 + n / 16) that is
 * added to both terms.  Below the normal floats an operation is off by 2^-150
 * instead, and there are 2 n of them: less than 1e-37 in all.  Nor may
 * anything overflow: bl_coarse_holds().
 */
#ifndef BL_TOPK_COARSE_H
#define BL_TOPK_COARSE_H

#include <stdbool.h>
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

/* What is known of some vectors: no scale * codes is longer than `norm`, and
 * none has lost more than `lost`. */
struct bl_coarse_most {
    float norm, lost;
};

/* Of n vectors; lost: NULL when they are their codes.  Those whose scale is
 * NaN, or what they lost, do not count. */
struct bl_coarse_most bl_coarse_most(const int8_t *codes, size_t stride,
                                     size_t n, const float *scales,
                                     const float *lost);

/* False when scores of such vectors might overflow, so that nothing follows
 * from what bl_coarse_find() says. */
bool bl_coarse_holds(const struct bl_coarse *c, struct bl_coarse_most most);

struct bl_coarse_rows {
    const int8_t *codes;        /* [n][stride] */
    size_t n;                   /* at most COARSE_ROWS */
    const float *scales;        /* [n] */
    const float *lost;          /* [n]: |v - scale * codes|; NULL: 0 */
    float norm;                 /* no scale * codes is longer */
};

struct bl_coarse_hit {
    uint32_t row, query;
};

/* Those of the rows that may reach thresholds[i] for query i; by row.  hits:
 * room for rows->n * queries; room: of bl_coarse_room() bytes, aligned to 64.
 * Returns how many. */
size_t bl_coarse_find(const struct bl_coarse *c,
                      const struct bl_coarse_rows *rows,
                      const float *thresholds, void *room,
                      struct bl_coarse_hit *hits);
size_t bl_coarse_room(const struct bl_coarse *c);

#endif
