/* SPDX-License-Identifier: MIT */
/*
 * charref: HTML's character references, by the names of HTML 4 and XML's
 * &apos;.
 *
 *     bl_html_entity("&eacute;t&eacute;", 17, &out) == 8, "é" in out
 */
#ifndef BL_CHARREF_H
#define BL_CHARREF_H

#include <stddef.h>

#include "base/buf.h"

/* The bytes that "&name;" or "&#1;" at the start of the text takes, its
 * character appended to *out; 0 when it is none. */
size_t bl_html_entity(const char *text, size_t len, struct bl_buf *out);

#endif
