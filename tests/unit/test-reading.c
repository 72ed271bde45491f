/* SPDX-License-Identifier: MIT */
/* How a text is read: marks, symbols, references, parted words. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tap.h"
#include "text/reading.h"

/* What is read, with a '.' for nothing, a '/' for a gap, a '>' for a tab and a
 * '$' for a line end. */
static void shown(struct bl_buf *out, struct bl_span read)
{
    bl_buf_clear(out);
    for (size_t i = 0; i < read.n; i++) {
        char c = read.p[i];

        bl_buf_putc(out, c == BL_READ_NIL ? '.' : c == BL_READ_GAP ? '/'
                    : c == '\t' ? '>' : c == '\r' ? '$' : c);
    }
}

static void reads(const char *text, const char *want)
{
    struct bl_buf room = BL_BUF_INIT, out = BL_BUF_INIT;
    struct bl_span read = bl_reading(&room, bl_span_of(text));

    ok(read.n == strlen(text), "'%s': its length", text);
    ok(bl_utf8_valid(read.p, read.n) == read.n, "'%s': valid", text);
    shown(&out, read);
    is_str(out.data, want, text);
    bl_buf_free(&room);
    bl_buf_free(&out);
}

static void test_plain(void)
{
    static const char *const same[] = {
        "Plain text, all of it.", "C# and C++ at AT&T", "M*A*S*H",
        "snake_case", "a@b", "and/or", "km/h", "i.e./e.g.",
        "Booking.com", "Paris.London/Rome", "node.js/React", "it`s a`b",
        "#1 is (it)", "a < b and b > a",
        "x[i] = [1, 2]", "well-known", "No. 5\n3.5 km", "[sic]"
    };

    for (size_t i = 0; i < BL_COUNT(same); i++) {
        struct bl_buf room = BL_BUF_INIT;
        struct bl_span read = bl_reading(&room, bl_span_of(same[i]));

        ok(read.n == strlen(same[i]) && !memcmp(read.p, same[i], read.n),
           "'%s' stays as it is", same[i]);
        bl_buf_free(&room);
    }
}

/* What is quoted letter by letter names nothing. */
static void test_literals(void)
{
    reads("See en.wiki.org/wiki/Paris, and",
          "See /                     , and");
    reads("(https://x.org/Paris)", "(/                  )");
    reads("www.paris.fr or http://a/Rome.", "/            or /            .");
    reads("Mail Ann.Lee@paris.org!", "Mail /                !");
    reads("mailto:ann@paris.org", "/                   ");
    reads("[Rome](https://x.org/Paris)", " Rome/                     ");
    reads("Use `Paris` or `a = London`.", "Use /       or /           .");
    reads("``a`Paris``", "/          ");
    reads("``Paris'' and ``London''", "  Paris'' and   London''");
    reads("` Paris ' and ` London '", "  Paris ' and   London '");
    reads("`Paris", " Paris");
    reads("a\n```c\nParis = 1\n\nRome\n```\nOslo",
          "a\n/   \n         \n\n    \n   \nOslo");
    reads("~~~\nRome\n~~~", "/  \n    \n   ");
    reads("```\nRome", "   \nRome");
}

static void test_marks(void)
{
    reads("# Vienna\n## Prague ##\n", "  Vienna\n   Prague   \n");
    reads("= Vienna =", "  Vienna  ");
    reads("- a\n* b\n+ c\n  - d", "  a\n  b\n  c\n    d");
    reads("- [ ] a\n- [x] b", "      a\n      b");
    reads("> > a\n>b", "    a\n b");
    reads("**a** *b* _c_ ~~e~~", "  a    b   c    e  ");
    reads("[a](b c) [d][1] ![e](f)", " a/       d/      e/   ");
    reads("[[a]] b[1] b[^n]", "  a/  b/   b/   ");
    reads("\\*a\\*", "  a  ");
    reads("| a | b |", "> a > b >");
    reads("#Lisbon, @Toyota, #1", " Lisbon,  Toyota, #1");
    reads("a -> b => c --> d", "a /  b /  c /   d");
    reads("<b>a</b> <br/>c<a href=\"x\">d</a>",
          "   a     /    c            d    ");
    reads("<x@y.org> <https://x>", "<x@y.org> <https://x>");
}

