/* SPDX-License-Identifier: MIT */
/*
 * kb-index: an index and the catalogue that it was made of, which may have
 * changed since.
 */
#ifndef BL_KB_INDEX_H
#define BL_KB_INDEX_H

#include "kb/kb.h"
#include "search/faiss-file.h"
#include "search/index.h"

BL_BEGIN_DECLS

/* Hides what the catalogue has removed, and says in *since (memory: the
 * arena's) what the index knows nothing of.  -1: BL_DATA when it is of no
 * state of this catalogue. */
int bl_kb_index_check(struct bl_kb *kb, struct bl_index *index,
                      struct bl_arena *arena, struct bl_kb_since *since,
                      struct bl_err *err);

/* The same for an index of FAISS, in which nothing can be hidden. */
int bl_kb_faiss_check(struct bl_kb *kb, const struct bl_faiss *faiss,
                      struct bl_arena *arena, struct bl_kb_since *since,
                      struct bl_err *err);

BL_END_DECLS

#endif
