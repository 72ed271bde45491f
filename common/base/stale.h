/* SPDX-License-Identifier: MIT */
/*
 * stale: what runs that were killed left beside their target.
 *
 *     bl_stale_remove("models/bi");
 *
 * Temporary files and folders are called ".NAME.PID.tmp" (file.h).  One is
 * left behind when no process has that number any more and nobody holds a
 * lock on it; both are asked, because a number may be that of a process in
 * another container, and not every file system has locks.
 */
#ifndef BL_STALE_H
#define BL_STALE_H

#include <stddef.h>

/* Removes the temporary files and folders of dead processes for this target;
 * a folder only when it holds plain files alone.  What cannot be removed
 * stays: the next run will see it again. */
void bl_stale_remove(const char *target);

/* The same for a folder that may have had the folders inner[n], of plain
 * files alone, in it. */
void bl_stale_remove_nested(const char *target, char *const *inner,
                            size_t n);

/* Marks the open file or folder as in use until it is closed. */
void bl_stale_hold(int fd);

#endif
