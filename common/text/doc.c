/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode.h"
#include "text/words.h"
#include "text/wrap.h"

/* ---- Sentences ---- */

struct splitter {
    struct bl_doc *doc;
    struct bl_wrap wrap;
    bool start;                 /* the next word starts a sentence */
    bool stop_pending;          /* a full stop: a start if space follows */
    size_t line;                /* first word of this line */
    size_t line_caps, line_cased;
};

/* Whether a stop behind word i ends no sentence: "St.", "Mr.", "U.", "No.". */
static bool abbreviates(const struct bl_doc *doc, size_t i)
{
    static const char *const known[] = {
        "mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "gen", "col",
        "capt", "lt", "sgt", "sen", "rep", "gov", "pres", "rev", "hon", "no",
        "vs", "inc", "ltd", "co", "corp", "mt", "ft", "messrs", "mlle",
        "mme", "adm", "maj", "cmdr", "vol", "op", "cf", "ca"
    };
    const struct bl_doc_word *word = &doc->v[i];
    struct bl_span form = { doc->forms.data + word->form, word->form_n };

    if (word->class != BL_FOLD_WORD)
        return false;
    if (form.n == 1 && word->shape == BL_SHAPE_CAPS)
        return true;
    if (word->shape != BL_SHAPE_TITLE)
        return false;
    for (size_t k = 0; k < BL_COUNT(known); k++)
        if (bl_span_is(form, known[k]))
            return true;
    return false;
}

static bool is_mark(struct bl_span form, const char *set)
{
    return form.n == 1 && strchr(set, form.p[0]);
}

/* Quotation marks and brackets neither end the wait for a sentence's first
 * word nor are one. */
static bool transparent(struct bl_span form)
{
    if (form.n == 1)
        return strchr("\"'([{*`", form.p[0]) != NULL;
    return form.n == 3 && (!memcmp(form.p, "\xe2\x80\x9c", 3)
                           || !memcmp(form.p, "\xe2\x80\x98", 3)
                           || !memcmp(form.p, "\xe2\x80\x9d", 3)
                           || !memcmp(form.p, "\xe2\x80\x99", 3)
                           || !memcmp(form.p, "\xe2\x80\xa2", 3));
}

static void end_line(struct splitter *splitter)
{
    struct bl_doc *doc = splitter->doc;

    if (splitter->line_caps >= 3
        && splitter->line_caps * 4 >= splitter->line_cased * 3)
        for (size_t i = splitter->line; i < doc->n; i++)
            doc->v[i].loud = true;
    splitter->line = doc->n;
    splitter->line_caps = splitter->line_cased = 0;
}

/* Looks at the white space before a word.  Its newlines end lines, and
 * after a full stop it makes the end of a sentence.  Returns whether it
 * parts names. */
static bool see_gap(struct splitter *splitter, size_t from, size_t to)
{
    const char *text = splitter->doc->text.p;
    bool space = false, apart = false;
    size_t newlines = 0;

    for (size_t i = from; i < to; i++) {
        bool line = text[i] == '\n'
            || (text[i] == '\r' && text[i + 1] != '\n');

        space |= (unsigned char)text[i] <= ' '
            || (unsigned char)text[i] >= 0x80;
        newlines += line;
        apart |= line
            && (text[i] == '\r'
                || !bl_wrap_joins(&splitter->wrap, splitter->doc->text, i));
    }
    apart |= newlines > 1;
    if (newlines)
        end_line(splitter);
    splitter->start |= apart || (space && splitter->stop_pending);
    if (space)
        splitter->stop_pending = false;
    return apart;
}

/* Notes whether the word starts a sentence, and what it means for the next
 * one.  A stop only may end a sentence; see_gap() decides, as "3.14" has one
 * too.  A straight quotation mark with a gap before it opens, and what it
 * opens starts a sentence; other marks, such as a dash, end the wait for a
 * first word. */
static void see_word(struct splitter *splitter, struct bl_doc_word *word,
                     struct bl_span form)
{
    const struct bl_doc *doc = splitter->doc;
    size_t i = (size_t)(word - doc->v);

    word->first = splitter->start;
    if (word->class == BL_FOLD_WORD) {
        splitter->start = splitter->stop_pending = false;
        splitter->line_caps += word->shape == BL_SHAPE_CAPS;
        splitter->line_cased += word->shape != BL_SHAPE_NONE;
        return;
    }
    if (is_mark(form, "!?:"))
        splitter->stop_pending = true;
    else if (is_mark(form, "."))
        splitter->stop_pending = i == 0 || !abbreviates(doc, i - 1);
    else if (is_mark(form, "\"") || (form.n == 3 && transparent(form)))
        splitter->start |= i == 0 || word->start > doc->v[i - 1].end;
    else if (!transparent(form) && !is_mark(form, ")]}"))
        splitter->start = false;
}

