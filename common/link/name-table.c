/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/name-table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/mem.h"
#include "link/short-name.h"

struct numbers {
    uint32_t *v;
    size_t n, cap;
};

struct bl_name_table {
    struct bl_intern *names;    /* by normal form */
    struct bl_intern *words;
    /* [room] for each word: the names that have it, and that begin with it;
     * the lists keep their memory when the table is cleared. */
    struct numbers *with, *from;
    size_t with_room, from_room;
    /* [2][names]: wholes and shorts of each name. */
    struct numbers *kin[2];
    size_t kin_room[2];
    struct bl_buf scratch;
    struct numbers found, seen; /* seen.v[name]: the last search that found
                                 * it, */
    uint32_t searches;          /* of so many */
};

enum { WHOLES, SHORTS };

struct bl_name_table *bl_name_table_new(void)
{
    struct bl_name_table *table = BL_NEW(struct bl_name_table);

    table->names = bl_intern_new();
    table->words = bl_intern_new();
    return table;
}

static void free_lists(struct numbers *lists, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(lists[i].v);
    free(lists);
}

void bl_name_table_free(struct bl_name_table *table)
{
    if (!table)
        return;
    bl_intern_free(table->names);
    bl_intern_free(table->words);
    free_lists(table->with, table->with_room);
    free_lists(table->from, table->from_room);
    free_lists(table->kin[WHOLES], table->kin_room[WHOLES]);
    free_lists(table->kin[SHORTS], table->kin_room[SHORTS]);
    free(table->found.v);
    free(table->seen.v);
    bl_buf_free(&table->scratch);
    free(table);
}

static void empty_lists(struct numbers *lists, size_t n)
{
    for (size_t i = 0; i < n; i++)
        lists[i].n = 0;
}

void bl_name_table_clear(struct bl_name_table *table)
{
    empty_lists(table->with, table->with_room);
    empty_lists(table->from, table->from_room);
    for (size_t i = 0; i < BL_COUNT(table->kin); i++)
        empty_lists(table->kin[i], table->kin_room[i]);
    bl_intern_clear(table->names);
    bl_intern_clear(table->words);
    table->seen.n = table->searches = 0;
}

/* Room for list number i; new ones are empty. */
static void reach(struct numbers **lists, size_t *room, size_t i)
{
    size_t before = *room;

    if (i < before)
        return;
    BL_GROW(*lists, i + 1, *room);
    memset(*lists + before, 0, (*room - before) * sizeof **lists);
}

static void append(struct numbers *list, uint32_t number)
{
    BL_GROW(list->v, list->n + 1, list->cap);
    list->v[list->n++] = number;
}

/* The next word of a normal form; false at the end. */
static bool next_word(struct bl_span text, size_t *at, struct bl_span *word)
{
    const char *end;

    if (*at >= text.n)
        return false;
    word->p = text.p + *at;
    end = memchr(word->p, ' ', text.n - *at);
    word->n = end ? (size_t)(end - word->p) : text.n - *at;
    *at += word->n + 1;
    return true;
}

/* A word that a name has twice leads to it once. */
static void add_words(struct bl_name_table *table, uint32_t name,
                      struct bl_span text)
{
    struct bl_span word;

    for (size_t at = 0, first = 1; next_word(text, &at, &word); first = 0) {
        uint32_t w = bl_intern_add(table->words, word);
        struct numbers *with;

        reach(&table->with, &table->with_room, w);
        reach(&table->from, &table->from_room, w);
        with = &table->with[w];
        if (!with->n || with->v[with->n - 1] != name)
            append(with, name);
        if (first)
            append(&table->from[w], name);
    }
}

uint32_t bl_name_table_add(struct bl_name_table *table, struct bl_span mention)
{
    size_t before = bl_intern_count(table->names);
    struct bl_span text;
    uint32_t name;

    bl_buf_clear(&table->scratch);
    bl_short_name(&table->scratch, mention);
    text = (struct bl_span){ table->scratch.data, table->scratch.len };
    name = bl_intern_add(table->names, text);
    if (name == before)
        add_words(table, name, bl_intern_text(table->names, name));
    return name;
}

