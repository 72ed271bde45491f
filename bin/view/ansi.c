/* SPDX-License-Identifier: MIT */
/* The documents for a terminal: each mention with its number, and below the
 * text what each number means. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "view.h"

struct writing {
    struct bl_buf *out;
    bool colour;
};

/* Foreground and background are the terminal's own: bold and underlined can be
 * read on dark and on light. */
static void put_style(const struct writing *writing, const char *codes)
{
    if (writing->colour)
        bl_buf_printf(writing->out, "\033[%sm", codes);
}

static void put_text(void *ctx, struct bl_span text)
{
    struct writing *writing = ctx;

    /* Line ends are the text's. */
    while (text.n) {
        const char *nl = memchr(text.p, '\n', text.n);
        size_t n = nl ? (size_t)(nl - text.p) : text.n;

        bl_driver_put_safe(writing->out,
                           (struct bl_span){ text.p, n });
        if (nl)
            bl_buf_putc(writing->out, '\n');
        n += nl != NULL;
        text = (struct bl_span){ text.p + n, text.n - n };
    }
}

static void put_gap(void *ctx)
{
    struct writing *writing = ctx;

    bl_buf_puts(writing->out, " [\xE2\x80\xA6] ");
}

static void put_mention(void *ctx, const struct bl_seen *seen, size_t number)
{
    struct writing *writing = ctx;

    if (!writing->colour)
        bl_buf_putc(writing->out, '[');
    put_style(writing, seen->row.title.p ? "1;4" : "2;4");
    put_text(writing, seen->row.mention);
    put_style(writing, "0");
    bl_buf_printf(writing->out, writing->colour ? "(%zu)" : "](%zu)", number);
}

static void put_runners(struct bl_buf *out, const struct bl_seen *seen)
{
    for (size_t i = 0; i < seen->n_runners; i++) {
        bl_buf_puts(out, i ? ", " : "  or ");
        bl_driver_put_safe(out, seen->runners[i].title);
        if (seen->runners[i].p[0])
            bl_buf_printf(out, " %s", seen->runners[i].p);
    }
}

static void put_verdict(struct bl_buf *out, const struct bl_seen *seen)
{
    static const char *const words[] = {
        [BL_RIGHT] = "  = right", [BL_WRONG] = "  = wrong: ",
        [BL_EXTRA] = "  = extra", [BL_MISSED] = "  = missed: "
    };

    if (seen->verdict)
        bl_buf_puts(out, words[seen->verdict]);
    if (seen->verdict == BL_WRONG || seen->verdict == BL_MISSED)
        bl_driver_put_safe(out, seen->wanted.p ? seen->wanted
                           : BL_SPAN_LIT("none"));
}

static void put_row(const struct writing *writing, const struct bl_seen *seen,
                    size_t number)
{
    struct bl_buf *out = writing->out;

    bl_buf_printf(out, "%4zu  ", number);
    bl_driver_put_safe(out, seen->row.mention);
    bl_buf_puts(out, " -> ");
    put_style(writing, seen->row.title.p ? "1" : "2");
    bl_driver_put_safe(out, seen->row.title.p ? seen->row.title
                       : BL_SPAN_LIT("none"));
    put_style(writing, "0");
    if (seen->row.title.p ? seen->row.p[0] : seen->row.nil_p[0])
        bl_buf_printf(out, "  %s",
                      seen->row.title.p ? seen->row.p : seen->row.nil_p);
    put_runners(out, seen);
    put_verdict(out, seen);
    bl_buf_putc(out, '\n');
}

void bl_ansi_document(struct bl_buf *out, const struct bl_shown *shown,
                      bool colour)
{
    struct writing writing = { out, colour };

    if (shown->name.n) {
        put_style(&writing, "1");
        bl_driver_put_safe(out, shown->name);
        put_style(&writing, "0");
        bl_buf_putc(out, '\n');
    }
    bl_shown_walk(shown, &(struct bl_walk){
        .text = put_text, .gap = put_gap, .mention = put_mention,
        .ctx = &writing
    });
    bl_buf_putc(out, '\n');
    for (size_t i = 0; i < shown->n; i++)
        put_row(&writing, shown->v[i], i + 1);
    bl_buf_putc(out, '\n');
}
