/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"

/* Reading anew behind an open quote takes as long as what it swallowed; an
 * input could be made in which each line begins such a one. */
enum { CHUNK = 128 << 10, MOST_RESCANS = 16 };

/* Where the scan is in a field.  BEGIN: nothing but blanks so far; QUOTE:
 * behind a quote that ends the field or is the first of two; BEHIND: after the
 * closing quote; REST: in what is skipped of a row that is wrong. */
enum state { BEGIN, BARE, QUOTED, QUOTE, BEHIND, REST };

enum fault { NONE, OPEN, BEHIND_QUOTE, TOO_LONG };

struct field {
    size_t from, to;            /* bytes from the start of the row */
    bool quoted;
};

struct bl_csv {
    int fd;
    char *name;
    char separator;
    bool plain;                 /* quotes mean nothing */
    bool begun;                 /* the first row has been looked at */
    size_t max_row;
    char *data;                 /* unread bytes are data[start..end) */
    size_t start, end, cap;
    bool eof;
    size_t line;                /* of data[start] */
    size_t rescans;
    /* ---- The row that begins at data[start]; places count from there ---- */
    size_t at;                  /* scanned so far */
    enum state state;
    enum fault fault;
    char found;                 /* BEHIND_QUOTE: by this byte */
    size_t n_fields, cap_fields;
    struct field *fields;
    struct bl_span *spans;      /* [cap_fields] */
    size_t breaks;              /* line breaks in quotes */
    size_t first_break;         /* place behind the first; 0: none */
};

struct bl_csv *bl_csv_new(int fd, const char *name, char separator,
                          size_t max_row)
{
    struct bl_csv *csv = BL_NEW(struct bl_csv);

    csv->fd = fd;
    csv->name = bl_xstrdup(name);
    csv->separator = separator;
    csv->max_row = max_row;
    csv->line = 1;
    return csv;
}

void bl_csv_free(struct bl_csv *csv)
{
    if (!csv)
        return;
    free(csv->name);
    free(csv->data);
    free(csv->fields);
    free(csv->spans);
    free(csv);
}

/* ---- Bytes ---- */

/* Room for `more` bytes and a NUL behind them. */
static void make_room(struct bl_csv *csv, size_t more)
{
    if (csv->start > 0) {
        memmove(csv->data, csv->data + csv->start, csv->end - csv->start);
        csv->end -= csv->start;
        csv->start = 0;
    }
    if (csv->cap < csv->end + more + 1) {
        csv->cap = BL_MAX(csv->end + more + 1, 2 * csv->cap);
        csv->data = bl_xrealloc(csv->data, csv->cap, 1);
    }
}

void bl_csv_give(struct bl_csv *csv, struct bl_span bytes, bool ended)
{
    make_room(csv, bytes.n);
    if (bytes.n)
        memcpy(csv->data + csv->end, bytes.p, bytes.n);
    csv->end += bytes.n;
    csv->eof = ended;
}

