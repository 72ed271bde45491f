/* SPDX-License-Identifier: MIT */
/* fuzz-array: arrays and lines that come in pieces are the same records as
 * when they come at once.  Byte 0 chooses the cap on their length, byte 1
 * the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "feed.h"
#include "json/lines.h"

enum { PIPE_ROOM = 32 << 10 };

/* Writes the next piece, or closes the pipe at the end. */
static void feed(int *fd, const char **p, size_t *n, size_t piece)
{
    size_t m = BL_MIN(*n, piece);

    if (m == 0) {
        close(*fd);
        *fd = -1;
        return;
    }
    CHECK(write(*fd, *p, m) == (ssize_t)m);
    *p += m;
    *n -= m;
}

static void read_all(struct bl_buf *got, const char *p, size_t n, size_t cap,
                     size_t piece)
{
    enum bl_line_status s = BL_LINE_OK;
    struct bl_lines *l;
    struct bl_span line;
    struct bl_err err;
    int fds[2];

    CHECK(pipe(fds) == 0);
    l = bl_lines_new(fds[0], "pipe", cap);
    bl_lines_take_arrays(l);
    for (size_t turns = 0; s != BL_LINE_END; turns++) {
        CHECK(turns <= 2 * (n + got->len) + 2);
        while (fds[1] >= 0 && bl_lines_would_block(l))
            feed(&fds[1], &p, &n, piece);
        s = bl_lines_next(l, &line, &err);
        CHECK(s != BL_LINE_ERROR);
        if (s == BL_LINE_END)
            break;
        CHECK(s == BL_LINE_TOO_LONG || line.n <= cap);
        bl_buf_printf(got, "%d %zu ", (int)s, bl_lines_number(l));
        /* How much of a long line is quoted is not promised. */
        if (s != BL_LINE_TOO_LONG)
            bl_buf_put_span(got, line);
        bl_buf_putc(got, '\n');
    }
    if (fds[1] >= 0)
        close(fds[1]);
    close(fds[0]);
    bl_lines_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf whole = BL_BUF_INIT, pieces = BL_BUF_INIT;

    if (size < 2 || size > PIPE_ROOM)
        return 0;
    const char *text = (const char *)data + 2;
    size_t cap = data[0] * 16u + 1u, piece = data[1] % 64u + 1u;
    read_all(&whole, text, size - 2, cap, size);
    read_all(&pieces, text, size - 2, cap, piece);
    CHECK(whole.len == pieces.len);
    CHECK(!whole.len || !memcmp(whole.data, pieces.data, whole.len));
    bl_buf_free(&whole);
    bl_buf_free(&pieces);
    return 0;
}
