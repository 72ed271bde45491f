/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "base/stale.h"

enum {
    MAX_OPEN = 64,
    BUFFER = 1 << 20            /* bytes gathered before they are written */
};

/* ---- Mapped files ---- */

/* What the SIGBUS handler may look at. */
static struct { const unsigned char *data; size_t size; const char *path; }
    maps[64];
static bool bus_ready;

static void say_fd(const char *text)
{
    ssize_t put = write(STDERR_FILENO, text, strlen(text));

    (void)put;
}

static void on_bus(int sig, siginfo_t *info, void *ucontext)
{
    const unsigned char *at = info->si_addr;

    (void)sig;
    (void)ucontext;
    say_fd(program_invocation_short_name);
    for (size_t i = 0; i < BL_COUNT(maps); i++) {
        if (!maps[i].path || at < maps[i].data
            || at >= maps[i].data + maps[i].size)
            continue;
        say_fd(": cannot read '");
        say_fd(maps[i].path);
        say_fd("': the file became shorter, or its disk failed, while it "
               "was in use\n");
        bl_newfile_cleanup();
        _exit(4);
    }
    /* Memory of a library's, or more maps than there is room to watch. */
    say_fd(": cannot read a file that is in use: it became shorter, or its "
           "disk failed\n");
    bl_newfile_cleanup();
    _exit(4);
}

void bl_map_watch(const struct bl_map *map)
{
    struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

    if (!bus_ready)
        sigaction(SIGBUS, &sa, NULL);
    bus_ready = true;
    for (size_t i = 0; i < BL_COUNT(maps); i++) {
        if (!maps[i].path) {
            maps[i].data = map->data;
            maps[i].size = map->size;
            maps[i].path = map->path;
            return;
        }
    }
}

void bl_map_unwatch(const struct bl_map *map)
{
    for (size_t i = 0; i < BL_COUNT(maps); i++)
        if (maps[i].path == map->path)
            maps[i].path = NULL;
}

bool bl_is_pointer(const void *bytes, size_t size)
{
    static const char start[] = "version https://git-lfs.github.com/spec/";

    return size >= sizeof start - 1 && !memcmp(bytes, start, sizeof start - 1);
}

/* Git LFS promises that a pointer has less than 1,024 bytes. */
static int check_pointer(int fd, size_t size, const char *path,
                         struct bl_err *err)
{
    char start[64];
    ssize_t got = size < 1024 ? pread(fd, start, sizeof start, 0) : 0;

    if (got > 0 && bl_is_pointer(start, (size_t)got))
        return bl_fail(err, BL_DATA, "'%s' is a Git LFS pointer, not the "
                       "file: 'git lfs pull' fetches it", path);
    return 0;
}

