/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/newdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/stale.h"

struct bl_newdir {
    const char *path;           /* as it was asked for; for messages */
    char *target, *tmp;
    const char *const *names;
    size_t n;
    bool replace;               /* the target is there */
    char *files[BL_NEWDIR_MAX]; /* tmp/NAME */
    char *inner[BL_NEWDIR_MAX_INNER];   /* SUB of the names SUB/NAME */
    char *folders[BL_NEWDIR_MAX_INNER]; /* tmp/SUB */
    size_t n_inner;
    size_t slots[BL_NEWDIR_MAX];
    size_t folder_slots[BL_NEWDIR_MAX_INNER + 1];   /* the last: tmp */
    int fd;                     /* of tmp; holds the mark of its use */
};

static bool among(const char *name, const char *const *names, size_t n_names)
{
    for (size_t i = 0; i < n_names; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool is_inner(const struct bl_newdir *newdir, const char *name)
{
    return among(name, (const char *const *)newdir->inner, newdir->n_inner);
}

/* Refuses to replace a folder of which the part `inner/` ("": all) holds
 * anything but files of ours. */
static int check_part(const struct bl_newdir *newdir, const char *inner,
                      struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", newdir->target, inner);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int rc = 0;

    free(path);
    if (!dir)
        return bl_fail_errno(err, bl_errno_code(errno) == BL_SYSTEM
                             ? BL_SYSTEM : BL_USAGE, "cannot replace '%s'",
                             newdir->path);
    while (rc == 0 && (errno = 0, entry = readdir(dir))) {
        char *name = bl_xasprintf("%s%s", inner, entry->d_name);

        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")
            && !among(name, newdir->names, newdir->n)
            && (*inner || !is_inner(newdir, name)))
            rc = bl_fail(err, BL_USAGE, "'%s' contains '%s', so it is not "
                                        "replaced", newdir->path, name);
        free(name);
    }
    if (rc == 0 && errno)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot replace '%s'",
                           newdir->path);
    closedir(dir);
    return rc;
}

static int check_contents(const struct bl_newdir *newdir, struct bl_err *err)
{
    int rc = check_part(newdir, "", err);

    for (size_t i = 0; i < newdir->n_inner && rc == 0; i++) {
        char *inner = bl_xasprintf("%s/", newdir->inner[i]);
        char *path = bl_xasprintf("%s/%s", newdir->target, inner);

        if (access(path, F_OK) == 0)
            rc = check_part(newdir, inner, err);
        free(path);
        free(inner);
    }
    return rc;
}

static int check_target(struct bl_newdir *newdir, bool replace,
                        struct bl_err *err)
{
    struct stat st;

    if (lstat(newdir->target, &st) < 0)
        return errno == ENOENT ? 0 : bl_fail_errno(err, BL_SYSTEM,
                                                   "cannot make the folder "
                                                   "'%s'", newdir->path);
    if (!replace)
        return bl_fail(err, BL_USAGE, "'%s' exists (--force replaces it)",
                       newdir->path);
    newdir->replace = true;
    return check_contents(newdir, err);
}

/* The path without slashes at its end, links resolved. */
static char *target_name(const char *path)
{
    char *real = bl_path_real(path);
    size_t length = strlen(path);

    if (real)
        return real;
    while (length > 1 && path[length - 1] == '/')
        length--;
    return bl_xasprintf("%.*s", (int)length, path);
}

static void find_inner(struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n; i++) {
        const char *slash = strchr(newdir->names[i], '/');
        char *inner;

        if (!slash)
            continue;
        inner = bl_xasprintf("%.*s", (int)(slash - newdir->names[i]),
                             newdir->names[i]);
        if (is_inner(newdir, inner)) {
            free(inner);
            continue;
        }
        if (newdir->n_inner == BL_NEWDIR_MAX_INNER)
            BL_BUG("too many folders in a folder");
        newdir->inner[newdir->n_inner++] = inner;
    }
}

