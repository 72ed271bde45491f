/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "json/array.h"

enum { CHUNK = 128 << 10, EXCERPT = 80 };

/* UNKNOWN: too little has been read to say. */
enum form { LINES, UNKNOWN, ARRAY };

struct bl_lines {
    int fd;
    char *name;
    size_t max_line;
    size_t number;
    char *data;                 /* unread bytes are data[start..end) */
    size_t start, end, cap;
    size_t scanned;             /* no newline in data[start..scanned) */
    bool eof;
    bool skipping;              /* inside a line above the cap */
    enum form form;
    size_t seen;                /* UNKNOWN: bytes from start looked at */
    size_t bracket;             /* 1 + place of '[' from start; 0: none */
    struct bl_array array;
    enum bl_array_found found;  /* at data[start] */
    char excerpt[EXCERPT];
    size_t n_excerpt;
};

struct bl_lines *bl_lines_new(int fd, const char *name, size_t max_line)
{
    struct bl_lines *l = BL_NEW(struct bl_lines);

    l->fd = fd;
    l->name = bl_xstrdup(name);
    l->max_line = max_line;
    return l;
}

void bl_lines_free(struct bl_lines *l)
{
    if (!l)
        return;
    free(l->name);
    free(l->data);
    free(l);
}

void bl_lines_take_arrays(struct bl_lines *l)
{
    l->form = UNKNOWN;
}

/* Makes room for a chunk: moves the rest to the front, then grows. */
static void make_room(struct bl_lines *l)
{
    if (l->start > 0) {
        memmove(l->data, l->data + l->start, l->end - l->start);
        l->end -= l->start;
        l->scanned -= l->start;
        l->start = 0;
    }
    if (l->cap - l->end < CHUNK) {
        l->cap = BL_MAX(l->end + CHUNK, 2 * l->cap);
        l->data = bl_xrealloc(l->data, l->cap, 1);
    }
}

void bl_lines_give(struct bl_lines *l, struct bl_span bytes, bool ended)
{
    l->cap = bytes.n;
    l->data = bl_xrealloc(l->data, l->cap, 1);
    if (bytes.n)
        memcpy(l->data, bytes.p, bytes.n);
    l->end = bytes.n;
    l->eof = ended;
}

/* 0, or -1 with *err; sets eof. */
static int read_more(struct bl_lines *l, struct bl_err *err)
{
    ssize_t got;

    make_room(l);
    do {
        got = read(l->fd, l->data + l->end, CHUNK);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot read %s", l->name);
    l->eof = got == 0;
    l->end += (size_t)got;
    return 0;
}

/* The newline in the buffer, or NULL. */
static char *newline(struct bl_lines *l)
{
    char *nl = NULL;

    if (l->end > l->scanned)
        nl = memchr(l->data + l->scanned, '\n', l->end - l->scanned);
    l->scanned = nl ? (size_t)(nl - l->data) : l->end;
    return nl;
}

/* ---- Arrays ---- */

/* The place of the next byte that is no blank, or end. */
static size_t past_blanks(const struct bl_lines *l, size_t i)
{
    while (i < l->end && memchr(" \t\r\n", l->data[i], 4))
        i++;
    return i;
}

/* From now on elements of the array whose '[' stands at data[i]. */
static void enter_array(struct bl_lines *l, size_t i)
{
    char *name = bl_xasprintf("%s[]", l->name);

    free(l->name);
    l->name = name;
    l->form = ARRAY;
    l->found = BL_ARRAY_MORE;
    l->array = (struct bl_array)BL_ARRAY_INIT;
    l->start = l->scanned = i + 1;
}

/* Looks at the start of the input, which stays UNKNOWN until enough of it is
 * there, and at no byte twice.  Blanks above the cap are no start of an
 * array. */
static void decide(struct bl_lines *l)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = l->end - l->start;
    const char *p = n ? l->data + l->start : "";    /* no buffer yet */

    if (l->seen == 0 && n > 0 && !memcmp(p, mark, BL_MIN(n, 3))) {
        if (n < 3 && !l->eof)
            return;
        l->seen = n < 3 ? 0 : 3;
    }
    l->seen = past_blanks(l, l->start + l->seen) - l->start;
    if (!l->bracket && l->seen < n && p[l->seen] == '[') {
        l->bracket = l->seen + 1;
        l->seen = past_blanks(l, l->start + l->bracket) - l->start;
    }
    if (l->seen > l->max_line)
        l->form = LINES;
    else if (l->seen < n && l->bracket
             && (p[l->seen] == '{' || p[l->seen] == ']'))
        enter_array(l, l->start + l->bracket - 1);
    else if (l->seen < n || l->eof)
        l->form = LINES;
}

/* True when an element is whole, up to data[scanned], or a fault or the end
 * of the array has been found. */
