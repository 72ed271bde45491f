/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/reading.h"
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

bool bl_doc_abbreviates(const struct bl_doc *doc, size_t i)
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

/* What the white space before a word says. */
struct gap {
    bool space, line, apart, gap;
};

enum { COLUMN = 3 };            /* blanks; justified lines rarely have them */

/* A tab or blanks before the first word of a line are its indentation; others
 * stand between columns, each of which begins anew. */
static bool columns(const struct bl_doc *doc, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to && doc->read.p[i] != '\n'; i++) {
        n = doc->text.p[i] == ' ' ? n + 1 : 0;
        if (doc->read.p[i] == '\t' || n == COLUMN)
            return true;
    }
    return false;
}

static void see_blank(const struct splitter *splitter, size_t i,
                      struct gap *gap)
{
    const char *text = splitter->doc->read.p;
    bool line = text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');

    if (text[i] == BL_READ_NIL)
        return;
    gap->space |= (unsigned char)text[i] <= ' '
        || (unsigned char)text[i] >= 0x80;
    gap->gap |= text[i] == BL_READ_GAP;
    gap->apart |= line
        && (gap->line || text[i] == '\r'
            || !bl_wrap_joins(&splitter->wrap, splitter->doc->text, i));
    gap->line |= line;
}

/* Looks at the white space before a word.  Its newlines end lines, and
 * after a full stop it makes the end of a sentence. */
static struct gap see_gap(struct splitter *splitter, size_t from, size_t to)
{
    bool column = from > 0 && columns(splitter->doc, from, to);
    struct gap gap = { .gap = column };

    for (size_t i = from; i < to; i++)
        see_blank(splitter, i, &gap);
    if (gap.line)
        end_line(splitter);
    splitter->start |= gap.apart || column
        || (gap.space && splitter->stop_pending);
    if (gap.space)
        splitter->stop_pending = false;
    return gap;
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
        splitter->stop_pending = i == 0 || !bl_doc_abbreviates(doc, i - 1);
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

/* The character that a reference was read as may be the word's last, and the
 * word then ends where the reference does. */
static size_t end_of(const struct bl_doc *doc, size_t end)
{
    while (end < doc->read.n && doc->read.p[end] == BL_READ_NIL
           && doc->text.p[end] != BL_READ_NIL)
        end++;
    return end;
}

static struct bl_doc_word *append(struct bl_doc *doc,
                                  const struct bl_word *word)
{
    struct bl_span form = { word->p, word->n };
    size_t base = doc->forms.len;
    struct bl_doc_word *entry;

    BL_GROW(doc->v, doc->n + 1, doc->cap);
    entry = &doc->v[doc->n];
    bl_fold_word(&doc->forms, form);
    *entry = (struct bl_doc_word){
        .start = word->start, .end = end_of(doc, word->end),
        .form = (uint32_t)base, .form_n = (uint32_t)(doc->forms.len - base),
        .hash = hash_of(doc->forms.data + base, doc->forms.len - base),
        .class = (uint8_t)bl_fold_class(form)
    };
    if (entry->class == BL_FOLD_WORD)
        entry->shape = (uint8_t)bl_shape_of(doc->read.p + word->start,
                                            word->end - word->start);
    return entry;
}

static bool is_dash(const struct bl_doc *doc, size_t i)
{
    const struct bl_doc_word *word = &doc->v[i];
    struct bl_span form = { doc->forms.data + word->form, word->form_n };

    return bl_span_is(form, "-") || bl_span_is(form, "\xe2\x80\x93")
        || bl_span_is(form, "\xe2\x80\x94") || bl_span_is(form, "--");
}

static bool blank_before(const struct bl_doc *doc, size_t i)
{
    return i > 0 && doc->v[i].start > doc->v[i - 1].end;
}

/* In a text that some tokenizer has cut, all marks have blanks around them, so
 * that blanks tell nothing: "Coca - Cola calmed the concerns ." */
static bool tokenized(const struct bl_doc *doc)
{
    size_t spaced = 0, stuck = 0;

    for (size_t i = 1; i < doc->n; i++) {
        char mark = doc->read.p[doc->v[i].start];

        if (mark != '.' && mark != ',')
            continue;
        if (blank_before(doc, i))
            spaced++;
        else
            stuck++;
    }
    return spaced > stuck;
}

/* A dash that has blanks on both sides parts what is before it from what is
 * behind: "OTLEY - Leeds City Council". */
static void see_dashes(struct bl_doc *doc)
{
    if (tokenized(doc))
        return;
    for (size_t i = 1; i + 1 < doc->n; i++)
        if (blank_before(doc, i) && blank_before(doc, i + 1)
            && is_dash(doc, i))
            doc->v[i].gap = doc->v[i + 1].gap = true;
}

/* Whether lines were wrapped is asked of the whole text first (wrap.h), as one
 * line alone does not tell; and of the text as it stands, because the marks of
 * lists tell too. */
void bl_doc_set(struct bl_doc *doc, struct bl_span text)
{
    struct splitter splitter = { .doc = doc, .wrap = bl_wrap_of(text),
                                 .start = true };
    struct bl_words words = BL_WORDS_INIT;
    struct bl_word word;
    size_t end = 0;

    doc->text = text;
    doc->read = bl_reading(&doc->room, text);
    doc->n = 0;
    bl_buf_clear(&doc->forms);
    bl_words_start(&words, doc->read.p, doc->read.n, true);
    while (bl_words_next(&words, &word)) {
        struct gap gap = see_gap(&splitter, end, word.start);
        struct bl_doc_word *entry = append(doc, &word);

        see_word(&splitter, entry, (struct bl_span){ word.p, word.n });
        entry->apart = gap.apart;
        entry->gap = gap.gap;
        entry->breaks = gap.apart
            || (entry->first && entry->class == BL_FOLD_WORD);
        end = entry->end;
        doc->n++;
    }
    end_line(&splitter);
    see_dashes(doc);
    bl_words_free(&words);
}

void bl_doc_free(struct bl_doc *doc)
{
    free(doc->v);
    bl_buf_free(&doc->forms);
    bl_buf_free(&doc->room);
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
