/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/unicode.h"
#include "base/utf8.h"
#include "text/words.h"
#include "text/wrap.h"

/* ---- Sentences ---- */

struct splitter {
    struct bl_doc *d;
    struct bl_wrap wrap;
    bool start;                 /* the next word starts a sentence */
    bool stop_pending;          /* a full stop: a start if space follows */
    size_t line;                /* first word of this line */
    size_t line_caps, line_cased;
};

/* "St.", "Mr.", "U.", "No.": a stop after these ends no sentence. */
static bool abbreviates(const struct bl_doc *d, size_t i)
{
    static const char *const known[] = {
        "mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "gen", "col",
        "capt", "lt", "sgt", "sen", "rep", "gov", "pres", "rev", "hon", "no",
        "vs", "inc", "ltd", "co", "corp", "mt", "ft", "messrs", "mlle",
        "mme", "adm", "maj", "cmdr", "vol", "op", "cf", "ca"
    };
    const struct bl_doc_word *w = &d->v[i];
    struct bl_span form = { d->forms.data + w->form, w->form_n };

    if (w->class != BL_FOLD_WORD)
        return false;
    if (form.n == 1 && w->shape == BL_SHAPE_CAPS)
        return true;
    if (w->shape != BL_SHAPE_TITLE)
        return false;
    for (size_t k = 0; k < BL_COUNT(known); k++)
        if (bl_span_is(form, known[k]))
            return true;
    return false;
}

static bool is_mark(struct bl_span s, const char *set)
{
    return s.n == 1 && strchr(set, s.p[0]);
}

/* Quotation marks and brackets neither end the wait for a sentence's first
 * word nor are one. */
static bool transparent(struct bl_span s)
{
    if (s.n == 1)
        return strchr("\"'([{*`", s.p[0]) != NULL;
    return s.n == 3 && (!memcmp(s.p, "\xe2\x80\x9c", 3)
                        || !memcmp(s.p, "\xe2\x80\x98", 3)
                        || !memcmp(s.p, "\xe2\x80\x9d", 3)
                        || !memcmp(s.p, "\xe2\x80\x99", 3)
                        || !memcmp(s.p, "\xe2\x80\xa2", 3));
}

static void end_line(struct splitter *s)
{
    struct bl_doc *d = s->d;

    if (s->line_caps >= 3 && s->line_caps * 4 >= s->line_cased * 3)
        for (size_t i = s->line; i < d->n; i++)
            d->v[i].loud = true;
    s->line = d->n;
    s->line_caps = s->line_cased = 0;
}

/* What the white space before a word tells: its newlines end lines, and it
 * makes a full stop the end of a sentence.  Whether it parts names. */
static bool see_gap(struct splitter *s, size_t from, size_t to)
{
    const char *p = s->d->text.p;
    bool space = false, apart = false;
    size_t newlines = 0;

    for (size_t i = from; i < to; i++) {
        bool line = p[i] == '\n' || (p[i] == '\r' && p[i + 1] != '\n');

        space |= (unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 0x80;
        newlines += line;
        apart |= line && (p[i] == '\r'
                          || !bl_wrap_joins(&s->wrap, s->d->text, i));
    }
    apart |= newlines > 1;
    if (newlines)
        end_line(s);
    s->start |= apart || (space && s->stop_pending);
    if (space)
        s->stop_pending = false;
    return apart;
}

static void see_word(struct splitter *s, struct bl_doc_word *w,
                     struct bl_span form)
{
    const struct bl_doc *d = s->d;
    size_t i = (size_t)(w - d->v);

    w->first = s->start;
    if (w->class == BL_FOLD_WORD) {
        s->start = s->stop_pending = false;
        s->line_caps += w->shape == BL_SHAPE_CAPS;
        s->line_cased += w->shape != BL_SHAPE_NONE;
        return;
    }
    if (is_mark(form, "!?:"))
        s->stop_pending = true;
    else if (is_mark(form, "."))
        s->stop_pending = i == 0 || !abbreviates(d, i - 1);
    else if (is_mark(form, "\"") || (form.n == 3 && transparent(form)))
        s->start |= i == 0 || w->start > d->v[i - 1].end;
    else if (!transparent(form) && !is_mark(form, ")]}"))
        s->start = false;
}

/* FNV-1a: 64 bits, because caches take equal hashes for equal words. */
static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
    return h;
}

