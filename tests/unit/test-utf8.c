/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "tap.h"

static void valid_prefixes(void)
{
    static const struct { const char *s; size_t n, good; const char *what; }
    cases[] = {
        { "", 0, 0, "empty" },
        { "plain ASCII, longer than eight", 30, 30, "ASCII" },
        { "a\xc3\xa9z", 4, 4, "two bytes" },
        { "\xe2\x82\xac", 3, 3, "three bytes" },
        { "\xf0\x9f\x98\x80", 4, 4, "four bytes" },
        { "\xef\xbf\xbe", 3, 3, "U+FFFE is a code point" },
        { "ab\x80", 3, 2, "lone continuation" },
        { "\xc0\xaf", 2, 0, "overlong, two bytes" },
        { "\xe0\x80\xaf", 3, 0, "overlong, three bytes" },
        { "\xf0\x80\x80\xaf", 4, 0, "overlong, four bytes" },
        { "\xed\xa0\x80", 3, 0, "surrogate" },
        { "\xf4\x90\x80\x80", 4, 0, "above U+10FFFF" },
        { "\xf5\x80\x80\x80", 4, 0, "byte F5" },
        { "abc\xe2\x82", 5, 3, "cut at the end" },
    };

    for (size_t i = 0; i < BL_COUNT(cases); i++)
        ok(bl_utf8_valid(cases[i].s, cases[i].n) == cases[i].good,
           "valid prefix: %s", cases[i].what);
}

static void round_trip(void)
{
    bool same = true;
    char b[4];
    unsigned n, m;

    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        n = bl_utf8_encode(cp, b);
        same = same && bl_utf8_decode(b, n, &m) == cp && m == n
            && bl_utf8_valid(b, n) == n;
    }
    ok(same, "every scalar value survives encode and decode");
}

static void offsets(void)
{
    const char *s = "a\xc3\xa9\xe2\x82\xacz";

    ok(bl_utf8_count(s, 7) == 4, "four code points");
    ok(bl_utf8_offset(s, 7, 0) == 0, "offset 0");
    ok(bl_utf8_offset(s, 7, 2) == 3, "offset of the third");
    ok(bl_utf8_offset(s, 7, 4) == 7, "offset of the end");
    ok(bl_utf8_offset(s, 7, 5) == SIZE_MAX, "no fifth");
}

static void repair(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_utf8_repair(&b, "a\xff\xc3\xa9\xe2\x82", 6);
    is_str(b.data, "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd",
           "bad bytes become U+FFFD");
    bl_buf_free(&b);
}

/* Every limit in two characters of each length, and in bytes that are not
 * UTF-8. */
static void cut(void)
{
    static const char *const chars[] = {
        "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d" };
    bool good = true;

    for (size_t i = 0; i < BL_COUNT(chars); i++) {
        size_t n = strlen(chars[i]);
        char s[12];

        snprintf(s, sizeof s, "%s%s", chars[i], chars[i]);
        for (size_t max = 0; max < 10; max++)
            good = good && bl_utf8_cut(s, 2 * n, max)
                == (max < n ? 0 : max < 2 * n ? n : 2 * n);
    }
    ok(good, "a limit inside a character cuts before it");
    ok(bl_utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5) == 5,
       "bytes that are not UTF-8 are cut at the limit");
    ok(bl_utf8_cut("\x80\x80", 2, 1) == 1 && bl_utf8_cut("", 0, 0) == 0,
       "short ones and nothing");
}

static void no_scalars(void)
{
    static const uint32_t bad[] = { 0xd800, 0xdfff, 0x110000, BL_UTF8_BAD };
    bool good = true;
    char b[4];

    for (size_t i = 0; i < BL_COUNT(bad); i++)
        good = good && bl_utf8_encode(bad[i], b) == 3
            && !memcmp(b, "\xef\xbf\xbd", 3);
    ok(good, "what is not a scalar value is written as U+FFFD");
}

int main(void)
{
    valid_prefixes();
    round_trip();
    offsets();
    repair();
    cut();
    no_scalars();
    return tap_done();
}
