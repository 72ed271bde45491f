/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cascade.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"
#include "rank.h"

enum { FIRST = 2 };             /* a runner-up is needed */

struct place {
    double share;
    size_t at;
};

static int by_share(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->share != y->share)
        return x->share > y->share ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void order_by_share(struct bl_cascade *c)
{
    struct place *p = bl_xmalloc(c->n, sizeof *p);

    for (size_t i = 0; i < c->n; i++)
        p[i] = (struct place){ isnan(c->share[i]) ? 0 : c->share[i], i };
    if (c->n > 1)
        qsort(p, c->n, sizeof *p, by_share);
    for (size_t i = 0; i < c->n; i++)
        c->order[i] = p[i].at;
    free(p);
}

void bl_cascade_start(struct bl_cascade *c, const struct bl_calibration *cal,
                      struct bl_span mention,
                      const struct bl_candidates *list, size_t n,
                      struct bl_arena *a)
{
    struct bl_candidates first = { list->v, n };
    double *x;

    *c = (struct bl_cascade){ .list = list, .n = n };
    c->order = bl_arena_alloc(a, n, sizeof *c->order);
    for (size_t i = 0; i < n; i++)
        c->order[i] = i;
    if (!cal)
        return;
    c->share = bl_arena_alloc(a, n, sizeof *c->share);
    x = bl_xmalloc(n, BL_N_FEATURES * sizeof *x);
    bl_rank_features(&first, mention, x);
    bl_rank_shares(cal->profile[bl_rank_profile(&first)].rank, x, n, NULL,
                   c->share);
    free(x);
    order_by_share(c);
}

/* The second largest score of those read. */
static double runner_up(const struct bl_cascade *c)
{
    double best = -INFINITY, second = -INFINITY;

    for (size_t i = 0; i < c->read; i++) {
        double v = c->list->v[c->order[i]].cross;

        if (v > best) {
            second = best;
            best = v;
        } else if (v > second) {
            second = v;
        }
    }
    return second;
}

/* Of all weight, the part of those not read; NaN when that cannot be told. */
static double left_over(const struct bl_cascade *c)
{
    double base = runner_up(c), left = 0, all = 0;

    for (size_t i = 0; i < c->n; i++) {
        const struct bl_candidate *v = &c->list->v[c->order[i]];
        double share = c->share[c->order[i]];

        if (i < c->read)
            share *= exp(v->cross - base);
        else
            left += share;
        all += share;
    }
    return left / all;
}

size_t bl_cascade_next(const struct bl_cascade *c, double risk)
{
    size_t rest = c->n - c->read, now = c->read ? c->read : FIRST;

    if (!c->share)
        return rest;
    if (c->read && left_over(c) <= risk)
        return 0;
    return now < rest ? now : rest;
}
