/* SPDX-License-Identifier: MIT */
/* fuzz-text: any bytes as a text that is linked, whole or by lines.  Byte 0
 * is the size of a piece; odd: by lines.  What comes out are records, each
 * with an id and a text, which joined together are the text that came in,
 * made valid: no piece ends inside a character, and nothing is lost. */
#include "base/buf.h"
#include "cli/prog.h"

static struct bl_buf output;
static void take(const void *p, size_t n);
static void hush(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static size_t piece_size;
#define TEXT_PIECE piece_size
#define bl_out take
#define bl_warn hush
#include "../../bin/driver/folder.c"
#include "../../bin/driver/kind.c"
#include "../../bin/driver/document.c"
#include "../../bin/driver/text.c"
#undef bl_out
#undef bl_warn
#include "feed.h"

static void take(const void *p, size_t n)
{
    bl_buf_put(&output, p, n);
}

static void hush(const char *fmt, ...)
{
    (void)fmt;
}

/* The texts of all records, a newline behind each when `lines`. */
static void join(bool lines, struct bl_buf *out)
{
    struct bl_span all = { output.data, output.len }, line, id, text;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_record record = { 0 };

    CHECK(!all.n || all.p[all.n - 1] == '\n');
    while (feed_line(&all, &line)) {
        CHECK(bl_record_parse(&record, line, 1, NULL) == 0);
        CHECK(bl_record_string(&record, "id", &arena, &id, NULL) == 0);
        CHECK(bl_record_string(&record, "text", &arena, &text, NULL) == 0);
        CHECK(text.n && id.n >= 4 && !memcmp(id.p, "name", 4));
        bl_buf_put_span(out, text);
        if (lines)
            bl_buf_putc(out, '\n');
    }
    bl_record_free(&record);
    bl_arena_free(&arena);
}

/* What is to come out, by a plain reading. */
static void want(struct bl_span text, bool lines, struct bl_buf *out)
{
    struct bl_span line;

    if (text.n >= 3 && !memcmp(text.p, "\xEF\xBB\xBF", 3))
        text = (struct bl_span){ text.p + 3, text.n - 3 };
    if (!lines)
        bl_driver_put_valid(out, text.p, text.n);
    while (lines && feed_line(&text, &line)) {
        line.n -= line.n && line.p[line.n - 1] == '\r';
        bl_driver_put_valid(out, line.p, line.n);
        if (line.n)
            bl_buf_putc(out, '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf got = BL_BUF_INIT, wanted = BL_BUF_INIT;
    struct bl_err err = { .code = BL_OK };
    bool lines = size && data[0] % 2;
    char *path;
    int fd, rc;

    if (size == 0)
        return 0;
    piece_size = 8 + data[0] / 2;
    path = feed_file("text", data + 1, size - 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    bl_buf_clear(&output);
    rc = lines ? each_line(fd, "name", &err) : whole_text(fd, "name", &err);
    close(fd);
    feed_remove(path);
    if (rc < 0) {
        CHECK(err.code == BL_DATA && !output.len);
        return 0;
    }
    join(lines, &got);
    want((struct bl_span){ (const char *)data + 1, size - 1 }, lines, &wanted);
    CHECK(got.len == wanted.len);
    CHECK(!got.len || !memcmp(got.data, wanted.data, got.len));
    bl_buf_free(&got);
    bl_buf_free(&wanted);
    return 0;
}
