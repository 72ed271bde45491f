/* SPDX-License-Identifier: MIT */
/* fuzz-table: any records as blink's table and as its answers at a prompt,
 * each line one.  A row is one line, whatever the record says; what is
 * printed is UTF-8 without control characters and without those that reorder
 * text.  Byte 0 is the width of the terminal, 0: none. */
#include "../../bin/driver/answer.c"
#include "../../bin/driver/row.c"
#include "../../bin/driver/table.c"
#include "../../bin/driver/terminal.c"
#include "catalogue.h"
#include "feed.h"

static void check_safe(const struct bl_buf *out)
{
    struct bl_span text = { out->data, out->len };
    unsigned len;

    CHECK(bl_utf8_valid(text.p, text.n) == text.n);
    for (size_t i = 0; i < text.n; i += len) {
        uint32_t cp = bl_utf8_decode(text.p + i, text.n - i, &len);

        CHECK(cp == '\n' || (cp >= ' ' && cp != 0x7f
                             && (cp < 0x80 || cp >= 0xa0)));
        CHECK((cp < 0x202a || cp > 0x202e) && (cp < 0x2066 || cp > 0x2069));
    }
}

static void put_table(struct bl_span text, size_t room)
{
    static const char *fields[] = { "n", "doc" };
    struct bl_table_opts opts = {
        .documents = room % 2, .no_url = room % 3 == 0, .top = room % 5,
        .copy = { fields, room % 3 }
    };
    size_t width[COPIED + 2] = { 0 };
    struct state table = { .opts = &opts, .room = room, .width = width,
                           .n = COPIED + room % 3 };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_item item = { .failed = false };
    struct bl_span line;
    size_t rows = 0;

    lay_out(&table);
    while (feed_line(&text, &line))
        if (bl_record_parse(&item.rec, line, 1, NULL) == 0
            && prepare(&table, &item, &arena, &item.err) == 0) {
            const struct rows *got = item.data;

            for (size_t i = 0; i < got->n; i++)
                put_row(&table, got->cells + i * table.n);
            rows += got->n;
        }
    check_safe(&table.out);
    for (size_t i = 0; i < table.out.len; i++)
        rows -= table.out.data[i] == '\n';
    CHECK(rows == 0);
    bl_record_free(&item.rec);
    bl_arena_free(&arena);
    bl_buf_free(&table.out);
}

static void put_answers(struct bl_span text, size_t room)
{
    struct bl_answers *answers = bl_answers_new(catalogue_open(), room + 20,
                                                false);
    struct bl_buf out = BL_BUF_INIT;
    struct bl_span sentence = { "", 0 }, line;

    (void)feed_line(&text, &sentence);
    sentence.n = bl_utf8_valid(sentence.p, sentence.n);
    while (feed_line(&text, &line))
        bl_answers_add(answers, line);
    bl_answers_put(answers, sentence, &out);
    check_safe(&out);
    bl_buf_free(&out);
    bl_answers_free(answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bl_span text = { (const char *)data + 1, size - 1 };
    put_table(text, data[0]);
    put_answers(text, data[0]);
    return 0;
}
