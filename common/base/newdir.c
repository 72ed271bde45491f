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

static bool among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool is_inner(const struct bl_newdir *d, const char *name)
{
    return among(name, (const char *const *)d->inner, d->n_inner);
}

/* Refuses to replace a folder of which the part `inner/` ("": all) holds
 * anything but files of ours. */
static int check_part(const struct bl_newdir *d, const char *inner,
                      struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", d->target, inner);
    DIR *dir = opendir(path);
    const struct dirent *e;
    int rc = 0;

    free(path);
    if (!dir)
        return bl_fail_errno(err, BL_USAGE, "cannot replace '%s'",
                             d->path);
    while (!rc && (e = readdir(dir))) {
        char *name = bl_xasprintf("%s%s", inner, e->d_name);

        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")
            && !among(name, d->names, d->n)
            && (*inner || !is_inner(d, name)))
            rc = bl_fail(err, BL_USAGE, "'%s' contains '%s', so it is not "
                                        "replaced", d->path, name);
        free(name);
    }
    closedir(dir);
    return rc;
}

static int check_contents(const struct bl_newdir *d, struct bl_err *err)
{
    int rc = check_part(d, "", err);

    for (size_t i = 0; i < d->n_inner && !rc; i++) {
        char *inner = bl_xasprintf("%s/", d->inner[i]);
        char *path = bl_xasprintf("%s/%s", d->target, inner);

        if (access(path, F_OK) == 0)
            rc = check_part(d, inner, err);
        free(path);
        free(inner);
    }
    return rc;
}

static int check_target(struct bl_newdir *d, bool replace,
                        struct bl_err *err)
{
    struct stat st;

    if (lstat(d->target, &st) < 0)
        return 0;
    if (!replace)
        return bl_fail(err, BL_USAGE, "'%s' exists (--force replaces it)",
                       d->path);
    d->replace = true;
    return check_contents(d, err);
}

/* The path without slashes at its end, links resolved. */
static char *target_name(const char *path)
{
    char *real = realpath(path, NULL);
    size_t n = strlen(path);

    if (real)
        return real;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return bl_xasprintf("%.*s", (int)n, path);
}

static void find_inner(struct bl_newdir *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const char *slash = strchr(d->names[i], '/');
        char *inner;

        if (!slash)
            continue;
        inner = bl_xasprintf("%.*s", (int)(slash - d->names[i]),
                             d->names[i]);
        if (is_inner(d, inner)) {
            free(inner);
            continue;
        }
        if (d->n_inner == BL_NEWDIR_MAX_INNER)
            BL_BUG("too many folders in a folder");
        d->inner[d->n_inner++] = inner;
    }
}

static void release(struct bl_newdir *d)
{
    for (size_t i = 0; i < d->n; i++)
        free(d->files[i]);
    for (size_t i = 0; i < d->n_inner; i++) {
        free(d->inner[i]);
        free(d->folders[i]);
    }
    if (d->fd >= 0)
        close(d->fd);
    free(d->target);
    free(d->tmp);
    free(d);
}

/* All names, before there is anything under them, so that a signal finds
 * nothing that it does not know; tmp last, which is removed last. */
static void take_names(struct bl_newdir *d)
{
    for (size_t i = 0; i < d->n_inner; i++) {
        d->folders[i] = bl_xasprintf("%s/%s", d->tmp, d->inner[i]);
        d->folder_slots[i] = bl_tmp_take(d->folders[i]);
    }
    for (size_t i = 0; i < d->n; i++) {
        d->files[i] = bl_xasprintf("%s/%s", d->tmp, d->names[i]);
        d->slots[i] = bl_tmp_take(d->files[i]);
    }
    d->folder_slots[BL_NEWDIR_MAX_INNER] = bl_tmp_take(d->tmp);
}

static void drop_names(struct bl_newdir *d)
{
    for (size_t i = 0; i < d->n; i++)
        bl_tmp_drop(d->slots[i]);
    for (size_t i = 0; i < d->n_inner; i++)
        bl_tmp_drop(d->folder_slots[i]);
    bl_tmp_drop(d->folder_slots[BL_NEWDIR_MAX_INNER]);
}

static int make_folders(const struct bl_newdir *d)
{
    int rc = mkdir(d->tmp, 0777), number;

    if (rc < 0)
        return -1;
    for (size_t i = 0; i < d->n_inner && !rc; i++)
        rc = mkdir(d->folders[i], 0777);
    if (!rc)
        return 0;
    number = errno;
    for (size_t i = 0; i < d->n_inner; i++)
        (void)rmdir(d->folders[i]);
    (void)rmdir(d->tmp);
    errno = number;
    return -1;
}

struct bl_newdir *bl_newdir_open(const char *path, const char *const *names,
                                 size_t n, bool replace, struct bl_err *err)
{
    struct bl_newdir *d = BL_NEW(struct bl_newdir);

    if (n > BL_NEWDIR_MAX)
        BL_BUG("too many files in a folder");
    d->path = path;
    d->fd = -1;
    d->target = target_name(path);
    d->tmp = bl_tmp_name(d->target);
    d->names = names;
    d->n = n;
    find_inner(d);
    if (check_target(d, replace, err) < 0) {
        release(d);
        return NULL;
    }
    bl_stale_remove_nested(d->target, d->inner, d->n_inner);
    take_names(d);
    if (make_folders(d) < 0) {
        bl_fail_errno(err, BL_SYSTEM, "cannot make the folder '%s'", path);
        drop_names(d);
        release(d);
        return NULL;
    }
    d->fd = open(d->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd >= 0)
        bl_stale_hold(d->fd);
    return d;
}

const char *bl_newdir_path(const struct bl_newdir *d)
{
    return d->tmp;
}

/* Puts the folder under its name; an old one is then under the temporary
 * name.  File systems that cannot exchange two names need a moment without
 * either. */
static int move(struct bl_newdir *d)
{
    unsigned how = d->replace ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    char *old;
    int rc;

    if (!renameat2(AT_FDCWD, d->tmp, AT_FDCWD, d->target, how))
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (!d->replace)
        return rename(d->tmp, d->target);
    old = bl_xasprintf("%s.old", d->tmp);
    rc = rename(d->target, old);
    if (!rc && (rc = rename(d->tmp, d->target)) < 0)
        (void)rename(old, d->target);
    if (!rc)
        rc = rename(old, d->tmp);
    free(old);
    return rc;
}

int bl_newdir_commit(struct bl_newdir *d, struct bl_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < d->n_inner; i++)
        (void)rmdir(d->folders[i]);     /* those without files */
    if (bl_sync_folder(d->files[0]) < 0 || move(d) < 0) {
        bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", d->path);
        bl_newdir_abort(d);
        return -1;
    }
    if (bl_sync_folder(d->target) < 0)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot sync the folder of '%s'",
                           d->path);
    bl_newdir_abort(d);         /* the temporary name: nothing, or the old */
    return rc;
}

void bl_newdir_abort(struct bl_newdir *d)
{
    for (size_t i = 0; i < d->n; i++)
        (void)unlink(d->files[i]);
    for (size_t i = 0; i < d->n_inner; i++)
        (void)rmdir(d->folders[i]);
    (void)rmdir(d->tmp);
    drop_names(d);
    release(d);
}
