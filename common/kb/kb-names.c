/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/fold.h"
#include "text/initials.h"

enum { TITLE_WEIGHT = 5, BARE_WEIGHT = 2, ALIAS_WEIGHT = 1,
       COMMON_WINDOW = 4096 };

static bool word_char(const char *at, const char *end)
{
    unsigned char c = at < end ? (unsigned char)*at : 0;

    return c >= 0x80 || (c >= '0' && c <= '9')
        || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* True when `text` holds `word` between word borders. */
static bool holds_word(struct bl_span text, struct bl_span word)
{
    const char *from = text.p, *end = text.p + text.n, *hit;

    while ((hit = memmem(from, (size_t)(end - from), word.p, word.n))) {
        if ((hit == text.p || !word_char(hit - 1, end))
            && !word_char(hit + word.n, end))
            return true;
        from = hit + 1;
    }
    return false;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* The title is a common noun if the text uses it in lower case: "Dog" and "the
 * dog".  Only the beginning is searched, since definitions are there, and a
 * title with a second capital ("USA") is a name in any case. */
static bool common_title(struct bl_span title, struct bl_span text,
                         struct bl_arena *arena)
{
    char *low;

    if (title.n < 2 || !is_upper(title.p[0]) || is_upper(title.p[1]))
        return false;
    low = bl_arena_strndup(arena, title.p, title.n);
    low[0] = (char)(low[0] | 0x20);
    if (text.n > COMMON_WINDOW)
        text.n = COMMON_WINDOW;
    return holds_word(text, (struct bl_span){ low, title.n });
}

static bool lower_case(struct bl_span text)
{
    bool letter = false;

    for (size_t i = 0; i < text.n; i++) {
        if (is_upper(text.p[i]))
            return false;
        letter |= is_lower(text.p[i]);
    }
    return letter;
}

struct list {
    struct bl_kb_naming *names;
    size_t n_names;
    struct bl_buf *fold;
    struct bl_arena *arena;
};

static void put_name(struct list *list, struct bl_span surface, int kind,
                     int64_t count)
{
    static const int weights[] = { TITLE_WEIGHT, BARE_WEIGHT, ALIAS_WEIGHT };
    struct bl_kb_naming *name = &list->names[list->n_names];

    bl_buf_clear(list->fold);
    bl_buf_reserve(list->fold, 1);
    bl_fold(list->fold, surface);
    name->surface = surface;
    name->folded.p = bl_arena_strndup(list->arena, list->fold->data,
                                      list->fold->len);
    name->folded.n = list->fold->len;
    name->count = count;
    name->weight = count >= 0 ? count : weights[kind & 7];
    name->kind = kind;
    name->n = (int)list->n_names++;
    if (!name->folded.n)
        name->weight = 0;
}

static int entry_by_name(const void *va, const void *vb)
{
    const struct bl_kb_naming *a = *(const struct bl_kb_naming *const *)va;
    const struct bl_kb_naming *b = *(const struct bl_kb_naming *const *)vb;
    size_t shorter = BL_MIN(a->folded.n, b->folded.n);
    int order = memcmp(a->folded.p, b->folded.p, shorter);

    if (order == 0)
        order = (a->folded.n > b->folded.n) - (a->folded.n < b->folded.n);
    return order ? order : a->n - b->n;
}

static bool is_uncounted(const struct bl_kb_naming *name)
{
    return (name->kind & ~BL_KB_COMMON) == BL_KB_ALIAS && name->count < 0;
}

/* An entity counts once under a name: the first spelling, which
 * entry_by_name() sorts first, gets the weights of all; the others get 0.
 * Aliases without a count count once together, as lists of names repeat them
 * in other capitals. */
static void merge_names(struct list *list)
{
    struct bl_kb_naming **sorted = bl_arena_alloc(list->arena, list->n_names,
                                                  sizeof *sorted);
    struct bl_kb_naming *first = NULL;
    bool uncounted = false;

    for (size_t i = 0; i < list->n_names; i++)
        sorted[i] = &list->names[i];
    qsort(sorted, list->n_names, sizeof *sorted, entry_by_name);
    for (size_t i = 0; i < list->n_names; i++) {
        if (!first || !bl_span_eq(first->folded, sorted[i]->folded)) {
            first = sorted[i];
            uncounted = is_uncounted(first);
            continue;
        }
        if (!uncounted || !is_uncounted(sorted[i]))
            first->weight += sorted[i]->weight;
        uncounted |= is_uncounted(sorted[i]);
        sorted[i]->weight = 0;
    }
}

/* "ICJ" is not a name, only a way to find the entity, so it has no weight. */
static void put_initials(struct list *list, struct bl_span title)
{
    char initials[BL_MOST_INITIALS];
    size_t n = bl_initials_of(title, initials);
    char *own = bl_arena_strndup(list->arena, initials, n);

    if (!n)
        return;
    put_name(list, (struct bl_span){ own, n }, BL_KB_INITIALS, 0);
    list->names[list->n_names - 1].count = -1;
}

/* The three names beside the aliases are the title, the title without its
 * "(...)" and the initials.  Whether the title is a common noun is asked of
 * the bare one, because no text says "the mercury (planet)".  Initials come
 * after merging, so that they neither give a name weight nor take it away. */
struct bl_kb_naming *bl_kb_name_all(const struct bl_kb_input *in,
                                    struct bl_buf *fold,
                                    struct bl_arena *arena, size_t *n_names)
{
    struct list list = { NULL, 0, fold, arena };
    struct bl_span bare = in->title;
    bool has_bare = bl_fold_bare(in->title, &bare);
    int common = common_title(bare, in->text, arena) ? BL_KB_COMMON : 0;

    list.names = bl_arena_alloc(arena, in->n_aliases + 3, sizeof *list.names);
    put_name(&list, in->title, BL_KB_TITLE | common, -1);
    if (has_bare)
        put_name(&list, bare, BL_KB_BARE | common, -1);
    for (size_t i = 0; i < in->n_aliases; i++) {
        const struct bl_kb_alias *alias = &in->aliases[i];

        put_name(&list, alias->surface,
                 BL_KB_ALIAS | (lower_case(alias->surface) ? BL_KB_COMMON : 0),
                 alias->count);
    }
    merge_names(&list);
    put_initials(&list, in->title);
    *n_names = list.n_names;
    return list.names;
}
