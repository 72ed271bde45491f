/* SPDX-License-Identifier: MIT */
/*
 * bunzip: the contents of a bzip2 file, its blocks decoded by several
 * threads.
 *
 *     struct bl_bunzip *z = bl_bunzip_open(read, arg, "x.bz2", pool, &err);
 *     while (bl_bunzip_next(z, &piece, &err) == 1) ...
 *     bl_bunzip_close(z);
 *
 * A bzip2 file is a row of bits in which each block begins with the same 48
 * (pi) and each stream ends with another 48 (its root), so blocks are found
 * without decoding anything.  Each is given to libbz2 as a stream of its own,
 * whether the file is one stream or many.  Checksums of blocks and of streams
 * are compared.  One thread of its own reads.
 */
#ifndef BL_BUNZIP_H
#define BL_BUNZIP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/crew.h"
#include "base/err.h"

struct bl_bunzip;

/* False in a build without libbz2: then open fails with BL_SYSTEM. */
bool bl_bunzip_here(void);

/* `in` reads up to `size` bytes as read(2) does: -1 with *err, 0 at the end;
 * it is called by the thread that reads. */
struct bl_bunzip *bl_bunzip_open(ssize_t (*in)(void *arg, void *data,
                                               size_t size,
                                               struct bl_err *err),
                                 void *arg, const char *name,
                                 struct bl_crew *pool, struct bl_err *err);
/* The next piece, borrowed until the next call: 1, 0 at the end, -1.  A file
 * that is cut ends where its last whole block does. */
int bl_bunzip_next(struct bl_bunzip *bunzip, struct bl_span *piece,
                   struct bl_err *err);
void bl_bunzip_close(struct bl_bunzip *bunzip);              /* NULL allowed */

#endif
