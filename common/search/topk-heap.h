/* SPDX-License-Identifier: MIT */
/*
 * topk-heap: the best hits of one query so far; for topk.c only.
 */
#ifndef BL_TOPK_HEAP_H
#define BL_TOPK_HEAP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "search/topk.h"

/* A heap with the worst on top.  Storage, of `cap` hits, is the caller's, as
 * is the lock where several threads offer hits; any of them may read the
 * threshold without it. */
struct bl_heap {
    struct bl_hit *v;
    size_t n, cap;
    pthread_mutex_t *lock;      /* NULL: one thread */
    _Atomic float threshold;    /* nothing below it gets in; -INFINITY until
                                 * it is full */
};

static inline float bl_heap_threshold(const struct bl_heap *h)
{
    return atomic_load_explicit(&h->threshold, memory_order_relaxed);
}

/* Ties go by row. */
static inline bool bl_hit_better(struct bl_hit a, struct bl_hit b)
{
    return a.score > b.score || (a.score == b.score && a.row < b.row);
}

/* x.score: at least what the threshold was, not NaN. */
void bl_heap_offer(struct bl_heap *h, struct bl_hit x);

#endif
