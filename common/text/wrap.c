/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/wrap.h"

#include <string.h>

#include "base/utf8.h"
#include "text/shape.h"

enum { NARROWEST = 40, WIDEST = 120, LONG_ONES = 20, SLACK = 10 };

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The line that begins at *at, without blanks at its end; *at moves behind
 * it. */
static struct bl_span next_line(struct bl_span text, size_t *at)
{
    const char *p = text.p + *at, *end = memchr(p, '\n', text.n - *at);
    size_t n = end ? (size_t)(end - p) : text.n - *at;

    *at += n + (end != NULL);
    while (n > 0 && blank(p[n - 1]))
        n--;
    return (struct bl_span){ p, n };
}

static struct bl_span first_word(struct bl_span line)
{
    size_t from = 0, to;

    while (from < line.n && blank(line.p[from]))
        from++;
    for (to = from; to < line.n && !blank(line.p[to]); to++)
        ;
    return (struct bl_span){ line.p + from, to - from };
}

static bool full(struct bl_span line, struct bl_span word, size_t width)
{
    return bl_utf8_count(line.p, line.n) + 1 +
           bl_utf8_count(word.p, word.n) + width / SLACK > width;
}

/* The length that at most one in LONG_ONES of the lines that are not empty
 * exceeds; 0 when that is above WIDEST or below NARROWEST. */
static size_t width_of(struct bl_span text)
{
    size_t lines[WIDEST + 2] = { 0 }, all = 0, longer, width = WIDEST + 1;

    for (size_t at = 0; at < text.n; ) {
        struct bl_span line = next_line(text, &at);
        size_t n = bl_utf8_count(line.p, line.n);

        lines[n > WIDEST ? WIDEST + 1 : n]++;
        all += n > 0;
    }
    longer = lines[width];
    while (width > NARROWEST && longer <= all / LONG_ONES)
        longer += lines[--width];
    return longer > all / LONG_ONES && width <= WIDEST ? width : 0;
}

struct bl_wrap bl_wrap_of(struct bl_span text)
{
    size_t width = width_of(text), breaks = 0, n_full = 0, small = 0, at = 0;
    struct bl_span line = { text.p, 0 };

    while (width && at < text.n) {
        struct bl_span next = next_line(text, &at), word = first_word(next);

        if (line.n && word.n) {
            bool is_full = full(line, word, width);

            breaks++;
            n_full += is_full;
            small += is_full
                && bl_shape_of(word.p, word.n) == BL_SHAPE_LOWER;
        }
        line = next;
    }
    return (struct bl_wrap){
        n_full && n_full * 3 >= breaks * 2 && small * 4 >= n_full ? width : 0
    };
}

/* "- a", "* a"; U+2022 is one too. */
static bool starts_item(struct bl_span word)
{
    return bl_span_is(word, "-") || bl_span_is(word, "*")
        || bl_span_is(word, "+") || bl_span_is(word, "\xe2\x80\xa2");
}

bool bl_wrap_joins(const struct bl_wrap *w, struct bl_span text, size_t at)
{
    struct bl_span line, word;
    size_t from = at, next = at + 1;

    if (!w->width)
        return false;
    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    line = next_line(text, &from);
    word = first_word(next_line(text, &next));
    return line.n && word.n && !starts_item(word)
        && full(line, word, w->width);
}
