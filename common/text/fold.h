/* SPDX-License-Identifier: MIT */
/*
 * fold: the normal form of a name, under which titles, aliases and mentions
 * meet.
 *
 *     struct bl_buf b = BL_BUF_INIT;
 *     bl_fold(&b, bl_span_of("  Saint-Étienne's "));     "saint etienne s"
 *
 * The words of the basic tokenizer (words.h: lower-cased, accents stripped,
 * each CJK character a word) of the name as it is read (reading.h), with one
 * space between them.  Letters that have no accent to strip are written in
 * ASCII: "Wrocław" is "wroclaw", "Straße" "strasse".  Hyphens and
 * dashes, apostrophes, full stops and quotation marks only part words;
 * other punctuation is a word of its own ("at & t", "portland , oregon") and
 * is dropped at both ends, but for + # & and symbols ("c + +").  A name of
 * nothing but punctuation keeps it.  The form holds no control characters,
 * so in byte order "a b" sorts right after "a".
 */
#ifndef BL_FOLD_H
#define BL_FOLD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

/* Appends the normal form of a name (valid UTF-8) to *out; nothing when the
 * name has no visible character.  Linear in its length. */
void bl_fold(struct bl_buf *out, struct bl_span name);

/* Appends the normal form of one word (as words.h gives it, lower-case). */
void bl_fold_word(struct bl_buf *out, struct bl_span word);

/* "Mercury (planet)" -> "Mercury": true, and *bare borrowed from title, when
 * the title ends in a parenthesis that has something before it. */
bool bl_fold_bare(struct bl_span title, struct bl_span *bare);

/* How the normal form treats one word (as words.h gives it, lower-case). */
enum bl_fold_class {
    BL_FOLD_WORD,               /* letters, digits, symbols */
    BL_FOLD_JOIN,               /* - ' . and quotes: parts words */
    BL_FOLD_MARK                /* other punctuation: kept inside only */
};
enum bl_fold_class bl_fold_class(struct bl_span word);

BL_END_DECLS

#endif