/* Opens a regular file and says its size. */
static int open_regular(const char *path, size_t *size, struct bl_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    if (fstat(fd, &st) < 0) {
        bl_fail_file(err, "cannot read '%s'", path);
    } else if (S_ISDIR(st.st_mode)) {
        bl_fail(err, BL_DATA, "'%s' is a directory, expected a file", path);
    } else if (!S_ISREG(st.st_mode)) {
        bl_fail(err, BL_DATA, "'%s' is not a regular file", path);
    } else if (check_pointer(fd, (size_t)st.st_size, path, err) == 0) {
        *size = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

int bl_map_open(struct bl_map *map, const char *path, struct bl_err *err)
{
    size_t size;
    void *data;
    int fd = open_regular(path, &size, err);

    if (fd < 0)
        return -1;
    if (size == 0) {
        close(fd);
        return bl_fail(err, BL_DATA, "'%s' is empty", path);
    }
    data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return bl_fail_file(err, "cannot map '%s'", path);
    *map = (struct bl_map){ data, size, bl_xstrdup(path) };
    bl_map_watch(map);
    return 0;
}

void bl_map_close(struct bl_map *map)
{
    if (!map->data)
        return;
    bl_map_unwatch(map);
    munmap((void *)(uintptr_t)map->data, map->size);
    free(map->path);
    *map = (struct bl_map){ 0 };
}

void bl_map_forget(const struct bl_map *map)
{
    (void)madvise((void *)(uintptr_t)map->data, map->size, MADV_DONTNEED);
}

ssize_t bl_pread(int fd, void *bytes, size_t size, uint64_t offset)
{
    char *out = bytes;
    size_t n = 0;
    ssize_t got = 1;

    while (n < size && got != 0) {
        got = pread(fd, out + n, size - n, (off_t)(offset + n));
        if (got < 0 && errno != EINTR)
            return -1;
        n += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)n;
}

static int read_all(int fd, size_t size, struct bl_buf *out)
{
    ssize_t got = 1;
    size_t end = out->len + size;

    bl_buf_reserve(out, size);
    while (out->len < end && got != 0) {
        got = read(fd, out->data + out->len, end - out->len);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            out->len += (size_t)got;
    }
    out->data[out->len] = '\0';
    return 0;
}

int bl_file_read(const char *path, size_t max, struct bl_buf *out,
                 struct bl_err *err)
{
    size_t size;
    int rc, fd = open_regular(path, &size, err);

    if (fd < 0)
        return -1;
    if (size > max) {
        close(fd);
        return bl_fail(err, BL_DATA, "'%s' has %zu bytes, at most %zu are "
                       "expected", path, size, max);
    }
    rc = read_all(fd, size, out);
    if (rc < 0)
        bl_fail_file(err, "cannot read '%s'", path);
    close(fd);
    return rc;
}

/* ---- Files replaced whole ---- */

/* flock() locks the file that was opened.  While this waited, whoever held the
 * lock may have put a new file in its place, and the lock of the old one would
 * protect nothing; then the new one is opened and locked. */
int bl_file_lock(const char *path, struct bl_err *err)
{
    struct stat mine, now;

    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0
            || stat(path, &now) < 0) {
            bl_fail_errno(err, BL_SYSTEM, "cannot lock '%s'", path);
            if (fd >= 0)
                close(fd);
            return -1;
        }
        if (mine.st_ino == now.st_ino && mine.st_dev == now.st_dev)
            return fd;
        close(fd);
    }
}

struct bl_newfile {
    int fd;
    size_t slot;                /* in open_tmp */
    char *target, *tmp;
    uint64_t size;              /* with what is in the buffer */
    char *buffer;               /* [BUFFER]: the last `held` bytes */
    size_t held;
    bool replaces;              /* there is a target */
    struct stat old;            /* of it */
};

/* Temporary names that a signal handler can remove. */
static struct { volatile sig_atomic_t used; pid_t pid; char *path; }
    open_tmp[MAX_OPEN];

void bl_newfile_cleanup(void)
{
    /* Folders go last, when they are empty. */
    for (size_t i = 0; i < MAX_OPEN; i++)
        if (open_tmp[i].used && open_tmp[i].pid == getpid())
            unlink(open_tmp[i].path);
    for (size_t i = 0; i < MAX_OPEN; i++) {
        if (open_tmp[i].used && open_tmp[i].pid == getpid())
            rmdir(open_tmp[i].path);
        open_tmp[i].used = 0;
    }
}

static void on_signal(int sig)
{
    bl_newfile_cleanup();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void arm_cleanup(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
    static bool armed;
    struct sigaction old;

    if (armed)
        return;
    armed = true;
    atexit(bl_newfile_cleanup);
    bl_at_oom(bl_newfile_cleanup);
    for (size_t i = 0; i < BL_COUNT(signals); i++)
        if (sigaction(signals[i], NULL, &old) == 0
            && old.sa_handler == SIG_DFL)
            signal(signals[i], on_signal);
}

size_t bl_tmp_take(char *path)
{
    arm_cleanup();
    for (size_t i = 0; i < MAX_OPEN; i++) {
        if (open_tmp[i].used)
            continue;
        open_tmp[i].path = path;
        open_tmp[i].pid = getpid();
        open_tmp[i].used = 1;
        return i;
    }
    BL_BUG("too many temporary files");
}

void bl_tmp_drop(size_t slot)
{
    open_tmp[slot].used = 0;
}

/* The file that a link points to is replaced, not the link. */
static char *resolve(const char *path)
{
    char *real = bl_path_real(path);

    return real ? real : bl_xstrdup(path);
}

int bl_keep_mode(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & 0777;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid)
        && fchown(fd, old->st_uid, old->st_gid) < 0
        && st.st_gid != old->st_gid
        && fchown(fd, (uid_t)-1, old->st_gid) < 0)
        mode &= ~(mode_t)070 | (mode & 07) << 3;    /* another group */
    return fchmod(fd, mode);
}

