/* SPDX-License-Identifier: MIT */
/* wikitext: one walk over a source whose pairs are known (wikitext-scan.c).
 *
 * The walk keeps a stack of what is open.  What vanishes is "muted": only
 * its links are looked at.  A link or a template that leaves text is
 * rendered at the end of the text, and at its end the part that is shown
 * stays. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "wiki/wikitext-walk.h"

/* ---- Lines ---- */

static bool line_is(const struct bl_wikitext *w, size_t i, const char *s)
{
    size_t n = strlen(s);

    return w->n - i >= n && !memcmp(w->p + i, s, n);
}

/* Where the text of a heading ends; 0 when the line is none. */
static size_t heading_end(const struct bl_wikitext *w, size_t start,
                          size_t eol)
{
    size_t end = eol;

    for (;;) {
        const char *open;

        while (end > start && (w->p[end - 1] == ' ' || w->p[end - 1] == '\t'
                               || w->p[end - 1] == '\r'))
            end--;
        if (end - start < 4 || memcmp(w->p + end - 3, "-->", 3))
            break;
        open = memmem(w->p + start, end - start, "<!--", 4);
        if (!open)
            break;
        end = (size_t)(open - w->p);
    }
    if (end - start < 3 || w->p[end - 1] != '=')
        return 0;
    while (end > start && w->p[end - 1] == '=')
        end--;
    return end;
}

static size_t start_heading(struct bl_wikitext *w, size_t i)
{
    const char *nl = memchr(w->p + i, '\n', w->n - i);
    size_t eol = nl ? (size_t)(nl - w->p) : w->n;
    size_t end = heading_end(w, i, eol), begin = i;

    while (begin < end && w->p[begin] == '=')
        begin++;
    if (end <= begin) {
        if (w->kind != BL_WIKI_TEXT)
            bl_wikiwalk_begin_block(w, BL_WIKI_TEXT);
        return i;
    }
    bl_wikiwalk_begin_block(w, BL_WIKI_HEADING);
    w->heading_end = end;
    w->heading_eol = eol;
    return begin;
}

/* Looks at the first characters of a line outside of everything; returns
 * where its text begins. */
static size_t start_line(struct bl_wikitext *w, size_t i)
{
    char c = w->p[i];

    w->new_line = false;
    w->external = 0;
    if (strchr("*#:;", c)) {
        bl_wikiwalk_begin_block(w, BL_WIKI_ITEM);
        while (i < w->n && strchr("*#:; \t", w->p[i]))
            i++;
        return i;
    }
    if (c == '=')
        return start_heading(w, i);
    if (line_is(w, i, "----")) {
        bl_wikiwalk_end_block(w);
        while (i < w->n && w->p[i] == '-')
            i++;
        return i;
    }
    /* Rows of a table or of a template that had no proper end. */
    if (c == '|' || c == '!' || line_is(w, i, "{|") || line_is(w, i, "}}")) {
        bl_wikiwalk_begin_block(w, BL_WIKI_TEXT);
        w->debris = true;
        return i;
    }
    if (w->kind != BL_WIKI_TEXT || w->debris)
        bl_wikiwalk_begin_block(w, BL_WIKI_TEXT);
    return i;
}

static size_t newline(struct bl_wikitext *w, size_t i)
{
    if (!bl_wikiwalk_at_base(w)) {
        bl_wikiwalk_put(w, " ", 1);
        return i + 1;
    }
    i++;
    while (i < w->n && (w->p[i] == ' ' || w->p[i] == '\t'
                        || w->p[i] == '\r'))
        i++;
    if (w->kind != BL_WIKI_TEXT || i == w->n || w->p[i] == '\n')
        bl_wikiwalk_end_block(w);
    else
        bl_wikiwalk_put(w, " ", 1);
    w->new_line = true;
    return i;
}

/* ---- Apostrophes ---- */

/* The choice of MediaWiki where '' and ''' do not come in pairs in a line:
 * one ''' is an apostrophe and ''.  Best is one after a word of one letter
 * ("l'''homme''"), then after a longer word, then any. */
