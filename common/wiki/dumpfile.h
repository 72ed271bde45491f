/* SPDX-License-Identifier: MIT */
/*
 * dumpfile: the bytes of a file or of standard input, decompressed where they
 * are bzip2's, which their first bytes tell.
 *
 *     struct bl_dumpfile *f = bl_dumpfile_open("x.xml.bz2", pool, &err);
 *     while (bl_dumpfile_next(f, &piece, &err) == 1) ...
 *     bl_dumpfile_close(f);
 *
 * One thread reads; any thread may ask how far it is or stop it.
 */
#ifndef BL_DUMPFILE_H
#define BL_DUMPFILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/crew.h"
#include "base/err.h"

struct bl_dumpfile;

/* "-" is standard input.  NULL with BL_DATA when the file is missing or of
 * another compression. */
struct bl_dumpfile *bl_dumpfile_open(const char *path, struct bl_crew *pool,
                                     struct bl_err *err);
/* The next piece, borrowed until the next call: 1, 0 at the end, -1. */
int bl_dumpfile_next(struct bl_dumpfile *file, struct bl_span *piece,
                     struct bl_err *err);
void bl_dumpfile_close(struct bl_dumpfile *file);          /* NULL allowed */

/* Bytes of the file itself: read so far; in all, 0 when not known. */
uint64_t bl_dumpfile_done(const struct bl_dumpfile *file);
uint64_t bl_dumpfile_size(const struct bl_dumpfile *file);
/* What messages call it. */
const char *bl_dumpfile_name(const struct bl_dumpfile *file);
/* Ends the input soon, also where its writer is silent. */
void bl_dumpfile_stop(struct bl_dumpfile *file);

#endif
