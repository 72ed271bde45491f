/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "reader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "form.h"
#include "json/lines.h"
#include "kb/kb-table.h"
#include "text/csv.h"

/* Names of fields that are not stored are told once each, and no more of them
 * than a person reads. */
enum { MOST_TOLD = 32 };

static bool is_told(const struct bl_kb_reader *reader, struct bl_span name)
{
    struct bl_span rest = { reader->told.data, reader->told.len };

    while (rest.n) {
        size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n)
                            - rest.p);

        if (n == name.n && !memcmp(rest.p, name.p, n))
            return true;
        rest = (struct bl_span){ rest.p + n + 1, rest.n - n - 1 };
    }
    return false;
}

static void tell_unused(struct bl_kb_reader *reader,
                        const struct bl_kb_input *in, const char *file,
                        size_t number)
{
    for (size_t i = 0; i < in->n_unused; i++) {
        struct bl_span name = in->unused[i];

        if (memchr(name.p, '\n', name.n) || is_told(reader, name)
            || reader->n_told == MOST_TOLD)
            continue;
        reader->n_told++;
        bl_buf_put_span(&reader->told, name);
        bl_buf_putc(&reader->told, '\n');
        bl_warn("%s:%zu: %s '%.*s' is not stored", file, number,
                reader->in_table ? "column" : "field",
                (int)bl_utf8_cut(name.p, name.n, 60), name.p);
    }
}

static int add_entity(struct bl_kb_reader *reader, struct bl_kb_input *in,
                      const char *file, size_t number, struct bl_err *err)
{
    if (in->n_unused)
        tell_unused(reader, in, file, number);
    /* A title that we made an id of does not say that this is the page of
     * Wikipedia with that title. */
    if (reader->counts && !reader->made_ids
        && (!reader->change || in->given & BL_KB_GIVES_ALIASES))
        bl_kb_counts_give(reader->counts, in, &reader->arena);
    if (reader->change)
        return bl_kb_build_change(reader->builder, in, &reader->arena, err);
    return bl_kb_build_add(reader->builder, in, file, number, err);
}

/* One line of input.  -1: the record is bad, or the catalogue is. */
static int add_line(struct bl_kb_reader *reader, struct bl_span line,
                    const char *file, size_t number, struct bl_err *err)
{
    struct bl_kb_input in;
    int rc = -1;

    if (bl_record_parse(&reader->record, line, number, err) == 0
        && bl_kb_input_read(&in, &reader->record, reader->change,
                            &reader->arena, err) == 0)
        rc = add_entity(reader, &in, file, number, err);
    bl_arena_reset(&reader->arena);
    return rc;
}

/* A line that is no JSON is told of once what else it might have been. */
static void explain(struct bl_kb_reader *reader, struct bl_err *err)
{
    char *was;

    if (!reader->odd || err->code != BL_BAD_JSON)
        return;
    reader->odd = false;
    was = bl_xstrdup(err->msg);
    bl_fail(err, BL_BAD_JSON, "%s: entities are lines of JSON, or rows of a "
            "table whose first line names its columns, one of them title (or "
            "name, label), such as id,title,text", was);
    free(was);
}

int bl_kb_reader_refuse(struct bl_kb_reader *reader, const char *file,
                        size_t number, struct bl_err *err)
{
    if (err->code >= BL_USAGE)
        return -1;
    explain(reader, err);
    bl_err_prefix(err, "%s:%zu", file, number);
    if (!reader->drop) {
        err->code = BL_DATA;
        return -1;
    }
    bl_warn("%s", err->msg);
    reader->dropped++;
    return 0;
}

/* A failure that is not of one record ends the program from
 * bl_kb_reader_refuse(), which knows by the code. */
