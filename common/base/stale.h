/* SPDX-License-Identifier: MIT */
/*
 * stale: what runs that were killed left beside their target.
 *
 *     if (bl_stale_remove("models/bi", NULL)) ... somebody else writes it ...
 *
 * Temporary files and folders are called ".NAME.RANDOM.tmp", 16 hexadecimal
 * digits that nobody can guess, so that nobody can put a link there before.
 * Whoever makes one holds a lock on it; one whose lock is free was left
 * behind.  A process number in the name would say less: programs in two
 * containers that share a folder may have the same one.  Where a file system
 * has no locks, nothing is removed.
 */
#ifndef BL_STALE_H
#define BL_STALE_H

#include <stdbool.h>
#include <stddef.h>

/* A new temporary name beside the target; caller frees.  NULL with errno when
 * the system has no random bytes. */
char *bl_stale_name(const char *target);

/* Removes the temporary files and folders that nobody holds for this target;
 * a folder only when it holds plain files alone.  What cannot be removed
 * stays: the next run will see it again.  True when somebody holds one that is
 * not `own` (NULL: any), and so is making the same target.  Of targets whose
 * names are too long to tell apart by it, that is not said. */
bool bl_stale_remove(const char *target, const char *own);

#define BL_STALE_HELD "cannot write '%s': another program is writing it"

/* The same for a folder that may have had the folders inner[n], of plain
 * files alone, in it. */
bool bl_stale_remove_nested(const char *target, const char *own,
                            char *const *inner, size_t n);

/* Waits for up to 20 ms, for a time that no other process waits for. */
void bl_stale_step_back(void);

/* Marks the file or folder `path`, which was just made and opened, as in use
 * until it is closed.  False when another process took it for a stale one
 * between its making and this: it may be gone, and its maker takes another
 * name. */
bool bl_stale_hold(int fd, const char *path);

#endif
