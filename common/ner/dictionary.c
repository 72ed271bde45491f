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

/* What the catalogue knows of a phrase.  Phrases are told apart by their hash
 * alone, so that a slot needs no copy of the text. */
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
                                        const struct bl_dictionary_opts *opts)
{
    struct bl_dictionary *dictionary = BL_NEW(struct bl_dictionary);

    dictionary->kb = kb;
    dictionary->opts = *opts;
    dictionary->slots = BL_NEW_ARRAY(struct slot, SLOTS);
    dictionary->evidence = bl_evidence_new();
    return dictionary;
}

static void clear_slot(struct slot *slot)
{
    for (size_t i = 0; i < slot->n; i++) {
        free((char *)slot->v[i].surface.p);
        free((char *)slot->v[i].type.p);
    }
    free(slot->v);
    *slot = (struct slot){ 0 };
}

void bl_dictionary_free(struct bl_dictionary *dictionary)
{
    if (!dictionary)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        if (dictionary->slots[i].hash)
            clear_slot(&dictionary->slots[i]);
    free(dictionary->slots);
    bl_evidence_free(dictionary->evidence);
    bl_arena_free(&dictionary->arena);
    bl_arena_free(&dictionary->types);
    free(dictionary);
}

/* ---- The cache ---- */

static struct bl_span keep(struct bl_span text)
{
    if (!text.p)
        return text;
    return (struct bl_span){ bl_xmemdup(text.p, text.n + 1), text.n };
}

/* Copies a spelling out of the arena and notes how it is capitalised, once for
 * all documents that have it. */
static struct bl_spelling prepare(const struct bl_kb_spelling *stored)
{
    struct bl_spelling spelling = {
        keep(stored->surface), keep(stored->type), stored->row, stored->kind,
        bl_shape_of(stored->surface.p, stored->surface.n), false,
        !stored->counted, false
    };
    const char *space = memchr(spelling.surface.p, ' ', spelling.surface.n);
    enum bl_word_shape rest;

    spelling.small = spelling.own && spelling.shape == BL_SHAPE_LOWER;
    if (space) {
        rest = bl_shape_of(space, spelling.surface.n
                           - (size_t)(space - spelling.surface.p));
        spelling.inner = rest != BL_SHAPE_LOWER && rest != BL_SHAPE_NONE;
    }
    return spelling;
}

static int load_spellings(struct bl_dictionary *dictionary, struct slot *slot,
                          struct bl_span phrase, struct bl_err *err)
{
    struct bl_kb_spelling *found;
    size_t n_found;
    int rc = bl_kb_spellings(dictionary->kb, phrase, MAX_SPELLINGS,
                             &dictionary->arena, &found, &n_found, err);

    if (rc < 0)
        return -1;
    slot->v = BL_NEW_ARRAY(struct bl_spelling, n_found);
    for (slot->n = 0; slot->n < n_found; slot->n++)
        slot->v[slot->n] = prepare(&found[slot->n]);
    return 0;
}

static bool starts_with(struct bl_span text, struct bl_span prefix)
{
    return text.n >= prefix.n && !memcmp(text.p, prefix.p, prefix.n);
}

/* Two searches in the byte order of names tell what the slot needs.  The first
 * name from the phrase on is the phrase itself or not, and the first one from
 * the phrase with a space behind it begins with that or not: no byte of a
 * normal form sorts before the space (fold.h). */
static int load_slot(struct bl_dictionary *dictionary, struct slot *slot,
                     char phrase[MAX_FORM + 1], size_t len,
                     struct bl_err *err)
{
    struct bl_span exact = { phrase, len }, longer = { phrase, len + 1 }, name;
    int rc = bl_kb_name_from(dictionary->kb, exact, &dictionary->arena, &name,
                             err);

    if (rc == 1 && bl_span_eq(name, exact)
        && load_spellings(dictionary, slot, exact, err) < 0)
        return -1;
    if (rc == 1 && starts_with(name, exact)) {
        phrase[len] = ' ';
        if (slot->v)
            rc = bl_kb_name_from(dictionary->kb, longer, &dictionary->arena,
                                 &name, err);
        slot->prefix = rc == 1 && starts_with(name, longer);
        phrase[len] = '\0';
    }
    bl_arena_reset(&dictionary->arena);
    return rc < 0 ? -1 : 0;
}

