/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/label-map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/fold.h"

enum { MAX_SAME = 10000 };      /* entities of one name */

struct pair {
    const char *label, *id;     /* id NULL: the catalogue lacks it */
    size_t n;
};

struct bl_label_map {
    struct pair *v;             /* [n] */
    size_t n, cap, missing;
    struct bl_arena memory;
    struct bl_buf folded;
};

struct bl_label_map *bl_label_map_new(void)
{
    return BL_NEW(struct bl_label_map);
}

void bl_label_map_free(struct bl_label_map *map)
{
    if (!map)
        return;
    bl_arena_free(&map->memory);
    bl_buf_free(&map->folded);
    free(map->v);
    free(map);
}

/* The last row with exactly this title; -1 when there is none, -2 failed. */
static int64_t find_title(struct bl_label_map *map, struct bl_kb *kb,
                          struct bl_span title, struct bl_arena *arena,
                          struct bl_err *err)
{
    struct bl_kb_spelling *spellings;
    int64_t row = -1;
    size_t n;

    bl_buf_clear(&map->folded);
    bl_fold(&map->folded, title);
    if (!map->folded.len)
        return -1;
    if (bl_kb_spellings(kb, (struct bl_span){ map->folded.data,
                                              map->folded.len },
                        MAX_SAME, arena, &spellings, &n, err) < 0)
        return -2;
    for (size_t i = 0; i < n; i++)
        if ((spellings[i].kind & ~BL_KB_COMMON) == BL_KB_TITLE
            && spellings[i].row > row
            && bl_span_eq(spellings[i].surface, title))
            row = spellings[i].row;
    return row;
}

/* The texts are copied, because those in `arena` live no longer than the
 * line.  A label whose title the catalogue lacks is kept without an id. */
int bl_label_map_add(struct bl_label_map *map, struct bl_kb *kb,
                     const struct bl_record *record, struct bl_arena *arena,
                     struct bl_err *err)
{
    struct bl_entity entity = { .row = -1 };
    struct bl_span label, title;
    const char *id;
    int64_t row;

    if (bl_record_id(record, "entity_id", arena, &label, err) < 0
        || bl_record_string(record, "title", arena, &title, err) < 0)
        return -1;
    row = find_title(map, kb, title, arena, err);
    if (row == -2
        || (row >= 0 && bl_kb_brief_row(kb, row, arena, &entity, err) < 0))
        return -1;
    BL_GROW(map->v, map->n + 1, map->cap);
    map->missing += row < 0;
    id = row < 0 ? NULL
        : bl_arena_strndup(&map->memory, entity.id.p, entity.id.n);
    map->v[map->n] = (struct pair){
        bl_arena_strndup(&map->memory, label.p, label.n), id, map->n
    };
    map->n++;
    return 0;
}

static int by_label(const void *one, const void *other)
{
    const struct pair *x = one, *y = other;
    int order = strcmp(x->label, y->label);

    return order ? order : (x->n > y->n) - (x->n < y->n);
}

void bl_label_map_sort(struct bl_label_map *map)
{
    if (map->n > 1)
        qsort(map->v, map->n, sizeof *map->v, by_label);
}

const char *bl_label_map_find(const struct bl_label_map *map,
                              const char *label)
{
    const char *id = NULL;
    size_t lo = 0, hi = map->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(map->v[mid].label, label) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* As in the original, a later line whose title the catalogue lacks does
     * not undo an earlier one of the same label. */
    for (; lo < map->n && !strcmp(map->v[lo].label, label); lo++)
        id = map->v[lo].id ? map->v[lo].id : id;
    return id;
}

size_t bl_label_map_count(const struct bl_label_map *map)
{
    return map->n;
}

size_t bl_label_map_missing(const struct bl_label_map *map)
{
    return map->missing;
}
