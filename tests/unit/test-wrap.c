/* SPDX-License-Identifier: MIT */
/* Which line breaks were made by wrapping. */
#include "config.h"

#include "tap.h"
#include "text/wrap.h"

/* Joins each of the text's line breaks?  A digit each. */
static void breaks(const char *text, const char *want, const char *what)
{
    struct bl_span t = bl_span_of(text);
    struct bl_wrap w = bl_wrap_of(t);
    char got[64];
    size_t n = 0;

    for (size_t i = 0; i < t.n; i++)
        if (text[i] == '\n' && n + 1 < sizeof got)
            got[n++] = bl_wrap_joins(&w, t, i) ? '1' : '0';
    got[n] = '\0';
    is_str(got, want, what);
}

#define A "aaaa aaaaaaaaa aaaaaaaa aaaaaaaaa aaaaaaaaa aaaa"    /* 48 */
#define B "Bbbb bbbbbbbbb bbbbbbbb bbbbbbbbb bbbbbbbbb bbb"     /* 47 */

static void test_prose(void)
{
    breaks(A "\n" B "\n" A "\naaaa.\n", "1110", "the last line is not full");
    breaks(A "\r\n" B "\r\n" A "\r\naaaa.", "111", "CRLF");
    breaks("Title\n\n" A "\n" B "\n" A "\naaaa.\n\nTitle\n\n" A "\n" B,
           "0011100001", "empty lines part");
    breaks(A "\n" A "\n" A "\nHe said.\n" A "\n" B "\n" A, "111011",
           "a paragraph ends");
    breaks(A "\n" A "\n" A "\n- aaa aa\n" A, "1100", "an item");
    breaks("  " A "\n" B "\n" A "\naaaa.", "111", "indented");
}

static void test_no_prose(void)
{
    breaks("One\nTwo\nthree", "00", "short lines");
    breaks(B "\n" B "\n" B "\n" B, "000", "no line in lower case");
    breaks(A "\n" B "\nAaaa\nBbbb\nAaaa\nbbbb", "00000", "most are short");
    breaks(A " " A " " A "\n" A " " A " " A "\naaaa", "00", "long lines");
    breaks("", "", "nothing");
    breaks("\n\n \n", "000", "only breaks");
}

/* One line in twenty may be longer. */
static void test_outlier(void)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_wrap w;

    for (size_t i = 0; i < 19; i++)
        bl_buf_puts(&b, A "\n");
    bl_buf_puts(&b, "https://example.org/" A A "\n");
    w = bl_wrap_of((struct bl_span){ b.data, b.len });
    ok(w.width == 48, "a long address");
    bl_buf_puts(&b, "https://example.org/" A A "\n");
    w = bl_wrap_of((struct bl_span){ b.data, b.len });
    ok(w.width == 0, "two of them");
    bl_buf_free(&b);
    breaks("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
           "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
           "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
           "\naaaa", "0", "characters count, not bytes");
}

int main(void)
{
    test_prose();
    test_no_prose();
    test_outlier();
    return tap_done();
}
