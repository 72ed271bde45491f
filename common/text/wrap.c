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

/* Returns the line that begins at *at, without blanks at its end, and moves
 * *at to the next one. */
static struct bl_span next_line(struct bl_span text, size_t *at)
{
    const char *from = text.p + *at, *end = memchr(from, '\n', text.n - *at);
    size_t len = end ? (size_t)(end - from) : text.n - *at;

    *at += len + (end != NULL);
    while (len > 0 && blank(from[len - 1]))
        len--;
    return (struct bl_span){ from, len };
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

/* Whether the line would have been longer than nine tenths of the width with
 * the next line's first word behind it. */
static bool full(struct bl_span line, struct bl_span word, size_t width)
{
    return bl_utf8_count(line.p, line.n) + 1 +
           bl_utf8_count(word.p, word.n) + width / SLACK > width;
}

/* The length that only one in LONG_ONES of the lines exceeds, empty lines left
 * out; 0 when it is above WIDEST or below NARROWEST.  The longest are left out
 * because a word that is longer than the width cannot be wrapped. */
static size_t width_of(struct bl_span text)
{
    size_t lines[WIDEST + 2] = { 0 }, all = 0, longer, width = WIDEST + 1;

    for (size_t at = 0; at < text.n; ) {
        struct bl_span line = next_line(text, &at);
        size_t len = bl_utf8_count(line.p, line.n);

        lines[len > WIDEST ? WIDEST + 1 : len]++;
        all += len > 0;
    }
    longer = lines[width];
    while (width > NARROWEST && longer <= all / LONG_ONES)
        longer += lines[--width];
    return longer > all / LONG_ONES && width <= WIDEST ? width : 0;
}

/* Looks at each pair of lines with no empty one between: whether the first is
 * full, and whether the second goes on in lower case. wrap.h has the shares
 * that make a text a wrapped one; the second keeps out lists and headings,
 * whose lines may happen to be equally long. */
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

/* Whether the word marks an item of a list: "-", "*", "+" or U+2022. */
static bool starts_item(struct bl_span word)
{
    return bl_span_is(word, "-") || bl_span_is(word, "*")
        || bl_span_is(word, "+") || bl_span_is(word, "\xe2\x80\xa2");
}

bool bl_wrap_joins(const struct bl_wrap *wrap, struct bl_span text, size_t at)
{
    struct bl_span line, word;
    size_t from = at, next = at + 1;

    if (!wrap->width)
        return false;
    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    line = next_line(text, &from);
    word = first_word(next_line(text, &next));
    return line.n && word.n && !starts_item(word)
        && full(line, word, wrap->width);
}
