/* SPDX-License-Identifier: MIT */
/*
 * wrap: which line breaks of a text were made only because a line was full.
 *
 *     struct bl_wrap w = bl_wrap_of(text);
 *     if (bl_wrap_joins(&w, text, at)) ... text.p[at] is as good as a blank
 *
 * A text's width is that of its longest line, the longest twentieth left
 * out.  A line is full when the first word of the next one would have made
 * it longer than nine tenths of the width: what fmt(1), mail programs and
 * editors fill are full lines, but for the last of each paragraph; fmt and
 * people leave some room.  A text is wrapped when its width is 40 to 120
 * characters, two thirds of the lines that another follows are full, and a
 * quarter of those are followed by one that begins with a word in lower case,
 * as those of headings and lists rarely are.
 *
 * All work is linear in the text; nothing is kept of it.
 */
#ifndef BL_WRAP_H
#define BL_WRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct bl_wrap {
    size_t width;               /* in code points; 0: not wrapped */
};

/* text: valid UTF-8, borrowed for the call. */
struct bl_wrap bl_wrap_of(struct bl_span text);

/* Whether the line break at byte `at` of the text, a '\n', has a full line
 * before it and behind it one that is neither empty nor an item of a list. */
bool bl_wrap_joins(const struct bl_wrap *wrap, struct bl_span text, size_t at);

#endif
