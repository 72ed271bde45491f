/* SPDX-License-Identifier: MIT */
/*
 * csv: the rows of a table of separated values, as spreadsheets and data
 * frames write them (RFC 4180), read from a descriptor.
 *
 *     struct bl_csv *csv = bl_csv_new(fd, "x.csv", ',', 16 << 20);
 *     struct bl_csv_row row;
 *     while ((status = bl_csv_next(csv, &row, &err)) != BL_CSV_END) ...
 *     bl_csv_free(csv);
 *
 * A field in quotes may hold separators and line breaks, and a quote when it
 * is doubled.  Beyond the RFC: rows end at CRLF, LF or CR, a UTF-8 byte order
 * mark before the first is taken off, blanks around a field in quotes are
 * no part of it, and a quote inside a field that does not begin with one is
 * an ordinary character.
 *
 * Values separated by tabs have no quotes (IANA's text/tab-separated-values),
 * unless the first field of the table is in quotes: then the rules above
 * hold.  Excel puts quotes around a field for a comma or a quote in it all the
 * same; so they are taken off where they enclose one of these and all
 * quotes between them are doubled.
 *
 * Memory stays at the cap on a row.  A row that is wrong is reported, and
 * reading goes on with the next line.  A quote that is never closed swallows
 * all lines behind it, so these are read anew, 16 times at most.
 */
#ifndef BL_CSV_H
#define BL_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_csv;

struct bl_csv_row {
    const struct bl_span *fields;   /* [n] valid UTF-8 with a NUL behind, and
                                     * none inside */
    size_t n;
    size_t line;                /* 1-based, where the row begins */
    size_t bad_field;           /* BL_CSV_BAD: its number from 1, or 0 */
};

enum bl_csv_status { BL_CSV_ROW, BL_CSV_BAD, BL_CSV_END, BL_CSV_ERROR };

/* Reads from fd (not closed by bl_csv_free); max_row in bytes. */
struct bl_csv *bl_csv_new(int fd, const char *name, char separator,
                          size_t max_row);
void bl_csv_free(struct bl_csv *csv);           /* NULL allowed */
/* Before the first row: bytes that were already read from fd (copied), and
 * whether it ended behind them. */
void bl_csv_give(struct bl_csv *csv, struct bl_span bytes, bool ended);

/* The next row, borrowed until the next call.  A line without any byte is a
 * row of one empty field.  BL_CSV_BAD fills *err with a record-level code
 * (BL_BAD_FIELD, BL_BAD_UTF8, BL_BAD_STRING, BL_TOO_LONG) and the row's line;
 * BL_CSV_ERROR with BL_SYSTEM. */
enum bl_csv_status bl_csv_next(struct bl_csv *csv, struct bl_csv_row *row,
                               struct bl_err *err);

#endif
