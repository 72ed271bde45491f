/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/cluster.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/intern.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "link/short-name.h"

/* Documents of one subject have a cosine of .4 to .8, of two subjects of about
 * 0 to .2. */
static const double least_cosine = 0.25;

/* A thing of the document. */
struct thing {
    uint32_t name;              /* its first one */
    char type[16];              /* "" none */
    struct bl_buf nil_id;
};

/* Things of one name and type, seen so far in any document. */
struct namesakes {
    double *sums;               /* [n][dim] of the vectors of their documents;
                                 * NULL: none */
    size_t n;
};

struct bl_cluster {
    struct bl_entities *entities;
    size_t dim;
    bool across;
    struct thing *things;       /* [n_things] */
    size_t n_things, things_cap;
    struct bl_intern *names, *words, *ids;
    /* 1 + the last thing with that name, whose name ends with that word, and
     * of the mention with that id. */
    uint32_t *of_name, *of_word, *of_id;
    size_t names_cap, words_cap, ids_cap;
    size_t mentions;            /* so far */
    struct bl_intern *keys;     /* across documents, */
    struct namesakes *known;    /* [keys] */
    size_t known_cap;
    double *subject;            /* [dim] of the piece; length 0: none */
    float *vector;
    struct bl_buf scratch;
};

struct bl_cluster *bl_cluster_new(struct bl_entities *entities, bool across)
{
    struct bl_cluster *c = BL_NEW(struct bl_cluster);

    c->entities = entities;
    c->dim = entities ? bl_entities_dim(entities) : 0;
    c->across = across;
    c->names = bl_intern_new();
    c->words = bl_intern_new();
    c->ids = bl_intern_new();
    c->keys = bl_intern_new();
    c->subject = bl_xcalloc(c->dim, sizeof *c->subject);
    c->vector = bl_xmalloc(c->dim, sizeof *c->vector);
    return c;
}

void bl_cluster_free(struct bl_cluster *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->things_cap; i++)
        bl_buf_free(&c->things[i].nil_id);
    for (size_t i = 0; i < bl_intern_count(c->keys); i++)
        free(c->known[i].sums);
    bl_intern_free(c->names);
    bl_intern_free(c->words);
    bl_intern_free(c->ids);
    bl_intern_free(c->keys);
    bl_buf_free(&c->scratch);
    free(c->things);
    free(c->of_name);
    free(c->of_word);
    free(c->of_id);
    free(c->known);
    free(c->subject);
    free(c->vector);
    free(c);
}

/* ---- What the document is about ---- */

static int read_subject(struct bl_cluster *c, const struct bl_unknown *v,
                        size_t n, struct bl_err *err)
{
    memset(c->subject, 0, c->dim * sizeof *c->subject);
    for (size_t i = 0; c->dim && i < n; i++) {
        int found = v[i].entity.p
            ? bl_entities_vector(c->entities, v[i].entity, c->vector, err) : 0;

        if (found < 0)
            return -1;
        for (size_t d = 0; found && d < c->dim; d++)
            c->subject[d] += c->vector[d];
    }
    return 0;
}

static double cosine(const double *one, const double *other, size_t n)
{
    double both = 0, left = 0, right = 0;

    for (size_t i = 0; i < n; i++) {
        both += one[i] * other[i];
        left += one[i] * one[i];
        right += other[i] * other[i];
    }
    return left > 0 && right > 0 ? both / sqrt(left * right) : 1;
}

/* The number of the thing among its namesakes, from 0: the one whose documents
 * are nearest, or a new one.  Without a vector it is the first. */
static size_t meet(struct bl_cluster *c, struct namesakes *same)
{
    size_t best = 0;
    double nearest = -INFINITY;

    for (size_t i = 0; i < same->n; i++) {
        double here = cosine(same->sums + i * c->dim, c->subject, c->dim);

        if (here > nearest) {
            nearest = here;
            best = i;
        }
    }
    if (same->n == 0 || nearest < least_cosine) {
        best = same->n++;
        same->sums = bl_xrealloc(same->sums, same->n * BL_MAX(c->dim, 1),
                                 sizeof *same->sums);
        memset(same->sums + best * c->dim, 0, c->dim * sizeof *same->sums);
    }
    for (size_t d = 0; d < c->dim; d++)
        same->sums[best * c->dim + d] += c->subject[d];
    return best;
}

/* ---- Things of a document ---- */

/* The thing that an interned text leads to; slots grow with the texts. */
static uint32_t *slot_of(uint32_t **slots, size_t *cap, uint32_t number)
{
    size_t before = *cap;

    if (number >= before) {
        BL_GROW(*slots, (size_t)number + 1, *cap);
        memset(*slots + before, 0, (*cap - before) * sizeof **slots);
    }
    return &(*slots)[number];
}

static struct bl_span last_word(struct bl_span name)
{
    size_t from = name.n;

    while (from > 0 && name.p[from - 1] != ' ')
        from--;
    return (struct bl_span){ name.p + from, name.n - from };
}

static bool types_clash(const struct thing *thing, struct bl_span type)
{
    return *thing->type && type.n && strcasecmp(thing->type, "MISC")
        && strcasecmp(type.p, "MISC") && strcasecmp(thing->type, type.p);
}

