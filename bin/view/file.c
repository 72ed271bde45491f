/* SPDX-License-Identifier: MIT */
/* A file of records beside the stream. */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "json/lines.h"
#include "view.h"

enum { MAX_LINE = 64 << 20 };

static int read_all(struct bl_lines *lines, struct bl_record *record,
                    bl_record_fn *take, void *ctx, struct bl_err *err)
{
    enum bl_line_status status;
    struct bl_span line;
    int rc = 0;

    while (rc == 0
           && (status = bl_lines_next(lines, &line, err)) != BL_LINE_END) {
        if (status == BL_LINE_TOO_LONG)
            rc = bl_fail(err, BL_DATA, "longer than %d bytes", MAX_LINE);
        else if (status != BL_LINE_OK)
            rc = -1;
        else if (!bl_span_blank(line))
            rc = bl_record_parse(record, line, bl_lines_number(lines), err) < 0
                ? -1 : take(ctx, record, err);
    }
    return rc;
}

int bl_view_read(const char *path, bl_record_fn *take, void *ctx,
                 struct bl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct bl_record record = { 0 };
    struct bl_lines *lines;

    if (fd < 0)
        return bl_fail_file(err, "cannot read '%s'", path);
    lines = bl_lines_new(fd, path, MAX_LINE);
    bl_lines_take_arrays(lines);
    rc = read_all(lines, &record, take, ctx, err);
    if (rc < 0) {
        /* A record of this file is data, not part of the stream. */
        if (err->code < BL_USAGE)
            err->code = BL_DATA;
        bl_err_prefix(err, "'%s':%zu", bl_lines_name(lines),
                      bl_lines_number(lines));
    }
    bl_record_free(&record);
    bl_lines_free(lines);
    close(fd);
    return rc;
}
