/* SPDX-License-Identifier: MIT */
/*
 * feed: what fuzz targets share: the main() that replays kept inputs, numbers
 * and pieces taken from the bytes of an input, and files made of them.
 *
 *     tests/fuzz/fuzz-json FILE...     exit 0 when the target survives them
 *
 * Each file is copied into an allocation of exactly its size: a read past its
 * end shows under ASan and valgrind.  `make fuzz` defines FUZZ_ENGINE, since
 * libFuzzer has a main() of its own.
 */
#ifndef FEED_H
#define FEED_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define CHECK(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Numbers: the bytes of the input, and when these are used up a fixed
 * sequence that depends on them, so that a short input still fills large
 * arrays ---- */

struct feed {
    const uint8_t *p;
    size_t n;
    uint32_t state;
};

static inline unsigned feed_byte(struct feed *f)
{
    unsigned b = 0;

    if (f->n > 0) {
        f->n--;
        b = *f->p++;
    }
    f->state = (f->state + b) * 1664525u + 1013904223u;
    return f->n > 0 ? b : b ^ f->state >> 24;
}

/* low .. high */
static inline size_t feed_size(struct feed *f, size_t low, size_t high)
{
    return low + (feed_byte(f) << 8 | feed_byte(f)) % (high - low + 1);
}

/* Within [-2, 2), with every exponent down to 2^-14, and 0. */
static inline float feed_float(struct feed *f)
{
    float v = (float)((int)feed_byte(f) - 128) / 64;
    unsigned e = feed_byte(f);

    return e % 4 ? v : v / (float)(1u << (e / 4 % 15));
}

static inline void feed_floats(struct feed *f, float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = feed_float(f);
}

/* ---- Pieces: an input of several texts has the byte FF between them, which
 * no UTF-8 contains ---- */

/* The next piece, taken from f; empty at the end. */
static inline struct bl_span feed_piece(struct feed *f)
{
    const uint8_t *end = f->n ? memchr(f->p, 0xff, f->n) : NULL;
    size_t n = end ? (size_t)(end - f->p) : f->n;
    struct bl_span piece = { (const char *)f->p, n };

    f->p += end ? n + 1 : n;
    f->n -= end ? n + 1 : n;
    return piece;
}

/* The next line of a text, taken from it; false at the end. */
static inline bool feed_line(struct bl_span *text, struct bl_span *line)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end ? (size_t)(end - text->p) : text->n;

    if (!text->n)
        return false;
    *line = (struct bl_span){ text->p, n };
    *text = (struct bl_span){ text->p + n + !!end, text->n - n - !!end };
    return true;
}

/* ---- Files: a folder of this process's own, gone when it ends ---- */

static char feed_folder_path[4096];

static inline void feed_folder_remove(void)
{
    rmdir(feed_folder_path);
}

static inline const char *feed_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (!*feed_folder_path) {
        snprintf(feed_folder_path, sizeof feed_folder_path,
                 "%s/fuzz-XXXXXX", tmp ? tmp : "/tmp");
        CHECK(mkdtemp(feed_folder_path));
        atexit(feed_folder_remove);
    }
    return feed_folder_path;
}

/* Writes a file of that name; its path, for feed_remove(). */
static inline char *feed_file(const char *name, const void *data, size_t size)
{
    char *path = bl_xasprintf("%s/%s", feed_folder(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    return path;
}

static inline char *feed_file_of(const char *name, struct bl_span text)
{
    return feed_file(name, text.p, text.n);
}

/* A folder in it; its path, for feed_remove() when it is empty again. */
static inline char *feed_subfolder(const char *name)
{
    char *path = bl_xasprintf("%s/%s", feed_folder(), name);

    CHECK(mkdir(path, 0700) == 0);
    return path;
}

static inline void feed_remove(char *path)
{
    remove(path);
    free(path);
}

/* ---- Replaying ---- */

#ifndef FUZZ_ENGINE
static int feed_replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *data;

    if (!f || fstat(fileno(f), &st) < 0) {
        perror(path);
        if (f)
            fclose(f);
        return -1;
    }
    data = bl_xmalloc((size_t)st.st_size, 1);
    CHECK(fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 0;

    for (int i = 1; i < argc; i++)
        if (feed_replay(argv[i]) < 0)
            rc = 1;
    return rc;
}
#endif

#endif