size_t bl_name_table_count(const struct bl_name_table *table)
{
    return bl_intern_count(table->names);
}

struct bl_span bl_name_table_text(const struct bl_name_table *table,
                                  uint32_t name)
{
    return bl_intern_text(table->names, name);
}

/* ---- Short forms ---- */

/* Whoever holds a name has its rarest word. */
static const struct numbers *rarest(const struct bl_name_table *table,
                                    struct bl_span text)
{
    const struct numbers *least = NULL;
    struct bl_span word;

    for (size_t at = 0; next_word(text, &at, &word);) {
        uint32_t w = bl_intern_find(table->words, word);

        if (!least || table->with[w].n < least->n)
            least = &table->with[w];
    }
    return least;
}

static void relate_one(struct bl_name_table *table, uint32_t name)
{
    struct bl_span text = bl_name_table_text(table, name);
    const struct numbers *near = rarest(table, text);

    for (size_t i = 0; near && i < BL_MIN(near->n, BL_NAME_MOST); i++) {
        uint32_t other = near->v[i];

        if (!bl_short_of(text, bl_name_table_text(table, other)))
            continue;
        append(&table->kin[WHOLES][name], other);
        append(&table->kin[SHORTS][other], name);
    }
}

void bl_name_table_relate(struct bl_name_table *table)
{
    size_t n = bl_name_table_count(table);

    for (size_t i = 0; i < BL_COUNT(table->kin); i++)
        if (n)
            reach(&table->kin[i], &table->kin_room[i], n - 1);
    for (uint32_t name = 0; name < n; name++)
        relate_one(table, name);
}

static struct bl_name_list kin_of(const struct bl_name_table *table, int which,
                                  uint32_t name)
{
    if (name >= table->kin_room[which])
        return (struct bl_name_list){ NULL, 0 };
    return (struct bl_name_list){ table->kin[which][name].v,
                                  table->kin[which][name].n };
}

struct bl_name_list bl_name_table_wholes(const struct bl_name_table *table,
                                         uint32_t name)
{
    return kin_of(table, WHOLES, name);
}

struct bl_name_list bl_name_table_shorts(const struct bl_name_table *table,
                                         uint32_t name)
{
    return kin_of(table, SHORTS, name);
}

/* ---- Names in a text ---- */

/* Shorter ones, and numbers, stand in many texts by chance. */
static bool tells(struct bl_span name)
{
    size_t digits = 0;

    while (digits < name.n && name.p[digits] >= '0' && name.p[digits] <= '9')
        digits++;
    return name.n > 3 && digits < name.n;
}

static bool begins_with(struct bl_span text, struct bl_span name)
{
    return text.n >= name.n && !memcmp(text.p, name.p, name.n)
        && (text.n == name.n || text.p[name.n] == ' ');
}

/* The names that begin with a word of the text, where it stands. */
static void find_at(struct bl_name_table *table, struct bl_span rest,
                    const struct numbers *from)
{
    for (size_t i = 0; i < BL_MIN(from->n, BL_NAME_MOST); i++) {
        uint32_t name = from->v[i];
        struct bl_span text = bl_name_table_text(table, name);

        if (table->seen.v[name] == table->searches || !tells(text)
            || !begins_with(rest, text))
            continue;
        table->seen.v[name] = table->searches;
        append(&table->found, name);
    }
}

struct bl_name_list bl_name_table_find(struct bl_name_table *table,
                                       struct bl_span text)
{
    struct bl_span word;

    while (table->seen.n < bl_name_table_count(table))
        append(&table->seen, 0);
    table->found.n = 0;
    table->searches++;
    for (size_t at = 0; next_word(text, &at, &word);) {
        uint32_t w = bl_intern_find(table->words, word);

        if (w != BL_INTERN_NONE)
            find_at(table, (struct bl_span){
                word.p, text.n - (size_t)(word.p - text.p)
            }, &table->from[w]);
    }
    return (struct bl_name_list){ table->found.v, table->found.n };
}
