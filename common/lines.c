/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

enum { CHUNK = 128 << 10, EXCERPT = 80 };

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
        l->cap = l->end + CHUNK > 2 * l->cap ? l->end + CHUNK : 2 * l->cap;
        l->data = bl_xrealloc(l->data, l->cap, 1);
    }
}

/* 0, or -1 with *err; sets eof. */
static int fill(struct bl_lines *l, struct bl_err *err)
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

/* Keeps the first bytes of a line that is too long. */
static void take_excerpt(struct bl_lines *l, size_t have)
{
    l->n_excerpt = have > EXCERPT ? EXCERPT : have;
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

enum bl_line_status bl_lines_next(struct bl_lines *l, struct bl_span *line,
                                  struct bl_err *err)
{
    char *nl;
    size_t n;
    bool too_long;

    while (!(nl = newline(l)) && !l->eof) {
        drop_excess(l);
        if (fill(l, err) < 0)
            return BL_LINE_ERROR;
    }
    n = (nl ? (size_t)(nl - l->data) : l->end) - l->start;
    if (n == 0 && !nl && !l->skipping)
        return BL_LINE_END;
    l->number++;
    too_long = l->skipping || n > l->max_line;
    if (too_long && !l->skipping)
        take_excerpt(l, n);
    *line = too_long ? (struct bl_span){ l->excerpt, l->n_excerpt }
                     : clean(l, l->data + l->start, n);
    l->skipping = false;
    l->start += n + (nl != NULL);
    l->scanned = l->start;
    return too_long ? BL_LINE_TOO_LONG : BL_LINE_OK;
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

    while (!newline(l) && !l->eof) {
        drop_excess(l);
        if (poll(&p, 1, 0) == 0)
            return true;
        if (fill(l, &err) < 0)
            return false;       /* the next call meets the error again */
    }
    return false;
}
