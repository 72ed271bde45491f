/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/reading.h"
#include "text/unicode.h"
#include "text/words.h"

/* Hyphens, dashes, apostrophes, stops, quotation marks, middle dots. */
static bool joins(uint32_t c)
{
    if (c < 0x80)
        return c == '-' || c == '\'' || c == '.' || c == '"' || c == '`'
            || c == '_';
    return (c >= 0x2010 && c <= 0x201f) || c == 0x2032 || c == 0x2033
        || c == 0x00ab || c == 0x00bb || c == 0x00b7 || c == 0x30fb
        || c == 0x2039 || c == 0x203a || c == 0x2024 || c == 0x2027
        || c == 0x00b4 || c == 0x02bc || c == 0x30a0 || c == 0x2212
        || (c >= 0x300c && c <= 0x300f);
}

/* Signs that names are made of: "AT&T", "C#", "C++", "Ke$ha". */
static bool sign(uint32_t c)
{
    return c == '+' || c == '#' || c == '&' || c == '$' || c == '%'
        || c == '@';
}

enum bl_fold_class bl_fold_class(struct bl_span word)
{
    unsigned len;
    uint32_t c = bl_utf8_decode(word.p, word.n, &len);

    if (len != word.n)                  /* punctuation is never longer */
        return BL_FOLD_WORD;
    if (joins(c))
        return BL_FOLD_JOIN;
    if (bl_uni_is_punct(c) && !sign(c))
        return BL_FOLD_MARK;
    return BL_FOLD_WORD;
}

/* Letters that Unicode does not decompose, sorted, as people write them who
 * have no such key; ligatures as their letters; the apostrophes that count as
 * letters (Hawaiian, transcripts of Arabic) as nothing. */
static const struct letter { uint32_t cp; const char *form; } letters[] = {
    { 0xDF, "ss" }, { 0xE6, "ae" }, { 0xF0, "d" }, { 0xF8, "o" },
    { 0xFE, "th" }, { 0x111, "d" }, { 0x127, "h" }, { 0x131, "i" },
    { 0x133, "ij" }, { 0x138, "k" }, { 0x140, "l" }, { 0x142, "l" },
    { 0x149, "n" }, { 0x14B, "n" }, { 0x153, "oe" }, { 0x167, "t" },
    { 0x17F, "s" }, { 0x180, "b" }, { 0x1C6, "dz" }, { 0x1C9, "lj" },
    { 0x1CC, "nj" }, { 0x1F3, "dz" }, { 0x253, "b" }, { 0x257, "d" },
    { 0x268, "i" }, { 0x2BB, "" }, { 0x2BC, "" }, { 0x2BE, "" },
    { 0x2BF, "" }, { 0xFB00, "ff" }, { 0xFB01, "fi" }, { 0xFB02, "fl" },
    { 0xFB03, "ffi" }, { 0xFB04, "ffl" }, { 0xFB05, "st" }, { 0xFB06, "st" }
};

static int by_cp(const void *key, const void *element)
{
    uint32_t cp = *(const uint32_t *)key;
    uint32_t other = ((const struct letter *)element)->cp;

    return (cp > other) - (cp < other);
}

static bool ascii(struct bl_span word)
{
    for (size_t i = 0; i < word.n; i++)
        if ((unsigned char)word.p[i] >= 0x80)
            return false;
    return true;
}

void bl_fold_word(struct bl_buf *out, struct bl_span word)
{
    size_t base = out->len;
    unsigned len;

    if (ascii(word)) {
        bl_buf_put_span(out, word);
        return;
    }
    for (size_t i = 0; i < word.n; i += len) {
        uint32_t cp = bl_utf8_decode(word.p + i, word.n - i, &len);
        const struct letter *letter = bsearch(&cp, letters, BL_COUNT(letters),
                                              sizeof *letters, by_cp);

        if (letter)
            bl_buf_puts(out, letter->form);
        else
            bl_buf_put(out, word.p + i, len);
    }
    if (out->len == base)
        bl_buf_put_span(out, word);
}

static void put_word(struct bl_buf *out, size_t base, struct bl_span word)
{
    if (out->len > base)
        bl_buf_putc(out, ' ');
    bl_fold_word(out, word);
}

/* Appends the words of a name.  `all` also keeps the punctuation, for a name
 * that has nothing else. */
static void fold_words(struct bl_buf *out, struct bl_span name, bool all)
{
    struct bl_words words = BL_WORDS_INIT;
    struct bl_word word;
    size_t base = out->len, end = out->len;

    bl_words_start(&words, name.p, name.n, true);
    while (bl_words_next(&words, &word)) {
        struct bl_span form = { word.p, word.n };
        enum bl_fold_class class = bl_fold_class(form);

        if (!all && (class == BL_FOLD_JOIN
                     || (class == BL_FOLD_MARK && end == base)))
            continue;
        put_word(out, base, form);
        if (all || class == BL_FOLD_WORD)
            end = out->len;
    }
    bl_words_free(&words);
    out->len = end;                     /* marks at the end are dropped */
    if (out->data)
        out->data[end] = '\0';
}

enum { SHORTEST = 2 };          /* bytes; "°C" is no "c" */

/* Appends the form of the name as it is read, and returns whether that is long
 * enough to be one, or the name reads as it stands. */
static bool fold_read(struct bl_buf *out, struct bl_span name)
{
    struct bl_buf room = BL_BUF_INIT;
    size_t base = out->len;
    struct bl_span read = bl_reading_name(&room, name);
    bool changed = !bl_span_eq(read, name);

    fold_words(out, read, false);
    bl_buf_free(&room);
    return out->len >= base + SHORTEST || !changed;
}

/* A name of which the reading leaves too little is taken as it stands, unless
 * that form, which another name may have, reads better. */
void bl_fold(struct bl_buf *out, struct bl_span name)
{
    struct bl_buf form = BL_BUF_INIT;
    size_t base = out->len;

    if (!fold_read(out, name)) {
        fold_words(&form, name, false);
        out->len = base;
        if (!fold_read(out, (struct bl_span){ form.data, form.len })) {
            out->len = base;
            bl_buf_put(out, form.data, form.len);
        }
    }
    if (out->len == base)
        fold_words(out, name, true);
    bl_buf_free(&form);
}

bool bl_fold_bare(struct bl_span title, struct bl_span *bare)
{
    const char *open;
    size_t len;

    if (title.n < 4 || title.p[title.n - 1] != ')')
        return false;
    open = memrchr(title.p, '(', title.n);
    if (!open)
        return false;
    len = (size_t)(open - title.p);
    while (len && (title.p[len - 1] == ' ' || title.p[len - 1] == '_'))
        len--;
    if (!len)
        return false;
    *bare = (struct bl_span){ title.p, len };
    return true;
}