static int read_lines(struct bl_kb_reader *reader, int fd, const char *name,
                      const struct bl_kb_head *head, struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, reader->max_line);
    enum bl_line_status status;
    struct bl_span line;
    int rc = 0;

    reader->odd = !bl_kb_form_is_json(head);
    reader->in_table = reader->made_ids = false;
    bl_lines_give(lines, (struct bl_span){ head->bytes.data, head->bytes.len },
                  head->ended);
    /* Dumps of other tools are often one large JSON array: each element is
     * read as if it were a line. */
    bl_lines_take_arrays(lines);
    while (rc == 0) {
        size_t number;

        status = bl_lines_next(lines, &line, err);
        if (status == BL_LINE_END)
            break;
        number = bl_lines_number(lines);
        if (status == BL_LINE_ERROR || status == BL_LINE_BAD)
            rc = -1;
        else if (status == BL_LINE_TOO_LONG)
            rc = bl_fail(err, BL_TOO_LONG, "longer than %zu bytes",
                         reader->max_line);
        else if (!bl_span_blank(line))
            rc = add_line(reader, line, name, number, err);
        if (rc < 0)
            rc = bl_kb_reader_refuse(reader, bl_lines_name(lines), number,
                                     err);
        bl_progress_step(&reader->progress, 1);
    }
    bl_lines_free(lines);
    return rc;
}

static int read_rows(struct bl_kb_reader *reader, struct bl_kb_table *table,
                     const char *name, struct bl_err *err)
{
    struct bl_kb_input in;
    size_t line;
    int got = 1, rc = 0;

    while (rc == 0 && got != 0) {
        got = bl_kb_table_next(table, &in, &reader->arena, &line, err);
        if (got < 0
            || (got == 1 && add_entity(reader, &in, name, line, err) < 0))
            rc = bl_kb_reader_refuse(reader, name, line, err);
        bl_arena_reset(&reader->arena);
        bl_progress_step(&reader->progress, (size_t)(got == 1));
    }
    return rc;
}

/* Names of columns that are wrong are no matter of one row: --errors drop
 * cannot leave them out. */
static int read_table(struct bl_kb_reader *reader, int fd, const char *name,
                      const struct bl_kb_head *head, struct bl_err *err)
{
    struct bl_csv *csv = bl_csv_new(fd, name, head->separator,
                                    reader->max_line);
    struct bl_kb_table *table;
    size_t line = 0;
    int rc;

    reader->in_table = true;
    bl_csv_give(csv, (struct bl_span){ head->bytes.data, head->bytes.len },
                head->ended);
    table = bl_kb_table_open(csv, reader->change, &line, err);
    if (!table) {
        rc = err->code == BL_SYSTEM ? -1
            : line ? bl_err_prefix(err, "%s:%zu", name, line)
            : bl_err_prefix(err, "%s", name);
    } else {
        reader->made_ids = !bl_kb_table_has_ids(table);
        if (reader->made_ids)
            bl_warn("%s:%zu: no column 'id': the titles are the ids", name,
                    line);
        rc = read_rows(reader, table, name, err);
    }
    bl_kb_table_close(table);
    bl_csv_free(csv);
    return rc;
}

/* The first bytes are read once and given on, since a pipe cannot be wound
 * back. */
static int read_input(struct bl_kb_reader *reader, int fd, const char *name,
                      struct bl_err *err)
{
    struct bl_kb_head head = { .ended = false };
    int rc = bl_kb_head_read(&head, fd, name, err);

    if (rc == 0)
        switch (bl_kb_form_of(&head, name)) {
        case BL_KB_LINES:
            rc = read_lines(reader, fd, name, &head, err);
            break;
        case BL_KB_TABLE:
            rc = read_table(reader, fd, name, &head, err);
            break;
        case BL_KB_OTHER:
            rc = bl_kb_form_fail(&head, name, reader->command, err);
            break;
        }
    bl_kb_head_free(&head);
    return rc;
}

int bl_kb_reader_open(struct bl_kb_reader *reader, const char *path,
                      bl_kb_reader_fn *read, struct bl_err *err)
{
    int fd, rc;

    if (!strcmp(path, "-"))
        return read(reader, STDIN_FILENO, "stdin", err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    rc = read(reader, fd, path, err);
    close(fd);
    return rc;
}

int bl_kb_reader_file(struct bl_kb_reader *reader, const char *path,
                      struct bl_err *err)
{
    return bl_kb_reader_open(reader, path, read_input, err);
}

void bl_kb_reader_free(struct bl_kb_reader *reader)
{
    bl_record_free(&reader->record);
    bl_arena_free(&reader->arena);
    bl_buf_free(&reader->told);
}
