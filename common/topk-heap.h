/* SPDX-License-Identifier: MIT */
/*
 * topk-heap: the best hits of one query so far; for topk.c only.
 */
#ifndef BL_TOPK_HEAP_H
#define BL_TOPK_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "topk.h"

/* A heap with the worst on top.  Storage, of `cap` hits, is the caller's. */
struct bl_heap {
    struct bl_hit *v;
    size_t n, cap;
    float threshold;            /* nothing below it gets in; -INFINITY until
                                 * it is full */
};

/* Ties go by row. */
static inline bool bl_hit_better(struct bl_hit a, struct bl_hit b)
{
    return a.score > b.score || (a.score == b.score && a.row < b.row);
}

/* x.score: at least the threshold. */
void bl_heap_offer(struct bl_heap *h, struct bl_hit x);

#endif
