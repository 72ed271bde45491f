/* SPDX-License-Identifier: MIT */
/*
 * lines: reads lines from a file descriptor with a cap on their length.
 *
 * CRLF and a UTF-8 byte order mark on line 1 are taken off, a last line
 * without newline counts.  A line above the cap is thrown away as it is read
 * (memory stays at the cap) and reported as BL_LINE_TOO_LONG.
 */
#ifndef BL_LINES_H
#define BL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum bl_line_status { BL_LINE_OK, BL_LINE_TOO_LONG, BL_LINE_BAD, BL_LINE_END,
                      BL_LINE_ERROR };

struct bl_lines;

/* Reads from fd (not closed by bl_lines_free); max_line in bytes. */
struct bl_lines *bl_lines_new(int fd, const char *name, size_t max_line);
void bl_lines_free(struct bl_lines *l);

/* Before the first line: bytes that were already read from fd (copied), and
 * whether it ended behind them. */
void bl_lines_give(struct bl_lines *l, struct bl_span bytes, bool ended);

/* Called before the first line is read: an input that starts with a JSON
 * array of objects ('[' and then '{' or ']', blanks aside) is read element
 * by element, each as if it stood on a line of its own: line breaks between
 * its parts are taken out, the cap holds for it, bl_lines_number() counts
 * it, and bl_lines_name() is the name with "[]" behind.  What follows the
 * array is lines again.  Any other input is lines as ever. */
void bl_lines_take_arrays(struct bl_lines *l);

/* The next line, borrowed until the next call of this or of
 * bl_lines_would_block(), without its line end.
 * Blank lines are returned too (n == 0).  For BL_LINE_TOO_LONG *line holds
 * the first 80 bytes or fewer.  BL_LINE_BAD, in arrays only, fills *err
 * (BL_BAD_JSON): a comma is missing or the array is not closed; *line is
 * empty and reading may go on.  BL_LINE_ERROR fills *err (BL_SYSTEM). */
enum bl_line_status bl_lines_next(struct bl_lines *l, struct bl_span *line,
                                  struct bl_err *err);

/* The first line to come has this number, where the input is a part of a
 * longer one. */
void bl_lines_count_from(struct bl_lines *l, size_t first);
/* 1-based number of the line that bl_lines_next() returned last. */
size_t bl_lines_number(const struct bl_lines *l);
/* What messages call the input: the name given to bl_lines_new. */
const char *bl_lines_name(const struct bl_lines *l);

/* True when the next call would have to wait for the writer: nothing
 * complete is buffered and the descriptor is not readable now. */
bool bl_lines_would_block(struct bl_lines *l);

BL_END_DECLS

#endif
