/* SPDX-License-Identifier: MIT */
/* fuzz-view: any records as blink-view's page, each line one, compared with
 * themselves.  The page is well-formed, whatever they say: its elements nest
 * and end, no attribute holds a quotation mark or a script's address, and no
 * control character is in it.  The same for a terminal holds none either. */
int bl_view_main(int argc, char **argv);
#define main bl_view_main
#define prepare view_prepare
#define flush view_flush
#include "../../bin/blink-view.c"
#undef main
#include "../../bin/driver/row.c"
#include "../../bin/driver/terminal.c"
#define put document_put
#include "../../bin/view/document.c"
#include "../../bin/view/summary.c"
#include "../../bin/view/file.c"
#define add texts_add
#include "../../bin/view/texts.c"
#undef add
#define add compare_add
#define other compared_other
#include "../../bin/view/compare.c"
#undef add
#define writing ansi_writing
#define put_text ansi_put_text
#define put_gap ansi_put_gap
#define put_mention ansi_put_mention
#define put_runners ansi_put_runners
#define put_verdict ansi_put_verdict
#define put_row ansi_put_row
#include "../../bin/view/ansi.c"
#undef writing
#undef put_text
#undef put_gap
#undef put_mention
#undef put_runners
#undef put_verdict
#undef put_row
#include "../../bin/view/escape.c"
#include "../../bin/view/html.c"
#include "feed.h"

enum { DEEPEST = 12 };

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
              || !strncmp(p + 2, "https://", 8) || p[2] == '#');
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

    while (strncmp(p, "</html>", 7)) {
        CHECK(*p);
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
        } else if (!strncmp(p, "<script>", 8)) {
            p = strstr(p, "</script>");     /* ours: markup is none there */
            CHECK(p);
            p += 9;
        } else {
            CHECK(depth < DEEPEST && name_length(p + 1) > 0);
            open[depth] = p + 1;
            depth += strncmp(p, "<input ", 7) != 0;     /* has no end */
            p = attributes(p + 1 + name_length(p + 1));
        }
    }
    CHECK(depth == 0);
}

/* Every escape on a terminal is one of ours: ESC [ digits and ";" m. */
static void check_terminal(const char *p)
{
    while (*p) {
        if (*p == '\033') {
            CHECK(*++p == '[');
            p += 1 + strspn(p + 1, "0123456789;");
            CHECK(*p == 'm');
        }
        CHECK(*p == '\n' || *p == '\t' || control_length(p, 2) == 0);
        p++;
    }
}

/* The document is shown in both ways, whatever its records make of it. */
static void show(struct state *state, struct bl_buf *terminal)
{
    bl_others_judge(state->others, &state->shown);
    bl_summary_add(state->summary, &state->shown);
    bl_html_document(&state->out, &state->shown);
    bl_ansi_document(terminal, &state->shown, true);
    bl_shown_clear(&state->shown);
}

static void take(struct state *state, const struct part *part,
                 struct bl_buf *terminal)
{
    if (state->shown.open
        && (part->is_mark ? !bl_span_eq(state->shown.name, part->name)
            : bl_shown_is_other(&state->shown, &part->seen)))
        show(state, terminal);
    if (!part->is_mark) {
        bl_shown_add(&state->shown, &part->seen);
        return;
    }
    if (part->text.p)
        bl_shown_set_text(&state->shown, part->name, part->text);
    if (state->shown.open)
        show(state, terminal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size }, line;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_item item = { .failed = false };
    struct bl_buf terminal = BL_BUF_INIT, whole = BL_BUF_INIT;
    struct state state = { .file = NULL };

    state.others = BL_NEW(struct bl_others);
    while (feed_line(&text, &line))
        if (bl_record_parse(&item.rec, line, 1, NULL) == 0)
            compare_add(state.others, &item.rec, &item.err);
    if (state.others->n)
        qsort(state.others->v, state.others->n, sizeof *state.others->v,
              by_place);
    state.summary = bl_summary_new();
    bl_shown_clear(&state.shown);
    text = (struct bl_span){ (const char *)data, size };
    while (feed_line(&text, &line))
        if (bl_record_parse(&item.rec, line, 1, NULL) == 0
            && prepare(&state, &item, &arena, &item.err) == 0)
            take(&state, item.data, &terminal);
    if (state.shown.open)
        show(&state, &terminal);
    bl_html_head(&whole, "t", bl_summary_totals(state.summary));
    bl_buf_put(&whole, state.out.data, state.out.len);
    bl_html_tail(&whole, bl_summary_totals(state.summary));
    CHECK(bl_utf8_valid(whole.data, whole.len) == whole.len);
    CHECK(!memchr(whole.data, 0, whole.len));
    check_page(strstr(whole.data, "<body>"));
    bl_buf_putc(&terminal, '\0');
    check_terminal(terminal.data);
    bl_record_free(&item.rec);
    bl_arena_free(&arena);
    bl_buf_free(&terminal);
    bl_buf_free(&whole);
    free_all(&state);
    return 0;
}
