/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/stale.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"

/* Of NAME no more than this is in a temporary name, so that a name that the
 * file system takes does not become one that it refuses.  Two targets may then
 * see each other's files, which their locks protect. */
enum { BASE_SHOWN = 200, RANDOM_BYTES = 8, DIGITS = 2 * RANDOM_BYTES };

char *bl_stale_name(const char *target)
{
    const char *base = bl_path_base(target);
    uint64_t number;

    if (getentropy(&number, sizeof number) < 0)
        return NULL;
    return bl_xasprintf("%.*s.%.*s.%016" PRIx64 ".tmp", (int)(base - target),
                        target, BASE_SHOWN, base, number);
}

/* Whether this is a name that bl_stale_name() gives for the target `base`. */
static bool is_temporary(const char *name, const char *base)
{
    size_t n = strnlen(base, BASE_SHOWN);

    if (name[0] != '.' || strncmp(name + 1, base, n) || name[n + 1] != '.')
        return false;
    name += n + 2;
    return strspn(name, "0123456789abcdef") == DIGITS
        && !strcmp(name + DIGITS, ".tmp");
}

bool bl_stale_hold(int fd, const char *path)
{
    struct stat mine, now;

    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(fd, &mine) == 0 && lstat(path, &now) == 0
        && mine.st_ino == now.st_ino && mine.st_dev == now.st_dev;
}

/* Plain files only: nothing that a person may have put there is lost with a
 * folder inside. */
static void empty_folder(int fd)
{
    int copy = dup(fd);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    struct stat st;

    if (!d) {
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((entry = readdir(d)))
        if (!fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW)
            && S_ISREG(st.st_mode))
            (void)unlinkat(fd, entry->d_name, 0);
    closedir(d);
}

static void remove_inner(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY |
                    O_CLOEXEC);

    if (fd < 0)
        return;
    empty_folder(fd);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
    close(fd);
}

/* Without write permission there is nothing to remove, so a plain reading
 * descriptor is enough to ask for the lock.  True when somebody holds it. */
static bool remove_one(int dir, const char *name, char *const *inner,
                       size_t n)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
                    O_CLOEXEC);
    struct stat st;
    bool held = false;

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        held = errno == EWOULDBLOCK;
    } else if (!fstat(fd, &st)) {
        for (size_t i = 0; i < n && S_ISDIR(st.st_mode); i++)
            remove_inner(fd, inner[i]);
        if (S_ISDIR(st.st_mode))
            empty_folder(fd);
        if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
            (void)unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR
                           : 0);
    }
    close(fd);
    return held;
}

bool bl_stale_remove(const char *target, const char *own)
{
    return bl_stale_remove_nested(target, own, NULL, 0);
}

void bl_stale_step_back(void)
{
    uint32_t random = 0;

    (void)getentropy(&random, sizeof random);
    usleep(random % 20000);
}

bool bl_stale_remove_nested(const char *target, const char *own,
                            char *const *inner, size_t n)
{
    const char *base = bl_path_base(target);
    char *folder = base > target
        ? bl_xasprintf("%.*s", (int)(base - target), target)
        : bl_xstrdup(".");
    DIR *d = opendir(folder);
    struct dirent *entry;
    bool held = false;

    while (d && (entry = readdir(d)))
        if (is_temporary(entry->d_name, base)
            && (!own || strcmp(entry->d_name, bl_path_base(own))))
            held |= remove_one(dirfd(d), entry->d_name, inner, n);
    if (d)
        closedir(d);
    free(folder);
    return held && strlen(base) < BASE_SHOWN;
}