/* FNV-1a with 64 bits, because caches take equal hashes for equal words. */
static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static struct bl_doc_word *append(struct bl_doc *doc,
                                  const struct bl_word *word)
{
    struct bl_doc_word *entry;

    BL_GROW(doc->v, doc->n + 1, doc->cap);
    entry = &doc->v[doc->n];
    *entry = (struct bl_doc_word){
        .start = word->start, .end = word->end,
        .form = (uint32_t)doc->forms.len, .form_n = (uint32_t)word->n,
        .hash = hash_of(word->p, word->n),
        .class = (uint8_t)bl_fold_class((struct bl_span){ word->p,
                                                          word->n })
    };
    if (entry->class == BL_FOLD_WORD)
        entry->shape = (uint8_t)bl_shape_of(doc->text.p + word->start,
                                            word->end - word->start);
    bl_buf_put(&doc->forms, word->p, word->n);
    return entry;
}

/* Whether lines were wrapped is asked of the whole text first (wrap.h), as one
 * line alone does not tell. */
void bl_doc_set(struct bl_doc *doc, struct bl_span text)
{
    struct splitter splitter = { .doc = doc, .wrap = bl_wrap_of(text),
                                 .start = true };
    struct bl_words words = BL_WORDS_INIT;
    struct bl_word word;
    size_t end = 0;

    doc->text = text;
    doc->n = 0;
    bl_buf_clear(&doc->forms);
    bl_words_start(&words, text.p, text.n, true);
    while (bl_words_next(&words, &word)) {
        bool apart = see_gap(&splitter, end, word.start);
        struct bl_doc_word *entry = append(doc, &word);

        see_word(&splitter, entry, (struct bl_span){ word.p, word.n });
        entry->apart = apart;
        entry->breaks = apart
            || (entry->first && entry->class == BL_FOLD_WORD);
        doc->n++;
        end = word.end;
    }
    end_line(&splitter);
    bl_words_free(&words);
}

void bl_doc_free(struct bl_doc *doc)
{
    free(doc->v);
    bl_buf_free(&doc->forms);
    *doc = (struct bl_doc){ 0 };
}

/* ---- Contexts ---- */

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte `max` code points before `at`, or 0. */
static size_t back(struct bl_span text, size_t at, size_t max)
{
    for (; at > 0 && max > 0; max--)
        do
            at--;
        while (at > 0 && continues(text.p[at]));
    return at;
}

static size_t forth(struct bl_span text, size_t at, size_t max)
{
    for (; at < text.n && max > 0; max--)
        do
            at++;
        while (at < text.n && continues(text.p[at]));
    return at;
}

/* Index of the first word that starts at or after byte `at`. */
static size_t word_at(const struct bl_doc *doc, size_t at)
{
    size_t lo = 0, hi = doc->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (doc->v[mid].start < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Where a left context begins: at the first sentence that starts within reach,
 * or if none does, at the first whole word. */
static size_t left_edge(const struct bl_doc *doc, size_t start, size_t max)
{
    size_t reach = back(doc->text, start, max), i;

    if (reach == 0)
        return 0;
    for (i = word_at(doc, reach); i < doc->n && doc->v[i].start < start; i++)
        if (doc->v[i].first)
            return doc->v[i].start;
    i = word_at(doc, reach);
    return i < doc->n && doc->v[i].start < start ? doc->v[i].start : start;
}

/* Where a right context ends: with the last sentence that ends within reach,
 * or if none does, with the last whole word. */
static size_t right_edge(const struct bl_doc *doc, size_t end, size_t max)
{
    size_t reach = forth(doc->text, end, max), i, last;

    if (reach == doc->text.n)
        return reach;
    last = word_at(doc, reach);
    while (last > 0 && doc->v[last - 1].end > reach)
        last--;                         /* so that words before it fit */
    for (i = last; i > 0 && doc->v[i - 1].start > end; i--)
        if (i < doc->n && doc->v[i].breaks)
            return doc->v[i - 1].end;
    return last > 0 && doc->v[last - 1].end > end ? doc->v[last - 1].end : end;
}

void bl_doc_context(const struct bl_doc *doc, size_t start, size_t end,
                    size_t max, struct bl_span *left,
                    struct bl_span *right)
{
    size_t from = left_edge(doc, start, max), to = right_edge(doc, end, max);

    *left = (struct bl_span){ doc->text.p + from, start - from };
    *right = (struct bl_span){ doc->text.p + end, to - end };
}