/* What stands at the target.  The kernel does not let stat() follow a link
 * that somebody else left in a folder for all, such as /tmp; realpath() would
 * not notice. */
static int check_target(struct bl_newfile *file, const char *path,
                        struct bl_err *err)
{
    file->replaces = stat(path, &file->old) == 0;
    if (!file->replaces && errno != ENOENT)
        return bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", path);
    if (file->replaces && !S_ISREG(file->old.st_mode))
        return bl_fail(err, BL_USAGE, "'%s' is not a regular file", path);
    return 0;
}

static int reserve(int fd, uint64_t size)
{
    if (size == 0)
        return 0;
    if (size > INT64_MAX) {
        errno = EFBIG;
        return -1;
    }
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return 0;
    /* File systems that cannot reserve say so; a full disk is an error. */
    return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

static void drop_name(struct bl_newfile *file)
{
    if (!file->tmp)
        return;
    bl_tmp_drop(file->slot);
    free(file->tmp);
    file->tmp = NULL;
}

static void release(struct bl_newfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    drop_name(file);
    free(file->target);
    free(file->buffer);
    free(file);
}

static void remove_file(struct bl_newfile *file)
{
    unlink(file->tmp);
    close(file->fd);
    file->fd = -1;
}

/* Makes the temporary file.  One that replaces another is its owner's alone
 * until it has that one's permissions.  Of two processes that began at the
 * same moment, both may see the other's file: they take theirs back and begin
 * again after unequal times, so that one of them is the first. */
static int make_file(struct bl_newfile *file)
{
    enum { TRIES = 16 };
    mode_t mode = file->replaces ? 0600 : 0666;

    for (int i = 0; i < TRIES; i++) {
        if (bl_stale_remove(file->target, NULL)) {
            errno = EBUSY;
            return -1;
        }
        file->tmp = bl_stale_name(file->target);
        if (!file->tmp)
            return -1;
        file->slot = bl_tmp_take(file->tmp);
        file->fd = open(file->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
                     O_CLOEXEC, mode);
        if (file->fd < 0 && errno != EEXIST)
            break;
        if (file->fd >= 0 && bl_stale_hold(file->fd, file->tmp)
            && !bl_stale_remove(file->target, file->tmp))
            return 0;
        if (file->fd >= 0)
            remove_file(file);
        drop_name(file);
        bl_stale_step_back();
        errno = EAGAIN;
    }
    return -1;
}

struct bl_newfile *bl_newfile_open(const char *path, uint64_t size_hint,
                                   struct bl_err *err)
{
    struct bl_newfile *file = BL_NEW(struct bl_newfile);

    file->fd = -1;
    if (check_target(file, path, err) < 0) {
        release(file);
        return NULL;
    }
    file->target = resolve(path);
    if (make_file(file) == 0 && reserve(file->fd, size_hint) == 0)
        return file;
    if (errno == EBUSY)
        bl_fail(err, BL_SYSTEM, BL_STALE_HELD, path);
    else
        bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", path);
    bl_newfile_abort(file);
    return NULL;
}

static int write_at(struct bl_newfile *file, const char *bytes, size_t size,
                    uint64_t offset, struct bl_err *err)
{
    ssize_t put;

    while (size > 0) {
        put = pwrite(file->fd, bytes, size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'",
                                 file->target);
        bytes += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

static int flush(struct bl_newfile *file, struct bl_err *err)
{
    size_t size = file->held;

    file->held = 0;
    return size ? write_at(file, file->buffer, size, file->size - size, err)
                : 0;
}

int bl_newfile_write(struct bl_newfile *file, const void *bytes, size_t size,
                     struct bl_err *err)
{
    if (size > BUFFER - file->held && flush(file, err) < 0)
        return -1;
    if (size >= BUFFER) {
        if (write_at(file, bytes, size, file->size, err) < 0)
            return -1;
    } else if (size > 0) {
        if (!file->buffer)
            file->buffer = bl_xmalloc(BUFFER, 1);
        memcpy(file->buffer + file->held, bytes, size);
        file->held += size;
    }
    file->size += size;
    return 0;
}

/* A file system that can share the blocks of two files takes no time. */
int bl_newfile_copy(struct bl_newfile *file, int from, struct bl_err *err)
{
    struct stat st;
    ssize_t got = 1;
    char *piece;
    int rc = 0;

    if (file->size == 0 && fstat(from, &st) == 0
        && ioctl(file->fd, FICLONE, from) == 0) {
        file->size = (uint64_t)st.st_size;
        return 0;
    }
    piece = bl_xmalloc(BUFFER, 1);
    while (rc == 0 && got != 0) {
        got = read(from, piece, BUFFER);
        if (got < 0 && errno != EINTR)
            rc = bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'",
                               file->target);
        else if (got > 0)
            rc = bl_newfile_write(file, piece, (size_t)got, err);
    }
    free(piece);
    return rc;
}

int bl_newfile_pwrite(struct bl_newfile *file, const void *bytes, size_t size,
                      uint64_t offset, struct bl_err *err)
{
    return flush(file, err) < 0 ? -1
                                : write_at(file, bytes, size, offset, err);
}

/* The buffer is written first, as it may hold some of these bytes.  An end of
 * the file is an error: the caller asks for what it wrote. */
int bl_newfile_pread(struct bl_newfile *file, void *bytes, size_t size,
                     uint64_t offset, struct bl_err *err)
{
    ssize_t got;

    if (flush(file, err) < 0)
        return -1;
    got = bl_pread(file->fd, bytes, size, offset);
    if (got >= 0 && (size_t)got < size)
        errno = EIO;
    if (got < 0 || (size_t)got < size)
        return bl_fail_errno(err, BL_SYSTEM, "cannot read back '%s'",
                             file->target);
    return 0;
}

uint64_t bl_newfile_size(const struct bl_newfile *file)
{
    return file->size;
}

const char *bl_newfile_path(struct bl_newfile *file, struct bl_err *err)
{
    return flush(file, err) < 0 ? NULL : file->tmp;
}

/* The rename is on disk only when the directory is. */
int bl_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? bl_xasprintf("%.*s", (int)(slash - path + 1), path)
                      : bl_xstrdup(".");
    int rc = -1, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        rc = fsync(fd);
        /* Some file systems cannot sync a directory. */
        if (rc < 0 && (errno == EINVAL || errno == ENOTSUP))
            rc = 0;
        close(fd);
    }
    free(dir);
    return rc;
}