static struct bl_doc_word *append(struct bl_doc *d,
                                  const struct bl_word *word)
{
    struct bl_doc_word *w;

    BL_GROW(d->v, d->n + 1, d->cap);
    w = &d->v[d->n];
    *w = (struct bl_doc_word){
        .start = word->start, .end = word->end,
        .form = (uint32_t)d->forms.len, .form_n = (uint32_t)word->n,
        .hash = hash_of(word->p, word->n),
        .class = (uint8_t)bl_fold_class((struct bl_span){ word->p,
                                                          word->n })
    };
    if (w->class == BL_FOLD_WORD)
        w->shape = (uint8_t)bl_shape_of(d->text.p + word->start,
                                        word->end - word->start);
    bl_buf_put(&d->forms, word->p, word->n);
    return w;
}

void bl_doc_set(struct bl_doc *d, struct bl_span text)
{
    struct splitter s = { .d = d, .wrap = bl_wrap_of(text), .start = true };
    struct bl_words words = BL_WORDS_INIT;
    struct bl_word word;
    size_t end = 0;

    d->text = text;
    d->n = 0;
    bl_buf_clear(&d->forms);
    bl_words_start(&words, text.p, text.n, true);
    while (bl_words_next(&words, &word)) {
        bool apart = see_gap(&s, end, word.start);
        struct bl_doc_word *w = append(d, &word);

        see_word(&s, w, (struct bl_span){ word.p, word.n });
        w->apart = apart;
        w->breaks = apart || (w->first && w->class == BL_FOLD_WORD);
        d->n++;
        end = word.end;
    }
    end_line(&s);
    bl_words_free(&words);
}

void bl_doc_free(struct bl_doc *d)
{
    free(d->v);
    bl_buf_free(&d->forms);
    *d = (struct bl_doc){ 0 };
}

/* ---- Contexts ---- */

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte `max` code points before `at`, or 0. */
static size_t back(struct bl_span t, size_t at, size_t max)
{
    for (; at > 0 && max > 0; max--)
        do
            at--;
        while (at > 0 && continues(t.p[at]));
    return at;
}

static size_t forth(struct bl_span t, size_t at, size_t max)
{
    for (; at < t.n && max > 0; max--)
        do
            at++;
        while (at < t.n && continues(t.p[at]));
    return at;
}

/* Index of the first word that starts at or after byte `at`. */
static size_t word_at(const struct bl_doc *d, size_t at)
{
    size_t lo = 0, hi = d->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (d->v[mid].start < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The left edge: the first sentence that starts within reach; if there is
 * none, the first whole word. */
static size_t left_edge(const struct bl_doc *d, size_t start, size_t max)
{
    size_t reach = back(d->text, start, max), i;

    if (reach == 0)
        return 0;
    for (i = word_at(d, reach); i < d->n && d->v[i].start < start; i++)
        if (d->v[i].first)
            return d->v[i].start;
    i = word_at(d, reach);
    return i < d->n && d->v[i].start < start ? d->v[i].start : start;
}

static size_t right_edge(const struct bl_doc *d, size_t end, size_t max)
{
    size_t reach = forth(d->text, end, max), i, last;

    if (reach == d->text.n)
        return reach;
    last = word_at(d, reach);
    while (last > 0 && d->v[last - 1].end > reach)
        last--;                         /* words before it end in reach */
    for (i = last; i > 0 && d->v[i - 1].start > end; i--)
        if (i < d->n && d->v[i].breaks)
            return d->v[i - 1].end;
    return last > 0 && d->v[last - 1].end > end ? d->v[last - 1].end : end;
}

void bl_doc_context(const struct bl_doc *d, size_t start, size_t end,
                    size_t max, struct bl_span *left,
                    struct bl_span *right)
{
    size_t from = left_edge(d, start, max), to = right_edge(d, end, max);

    *left = (struct bl_span){ d->text.p + from, start - from };
    *right = (struct bl_span){ d->text.p + end, to - end };
}
