/* SPDX-License-Identifier: MIT */
/* The basic tokenizer on every character, against the original's answers,
 * and on the texts where characters act on each other. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "golden.h"
#include "tap.h"
#include "text/unicode.h"
#include "text/words.h"

static struct bl_words words = BL_WORDS_INIT;

static void put_cp(struct bl_buf *b, uint32_t cp)
{
    char bytes[4];

    bl_buf_put(b, bytes, bl_utf8_encode(cp, bytes));
}

/* The words of n bytes, joined by '|'. */
static void joined(struct bl_buf *out, const char *text, size_t n, bool lower)
{
    struct bl_word w;

    bl_buf_clear(out);
    bl_words_start(&words, text, n, lower);
    while (bl_words_next(&words, &w)) {
        if (out->len)
            bl_buf_putc(out, '|');
        bl_buf_put(out, w.p, w.n);
    }
    bl_buf_putc(out, '\0');
    out->len--;
}

static void check(const char *text, bool lower, const char *want)
{
    struct bl_buf got = BL_BUF_INIT;

    joined(&got, text, strlen(text), lower);
    is_str(got.data, want, want);
    bl_buf_free(&got);
}

/* ---- Every character ---- */

/* "0061 0308 | 0062" to text, the bar without its blanks. */
static void put_hex(struct bl_buf *b, const char *s)
{
    char *end;

    for (; *s && *s != '\n'; s = end) {
        unsigned long cp = strtoul(s, &end, 16);

        if (end == s) {
            if (*s == '|')
                bl_buf_putc(b, '|');
            end = (char *)(uintptr_t)s + 1;
        } else {
            put_cp(b, (uint32_t)cp);
        }
    }
}

static void put_jamo(struct bl_buf *b, uint32_t cp)
{
    uint32_t s = cp - 0xAC00;

    put_cp(b, 0x1100 + s / 588);
    put_cp(b, 0x1161 + s % 588 / 28);
    if (s % 28)
        put_cp(b, 0x11A7 + s % 28);
}

/* What "a" + cp + "b" becomes, by a line of the table. */
static void expected(struct bl_buf *b, uint32_t cp, const char *kind,
                     const char *result)
{
    bl_buf_clear(b);
    if (!strcmp(kind, "TOKENS")) {
        put_hex(b, result);
        return;
    }
    bl_buf_putc(b, 'a');
    if (!strcmp(kind, "SPACE")) {
        bl_buf_putc(b, '|');
    } else if (!strcmp(kind, "SPLIT")) {
        bl_buf_putc(b, '|');
        put_cp(b, cp);
        bl_buf_putc(b, '|');
    } else if (!strcmp(kind, "KEEP")) {
        put_cp(b, cp);
    } else if (!strcmp(kind, "MAP")) {
        put_hex(b, result);
    } else if (!strcmp(kind, "HANGUL")) {
        put_jamo(b, cp);
    }
    bl_buf_putc(b, 'b');
}

static bool one_character(uint32_t cp, const char *kind, const char *result)
{
    static struct bl_buf text, got, want;

    bl_buf_clear(&text);
    bl_buf_putc(&text, 'a');
    put_cp(&text, cp);
    bl_buf_putc(&text, 'b');
    joined(&got, text.data, text.len, true);
    expected(&want, cp, kind, result);
    if (got.len == want.len && !memcmp(got.data, want.data, got.len))
        return true;
    printf("# U+%04X: got '%s', want '%s' (%s)\n", (unsigned)cp, got.data,
           want.data, kind);
    return false;
}

static void every_character(void)
{
    FILE *f = fopen(fixture("tok/basic-tokenizer.tsv"), "r");
    char line[256], kind[16], result[200];
    unsigned first, last, next = 0, wrong = 0;

    if (!ok(f != NULL, "the table of the original is there"))
        return;
    while (fgets(line, sizeof line, f)) {
        result[0] = '\0';
        if (sscanf(line, "%x %x %15s %199[^\n]", &first, &last, kind,
                   result) < 3)
            continue;
        wrong += first != next;
        next = last + 1;
        for (unsigned cp = first; cp <= last; cp++)
            if (cp < 0xD800 || cp > 0xDFFF)
                wrong += !one_character(cp, kind, result);
    }
    fclose(f);
    ok(next == 0x110000, "it speaks of every character");
    ok(wrong == 0, "every character is treated as the original treats it");
}

static void lower_case(void)
{
    FILE *f = fopen(fixture("tok/str-lower.tsv"), "r");
    static uint32_t plain[0x110000];
    struct bl_buf got = BL_BUF_INIT, want = BL_BUF_INIT;
    char line[256], bytes[4], to[100];
    unsigned wrong = 0, cp;

    if (!ok(f != NULL, "the table of lower-case forms is there"))
        return;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%x %99[^\n]", &cp, to) != 2)
            continue;
        plain[cp] = 1;
        bl_buf_clear(&got);
        bl_buf_clear(&want);
        bl_uni_lower(&got, bytes, bl_utf8_encode(cp, bytes));
        put_hex(&want, to);
        wrong += strcmp(got.data, want.data) != 0;
        wrong += !bl_uni_is_upper(cp);
    }
    fclose(f);
    for (cp = 0; cp < 0x110000; cp++)
        wrong += !plain[cp] && bl_uni_is_upper(cp);
    ok(wrong == 0, "str.lower() of every character");
    bl_buf_free(&got);
    bl_buf_free(&want);
}

