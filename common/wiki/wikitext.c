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
#include "text/charref.h"
#include "wiki/wikitext-walk.h"

/* ---- Lines ---- */

static bool line_is(const struct bl_wikitext *walk, size_t i,
                    const char *prefix)
{
    size_t len = strlen(prefix);

    return walk->n - i >= len && !memcmp(walk->p + i, prefix, len);
}

/* Returns where the text of a heading ends, or 0 if the line is not one. */
static size_t heading_end(const struct bl_wikitext *walk, size_t start,
                          size_t eol)
{
    size_t end = eol;

    /* MediaWiki drops comments before it looks for headings, so that blanks
     * and comments in any order may follow the last '='. */
    for (;;) {
        const char *open;

        while (end > start
               && (walk->p[end - 1] == ' ' || walk->p[end - 1] == '\t'
                   || walk->p[end - 1] == '\r'))
            end--;
        if (end - start < 4 || memcmp(walk->p + end - 3, "-->", 3))
            break;
        open = memmem(walk->p + start, end - start, "<!--", 4);
        if (!open)
            break;
        end = (size_t)(open - walk->p);
    }
    if (end - start < 3 || walk->p[end - 1] != '=')
        return 0;
    while (end > start && walk->p[end - 1] == '=')
        end--;
    return end;
}

static size_t start_heading(struct bl_wikitext *walk, size_t i)
{
    const char *nl = memchr(walk->p + i, '\n', walk->n - i);
    size_t eol = nl ? (size_t)(nl - walk->p) : walk->n;
    size_t end = heading_end(walk, i, eol), begin = i;

    while (begin < end && walk->p[begin] == '=')
        begin++;
    if (end <= begin) {
        if (walk->kind != BL_WIKI_TEXT)
            bl_wikiwalk_begin_block(walk, BL_WIKI_TEXT);
        return i;
    }
    bl_wikiwalk_begin_block(walk, BL_WIKI_HEADING);
    walk->heading_end = end;
    walk->heading_eol = eol;
    return begin;
}

/* Looks at the first characters of a line outside of everything; returns
 * where its text begins. */
static size_t start_line(struct bl_wikitext *walk, size_t i)
{
    char c = walk->p[i];

    walk->new_line = false;
    walk->external = 0;
    if (strchr("*#:;", c)) {
        bl_wikiwalk_begin_block(walk, BL_WIKI_ITEM);
        while (i < walk->n && strchr("*#:; \t", walk->p[i]))
            i++;
        return i;
    }
    if (c == '=')
        return start_heading(walk, i);
    if (line_is(walk, i, "----")) {
        bl_wikiwalk_end_block(walk);
        while (i < walk->n && walk->p[i] == '-')
            i++;
        return i;
    }
    /* Rows of a table or of a template that had no proper end. */
    if (c == '|' || c == '!' || line_is(walk, i, "{|")
        || line_is(walk, i, "}}")) {
        bl_wikiwalk_begin_block(walk, BL_WIKI_TEXT);
        walk->debris = true;
        return i;
    }
    if (walk->kind != BL_WIKI_TEXT || walk->debris)
        bl_wikiwalk_begin_block(walk, BL_WIKI_TEXT);
    return i;
}

static size_t newline(struct bl_wikitext *walk, size_t i)
{
    if (!bl_wikiwalk_at_base(walk)) {
        bl_wikiwalk_put(walk, " ", 1);
        return i + 1;
    }
    i++;
    while (i < walk->n && (walk->p[i] == ' ' || walk->p[i] == '\t'
                           || walk->p[i] == '\r'))
        i++;
    if (walk->kind != BL_WIKI_TEXT || i == walk->n || walk->p[i] == '\n')
        bl_wikiwalk_end_block(walk);
    else
        bl_wikiwalk_put(walk, " ", 1);
    walk->new_line = true;
    return i;
}

/* ---- Apostrophes ---- */

/* The choice of MediaWiki where '' and ''' do not come in pairs in a line:
 * one ''' is an apostrophe and ''.  Best is one after a word of one letter
 * ("l'''homme''"), then after a longer word, then any. */