/* 1 + the earlier thing that the mention is of; 0: it is a new one. */
static uint32_t find_thing(struct bl_cluster *c, const struct bl_unknown *m,
                           uint32_t name, struct bl_span text)
{
    uint32_t found, word, id = BL_INTERN_NONE;

    if (m->follows.p)
        id = bl_intern_find(c->ids, m->follows);
    found = id == BL_INTERN_NONE ? 0 : *slot_of(&c->of_id, &c->ids_cap, id);
    if (found || !text.n)
        return found;
    found = *slot_of(&c->of_name, &c->names_cap, name);
    if (found && !types_clash(&c->things[found - 1], m->type))
        return found;
    word = bl_intern_find(c->words, last_word(text));
    found = word == BL_INTERN_NONE
        ? 0 : *slot_of(&c->of_word, &c->words_cap, word);
    if (found && bl_short_of(text, bl_intern_text(c->names,
                                                  c->things[found - 1].name))
        == BL_SHORT_END && !types_clash(&c->things[found - 1], m->type))
        return found;
    return 0;
}

/* The name is full enough to be known by in another document. */
static bool is_telling(const struct thing *thing, struct bl_span name)
{
    return name.n && (memchr(name.p, ' ', name.n)
                      || (*thing->type && strcasecmp(thing->type, "PER")
                          && strcasecmp(thing->type, "MISC")));
}

/* The length of the type stands between, so that no name can end as another
 * begins. */
static void name_across(struct bl_cluster *c, struct thing *thing,
                        struct bl_span name)
{
    unsigned char sum[BL_SHA256_SIZE];
    uint32_t key;
    size_t number;

    bl_buf_clear(&c->scratch);
    bl_buf_printf(&c->scratch, "%s\n", thing->type);
    bl_buf_put_span(&c->scratch, name);
    key = bl_intern_add(c->keys, (struct bl_span){ c->scratch.data,
                                                   c->scratch.len });
    if (key >= c->known_cap) {
        size_t before = c->known_cap;

        BL_GROW(c->known, (size_t)key + 1, c->known_cap);
        memset(c->known + before, 0,
               (c->known_cap - before) * sizeof *c->known);
    }
    number = meet(c, &c->known[key]);
    bl_sha256_of(c->scratch.data, c->scratch.len, sum);
    bl_buf_puts(&thing->nil_id, "nil:");
    for (size_t i = 0; i < 8; i++)
        bl_buf_printf(&thing->nil_id, "%02x", sum[i]);
    if (number)
        bl_buf_printf(&thing->nil_id, ":%zu", number + 1);
}

/* Buffers of things that an earlier document had are used again. */
static uint32_t new_thing(struct bl_cluster *c, const struct bl_unknown *m,
                          uint32_t name, struct bl_span text)
{
    struct thing *thing;
    size_t before = c->things_cap, n;

    BL_GROW(c->things, c->n_things + 1, c->things_cap);
    if (c->things_cap > before)
        memset(c->things + before, 0,
               (c->things_cap - before) * sizeof *c->things);
    thing = &c->things[c->n_things++];
    thing->name = name;
    n = BL_MIN(m->type.n, sizeof thing->type - 1);
    if (n)
        memcpy(thing->type, m->type.p, n);
    thing->type[n] = '\0';
    bl_buf_clear(&thing->nil_id);
    if (c->across && is_telling(thing, text)) {
        name_across(c, thing, text);
    } else {
        bl_buf_puts(&thing->nil_id, "nil:");
        if (m->id.p)
            bl_buf_put_span(&thing->nil_id, m->id);
        else
            bl_buf_printf(&thing->nil_id, "#%zu", c->mentions);
    }
    return (uint32_t)c->n_things;
}

/* A short name does not become the one by whose last word its thing is found:
 * "Ann" would then stand for "Ann Quill". */
static void read_one(struct bl_cluster *c, struct bl_unknown *m,
                     struct bl_arena *arena)
{
    struct bl_span text;
    uint32_t name, thing;
    const struct bl_buf *id;

    bl_buf_clear(&c->scratch);
    bl_short_name(&c->scratch, m->mention);
    name = bl_intern_add(c->names, (struct bl_span){ c->scratch.data,
                                                     c->scratch.len });
    text = bl_intern_text(c->names, name);
    thing = find_thing(c, m, name, text);
    if (!thing)
        thing = new_thing(c, m, name, text);
    *slot_of(&c->of_name, &c->names_cap, name) = thing;
    if (text.n && name == c->things[thing - 1].name)
        *slot_of(&c->of_word, &c->words_cap,
                 bl_intern_add(c->words, last_word(text))) = thing;
    if (m->id.p)
        *slot_of(&c->of_id, &c->ids_cap, bl_intern_add(c->ids, m->id)) = thing;
    id = &c->things[thing - 1].nil_id;
    m->nil_id = (struct bl_span){
        bl_arena_strndup(arena, id->data, id->len), id->len
    };
}

static void forget(struct bl_cluster *c)
{
    if (c->of_name)
        memset(c->of_name, 0, c->names_cap * sizeof *c->of_name);
    if (c->of_word)
        memset(c->of_word, 0, c->words_cap * sizeof *c->of_word);
    if (c->of_id)
        memset(c->of_id, 0, c->ids_cap * sizeof *c->of_id);
    bl_intern_clear(c->names);
    bl_intern_clear(c->words);
    bl_intern_clear(c->ids);
    c->n_things = 0;
}

int bl_cluster_read(struct bl_cluster *c, struct bl_unknown *mentions,
                    size_t n, bool more, struct bl_arena *arena,
                    struct bl_err *err)
{
    if (!more)
        forget(c);
    if (c->across && read_subject(c, mentions, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        c->mentions++;
        mentions[i].nil_id = (struct bl_span){ NULL, 0 };
        if (mentions[i].unknown)
            read_one(c, &mentions[i], arena);
    }
    return 0;
}
