/* SPDX-License-Identifier: MIT */
/*
 * conll: tagged text in columns, as the CoNLL tasks have it: a token a line,
 * its tag in the last column, an empty line after a sentence, a line that
 * begins with "-DOCSTART-" before a document.
 *
 *     struct bl_conll *c = bl_conll_read("train.conll", &err);
 *     ... c->v[i].tag of c->text.data[start, end) ...
 *     bl_conll_free(c);
 *
 * Tags may be IOB1 (I- begins an entity), IOB2 or IOBES; they become IOB2.
 */
#ifndef BL_CONLL_H
#define BL_CONLL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { BL_MOST_STYLE = 98 };

struct bl_conll_token {
    size_t start, end;          /* bytes of text */
    char kind;                  /* 'O', 'B' or 'I' */
    size_t type;                /* of B and I: number of the type */
};

struct bl_conll_sentence {
    size_t from, to;            /* tokens */
    bool first;                 /* of a document */
    unsigned style;             /* of its document */
};

struct bl_conll {
    struct bl_buf text;         /* tokens with a blank between, sentences
                                 * with a newline between */
    struct bl_conll_token *v;
    size_t n;
    struct bl_conll_sentence *sentences;
    size_t n_sentences;
    char **types;               /* [n_types] as they came */
    size_t n_types;
    char digest[17];            /* of the file's lines */
    size_t cap, cap_sentences;  /* private */
};

/* NULL with BL_DATA: file and line of the first tag that is none, of a style
 * that is no number or too large, or of text that is no UTF-8; a file without
 * any sentence. */
struct bl_conll *bl_conll_read(const char *path, struct bl_err *err);
void bl_conll_free(struct bl_conll *c);         /* NULL: nothing */

#endif
