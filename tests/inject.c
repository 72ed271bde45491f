/* SPDX-License-Identifier: MIT */
/*
 * inject: a library for LD_PRELOAD that makes calls of the C library fail.
 *
 *     INJECT=CALL:N[:ERRNO[:+]]     the Nth CALL fails with ERRNO (default
 *                                   EIO); with "+" all later ones do, too
 *     INJECT=short                  read and write handle 1 to 7 bytes
 *     INJECT=eintr                  every second read and write: EINTR
 *     INJECT=census                 nothing fails
 *     INJECT_MARK=FILE              gets a line "PID CALL N PLACE" for each
 *                                   call that fails; of a census, for each
 *
 * CALL is a name of the table below.  Calls of one PLACE, a number, came the
 * same way through the program: 8 return addresses are the same.  Standard
 * error is spared: the message is what tests look at.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { READ, WRITE, FSYNC, RENAME, OPEN, CLOSE, FALLOCATE, MMAP, MALLOC,
            THREAD, FORK, STAT, MKDIR, DUP, N_CALLS };

/* Similar calls count as one: pread as read, calloc as malloc, and so on. */
static const char *const call_names[N_CALLS] = {
    "read", "write", "fsync", "rename", "open", "close", "fallocate", "mmap",
    "malloc", "thread", "fork", "stat", "mkdir", "dup" };

static struct {
    bool ready, census, forever, cut, eintr;
    int call, error;
    long at;
    const char *mark;
    atomic_long counts[N_CALLS], turn;
} plan = { .call = -1, .error = EIO };

/* Set while this library itself calls what it replaces. */
static _Thread_local bool inside;

static void parse(char *s)
{
    char *colon = strchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : strlen(s);

    for (int i = 0; i < N_CALLS; i++)
        if (strlen(call_names[i]) == n && !strncmp(s, call_names[i], n))
            plan.call = i;
    plan.cut = !strcmp(s, "short");
    plan.eintr = !strcmp(s, "eintr");
    plan.census = !strcmp(s, "census");
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
    void *frame;

    if (s)
        parse(s);
    plan.mark = getenv("INJECT_MARK");
    backtrace(&frame, 1);       /* loads the unwinder, now that it may */
    plan.ready = s != NULL;
}

/* FNV-1a over the return addresses; those of this library are the same for
 * all calls of one kind. */
static unsigned long place(void)
{
    enum { FRAMES = 10 };
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    unsigned long hash = 14695981039346656037UL;

    for (int i = 0; i < n; i++)
        hash = (hash ^ (unsigned long)frames[i]) * 1099511628211UL;
    return hash;
}

