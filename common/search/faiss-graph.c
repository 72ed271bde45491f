/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/faiss-walk.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"

enum { MAX_EF = 1 << 20, MAX_LEVELS = 64 };

/* The arrays of FAISS's struct HNSW as they lie in the file, unaligned. */
struct graph {
    const unsigned char *sums;  /* [n_sums] room for neighbours below each */
    const unsigned char *levels;        /* [n] levels that a node is on */
    const unsigned char *offsets;       /* [n + 1] of 8 bytes */
    const unsigned char *neighbours;    /* [offsets[n]], UINT32_MAX: none */
    uint64_t n_sums, n;
};

static uint32_t element32(const unsigned char *array, uint64_t i)
{
    return bl_le32(array + 4 * i);
}

/* The sums start at 0 and never fall: FAISS takes the difference of two as
 * the length of a loop over neighbours. */
static int check_sums(struct bl_faiss_walk *walk, const struct graph *graph,
                      size_t at)
{
    for (uint64_t i = 0; i < graph->n_sums; i++)
        if ((i == 0 && element32(graph->sums, i))
            || element32(graph->sums, i) > INT32_MAX
            || (i && element32(graph->sums, i)
                         < element32(graph->sums, i - 1)))
            return bl_faiss_walk_bad(walk, at, "the neighbours per level do "
                                     "not add up");
    return 0;
}

static int check_levels(struct bl_faiss_walk *walk, const struct graph *graph)
{
    for (uint64_t i = 0; i < graph->n; i++) {
        uint32_t level = element32(graph->levels, i);

        if (!level || level >= graph->n_sums)
            return bl_faiss_walk_bad(walk,
                                     (size_t)(graph->levels - walk->data)
                                         + 4 * i,
                                     "node %" PRIu64 " has %" PRId32
                                     " levels, expected 1 to %" PRIu64,
                                     i, (int32_t)level, graph->n_sums - 1);
    }
    return 0;
}

/* The neighbours of the nodes follow one another, each node with the room
 * that its levels have; the last offset is therefore their total. */
static int check_offsets(struct bl_faiss_walk *walk, const struct graph *graph,
                         uint64_t *total)
{
    uint64_t want = 0;

    for (uint64_t i = 0; i <= graph->n; i++) {
        if (bl_le(graph->offsets + 8 * i, 8) != want)
            return bl_faiss_walk_bad(walk,
                                     (size_t)(graph->offsets - walk->data)
                                         + 8 * i,
                                     "the neighbours of node %" PRIu64
                                     " begin at %" PRIu64
                                     ", expected %" PRIu64,
                                     i, bl_le(graph->offsets + 8 * i, 8),
                                     want);
        if (i < graph->n)
            want += element32(graph->sums, element32(graph->levels, i));
    }
    *total = want;
    return 0;
}

/* A neighbour on a level must itself reach that level, as the search goes on
 * from it there. */
static int check_neighbours(struct bl_faiss_walk *walk,
                            const struct graph *graph)
{
    const unsigned char *place = graph->neighbours;

    for (uint64_t i = 0; i < graph->n; i++) {
        uint32_t levels = element32(graph->levels, i), j = 0;

        for (uint32_t level = 0; level < levels; level++)
            for (; j < element32(graph->sums, level + 1); j++, place += 4) {
                uint32_t neighbour = bl_le32(place);

                if (neighbour == UINT32_MAX)
                    continue;   /* the room is larger than its use */
                if (neighbour >= graph->n
                    || element32(graph->levels, neighbour) <= level)
                    return bl_faiss_walk_bad(walk,
                                             (size_t)(place - walk->data),
                                             "node %" PRIu64
                                             " has neighbour %" PRId32
                                             " on level %" PRIu32
                                             ", which does not exist",
                                             i, (int32_t)neighbour, level);
            }
    }
    return 0;
}

/* Where the search begins, and its widths. */
static int take_search(struct bl_faiss_walk *walk,
                       struct bl_faiss_walk_level *level,
                       const struct graph *graph)
{
    size_t at = walk->at;
    uint64_t entry, top, unused, ef;

    if (bl_faiss_walk_number(walk, 4, "the entry point", &entry) < 0
        || bl_faiss_walk_number(walk, 4, "the highest level", &top) < 0)
        return -1;
    if (graph->n
            ? entry >= graph->n || top + 1 != element32(graph->levels, entry)
            : entry != UINT32_MAX)
        return bl_faiss_walk_bad(walk, at,
                                 "entry point %" PRId32 " on level %" PRId32
                                 " is not there",
                                 (int32_t)entry, (int32_t)top);
    if (bl_faiss_walk_within(walk, 4, "efConstruction", 1, INT32_MAX,
                             &unused) < 0
        || bl_faiss_walk_within(walk, 4, "efSearch", 1, MAX_EF, &ef) < 0)
        return -1;
    level->ef_search = (uint32_t)ef;
    return bl_faiss_walk_within(walk, 4, "the beam of the upper levels", 1, 1,
                                &unused);
}

/* The arrays are checked in the file's order, each with those before it:
 * offsets need sums and levels, neighbours need the offsets' total.  The name
 * carries M, the neighbours of a node on an upper level: FAISS has room for
 * 2 * M of them on the lowest. */
int bl_faiss_walk_graph(struct bl_faiss_walk *walk,
                        struct bl_faiss_walk_level *level)
{
    struct graph graph = { .n = level->n };
    uint64_t chances, total = 0;
    size_t at;

    if (level->n > INT32_MAX)
        return bl_faiss_walk_bad(walk, level->start,
                                 "%" PRIu64 " vectors are too many for HNSW",
                                 level->n);
    if (!bl_faiss_walk_vector(walk, 8, "the chances of the levels", &chances))
        return -1;
    at = walk->at;
    if (chances > MAX_LEVELS)
        return bl_faiss_walk_bad(walk, level->start, "%" PRIu64 " levels, "
                                 "expected at most %d", chances, MAX_LEVELS);
    graph.n_sums = chances + 1;
    graph.sums = bl_faiss_walk_exactly(walk, graph.n_sums, 4,
                                       "the neighbours per level");
    if (!graph.sums || check_sums(walk, &graph, at) < 0)
        return -1;
    graph.levels = bl_faiss_walk_exactly(walk, graph.n, 4, "the levels");
    if (!graph.levels || check_levels(walk, &graph) < 0)
        return -1;
    graph.offsets = bl_faiss_walk_exactly(walk, graph.n + 1, 8,
                                          "the places of neighbours");
    if (!graph.offsets || check_offsets(walk, &graph, &total) < 0)
        return -1;
    graph.neighbours = bl_faiss_walk_exactly(walk, total, 4, "the neighbours");
    if (!graph.neighbours || check_neighbours(walk, &graph) < 0
        || take_search(walk, level, &graph) < 0)
        return -1;
    snprintf(level->name, sizeof level->name, "HNSW%" PRIu32,
             chances ? element32(graph.sums, 1) / 2 : 0);
    return 0;
}
