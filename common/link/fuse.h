/* SPDX-License-Identifier: MIT */
/*
 * fuse: one order for entities that were found by vectors, words and names.
 *
 *     bl_fuse(&list, 10, &arena);      list.v[i].bi, lexical, prior -> score
 */
#ifndef BL_FUSE_H
#define BL_FUSE_H

#include "base/arena.h"
#include "link/gather.h"

/* Gives each entity a score by its places, NAN being none, sorts the list, and
 * cuts it: behind the k best only those with a prior stay.  The arena is for
 * scratch. */
void bl_fuse(struct bl_gathered *list, size_t k, struct bl_arena *arena);

#endif
