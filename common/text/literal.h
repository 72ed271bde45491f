/* SPDX-License-Identifier: MIT */
/*
 * literal: what a text quotes letter by letter, addresses and code, in which
 * no name is meant: "en.wikipedia.org/wiki/Marie_Curie", "a@b.org",
 * "`Paris = 3`" and blocks between lines of "```".  Used by reading.c.
 */
#ifndef BL_LITERAL_H
#define BL_LITERAL_H

#include <stddef.h>

/* Overwrites each in p[0..n) with BL_READ_GAP and blanks (reading.h); line
 * ends stay.  Targets of links are left to the marks around them.  Work is
 * linear. */
void bl_blank_literals(char *p, size_t n);

#endif
