/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/faiss-walk.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"

enum { MAX_EF = 1 << 20, MAX_LEVELS = 64 };

struct graph {
    const unsigned char *sums; /* [n_sums] neighbours below each level */
    const unsigned char *levels, *offsets, *neighbours;
    uint64_t n_sums, n;
};

static uint32_t element32(const unsigned char *p, uint64_t i)
{
    return bl_le32(p + 4 * i);
}

/* How many neighbours each level has room for. */
static int check_sums(struct bl_walk *w, const struct graph *g, size_t at)
{
    for (uint64_t i = 0; i < g->n_sums; i++)
        if ((i == 0 && element32(g->sums, i))
            || element32(g->sums, i) > INT32_MAX
            || (i && element32(g->sums, i) < element32(g->sums, i - 1)))
            return bl_walk_bad(w, at,
                               "the neighbours per level do not add up");
    return 0;
}

static int check_levels(struct bl_walk *w, const struct graph *g)
{
    for (uint64_t i = 0; i < g->n; i++) {
        uint32_t level = element32(g->levels, i);

        if (!level || level >= g->n_sums)
            return bl_walk_bad(w, (size_t)(g->levels - w->data) + 4 * i,
                               "node %" PRIu64 " has %" PRId32 " levels, "
                                                               "expected 1 to "
                                                               "%" PRIu64,
                               i, (int32_t)level, g->n_sums - 1);
    }
    return 0;
}

/* Where the neighbours of each node lie, and that they are all of them. */
static int check_offsets(struct bl_walk *w, const struct graph *g,
                         uint64_t *total)
{
    uint64_t want = 0;

    for (uint64_t i = 0; i <= g->n; i++) {
        if (bl_le(g->offsets + 8 * i, 8) != want)
            return bl_walk_bad(w, (size_t)(g->offsets - w->data) + 8 * i,
                               "the neighbours of node %" PRIu64
                               " begin at %" PRIu64 ", expected %" PRIu64,
                               i, bl_le(g->offsets + 8 * i, 8), want);
        if (i < g->n)
            want += element32(g->sums, element32(g->levels, i));
    }
    *total = want;
    return 0;
}

/* A neighbour on a level must itself reach that level. */
static int check_neighbours(struct bl_walk *w, const struct graph *g)
{
    const unsigned char *p = g->neighbours;

    for (uint64_t i = 0; i < g->n; i++) {
        uint32_t levels = element32(g->levels, i), j = 0;

        for (uint32_t level = 0; level < levels; level++)
            for (; j < element32(g->sums, level + 1); j++, p += 4) {
                uint32_t v = bl_le32(p);

                if (v == UINT32_MAX)
                    continue; /* no neighbour */
                if (v >= g->n || element32(g->levels, v) <= level)
                    return bl_walk_bad(w, (size_t)(p - w->data),
                                       "node %" PRIu64 " has neighbour "
                                                       "%" PRId32 " on level "
                                                                  "%" PRIu32
                                       ", which does not exist",
                                       i, (int32_t)v, level);
            }
    }
    return 0;
}

/* Where the search begins, and its widths. */
static int take_search(struct bl_walk *w, struct bl_walk_level *l,
                       const struct graph *g)
{
    size_t at = w->at;
    uint64_t entry, top, unused, ef;

    if (bl_walk_number(w, 4, "the entry point", &entry) < 0
        || bl_walk_number(w, 4, "the highest level", &top) < 0)
        return -1;
    if (g->n ? entry >= g->n || top + 1 != element32(g->levels, entry)
             : entry != UINT32_MAX)
        return bl_walk_bad(w, at,
                           "entry point %" PRId32 " on level %" PRId32 " is "
                                                                       "not "
                                                                       "there",
                           (int32_t)entry, (int32_t)top);
    if (bl_walk_within(w, 4, "efConstruction", 1, INT32_MAX, &unused) < 0
        || bl_walk_within(w, 4, "efSearch", 1, MAX_EF, &ef) < 0)
        return -1;
    l->ef_search = (uint32_t)ef;
    return bl_walk_within(w, 4, "the beam of the upper levels", 1, 1, &unused);
}

int bl_walk_graph(struct bl_walk *w, struct bl_walk_level *l)
{
    struct graph g = { .n = l->n };
    uint64_t chances, total = 0;
    size_t at;

    if (l->n > INT32_MAX)
        return bl_walk_bad(w, l->start,
                           "%" PRIu64 " vectors are too many for HNSW", l->n);
    if (!bl_walk_vector(w, 8, "the chances of the levels", &chances))
        return -1;
    at = w->at;
    if (chances > MAX_LEVELS)
        return bl_walk_bad(w, l->start,
                           "%" PRIu64 " levels, expected at most %d", chances,
                           MAX_LEVELS);
    g.n_sums = chances + 1;
    g.sums = bl_walk_exactly(w, g.n_sums, 4, "the neighbours per level");
    if (!g.sums || check_sums(w, &g, at) < 0)
        return -1;
    g.levels = bl_walk_exactly(w, g.n, 4, "the levels");
    if (!g.levels || check_levels(w, &g) < 0)
        return -1;
    g.offsets = bl_walk_exactly(w, g.n + 1, 8, "the places of neighbours");
    if (!g.offsets || check_offsets(w, &g, &total) < 0)
        return -1;
    g.neighbours = bl_walk_exactly(w, total, 4, "the neighbours");
    if (!g.neighbours || check_neighbours(w, &g) < 0
        || take_search(w, l, &g) < 0)
        return -1;
    snprintf(l->name, sizeof l->name, "HNSW%" PRIu32,
             chances ? element32(g.sums, 1) / 2 : 0);
    return 0;
}
