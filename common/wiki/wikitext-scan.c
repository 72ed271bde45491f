/* SPDX-License-Identifier: MIT */
/* wikitext-scan: which opening belongs to which end.
 *
 * One pass with a stack.  An end closes the innermost opening of its kind;
 * what was opened inside and not closed stays without an end.  Searches down
 * the stack pop what they pass, and are made only when counters say that
 * they will succeed, so all is linear. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wiki/wikitext-parts.h"

enum { LONGEST_TAG = 16, MAX_TAG = 4096 };

/* Tags that hide what is in them, for counters and caches by name. */
enum { T_REF, T_REFERENCES, T_GALLERY, T_TABLE, T_INCLUDEONLY, T_RT, T_RP,
       T_IMAGEMAP, T_MATH, T_NOWIKI, T_OTHER };

static const struct tag {
    const char *name;
    uint8_t kind, id;
} tags[] = {                    /* sorted */
    { "abbr", BL_TAG_INLINE, T_OTHER }, { "b", BL_TAG_INLINE, T_OTHER },
    { "bdi", BL_TAG_INLINE, T_OTHER }, { "bdo", BL_TAG_INLINE, T_OTHER },
    { "big", BL_TAG_INLINE, T_OTHER },
    { "blockquote", BL_TAG_BLOCK, T_OTHER },
    { "br", BL_TAG_BREAK, T_OTHER }, { "caption", BL_TAG_BLOCK, T_OTHER },
    { "categorytree", BL_TAG_RAW_DROP, T_OTHER },
    { "ce", BL_TAG_RAW_DROP, T_OTHER }, { "center", BL_TAG_BLOCK, T_OTHER },
    { "chem", BL_TAG_RAW_DROP, T_OTHER }, { "cite", BL_TAG_INLINE, T_OTHER },
    { "code", BL_TAG_INLINE, T_OTHER }, { "data", BL_TAG_INLINE, T_OTHER },
    { "dd", BL_TAG_ITEM, T_OTHER }, { "del", BL_TAG_INLINE, T_OTHER },
    { "dfn", BL_TAG_INLINE, T_OTHER }, { "div", BL_TAG_BLOCK, T_OTHER },
    { "dl", BL_TAG_BLOCK, T_OTHER }, { "dt", BL_TAG_ITEM, T_OTHER },
    { "em", BL_TAG_INLINE, T_OTHER }, { "font", BL_TAG_INLINE, T_OTHER },
    { "gallery", BL_TAG_DROP, T_GALLERY },
    { "graph", BL_TAG_RAW_DROP, T_OTHER }, { "h1", BL_TAG_BLOCK, T_OTHER },
    { "h2", BL_TAG_BLOCK, T_OTHER }, { "h3", BL_TAG_BLOCK, T_OTHER },
    { "h4", BL_TAG_BLOCK, T_OTHER }, { "h5", BL_TAG_BLOCK, T_OTHER },
    { "h6", BL_TAG_BLOCK, T_OTHER }, { "hiero", BL_TAG_RAW_DROP, T_OTHER },
    { "hr", BL_TAG_BLOCK, T_OTHER }, { "i", BL_TAG_INLINE, T_OTHER },
    { "imagemap", BL_TAG_DROP, T_IMAGEMAP },
    { "includeonly", BL_TAG_DROP, T_INCLUDEONLY },
    { "indicator", BL_TAG_RAW_DROP, T_OTHER },
    { "inputbox", BL_TAG_RAW_DROP, T_OTHER },
    { "ins", BL_TAG_INLINE, T_OTHER }, { "kbd", BL_TAG_INLINE, T_OTHER },
    { "li", BL_TAG_ITEM, T_OTHER }, { "mapframe", BL_TAG_RAW_DROP, T_OTHER },
    { "maplink", BL_TAG_RAW_DROP, T_OTHER },
    { "mark", BL_TAG_INLINE, T_OTHER }, { "math", BL_TAG_MATH, T_MATH },
    { "noinclude", BL_TAG_INLINE, T_OTHER },
    { "nowiki", BL_TAG_NOWIKI, T_NOWIKI }, { "ol", BL_TAG_BLOCK, T_OTHER },
    { "onlyinclude", BL_TAG_INLINE, T_OTHER },
    { "p", BL_TAG_BLOCK, T_OTHER }, { "phonos", BL_TAG_RAW_DROP, T_OTHER },
    { "poem", BL_TAG_BLOCK, T_OTHER }, { "pre", BL_TAG_RAW_DROP, T_OTHER },
    { "q", BL_TAG_INLINE, T_OTHER }, { "rb", BL_TAG_INLINE, T_OTHER },
    { "ref", BL_TAG_DROP, T_REF },
    { "references", BL_TAG_DROP, T_REFERENCES }, { "rp", BL_TAG_DROP, T_RP },
    { "rt", BL_TAG_DROP, T_RT }, { "ruby", BL_TAG_INLINE, T_OTHER },
    { "s", BL_TAG_INLINE, T_OTHER }, { "samp", BL_TAG_INLINE, T_OTHER },
    { "score", BL_TAG_RAW_DROP, T_OTHER },
    { "section", BL_TAG_INLINE, T_OTHER },
    { "small", BL_TAG_INLINE, T_OTHER },
    { "source", BL_TAG_RAW_DROP, T_OTHER },
    { "span", BL_TAG_INLINE, T_OTHER }, { "strike", BL_TAG_INLINE, T_OTHER },
    { "strong", BL_TAG_INLINE, T_OTHER },
    { "style", BL_TAG_RAW_DROP, T_OTHER },
    { "sub", BL_TAG_INLINE, T_OTHER }, { "sup", BL_TAG_SUP, T_OTHER },
    { "syntaxhighlight", BL_TAG_RAW_DROP, T_OTHER },
    { "table", BL_TAG_DROP, T_TABLE }, { "td", BL_TAG_BLOCK, T_OTHER },
    { "templatedata", BL_TAG_RAW_DROP, T_OTHER },
    { "templatestyles", BL_TAG_INLINE, T_OTHER },
    { "th", BL_TAG_BLOCK, T_OTHER }, { "time", BL_TAG_INLINE, T_OTHER },
    { "timeline", BL_TAG_RAW_DROP, T_OTHER },
    { "tr", BL_TAG_BLOCK, T_OTHER }, { "tt", BL_TAG_INLINE, T_OTHER },
    { "u", BL_TAG_INLINE, T_OTHER }, { "ul", BL_TAG_BLOCK, T_OTHER },
    { "var", BL_TAG_INLINE, T_OTHER }, { "wbr", BL_TAG_INLINE, T_OTHER },
};
enum { N_TAGS = BL_COUNT(tags) };

