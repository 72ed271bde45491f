/* SPDX-License-Identifier: MIT */
/* fuzz-view: any records as blink-view's page, each line one.  The page is
 * well-formed, whatever they say: its elements nest and end, no attribute
 * holds a quotation mark or a script's address, and no control character is
 * in it. */
int bl_view_main(int argc, char **argv);
#define main bl_view_main
#include "../../bin/blink-view.c"
#undef main
#include "../../bin/driver/row.c"
#include "feed.h"

enum { DEEPEST = 8 };

static size_t name_length(const char *p)
{
    return strspn(p, "abcdefghijklmnopqrstuvwxyz123456789");
}

/* Attributes: blank, name="value"; the end of the tag. */
static const char *attributes(const char *p)
{
    while (*p == ' ') {
        p += 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyz-");
        CHECK(p[0] == '=' && p[1] == '"');
        CHECK(strncmp(p - 4, "href", 4) || !strncmp(p + 2, "http://", 7)
              || !strncmp(p + 2, "https://", 8));
        p += 2 + strcspn(p + 2, "\"<>");
        CHECK(*p++ == '"');
    }
    CHECK(*p == '>');
    return p + 1;
}

/* What is between the body's tags. */
static void check_page(const char *p)
{
    const char *open[DEEPEST];
    size_t depth = 0, n;

    while (*p) {
        CHECK(control_length(p, 2) == 0);
        if (*p == '&')
            CHECK(p[1 + strspn(p + 1, "#abcdefghijklmnopqrstuvwxyz"
                               "0123456789")] == ';');
        CHECK(*p != '>');
        if (*p != '<') {
            p++;
        } else if (p[1] == '/') {
            CHECK(depth > 0);
            n = name_length(open[--depth]);
            CHECK(name_length(p + 2) == n && p[2 + n] == '>'
                  && !memcmp(p + 2, open[depth], n));
            p += n + 3;
        } else {
            CHECK(depth < DEEPEST && name_length(p + 1) > 0);
            open[depth++] = p + 1;
            p = attributes(p + 1 + name_length(p + 1));
        }
    }
    CHECK(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size }, line;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_item item = { .failed = false };
    struct state page = { .file = NULL };

    while (feed_line(&text, &line))
        if (bl_record_parse(&item.rec, line, 1, NULL) == 0
            && prepare(&page, &item, &arena, &item.err) == 0)
            put_view(&page, item.data);
    close_document(&page);
    CHECK(bl_utf8_valid(page.out.data, page.out.len) == page.out.len);
    CHECK(!page.out.len || !memchr(page.out.data, 0, page.out.len));
    bl_buf_putc(&page.out, '\0');
    check_page(page.out.data);
    bl_record_free(&item.rec);
    bl_arena_free(&arena);
    bl_buf_free(&page.out);
    bl_buf_free(&page.doc);
    bl_buf_free(&page.ahead);
    return 0;
}