static int read_more(struct bl_csv *csv, struct bl_err *err)
{
    ssize_t got;

    make_room(csv, CHUNK);
    do {
        got = read(csv->fd, csv->data + csv->end, CHUNK);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot read %s", csv->name);
    csv->eof = got == 0;
    csv->end += (size_t)got;
    return 0;
}

/* ---- Where fields and rows end ---- */

static bool is_blank(const struct bl_csv *csv, char c)
{
    return c != csv->separator && (c == ' ' || c == '\t');
}

static void begin_field(struct bl_csv *csv, size_t from)
{
    if (csv->n_fields == csv->cap_fields) {
        BL_GROW(csv->fields, csv->n_fields + 1, csv->cap_fields);
        csv->spans = bl_xrealloc(csv->spans, csv->cap_fields,
                                 sizeof *csv->spans);
    }
    csv->fields[csv->n_fields++] = (struct field){ .from = from };
    csv->state = BEGIN;
}

/* A byte of a quoted field.  CRLF is one line break. */
static void step_quoted(struct bl_csv *csv, char c)
{
    struct field *field = &csv->fields[csv->n_fields - 1];
    const char *row = csv->data + csv->start;

    if (c == '"') {
        field->to = csv->at;
        csv->state = QUOTE;
    } else if (c == '\r' || (c == '\n' && row[csv->at - 1] != '\r')) {
        csv->breaks++;
    }
    if (c == '\n' && !csv->first_break)
        csv->first_break = csv->at + 1;
}

/* A byte that neither ends a field nor is quoted. */
static void step_bare(struct bl_csv *csv, char c)
{
    struct field *field = &csv->fields[csv->n_fields - 1];

    if (csv->state == BEGIN && c == '"' && !csv->plain) {
        field->from = csv->at + 1;
        field->quoted = true;
        csv->state = QUOTED;
    } else if (csv->state == BEGIN && !is_blank(csv, c)) {
        csv->state = BARE;
    } else if (csv->state == QUOTE && c == '"') {
        csv->state = QUOTED;
    } else if (csv->state == QUOTE || csv->state == BEHIND) {
        csv->state = BEHIND;
        if (!is_blank(csv, c)) {
            csv->fault = BEHIND_QUOTE;
            csv->found = c;
            csv->state = REST;
        }
    }
}

static void end_field(struct bl_csv *csv)
{
    struct field *field = &csv->fields[csv->n_fields - 1];

    if (csv->state == BEGIN || csv->state == BARE)
        field->to = csv->at;
}

/* Scans on.  True when the row is whole: *next is the place behind it.  A row
 * that exceeds the cap ends with the line in which it does so. */
static bool scan(struct bl_csv *csv, size_t *next)
{
    size_t have = csv->end - csv->start;

    for (; csv->at < have; csv->at++) {
        const char *row = csv->data + csv->start;
        char c = row[csv->at];

        if (csv->at > csv->max_row) {
            csv->fault = TOO_LONG;
            csv->state = REST;
        }
        if (csv->state == QUOTED) {
            step_quoted(csv, c);
        } else if (c == '\n' || c == '\r') {
            if (c == '\r' && csv->at + 1 == have && !csv->eof)
                return false;       /* the LF that belongs to it may follow */
            end_field(csv);
            *next = csv->at + 1;
            if (c == '\r' && *next < have && row[*next] == '\n')
                ++*next;
            return true;
        } else if (c == csv->separator && csv->state != REST) {
            end_field(csv);
            begin_field(csv, csv->at + 1);
        } else {
            step_bare(csv, c);
        }
    }
    return false;
}

/* The input has ended in the row.  A quote that is still open swallowed all
 * lines to the end; the next row is looked for behind the first of them. */
static void end_input(struct bl_csv *csv, size_t *next)
{
    *next = csv->at;
    end_field(csv);
    if (csv->state != QUOTED)
        return;
    csv->fault = OPEN;
    if (csv->first_break && csv->rescans++ < MOST_RESCANS) {
        *next = csv->first_break;
        csv->breaks = 0;
    }
}

/* What was scanned of a row that exceeds the cap is thrown away. */
static void drop_excess(struct bl_csv *csv)
{
    csv->start += csv->at;
    csv->at = 0;
}

/* ---- Fields ---- */

/* Writes over itself; the quotes that are doubled become one. */
static size_t undouble(char *text, size_t n)
{
    char *to = memchr(text, '"', n), *end = text + n;

    if (!to)
        return n;
    for (char *from = to; from < end; from++) {
        *to++ = *from;
        if (*from == '"')
            from++;
    }
    return (size_t)(to - text);
}

/* Whether Excel put these quotes around a field of a table with tabs. */
static bool excel_quotes(const char *text, size_t n)
{
    bool reason = false;

    if (n < 3 || text[0] != '"' || text[n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < n; i++) {
        if (text[i] == '"' && (i + 2 >= n || text[++i] != '"'))
            return false;
        reason |= text[i] == '"' || text[i] == ',';
    }
    return reason;
}

static void make_spans(struct bl_csv *csv)
{
    for (size_t i = 0; i < csv->n_fields; i++) {
        struct field *field = &csv->fields[i];
        char *text = csv->data + csv->start + field->from;
        size_t n = field->to - field->from;

        if (csv->plain && excel_quotes(text, n)) {
            text++;
            n -= 2;
            field->quoted = true;
        }
        if (field->quoted)
            n = undouble(text, n);
        text[n] = '\0';         /* over the separator, quote or line end */
        csv->spans[i] = (struct bl_span){ text, n };
    }
}

/* The number, from 1, of the field that holds the byte. */
static size_t field_at(const struct bl_csv *csv, size_t place)
{
    size_t i = 0;

    while (i + 1 < csv->n_fields && csv->fields[i + 1].from <= place)
        i++;
    return i + 1;
}

/* Checked before quotes are undoubled, so that places are those of the
 * line. */
static int check_bytes(const struct bl_csv *csv, size_t size,
                       struct bl_csv_row *row, struct bl_err *err)
{
    const char *text = csv->data + csv->start;
    const char *nul = memchr(text, '\0', size);
    size_t good = bl_utf8_valid(text, size);

    if (good < size) {
        row->bad_field = field_at(csv, good);
        return bl_fail(err, BL_BAD_UTF8, "expected UTF-8, found the byte "
                       "0x%02x at byte %zu of the line: make the file UTF-8 "
                       "with 'iconv -f WINDOWS-1252 -t UTF-8', or by saving "
                       "it as UTF-8", (unsigned char)text[good], good);
    }
    if (nul) {
        row->bad_field = field_at(csv, (size_t)(nul - text));
        return bl_fail(err, BL_BAD_STRING, "a NUL byte at byte %zu of the "
                       "line is no text", (size_t)(nul - text));
    }
    return 0;
}

static int fail_row(const struct bl_csv *csv, struct bl_csv_row *row,
                    struct bl_err *err)
{
    row->bad_field = csv->n_fields;
    if (csv->fault == TOO_LONG) {
        row->bad_field = 0;
        return bl_fail(err, BL_TOO_LONG, "longer than %zu bytes",
                       csv->max_row);
    }
    if (csv->fault == OPEN)
        return bl_fail(err, BL_BAD_FIELD, "expected a closing quote, found "
                       "the end of the input: write a quote inside quotes "
                       "twice");
    return bl_fail(err, BL_BAD_FIELD, "expected a separator behind the "
                   "closing quote, found byte 0x%02x: write a quote inside "
                   "quotes twice", (unsigned char)csv->found);
}

/* ---- Rows ---- */

/* The byte order mark, and for tabs whether there are quotes. */
static void look_at_begin(struct bl_csv *csv)
{
    static const char mark[] = "\xef\xbb\xbf";

    csv->begun = true;
    if (csv->end - csv->start >= 3
        && !memcmp(csv->data + csv->start, mark, 3))
        csv->start += 3;
    csv->plain = csv->separator == '\t'
        && (csv->start == csv->end || csv->data[csv->start] != '"');
}

static void begin_row(struct bl_csv *csv)
{
    csv->at = csv->n_fields = csv->breaks = csv->first_break = 0;
    csv->fault = NONE;
    begin_field(csv, 0);
}

/* The place behind the row that begins at data[start] in *next; 0 when there
 * is none. */
static int find_row(struct bl_csv *csv, size_t *next, struct bl_err *err)
{
    while (!csv->begun) {
        if (csv->end - csv->start < 4 && !csv->eof) {
            if (read_more(csv, err) < 0)
                return -1;
        } else {
            look_at_begin(csv);
        }
    }
    begin_row(csv);
    while (!scan(csv, next)) {
        if (csv->eof) {
            if (csv->start == csv->end && csv->fault == NONE)
                return 0;
            end_input(csv, next);
            return 1;
        }
        if (csv->fault == TOO_LONG)
            drop_excess(csv);
        if (read_more(csv, err) < 0)
            return -1;
    }
    return 1;
}

/* A row at the end of the input may be longer than the cap by less than a
 * chunk: that is seen only here. */
enum bl_csv_status bl_csv_next(struct bl_csv *csv, struct bl_csv_row *row,
                               struct bl_err *err)
{
    size_t next;
    int found = find_row(csv, &next, err);
    enum bl_csv_status status = BL_CSV_ROW;

    if (found <= 0)
        return found < 0 ? BL_CSV_ERROR : BL_CSV_END;
    *row = (struct bl_csv_row){ csv->spans, csv->n_fields, csv->line, 0 };
    if (csv->fault == NONE && csv->at > csv->max_row)
        csv->fault = TOO_LONG;
    if (csv->fault != NONE ? fail_row(csv, row, err) < 0
                           : check_bytes(csv, csv->at, row, err) < 0)
        status = BL_CSV_BAD;
    else
        make_spans(csv);
    csv->line += csv->breaks + 1;
    csv->start += next;
    return status;
}
