/* SPDX-License-Identifier: MIT */
/*
 * doc: a document cut into words, with what a finder of mentions needs to
 * know of each: its normal form, how it is capitalised, whether it starts a
 * sentence.
 *
 *     struct bl_doc d = { 0 };
 *     bl_doc_set(&d, text);
 *     for (size_t i = 0; i < d.n; i++) ... d.v[i] ...
 *     bl_doc_context(&d, start, end, 500, &left, &right);
 *     bl_doc_free(&d);
 *
 * The text is borrowed until the next bl_doc_set(); the struct owns the
 * rest and keeps its memory between documents.  Work and memory are linear
 * in the text.
 */
#ifndef BL_DOC_H
#define BL_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "text/fold.h"
#include "text/shape.h"

struct bl_doc_word {
    size_t start, end;          /* bytes of the text, end exclusive; of what
                                 * is read too */
    uint32_t form, form_n;      /* the normal form: d.forms.data + form */
    uint64_t hash;              /* of the normal form */
    uint8_t class;              /* enum bl_fold_class */
    uint8_t shape;              /* enum bl_word_shape */
    bool first;                 /* starts a sentence, line (but where a full
                                 * one was wrapped) or quotation */
    bool loud;                  /* in a line that is all capitals */
    bool apart;                 /* an empty line stands before it, or a line
                                 * break that no wrapping made (wrap.h) */
    bool gap;                   /* another column, a symbol or a dash with
                                 * blanks around it stands before it */
    bool breaks;                /* apart, or a sentence or clause ends before
                                 * it */
};

struct bl_doc {
    struct bl_span text;
    struct bl_span read;        /* the text as it is read (reading.h), byte
                                 * for byte: words are cut from it */
    struct bl_buf room;         /* may hold it */
    struct bl_doc_word *v;
    size_t n, cap;
    struct bl_buf forms;
};

/* Cuts the text, which stays borrowed, into words.  A zeroed struct is good
 * for the first call, the last one's for the next. */
void bl_doc_set(struct bl_doc *doc, struct bl_span text);
void bl_doc_free(struct bl_doc *doc);

/* No name goes across what stands before word i. */
static inline bool bl_doc_parts(const struct bl_doc *doc, size_t i)
{
    return doc->v[i].breaks || doc->v[i].gap;
}

/* Whether a stop behind word i ends no sentence: "St.", "Mr.", "U.", "No.". */
bool bl_doc_abbreviates(const struct bl_doc *doc, size_t i);

/* The text around bytes [start, end): at most max code points on each side,
 * whole words, and whole sentences where at least one fits. */
void bl_doc_context(const struct bl_doc *doc, size_t start, size_t end,
                    size_t max, struct bl_span *left,
                    struct bl_span *right);

#endif
