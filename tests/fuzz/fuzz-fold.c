/* SPDX-License-Identifier: MIT */
/* fuzz-fold: normal forms, words and lower case of any text, against plain
 * readings: a name and its form have one form; words parted by a blank are
 * those of each side; ASCII is cut as its definition says; a character alone
 * becomes what it becomes among blanks. */
#include <ctype.h>

#include "base/utf8.h"
#include "feed.h"
#include "text/fold.h"
#include "text/initials.h"
#include "text/shape.h"
#include "text/unicode.h"
#include "text/words.h"
#include "text/wrap.h"

static struct bl_span of(const struct bl_buf *b)
{
    return (struct bl_span){ b->data, b->len };
}

static void put_words(struct bl_buf *out, struct bl_span text, bool lower)
{
    struct bl_words words = BL_WORDS_INIT;
    struct bl_word word;

    bl_words_start(&words, text.p, text.n, lower);
    while (bl_words_next(&words, &word)) {
        bl_buf_put(out, word.p, word.n);
        bl_buf_putc(out, '\n');
    }
    bl_words_free(&words);
}

/* BERT's basic tokenizer, of ASCII: control characters vanish. */
static void slow_words(struct bl_buf *out, struct bl_span text, bool lower)
{
    bool open = false;

    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];
        bool blank = c && strchr(" \t\n\r", c), mark = ispunct(c);

        if (iscntrl(c) && !blank)
            continue;
        if (open && (blank || mark))
            bl_buf_putc(out, '\n');
        open = !blank && !mark;
        if (!blank)
            bl_buf_putc(out, (char)(lower ? tolower(c) : c));
        if (mark)
            bl_buf_putc(out, '\n');
    }
    if (open)
        bl_buf_putc(out, '\n');
}

static bool ascii(struct bl_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] > 0x7f)
            return false;
    return true;
}

static void check_words(struct bl_span text, bool lower)
{
    const char *blank = text.n ? memchr(text.p, ' ', text.n) : NULL;
    struct bl_buf whole = BL_BUF_INIT, parts = BL_BUF_INIT;
    size_t n = blank ? (size_t)(blank - text.p) : text.n;

    put_words(&whole, text, lower);
    put_words(&parts, (struct bl_span){ text.p, n }, lower);
    put_words(&parts, (struct bl_span){ text.p + n, text.n - n }, lower);
    CHECK(bl_span_eq(of(&whole), of(&parts)));
    bl_buf_clear(&parts);
    if (ascii(text)) {
        slow_words(&parts, text, lower);
        CHECK(bl_span_eq(of(&whole), of(&parts)));
    }
    bl_buf_free(&whole);
    bl_buf_free(&parts);
}

static void check_fold(struct bl_span text)
{
    struct bl_buf once = BL_BUF_INIT, twice = BL_BUF_INIT;
    struct bl_span bare;

    bl_fold(&once, text);
    bl_fold(&twice, of(&once));
    CHECK(bl_utf8_valid(once.data, once.len) == once.len);
    CHECK(bl_span_eq(of(&once), of(&twice)));
    for (size_t i = 0; i < once.len; i++)
        CHECK((unsigned char)once.data[i] >= ' ');
    if (bl_fold_bare(text, &bare))
        CHECK(bare.n > 0 && bare.n < text.n);
    bl_buf_free(&once);
    bl_buf_free(&twice);
}

static void check_lower(struct bl_span text)
{
    struct bl_buf lower = BL_BUF_INIT, again = BL_BUF_INIT;

    bl_uni_lower(&lower, text.p, text.n);
    CHECK(bl_utf8_valid(lower.data, lower.len) == lower.len);
    bl_uni_lower(&again, lower.data, lower.len);
    CHECK(bl_span_eq(of(&lower), of(&again)));
    bl_buf_free(&lower);
    bl_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size };
    char initials[BL_MOST_INITIALS];
    struct bl_wrap wrap;

    text.n = bl_utf8_valid(text.p, text.n);
    check_words(text, true);
    check_words(text, false);
    check_fold(text);
    check_lower(text);
    size = bl_initials_of(text, initials);
    CHECK(size <= BL_MOST_INITIALS
          && (!size || bl_initials_fit(initials, size, text)));
    CHECK(bl_initials_read(text, initials) <= BL_MOST_INITIALS);
    (void)bl_shape_of(text.p, text.n);
    wrap = bl_wrap_of(text);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n')
            (void)bl_wrap_joins(&wrap, text, i);
    return 0;
}
