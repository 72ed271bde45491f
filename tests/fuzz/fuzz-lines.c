/* SPDX-License-Identifier: MIT */
/* fuzz-lines: lines read through a pipe whose writer delivers the input in
 * pieces, against a split of the whole input.  Byte 0 chooses the cap on the
 * line length, byte 1 the size of the pieces. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "feed.h"
#include "json/lines.h"

enum { PIPE_ROOM = 32 << 10 };

/* The next line by the definition in lines.h; false at the end. */
static bool slow_next(struct bl_span *rest, size_t number, size_t *raw,
                      struct bl_span *line)
{
    if (!rest->n)
        return false;
    const char *nl = memchr(rest->p, '\n', rest->n);
    *raw = nl ? (size_t)(nl - rest->p) : rest->n;
    *line = (struct bl_span){ rest->p, *raw };
    rest->p += *raw + (nl != NULL);
    rest->n -= *raw + (nl != NULL);
    if (number == 1 && line->n >= 3 && !memcmp(line->p, "\xef\xbb\xbf", 3))
        *line = (struct bl_span){ line->p + 3, line->n - 3 };
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

/* Reads one line, writing pieces as long as the reader would wait. */
static enum bl_line_status fed_next(struct bl_lines *l, int *fd,
                                    struct bl_span *left, size_t piece,
                                    struct bl_span *line)
{
    struct bl_err err;

    while (*fd >= 0 && bl_lines_would_block(l)) {
        size_t n = BL_MIN(left->n, piece);
        if (n) {
            CHECK(write(*fd, left->p, n) == (ssize_t)n);
            left->p += n;
            left->n -= n;
        } else {
            close(*fd);
            *fd = -1;
        }
    }
    return bl_lines_next(l, line, &err);
}

static void compare(struct bl_lines *l, int fd, struct bl_span all,
                    size_t cap, size_t piece)
{
    struct bl_span left = all, line, want = { NULL, 0 };
    size_t number = 0, raw = 0;

    for (;;) {
        bool more = slow_next(&all, ++number, &raw, &want);
        enum bl_line_status s = fed_next(l, &fd, &left, piece, &line);
        if (!more) {
            CHECK(s == BL_LINE_END);
            break;
        }
        CHECK(bl_lines_number(l) == number);
        if (raw > cap) {
            CHECK(s == BL_LINE_TOO_LONG);
            CHECK(line.n <= 80 && line.n <= raw);
            CHECK(!memcmp(line.p, want.p, BL_MIN(line.n, want.n))
                  || number == 1);
        } else {
            CHECK(s == BL_LINE_OK && line.n == want.n);
            CHECK(!line.n || !memcmp(line.p, want.p, line.n));
        }
    }
    if (fd >= 0)
        close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];

    if (size < 2 || size > PIPE_ROOM)
        return 0;
    size_t cap = data[0] + 1u, piece = data[1] * data[1] + 1u;
    if (pipe(fds) < 0)
        abort();
    struct bl_lines *l = bl_lines_new(fds[0], "pipe", cap);
    compare(l, fds[1], (struct bl_span){ (const char *)data + 2, size - 2 },
            cap, piece);
    CHECK(!strcmp(bl_lines_name(l), "pipe"));
    bl_lines_free(l);
    close(fds[0]);
    return 0;
}
