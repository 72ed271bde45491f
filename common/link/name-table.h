/* SPDX-License-Identifier: MIT */
/*
 * name-table: the names of a document, and which of them are short forms of
 * which others.
 *
 *     struct bl_name_table *t = bl_name_table_new();
 *     uint32_t tim = bl_name_table_add(t, bl_span_of("Tim Cook"));
 *     uint32_t cook = bl_name_table_add(t, bl_span_of("Cook"));
 *     bl_name_table_relate(t);
 *     ... bl_name_table_wholes(t, cook) has tim ...
 *     bl_name_table_free(t);
 *
 * Mentions of one normal form (short-name.h) are one name.  Work and memory
 * are linear in the names: of those that share a word with a name, only the
 * first BL_NAME_MOST are looked at.
 */
#ifndef BL_NAME_TABLE_H
#define BL_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

enum { BL_NAME_MOST = 256 };

struct bl_name_table;

/* Never NULL; free with bl_name_table_free(), which takes NULL. */
struct bl_name_table *bl_name_table_new(void);
void bl_name_table_free(struct bl_name_table *table);
/* Forgets all names. */
void bl_name_table_clear(struct bl_name_table *table);

/* The number of a mention's name, from 0. */
uint32_t bl_name_table_add(struct bl_name_table *table,
                           struct bl_span mention);
size_t bl_name_table_count(const struct bl_name_table *table);
/* Its normal form; empty for a mention without a visible character. */
struct bl_span bl_name_table_text(const struct bl_name_table *table,
                                  uint32_t name);

/* Finds short forms, once all names are there. */
void bl_name_table_relate(struct bl_name_table *table);

/* Names in the order of their numbers; borrowed until the next change. */
struct bl_name_list {
    const uint32_t *v;
    size_t n;
};

/* The names of which this one is a short form, and its short forms. */
struct bl_name_list bl_name_table_wholes(const struct bl_name_table *table,
                                         uint32_t name);
struct bl_name_list bl_name_table_shorts(const struct bl_name_table *table,
                                         uint32_t name);

/* ---- Names in a text ---- */

/* The names of four bytes or more, but not of digits alone, whose words stand
 * in the text, which is a normal form; each once.  Names are found by their
 * first word, of which the first BL_NAME_MOST names are looked at.  Borrowed
 * until the next call for this table. */
struct bl_name_list bl_name_table_find(struct bl_name_table *table,
                                       struct bl_span text);

BL_END_DECLS

#endif
