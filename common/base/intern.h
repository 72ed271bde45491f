/* SPDX-License-Identifier: MIT */
/*
 * intern: texts numbered 0, 1, 2 ... in the order in which they first came.
 *
 *     struct bl_intern *t = bl_intern_new();
 *     uint32_t paris = bl_intern_add(t, bl_span_of("Paris"));
 *     if (bl_intern_find(t, text) == paris) ...
 *     bl_intern_free(t);
 *
 * Texts are copied.  The place of a text in the table depends on a number
 * that is drawn for each table, so that nobody can make texts that all meet
 * in one place; the numbers of the texts do not.
 */
#ifndef BL_INTERN_H
#define BL_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

#define BL_INTERN_NONE UINT32_MAX

struct bl_intern;

/* Never NULL; free with bl_intern_free(), which takes NULL. */
struct bl_intern *bl_intern_new(void);
void bl_intern_free(struct bl_intern *table);
/* Forgets all texts. */
void bl_intern_clear(struct bl_intern *table);

/* The text's number, a new one where it was not there. */
uint32_t bl_intern_add(struct bl_intern *table, struct bl_span text);
/* The same, or BL_INTERN_NONE. */
uint32_t bl_intern_find(const struct bl_intern *table, struct bl_span text);

size_t bl_intern_count(const struct bl_intern *table);
/* Of a number below the count; borrowed until clear or free. */
struct bl_span bl_intern_text(const struct bl_intern *table, uint32_t number);

BL_END_DECLS

#endif
