/* SPDX-License-Identifier: MIT */
/*
 * faiss-walk: how faiss-walk.c, faiss-graph.c and faiss-take.c go through a
 * FAISS file; private to them.
 *
 * A walk has a place in the file, and the index that it is in with those
 * around it.  What is taken is checked to be there; a failure is a sentence
 * with path and offset, and -1 or NULL.
 */
#ifndef BL_FAISS_WALK_H
#define BL_FAISS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "search/faiss-file.h"

enum { BL_FAISS_WALK_DEPTH = 5 };       /* IDMap, transform, IVF, HNSW, Flat */

/* One index of those that contain one another. */
struct bl_faiss_walk_level {
    unsigned kind;              /* one bit */
    size_t start;               /* offset */
    size_t dim;
    uint64_t n;
    enum bl_faiss_metric metric;
    bool main;                  /* of the vectors, not of a choice of lists */
    bool whole;                 /* no transform above it */
    bool mapped;                /* below an IDMap */
    uint64_t lists, nprobe;     /* IVF */
    uint32_t ef_search;         /* HNSW */
    size_t out;                 /* numbers after the transforms */
    char name[BL_FAISS_TYPE_MAX];
};

struct bl_faiss_walk {
    struct bl_faiss *faiss;
    const unsigned char *data;
    size_t size, at;
    struct bl_faiss_walk_level levels[BL_FAISS_WALK_DEPTH];
    size_t depth;
    struct bl_err *err;
};

/* Returns -1. */
int bl_faiss_walk_bad(struct bl_faiss_walk *walk, size_t at,
                      const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* `count` elements of `size` bytes; NULL when they are not there. */
const unsigned char *bl_faiss_walk_take(struct bl_faiss_walk *walk,
                                        uint64_t count, size_t size,
                                        const char *what);
/* A number of `size` bytes; the second: one that lies in [low, high]. */
int bl_faiss_walk_number(struct bl_faiss_walk *walk, size_t size,
                         const char *what, uint64_t *out);
int bl_faiss_walk_within(struct bl_faiss_walk *walk, size_t size,
                         const char *what, uint64_t low, uint64_t high,
                         uint64_t *out);
/* FAISS's vector: a count of 8 bytes, then elements.  Any count; a known
 * count; a known count of floats, which must be finite. */
const unsigned char *bl_faiss_walk_vector(struct bl_faiss_walk *walk,
                                          size_t size, const char *what,
                                          uint64_t *count);
const unsigned char *bl_faiss_walk_exactly(struct bl_faiss_walk *walk,
                                           uint64_t want, size_t size,
                                           const char *what);
const unsigned char *bl_faiss_walk_floats(struct bl_faiss_walk *walk,
                                          uint64_t want, const char *what);

/* faiss-graph.c: the graph of an HNSW index, all but its vectors. */
int bl_faiss_walk_graph(struct bl_faiss_walk *walk,
                        struct bl_faiss_walk_level *level);

#endif
