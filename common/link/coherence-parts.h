/* SPDX-License-Identifier: MIT */
/*
 * coherence-parts: what the files of coherence.h share.
 */
#ifndef BL_COHERENCE_PARTS_H
#define BL_COHERENCE_PARTS_H

#include <stdint.h>

#include "base/intern.h"
#include "link/coherence.h"
#include "link/name-table.h"

/* One entity that a mention may mean. */
struct meaning {
    const struct bl_candidate *what;    /* of the arena of its piece */
    uint32_t entity;            /* the number of its id in this piece */
    double p;
};

/* A mention of this piece or of the one before it. */
struct known {
    struct bl_span id, mention, type;
    uint32_t name;
    struct meaning *v;
    size_t n, n_own;            /* own candidates come first */
    double nil;
    struct bl_named page;
    double page_p;
};

/* What is known of an entity of this piece. */
struct entity {
    const uint32_t *told;       /* names in its text */
    size_t n_told;
    bool read;                  /* told is set */
    double sum;                 /* of p over the mentions of a name */
    bool touched;
};

struct bl_coherence {
    const struct bl_calibration *calibration;
    struct bl_entities *entities;
    size_t dim;                 /* of vectors; 0: none */
    struct bl_arena piece[2];   /* of this piece and the one before */
    int now;                    /* which of them is this one's */
    struct known *v;            /* [n]: v[n_past..n) are of this piece */
    size_t n, n_past, cap;
    size_t passed;              /* mentions of the document before v */
    struct bl_name_table *names;
    struct bl_intern *ids;
    struct entity *known_entities;      /* [ids] */
    size_t entity_cap;
    float *means;               /* [names][dim] */
    size_t means_cap;
    uint32_t *out;              /* [names]: as `stamp`, excluded now */
    uint32_t *uses;             /* [names]: mentions */
    size_t *last;               /* [names]: 1 + the last mention so far */
    size_t names_cap;
    uint32_t stamp;
    double *total, *others;     /* [dim] */
    float *vector;              /* [dim] */
    struct bl_arena texts;      /* of one entity */
    struct bl_buf folded;
};

/* Steps 2 and 3 of coherence.h, for the mentions of this piece. */
void bl_coherence_join(struct bl_coherence *coherence,
                       struct bl_coherent *mentions);
void bl_coherence_follow(struct bl_coherence *coherence,
                         struct bl_coherent *mentions,
                         struct bl_arena *arena);

#endif