static void count_quotes(struct bl_wikitext *walk, size_t i)
{
    size_t found[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
    size_t bold = 0, italic = 0, start = i;

    walk->apostrophe = SIZE_MAX;
    for (; i < walk->n && walk->p[i] != '\n'; i++) {
        size_t run = 0;

        while (i + run < walk->n && walk->p[i + run] == '\'')
            run++;
        if (run < 2)
            continue;
        bold += run == 3 || run >= 5;
        italic += run == 2 || run >= 5;
        if (run == 3) {
            bool word = i > 0 && !strchr(" \n", walk->p[i - 1]);
            bool one = word && (i == 1 || strchr(" \n", walk->p[i - 2]));
            size_t *place = &found[one ? 0 : word ? 1 : 2];

            if (*place == SIZE_MAX)
                *place = i;
        }
        i += run - 1;
    }
    walk->quotes_known = BL_MAX(i, start + 1);
    if (bold % 2 && italic % 2)
        for (size_t rank = 3; rank-- > 0; )
            if (found[rank] != SIZE_MAX)
                walk->apostrophe = found[rank];
}

static size_t quotes(struct bl_wikitext *walk, size_t i)
{
    size_t run = 0;

    while (i + run < walk->n && walk->p[i + run] == '\'')
        run++;
    if (run == 1) {
        bl_wikiwalk_put(walk, "'", 1);
        return i + 1;
    }
    if (i >= walk->quotes_known)
        count_quotes(walk, i);
    if (run == 4 || i == walk->apostrophe)
        bl_wikiwalk_put(walk, "'", 1);
    for (size_t k = 5; k < run; k++)
        bl_wikiwalk_put(walk, "'", 1);
    return i + run;
}

/* ---- Single characters ---- */

/* "http:" and the like, or "//". */
static bool is_url(const struct bl_wikitext *walk, size_t i)
{
    static const char *const schemes[] = { "http://", "https://", "//",
        "ftp://", "mailto:", "news:", "irc://", "gopher://", "sftp://",
        "ircs://", "telnet://", "nntp://", "git://" };

    for (size_t k = 0; k < BL_COUNT(schemes); k++) {
        size_t len = strlen(schemes[k]);

        if (walk->n - i >= len && !strncasecmp(walk->p + i, schemes[k], len))
            return true;
    }
    return false;
}

/* "[http://example.org label]": the label stays. */
static size_t bracket(struct bl_wikitext *walk, size_t i, size_t limit)
{
    size_t at = i + 1;

    if (!is_url(walk, at)) {
        bl_wikiwalk_put(walk, "[", 1);
        return i + 1;
    }
    at = bl_wikiwalk_url_end(walk, at, limit);
    walk->external = at < limit && walk->p[at] == ']' ? walk->external
                                                      : walk->external + 1;
    bl_wikiwalk_dropped(walk);
    if (at < limit && walk->p[at] == ']')
        return at + 1;
    while (bl_wikiwalk_blank(walk, at, limit))
        at += bl_wikiwalk_blank(walk, at, limit);
    return at;
}

static size_t entity(struct bl_wikitext *walk, size_t i)
{
    size_t used;

    bl_buf_clear(&walk->tmp);
    used = bl_html_entity(walk->p + i, walk->n - i, &walk->tmp);
    if (!used) {
        bl_wikiwalk_put(walk, "&", 1);
        return i + 1;
    }
    /* A space that may not break a line is a space; a soft hyphen is
     * nothing. */
    if (walk->tmp.len == 2 && !memcmp(walk->tmp.data, "\xc2\xa0", 2))
        bl_wikiwalk_put(walk, " ", 1);
    else if (walk->tmp.len == 1 && strchr("\n\t", walk->tmp.data[0]))
        bl_wikiwalk_put(walk, " ", 1);
    else if (walk->tmp.len != 2 || memcmp(walk->tmp.data, "\xc2\xad", 2))
        bl_wikiwalk_put(walk, walk->tmp.data, walk->tmp.len);
    return i + used;
}

/* "__NOTOC__" in any language. */
static size_t underscore(struct bl_wikitext *walk, size_t i, size_t limit)
{
    static const char mark[] = "__DISAMBIG__";
    size_t end = i + 2;

    if (!line_is(walk, i, "__")) {
        bl_wikiwalk_put(walk, "_", 1);
        return i + 1;
    }
    while (end < limit && end - i < 64 && !strchr(" \n_", walk->p[end])
           && !(walk->p[end] >= 'a' && walk->p[end] <= 'z'))
        end++;
    if (end > i + 3 && end + 1 < limit && line_is(walk, end, "__")) {
        if (line_is(walk, i, mark))
            walk->page.disambiguation = true;
        bl_wikiwalk_dropped(walk);
        return end + 2;
    }
    bl_wikiwalk_put(walk, "__", 2);
    return i + 2;
}

/* Braces and brackets that belong to nothing.  Those behind the limit may be
 * of a mark: "[[[a]]]" is a link in brackets. */
static size_t leftover(struct bl_wikitext *walk, size_t i, size_t limit)
{
    size_t run = 1;

    while (i + run < limit && walk->p[i + run] == walk->p[i])
        run++;
    if (run > 1)
        bl_wikiwalk_dropped(walk);
    else if (walk->p[i] == ']' && walk->external)
        walk->external--;
    else
        bl_wikiwalk_put(walk, walk->p + i, 1);
    return i + run;
}

/* Characters that mean something alone.  Pairs were found before the walk, so
 * the braces and double brackets that are met here belong to nothing. */
static size_t special(struct bl_wikitext *walk, size_t i, size_t limit)
{
    switch (walk->p[i]) {
    case '\n':
        return newline(walk, i);
    case '\'':
        return quotes(walk, i);
    case '&':
        return entity(walk, i);
    case '_':
        return underscore(walk, i, limit);
    case '[':
        return i + 1 < limit && walk->p[i + 1] == '['
            ? leftover(walk, i, limit) : bracket(walk, i, limit);
    case '|':
        return bl_wikiwalk_pipe(walk, i);
    case '\r':
    case '\t':
        bl_wikiwalk_put(walk, " ", 1);
        return i + 1;
    default:
        return leftover(walk, i, limit);
    }
}

/* Text without marks. */
static size_t text(struct bl_wikitext *walk, size_t i, size_t limit)
{
    static const bool stops[256] = { ['\n'] = true, ['\''] = true,
        ['&'] = true, ['_'] = true, ['['] = true, [']'] = true,
        ['{'] = true, ['}'] = true, ['|'] = true, ['\t'] = true,
        ['\r'] = true };
    size_t end = i;

    if (walk->heading_end > i && walk->heading_end < limit)
        limit = walk->heading_end;
    while (end < limit && !stops[(unsigned char)walk->p[end]])
        end++;
    bl_wikiwalk_put(walk, walk->p + i, end - i);
    return end < limit ? special(walk, end, limit) : end;
}

/* ---- The walk ---- */

/* One step of the walk; returns where to go on.  Marks within what was jumped
 * over are passed, muted text is skipped up to the next mark, and a line that
 * begins outside of everything is looked at for what it starts. */
static size_t step(struct bl_wikitext *walk, size_t i)
{
    const struct bl_mark *mark = &walk->scan.v[walk->mark];
    size_t limit = walk->mark < walk->scan.n ? mark->start : walk->n;

    if (walk->heading_end && i >= walk->heading_end
        && bl_wikiwalk_at_base(walk)) {
        i = walk->heading_eol;
        walk->heading_end = 0;
        return i;
    }
    if (walk->mark < walk->scan.n && mark->start < i) {  /* jumped over */
        walk->mark++;
        return i;
    }
    if (i < limit && walk->muted)
        return limit;
    if (walk->new_line && bl_wikiwalk_at_base(walk) && i < walk->n
        && walk->p[i] != '\n' && (i < limit || mark->kind != BL_MARK_SKIP)) {
        size_t begin = start_line(walk, i);

        if (begin != i)
            return begin;
    }
    if (i < limit)
        return text(walk, i, limit);
    walk->mark++;
    return bl_wikiwalk_mark(walk, mark);
}

/* Forgets the page before; the memory stays for this one. */
static void reset(struct bl_wikitext *walk, const struct bl_wikisite *site,
                  struct bl_span source)
{
    walk->site = site;
    walk->p = source.p;
    walk->n = source.n;
    walk->mark = walk->depth = walk->muted = walk->kept = walk->n_args = 0;
    walk->n_blocks = walk->n_links = 0;
    walk->block_start = walk->block_link = walk->fixed = walk->external = 0;
    walk->links_open = 0;
    walk->hidden = false;
    walk->heading_end = walk->quotes_known = 0;
    walk->dropped = walk->apostrophe = walk->open_link = SIZE_MAX;
    walk->kind = BL_WIKI_TEXT;
    walk->debris = false;
    walk->new_line = true;
    walk->page = (struct bl_wikipage){ 0 };
    bl_buf_clear(&walk->text);
    bl_buf_clear(&walk->names);
    bl_buf_reserve(&walk->text, 1);
    bl_buf_reserve(&walk->names, 1);
}

/* Sets the spans of keys and anchors, now that the names are all there and no
 * longer move. */
static void place_names(struct bl_wikitext *walk)
{
    for (size_t i = 0; i < walk->n_links; i++) {
        const struct bl_wikiwalk_name *at = &walk->link_names[i];

        walk->links[i].key = (struct bl_span){ walk->names.data + at->key,
                                               at->n_key };
        walk->links[i].anchor = (struct bl_span){
            walk->names.data + at->anchor, at->n_anchor
        };
    }
}

const struct bl_wikipage *bl_wikitext_read(struct bl_wikitext *walk,
                                           const struct bl_wikisite *site,
                                           struct bl_span source)
{
    size_t i = 0;

    BL_ASSERT(source.n < (size_t)1 << 31);
    reset(walk, site, source);
    bl_scan_source(&walk->scan, source);
    while (i < walk->n || walk->mark < walk->scan.n)
        i = step(walk, i);
    walk->depth = walk->n_args = 0;     /* what is open will never end */
    bl_wikiwalk_end_block(walk);
    place_names(walk);
    walk->page.text = (struct bl_span){ walk->text.data, walk->text.len };
    walk->page.blocks = walk->blocks;
    walk->page.n_blocks = walk->n_blocks;
    walk->page.links = walk->links;
    walk->page.n_links = walk->n_links;
    return &walk->page;
}

struct bl_wikitext *bl_wikitext_new(void)
{
    return BL_NEW(struct bl_wikitext);
}

void bl_wikitext_free(struct bl_wikitext *walk)
{
    if (!walk)
        return;
    bl_scan_free(&walk->scan);
    free(walk->frames);
    free(walk->args);
    free(walk->blocks);
    free(walk->links);
    free(walk->link_names);
    bl_buf_free(&walk->text);
    bl_buf_free(&walk->names);
    bl_buf_free(&walk->tmp);
    free(walk);
}