static void test_symbols(void)
{
    reads("a\xf0\x9f\x98\x80""b", "a/   b");
    reads("\xe2\x9c\x88\xef\xb8\x8f""a", "/     a");
    reads("a\xe2\x86\x92""b", "a/  b");
    reads("Toyota\xc2\xae Berlin\xe2\x84\xa2", "Toyota   Berlin   ");
    reads("Warsaw\xc2\xb9, km\xc2\xb2", "Warsaw  , km\xc2\xb2");
    reads("H\xe2\x82\x82O, B\xe2\x99\xad", "H\xe2\x82\x82O, B\xe2\x99\xad");
    reads("\xe2\x82\xac""5", "/  5");
    reads("l\xc2\xb4""a", "l'.a");
}

static void test_lines(void)
{
    reads("a\fb\vc\x1c""d\x1f", "a$b$c$d$");
    reads("a\xc2\x85""b\xe2\x80\xa8""c\xe2\x80\xa9", "a$ b$  c$  ");
    reads("a\f# b", "a$  b");
    reads("# a #\f# b #\xe2\x80\xa8# c", "  a  $  b  $    c");
    reads("Wash-\nington", "Wash..ington");
    reads("Wash-\r\n  ington", "Wash.....ington");
    reads("Wash\xc2\xad\nington", "Wash...ington");
    reads("Saint-\nDenis", "Saint-\nDenis");
    reads("Stratford-\nupon-Avon", "Stratford-\nupon-Avon");
}

static void test_references(void)
{
    reads("AT&amp;T", "AT&....T");
    reads("a&nbsp;b", "a\xc2\xa0....b");
    reads("Caf&eacute;", "Caf\xc3\xa9......");
    reads("&#x20AC;5&trade;", "/  .....5   ....");
    reads("a&b; &nothing; AT&T", "a&b; &nothing; AT&T");
}

static void test_names(void)
{
    struct bl_buf room = BL_BUF_INIT;
    struct bl_span read = bl_reading_name(&room, bl_span_of("# 9 Dream | X"));

    ok(bl_span_is(read, "# 9 Dream | X"), "a name has no lines");
    read = bl_reading_name(&room, bl_span_of("AT&amp;T\xe2\x84\xa2"));
    ok(!memcmp(read.p, "AT&\1\1\1\1T   ", read.n), "but symbols");
    bl_buf_free(&room);
}

/* Each would take minutes if a mark were looked for in all that follows. */
static void test_work(void)
{
    static const char *const many[] = {
        "-", "=", "<-", "# \f", "= \x1c", "# \xe2\x80\xa8", "ab-\n", "#",
        "*", "[", "[a](", "&", "|", "`", "<a ", "&#", ">", "- ", "~", "\\"
    };
    enum { BYTES = 1000000 };

    for (size_t i = 0; i < BL_COUNT(many); i++) {
        struct bl_buf room = BL_BUF_INIT, text = BL_BUF_INIT;
        clock_t from = clock();

        while (text.len < BYTES)
            bl_buf_puts(&text, many[i]);
        bl_reading(&room, (struct bl_span){ text.data, text.len });
        bl_reading_name(&room, (struct bl_span){ text.data, text.len });
        ok(clock() - from < 20 * CLOCKS_PER_SEC, "a megabyte of '%s'",
           many[i]);
        bl_buf_free(&room);
        bl_buf_free(&text);
    }
}

int main(void)
{
    test_plain();
    test_literals();
    test_marks();
    test_symbols();
    test_lines();
    test_references();
    test_names();
    test_work();
    return tap_done();
}
