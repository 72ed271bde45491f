/* SPDX-License-Identifier: MIT */
/*
 * utf8: checking, walking and repairing UTF-8 (RFC 3629: no overlong forms,
 * no surrogates, nothing above U+10FFFF).
 */
#ifndef BL_UTF8_H
#define BL_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

#define BL_UTF8_BAD UINT32_MAX

/* Bytes of the longest valid prefix; == size when all of it is valid. */
size_t bl_utf8_valid(const char *text, size_t size);

/* The code point at the start of size > 0 bytes and its length in *len; for an
 * invalid sequence BL_UTF8_BAD and *len = 1. */
uint32_t bl_utf8_decode(const char *bytes, size_t size, unsigned *len);

/* Writes 1..4 bytes for cp to out and returns how many.  What is not a scalar
 * value, BL_UTF8_BAD among them, is written as U+FFFD. */
unsigned bl_utf8_encode(uint32_t cp, char out[4]);

/* Code points in `size` bytes of VALID UTF-8. */
size_t bl_utf8_count(const char *text, size_t size);

/* Byte offset of the code point number `index` in `size` bytes of VALID
 * UTF-8; SIZE_MAX when there are fewer (index == their count gives size). */
size_t bl_utf8_offset(const char *text, size_t size, size_t index);

/* Bytes of the longest prefix of text that has at most max of them and does
 * not end inside a character.  Whatever is cut to a limit in bytes is cut
 * here. */
size_t bl_utf8_cut(const char *text, size_t size, size_t max);

/* Appends the text, each invalid byte replaced by U+FFFD. */
void bl_utf8_repair(struct bl_buf *out, const char *text, size_t size);

/* Appends p as it may be shown on a terminal, on one line: repaired, control
 * characters (C0, DEL, C1) as spaces, those that reorder what follows (the
 * bidirectional embeddings, overrides and isolates) as U+FFFD. */
void bl_utf8_show(struct bl_buf *out, const char *text, size_t size);

BL_END_DECLS

#endif
