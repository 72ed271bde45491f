/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/joint.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ner/spans.h"

void bl_joint(double logit, const double *scores, size_t n, double *out)
{
    double mention = bl_log_probability(logit), most = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, scores[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(scores[i] - most);
    for (size_t i = 0; i < n; i++)
        out[i] = mention + scores[i] - most - log(sum);
}

bool bl_joint_passes(const struct bl_joint_mention *mention,
                     const struct bl_joint_opts *opts)
{
    if (isnan(mention->joint))
        return false;
    if (opts->by_mention)
        return opts->all || mention->logit > opts->mention_threshold;
    return opts->all || mention->joint > opts->threshold;
}

/* A mention on its way to its place in the list. */
struct ranked {
    double score;
    size_t number;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static bool overlaps(const struct bl_joint_mention *a,
                     const struct bl_joint_mention *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool is_free(const struct bl_joint_mention *mentions, size_t number,
                    const size_t *chosen, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (overlaps(&mentions[chosen[i]], &mentions[number]))
            return false;
    return true;
}

size_t bl_joint_choose(const struct bl_joint_mention *mentions, size_t n,
                       const struct bl_joint_opts *opts, size_t *chosen)
{
    struct ranked *ranked = bl_xmalloc(n, sizeof *ranked);
    size_t n_ranked = 0, n_chosen = 0;

    for (size_t i = 0; i < n; i++)
        if (bl_joint_passes(&mentions[i], opts))
            ranked[n_ranked++] = (struct ranked){
                opts->by_mention ? mentions[i].best : mentions[i].joint, i
            };
    if (n_ranked)
        qsort(ranked, n_ranked, sizeof *ranked, by_score);
    for (size_t i = 0; i < n_ranked; i++)
        if (opts->by_mention || opts->all
            || is_free(mentions, ranked[i].number, chosen, n_chosen))
            chosen[n_chosen++] = ranked[i].number;
    free(ranked);
    return n_chosen;
}