static void count_quotes(struct bl_wikitext *w, size_t i)
{
    size_t found[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
    size_t bold = 0, italic = 0, start = i;

    w->apostrophe = SIZE_MAX;
    for (; i < w->n && w->p[i] != '\n'; i++) {
        size_t n = 0;

        while (i + n < w->n && w->p[i + n] == '\'')
            n++;
        if (n < 2)
            continue;
        bold += n == 3 || n >= 5;
        italic += n == 2 || n >= 5;
        if (n == 3) {
            bool word = i > 0 && !strchr(" \n", w->p[i - 1]);
            bool one = word && (i == 1 || strchr(" \n", w->p[i - 2]));
            size_t *place = &found[one ? 0 : word ? 1 : 2];

            if (*place == SIZE_MAX)
                *place = i;
        }
        i += n - 1;
    }
    w->quotes_known = BL_MAX(i, start + 1);
    if (bold % 2 && italic % 2)
        for (size_t k = 3; k-- > 0; )
            if (found[k] != SIZE_MAX)
                w->apostrophe = found[k];
}

static size_t quotes(struct bl_wikitext *w, size_t i)
{
    size_t n = 0;

    while (i + n < w->n && w->p[i + n] == '\'')
        n++;
    if (n == 1) {
        bl_wikiwalk_put(w, "'", 1);
        return i + 1;
    }
    if (i >= w->quotes_known)
        count_quotes(w, i);
    if (n == 4 || i == w->apostrophe)
        bl_wikiwalk_put(w, "'", 1);
    for (size_t k = 5; k < n; k++)
        bl_wikiwalk_put(w, "'", 1);
    return i + n;
}

/* ---- Single characters ---- */

/* "http:" and the like, or "//". */
static bool is_url(const struct bl_wikitext *w, size_t i)
{
    static const char *const schemes[] = { "http://", "https://", "//",
        "ftp://", "mailto:", "news:", "irc://", "gopher://", "sftp://",
        "ircs://", "telnet://", "nntp://", "git://" };

    for (size_t k = 0; k < BL_COUNT(schemes); k++) {
        size_t n = strlen(schemes[k]);

        if (w->n - i >= n && !strncasecmp(w->p + i, schemes[k], n))
            return true;
    }
    return false;
}

/* "[http://example.org label]": the label stays. */
static size_t bracket(struct bl_wikitext *w, size_t i, size_t limit)
{
    size_t k = i + 1;

    if (!is_url(w, k)) {
        bl_wikiwalk_put(w, "[", 1);
        return i + 1;
    }
    while (k < limit && !strchr(" \t\n]", w->p[k]))
        k++;
    w->external = k < limit && w->p[k] == ']' ? w->external
                                              : w->external + 1;
    bl_wikiwalk_dropped(w);
    if (k < limit && w->p[k] == ']')
        return k + 1;
    while (k < limit && w->p[k] == ' ')
        k++;
    return k;
}

static size_t entity(struct bl_wikitext *w, size_t i)
{
    size_t used;

    bl_buf_clear(&w->tmp);
    used = bl_html_entity(w->p + i, w->n - i, &w->tmp);
    if (!used) {
        bl_wikiwalk_put(w, "&", 1);
        return i + 1;
    }
    /* A space that may not break a line is a space; a soft hyphen is
     * nothing. */
    if (w->tmp.len == 2 && !memcmp(w->tmp.data, "\xc2\xa0", 2))
        bl_wikiwalk_put(w, " ", 1);
    else if (w->tmp.len == 1 && strchr("\n\t", w->tmp.data[0]))
        bl_wikiwalk_put(w, " ", 1);
    else if (w->tmp.len != 2 || memcmp(w->tmp.data, "\xc2\xad", 2))
        bl_wikiwalk_put(w, w->tmp.data, w->tmp.len);
    return i + used;
}

/* "__NOTOC__" in any language. */
static size_t underscore(struct bl_wikitext *w, size_t i, size_t limit)
{
    static const char mark[] = "__DISAMBIG__";
    size_t end = i + 2;

    if (!line_is(w, i, "__")) {
        bl_wikiwalk_put(w, "_", 1);
        return i + 1;
    }
    while (end < limit && end - i < 64 && !strchr(" \n_", w->p[end])
           && !(w->p[end] >= 'a' && w->p[end] <= 'z'))
        end++;
    if (end > i + 3 && end + 1 < limit && line_is(w, end, "__")) {
        if (line_is(w, i, mark))
            w->page.disambiguation = true;
        bl_wikiwalk_dropped(w);
        return end + 2;
    }
    bl_wikiwalk_put(w, "__", 2);
    return i + 2;
}

/* Braces and brackets that belong to nothing. */
static size_t leftover(struct bl_wikitext *w, size_t i)
{
    size_t n = 1;

    while (i + n < w->n && w->p[i + n] == w->p[i])
        n++;
    if (n > 1)
        bl_wikiwalk_dropped(w);
    else if (w->p[i] == ']' && w->external)
        w->external--;
    else
        bl_wikiwalk_put(w, w->p + i, 1);
    return i + n;
}

static size_t special(struct bl_wikitext *w, size_t i, size_t limit)
{
    switch (w->p[i]) {
    case '\n':
        return newline(w, i);
    case '\'':
        return quotes(w, i);
    case '&':
        return entity(w, i);
    case '_':
        return underscore(w, i, limit);
    case '[':
        return line_is(w, i, "[[") ? leftover(w, i) : bracket(w, i, limit);
    case '|':
        return bl_wikiwalk_pipe(w, i);
    case '\r':
    case '\t':
        bl_wikiwalk_put(w, " ", 1);
        return i + 1;
    default:
        return leftover(w, i);
    }
}

/* Text without marks. */
static size_t text(struct bl_wikitext *w, size_t i, size_t limit)
{
    static const bool stops[256] = { ['\n'] = true, ['\''] = true,
        ['&'] = true, ['_'] = true, ['['] = true, [']'] = true,
        ['{'] = true, ['}'] = true, ['|'] = true, ['\t'] = true,
        ['\r'] = true };
    size_t end = i;

    if (w->heading_end > i && w->heading_end < limit)
        limit = w->heading_end;
    while (end < limit && !stops[(unsigned char)w->p[end]])
        end++;
    bl_wikiwalk_put(w, w->p + i, end - i);
    return end < limit ? special(w, end, limit) : end;
}

/* ---- The walk ---- */

static size_t walk(struct bl_wikitext *w, size_t i)
{
    const struct bl_mark *m = &w->scan.v[w->mark];
    size_t limit = w->mark < w->scan.n ? m->start : w->n;

    if (w->heading_end && i >= w->heading_end && bl_wikiwalk_at_base(w)) {
        i = w->heading_eol;
        w->heading_end = 0;
        return i;
    }
    if (w->mark < w->scan.n && m->start < i) {  /* jumped over */
        w->mark++;
        return i;
    }
    if (i < limit && w->muted)
        return limit;
    if (w->new_line && bl_wikiwalk_at_base(w) && i < w->n && w->p[i] != '\n'
        && (i < limit || m->kind != BL_MARK_SKIP)) {
        size_t begin = start_line(w, i);

        if (begin != i)
            return begin;
    }
    if (i < limit)
        return text(w, i, limit);
    w->mark++;
    return bl_wikiwalk_mark(w, m);
}

static void reset(struct bl_wikitext *w, const struct bl_wikisite *site,
                  struct bl_span source)
{
    w->site = site;
    w->p = source.p;
    w->n = source.n;
    w->mark = w->depth = w->muted = w->kept = w->n_args = 0;
    w->n_blocks = w->n_links = 0;
    w->block_start = w->block_link = w->floor = w->external = 0;
    w->links_open = 0;
    w->hidden = false;
    w->heading_end = w->quotes_known = 0;
    w->dropped = w->apostrophe = w->open_link = SIZE_MAX;
    w->kind = BL_WIKI_TEXT;
    w->debris = false;
    w->new_line = true;
    w->page = (struct bl_wikipage){ 0 };
    bl_buf_clear(&w->text);
    bl_buf_clear(&w->names);
    bl_buf_reserve(&w->text, 1);
    bl_buf_reserve(&w->names, 1);
}

/* Now that the names no longer move. */
static void place_names(struct bl_wikitext *w)
{
    for (size_t i = 0; i < w->n_links; i++) {
        const struct bl_wikiwalk_name *at = &w->link_names[i];

        w->links[i].key = (struct bl_span){ w->names.data + at->key,
                                            at->n_key };
        w->links[i].anchor = (struct bl_span){ w->names.data + at->anchor,
                                               at->n_anchor };
    }
}

const struct bl_wikipage *bl_wikitext_read(struct bl_wikitext *w,
                                           const struct bl_wikisite *site,
                                           struct bl_span source)
{
    size_t i = 0;

    BL_ASSERT(source.n < (size_t)1 << 31);
    reset(w, site, source);
    bl_scan_source(&w->scan, source);
    while (i < w->n || w->mark < w->scan.n)
        i = walk(w, i);
    bl_wikiwalk_end_block(w);
    place_names(w);
    w->page.text = (struct bl_span){ w->text.data, w->text.len };
    w->page.blocks = w->blocks;
    w->page.n_blocks = w->n_blocks;
    w->page.links = w->links;
    w->page.n_links = w->n_links;
    return &w->page;
}

struct bl_wikitext *bl_wikitext_new(void)
{
    return BL_NEW(struct bl_wikitext);
}

void bl_wikitext_free(struct bl_wikitext *w)
{
    if (!w)
        return;
    bl_scan_free(&w->scan);
    free(w->frames);
    free(w->args);
    free(w->blocks);
    free(w->links);
    free(w->link_names);
    bl_buf_free(&w->text);
    bl_buf_free(&w->names);
    bl_buf_free(&w->tmp);
    free(w);
}
