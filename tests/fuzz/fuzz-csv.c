/* SPDX-License-Identifier: MIT */
/* fuzz-csv: any bytes as a table.  Byte 0 chooses the separator, byte 1 the
 * cap on a row, byte 2 how much of the input has been read before.  The rows
 * are the same whatever that is, hold what csv.h promises, and are read again
 * from a table that is written with all values in quotes.  Then the same bytes
 * as a table of entities. */
#include <stdbool.h>

#include "base/utf8.h"
#include "feed.h"
#include "kb/kb-table.h"

enum { PIPE_ROOM = 32 << 10 };

/* A descriptor that gives these bytes. */
static int pipe_of(struct bl_span text)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(!text.n || write(fds[1], text.p, text.n) == (ssize_t)text.n);
    close(fds[1]);
    return fds[0];
}

/* Appends each row as the fields, NUL behind each, and FF; a bad one as FE. */
static void read_rows(struct bl_csv *csv, struct bl_buf *out)
{
    enum bl_csv_status status;
    struct bl_csv_row row;
    struct bl_err err;
    size_t line = 0;

    while ((status = bl_csv_next(csv, &row, &err)) != BL_CSV_END) {
        CHECK(status != BL_CSV_ERROR && row.line > line);
        line = row.line;
        if (status == BL_CSV_BAD) {
            CHECK(err.code < BL_USAGE && row.bad_field <= row.n);
            bl_buf_putc(out, '\xfe');
            continue;
        }
        CHECK(row.n > 0);
        for (size_t i = 0; i < row.n; i++) {
            struct bl_span field = row.fields[i];

            CHECK(strlen(field.p) == field.n);
            CHECK(bl_utf8_valid(field.p, field.n) == field.n);
            bl_buf_put(out, field.p, field.n + 1);
        }
        bl_buf_putc(out, '\xff');
    }
}

static void read_from(struct bl_span text, size_t given, char separator,
                      size_t cap, struct bl_buf *out)
{
    int fd = pipe_of((struct bl_span){ text.p + given, text.n - given });
    struct bl_csv *csv = bl_csv_new(fd, "pipe", separator, cap);

    bl_csv_give(csv, (struct bl_span){ text.p, given }, false);
    read_rows(csv, out);
    bl_csv_free(csv);
    close(fd);
}

/* The rows that were good, as RFC 4180 has them. */
static void write_rows(const struct bl_buf *rows, char separator,
                       struct bl_buf *out)
{
    bool first = true;

    for (size_t i = 0; i < rows->len; ) {
        const char *field = rows->data + i;

        if (*field == '\xfe' || *field == '\xff') {
            if (*field == '\xff')
                bl_buf_puts(out, "\r\n");
            first = true;
            i++;
            continue;
        }
        if (!first)
            bl_buf_putc(out, separator);
        first = false;
        bl_buf_putc(out, '"');
        for (; *field; field++, i++) {
            bl_buf_putc(out, *field);
            if (*field == '"')
                bl_buf_putc(out, '"');
        }
        bl_buf_putc(out, '"');
        i++;
    }
}

static void drop_bad(struct bl_buf *rows)
{
    size_t n = 0;

    for (size_t i = 0; i < rows->len; i++)
        if (rows->data[i] != '\xfe')
            rows->data[n++] = rows->data[i];
    rows->len = n;
}

static void check_same(const struct bl_buf *one, const struct bl_buf *other)
{
    CHECK(one->len == other->len);
    CHECK(!one->len || !memcmp(one->data, other->data, one->len));
}

static void read_entities(struct bl_span text)
{
    bool titled;
    char separator = bl_kb_table_separator(text, &titled);
    int fd = pipe_of(text);
    struct bl_csv *csv = bl_csv_new(fd, "pipe", separator, 1 << 20);
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_err err = { .code = BL_OK };
    struct bl_kb_input in;
    size_t line = 0, last = 0;
    struct bl_kb_table *table = bl_kb_table_open(csv, false, &line, &err);
    int got = table ? 1 : 0;

    CHECK(table || err.code == BL_DATA);
    while (got != 0) {
        got = bl_kb_table_next(table, &in, &arena, &line, &err);
        CHECK(got >= 0 || err.code < BL_USAGE);
        CHECK(got == 0 || line > last);
        last = line;
        CHECK(got != 1 || (in.title.n && in.id.n && in.text.p));
        for (size_t i = 0; got == 1 && i < in.n_aliases; i++)
            CHECK(in.aliases[i].count >= -1 && in.aliases[i].surface.p);
        bl_arena_reset(&arena);
    }
    bl_kb_table_close(table);
    bl_arena_free(&arena);
    bl_csv_free(csv);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf whole = BL_BUF_INIT, parts = BL_BUF_INIT;
    struct bl_buf again = BL_BUF_INIT, text = BL_BUF_INIT;

    if (size < 3 || size > PIPE_ROOM)
        return 0;
    char separator = ",;\t|"[data[0] % 4];
    struct bl_span all = { (const char *)data + 3, size - 3 };
    size_t cap = data[1] ? data[1] : 1 << 20;
    read_from(all, 0, separator, cap, &whole);
    read_from(all, all.n * data[2] / 255, separator, cap, &parts);
    check_same(&whole, &parts);
    drop_bad(&whole);
    write_rows(&whole, separator, &text);
    if (text.len <= PIPE_ROOM) {
        bl_buf_reserve(&text, 1);
        read_from((struct bl_span){ text.data, text.len }, 0, separator,
                  1 << 20, &again);
        check_same(&whole, &again);
    }
    read_entities(all);
    bl_buf_free(&whole);
    bl_buf_free(&parts);
    bl_buf_free(&again);
    bl_buf_free(&text);
    return 0;
}
