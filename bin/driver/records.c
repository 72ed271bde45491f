/* SPDX-License-Identifier: MIT */
/*
 * blink records: files of records, JSONL or a JSON array each, as lines.
 * What a line holds is for the stage behind to check.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/lines.h"

enum { MAX_LINE = 16 << 20, FULL = 64 << 10 };

struct state {
    struct bl_buf out;
    int status;                 /* 1: something had to be left out */
};

static void flush(struct bl_buf *out)
{
    bl_out(out->data, out->len);
    bl_buf_clear(out);
}

/* *status becomes 1 when something had to be left out. */
static int copy(int fd, const char *name, struct bl_buf *out, int *status,
                struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, MAX_LINE);
    enum bl_line_status st = BL_LINE_OK;
    struct bl_span line;

    bl_lines_take_arrays(lines);
    while (st < BL_LINE_END) {
        if (out->len && (out->len >= FULL || bl_lines_would_block(lines)))
            flush(out);
        st = bl_lines_next(lines, &line, err);
        if (st == BL_LINE_OK && !bl_span_blank(line)) {
            bl_buf_put_span(out, line);
            bl_buf_putc(out, '\n');
        } else if (st == BL_LINE_TOO_LONG) {
            bl_warn("%s:%zu: left out: longer than %d bytes",
                    bl_lines_name(lines), bl_lines_number(lines), MAX_LINE);
            *status = 1;
        } else if (st == BL_LINE_BAD) {
            bl_warn("%s:%zu: %s", bl_lines_name(lines), bl_lines_number(lines),
                    err->msg);
            *status = 1;
        }
    }
    bl_lines_free(lines);
    return st == BL_LINE_ERROR ? -1 : 0;
}

/* A compressed file would be one line that is no JSON. */
static int refuse(int fd, const char *name, struct bl_err *err)
{
    char bytes[4096];
    ssize_t got = bl_pread(fd, bytes, sizeof bytes, 0);

    return bl_driver_refuse(name, (struct bl_span){
        bytes, got > 0 ? (size_t)got : 0 }, "records",
        "blink link --input documents", err);
}

static bool is_json(struct bl_span head)
{
    size_t i = head.n >= 3 && !memcmp(head.p, "\xEF\xBB\xBF", 3) ? 3 : 0;

    while (i < head.n && memchr(" \t\r\n", head.p[i], 4))
        i++;
    return i < head.n && (head.p[i] == '{' || head.p[i] == '[');
}

static int read_records(void *ctx, int fd, const char *name,
                        struct bl_err *err)
{
    struct state *state = ctx;

    if (refuse(fd, name, err) < 0)
        return -1;
    return copy(fd, name, &state->out, &state->status, err);
}

int bl_driver_records(bool below, char **files, size_t n_files)
{
    struct state state = { .status = 0 };
    struct bl_reading how = {
        .below = below, .into = "blink link --input documents",
        .takes = is_json, .read = read_records, .ctx = &state
    };
    int status = bl_driver_read(&how, files, n_files);

    if (state.out.len)
        flush(&state.out);
    bl_buf_free(&state.out);
    return BL_MAX(status, state.status);
}
