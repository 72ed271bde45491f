/* SPDX-License-Identifier: MIT */
/*
 * cluster: one id for all mentions of a thing that no catalogue has.
 *
 *     struct bl_cluster *c = bl_cluster_new(NULL, false);
 *     struct bl_unknown v[] = { { .id = id, .mention = name,
 *                                 .unknown = true } };
 *     bl_cluster_read(c, v, n, false, &arena, &err);
 *     ... v[0].nil_id ...
 *     bl_cluster_free(c);
 *
 * In a document a mention is of the thing of the earlier mention that it
 * follows, or has the same name as, or whose name ends with it ("Quillfeather"
 * after "Barnaby Quillfeather"), unless their types differ.  The id is "nil:"
 * and the id of the first mention of the thing.
 *
 * Across documents, things of one full name and type are one, unless the
 * entities that their documents are about lie far apart.  A person's name of
 * one word, or one of no type, says too little.  The id is "nil:", 16
 * hexadecimal digits that depend on name and type alone, and, for what is not
 * the first thing of that name, its number.
 *
 * Time is linear in the mentions, memory in the different names of a document,
 * or across documents of all.
 */
#ifndef BL_CLUSTER_H
#define BL_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "link/entities.h"

BL_BEGIN_DECLS

struct bl_cluster;

/* entities is borrowed and gives the vectors of linked entities; NULL: none.
 * Never NULL; free with bl_cluster_free(), which takes NULL. */
struct bl_cluster *bl_cluster_new(struct bl_entities *entities, bool across);
void bl_cluster_free(struct bl_cluster *cluster);

struct bl_unknown {
    struct bl_span id, mention, type, follows;  /* p == NULL: none */
    struct bl_span entity;      /* the id of what it is linked to */
    bool unknown;               /* it is linked to nothing */
    struct bl_span nil_id;      /* out, in the arena; p == NULL: not unknown */
};

/* mentions[n] of a document in its order, or of a piece of one, where `more`
 * says that the document of the last call goes on.  -1: BL_DATA, the catalogue
 * cannot be read. */
int bl_cluster_read(struct bl_cluster *cluster, struct bl_unknown *mentions,
                    size_t n, bool more, struct bl_arena *arena,
                    struct bl_err *err);

BL_END_DECLS

#endif