/* Numbers that are no code points, as decoding gives them for bytes that are
 * not UTF-8. */
static void no_code_points(void)
{
    struct bl_buf got = BL_BUF_INIT;
    unsigned wrong = 0;

    for (unsigned shift = 0; shift < 32; shift++)
        for (uint32_t d = 0; d < 3; d++) {
            uint32_t cp = UINT32_MAX - (((uint32_t)1 << shift) - 1) + d;

            if (cp >= 0x110000)
                wrong += bl_uni_is_upper(cp) || bl_uni_is_space(cp)
                    || bl_uni_is_punct(cp);
        }
    ok(wrong == 0, "numbers that are no code points have no properties");
    bl_uni_lower(&got, "\xffX\xe4\x88", 4);
    is_str(got.data, "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd",
           "bytes that are not UTF-8 in lower case");
    bl_buf_free(&got);
    check("a\xff" "b \xe4\x88", true, "ab");
    check("\xa3\xce\xa3\xff", true, "\u03c3");
}

/* ---- Texts ---- */

static void texts(void)
{
    check("Caf\u00e9s,  H\u00d4TELS!\n", true, "cafes|,|hotels|!");
    check("Caf\u00e9s,  H\u00d4TELS!\n", false, "Caf\u00e9s|,|H\u00d4TELS|!");
    check("", true, "");
    check(" \t\u00a0\u3000\x01\u0301 ", true, "");
    check("a\x01" "b\u00adc d", true, "abc|d");
    check("\u4e2d\u6587abc\u5b57", true, "\u4e2d|\u6587|abc|\u5b57");
    check("\u226a \u2260 a\u2260b", true, "\u226a|=|a|=|b");
    check("a\u2028b", true, "a|b");
    check("\u0130stanbul \u1e9e", true, "istanbul|\u00df");
    check("\uac01x", true, "\u1100\u1161\u11a8x");
    check("\u039f\u0394\u039f\u03a3 \u03a3\u03a3", true,
          "\u03bf\u03b4\u03bf\u03c2|\u03c3\u03c2");
    check("a.\u03a3 \u03a3. a\u03a3'b a\x01\u03a3\x01 a\u4e2d\u03a3", true,
          "a|.|\u03c2|\u03c3|.|a\u03c3|'|b|a\u03c2|a|\u4e2d|\u03c3");
    /* U+1D165 (class 216) comes before U+302E (224), but not across a
     * character of class 0. */
    check("x\u302e\U0001d165\u302f", true, "x\U0001d165\u302e\u302f");
    check("x\u302ey\U0001d165", true, "x\u302ey\U0001d165");
    check("x\u302e\u0301\U0001d165", true, "x\U0001d165\u302e");
}

static void places(void)
{
    static const char text[] = "  \u00c9t\u00e9s, e\u0301\u2260\u4e2d"
                               "\u00ad.";
    static const size_t want[][2] = {
        { 2, 8 }, { 8, 9 }, { 10, 13 }, { 13, 16 }, { 16, 19 }, { 21, 22 }
    };
    struct bl_word w;
    size_t i = 0;

    bl_words_start(&words, text, sizeof text - 1, true);
    while (bl_words_next(&words, &w) && i < 6) {
        ok(w.start == want[i][0] && w.end == want[i][1],
           "word %zu is at bytes %zu to %zu", i, w.start, w.end);
        i++;
    }
    ok(i == 6, "no word is missing");
}

static void lowered_texts(void)
{
    struct bl_buf b = BL_BUF_INIT;
    static const char text[] = "\u0391\u03a3. \u03a3 A\u03a3\u4e2d [SEP]";

    bl_uni_lower(&b, text, sizeof text - 1);
    is_str(b.data, "\u03b1\u03c2. \u03c3 a\u03c2\u4e2d [sep]",
           "final sigma in whole texts");
    bl_buf_free(&b);
    is_str(bl_uni_version(), "11.0.0", "the Unicode version");
    ok(bl_uni_is_space(0x2028) && bl_uni_is_space(0x1c)
       && !bl_uni_is_space(0x200b), "white space");
    ok(bl_uni_is_punct('$') && bl_uni_is_punct(0x2019)
       && !bl_uni_is_punct(0x20ac), "punctuation");
}

int main(void)
{
    every_character();
    lower_case();
    no_code_points();
    texts();
    places();
    lowered_texts();
    bl_words_free(&words);
    return tap_done();
}
