/* SPDX-License-Identifier: MIT */
/*
 * blink records: files of records, JSONL or a JSON array each, as lines.
 * What a line holds is for the stage behind to check.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/lines.h"

enum { MAX_LINE = 16 << 20, FULL = 64 << 10 };

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

static int one_file(const char *path, struct bl_buf *out, int *status,
                    struct bl_err *err)
{
    int fd, rc;

    if (!strcmp(path, "-"))
        return copy(STDIN_FILENO, "stdin", out, status, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    rc = copy(fd, path, out, status, err);
    close(fd);
    return rc;
}

int bl_driver_records(char **files, size_t n_files)
{
    struct bl_buf out = BL_BUF_INIT;
    struct bl_err err;
    int status = 0, rc = 0;

    if (n_files == 0)
        rc = copy(STDIN_FILENO, "stdin", &out, &status, &err);
    for (size_t i = 0; rc == 0 && i < n_files; i++)
        rc = one_file(files[i], &out, &status, &err);
    if (out.len)
        flush(&out);
    bl_buf_free(&out);
    if (rc == 0)
        return status;
    bl_warn("%s", err.msg);
    return bl_code_exit(err.code);
}
