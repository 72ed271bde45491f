/* SPDX-License-Identifier: MIT */
/*
 * naming: is this run of words written like a name?  The rules by which a
 * dictionary match becomes a mention.
 *
 * A match is judged by how the text writes it and how the catalogue does:
 *
 *     score
 *     0.95  several words, capitalised as the catalogue has them
 *     0.90  several words, capitalised in another way ("UNITED STATES")
 *     0.85  one word, capitalised within a sentence; an abbreviation
 *     0.70  one word at the start of a sentence that the document also
 *           capitalises within one
 *     0.60  one word at the start of a sentence, not known to be a common
 *           noun; one word in a line of capitals
 *     0.50  lower case, as the catalogue writes the name itself
 *     0.30  common nouns and lower case (with `common` only)
 *     none  function words unless written as no function word is ("WHO"),
 *           "Us" for "US", numbers, single letters, one word that the
 *           document also writes in lower case
 */
#ifndef BL_NAMING_H
#define BL_NAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "kb/kb.h"
#include "text/doc.h"

/* One spelling of a name in the catalogue, prepared for comparing. */
struct bl_spelling {
    struct bl_span surface;
    struct bl_span type;        /* of its entity; p == NULL: none */
    int64_t row;
    int kind;                   /* enum bl_kb_kind */
    enum bl_word_shape shape;        /* of the whole */
    bool inner;                 /* a capital after the first word */
    bool own;                   /* given by hand: nobody counted it in links */
    bool small;                 /* own, and in lower case */
};

/* Words that the document writes in both ways (naming.c). */
struct bl_evidence;

/* Empty: to be read into, again and again. */
struct bl_evidence *bl_evidence_new(void);
void bl_evidence_free(struct bl_evidence *evidence);
/* Reads a document: which of the words that it capitalises does it also
 * write in lower case, which does it capitalise within a sentence? */
void bl_evidence_read(struct bl_evidence *evidence, const struct bl_doc *doc);

/* Word i is one of those that no capital makes a name: "the". */
bool bl_naming_function(const struct bl_doc *doc, size_t i);

struct bl_naming_in {
    const struct bl_doc *doc;
    size_t from, to;            /* words [from, to) of the document */
    const struct bl_spelling *v;
    size_t n;
    const struct bl_evidence *evidence;
    bool common;
};

/* The score (0: no name), and in *best the spelling that fits. */
double bl_naming(const struct bl_naming_in *in, size_t *best);

#endif
