/* SPDX-License-Identifier: MIT */
/*
 * arena: memory that lives as long as one batch of records.
 *
 *     struct bl_arena a = BL_ARENA_INIT;
 *     char *s = bl_arena_alloc(&a, n, 1);
 *     bl_arena_reset(&a);            everything above is gone, memory kept
 *     bl_arena_free(&a);
 *
 * Blocks are aligned to 64 bytes for floats.  Not for use by two threads.
 */
#ifndef BL_ARENA_H
#define BL_ARENA_H

#include <stddef.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

struct bl_arena_block;

struct bl_arena {
    struct bl_arena_block *head;
};

#define BL_ARENA_INIT { NULL }

/* count * size bytes (checked), NOT zeroed; borrowed until reset or free. */
void *bl_arena_alloc(struct bl_arena *arena, size_t count, size_t size);
/* A NUL-terminated copy of `length` bytes. */
char *bl_arena_strndup(struct bl_arena *arena, const char *text,
                       size_t length);
/* A copy of the text, NUL-terminated; none (p == NULL) stays none. */
struct bl_span bl_arena_copy(struct bl_arena *arena, struct bl_span text);
void bl_arena_reset(struct bl_arena *arena);
void bl_arena_free(struct bl_arena *arena);

BL_END_DECLS

#endif
