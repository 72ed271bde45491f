/* SPDX-License-Identifier: MIT */
/*
 * kb-names: the names that one entity goes by, as the alias table holds
 * them.  Only the builder uses this; kb-build.h says what weights and marks
 * mean.
 */
#ifndef BL_KB_NAMES_H
#define BL_KB_NAMES_H

#include "kb/kb-build.h"

struct bl_kb_naming {
    struct bl_span surface, folded;
    int64_t count;              /* -1: none given */
    int64_t weight;             /* 0: an earlier one has the same form */
    int kind, n;
};

/* Title, bare title, aliases and initials of one entity, [*n], in the arena;
 * fold is work space. */
struct bl_kb_naming *bl_kb_name_all(const struct bl_kb_input *in,
                                    struct bl_buf *fold,
                                    struct bl_arena *arena, size_t *n_names);

#endif