static void release(struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n_inner; i++)
        free(newdir->inner[i]);
    if (newdir->fd >= 0)
        close(newdir->fd);
    free(newdir->target);
    free(newdir);
}

/* The temporary names: all of them, before there is anything under them, so
 * that a signal finds nothing that it does not know; tmp last, which is
 * removed last. */
static void take_names(struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n_inner; i++) {
        newdir->folders[i] = bl_xasprintf("%s/%s", newdir->tmp,
                                          newdir->inner[i]);
        newdir->folder_slots[i] = bl_tmp_take(newdir->folders[i]);
    }
    for (size_t i = 0; i < newdir->n; i++) {
        newdir->files[i] = bl_xasprintf("%s/%s", newdir->tmp,
                                        newdir->names[i]);
        newdir->slots[i] = bl_tmp_take(newdir->files[i]);
    }
    newdir->folder_slots[BL_NEWDIR_MAX_INNER] = bl_tmp_take(newdir->tmp);
}

static void drop_names(struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n; i++) {
        bl_tmp_drop(newdir->slots[i]);
        free(newdir->files[i]);
    }
    for (size_t i = 0; i < newdir->n_inner; i++) {
        bl_tmp_drop(newdir->folder_slots[i]);
        free(newdir->folders[i]);
    }
    bl_tmp_drop(newdir->folder_slots[BL_NEWDIR_MAX_INNER]);
    free(newdir->tmp);
}

static void remove_folders(const struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n_inner; i++)
        (void)rmdir(newdir->folders[i]);
    (void)rmdir(newdir->tmp);
}

/* Whether another process is making the same folder (file.c: make_file). */
static bool others(const struct bl_newdir *newdir, const char *own)
{
    return bl_stale_remove_nested(newdir->target, own, newdir->inner,
                                  newdir->n_inner);
}

/* 0, or -1 with errno and nothing made; EAGAIN asks for another name. */
static int make_folders(struct bl_newdir *newdir)
{
    int rc = mkdir(newdir->tmp, newdir->replace ? 0700 : 0777), number;

    if (rc < 0) {
        if (errno == EEXIST)
            errno = EAGAIN;
        return -1;
    }
    newdir->fd = open(newdir->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                      O_CLOEXEC);
    if (newdir->fd < 0) {
        rc = -1;
    } else if (!bl_stale_hold(newdir->fd, newdir->tmp)
               || others(newdir, newdir->tmp)) {
        errno = EAGAIN;
        rc = -1;
    }
    for (size_t i = 0; i < newdir->n_inner && rc == 0; i++)
        rc = mkdir(newdir->folders[i], 0777);
    if (rc == 0)
        return 0;
    number = errno;
    remove_folders(newdir);
    if (newdir->fd >= 0)
        close(newdir->fd);
    newdir->fd = -1;
    errno = number;
    return -1;
}

/* The names are taken before the folders are made, so that a signal in
 * between finds them on the list of what to remove.  The descriptor of the
 * folder is held, and locked, to tell other processes that it is in use and
 * not left behind by one that died (stale.h). */
static int make_temporary(struct bl_newdir *newdir)
{
    enum { TRIES = 16 };

    for (int i = 0; i < TRIES; i++) {
        int number;

        if (others(newdir, NULL)) {
            errno = EBUSY;
            return -1;
        }
        newdir->tmp = bl_stale_name(newdir->target);
        if (!newdir->tmp)
            return -1;
        take_names(newdir);
        if (make_folders(newdir) == 0)
            return 0;
        number = errno;
        drop_names(newdir);
        errno = number;
        if (number != EAGAIN)
            return -1;
        bl_stale_step_back();
        errno = EAGAIN;
    }
    return -1;
}

struct bl_newdir *bl_newdir_open(const char *path, const char *const *names,
                                 size_t n_names, bool replace,
                                 struct bl_err *err)
{
    struct bl_newdir *newdir = BL_NEW(struct bl_newdir);

