/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/page.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/fold.h"
#include "text/unicode.h"

enum { MOST_WORDS = 64 };

/* Letters and digits between blanks and punctuation. */
static bool next_word(struct bl_span text, size_t *at, struct bl_span *word)
{
    size_t from = *at;

    word->n = 0;
    while (from < text.n) {
        unsigned len;
        uint32_t c = bl_utf8_decode(text.p + from, text.n - from, &len);
        bool part = !bl_uni_is_punct(c) && !bl_uni_is_space(c);

        if (part && !word->n)
            word->p = text.p + from;
        else if (!part && word->n)
            break;
        word->n += part ? len : 0;
        from += len;
    }
    *at = from;
    return word->n > 0;
}

static size_t words_of(struct bl_span text, struct bl_span words[MOST_WORDS])
{
    size_t n = 0, at = 0;

    while (n < MOST_WORDS && next_word(text, &at, &words[n]))
        n++;
    return n;
}

/* A text of capitals alone, or of none, does not say how a name is
 * written. */
static bool tells_case(struct bl_span text)
{
    bool upper = false, lower = false;

    for (size_t i = 0; i < text.n; i++) {
        upper |= text.p[i] >= 'A' && text.p[i] <= 'Z';
        lower |= text.p[i] >= 'a' && text.p[i] <= 'z';
    }
    return upper && (lower || text.n < 4);
}

static bool is_small(struct bl_span word)
{
    static const char *const small[] = {
        "a", "an", "and", "as", "at", "by", "da", "de", "del", "der", "di",
        "du", "for", "from", "in", "la", "of", "on", "or", "the", "to", "van",
        "von", "with"
    };

    for (size_t i = 0; i < BL_COUNT(small); i++)
        if (bl_span_is(word, small[i]))
            return true;
    return false;
}

/* "s" behind an apostrophe, "o'neill's", begins with no capital. */
static void put_capital(struct bl_span word, bool first, bool behind,
                        struct bl_buf *out)
{
    char c = *word.p;

    if (c >= 'a' && c <= 'z' && (first || !is_small(word))
        && !(behind && word.n == 1))
        c = (char)(c - 'a' + 'A');
    bl_buf_putc(out, c);
    bl_buf_put(out, word.p + 1, word.n - 1);
}

/* The mention's word of the same normal form; the one at the same place
 * first, for names that have a word twice. */
static const struct bl_span *same_word(struct bl_span word, size_t place,
                                       const struct bl_span *words, size_t n,
                                       struct bl_buf *scratch)
{
    for (size_t i = 0; i <= n; i++) {
        size_t at = i == 0 ? place : i - 1;

        if (at >= n)
            continue;
        bl_buf_clear(scratch);
        bl_fold(scratch, words[at]);
        if (scratch->len == word.n && !memcmp(scratch->data, word.p, word.n))
            return &words[at];
    }
    return NULL;
}

bool bl_page_title(const struct bl_name *name, struct bl_span mention,
                   struct bl_buf *out)
{
    struct bl_span theirs[MOST_WORDS], word;
    struct bl_buf scratch = BL_BUF_INIT;
    size_t n = tells_case(mention) ? words_of(mention, theirs) : 0;
    size_t at = 0, from = 0, place = 0;
    bool sure = !name->redirect && n > 0;

    while (next_word(name->title, &at, &word)) {
        size_t start = (size_t)(word.p - name->title.p);
        const struct bl_span *same = same_word(word, place, theirs, n,
                                               &scratch);

        bl_buf_put(out, name->title.p + from, start - from);
        if (same)
            bl_buf_put_span(out, *same);
        else
            put_capital(word, place == 0,
                        start && name->title.p[start - 1] == '\'', out);
        sure &= same != NULL;
        from = start + word.n;
        place++;
    }
    bl_buf_put(out, name->title.p + from, name->title.n - from);
    bl_buf_free(&scratch);
    return sure;
}

/* The characters that Wikipedia leaves as they are in an address. */
static void put_escaped(struct bl_span text, struct bl_buf *out)
{
    static const char plain[] = "-_.~,:/()'!*;@";

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == ' ')
            bl_buf_putc(out, '_');
        else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || (c >= '0' && c <= '9') || (c && strchr(plain, c)))
            bl_buf_putc(out, c);
        else
            bl_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

/* "enwiki" -> "en"; 0 for other sites, "enwiktionary". */
static size_t language_of(const char *site)
{
    size_t n = strlen(site);

    return n > 4 && !strcmp(site + n - 4, "wiki") && !strchr(site, '_')
        ? n - 4 : 0;
}

void bl_page_url(const char *site, struct bl_span title, bool sure,
                 struct bl_buf *out)
{
    size_t n = language_of(site);

    if (!n)
        return;
    bl_buf_printf(out, "https://%.*s.wikipedia.org/%s", (int)n, site,
                  sure ? "wiki/" : "wiki/Special:Search/");
    put_escaped(title, out);
}

/* ---- How sure it is ---- */

/* Of answers, by the number of the mention's words (2, 3, more) and whether
 * it is a redirect.  share/doc/notes/names.md says how they were found. */
static const double right[2][3] = {
    { 0.8, 0.88, 0.9 }, { 0.86, 0.82, 0.82 }
};

double bl_page_p(const struct bl_named *named, struct bl_span mention)
{
    struct bl_span words[MOST_WORDS];
    size_t n = named->title.p ? words_of(mention, words) : 0;

    return n < 2 ? 0 : right[named->redirect][BL_MIN(n, 4) - 2];
}
