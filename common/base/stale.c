/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/stale.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

void bl_stale_hold(int fd)
{
    (void)flock(fd, LOCK_EX | LOCK_NB);
}

/* The number in ".BASE.NUMBER.tmp"; 0 when the name is another. */
static pid_t owner(const char *name, const char *base)
{
    size_t length = strlen(base);
    char *end;
    long pid;

    if (name[0] != '.' || strncmp(name + 1, base, length)
        || name[length + 1] != '.' || name[length + 2] < '1'
        || name[length + 2] > '9')
        return 0;
    errno = 0;
    pid = strtol(name + length + 2, &end, 10);
    if (errno || pid > INT32_MAX || strcmp(end, ".tmp"))
        return 0;
    return (pid_t)pid;
}

static bool dead(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
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
 * descriptor is enough to ask for the lock. */
static void remove_one(int dir, const char *name, char *const *inner,
                       size_t n)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
                    O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return;
    if (!fstat(fd, &st) && !flock(fd, LOCK_EX | LOCK_NB)) {
        for (size_t i = 0; i < n && S_ISDIR(st.st_mode); i++)
            remove_inner(fd, inner[i]);
        if (S_ISDIR(st.st_mode))
            empty_folder(fd);
        if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
            (void)unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR
                           : 0);
    }
    close(fd);
}

void bl_stale_remove(const char *target)
{
    bl_stale_remove_nested(target, NULL, 0);
}

void bl_stale_remove_nested(const char *target, char *const *inner,
                            size_t n)
{
    const char *slash = strrchr(target, '/');
    const char *base = slash ? slash + 1 : target;
    char *folder = slash ? bl_xasprintf("%.*s", (int)(base - target), target)
        : bl_xstrdup(".");
    DIR *d = opendir(folder);
    struct dirent *entry;
    pid_t pid;

    while (d && (entry = readdir(d)))
        if ((pid = owner(entry->d_name, base)) > 0 && dead(pid))
            remove_one(dirfd(d), entry->d_name, inner, n);
    if (d)
        closedir(d);
    free(folder);
}
