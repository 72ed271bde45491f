/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ALIGN = 64, FIRST_BLOCK = 64 << 10 };

struct bl_arena_block {
    struct bl_arena_block *next;
    size_t size, used;          /* bytes of the area behind this header */
};

/* The area starts at the first aligned address behind the header. */
static char *area(struct bl_arena_block *block)
{
    uintptr_t p = (uintptr_t)(block + 1);

    return (char *)((p + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
}

static struct bl_arena_block *block_new(size_t size)
{
    size_t total;
    struct bl_arena_block *block;

    if (!bl_size_add(size, sizeof *block + ALIGN, &total))
        bl_oom(SIZE_MAX);
    block = bl_xmalloc(total, 1);
    *block = (struct bl_arena_block){ .size = size };
    return block;
}

void *bl_arena_alloc(struct bl_arena *arena, size_t count, size_t size)
{
    size_t bytes, grown;
    struct bl_arena_block *block = arena->head;
    char *room;

    if (!bl_size_mul(count, size, &bytes)
        || !bl_size_add(bytes, ALIGN - 1, &bytes))
        bl_oom(SIZE_MAX);
    bytes &= ~(size_t)(ALIGN - 1);
    if (!block || block->size - block->used < bytes) {
        grown = block ? block->size * 2 : FIRST_BLOCK;
        block = block_new(BL_MAX(bytes, grown));
        block->next = arena->head;
        arena->head = block;
    }
    room = area(block) + block->used;
    block->used += bytes;
    return room;
}

char *bl_arena_strndup(struct bl_arena *arena, const char *text, size_t length)
{
    char *copy = bl_arena_alloc(arena, length + 1, 1);

    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* Keeps the newest, largest block: after a few batches one block serves. */
struct bl_span bl_arena_copy(struct bl_arena *arena, struct bl_span text)
{
    if (text.p)
        text.p = bl_arena_strndup(arena, text.p, text.n);
    return text;
}

void bl_arena_reset(struct bl_arena *arena)
{
    struct bl_arena_block *block, *next;

    if (!arena->head)
        return;
    for (block = arena->head->next; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->head->next = NULL;
    arena->head->used = 0;
}

void bl_arena_free(struct bl_arena *arena)
{
    bl_arena_reset(arena);
    free(arena->head);
    arena->head = NULL;
}
