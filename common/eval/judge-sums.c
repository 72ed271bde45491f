/* SPDX-License-Identifier: MIT */
/* Sums and bootstrap samples over judged cases. */
#include "config.h"

#include "eval/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Neighbours of one document; a case without a document stands alone. */
struct group {
    size_t from, n;
    bool doc;
};

static size_t make_groups(const struct bl_cases *all, struct group *g)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        const char *doc = all->v[i].doc;
        if (doc && i && all->v[i - 1].doc
            && !strcmp(doc, all->v[i - 1].doc))
            g[n - 1].n++;
        else
            g[n++] = (struct group){ i, 1, doc != NULL };
    }
    return n;
}

static void add_group(struct bl_tally *sum, const struct bl_cases *all,
                      const struct group *g, const struct bl_cutoffs *k)
{
    struct bl_tally t = { 0 };

    for (size_t i = g->from; i < g->from + g->n; i++) {
        bl_tally_add(&t, &all->v[i].judged, k);
        t.errors += all->v[i].error;
    }
    if (g->doc)
        bl_tally_close_doc(&t);
    bl_tally_sum(sum, &t);
}

void bl_cases_tally(const struct bl_cases *all, const struct bl_cutoffs *k,
                    struct bl_tally *out)
{
    struct group *g = bl_xmalloc(all->n, sizeof *g);
    size_t n = make_groups(all, g);

    *out = (struct bl_tally){ 0 };
    for (size_t i = 0; i < n; i++)
        add_group(out, all, &g[i], k);
    free(g);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* The middle 95 % of n values, those that are undefined left out. */
static void interval(double *v, size_t n, double *lo, double *hi)
{
    *lo = *hi = NAN;
    qsort(v, n, sizeof *v, by_value);
    while (n && isnan(v[n - 1]))
        n--;
    if (!n)
        return;
    *lo = v[(size_t)(0.025 * (double)(n - 1))];
    *hi = v[(size_t)ceil(0.975 * (double)(n - 1))];
}

void bl_cases_bootstrap(const struct bl_cases *all,
                        const struct bl_cutoffs *k, size_t rounds,
                        uint64_t seed, double *lo, double *hi)
{
    struct group *g = bl_xmalloc(all->n, sizeof *g);
    size_t n_groups = make_groups(all, g), n = 0;
    double *values = bl_xmalloc(rounds, BL_MAX_FIGURES * sizeof *values);
    struct bl_figure figures[BL_MAX_FIGURES];
    uint64_t state = seed * 2 + 1;
    bool docs = false;

    for (size_t i = 0; i < n_groups; i++)
        docs |= g[i].doc;
    for (size_t r = 0; r < rounds; r++) {
        struct bl_tally t = { 0 };
        for (size_t i = 0; i < n_groups; i++)
            add_group(&t, all, &g[bl_random(&state) % n_groups], k);
        n = bl_figures(&t, k, docs, figures);
        for (size_t i = 0; i < n; i++)
            values[i * rounds + r] = figures[i].value;
    }
    for (size_t i = 0; i < n; i++)
        interval(values + i * rounds, rounds, &lo[i], &hi[i]);
    free(values);
    free(g);
}
