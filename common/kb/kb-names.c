/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-names.h"

#include <stdlib.h>
#include <string.h>

#include "text/fold.h"
#include "text/initials.h"
#include "base/mem.h"

enum { TITLE_WEIGHT = 5, BARE_WEIGHT = 2, ALIAS_WEIGHT = 1,
       COMMON_WINDOW = 4096 };

static bool word_char(const char *p, const char *end)
{
    unsigned char c = p < end ? (unsigned char)*p : 0;

    return c >= 0x80 || (c >= '0' && c <= '9')
        || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* True when `text` holds `word` between word borders. */
static bool holds_word(struct bl_span text, struct bl_span word)
{
    const char *p = text.p, *end = text.p + text.n, *hit;

    while ((hit = memmem(p, (size_t)(end - p), word.p, word.n))) {
        if ((hit == text.p || !word_char(hit - 1, end))
            && !word_char(hit + word.n, end))
            return true;
        p = hit + 1;
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

/* "Dog" and a text that says "the dog". */
static bool common_title(struct bl_span title, struct bl_span text,
                         struct bl_arena *a)
{
    char *low;

    if (title.n < 2 || !is_upper(title.p[0]) || is_upper(title.p[1]))
        return false;
    low = bl_arena_strndup(a, title.p, title.n);
    low[0] = (char)(low[0] | 0x20);
    if (text.n > COMMON_WINDOW)
        text.n = COMMON_WINDOW;
    return holds_word(text, (struct bl_span){ low, title.n });
}

static bool lower_case(struct bl_span s)
{
    bool letter = false;

    for (size_t i = 0; i < s.n; i++) {
        if (is_upper(s.p[i]))
            return false;
        letter |= is_lower(s.p[i]);
    }
    return letter;
}

struct list {
    struct bl_kb_naming *v;
    size_t n;
    struct bl_buf *fold;
    struct bl_arena *arena;
};

static void put_name(struct list *l, struct bl_span surface, int kind,
                     int64_t count)
{
    static const int weights[] = { TITLE_WEIGHT, BARE_WEIGHT, ALIAS_WEIGHT };
    struct bl_kb_naming *e = &l->v[l->n];

    bl_buf_clear(l->fold);
    bl_buf_reserve(l->fold, 1);
    bl_fold(l->fold, surface);
    e->surface = surface;
    e->folded.p = bl_arena_strndup(l->arena, l->fold->data, l->fold->len);
    e->folded.n = l->fold->len;
    e->count = count;
    e->weight = count >= 0 ? count : weights[kind & 7];
    e->kind = kind;
    e->n = (int)l->n++;
    if (!e->folded.n)
        e->weight = 0;
}

static int by_name(const void *va, const void *vb)
{
    const struct bl_kb_naming *a = *(const struct bl_kb_naming *const *)va;
    const struct bl_kb_naming *b = *(const struct bl_kb_naming *const *)vb;
    size_t n = BL_MIN(a->folded.n, b->folded.n);
    int c = memcmp(a->folded.p, b->folded.p, n);

    if (c == 0)
        c = (a->folded.n > b->folded.n) - (a->folded.n < b->folded.n);
    return c ? c : a->n - b->n;
}

/* An entity counts once under a name: the first spelling gets the weights
 * of all. */
static void merge_names(struct list *l)
{
    struct bl_kb_naming **p = bl_arena_alloc(l->arena, l->n, sizeof *p);
    struct bl_kb_naming *first = NULL;

    for (size_t i = 0; i < l->n; i++)
        p[i] = &l->v[i];
    qsort(p, l->n, sizeof *p, by_name);
    for (size_t i = 0; i < l->n; i++) {
        if (!first || !bl_span_eq(first->folded, p[i]->folded)) {
            first = p[i];
            continue;
        }
        first->weight += p[i]->weight;
        p[i]->weight = 0;
    }
}

/* "ICJ": no name, only a way to find the entity, so without weight. */
static void put_initials(struct list *l, struct bl_span title)
{
    char initials[BL_MOST_INITIALS];
    size_t n = bl_initials_of(title, initials);
    char *own = bl_arena_strndup(l->arena, initials, n);

    if (!n)
        return;
    put_name(l, (struct bl_span){ own, n }, BL_KB_INITIALS, 0);
    l->v[l->n - 1].count = -1;
}

struct bl_kb_naming *bl_kb_name_all(const struct bl_kb_input *in,
                                    struct bl_buf *fold, struct bl_arena *a,
                                    size_t *n)
{
    struct list l = { NULL, 0, fold, a };
    struct bl_span bare = in->title;
    bool has_bare = bl_fold_bare(in->title, &bare);
    int common = common_title(bare, in->text, a) ? BL_KB_COMMON : 0;

    l.v = bl_arena_alloc(a, in->n_aliases + 3, sizeof *l.v);
    put_name(&l, in->title, BL_KB_TITLE | common, -1);
    if (has_bare)
        put_name(&l, bare, BL_KB_BARE | common, -1);
    for (size_t i = 0; i < in->n_aliases; i++) {
        const struct bl_kb_alias *al = &in->aliases[i];

        put_name(&l, al->surface, BL_KB_ALIAS |
                 (lower_case(al->surface) ? BL_KB_COMMON : 0), al->count);
    }
    merge_names(&l);
    put_initials(&l, in->title);
    *n = l.n;
    return l.v;
}