static void mark(enum call call, long n)
{
    char line[80];

    if (!plan.mark)
        return;
    int length = snprintf(line, sizeof line, "%d %s %ld %lx\n", (int)getpid(),
                          call_names[call], n, place());
    long fd = syscall(SYS_openat, AT_FDCWD, plan.mark,
                      O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
}

/* True when this call is one that fails; errno is set. */
static bool hit(enum call call)
{
    if (!plan.ready || inside || (!plan.census && plan.call != (int)call))
        return false;
    long n = atomic_fetch_add(&plan.counts[call], 1) + 1;
    bool fails = !plan.census
        && (n == plan.at || (plan.forever && n > plan.at));
    if (fails || plan.census) {
        int saved = errno;
        inside = true;
        mark(call, n);
        inside = false;
        errno = saved;
    }
    if (fails)
        errno = plan.error;
    return fails;
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

/* A function that returns `bad` where it fails and needs no more than that. */
#define REPLACE(call, bad, ret, name, types, parameters, arguments) \
ret name parameters \
{ \
    static ret (*real) types; \
    if (!real) \
        *(void **)&real = dlsym(RTLD_NEXT, #name); \
    return hit(call) ? (bad) : real arguments; \
}

/* ---- Reading and writing ---- */

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
    if (hit(READ) || (n && !(n = allowed(n))))
        return -1;
    return real(fd, p, n, at);
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
    if (hit(WRITE) || (n && !(n = allowed(n))))
        return -1;
    return real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

REPLACE(WRITE, -1, ssize_t, writev, (int, const struct iovec *, int),
        (int fd, const struct iovec *v, int n), (fd, v, n))
REPLACE(READ, NULL, struct dirent *, readdir, (DIR *), (DIR *dir), (dir))
REPLACE(READ, -1, int, getentropy, (void *, size_t), (void *p, size_t n),
        (p, n))

/* ---- Names ---- */

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

int openat(int dir, const char *path, int flags, ...)
{
    REAL(int, openat, int, const char *, int, ...);
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return hit(OPEN) ? -1 : real(dir, path, flags, mode);
}

REPLACE(OPEN, NULL, FILE *, fopen, (const char *, const char *),
        (const char *path, const char *how), (path, how))
REPLACE(OPEN, NULL, FILE *, fopen64, (const char *, const char *),
        (const char *path, const char *how), (path, how))
REPLACE(OPEN, NULL, DIR *, opendir, (const char *), (const char *path),
        (path))
REPLACE(OPEN, NULL, DIR *, fdopendir, (int), (int fd), (fd))
REPLACE(MKDIR, -1, int, mkdir, (const char *, mode_t),
        (const char *path, mode_t mode), (path, mode))
REPLACE(STAT, -1, int, stat, (const char *, struct stat *),
        (const char *path, struct stat *st), (path, st))
REPLACE(STAT, -1, int, lstat, (const char *, struct stat *),
        (const char *path, struct stat *st), (path, st))
REPLACE(STAT, -1, int, fstat, (int, struct stat *),
        (int fd, struct stat *st), (fd, st))
REPLACE(RENAME, -1, int, rename, (const char *, const char *),
        (const char *from, const char *to), (from, to))
REPLACE(RENAME, -1, int, renameat2,
        (int, const char *, int, const char *, unsigned),
        (int from_dir, const char *from, int to_dir, const char *to,
         unsigned how), (from_dir, from, to_dir, to, how))

/* ---- Descriptors ---- */

REPLACE(FSYNC, -1, int, fsync, (int), (int fd), (fd))
REPLACE(FSYNC, -1, int, fdatasync, (int), (int fd), (fd))
REPLACE(DUP, -1, int, dup, (int), (int fd), (fd))
REPLACE(DUP, -1, int, pipe2, (int[2], int), (int fds[2], int flags),
        (fds, flags))

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

REPLACE(FALLOCATE, -1, int, ftruncate, (int, off_t), (int fd, off_t n),
        (fd, n))
REPLACE(FALLOCATE, -1, int, ftruncate64, (int, off64_t), (int fd, off64_t n),
        (fd, n))
REPLACE(FALLOCATE, -1, int, fallocate, (int, int, off_t, off_t),
        (int fd, int how, off_t at, off_t n), (fd, how, at, n))
REPLACE(FALLOCATE, -1, int, fallocate64, (int, int, off64_t, off64_t),
        (int fd, int how, off64_t at, off64_t n), (fd, how, at, n))
/* Returns the error, as POSIX has it. */
REPLACE(FALLOCATE, plan.error, int, posix_fallocate, (int, off_t, off_t),
        (int fd, off_t at, off_t n), (fd, at, n))

/* ---- Memory, threads and processes ---- */

/* Memory without a file counts as memory. */
void *mmap64(void *p, size_t n, int prot, int flags, int fd, off64_t at)
{
    REAL(void *, mmap64, void *, size_t, int, int, int, off64_t);
    return hit(fd >= 0 ? MMAP : MALLOC) ? MAP_FAILED
                                        : real(p, n, prot, flags, fd, at);
}

void *mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
    return mmap64(p, n, prot, flags, fd, at);
}

/* dlsym() allocates, so memory goes to glibc's own names, or to those of the
 * address sanitizer, which must see all of it. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
__attribute__((weak)) void *__interceptor_malloc(size_t n);
__attribute__((weak)) void *__interceptor_calloc(size_t n, size_t size);
__attribute__((weak)) void *__interceptor_realloc(void *p, size_t n);
__attribute__((weak)) void *__interceptor_memalign(size_t align, size_t n);
#define MEMORY(name) (__interceptor_##name ? __interceptor_##name \
                                           : __libc_##name)

void *malloc(size_t n)
{
    return hit(MALLOC) ? NULL : MEMORY(malloc)(n);
}

void *calloc(size_t n, size_t size)
{
    return hit(MALLOC) ? NULL : MEMORY(calloc)(n, size);
}

void *realloc(void *p, size_t n)
{
    return hit(MALLOC) ? NULL : MEMORY(realloc)(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return hit(MALLOC) ? NULL : MEMORY(memalign)(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    *p = hit(MALLOC) ? NULL : MEMORY(memalign)(align, n);
    return *p ? 0 : ENOMEM;
}

/* Returns the error. */
REPLACE(THREAD, plan.error, int, pthread_create,
        (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *),
        (pthread_t *thread, const pthread_attr_t *how,
         void *(*run)(void *), void *with), (thread, how, run, with))
REPLACE(FORK, -1, pid_t, fork, (void), (void), ())