/* An opening without an end so far. */
struct bl_scan_open {
    uint32_t mark;              /* its number */
    uint8_t kind, id;
    bool odd;                   /* {{{: three braces end it */
    bool piped;                 /* of a link: a | was seen */
    uint32_t singles;           /* of a link: '[' in it that wait for ']' */
    uint32_t templates, tables; /* of a barrier: what counted below it */
};

/* One pass over a source. */
struct pass {
    struct bl_scan *scan;
    const char *p;              /* the source */
    size_t n;
    uint32_t templates;         /* open, above the last barrier */
    uint32_t tables;            /* the same */
    uint32_t drops[T_OTHER];    /* open, by name */
    size_t end_tag[N_TAGS];     /* where the next </name is, at the least */
};

static struct bl_mark *put(struct pass *pass, size_t start, size_t end,
                           uint8_t kind, uint8_t tag)
{
    struct bl_scan *scan = pass->scan;

    BL_GROW(scan->v, scan->n + 1, scan->cap);
    scan->v[scan->n] = (struct bl_mark){ (uint32_t)start, (uint32_t)end, 0,
                                         kind, tag };
    return &scan->v[scan->n++];
}

/* Notes that the mark last put is open. <ref> and the like are barriers: an
 * end inside cannot close a template or table outside, so the counters begin
 * at 0 and pop() brings back what they were. */
static void push(struct pass *pass, uint8_t kind, uint8_t id, bool odd)
{
    struct bl_scan *scan = pass->scan;
    struct bl_scan_open open = { .mark = (uint32_t)(scan->n - 1), .kind = kind,
                                 .id = id, .odd = odd };

    BL_GROW(scan->open, scan->depth + 1, scan->cap_open);
    if (kind == BL_MARK_TEMPLATE) {
        pass->templates++;
    } else if (kind == BL_MARK_TABLE) {
        pass->tables++;
    } else if (kind == BL_MARK_DROP) {
        open.templates = pass->templates;
        open.tables = pass->tables;
        pass->templates = pass->tables = 0;
        pass->drops[id]++;
    }
    scan->open[scan->depth++] = open;
}

static struct bl_scan_open pop(struct pass *pass)
{
    struct bl_scan_open open = pass->scan->open[--pass->scan->depth];

