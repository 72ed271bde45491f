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
static char *area(struct bl_arena_block *b)
{
    uintptr_t p = (uintptr_t)(b + 1);

    return (char *)((p + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
}

static struct bl_arena_block *block_new(size_t size)
{
    size_t total;
    struct bl_arena_block *b;

    if (!bl_size_add(size, sizeof *b + ALIGN, &total))
        bl_oom(SIZE_MAX);
    b = bl_xmalloc(total, 1);
    *b = (struct bl_arena_block){ .size = size };
    return b;
}

void *bl_arena_alloc(struct bl_arena *a, size_t n, size_t size)
{
    size_t bytes, grown;
    struct bl_arena_block *b = a->head;
    char *p;

    if (!bl_size_mul(n, size, &bytes)
        || !bl_size_add(bytes, ALIGN - 1, &bytes))
        bl_oom(SIZE_MAX);
    bytes &= ~(size_t)(ALIGN - 1);
    if (!b || b->size - b->used < bytes) {
        grown = b ? b->size * 2 : FIRST_BLOCK;
        b = block_new(BL_MAX(bytes, grown));
        b->next = a->head;
        a->head = b;
    }
    p = area(b) + b->used;
    b->used += bytes;
    return p;
}

char *bl_arena_strndup(struct bl_arena *a, const char *p, size_t n)
{
    char *s = bl_arena_alloc(a, n + 1, 1);

    if (n)
        memcpy(s, p, n);
    s[n] = '\0';
    return s;
}

/* Keeps the newest, largest block: after a few batches one block serves. */
void bl_arena_reset(struct bl_arena *a)
{
    struct bl_arena_block *b, *next;

    if (!a->head)
        return;
    for (b = a->head->next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->head->next = NULL;
    a->head->used = 0;
}

void bl_arena_free(struct bl_arena *a)
{
    bl_arena_reset(a);
    free(a->head);
    a->head = NULL;
}
