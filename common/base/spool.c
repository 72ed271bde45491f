/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { BUFFER = 1 << 18, NUMBER = 10 };

struct bl_spool {
    int fd;                     /* -1: no file yet */
    char *folder;
    char *data;                 /* [BUFFER], n bytes not written yet */
    size_t n;
    uint64_t written;
};

struct bl_spool *bl_spool_new(const char *beside)
{
    struct bl_spool *s = BL_NEW(struct bl_spool);
    const char *tmp = getenv("TMPDIR"), *slash = strrchr(beside, '/');

    s->fd = -1;
    s->data = bl_xmalloc(BUFFER, 1);
    if (tmp && *tmp)
        s->folder = bl_xstrdup(tmp);
    else if (slash)
        s->folder = bl_xasprintf("%.*s", (int)(slash - beside + 1), beside);
    else
        s->folder = bl_xstrdup(".");
    return s;
}

void bl_spool_free(struct bl_spool *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->folder);
    free(s->data);
    free(s);
}

/* Not every file system knows O_TMPFILE. */
static int open_named(const char *folder)
{
    char *path = bl_xasprintf("%s/.blink.XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

static int make_file(struct bl_spool *s, struct bl_err *err)
{
    s->fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0)
        s->fd = open_named(s->folder);
    if (s->fd < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot make a temporary file "
                             "in '%s' (see TMPDIR)", s->folder);
    return 0;
}

static int spool_write(struct bl_spool *s, const char *p, size_t n,
                       struct bl_err *err)
{
    if (s->fd < 0 && make_file(s, err) < 0)
        return -1;
    while (n > 0) {
        ssize_t put = pwrite(s->fd, p, n, (off_t)s->written);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write a temporary "
                                 "file in '%s' (see TMPDIR)", s->folder);
        p += put;
        n -= (size_t)put;
        s->written += (uint64_t)put;
    }
    return 0;
}

int bl_spool_flush(struct bl_spool *s, struct bl_err *err)
{
    size_t n = s->n;

    s->n = 0;
    return spool_write(s, s->data, n, err);
}

int bl_spool_put(struct bl_spool *s, const void *p, size_t n,
                 struct bl_err *err)
{
    if (n > BUFFER - s->n && bl_spool_flush(s, err) < 0)
        return -1;
    if (n > BUFFER)
        return spool_write(s, p, n, err);
    if (n)
        memcpy(s->data + s->n, p, n);
    s->n += n;
    return 0;
}

int bl_spool_put_number(struct bl_spool *s, uint64_t v, struct bl_err *err)
{
    unsigned char bytes[NUMBER];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (unsigned char)(v | 0x80);
    bytes[n++] = (unsigned char)v;
    return bl_spool_put(s, bytes, n, err);
}

int bl_spool_put_span(struct bl_spool *s, struct bl_span v,
                      struct bl_err *err)
{
    if (bl_spool_put_number(s, v.n, err) < 0)
        return -1;
    return bl_spool_put(s, v.p, v.n, err);
}

uint64_t bl_spool_size(const struct bl_spool *s)
{
    return s->written + s->n;
}

/* ---- Reading ---- */

void bl_cursor_start(struct bl_cursor *c, const struct bl_spool *s,
                     uint64_t at, uint64_t end, size_t size)
{
    *c = (struct bl_cursor){ .spool = s, .at = at, .end = end, .cap = size,
                             .data = bl_xmalloc(size, 1) };
}

void bl_cursor_end(struct bl_cursor *c)
{
    free(c->data);
    *c = (struct bl_cursor){ 0 };
}

/* Moves what is left to the front and reads until `want` bytes, or all that
 * there are, lie in the buffer. */
static int cursor_fill(struct bl_cursor *c, size_t want, struct bl_err *err)
{
    c->n -= c->pos;
    if (c->n)
        memmove(c->data, c->data + c->pos, c->n);
    c->pos = 0;
    if (want > c->cap) {
        c->cap = want;
        c->data = bl_xrealloc(c->data, want, 1);
    }
    while (c->n < want && c->at < c->end) {
        uint64_t left = c->end - c->at;
        size_t room = c->cap - c->n;
        ssize_t got = pread(c->spool->fd, c->data + c->n,
                            (size_t)BL_MIN(left, room), (off_t)c->at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read a temporary "
                                 "file in '%s'", c->spool->folder);
        c->n += (size_t)got;
        c->at += (uint64_t)got;
    }
    return 0;
}

int bl_cursor_take(struct bl_cursor *c, size_t n, const char **p,
                   struct bl_err *err)
{
    if (c->n - c->pos < n && cursor_fill(c, n, err) < 0)
        return -1;
    if (n && c->pos == c->n && c->at == c->end)
        return 0;
    BL_ASSERT(c->n - c->pos >= n);
    *p = c->data + c->pos;
    c->pos += n;
    return 1;
}

int bl_cursor_number(struct bl_cursor *c, uint64_t *v, struct bl_err *err)
{
    const char *p;
    unsigned shift = 0;
    int rc;

    *v = 0;
    do {
        rc = bl_cursor_take(c, 1, &p, err);
        if (rc <= 0)
            return rc;
        *v |= (uint64_t)(*p & 0x7f) << shift;
        shift += 7;
    } while (*p & 0x80);
    return 1;
}

int bl_cursor_span(struct bl_cursor *c, struct bl_span *v,
                   struct bl_err *err)
{
    uint64_t n;
    int rc = bl_cursor_number(c, &n, err);

    if (rc <= 0)
        return rc;
    v->n = (size_t)n;
    if (n == 0) {
        v->p = "";
        return 1;
    }
    return bl_cursor_take(c, v->n, &v->p, err);
}