    if (open.kind == BL_MARK_TEMPLATE) {
        pass->templates--;
    } else if (open.kind == BL_MARK_TABLE) {
        pass->tables--;
    } else if (open.kind == BL_MARK_DROP) {
        pass->templates = open.templates;
        pass->tables = open.tables;
        pass->drops[open.id]--;
    }
    return open;
}

static const struct bl_scan_open *top(const struct pass *pass)
{
    return pass->scan->depth ? &pass->scan->open[pass->scan->depth - 1] : NULL;
}

/* Ends an opening: puts a closing mark of its bytes and makes it the mate. */
static void close_mark(struct pass *pass, struct bl_scan_open open,
                       size_t start, size_t end)
{
    put(pass, start, end, BL_MARK_CLOSE, 0);
    pass->scan->v[open.mark].mate = (uint32_t)(pass->scan->n - 1);
}

/* ---- Braces and brackets ---- */

static size_t run_of(const struct pass *pass, size_t at)
{
    size_t end = at;

    while (end < pass->n && pass->p[end] == pass->p[at])
        end++;
    return end - at;
}

/* Whether only blanks and colons, which indent, are between the beginning of
 * the line and i. */
static bool line_start(const struct pass *pass, size_t i)
{
    while (i > 0 && strchr(" \t:", pass->p[i - 1]))
        i--;
    return i == 0 || pass->p[i - 1] == '\n';
}

/* A run of braces opens templates from its left, two braces each.  If it is
 * odd, the innermost has three, as the parameter "{{{name}}}" has.  A single
 * brace can only open a table: "{|" at the start of a line. */
static size_t open_braces(struct pass *pass, size_t i)
{
    size_t n_braces = run_of(pass, i), at = i;

    if (n_braces == 1) {
        if (i + 1 < pass->n && pass->p[i + 1] == '|' && line_start(pass, i)) {
            put(pass, i, i + 2, BL_MARK_TABLE, 0);
            push(pass, BL_MARK_TABLE, 0, false);
            return i + 2;
        }
        return i + 1;
    }
    for (size_t left = n_braces / 2; left > 0; left--, at += 2) {
        bool odd = left == 1 && (n_braces & 1);

        put(pass, at, at + 2 + odd, BL_MARK_TEMPLATE, 0);
        push(pass, BL_MARK_TEMPLATE, 0, odd);
    }
    return i + n_braces;
}

/* Each "}}" ends the innermost template, and with it what was opened inside
 * and not ended. */
static size_t close_braces(struct pass *pass, size_t i)
{
    size_t end = i + run_of(pass, i);

    while (end - i >= 2 && pass->templates > 0) {
        struct bl_scan_open open = pop(pass);
        size_t wide;

        while (open.kind != BL_MARK_TEMPLATE)
            open = pop(pass);
        wide = open.odd && end - i >= 3 ? 3 : 2;
        close_mark(pass, open, i, i + wide);
        i += wide;
    }
    return end;
}

/* An odd bracket is the first, and part of a text or an address. */
static size_t open_brackets(struct pass *pass, size_t i)
{
    size_t n_brackets = run_of(pass, i), end = i + n_brackets;

    if ((n_brackets & 1) && top(pass) && top(pass)->kind == BL_MARK_LINK)
        pass->scan->open[pass->scan->depth - 1].singles++;
    for (i += n_brackets & 1; i < end; i += 2) {
        put(pass, i, i + 2, BL_MARK_LINK, 0);
        push(pass, BL_MARK_LINK, 0, false);
    }
    return end;
}

/* Of three brackets behind "[[File:a.jpg|see [http://b c" the first ends the
 * address, as in MediaWiki, and of one alone it is the only one. */
static size_t close_brackets(struct pass *pass, size_t i)
{
    size_t run = run_of(pass, i), end = i + run;

    if ((run & 1) && top(pass) && top(pass)->kind == BL_MARK_LINK
        && top(pass)->singles > 0) {
        pass->scan->open[pass->scan->depth - 1].singles--;
        i++;
    }
    while (end - i >= 2 && top(pass) && top(pass)->kind == BL_MARK_LINK) {
        close_mark(pass, pop(pass), i, i + 2);
        i += 2;
    }
    return end;
}

/* "|}" at the start of a line ends a table, unless its brace is one of those
 * that end a template, or several, with a last, empty argument.  Returns
 * where to go on. */
