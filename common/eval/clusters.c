/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/clusters.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* So many mentions are in both a gold and an answered group. */
struct common {
    uint32_t gold, answer;
    size_t n;
};

struct groups {
    size_t *gold, *answer;      /* [n] mentions of each */
    struct common *common;      /* [n_common] */
    size_t n_common, n;
};

static int by_groups(const void *pa, const void *pb)
{
    const struct common *one = pa, *other = pb;

    if (one->gold != other->gold)
        return one->gold < other->gold ? -1 : 1;
    return (one->answer > other->answer) - (one->answer < other->answer);
}

/* Sorted, mentions of the same two groups stand together and become one. */
static void count(struct groups *g, const uint32_t *gold,
                  const uint32_t *answer, size_t n)
{
    size_t all = 0;

    *g = (struct groups){
        .gold = bl_xcalloc(n, sizeof(size_t)), .n = n,
        .answer = bl_xcalloc(n, sizeof(size_t)),
        .common = bl_xmalloc(n, sizeof(struct common))
    };
    for (size_t i = 0; i < n; i++) {
        if (gold[i] != BL_CLUSTER_NONE)
            g->gold[gold[i]]++;
        if (answer[i] != BL_CLUSTER_NONE)
            g->answer[answer[i]]++;
        if (gold[i] != BL_CLUSTER_NONE && answer[i] != BL_CLUSTER_NONE)
            g->common[all++] = (struct common){ gold[i], answer[i], 1 };
    }
    if (all)
        qsort(g->common, all, sizeof *g->common, by_groups);
    for (size_t i = 0; i < all; i++) {
        struct common *last = &g->common[g->n_common - (g->n_common > 0)];

        if (g->n_common && !by_groups(last, &g->common[i]))
            last->n++;
        else
            g->common[g->n_common++] = g->common[i];
    }
}

/* Each of the n common mentions has n of its group in common. */
static void b_cubed(const struct groups *g, struct bl_cluster_sums *out)
{
    *out = (struct bl_cluster_sums){ 0, 0, 0, 0 };
    for (size_t i = 0; i < g->n_common; i++) {
        const struct common *c = &g->common[i];
        double n = (double)c->n;

        out->p_num += n * n / (double)g->answer[c->answer];
        out->r_num += n * n / (double)g->gold[c->gold];
    }
    for (size_t i = 0; i < g->n; i++) {
        out->p_den += (double)g->answer[i];
        out->r_den += (double)g->gold[i];
    }
}

/* ---- The best alignment ---- */

/* Groups that are linked through common mentions are aligned by themselves:
 * root[i] leads from gold group i, and from answered group i - n, to one of
 * them. */
static size_t root_of(size_t *root, size_t i)
{
    while (root[i] != i)
        i = root[i] = root[root[i]];
    return i;
}

/* One row's part of the Hungarian method for the least cost, in the form with
 * potentials: cost[rows][columns], rows <= columns.  match[j] is 1 + the row
 * of column j - 1, column 0 the row that looks for one. */
static void add_row(const double *cost, size_t columns, size_t row, double *u,
                    double *v, size_t *match, size_t *way, double *least,
                    char *used)
{
    size_t at = 0;

    match[0] = row;
    for (size_t j = 0; j <= columns; j++) {
        least[j] = INFINITY;
        used[j] = 0;
    }
    do {
        size_t i = match[at], next = 0;
        double step = INFINITY;

        used[at] = 1;
        for (size_t j = 1; j <= columns; j++) {
            double here = cost[(i - 1) * columns + j - 1] - u[i] - v[j];

            if (used[j])
                continue;
            if (here < least[j]) {
                least[j] = here;
                way[j] = at;
            }
            if (least[j] < step) {
                step = least[j];
                next = j;
            }
        }
        for (size_t j = 0; j <= columns; j++) {
            if (used[j]) {
                u[match[j]] += step;
                v[j] -= step;
            } else {
                least[j] -= step;
            }
        }
        at = next;
    } while (match[at]);
    for (; at; at = way[at])
        match[at] = match[way[at]];
}

/* Costs are the negatives of what is to be as much as possible. */
static double best_alignment(const double *cost, size_t rows, size_t columns)
{
    double *u = bl_xcalloc(rows + 1, sizeof *u);
    double *v = bl_xcalloc(columns + 1, sizeof *v);
    double *least = bl_xmalloc(columns + 1, sizeof *least), sum = 0;
    size_t *match = bl_xcalloc(columns + 1, sizeof *match);
    size_t *way = bl_xcalloc(columns + 1, sizeof *way);
    char *used = bl_xmalloc(columns + 1, 1);

    for (size_t i = 1; i <= rows; i++)
        add_row(cost, columns, i, u, v, match, way, least, used);
    for (size_t j = 1; j <= columns; j++)
        if (match[j])
            sum -= cost[(match[j] - 1) * columns + j - 1];
    free(u);
    free(v);
    free(least);
    free(match);
    free(way);
    free(used);
    return sum;
}

