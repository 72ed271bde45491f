/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/topk-heap.h"

static void sift_down(struct bl_heap *h, struct bl_hit x)
{
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->n)
            break;
        if (child + 1 < h->n && bl_hit_better(h->v[child], h->v[child + 1]))
            child++;
        if (!bl_hit_better(x, h->v[child]))
            break;
        h->v[i] = h->v[child];
        i = child;
    }
    h->v[i] = x;
}

static void sift_up(struct bl_heap *h, struct bl_hit x)
{
    size_t i = h->n++;

    while (i && bl_hit_better(h->v[(i - 1) / 2], x)) {
        h->v[i] = h->v[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->v[i] = x;
}

void bl_heap_offer(struct bl_heap *h, struct bl_hit x)
{
    if (h->lock)
        pthread_mutex_lock(h->lock);
    if (h->n < h->cap)
        sift_up(h, x);
    else if (bl_hit_better(x, h->v[0]))
        sift_down(h, x);
    if (h->n == h->cap)
        atomic_store_explicit(&h->threshold, h->v[0].score,
                              memory_order_relaxed);
    if (h->lock)
        pthread_mutex_unlock(h->lock);
}
