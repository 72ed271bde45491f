/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/intern.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/random.h"

struct text {
    struct bl_span span;
    uint64_t hash;
};

struct bl_intern {
    struct text *v;             /* [n] */
    size_t n, cap;
    uint32_t *slots;            /* [mask + 1]: 1 + number, or 0 */
    size_t mask;
    uint64_t seed;
    struct bl_arena arena;
};

enum { FIRST_SLOTS = 64 };

struct bl_intern *bl_intern_new(void)
{
    struct bl_intern *table = BL_NEW(struct bl_intern);

    table->mask = FIRST_SLOTS - 1;
    table->slots = BL_NEW_ARRAY(uint32_t, FIRST_SLOTS);
    /* Without it the table works as well, for texts that mean no harm. */
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0)
        table->seed = 0;
    return table;
}

void bl_intern_free(struct bl_intern *table)
{
    if (!table)
        return;
    bl_arena_free(&table->arena);
    free(table->slots);
    free(table->v);
    free(table);
}

void bl_intern_clear(struct bl_intern *table)
{
    memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
    bl_arena_reset(&table->arena);
    table->n = 0;
}

/* Eight bytes a step, each mixed into all bits with the seed, so that equal
 * hashes cannot be computed without it. */
static uint64_t hash_of(uint64_t seed, struct bl_span text)
{
    uint64_t state = bl_random_seed(seed, text.n, 0), word;

    for (size_t i = 0; i < text.n; i += sizeof word) {
        word = 0;
        memcpy(&word, text.p + i, BL_MIN(text.n - i, sizeof word));
        state ^= word;
        state = bl_random_next(&state);
    }
    return state;
}

/* The slot that holds the text, or the empty one where it belongs. */
static size_t slot_of(const struct bl_intern *table, struct bl_span text,
                      uint64_t hash)
{
    size_t at = (size_t)hash & table->mask;

    for (; table->slots[at]; at = (at + 1) & table->mask) {
        const struct text *other = &table->v[table->slots[at] - 1];

        if (other->hash == hash && bl_span_eq(other->span, text))
            break;
    }
    return at;
}

/* Slots are at most half full. */
static void grow_slots(struct bl_intern *table)
{
    size_t n = 2 * (table->mask + 1);

    free(table->slots);
    table->slots = BL_NEW_ARRAY(uint32_t, n);
    table->mask = n - 1;
    for (size_t i = 0; i < table->n; i++)
        table->slots[slot_of(table, table->v[i].span, table->v[i].hash)] =
            (uint32_t)i + 1;
}

uint32_t bl_intern_add(struct bl_intern *table, struct bl_span text)
{
    uint64_t hash = hash_of(table->seed, text);
    size_t slot = slot_of(table, text, hash);

    if (table->slots[slot])
        return table->slots[slot] - 1;
    BL_ASSERT(table->n < BL_INTERN_NONE - 1);
    if (2 * (table->n + 1) > table->mask) {
        grow_slots(table);
        slot = slot_of(table, text, hash);
    }
    BL_GROW(table->v, table->n + 1, table->cap);
    table->v[table->n] = (struct text){
        { bl_arena_strndup(&table->arena, text.n ? text.p : "", text.n),
          text.n }, hash
    };
    table->slots[slot] = (uint32_t)++table->n;
    return (uint32_t)table->n - 1;
}

uint32_t bl_intern_find(const struct bl_intern *table, struct bl_span text)
{
    size_t slot = slot_of(table, text, hash_of(table->seed, text));

    return table->slots[slot] ? table->slots[slot] - 1 : BL_INTERN_NONE;
}

size_t bl_intern_count(const struct bl_intern *table)
{
    return table->n;
}

struct bl_span bl_intern_text(const struct bl_intern *table, uint32_t number)
{
    return table->v[number].span;
}