static size_t close_table(struct pass *pass, size_t i)
{
    struct bl_scan_open open;
    size_t braces = run_of(pass, i + 1);

    if (pass->tables == 0
        || (braces % 2 == 0 && braces / 2 <= pass->templates))
        return i;
    do
        open = pop(pass);
    while (open.kind != BL_MARK_TABLE);
    close_mark(pass, open, i, i + 2);
    return i + 2;
}

/* A link's target ends with its line, its text with the paragraph. */
static size_t end_line(struct pass *pass, size_t i)
{
    size_t next = i + 1;
    bool blank_line = next < pass->n && pass->p[next] == '\n';

    while (top(pass) && top(pass)->kind == BL_MARK_LINK) {
        struct bl_scan_open *open = &pass->scan->open[pass->scan->depth - 1];
        size_t start = pass->scan->v[open->mark].end;

        if (!open->piped)
            open->piped = memchr(pass->p + start, '|', i - start) != NULL;
        if (open->piped && !blank_line)
            break;
        pop(pass);
    }
    while (next < pass->n && (pass->p[next] == ' ' || pass->p[next] == '\t'))
        next++;
    if (next + 1 < pass->n && pass->p[next] == '|' && pass->p[next + 1] == '}')
        return BL_MAX(close_table(pass, next), i + 1);
    return i + 1;
}

/* ---- Tags ---- */

static int by_tag(const void *key, const void *element)
{
    return strcmp(key, ((const struct tag *)element)->name);
}

