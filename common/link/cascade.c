/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/cascade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/rank.h"

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

static void order_by_share(struct bl_cascade *c, const double *share)
{
    struct place *p = bl_xmalloc(c->n, sizeof *p);

    for (size_t i = 0; i < c->n; i++)
        p[i] = (struct place){ isnan(share[i]) ? 0 : share[i], i };
    if (c->n > 1)
        qsort(p, c->n, sizeof *p, by_share);
    for (size_t i = 0; i < c->n; i++)
        c->order[i] = p[i].at;
    free(p);
}

/* From the end, so that what is small is not lost beside what is large. */
static void sum_what_is_left(struct bl_cascade *c, const double *share)
{
    c->left[c->n] = 0;
    for (size_t i = c->n; i-- > 0;)
        c->left[i] = c->left[i + 1] + share[c->order[i]];
}

void bl_cascade_start(struct bl_cascade *c, const struct bl_calibration *cal,
                      struct bl_span mention,
                      const struct bl_candidates *list, size_t n,
                      struct bl_arena *a)
{
    struct bl_candidates first = { list->v, n };
    double *x, *share;

    *c = (struct bl_cascade){ .list = list, .n = n, .calibration = cal,
                              .mention = mention };
    c->order = bl_arena_alloc(a, n, sizeof *c->order);
    for (size_t i = 0; i < n; i++)
        c->order[i] = i;
    if (!cal)
        return;
    c->left = bl_arena_alloc(a, n + 1, sizeof *c->left);
    x = bl_xmalloc(n, BL_N_FEATURES * sizeof *x);
    share = bl_xmalloc(n, sizeof *share);
    bl_rank_features(&first, mention, x);
    bl_rank_shares(cal->profile[bl_rank_profile(&first)].rank, x, n, NULL,
                   share);
    order_by_share(c, share);
    sum_what_is_left(c, share);
    free(x);
    free(share);
}

/* What blink-score would say of the list, were it written as it is now: the
 * probability of none. */
static double none(const struct bl_cascade *c)
{
    struct bl_candidates now = { NULL, c->list->n };
    double p;

    now.v = bl_xmalloc(now.n, sizeof *now.v);
    memcpy(now.v, c->list->v, now.n * sizeof *now.v);
    for (size_t i = 0; i < now.n; i++)
        now.v[i].score = now.v[i].cross;
    p = bl_rank(c->calibration, c->mention, NULL, &now);
    free(now.v);
    return p;
}

size_t bl_cascade_next(const struct bl_cascade *c, double risk)
{
    size_t rest = c->n - c->read;
    size_t now = c->read < FIRST ? FIRST - c->read : 1 + c->read / 8;

    if (!c->calibration || !rest)
        return rest;
    if (c->read && risk > 0 && c->left[c->read] * (1 - none(c)) <= risk)
        return 0;
    return BL_MIN(now, rest);
}
