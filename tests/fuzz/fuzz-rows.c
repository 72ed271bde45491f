/* SPDX-License-Identifier: MIT */
/* fuzz-rows: any records as rows of CSV and of TSV, each line one.  Read back,
 * every row has as many cells as the first, none of them begins a formula, and
 * there are no control characters but, in CSV, tabs and line breaks. */
#include "../../bin/driver/csv.c"
#include "../../bin/driver/row.c"
#include "feed.h"

static void check_cell(struct bl_span cell, bool tabs)
{
    unsigned len;

    CHECK(!cell.n || !strchr("=+-@\t\r\n", cell.p[0])
          || bl_json_check(cell.p, cell.n, NULL) == 0);
    for (size_t i = 0; i < cell.n; i += len) {
        uint32_t cp = bl_utf8_decode(cell.p + i, cell.n - i, &len);

        CHECK(cp != BL_UTF8_BAD && (cp < 0x7f || cp >= 0xa0));
        CHECK(cp >= ' ' || (!tabs && cp && strchr("\t\r\n", (int)cp)));
    }
}

/* Takes one cell off the front of *rows; true when it is the row's last.
 * Quotes stand around a whole cell and are doubled in it. */
static bool next_cell(struct bl_span *rows, bool tabs, struct bl_buf *cell)
{
    const char *p = rows->p, *end = p + rows->n;
    bool quoted = !tabs && *p == '"', last;

    bl_buf_clear(cell);
    for (p += quoted; quoted; p++) {
        CHECK(p < end);
        if (*p == '"' && p[1] != '"')
            break;
        p += *p == '"';
        bl_buf_putc(cell, *p);
    }
    p += quoted;
    for (; !quoted && !strchr(tabs ? "\t\n" : ",\r", *p); p++) {
        CHECK(p < end && (tabs || *p != '"'));
        bl_buf_putc(cell, *p);
    }
    last = *p == '\n' || *p == '\r';
    CHECK(p < end && (last || *p == (tabs ? '\t' : ',')));
    CHECK(*p != '\r' || p[1] == '\n');
    p += *p == '\r' ? 2 : 1;
    *rows = (struct bl_span){ p, (size_t)(end - p) };
    return last;
}

static void check_rows(struct bl_span rows, size_t columns, bool tabs,
                       size_t n)
{
    struct bl_buf cell = BL_BUF_INIT;

    for (; rows.n; n--) {
        CHECK(n > 0);
        for (size_t i = 1;; i++) {
            bool last = next_cell(&rows, tabs, &cell);

            check_cell((struct bl_span){ cell.data ? cell.data : "",
                                         cell.len }, tabs);
            CHECK(last == (i == columns));
            if (last)
                break;
        }
    }
    CHECK(n == 0);
    bl_buf_free(&cell);
}

static void put_rows(struct bl_span text, bool tabs)
{
    static const char *fields[] = { "title", "n" };
    struct bl_table_opts opts = {
        .format = tabs ? BL_LINK_TSV : BL_LINK_CSV, .copy = { fields, 2 }
    };
    struct state state = { .opts = &opts };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_item item = { .failed = false };
    struct bl_span line;
    size_t n = 1;

    put_heads(&state);
    while (feed_line(&text, &line))
        if (bl_record_parse(&item.rec, line, 1, NULL) == 0
            && prepare(&state, &item, &arena, &item.err) == 0) {
            put_row(&state, item.data);
            n++;
        }
    check_rows((struct bl_span){ state.out.data, state.out.len }, COPIED + 2,
               tabs, n);
    bl_record_free(&item.rec);
    bl_arena_free(&arena);
    bl_buf_free(&state.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    put_rows((struct bl_span){ (const char *)data, size }, false);
    put_rows((struct bl_span){ (const char *)data, size }, true);
    return 0;
}