static double likeness(const struct groups *g, const struct common *c,
                       bool entity)
{
    double n = (double)c->n;

    return entity ? 2 * n / (double)(g->gold[c->gold] + g->answer[c->answer])
        : n;
}

/* Numbers of rows and columns in a component: each group gets the next one as
 * it is first met. */
static size_t place_of(size_t *place, size_t group, size_t *n)
{
    if (!place[group])
        place[group] = ++*n;
    return place[group] - 1;
}

/* common[n] are of one component. */
static double align(const struct groups *g, const struct common *common,
                    size_t n, bool entity, size_t *rows, size_t *columns)
{
    size_t n_rows = 0, n_columns = 0;
    bool turned;
    double *cost, sum;

    for (size_t i = 0; i < n; i++) {
        place_of(rows, common[i].gold, &n_rows);
        place_of(columns, common[i].answer, &n_columns);
    }
    turned = n_rows > n_columns;
    cost = bl_xcalloc(n_rows * n_columns, sizeof *cost);
    for (size_t i = 0; i < n; i++) {
        size_t row = rows[common[i].gold] - 1;
        size_t column = columns[common[i].answer] - 1;
        size_t at = turned ? column * n_rows + row : row * n_columns + column;

        cost[at] = -likeness(g, &common[i], entity);
    }
    sum = best_alignment(cost, BL_MIN(n_rows, n_columns),
                         BL_MAX(n_rows, n_columns));
    free(cost);
    return sum;
}

struct part {
    size_t root;
    struct common common;
};

static int by_root(const void *pa, const void *pb)
{
    const struct part *one = pa, *other = pb;

    if (one->root != other->root)
        return one->root < other->root ? -1 : 1;
    return by_groups(&one->common, &other->common);
}

/* The common mentions, those of one component together. */
static struct part *components(const struct groups *g)
{
    size_t *root = bl_xmalloc(2 * g->n, sizeof *root);
    struct part *parts = bl_xmalloc(g->n_common, sizeof *parts);

    for (size_t i = 0; i < 2 * g->n; i++)
        root[i] = i;
    for (size_t i = 0; i < g->n_common; i++)
        root[root_of(root, g->common[i].gold)] =
            root_of(root, g->n + g->common[i].answer);
    for (size_t i = 0; i < g->n_common; i++)
        parts[i] = (struct part){ root_of(root, g->common[i].gold),
                                  g->common[i] };
    if (g->n_common)
        qsort(parts, g->n_common, sizeof *parts, by_root);
    free(root);
    return parts;
}

/* A group has all its mentions in common with itself, or is wholly like
 * itself: hence the two denominators. */
static void ceaf(const struct groups *g, bool entity,
                 struct bl_cluster_sums *out)
{
    struct part *parts = components(g);
    struct common *common = bl_xmalloc(g->n_common, sizeof *common);
    size_t *rows = bl_xcalloc(g->n, sizeof *rows);
    size_t *columns = bl_xcalloc(g->n, sizeof *columns);

    *out = (struct bl_cluster_sums){ 0, 0, 0, 0 };
    for (size_t i = 0; i < g->n_common; i++)
        common[i] = parts[i].common;
    for (size_t from = 0, to; from < g->n_common; from = to) {
        to = from + 1;
        while (to < g->n_common && parts[to].root == parts[from].root)
            to++;
        out->p_num += align(g, common + from, to - from, entity, rows,
                            columns);
    }
    out->r_num = out->p_num;
    for (size_t i = 0; i < g->n; i++) {
        out->p_den += entity ? g->answer[i] > 0 : (double)g->answer[i];
        out->r_den += entity ? g->gold[i] > 0 : (double)g->gold[i];
    }
    free(parts);
    free(common);
    free(rows);
    free(columns);
}

void bl_clusters_measure(const uint32_t *gold, const uint32_t *answer,
                         size_t n, struct bl_clustering *out)
{
    struct groups g;

    count(&g, gold, answer, n);
    b_cubed(&g, &out->b_cubed);
    ceaf(&g, false, &out->ceaf_mention);
    ceaf(&g, true, &out->ceaf_entity);
    free(g.gold);
    free(g.answer);
    free(g.common);
}
