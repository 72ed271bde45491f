/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "remove.h"

#include "base/utf8.h"
#include "json/lines.h"

int bl_kb_remove_id(struct bl_kb_reader *reader, struct bl_span id,
                    struct bl_err *err)
{
    if (bl_kb_build_remove(reader->builder, id, err) == 0)
        return 0;
    if (err->code >= BL_USAGE)
        return -1;
    if (!reader->drop) {
        err->code = BL_DATA;
        return -1;
    }
    bl_warn("%s", err->msg);
    reader->dropped++;
    return 0;
}

/* No id that people give begins with a brace. */
static int remove_line(struct bl_kb_reader *reader, struct bl_span line,
                       size_t number, struct bl_err *err)
{
    struct bl_span id = bl_json_trim(line);
    int rc = 0;

    if (*id.p == '{') {
        rc = bl_record_parse(&reader->record, line, number, err);
        if (rc == 0)
            rc = bl_record_id(&reader->record, "id", &reader->arena, &id, err);
    } else if (bl_utf8_valid(id.p, id.n) != id.n) {
        rc = bl_fail(err, BL_BAD_FIELD, "an id that is not UTF-8");
    }
    if (rc == 0)
        rc = bl_kb_build_remove(reader->builder, id, err);
    bl_arena_reset(&reader->arena);
    return rc;
}

/* As for entities, what is wrong is told with its line. */
static int remove_lines(struct bl_kb_reader *reader, int fd, const char *name,
                        struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, reader->max_line);
    enum bl_line_status status;
    struct bl_span line;
    int rc = 0;

    while (rc == 0
           && (status = bl_lines_next(lines, &line, err)) != BL_LINE_END) {
        size_t number = bl_lines_number(lines);

        if (status == BL_LINE_TOO_LONG)
            bl_fail(err, BL_TOO_LONG, "longer than %zu bytes",
                    reader->max_line);
        if (status != BL_LINE_OK)
            rc = -1;
        else if (!bl_span_blank(line))
            rc = remove_line(reader, line, number, err);
        if (rc < 0)
            rc = bl_kb_reader_refuse(reader, name, number, err);
    }
    bl_lines_free(lines);
    return rc;
}

int bl_kb_remove_file(struct bl_kb_reader *reader, const char *path,
                      struct bl_err *err)
{
    return bl_kb_reader_open(reader, path, remove_lines, err);
}