/* Each phrase has one place in the cache, and the one that was there goes. */
static const struct slot *look_up(struct bl_dictionary *dictionary,
                                  uint64_t hash, char phrase[MAX_FORM + 1],
                                  size_t len, struct bl_err *err)
{
    struct slot *slot = &dictionary->slots[(hash ^ hash >> 32) % SLOTS];

    hash |= 1;                          /* 0 marks an empty slot */
    if (slot->hash == hash)
        return slot;
    clear_slot(slot);
    if (load_slot(dictionary, slot, phrase, len, err) < 0) {
        clear_slot(slot);
        return NULL;
    }
    slot->hash = hash;
    return slot;
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

static bool extend(struct phrase *phrase, const struct bl_doc *doc,
                   const struct bl_doc_word *word)
{
    if (phrase->n + 1 + word->form_n >= MAX_FORM)
        return false;
    if (phrase->n)
        phrase->text[phrase->n++] = ' ';
    memcpy(phrase->text + phrase->n, doc->forms.data + word->form,
           word->form_n);
    phrase->n += word->form_n;
    phrase->text[phrase->n] = '\0';
    phrase->hash = (phrase->hash ^ word->hash) * UINT64_C(0x9e3779b97f4a7c15);
    phrase->hash ^= phrase->hash >> 29;
    return true;
}

/* Whether something between two words ends any name: the end of a sentence, or
 * a mark with blanks on both sides, such as a dash. */
static bool parted(const struct bl_doc *doc, size_t last, size_t next)
{
    const char *text = doc->read.p;

    for (size_t i = last + 1; i <= next; i++)
        if (bl_doc_parts(doc, i))
            return true;
    for (size_t i = last + 1; i < next; i++) {
        const struct bl_doc_word *word = &doc->v[i];

        if (text[word->start] != '.' && text[word->start] != '\''
            && word->start > doc->v[i - 1].end
            && doc->v[i + 1].start > word->end)
            return true;
    }
    return false;
}

/* Moves the end of a match behind a '.', '!' or '?' that the spelling ends in
 * too; the document has it as a word of its own. */
static size_t with_end_mark(const struct bl_doc *doc, size_t end,
                            struct bl_span surface)
{
    char last = surface.n ? surface.p[surface.n - 1] : '\0';

    if (end < doc->text.n && doc->text.p[end] == last
        && strchr(".!?", last))
        return end + 1;
    return end;
}

static bool may_start(const struct bl_doc *doc, size_t i)
{
    return doc->v[i].class == BL_FOLD_WORD;
}

/* A lower-case word starts a name only before a capital ("van Gogh"), unless
 * the catalogue itself writes the name so ("silver birch", "the Society"). */
static bool starts_name(const struct bl_doc *doc, size_t i, double score,
                        const struct bl_spelling *spelling)
{
    if (doc->v[i].shape != BL_SHAPE_LOWER || spelling->small)
        return true;
    if (spelling->own && score >= 0.9
        && bl_shape_of(spelling->surface.p, 1) == BL_SHAPE_LOWER)
        return true;
    return !bl_naming_function(doc, i) && i + 1 < doc->n
        && doc->v[i + 1].shape != BL_SHAPE_LOWER
        && doc->v[i + 1].shape != BL_SHAPE_NONE;
}

static void judge(struct bl_dictionary *dictionary, const struct bl_doc *doc,
                  const struct slot *slot, size_t from, size_t to,
                  struct match *match)
{
    struct bl_naming_in in = { doc, from, to, slot->v, slot->n,
                               dictionary->evidence, dictionary->opts.common };
    size_t best = 0;
    double score = bl_naming(&in, &best);

    if (score <= 0 || score < dictionary->opts.min_score
        || (!dictionary->opts.common
            && !starts_name(doc, from, score, &slot->v[best])))
        return;
    *match = (struct match){ from, to, score, slot->v[best].row,
        slot->v[best].type,
        with_end_mark(doc, doc->v[to - 1].end, slot->v[best].surface) };
    if (match->type.p)          /* another phrase may take the slot */
        match->type.p = bl_arena_strndup(&dictionary->types, match->type.p,
                                         match->type.n);
}

/* Finds the longest accepted match that starts at word `from` and ends at
 * `limit` or before; match->to == from when there is none.  The phrase grows
 * word by word while the catalogue has longer names that begin with it. */
static int match_at(struct bl_dictionary *dictionary, const struct bl_doc *doc,
                    size_t from, size_t limit, struct match *match,
                    struct bl_err *err)
{
    struct phrase phrase = { .n = 0 };
    size_t last = from, words = 0;

    *match = (struct match){ .from = from, .to = from };
    for (size_t i = from; i < limit && words < MAX_WORDS; i++) {
        const struct slot *slot;

        if (doc->v[i].class == BL_FOLD_JOIN)
            continue;
        if ((i > from && parted(doc, last, i))
            || !extend(&phrase, doc, &doc->v[i]))
            break;
        slot = look_up(dictionary, phrase.hash, phrase.text, phrase.n, err);
        if (!slot)
            return -1;
        /* Initials alone have a slot without spellings. */
        if (slot->n && doc->v[i].class == BL_FOLD_WORD)
            judge(dictionary, doc, slot, from, i + 1, match);
        if (!slot->prefix)
            break;
        last = i;
        words++;
    }
    return 0;
}

static void append(struct bl_founds *out, const struct bl_doc *doc,
                   const struct match *match)
{
    BL_GROW(out->v, out->n + 1, out->cap);
    out->v[out->n++] = (struct bl_found){
        doc->v[match->from].start, match->end, match->score, match->row,
        match->type
    };
}

/* The match that starts at word i; but a longer one that begins within it goes
 * first, and leaves to this one what is before: "the Society" takes nothing
 * from "Society of Natural Friends". */
static int best_at(struct bl_dictionary *dictionary, const struct bl_doc *doc,
                   size_t i, struct match *match, struct bl_err *err)
{
    struct match later;

    if (match_at(dictionary, doc, i, doc->n, match, err) < 0)
        return -1;
    for (size_t from = i + 1; from < match->to; from++) {
        if (!may_start(doc, from))
            continue;
        if (match_at(dictionary, doc, from, doc->n, &later, err) < 0)
            return -1;
        if (later.to > match->to && later.to - from > match->to - i)
            return match_at(dictionary, doc, i, from, match, err);
    }
    return 0;
}

int bl_dictionary_find(struct bl_dictionary *dictionary,
                       const struct bl_doc *doc, struct bl_founds *out,
                       struct bl_err *err)
{
    struct match match;

    out->n = 0;
    bl_arena_reset(&dictionary->types);
    bl_evidence_read(dictionary->evidence, doc);
    for (size_t i = 0; i < doc->n; ) {
        if (!may_start(doc, i)) {
            i++;
            continue;
        }
        if (best_at(dictionary, doc, i, &match, err) < 0)
            return -1;
        if (match.to > i)
            append(out, doc, &match);
        i = BL_MAX(match.to, i + 1);
    }
    return 0;
}