/* The order is what makes it atomic: the data is on disk before the name
 * points to it, and the name before success is reported.  close() is checked
 * too, as NFS reports some failed writes only there.  The lock is given up
 * after the renaming, or another process could take the file for a stale one
 * in between: a copy of the descriptor keeps it. */
static bool put_in_place(struct bl_newfile *file)
{
    int fd = file->fd, lock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bool ok = lock >= 0
        && (!file->replaces || bl_keep_mode(fd, &file->old) == 0)
        && fsync(fd) == 0;
    int number;

    file->fd = -1;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(file->tmp, file->target) == 0;
    number = errno;
    if (lock >= 0)
        close(lock);
    errno = number;
    return ok;
}

/* When the folder cannot be synced, the new file is already in place and
 * stays. */
int bl_newfile_commit(struct bl_newfile *file, struct bl_err *err)
{
    if (flush(file, err) < 0) {
        bl_newfile_abort(file);
        return -1;
    }
    if (!put_in_place(file)) {
        bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", file->target);
        bl_newfile_abort(file);
        return -1;
    }
    drop_name(file);
    if (bl_sync_folder(file->target) < 0) {
        bl_fail_errno(err, BL_SYSTEM, "cannot sync the folder of '%s'",
                      file->target);
        release(file);
        return -1;
    }
    release(file);
    return 0;
}

void bl_newfile_abort(struct bl_newfile *file)
{
    if (file->tmp)
        unlink(file->tmp);
    release(file);
}
