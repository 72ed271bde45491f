/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ner/naming.h"

enum {
    SLOTS = 1 << 17,            /* phrases in the cache */
    MAX_WORDS = 16,             /* of one name */
    MAX_SPELLINGS = 16,         /* looked at for one name */
    MAX_FORM = 256              /* bytes of a phrase */
};

/* What the catalogue knows of a phrase. */
struct slot {
    uint64_t hash;              /* 0: empty */
    bool prefix;                /* longer names begin with it */
    struct bl_spelling *v;      /* NULL: it is no name */
    size_t n;
};

struct bl_dictionary {
    struct bl_kb *kb;
    struct bl_dictionary_opts opts;
    struct slot *slots;
    struct bl_evidence *evidence;
    struct bl_arena arena;      /* of one question to the catalogue */
    struct bl_arena types;      /* of the mentions last found */
};

struct bl_dictionary *bl_dictionary_new(struct bl_kb *kb,
                                        const struct bl_dictionary_opts *o)
{
    struct bl_dictionary *d = BL_NEW(struct bl_dictionary);

    d->kb = kb;
    d->opts = *o;
    d->slots = BL_NEW_ARRAY(struct slot, SLOTS);
    d->evidence = bl_evidence_new();
    return d;
}

static void clear_slot(struct slot *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free((char *)s->v[i].surface.p);
        free((char *)s->v[i].type.p);
    }
    free(s->v);
    *s = (struct slot){ 0 };
}

void bl_dictionary_free(struct bl_dictionary *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        if (d->slots[i].hash)
            clear_slot(&d->slots[i]);
    free(d->slots);
    bl_evidence_free(d->evidence);
    bl_arena_free(&d->arena);
    bl_arena_free(&d->types);
    free(d);
}

/* ---- The cache ---- */

static struct bl_span keep(struct bl_span s)
{
    if (!s.p)
        return s;
    return (struct bl_span){ bl_xmemdup(s.p, s.n + 1), s.n };
}

static struct bl_spelling prepare(const struct bl_kb_spelling *k)
{
    struct bl_spelling s = {
        keep(k->surface), keep(k->type), k->row, k->kind,
        bl_shape_of(k->surface.p, k->surface.n), false
    };
    const char *space = memchr(s.surface.p, ' ', s.surface.n);
    enum bl_word_shape rest;

    if (space) {
        rest = bl_shape_of(space, (size_t)(s.surface.p + s.surface.n -
                                           space));
        s.inner = rest != BL_SHAPE_LOWER && rest != BL_SHAPE_NONE;
    }
    return s;
}

static int load_spellings(struct bl_dictionary *d, struct slot *s,
                          struct bl_span phrase, struct bl_err *err)
{
    struct bl_kb_spelling *v;
    size_t n;

    if (bl_kb_spellings(d->kb, phrase, MAX_SPELLINGS, &d->arena, &v, &n,
                        err) < 0)
        return -1;
    s->v = BL_NEW_ARRAY(struct bl_spelling, n);
    for (s->n = 0; s->n < n; s->n++)
        s->v[s->n] = prepare(&v[s->n]);
    return 0;
}

static bool starts_with(struct bl_span s, struct bl_span with)
{
    return s.n >= with.n && !memcmp(s.p, with.p, with.n);
}

/* The names in byte order tell both: the first one from the phrase on is
 * the phrase itself or not, and the first one from the phrase with a space
 * behind it begins with that or not. */
static int load_slot(struct bl_dictionary *d, struct slot *s,
                     char phrase[MAX_FORM + 1], size_t n,
                     struct bl_err *err)
{
    struct bl_span p = { phrase, n }, longer = { phrase, n + 1 }, name;
    int rc = bl_kb_name_from(d->kb, p, &d->arena, &name, err);

    if (rc == 1 && bl_span_eq(name, p)
        && load_spellings(d, s, p, err) < 0)
        return -1;
    if (rc == 1 && starts_with(name, p)) {
        phrase[n] = ' ';
        if (s->v)
            rc = bl_kb_name_from(d->kb, longer, &d->arena, &name, err);
        s->prefix = rc == 1 && starts_with(name, longer);
        phrase[n] = '\0';
    }
    bl_arena_reset(&d->arena);
    return rc < 0 ? -1 : 0;
}

static const struct slot *look_up(struct bl_dictionary *d, uint64_t hash,
                                  char phrase[MAX_FORM + 1], size_t n,
                                  struct bl_err *err)
{
    struct slot *s = &d->slots[(hash ^ hash >> 32) % SLOTS];

    hash |= 1;                          /* never the empty mark */
    if (s->hash == hash)
        return s;
    clear_slot(s);
    if (load_slot(d, s, phrase, n, err) < 0) {
        clear_slot(s);
        return NULL;
    }
    s->hash = hash;
    return s;
}

/* ---- Matching ---- */

struct match {
    size_t from, to;                    /* words */
    double score;
    int64_t row;
    struct bl_span type;                /* in d->types */
    size_t end;                         /* byte */
};

