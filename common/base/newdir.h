/* SPDX-License-Identifier: MIT */
/*
 * newdir: a folder of files that appears whole, or not at all.
 *
 *     struct bl_newdir *d = bl_newdir_open(path, names, 4, false, &err);
 *     ... files of those names are made in bl_newdir_path(d) ...
 *     bl_newdir_commit(d, &err);         or bl_newdir_fail(d, &err)
 *
 * The files are made in a folder beside the target that has a temporary name
 * (stale.h); commit renames that folder.  With `replace` an existing folder
 * is exchanged for the new one in one step and then removed, but only if it
 * holds nothing but files of those names: what a person put there is never
 * deleted.  The new folder and its files have the permissions of those that
 * they replace.  On a signal or an early exit the files and the temporary
 * folder go; after a kill -9 they go when the next run makes the same folder
 * (stale.h).  While one process makes a folder, another that begins to make
 * the same is refused.
 */
#ifndef BL_NEWDIR_H
#define BL_NEWDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { BL_NEWDIR_MAX = 48, BL_NEWDIR_MAX_INNER = 4 };

struct bl_newdir;

/* names[n_names], at most BL_NEWDIR_MAX: the only files that may be made in
 * it, the first of them not in a folder; "SUB/NAME" is one in a folder of it,
 * which is there at once and, while it is empty, not in the result.  These
 * and path are borrowed until commit or fail.  NULL: BL_USAGE when the
 * target exists and may not be replaced, BL_SYSTEM when the folder cannot be
 * made or another program is making it. */
struct bl_newdir *bl_newdir_open(const char *path, const char *const *names,
                                 size_t n_names, bool replace,
                                 struct bl_err *err);
/* Where the files are to be made; borrowed. */
const char *bl_newdir_path(const struct bl_newdir *newdir);
/* Both release it.  After a failed commit the target is as it was.  What
 * failed is in *err, which may speak of files by their temporary names: fail
 * gives them their own, and returns -1. */
int bl_newdir_commit(struct bl_newdir *newdir, struct bl_err *err);
int bl_newdir_fail(struct bl_newdir *newdir, struct bl_err *err);

#endif
