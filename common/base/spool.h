/* SPDX-License-Identifier: MIT */
/*
 * spool: bytes that wait on disk, written once from end to end, then read
 * from any place on.
 *
 *     struct bl_spool *s = bl_spool_new(folder);
 *     bl_spool_put(s, p, n, &err);
 *     bl_spool_flush(s, &err);
 *     struct bl_cursor c;
 *     bl_cursor_start(&c, s, 0, bl_spool_size(s), 1 << 16);
 *     while (bl_cursor_take(&c, n, &p, &err) == 1) ...
 *     bl_cursor_end(&c); bl_spool_free(s);
 *
 * The file has no name, so that nothing is left of it whatever happens; it
 * is made when the first buffer is full.  Failures are BL_SYSTEM.
 */
#ifndef BL_SPOOL_H
#define BL_SPOOL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_spool;

/* The file goes into $TMPDIR or, if that is not set, into the folder of the
 * file `beside`. */
struct bl_spool *bl_spool_new(const char *beside);
void bl_spool_free(struct bl_spool *spool);         /* NULL allowed */

int bl_spool_put(struct bl_spool *spool, const void *bytes, size_t size,
                 struct bl_err *err);
/* An unsigned number, in 1 to 10 bytes. */
int bl_spool_put_number(struct bl_spool *spool, uint64_t number,
                        struct bl_err *err);
/* A number of bytes and the bytes. */
int bl_spool_put_span(struct bl_spool *spool, struct bl_span span,
                      struct bl_err *err);
/* Before reading: all that was put can be read. */
int bl_spool_flush(struct bl_spool *spool, struct bl_err *err);
uint64_t bl_spool_size(const struct bl_spool *spool);   /* bytes put */

struct bl_cursor {
    const struct bl_spool *spool;
    uint64_t at, end;           /* what is not in the buffer yet */
    char *data;
    size_t pos, n, cap;
};

/* Reads bytes at..end of a flushed spool through a buffer of `size`, which
 * grows only for a single piece that is longer. */
void bl_cursor_start(struct bl_cursor *cursor, const struct bl_spool *spool,
                     uint64_t at, uint64_t end, size_t size);
void bl_cursor_end(struct bl_cursor *cursor);

/* The next `size` bytes, borrowed until the next call: 1, 0 at the end, -1
 * when reading fails.  Fewer bytes left is a bug. */
int bl_cursor_take(struct bl_cursor *cursor, size_t size, const char **out,
                   struct bl_err *err);
int bl_cursor_number(struct bl_cursor *cursor, uint64_t *number,
                     struct bl_err *err);
int bl_cursor_span(struct bl_cursor *cursor, struct bl_span *span,
                   struct bl_err *err);

#endif
