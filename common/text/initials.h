/* SPDX-License-Identifier: MIT */
/*
 * initials: "ICJ" and International Court of Justice.
 *
 *     char capitals[BL_MOST_INITIALS];
 *     size_t n = bl_initials_read(mention, capitals);
 *     if (bl_initials_fit(capitals, n, title)) ...
 *
 * The initials of a title are the first letters of all its words
 * (artificial intelligence) or of those that begin with a capital
 * (Department of Defense), up to a "(".  ASCII letters only.
 */
#ifndef BL_INITIALS_H
#define BL_INITIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { BL_MOST_INITIALS = 8 };

/* The capitals of "WHO" or "U.S.", 2 to BL_MOST_INITIALS of them, and how
 * many; 0 when the mention is anything else. */
size_t bl_initials_read(struct bl_span mention, char *out);

/* Whether n capitals are the initials of the title, in either way. */
bool bl_initials_fit(const char *capitals, size_t n, struct bl_span title);

/* The initials of a title, of its words with a capital if there are at least
 * three, else of all, and how many: 0 where they are fewer than three or more
 * than BL_MOST_INITIALS. */
size_t bl_initials_of(struct bl_span title, char out[BL_MOST_INITIALS]);

#endif
