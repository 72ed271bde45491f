/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/fuse.h"

#include <math.h>
#include <stdlib.h>

/* Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): a place in a
 * list counts weight / (rank_of_one + place), so that scores of different
 * scales need no common one.  The weights are fitted to recall at 10 and 64 of
 * the sets that may be tuned on, each left out in turn. */
static const double rank_of_one = 11;
static const double lexical_weight = .3, named_weight = 1;

typedef double evidence(const struct bl_gather_hit *hit);

static double evidence_bi(const struct bl_gather_hit *hit)
{
    return (double)hit->bi;
}

static double evidence_lexical(const struct bl_gather_hit *hit)
{
    return hit->lexical > 0 ? (double)hit->lexical : (double)NAN;
}

static double evidence_named(const struct bl_gather_hit *hit)
{
    return hit->prior;
}

/* Adds to the score of each entity what its place by one kind of evidence
 * counts; one without it has no place.  Of equal ones that of the lower row
 * comes first. */
static void add_places(struct bl_gathered *list, evidence *of, double weight,
                       double *sum)
{
    for (size_t i = 0; i < list->n; i++) {
        double mine = of(&list->v[i]);
        size_t place = 0;

        if (isnan(mine))
            continue;
        for (size_t j = 0; j < list->n; j++) {
            double other = of(&list->v[j]);

            place += other > mine
                || (other == mine && list->v[j].row < list->v[i].row);
        }
        sum[i] += weight / (rank_of_one + (double)place);
    }
}

static int best_hit_first(const void *pa, const void *pb)
{
    const struct bl_gather_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

void bl_fuse(struct bl_gathered *list, size_t k, struct bl_arena *arena)
{
    double *sum = bl_arena_alloc(arena, list->n, sizeof *sum);
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        sum[i] = 0;
    add_places(list, evidence_bi, 1, sum);
    add_places(list, evidence_lexical, lexical_weight, sum);
    add_places(list, evidence_named, named_weight, sum);
    for (size_t i = 0; i < list->n; i++)
        list->v[i].score = (float)sum[i];
    qsort(list->v, list->n, sizeof *list->v, best_hit_first);
    for (size_t i = 0; i < list->n; i++)
        if (i < k || !isnan(list->v[i].prior))
            list->v[n++] = list->v[i];
    list->n = n;
}