/* The tag whose name begins at i; *end is set behind the name. */
static const struct tag *tag_at(const struct pass *pass, size_t i, size_t *end)
{
    char name[LONGEST_TAG + 1];
    size_t len = 0;

    while (i + len < pass->n && len < LONGEST_TAG) {
        char byte = pass->p[i + len];

        if (!((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')
            && !(len && byte >= '0' && byte <= '9'))
            break;
        name[len++] = (char)(byte >= '0' && byte <= '9' ? byte : byte | 0x20);
    }
    name[len] = '\0';
    *end = i + len;
    if (len == 0 || i + len == pass->n || !strchr(" \t\n/>", pass->p[i + len]))
        return NULL;
    return bsearch(name, tags, N_TAGS, sizeof *tags, by_tag);
}

/* Where the tag's '>' is; 0 when another '<' or the end comes first. */
static size_t tag_end(const struct pass *pass, size_t i)
{
    size_t last = BL_MIN(i + MAX_TAG, pass->n);

    for (; i < last && pass->p[i] != '<'; i++)
        if (pass->p[i] == '>')
            return i;
    return 0;
}

static bool is_end_tag(const struct pass *pass, size_t i,
                       const struct tag *tag)
{
    size_t len = strlen(tag->name), end = i + 2 + len;

    return end < pass->n && pass->p[i] == '<' && pass->p[i + 1] == '/'
        && strchr(" \t\n>", pass->p[end])
        && !strncasecmp(pass->p + i + 2, tag->name, len);
}

/* Where the next </name> begins, at i or later; pass->n when there is none.
 * What was searched once is not searched again. */
static size_t find_end_tag(struct pass *pass, const struct tag *tag, size_t i)
{
    size_t *known = &pass->end_tag[tag - tags];

    if (*known < i) {
        const char *from = pass->p + i, *end = pass->p + pass->n;

        while (from < end && (from = memchr(from, '<', (size_t)(end - from)))
               && !is_end_tag(pass, (size_t)(from - pass->p), tag))
            from++;
        *known = from && from < end ? (size_t)(from - pass->p) : pass->n;
    }
    return *known;
}

/* From <name> to </name> nothing is markup: the two tags vanish, and what is
 * between them does too or is text as it is.  Without an end only the tag
 * goes. */
static size_t raw_text(struct pass *pass, size_t i, size_t gt,
                       const struct tag *tag)
{
    size_t close = find_end_tag(pass, tag, gt + 1);
    size_t end = close < pass->n ? tag_end(pass, close + 1) : 0;

    if (!end) {
        put(pass, i, gt + 1, BL_MARK_SKIP, 0);
        return gt + 1;
    }
    if (tag->kind == BL_TAG_RAW_DROP) {
        put(pass, i, end + 1, BL_MARK_SKIP, 0);
        return end + 1;
    }
    put(pass, i, gt + 1, BL_MARK_SKIP, 0);
    put(pass, gt + 1, close, tag->kind == BL_TAG_MATH ? BL_MARK_MATH
                                                      : BL_MARK_RAW, 0);
    put(pass, close, end + 1, BL_MARK_SKIP, 0);
    return end + 1;
}

/* A </name> follows; with <ref>, which does not nest, before the next one
 * begins, or that one's end would be taken. */
static bool ends_properly(struct pass *pass, size_t i, const struct tag *tag)
{
    size_t close = find_end_tag(pass, tag, i), name_end;

    if (tag->id != T_REF || close == pass->n)
        return close < pass->n;
    for (; i < close; i++)
        if (pass->p[i] == '<' && tag_at(pass, i + 1, &name_end) == tag)
            return false;
    return true;
}

static void pop_drop(struct pass *pass, const struct tag *tag, size_t i,
                     size_t end)
{
    struct bl_scan_open open;

    do
        open = pop(pass);
    while (open.kind != BL_MARK_DROP || open.id != tag->id);
    close_mark(pass, open, i, end);
}

static size_t open_tag(struct pass *pass, size_t i, size_t gt,
                       const struct tag *tag)
{
    bool single = pass->p[gt - 1] == '/';

    if (tag->kind >= BL_TAG_RAW_DROP && !single)
        return raw_text(pass, i, gt, tag);
    if (tag->kind < BL_TAG_DROP) {
        put(pass, i, gt + 1, BL_MARK_TAG, tag->kind);
        return gt + 1;
    }
    if (!single && tag->kind == BL_TAG_DROP
        && ends_properly(pass, gt + 1, tag)) {
        put(pass, i, gt + 1, BL_MARK_DROP, 0);
        push(pass, BL_MARK_DROP, tag->id, false);
        return gt + 1;
    }
    put(pass, i, gt + 1, BL_MARK_SKIP, 0);
    return gt + 1;
}

static size_t end_tag(struct pass *pass, size_t i, size_t gt,
                      const struct tag *tag)
{
    if (tag->kind == BL_TAG_DROP && pass->drops[tag->id])
        pop_drop(pass, tag, i, gt + 1);
    else if (tag->kind == BL_TAG_BREAK)     /* browsers take </br> for <br> */
        put(pass, i, gt + 1, BL_MARK_TAG, BL_TAG_BREAK);
    else if (tag->kind == BL_TAG_BLOCK || tag->kind == BL_TAG_ITEM)
        put(pass, i, gt + 1, BL_MARK_TAG, BL_TAG_BLOCK);
    else
        put(pass, i, gt + 1, BL_MARK_SKIP, 0);
    return gt + 1;
}

/* A comment that does not end hides the rest of the page. */
static size_t comment(struct pass *pass, size_t i)
{
    const char *end = memmem(pass->p + i + 4, pass->n - i - 4, "-->", 3);

    put(pass, i, end ? (size_t)(end - pass->p) + 3 : pass->n, BL_MARK_SKIP, 0);
    return pass->scan->v[pass->scan->n - 1].end;
}

static size_t angle(struct pass *pass, size_t i)
{
    bool ends = i + 1 < pass->n && pass->p[i + 1] == '/';
    const struct tag *tag;
    size_t name_end, gt;

    if (pass->n - i >= 4 && !memcmp(pass->p + i, "<!--", 4))
        return comment(pass, i);
    tag = tag_at(pass, i + 1 + ends, &name_end);
    gt = tag ? tag_end(pass, name_end) : 0;
    if (!gt)
        return i + 1;
    return ends ? end_tag(pass, i, gt, tag) : open_tag(pass, i, gt, tag);
}

/* ---- The pass ---- */

void bl_scan_source(struct bl_scan *scan, struct bl_span source)
{
    static const bool special[256] = { ['{'] = true, ['}'] = true,
        ['['] = true, [']'] = true, ['<'] = true, ['\n'] = true };
    struct pass pass = { .scan = scan, .p = source.p, .n = source.n };
    size_t i = 0;

    scan->n = scan->depth = 0;
    put(&pass, 0, 0, BL_MARK_SKIP, 0);  /* so that no mate is number 0 */
    while (i < pass.n) {
        char c = pass.p[i];

        if (!special[(unsigned char)c])
            i++;
        else if (c == '\n')
            i = end_line(&pass, i);
        else if (c == '<')
            i = angle(&pass, i);
        else if (c == '{')
            i = open_braces(&pass, i);
        else if (c == '}')
            i = close_braces(&pass, i);
        else if (c == '[')
            i = open_brackets(&pass, i);
        else
            i = close_brackets(&pass, i);
    }
}

void bl_scan_free(struct bl_scan *scan)
{
    free(scan->v);
    free(scan->open);
    *scan = (struct bl_scan){ 0 };
}
