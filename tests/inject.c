/* SPDX-License-Identifier: MIT */
/*
 * inject: a library for LD_PRELOAD that makes system calls fail.
 *
 *     INJECT=CALL:N[:ERRNO[:+]]     the Nth CALL fails with ERRNO (default
 *                                   EIO); with "+" all later ones do, too
 *     INJECT=short                  read and write handle 1 to 7 bytes
 *     INJECT=eintr                  every second read and write: EINTR
 *     INJECT_MARK=FILE              made when something was injected
 *
 * CALL is read, write, fsync, rename, open, close, fallocate, mmap or malloc
 * (calloc and realloc count as malloc; pread as read, pwrite as write, and
 * so on).  Standard error is spared: the message is what tests look at.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum call { READ, WRITE, FSYNC, RENAME, OPEN, CLOSE, FALLOCATE, MMAP, MALLOC,
            N_CALLS };

static const char *const call_names[N_CALLS] = {
    "read", "write", "fsync", "rename", "open", "close", "fallocate", "mmap",
    "malloc" };

static struct {
    bool ready, forever, cut, eintr;
    int call, error;
    long at;
    atomic_long count, turn;
} plan = { .call = -1, .error = EIO };

static void parse(char *s)
{
    char *colon = strchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : strlen(s);

    for (int i = 0; i < N_CALLS; i++)
        if (strlen(call_names[i]) == n && !strncmp(s, call_names[i], n))
            plan.call = i;
    plan.cut = !strcmp(s, "short");
    plan.eintr = !strcmp(s, "eintr");
    if (!colon)
        return;
    plan.at = strtol(colon + 1, &s, 10);
    if (*s == ':')
        plan.error = (int)strtol(s + 1, &s, 10);
    plan.forever = *s == ':' && s[1] == '+';
}

__attribute__((constructor))
static void start(void)
{
    char *s = getenv("INJECT");

    if (s)
        parse(s);
    plan.ready = true;
}

static void mark(void)
{
    const char *path = getenv("INJECT_MARK");

    if (!path)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* True when this call is one that fails; errno is set. */
static bool hit(enum call call)
{
    if (!plan.ready || plan.call != (int)call)
        return false;
    long n = atomic_fetch_add(&plan.count, 1) + 1;
    if (n != plan.at && !(plan.forever && n > plan.at))
        return false;
    mark();
    errno = plan.error;
    return true;
}

/* How many of n bytes a read or write may handle; 0: EINTR. */
static size_t allowed(size_t n)
{
    long turn = plan.cut || plan.eintr ? atomic_fetch_add(&plan.turn, 1) : 0;

    if (plan.eintr && turn % 2 == 0) {
        errno = EINTR;
        return 0;
    }
    size_t most = plan.cut ? (size_t)(turn % 7 + 1) : n;
    return n < most ? n : most;     /* checksrc: allow, no libblink here */
}

/* A real function, looked up once. */
#define REAL(ret, name, ...) \
    static ret (*real)(__VA_ARGS__); \
    if (!real) \
        *(void **)&real = dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *p, size_t n)
{
    REAL(ssize_t, read, int, void *, size_t);
    if (hit(READ) || (n && !(n = allowed(n))))
        return -1;
    return real(fd, p, n);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    REAL(ssize_t, pread64, int, void *, size_t, off64_t);
    return hit(READ) ? -1 : real(fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return pread64(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
    REAL(ssize_t, write, int, const void *, size_t);
    if (fd != 2 && (hit(WRITE) || (n && !(n = allowed(n)))))
        return -1;
    return real(fd, p, n);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return hit(WRITE) ? -1 : real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

int fsync(int fd)
{
    REAL(int, fsync, int);
    return hit(FSYNC) ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return hit(FSYNC) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    return hit(RENAME) ? -1 : real(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to,
              unsigned how)
{
    REAL(int, renameat2, int, const char *, int, const char *, unsigned);
    return hit(RENAME) ? -1 : real(from_dir, from, to_dir, to, how);
}

int open64(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return hit(OPEN) ? -1 : real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open64(path, flags, mode);
}

int close(int fd)
{
    REAL(int, close, int);
    if (hit(CLOSE)) {           /* the descriptor is gone all the same */
        int error = errno;
        real(fd);
        errno = error;
        return -1;
    }
    return real(fd);
}

/* Returns the error, as POSIX has it, and leaves errno alone. */
int posix_fallocate64(int fd, off64_t at, off64_t n)
{
    REAL(int, posix_fallocate64, int, off64_t, off64_t);
    return hit(FALLOCATE) ? plan.error : real(fd, at, n);
}

int fallocate64(int fd, int how, off64_t at, off64_t n)
{
    REAL(int, fallocate64, int, int, off64_t, off64_t);
    return hit(FALLOCATE) ? -1 : real(fd, how, at, n);
}

int fallocate(int fd, int how, off_t at, off_t n)
{
    return fallocate64(fd, how, at, n);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    return posix_fallocate64(fd, at, n);
}

void *mmap64(void *p, size_t n, int prot, int flags, int fd, off64_t at)
{
    REAL(void *, mmap64, void *, size_t, int, int, int, off64_t);
    return fd >= 0 && hit(MMAP) ? MAP_FAILED
                                : real(p, n, prot, flags, fd, at);
}

void *mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
    return mmap64(p, n, prot, flags, fd, at);
}

/* dlsym() allocates, so memory goes to glibc's own names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    return hit(MALLOC) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return hit(MALLOC) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return hit(MALLOC) ? NULL : __libc_realloc(p, n);
}