    if (n_names > BL_NEWDIR_MAX)
        BL_BUG("too many files in a folder");
    newdir->path = path;
    newdir->fd = -1;
    newdir->target = target_name(path);
    newdir->names = names;
    newdir->n = n_names;
    find_inner(newdir);
    if (check_target(newdir, replace, err) < 0) {
        release(newdir);
        return NULL;
    }
    if (make_temporary(newdir) < 0) {
        if (errno == EBUSY)
            bl_fail(err, BL_SYSTEM, BL_STALE_HELD, path);
        else
            bl_fail_errno(err, BL_SYSTEM, "cannot make the folder '%s'", path);
        release(newdir);
        return NULL;
    }
    return newdir;
}

const char *bl_newdir_path(const struct bl_newdir *newdir)
{
    return newdir->tmp;
}

/* Puts the folder under its name; an old one is then under the temporary
 * name.  File systems that cannot exchange two names need a moment without
 * either. */
static int move(struct bl_newdir *newdir)
{
    unsigned how = newdir->replace ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    char *old;
    int rc;

    if (!renameat2(AT_FDCWD, newdir->tmp, AT_FDCWD, newdir->target, how))
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (!newdir->replace)
        return rename(newdir->tmp, newdir->target);
    old = bl_xasprintf("%s.old", newdir->tmp);
    rc = rename(newdir->target, old);
    if (rc == 0 && (rc = rename(newdir->tmp, newdir->target)) < 0)
        (void)rename(old, newdir->target);
    if (rc == 0)
        rc = rename(old, newdir->tmp);
    free(old);
    return rc;
}

/* `made` gets the permissions of what stands at the target, `name` in it.
 * Either may lack a file that the other has. */
static int keep_mode(const struct bl_newdir *newdir, const char *name,
                     const char *made)
{
    char *path = bl_xasprintf("%s/%s", newdir->target, name);
    struct stat old;
    int fd = -1, rc = stat(path, &old), number;

    if (rc == 0) {
        fd = open(made, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        rc = fd < 0 ? -1 : bl_keep_mode(fd, &old);
    }
    number = errno;
    if (fd >= 0)
        close(fd);
    free(path);
    errno = number;
    return rc < 0 && number != ENOENT && number != ENOTDIR ? -1 : 0;
}

static int keep_modes(const struct bl_newdir *newdir)
{
    int rc = 0;

    for (size_t i = 0; i < newdir->n && rc == 0; i++)
        rc = keep_mode(newdir, newdir->names[i], newdir->files[i]);
    for (size_t i = 0; i < newdir->n_inner && rc == 0; i++)
        rc = keep_mode(newdir, newdir->inner[i], newdir->folders[i]);
    return rc < 0 ? rc : keep_mode(newdir, "", newdir->tmp);
}

/* Removes what is under the temporary name, and releases. */
static void discard(struct bl_newdir *newdir)
{
    for (size_t i = 0; i < newdir->n; i++)
        (void)unlink(newdir->files[i]);
    remove_folders(newdir);
    drop_names(newdir);
    release(newdir);
}

int bl_newdir_commit(struct bl_newdir *newdir, struct bl_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < newdir->n_inner; i++)
        (void)rmdir(newdir->folders[i]);     /* those without files */
    if ((newdir->replace && keep_modes(newdir) < 0)
        || bl_sync_folder(newdir->files[0]) < 0 || move(newdir) < 0) {
        bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", newdir->path);
        discard(newdir);
        return -1;
    }
    if (bl_sync_folder(newdir->target) < 0)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot sync the folder of '%s'",
                           newdir->path);
    discard(newdir); /* the temporary name: nothing, or the old */
    return rc;
}

/* Only the last part of the names is replaced, as libraries may have resolved
 * the links before it; no other file has such a name. */
int bl_newdir_fail(struct bl_newdir *newdir, struct bl_err *err)
{
    bl_err_rename(err, bl_path_base(newdir->tmp),
                  bl_path_base(newdir->target));
    discard(newdir);
    return -1;
}
