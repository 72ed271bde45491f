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

static int by_share(const void *one, const void *other)
{
    const struct place *x = one, *y = other;

    if (x->share != y->share)
        return x->share > y->share ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void order_by_share(struct bl_cascade *cascade, const double *share)
{
    struct place *places = bl_xmalloc(cascade->n, sizeof *places);

    for (size_t i = 0; i < cascade->n; i++)
        places[i] = (struct place){ isnan(share[i]) ? 0 : share[i], i };
    if (cascade->n > 1)
        qsort(places, cascade->n, sizeof *places, by_share);
    for (size_t i = 0; i < cascade->n; i++)
        cascade->order[i] = places[i].at;
    free(places);
}

/* From the end, so that what is small is not lost beside what is large. */
static void sum_what_is_left(struct bl_cascade *cascade, const double *share)
{
    cascade->left[cascade->n] = 0;
    for (size_t i = cascade->n; i-- > 0;)
        cascade->left[i] = cascade->left[i + 1] + share[cascade->order[i]];
}

/* Shares are made over the first n alone, since those that are never read
 * would take a part of the shares of the others. */
void bl_cascade_start(struct bl_cascade *cascade,
                      const struct bl_calibration *cal, struct bl_span mention,
                      const struct bl_candidates *list, size_t n,
                      struct bl_arena *arena)
{
    struct bl_candidates first = {
        .v = list->v, .n = n, .named = list->named,
        .entities = list->entities
    };
    struct bl_weights weights;
    double *features, *share;

    *cascade = (struct bl_cascade){ .list = list, .n = n, .calibration = cal,
                                    .mention = mention };
    cascade->order = bl_arena_alloc(arena, n, sizeof *cascade->order);
    for (size_t i = 0; i < n; i++)
        cascade->order[i] = i;
    if (!cal)
        return;
    cascade->left = bl_arena_alloc(arena, n + 1, sizeof *cascade->left);
    features = bl_xmalloc(n, BL_N_FEATURES * sizeof *features);
    share = bl_xmalloc(n, sizeof *share);
    bl_rank_features(&first, mention, features);
    weights = bl_rank_weights(cal, &first);
    bl_rank_shares(weights.rank, features, n, NULL, share);
    order_by_share(cascade, share);
    sum_what_is_left(cascade, share);
    free(features);
    free(share);
}

static struct bl_candidates copy_list(const struct bl_candidates *list)
{
    struct bl_candidates copy = *list;

    copy.v = bl_xmalloc(list->n, sizeof *copy.v);
    memcpy(copy.v, list->v, list->n * sizeof *copy.v);
    return copy;
}

/* What blink-score would say of the list, were it written as it is now: the
 * probability of none. */
static double none(const struct bl_cascade *cascade)
{
    struct bl_candidates now = copy_list(cascade->list);
    double nil;

    for (size_t i = 0; i < now.n; i++)
        now.v[i].score = now.v[i].cross;
    nil = bl_rank(cascade->calibration, cascade->mention, NULL, &now);
    free(now.v);
    return nil;
}

size_t bl_cascade_next(const struct bl_cascade *cascade, double risk)
{
    size_t rest = cascade->n - cascade->read;
    size_t now = cascade->read < FIRST ? FIRST - cascade->read
        : 1 + cascade->read / 8;

    if (!cascade->calibration || !rest)
        return rest;
    if (cascade->read && risk > 0
        && cascade->left[cascade->read] * (1 - none(cascade)) <= risk)
        return 0;
    return BL_MIN(now, rest);
}

bool bl_cascade_sure(const struct bl_calibration *cal, struct bl_span mention,
                     const struct bl_candidates *list, double entity,
                     double none)
{
    struct bl_candidates before = copy_list(list);
    double nil, best = 0;

    for (size_t i = 0; i < before.n; i++)
        if (!isnan(before.v[i].bi))
            before.v[i].score = before.v[i].bi;
    nil = bl_rank(cal, mention, NULL, &before);
    for (size_t i = 0; i < before.n; i++)
        best = fmax(best, before.v[i].p);
    free(before.v);
    return (entity < 1 && best >= entity) || (none < 1 && nil >= none);
}
