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

#include "base/mem.h"
#include "wiki/bunzip.h"

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

/* As read(2), but a thread may tell it to give up. poll() comes back now and
 * then for that; read() of a pipe whose writer is silent would not. */
static ssize_t read_raw(struct bl_dumpfile *file, void *data, size_t size,
                        struct bl_err *err)
{
    struct pollfd wait = { .fd = file->fd, .events = POLLIN };

    for (;;) {
        ssize_t got;

        if (atomic_load(&file->stop))
            return 0;
        if (poll(&wait, 1, PATIENCE) == 0)
            continue;
        got = read(file->fd, data, size);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'",
                                 file->name);
        atomic_fetch_add(&file->done, (uint64_t)got);
        return got;
    }
}

static ssize_t read_some(void *arg, void *data, size_t size,
                         struct bl_err *err)
{
    struct bl_dumpfile *file = arg;

    if (file->n_head) {
        size_t n_head = file->n_head;

        memcpy(data, file->head, n_head);
        file->n_head = 0;
        return (ssize_t)n_head;
    }
    return read_raw(file, data, size, err);
}

static int read_head(struct bl_dumpfile *file, struct bl_err *err)
{
    ssize_t got = 1;

    while (file->n_head < MAGIC && got > 0) {
        got = read_raw(file, file->head + file->n_head, MAGIC - file->n_head,
                       err);
        if (got < 0)
            return -1;
        file->n_head += (size_t)got;
    }
    return 0;
}

static bool begins(const struct bl_dumpfile *file, const char *magic,
                   size_t len)
{
    return file->n_head >= len && !memcmp(file->head, magic, len);
}

/* Only bzip2 is decoded here, as Wikipedia's dumps are; for what else is
 * compressed the message names the program that does it. */
static int look_at_head(struct bl_dumpfile *file, struct bl_crew *pool,
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
        if (begins(file, others[i].magic, others[i].n))
            return bl_fail(err, BL_DATA, "'%s' is compressed, but not by "
                           "bzip2: give the output of '%s' on standard "
                           "input", file->name, others[i].tool);
    if (begins(file, "BZh", 3)) {
        file->bz2 = bl_bunzip_open(read_some, file, file->name, pool, err);
        return file->bz2 ? 0 : -1;
    }
    file->data = bl_xmalloc(PIECE, 1);
    return 0;
}

static int open_path(struct bl_dumpfile *file, const char *path,
                     struct bl_err *err)
{
    struct stat st;

    file->name = bl_xstrdup(strcmp(path, "-") ? path : "stdin");
    file->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
                                 : STDIN_FILENO;
    if (file->fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    if (fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode))
        file->size = (uint64_t)st.st_size;
    return 0;
}

struct bl_dumpfile *bl_dumpfile_open(const char *path, struct bl_crew *pool,
                                     struct bl_err *err)
{
    struct bl_dumpfile *file = BL_NEW(struct bl_dumpfile);

    if (open_path(file, path, err) < 0 || read_head(file, err) < 0
        || look_at_head(file, pool, err) < 0) {
        bl_dumpfile_close(file);
        return NULL;
    }
    return file;
}

int bl_dumpfile_next(struct bl_dumpfile *file, struct bl_span *piece,
                     struct bl_err *err)
{
    ssize_t got;

    if (file->bz2)
        return bl_bunzip_next(file->bz2, piece, err);
    got = read_some(file, file->data, PIECE, err);
    if (got <= 0)
        return (int)got;
    *piece = (struct bl_span){ file->data, (size_t)got };
    return 1;
}

void bl_dumpfile_close(struct bl_dumpfile *file)
{
    if (!file)
        return;
    bl_dumpfile_stop(file);
    bl_bunzip_close(file->bz2);
    if (file->fd > STDIN_FILENO)
        close(file->fd);
    free(file->name);
    free(file->data);
    free(file);
}

uint64_t bl_dumpfile_done(const struct bl_dumpfile *file)
{
    return atomic_load(&file->done);
}

uint64_t bl_dumpfile_size(const struct bl_dumpfile *file)
{
    return file->size;
}

const char *bl_dumpfile_name(const struct bl_dumpfile *file)
{
    return file->name;
}

void bl_dumpfile_stop(struct bl_dumpfile *file)
{
    atomic_store(&file->stop, true);
}
