/* SPDX-License-Identifier: MIT */
/*
 * file: files mapped for reading, and files replaced whole.
 *
 *     struct bl_newfile *f = bl_newfile_open("k.blx", size_hint, &err);
 *     bl_newfile_write(f, p, n, &err);
 *     bl_newfile_commit(f, &err);        or bl_newfile_abort(f)
 *
 * A new file is written under a temporary name beside its target (stale.h),
 * fsynced, renamed, and its directory fsynced: readers see the old file or
 * the new one, which has the permissions of the old.  While one process writes
 * a file, another that begins to write the same is refused.  Temporary
 * files that are open go when the process ends by exit, bl_oom, SIGINT,
 * SIGTERM or SIGHUP; those of a process that was killed, when the next run
 * makes the same file (stale.h).
 */
#ifndef BL_FILE_H
#define BL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

struct bl_map {
    const unsigned char *data;
    size_t size;
    char *path;
};

/* Whether that is the beginning of a pointer of Git LFS, which stands for a
 * large file until that is fetched. */
bool bl_is_pointer(const void *bytes, size_t size);

/* Maps a regular file read-only.  -1 with the path and the reason: BL_DATA
 * (missing, directory, no permission, empty, a pointer of Git LFS), or
 * BL_SYSTEM when it could not be read or there is no room for it
 * (bl_errno_code).  A file that shrinks while mapped ends the process with
 * status 4 and its path (SIGBUS handler). */
int bl_map_open(struct bl_map *map, const char *path, struct bl_err *err);
void bl_map_close(struct bl_map *map);
/* The same promise for memory that a library has mapped, from now until
 * bl_map_unwatch() of the same map; map->path must stay until then. */
void bl_map_watch(const struct bl_map *map);
void bl_map_unwatch(const struct bl_map *map);
/* Gives back the memory that pages read so far take; they are read again
 * from the file when they are needed. */
void bl_map_forget(const struct bl_map *map);

/* Reads a small text file whole (at most max bytes), NUL-terminated into
 * *out (appended).  Fails as bl_map_open does. */
int bl_file_read(const char *path, size_t max, struct bl_buf *out,
                 struct bl_err *err);

/* As pread(2), but goes on until all is there, or fewer bytes than that when
 * the file ends. */
ssize_t bl_pread(int fd, void *bytes, size_t size, uint64_t offset);

/* Waits until this process alone may change the file at `path`, and opens it
 * for reading: until that is closed, others who ask for the same wait.  -1
 * with BL_SYSTEM. */
int bl_file_lock(const char *path, struct bl_err *err);

struct bl_newfile;

/* size_hint > 0 reserves that much disk at once, so that a full disk is
 * known at the start.  NULL with *err on failure. */
struct bl_newfile *bl_newfile_open(const char *path, uint64_t size_hint,
                                   struct bl_err *err);
/* Bytes reach the file by the megabyte: a disk that is full may be reported
 * by a later call. */
int bl_newfile_write(struct bl_newfile *file, const void *bytes, size_t size,
                     struct bl_err *err);
/* Appends what is left to read of the target's old file, open as `from`. */
int bl_newfile_copy(struct bl_newfile *file, int from, struct bl_err *err);
/* Overwrites bytes already written (a header whose sums come last). */
int bl_newfile_pwrite(struct bl_newfile *file, const void *bytes, size_t size,
                      uint64_t offset, struct bl_err *err);
/* `size` bytes already written, from `offset` on, back into `bytes`. */
int bl_newfile_pread(struct bl_newfile *file, void *bytes, size_t size,
                     uint64_t offset, struct bl_err *err);
uint64_t bl_newfile_size(const struct bl_newfile *file);    /* bytes so far */
/* The temporary path, for libraries that open files by name (SQLite), which
 * find there all that was written before.  NULL when it could not be. */
const char *bl_newfile_path(struct bl_newfile *file, struct bl_err *err);
/* Puts the file under its final name.  On failure the target is as it was
 * and the temporary file is gone.  Both release it. */
int bl_newfile_commit(struct bl_newfile *file, struct bl_err *err);
void bl_newfile_abort(struct bl_newfile *file);

/* Removes every open temporary file; async-signal-safe. */
void bl_newfile_cleanup(void);

/* ---- For newdir.c alone ---- */

/* Makes the cleanup remove this path, a file or an empty folder, too; it is
 * borrowed until dropped.  Returns its slot. */
size_t bl_tmp_take(char *path);
void bl_tmp_drop(size_t slot);
/* Gives the open file or folder the owner and the permissions of one that it
 * is to replace, or fewer when it cannot have that owner or group. */
int bl_keep_mode(int fd, const struct stat *old);
/* Syncs the folder that holds `path`. */
int bl_sync_folder(const char *path);

BL_END_DECLS

#endif