/* A phrase as it grows by words. */
struct phrase {
    char text[MAX_FORM + 1];
    size_t n;
    uint64_t hash;
};

static bool extend(struct phrase *p, const struct bl_doc *doc,
                   const struct bl_doc_word *w)
{
    if (p->n + 1 + w->form_n >= MAX_FORM)
        return false;
    if (p->n)
        p->text[p->n++] = ' ';
    memcpy(p->text + p->n, doc->forms.data + w->form, w->form_n);
    p->n += w->form_n;
    p->text[p->n] = '\0';
    p->hash = (p->hash ^ w->hash) * UINT64_C(0x9e3779b97f4a7c15);
    p->hash ^= p->hash >> 29;
    return true;
}

/* No name goes across the end of a sentence or a dash between spaces. */
static bool parted(const struct bl_doc *doc, size_t last, size_t next)
{
    const char *text = doc->text.p;

    for (size_t i = last + 1; i <= next; i++)
        if (doc->v[i].breaks)
            return true;
    for (size_t i = last + 1; i < next; i++) {
        const struct bl_doc_word *w = &doc->v[i];

        if (text[w->start] != '.' && text[w->start] != '\''
            && w->start > doc->v[i - 1].end && doc->v[i + 1].start > w->end)
            return true;
    }
    return false;
}

/* A full stop, exclamation mark or the like that belongs to the name. */
static size_t with_end_mark(const struct bl_doc *doc, size_t end,
                            struct bl_span surface)
{
    char last = surface.n ? surface.p[surface.n - 1] : '\0';

    if (end < doc->text.n && doc->text.p[end] == last
        && strchr(".!?", last))
        return end + 1;
    return end;
}

static void judge(struct bl_dictionary *d, const struct bl_doc *doc,
                  const struct slot *s, size_t from, size_t to,
                  struct match *m)
{
    struct bl_naming_in in = { doc, from, to, s->v, s->n, d->evidence,
                               d->opts.common };
    size_t best = 0;
    double score = bl_naming(&in, &best);

    if (score <= 0 || score < d->opts.min_score)
        return;
    *m = (struct match){ from, to, score, s->v[best].row, s->v[best].type,
        with_end_mark(doc, doc->v[to - 1].end, s->v[best].surface) };
    if (m->type.p)                      /* the slot may go any time */
        m->type.p = bl_arena_strndup(&d->types, m->type.p, m->type.n);
}

/* The longest accepted match that starts at word `from`; m->to == from when
 * there is none. */
static int match_at(struct bl_dictionary *d, const struct bl_doc *doc,
                    size_t from, struct match *m, struct bl_err *err)
{
    struct phrase p = { .n = 0 };
    size_t last = from, words = 0;

    *m = (struct match){ .from = from, .to = from };
    for (size_t i = from; i < doc->n && words < MAX_WORDS; i++) {
        const struct slot *s;

        if (doc->v[i].class == BL_FOLD_JOIN)
            continue;
        if ((i > from && parted(doc, last, i))
            || !extend(&p, doc, &doc->v[i]))
            break;
        s = look_up(d, p.hash, p.text, p.n, err);
        if (!s)
            return -1;
        if (s->v && doc->v[i].class == BL_FOLD_WORD)
            judge(d, doc, s, from, i + 1, m);
        if (!s->prefix)
            break;
        last = i;
        words++;
    }
    return 0;
}

/* A lower-case word starts a name only before a capital ("van Gogh"). */
static bool may_start(const struct bl_dictionary *d,
                      const struct bl_doc *doc, size_t i)
{
    const struct bl_doc_word *w = &doc->v[i];

    if (w->class != BL_FOLD_WORD)
        return false;
    if (w->shape != BL_SHAPE_LOWER || d->opts.common)
        return true;
    return !bl_naming_function(doc, i) && i + 1 < doc->n
        && doc->v[i + 1].shape != BL_SHAPE_LOWER
        && doc->v[i + 1].shape != BL_SHAPE_NONE;
}

static void append(struct bl_founds *out, const struct bl_doc *doc,
                   const struct match *m)
{
    BL_GROW(out->v, out->n + 1, out->cap);
    out->v[out->n++] = (struct bl_found){
        doc->v[m->from].start, m->end, m->score, m->row, m->type
    };
}

int bl_dictionary_find(struct bl_dictionary *d, const struct bl_doc *doc,
                       struct bl_founds *out, struct bl_err *err)
{
    struct match m;

    out->n = 0;
    bl_arena_reset(&d->types);
    bl_evidence_read(d->evidence, doc);
    for (size_t i = 0; i < doc->n; ) {
        if (!may_start(d, doc, i)) {
            i++;
            continue;
        }
        if (match_at(d, doc, i, &m, err) < 0)
            return -1;
        if (m.to > i)
            append(out, doc, &m);
        i = BL_MAX(m.to, i + 1);
    }
    return 0;
}
