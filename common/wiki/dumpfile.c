/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/dumpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wiki/bunzip.h"
#include "base/mem.h"

enum { PIECE = 1 << 18, MAGIC = 6, PATIENCE = 100 /* ms */ };

struct bl_dumpfile {
    int fd;
    char *name;
    uint64_t size;
    _Atomic uint64_t done;
    atomic_bool stop;
    char head[MAGIC];           /* the first bytes, [n_head], until they */
    size_t n_head;              /* are given out */
    char *data;                 /* [PIECE] of a plain file */
    struct bl_bunzip *bz2;
};

/* As read(2), but gives up when told to. */
static ssize_t read_raw(struct bl_dumpfile *f, void *p, size_t n,
                        struct bl_err *err)
{
    struct pollfd wait = { .fd = f->fd, .events = POLLIN };

    for (;;) {
        ssize_t got;

        if (atomic_load(&f->stop))
            return 0;
        if (poll(&wait, 1, PATIENCE) == 0)
            continue;
        got = read(f->fd, p, n);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'",
                                 f->name);
        atomic_fetch_add(&f->done, (uint64_t)got);
        return got;
    }
}

static ssize_t read_some(void *arg, void *p, size_t n, struct bl_err *err)
{
    struct bl_dumpfile *f = arg;

    if (f->n_head) {
        size_t k = f->n_head;

        memcpy(p, f->head, k);
        f->n_head = 0;
        return (ssize_t)k;
    }
    return read_raw(f, p, n, err);
}

static int read_head(struct bl_dumpfile *f, struct bl_err *err)
{
    ssize_t got = 1;

    while (f->n_head < MAGIC && got > 0) {
        got = read_raw(f, f->head + f->n_head, MAGIC - f->n_head, err);
        if (got < 0)
            return -1;
        f->n_head += (size_t)got;
    }
    return 0;
}

static bool begins(const struct bl_dumpfile *f, const char *s, size_t n)
{
    return f->n_head >= n && !memcmp(f->head, s, n);
}

/* Other compressions are left to their own programs. */
static int look_at_head(struct bl_dumpfile *f, struct bl_crew *pool,
                        struct bl_err *err)
{
    static const struct { const char *magic; size_t n; const char *tool; }
        others[] = {
            { "\x1f\x8b", 2, "gzip -dc" },
            { "\x28\xb5\x2f\xfd", 4, "zstd -dc" },
            { "\xfd" "7zXZ", 5, "xz -dc" },
            { "7z\xbc\xaf", 4, "7z x -so" },
        };

    for (size_t i = 0; i < BL_COUNT(others); i++)
        if (begins(f, others[i].magic, others[i].n))
            return bl_fail(err, BL_DATA, "'%s' is compressed, but not by "
                           "bzip2: give the output of '%s' on standard "
                           "input", f->name, others[i].tool);
    if (begins(f, "BZh", 3)) {
        f->bz2 = bl_bunzip_open(read_some, f, f->name, pool, err);
        return f->bz2 ? 0 : -1;
    }
    f->data = bl_xmalloc(PIECE, 1);
    return 0;
}

static int open_path(struct bl_dumpfile *f, const char *path,
                     struct bl_err *err)
{
    struct stat st;

    f->name = bl_xstrdup(strcmp(path, "-") ? path : "stdin");
    f->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
                              : STDIN_FILENO;
    if (f->fd < 0)
        return bl_fail_errno(err, BL_DATA, "cannot open '%s'", path);
    if (fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode))
        f->size = (uint64_t)st.st_size;
    return 0;
}

struct bl_dumpfile *bl_dumpfile_open(const char *path, struct bl_crew *pool,
                                     struct bl_err *err)
{
    struct bl_dumpfile *f = BL_NEW(struct bl_dumpfile);

    if (open_path(f, path, err) < 0 || read_head(f, err) < 0
        || look_at_head(f, pool, err) < 0) {
        bl_dumpfile_close(f);
        return NULL;
    }
    return f;
}

int bl_dumpfile_next(struct bl_dumpfile *f, struct bl_span *piece,
                     struct bl_err *err)
{
    ssize_t got;

    if (f->bz2)
        return bl_bunzip_next(f->bz2, piece, err);
    got = read_some(f, f->data, PIECE, err);
    if (got <= 0)
        return (int)got;
    *piece = (struct bl_span){ f->data, (size_t)got };
    return 1;
}

void bl_dumpfile_close(struct bl_dumpfile *f)
{
    if (!f)
        return;
    bl_dumpfile_stop(f);
    bl_bunzip_close(f->bz2);
    if (f->fd > STDIN_FILENO)
        close(f->fd);
    free(f->name);
    free(f->data);
    free(f);
}

uint64_t bl_dumpfile_done(const struct bl_dumpfile *f)
{
    return atomic_load(&f->done);
}

uint64_t bl_dumpfile_size(const struct bl_dumpfile *f)
{
    return f->size;
}

const char *bl_dumpfile_name(const struct bl_dumpfile *f)
{
    return f->name;
}

void bl_dumpfile_stop(struct bl_dumpfile *f)
{
    atomic_store(&f->stop, true);
}
