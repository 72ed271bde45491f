/* SPDX-License-Identifier: MIT */
/*
 * dictionary: finds the mentions of a text by looking its words up among
 * the titles and aliases of a catalogue.
 *
 *     struct bl_dictionary *d = bl_dictionary_new(kb, &opts);
 *     bl_doc_set(&doc, text);
 *     bl_dictionary_find(d, &doc, &found, &err);
 *     for (size_t i = 0; i < found.n; i++) ... found.v[i] ...
 *     bl_dictionary_free(d);
 *
 * From left to right, the longest run of words that is a name and is
 * written like one; mentions do not overlap.  The catalogue is asked as
 * words come up and the answers are kept in a cache of fixed size, so that
 * opening costs nothing and memory does not grow with the catalogue.  The
 * catalogue is borrowed until free; one dictionary belongs to one thread.
 *
 * What counts as written like a name, and the score of it, is in
 * naming.h.
 */
#ifndef BL_DICTIONARY_H
#define BL_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kb/kb.h"
#include "text/doc.h"

struct bl_dictionary_opts {
    bool common;                /* common nouns and lower case too */
    double min_score;           /* mentions below are left out */
};

struct bl_found {
    size_t start, end;          /* bytes of the text, end exclusive */
    double score;               /* 0..1, see naming.h */
    int64_t row;                /* the likeliest entity of that name */
    struct bl_span type;        /* its type, or p == NULL; borrowed until
                                 * the next bl_dictionary_find */
};

struct bl_founds {
    struct bl_found *v;         /* owned by the caller: free(v) */
    size_t n, cap;
};

/* Borrows kb, which must outlive it; caller frees with the next one. */
struct bl_dictionary *bl_dictionary_new(struct bl_kb *kb,
                                        const struct bl_dictionary_opts *opts);
void bl_dictionary_free(struct bl_dictionary *dictionary); /* NULL allowed */

/* Sets out->n mentions, in the order of the text.  -1: the catalogue could
 * not be read. */
int bl_dictionary_find(struct bl_dictionary *dictionary,
                       const struct bl_doc *doc, struct bl_founds *out,
                       struct bl_err *err);

#endif
