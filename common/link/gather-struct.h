/* SPDX-License-Identifier: MIT */
/* gather-struct: an open gather, for gather.c and gather-open.c only. */
#ifndef BL_GATHER_STRUCT_H
#define BL_GATHER_STRUCT_H

#include "link/gather.h"
#include "search/ann.h"
#include "search/index.h"
#include "search/topk.h"

struct bl_gather {
    struct bl_gather_opts opts;
    struct bl_kb *kb;           /* borrowed; NULL: none */
    struct bl_index *indexes;   /* [n_indexes] all that were named */
    size_t n_indexes;
    const struct bl_index **shards;     /* [n_shards] those with vectors */
    size_t n_shards;
    struct bl_topk *topk;       /* exact search of the shards, or */
    struct bl_ann *ann;         /* approximate search */
    struct bl_lexical *lexical; /* search by words; NULL: not asked for */
    struct bl_vector_want want;
    char *want_by, *description;
    struct bl_gather_stale stale;
    int64_t *removed;           /* [n_removed] rows, in order */
    size_t n_removed;
    struct bl_arena state;      /* they are in it */

    float *vectors;             /* [room][dim] of the queries */
    struct bl_hit *nearest;     /* [room][k] */
    size_t room;                /* queries of a group there is room for */
    struct bl_hit *merged;      /* [3 k + BL_GATHER_INITIALS] of one query */
    struct bl_arena names;      /* what is looked up for one query */
};

#endif
