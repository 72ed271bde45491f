/* SPDX-License-Identifier: MIT */
/*
 * words: text cut into words as BERT's basic tokenizer cuts it, each with
 * its place in the text.  What a word is of the text that people wrote is
 * another question, which reading.h answers before these are cut.
 *
 *     struct bl_words w = BL_WORDS_INIT;
 *     struct bl_word word;
 *
 *     bl_words_start(&w, text, n, true);
 *     while (bl_words_next(&w, &word))
 *         ... text[word.start, word.end) was read as word.p[0, word.n) ...
 *     bl_words_free(&w);
 *
 * "Cafés, HÔTELS" gives "cafes" "," "hotels".  White space parts words, a
 * punctuation character or a CJK ideograph is a word of its own, control and
 * unassigned characters vanish.  With lower set the words are in lower case,
 * canonically decomposed, and without nonspacing marks (accents); without
 * it they are as written.  The order of these steps is the original's, see
 * words.c.  The struct owns one small buffer and may be started again on any
 * number of texts; the text is borrowed until then.
 */
#ifndef BL_WORDS_H
#define BL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

struct bl_word {
    const char *p;              /* the word, normalised; UTF-8, not */
    size_t n;                   /* NUL-terminated; borrowed until the next
                                 * call; never empty */
    size_t start, end;          /* bytes of the text, end exclusive; a mark
                                 * that follows a letter belongs to it */
};

struct bl_words {
    const char *text;
    size_t size, pos;           /* pos: next byte to read */
    unsigned sub;               /* next of the characters that text[pos]
                                 * turns into */
    bool lower;
    struct bl_buf buf;          /* the word being made; cap >= 64 */
    size_t run;                 /* where its last run of marks begins */
    uint8_t last_class;         /* of the last mark of the run, 0: none */
    bool disorder;              /* the run is not in canonical order */
};

#define BL_WORDS_INIT { 0 }

/* Starts over on `size` bytes of VALID UTF-8 (see bl_utf8_valid). */
void bl_words_start(struct bl_words *words, const char *text, size_t size,
                    bool lower);

/* The next word; false at the end. */
bool bl_words_next(struct bl_words *words, struct bl_word *word);

/* Also re-initialises. */
void bl_words_free(struct bl_words *words);

BL_END_DECLS

#endif
