/* SPDX-License-Identifier: MIT */
/*
 * label-map: labels of another catalogue, by the titles that both have.
 *
 *     struct bl_label_map *map = bl_label_map_new();
 *     bl_label_map_add(map, kb, &record, &arena, &err);   a line of the file
 *     bl_label_map_sort(map);
 *     const char *id = bl_label_map_find(map, "E0512");
 *     bl_label_map_free(map);
 *
 * The file has {"entity_id","title"} a line, as BLINK's --test_entities for
 * TAC; an entity means the catalogue's entity of exactly that title, the last
 * one where several have it (as in the original), or nothing.
 */
#ifndef BL_LABEL_MAP_H
#define BL_LABEL_MAP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "json/record.h"
#include "kb/kb.h"

struct bl_label_map;

/* An empty one. */
struct bl_label_map *bl_label_map_new(void);
void bl_label_map_free(struct bl_label_map *map);       /* NULL: nothing */

/* Adds one line of the file: 0, also when the catalogue lacks the title; -1:
 * BL_BAD_FIELD, or BL_DATA when the catalogue fails. */
int bl_label_map_add(struct bl_label_map *map, struct bl_kb *kb,
                     const struct bl_record *record, struct bl_arena *arena,
                     struct bl_err *err);
/* Call once all are added; of equal entity_ids the last one counts. */
void bl_label_map_sort(struct bl_label_map *map);
/* The catalogue's id, borrowed; NULL when there is none. */
const char *bl_label_map_find(const struct bl_label_map *map,
                              const char *label);
/* Lines added, and those whose title the catalogue lacks. */
size_t bl_label_map_count(const struct bl_label_map *map);
size_t bl_label_map_missing(const struct bl_label_map *map);

#endif
