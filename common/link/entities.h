/* SPDX-License-Identifier: MIT */
/*
 * entities: vectors and texts of entities by their ids, of one catalogue or
 * of several with their indexes.
 *
 *     struct bl_entities *e = bl_entities_open(&catalogues, &indexes, &err);
 *     float *v = bl_xmalloc(bl_entities_dim(e), sizeof *v);
 *     if (bl_entities_vector(e, id, v, &err) == 1) ...
 *     bl_entities_close(e);
 *
 * Of several catalogues, ids begin with the name of theirs and a colon, as
 * blink-retrieve writes them.  For one thread.
 */
#ifndef BL_ENTITIES_H
#define BL_ENTITIES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

struct bl_entities;

/* catalogues[n]: paths or names; none: no texts and no vectors.  indexes: of
 * one catalogue its shards, or none; of several one for each, or none at all.
 * NULL: BL_DATA when one is missing, corrupt or of another catalogue,
 * BL_USAGE when their numbers do not fit. */
struct bl_entities *bl_entities_open(const char *const *catalogues, size_t n,
                                     const char *const *indexes,
                                     size_t n_indexes, struct bl_err *err);
void bl_entities_close(struct bl_entities *entities);   /* NULL: nothing */

/* Without any catalogue nothing is known of an entity. */
bool bl_entities_are_known(const struct bl_entities *entities);
/* Numbers of a vector; 0 without an index. */
size_t bl_entities_dim(const struct bl_entities *entities);

/* The entity's vector, made one long, in out[dim].  1, 0 when there is none,
 * -1 when the catalogue cannot be read. */
int bl_entities_vector(struct bl_entities *entities, struct bl_span id,
                       float *out, struct bl_err *err);

/* Its title and text, in the arena, *text with p == NULL where it has none.
 * 1, 0 when the catalogue does not have it, -1 when it cannot be read. */
int bl_entities_text(struct bl_entities *entities, struct bl_span id,
                     struct bl_arena *arena, struct bl_span *title,
                     struct bl_span *text, struct bl_err *err);

BL_END_DECLS

#endif
