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
    struct bl_spool *spool = BL_NEW(struct bl_spool);
    const char *tmp = getenv("TMPDIR"), *slash = strrchr(beside, '/');

    spool->fd = -1;
    spool->data = bl_xmalloc(BUFFER, 1);
    if (tmp && *tmp)
        spool->folder = bl_xstrdup(tmp);
    else if (slash)
        spool->folder = bl_xasprintf("%.*s", (int)(slash - beside + 1),
                                     beside);
    else
        spool->folder = bl_xstrdup(".");
    return spool;
}

void bl_spool_free(struct bl_spool *spool)
{
    if (!spool)
        return;
    if (spool->fd >= 0)
        close(spool->fd);
    free(spool->folder);
    free(spool->data);
    free(spool);
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

/* The file never has a name that outlives this call, so that a killed process
 * leaves nothing behind. */
static int make_file(struct bl_spool *spool, struct bl_err *err)
{
    spool->fd = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0)
        spool->fd = open_named(spool->folder);
    if (spool->fd < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot make a temporary file "
                             "in '%s' (see TMPDIR)", spool->folder);
    return 0;
}

static int spool_write(struct bl_spool *spool, const char *bytes, size_t size,
                       struct bl_err *err)
{
    if (spool->fd < 0 && make_file(spool, err) < 0)
        return -1;
    while (size > 0) {
        ssize_t put = pwrite(spool->fd, bytes, size, (off_t)spool->written);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write a temporary "
                                 "file in '%s' (see TMPDIR)", spool->folder);
        bytes += put;
        size -= (size_t)put;
        spool->written += (uint64_t)put;
    }
    return 0;
}

int bl_spool_flush(struct bl_spool *spool, struct bl_err *err)
{
    size_t size = spool->n;

    spool->n = 0;
    return spool_write(spool, spool->data, size, err);
}

int bl_spool_put(struct bl_spool *spool, const void *bytes, size_t size,
                 struct bl_err *err)
{
    if (size > BUFFER - spool->n && bl_spool_flush(spool, err) < 0)
        return -1;
    if (size > BUFFER)
        return spool_write(spool, bytes, size, err);
    if (size)
        memcpy(spool->data + spool->n, bytes, size);
    spool->n += size;
    return 0;
}

/* Seven bits a byte, lowest first, the high bit set on all but the last (as
 * LEB128): 10 bytes hold 64 bits. */
int bl_spool_put_number(struct bl_spool *spool, uint64_t number,
                        struct bl_err *err)
{
    unsigned char bytes[NUMBER];
    size_t length = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[length++] = (unsigned char)(number | 0x80);
    bytes[length++] = (unsigned char)number;
    return bl_spool_put(spool, bytes, length, err);
}

int bl_spool_put_span(struct bl_spool *spool, struct bl_span span,
                      struct bl_err *err)
{
    if (bl_spool_put_number(spool, span.n, err) < 0)
        return -1;
    return bl_spool_put(spool, span.p, span.n, err);
}

uint64_t bl_spool_size(const struct bl_spool *spool)
{
    return spool->written + spool->n;
}

/* ---- Reading ---- */

void bl_cursor_start(struct bl_cursor *cursor, const struct bl_spool *spool,
                     uint64_t at, uint64_t end, size_t size)
{
    *cursor = (struct bl_cursor){ .spool = spool,
                                  .at = at,
                                  .end = end,
                                  .cap = size,
                                  .data = bl_xmalloc(size, 1) };
}

void bl_cursor_end(struct bl_cursor *cursor)
{
    free(cursor->data);
    *cursor = (struct bl_cursor){ 0 };
}

/* Moves what is left to the front and reads until `want` bytes, or all that
 * there are, lie in the buffer. */
static int cursor_fill(struct bl_cursor *cursor, size_t want,
                       struct bl_err *err)
{
    cursor->n -= cursor->pos;
    if (cursor->n)
        memmove(cursor->data, cursor->data + cursor->pos, cursor->n);
    cursor->pos = 0;
    if (want > cursor->cap) {
        cursor->cap = want;
        cursor->data = bl_xrealloc(cursor->data, want, 1);
    }
    while (cursor->n < want && cursor->at < cursor->end) {
        uint64_t left = cursor->end - cursor->at;
        size_t room = cursor->cap - cursor->n;
        ssize_t got = pread(cursor->spool->fd, cursor->data + cursor->n,
                            (size_t)BL_MIN(left, room), (off_t)cursor->at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read a temporary "
                                 "file in '%s'", cursor->spool->folder);
        cursor->n += (size_t)got;
        cursor->at += (uint64_t)got;
    }
    return 0;
}

int bl_cursor_take(struct bl_cursor *cursor, size_t size, const char **out,
                   struct bl_err *err)
{
    if (cursor->n - cursor->pos < size && cursor_fill(cursor, size, err) < 0)
        return -1;
    if (size && cursor->pos == cursor->n && cursor->at == cursor->end)
        return 0;
    BL_ASSERT(cursor->n - cursor->pos >= size);
    *out = cursor->data + cursor->pos;
    cursor->pos += size;
    return 1;
}

int bl_cursor_number(struct bl_cursor *cursor, uint64_t *number,
                     struct bl_err *err)
{
    const char *byte;
    unsigned shift = 0;
    int rc;

    *number = 0;
    do {
        rc = bl_cursor_take(cursor, 1, &byte, err);
        if (rc <= 0)
            return rc;
        *number |= (uint64_t)(*byte & 0x7f) << shift;
        shift += 7;
    } while (*byte & 0x80);
    return 1;
}

int bl_cursor_span(struct bl_cursor *cursor, struct bl_span *span,
                   struct bl_err *err)
{
    uint64_t length;
    int rc = bl_cursor_number(cursor, &length, err);

    if (rc <= 0)
        return rc;
    span->n = (size_t)length;
    if (length == 0) {
        span->p = "";
        return 1;
    }
    return bl_cursor_take(cursor, span->n, &span->p, err);
}
