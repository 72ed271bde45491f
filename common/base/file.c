/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
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

static void say_fd(const char *s)
{
    ssize_t put = write(STDERR_FILENO, s, strlen(s));

    (void)put;
}

static void on_bus(int sig, siginfo_t *info, void *ucontext)
{
    const unsigned char *at = info->si_addr;

    (void)sig;
    (void)ucontext;
    for (size_t i = 0; i < BL_COUNT(maps); i++) {
        if (!maps[i].path || at < maps[i].data
            || at >= maps[i].data + maps[i].size)
            continue;
        say_fd("cannot read '");
        say_fd(maps[i].path);
        say_fd("': the file became shorter, or its disk failed, while it "
               "was in use\n");
        bl_newfile_cleanup();
        _exit(4);
    }
    signal(SIGBUS, SIG_DFL);
    raise(SIGBUS);
}

static void watch_map(const struct bl_map *m)
{
    struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

    if (!bus_ready)
        sigaction(SIGBUS, &sa, NULL);
    bus_ready = true;
    for (size_t i = 0; i < BL_COUNT(maps); i++) {
        if (!maps[i].path) {
            maps[i].data = m->data;
            maps[i].size = m->size;
            maps[i].path = m->path;
            return;
        }
    }
}

static void unwatch_map(const struct bl_map *m)
{
    for (size_t i = 0; i < BL_COUNT(maps); i++)
        if (maps[i].path == m->path)
            maps[i].path = NULL;
}

/* Opens a regular file and says its size. */
static int open_regular(const char *path, size_t *size, struct bl_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return bl_fail_errno(err, BL_DATA, "cannot open '%s'", path);
    if (fstat(fd, &st) < 0) {
        bl_fail_errno(err, BL_DATA, "cannot read '%s'", path);
    } else if (S_ISDIR(st.st_mode)) {
        bl_fail(err, BL_DATA, "'%s' is a directory, expected a file", path);
    } else if (!S_ISREG(st.st_mode)) {
        bl_fail(err, BL_DATA, "'%s' is not a regular file", path);
    } else {
        *size = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

int bl_map_open(struct bl_map *m, const char *path, struct bl_err *err)
{
    size_t size;
    void *p;
    int fd = open_regular(path, &size, err);

    if (fd < 0)
        return -1;
    if (size == 0) {
        close(fd);
        return bl_fail(err, BL_DATA, "'%s' is empty", path);
    }
    p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return bl_fail_errno(err, BL_DATA, "cannot map '%s'", path);
    *m = (struct bl_map){ p, size, bl_xstrdup(path) };
    watch_map(m);
    return 0;
}

void bl_map_close(struct bl_map *m)
{
    if (!m->data)
        return;
    unwatch_map(m);
    munmap((void *)(uintptr_t)m->data, m->size);
    free(m->path);
    *m = (struct bl_map){ 0 };
}

void bl_map_forget(const struct bl_map *m)
{
    (void)madvise((void *)(uintptr_t)m->data, m->size, MADV_DONTNEED);
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
        bl_fail_errno(err, BL_DATA, "cannot read '%s'", path);
    close(fd);
    return rc;
}

/* ---- Files replaced whole ---- */

struct bl_newfile {
    int fd;
    size_t slot;                /* in open_tmp */
    char *target, *tmp;
    uint64_t size;              /* with what is in the buffer */
    char *buffer;               /* [BUFFER]: the last `held` bytes */
    size_t held;
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
    char *real = realpath(path, NULL);

    return real ? real : bl_xstrdup(path);
}

char *bl_tmp_name(const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *base = slash ? slash + 1 : target;

    return bl_xasprintf("%.*s.%s.%ld.tmp", (int)(base - target), target,
                        base, (long)getpid());
}

static int check_target(const char *path, struct bl_err *err)
{
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
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

static void release(struct bl_newfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    bl_tmp_drop(f->slot);
    free(f->target);
    free(f->tmp);
    free(f->buffer);
    free(f);
}

struct bl_newfile *bl_newfile_open(const char *path, uint64_t size_hint,
                                   struct bl_err *err)
{
    struct bl_newfile *f;

    if (check_target(path, err) < 0)
        return NULL;
    f = BL_NEW(struct bl_newfile);
    f->target = resolve(path);
    f->tmp = bl_tmp_name(f->target);
    f->slot = bl_tmp_take(f->tmp);
    bl_stale_remove(f->target);
    f->fd = open(f->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd >= 0)
        bl_stale_hold(f->fd);
    if (f->fd >= 0 && reserve(f->fd, size_hint) == 0)
        return f;
    bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", path);
    bl_newfile_abort(f);
    return NULL;
}

static int write_at(struct bl_newfile *f, const char *p, size_t n,
                    uint64_t offset, struct bl_err *err)
{
    ssize_t put;

    while (n > 0) {
        put = pwrite(f->fd, p, n, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'",
                                 f->target);
        p += put;
        n -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

static int flush(struct bl_newfile *f, struct bl_err *err)
{
    size_t n = f->held;

    f->held = 0;
    return n ? write_at(f, f->buffer, n, f->size - n, err) : 0;
}

int bl_newfile_write(struct bl_newfile *f, const void *p, size_t n,
                     struct bl_err *err)
{
    if (n > BUFFER - f->held && flush(f, err) < 0)
        return -1;
    if (n >= BUFFER) {
        if (write_at(f, p, n, f->size, err) < 0)
            return -1;
    } else if (n > 0) {
        if (!f->buffer)
            f->buffer = bl_xmalloc(BUFFER, 1);
        memcpy(f->buffer + f->held, p, n);
        f->held += n;
    }
    f->size += n;
    return 0;
}

int bl_newfile_pwrite(struct bl_newfile *f, const void *p, size_t n,
                      uint64_t offset, struct bl_err *err)
{
    return flush(f, err) < 0 ? -1 : write_at(f, p, n, offset, err);
}

int bl_newfile_pread(struct bl_newfile *f, void *p, size_t n,
                     uint64_t offset, struct bl_err *err)
{
    char *out = p;
    ssize_t got;

    if (flush(f, err) < 0)
        return -1;
    while (n > 0) {
        got = pread(f->fd, out, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read back '%s'",
                                 f->target);
        out += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

uint64_t bl_newfile_size(const struct bl_newfile *f)
{
    return f->size;
}

const char *bl_newfile_path(struct bl_newfile *f, struct bl_err *err)
{
    return flush(f, err) < 0 ? NULL : f->tmp;
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

int bl_newfile_commit(struct bl_newfile *f, struct bl_err *err)
{
    int fd = f->fd;
    bool ok;

    if (flush(f, err) < 0) {
        bl_newfile_abort(f);
        return -1;
    }
    ok = fsync(fd) == 0;
    f->fd = -1;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(f->tmp, f->target) == 0;
    if (!ok) {
        bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'", f->target);
        bl_newfile_abort(f);
        return -1;
    }
    bl_tmp_drop(f->slot);
    if (bl_sync_folder(f->target) < 0) {
        bl_fail_errno(err, BL_SYSTEM, "cannot sync the folder of '%s'",
                      f->target);
        release(f);
        return -1;
    }
    release(f);
    return 0;
}

void bl_newfile_abort(struct bl_newfile *f)
{
    if (f->fd >= 0 || open_tmp[f->slot].used)
        unlink(f->tmp);
    release(f);
}
