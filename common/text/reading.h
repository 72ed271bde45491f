/* SPDX-License-Identifier: MIT */
/*
 * reading: a text as a reader takes it, without what only decorates or lays
 * it out, every byte in its place.
 *
 *     struct bl_buf room = BL_BUF_INIT;
 *     struct bl_span read = bl_reading(&room, text);
 *     ... read.n == text.n: what is at read.p[i] stands at text.p[i] ...
 *     bl_buf_free(&room);
 *
 * "# Vienna" reads as "  Vienna", "**Prague**" as "  Prague  ".  Words of a
 * text are cut from this reading, so that no symbol is part of a name, and
 * what finds them sees the same as in plain text.  BERT's own tokens are
 * another matter (words.h): they follow the original on every character.
 *
 * What is read in another way:
 *
 *     blanks      marks of Markdown (headings, lists, quotations, emphasis,
 *                 links and their targets) and tags of HTML; the # of a
 *                 hashtag, the @ of a handle; (R), (C), TM, and the raised
 *                 digits of a note
 *     BL_READ_GAP addresses and code, all of them (literal.h); other symbols,
 *                 emoji and arrows, ends of links: what is on both sides are
 *                 two names
 *     tab         bars of tables
 *     '\r'        form feed, vertical tab, U+001C to U+001F, U+0085, U+2028
 *                 and U+2029: a line ends
 *     a character HTML's reference to it ("&amp;")
 *     nothing     (BL_READ_NIL, which the tokenizer drops) the hyphen and the
 *                 line break inside a word that was parted there
 */
#ifndef BL_READING_H
#define BL_READING_H

#include "base/buf.h"

enum {
    BL_READ_NIL = 0x01,         /* is not there; parts nothing */
    BL_READ_GAP = 0x02          /* no name goes across; a blank follows it */
};

/* The text (valid UTF-8) as it is read: text itself where that is the same,
 * else in room, which is overwritten.  Work is linear. */
struct bl_span bl_reading(struct bl_buf *room, struct bl_span text);

/* The same of a name that stands by itself, without marks of Markdown and
 * notes: "# 9 Dream" and "M*A*S*H" keep theirs.  A name that was read so reads
 * as it is. */
struct bl_span bl_reading_name(struct bl_buf *room, struct bl_span name);

#endif