static bool array_ready(struct bl_lines *l)
{
    if (l->found == BL_ARRAY_MORE) {
        l->start += bl_array_gap(&l->array, l->data + l->start,
                                 l->end - l->start, &l->found);
        l->scanned = l->start;
    }
    if (l->found == BL_ARRAY_ELEMENT)
        return bl_array_element(&l->array, l->data, l->end, &l->scanned);
    return l->found != BL_ARRAY_MORE;
}

/* True when bl_lines_next() needs no more bytes. */
static bool ready(struct bl_lines *l)
{
    if (l->form == UNKNOWN)
        decide(l);
    if (l->form == ARRAY && array_ready(l)) {
        if (l->found != BL_ARRAY_CLOSED)
            return true;
        l->form = LINES;
    }
    return l->form == LINES && newline(l);
}

/* Keeps the first bytes of a line that is too long. */
static void take_excerpt(struct bl_lines *l, size_t have)
{
    l->n_excerpt = bl_utf8_cut(l->data + l->start, have, EXCERPT);
    memcpy(l->excerpt, l->data + l->start, l->n_excerpt);
}

/* The buffer holds no newline: what exceeds the cap is thrown away. */
static void drop_excess(struct bl_lines *l)
{
    size_t have = l->end - l->start;

    if (!l->skipping && have > l->max_line) {
        take_excerpt(l, have);
        l->skipping = true;
    }
    if (l->skipping)
        l->start = l->scanned = l->end = 0;
}

static struct bl_span clean(const struct bl_lines *l, const char *p,
                            size_t n)
{
    if (l->number == 1 && n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) {
        p += 3;
        n -= 3;
    }
    if (n > 0 && p[n - 1] == '\r')
        n--;
    return (struct bl_span){ p, n };
}

/* The n bytes from data[start], and those up to data[next] are done with. */
static enum bl_line_status take(struct bl_lines *l, size_t n, size_t next,
                                struct bl_span *line)
{
    bool too_long = l->skipping || n > l->max_line;

    l->number++;
    if (too_long && !l->skipping)
        take_excerpt(l, n);
    *line = too_long ? (struct bl_span){ l->excerpt, l->n_excerpt }
                     : clean(l, l->data + l->start, n);
    l->skipping = false;
    l->start = l->scanned = next;
    return too_long ? BL_LINE_TOO_LONG : BL_LINE_OK;
}

static enum bl_line_status take_element(struct bl_lines *l,
                                        struct bl_span *line,
                                        struct bl_err *err)
{
    size_t next = l->scanned;
    enum bl_line_status status;

    *line = BL_SPAN_LIT("");
    if (l->found == BL_ARRAY_MORE) {
        l->form = LINES;
        bl_fail(err, BL_BAD_JSON, "the array is not closed: expected ',' or "
                                  "']' after this element, found the end");
        return BL_LINE_BAD;
    }
    if (l->found == BL_ARRAY_BAD) {
        l->found = BL_ARRAY_MORE;
        bl_fail(err, BL_BAD_JSON, "after this element: %s", l->array.fault);
        return BL_LINE_BAD;
    }
    l->found = BL_ARRAY_MORE;
    if (l->array.depth > 0 || l->array.in_string)
        l->form = LINES;        /* cut off: that is said by its reader */
    status = take(l, next - l->start, next, line);
    if (l->array.breaks && status == BL_LINE_OK)
        line->n = bl_array_one_line((char *)(uintptr_t)line->p, line->n);
    return status;
}

enum bl_line_status bl_lines_next(struct bl_lines *l, struct bl_span *line,
                                  struct bl_err *err)
{
    size_t next;
    bool ended;

    while (!ready(l) && !l->eof) {
        drop_excess(l);
        if (read_more(l, err) < 0)
            return BL_LINE_ERROR;
    }
    if (l->form == ARRAY)
        return take_element(l, line, err);
    next = l->scanned;
    ended = next == l->end;     /* no newline */
    if (ended && next == l->start && !l->skipping)
        return BL_LINE_END;
    return take(l, next - l->start, next + !ended, line);
}

void bl_lines_count_from(struct bl_lines *l, size_t first)
{
    l->number = first - 1;
}

size_t bl_lines_number(const struct bl_lines *l)
{
    return l->number;
}

const char *bl_lines_name(const struct bl_lines *l)
{
    return l->name;
}

/* A descriptor can be readable and yet hold only a part of a line: what is
 * there is read, until a line is complete or nothing is there. */
bool bl_lines_would_block(struct bl_lines *l)
{
    struct pollfd p = { .fd = l->fd, .events = POLLIN };
    struct bl_err err;

    while (!ready(l) && !l->eof) {
        drop_excess(l);
        if (poll(&p, 1, 0) == 0)
            return true;
        if (read_more(l, &err) < 0)
            return false;       /* the next call meets the error again */
    }
    return false;
}
