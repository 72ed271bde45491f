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
    uint32_t templates, tables; /* of a barrier: what counted below it */
};

/* One pass over a source. */
struct pass {
    struct bl_scan *s;
    const char *p;              /* the source */
    size_t n;
    uint32_t templates;         /* open, above the last barrier */
    uint32_t tables;            /* the same */
    uint32_t drops[T_OTHER];    /* open, by name */
    size_t end_tag[N_TAGS];     /* where the next </name is, at the least */
};

static struct bl_mark *put(struct pass *a, size_t start, size_t end,
                           uint8_t kind, uint8_t tag)
{
    struct bl_scan *s = a->s;

    BL_GROW(s->v, s->n + 1, s->cap);
    s->v[s->n] = (struct bl_mark){ (uint32_t)start, (uint32_t)end, 0, kind,
                                   tag };
    return &s->v[s->n++];
}

static void push(struct pass *a, uint8_t kind, uint8_t id, bool odd)
{
    struct bl_scan *s = a->s;
    struct bl_scan_open o = { .mark = (uint32_t)(s->n - 1), .kind = kind,
                              .id = id, .odd = odd };

    BL_GROW(s->open, s->depth + 1, s->cap_open);
    if (kind == BL_MARK_TEMPLATE) {
        a->templates++;
    } else if (kind == BL_MARK_TABLE) {
        a->tables++;
    } else if (kind == BL_MARK_DROP) {
        o.templates = a->templates;
        o.tables = a->tables;
        a->templates = a->tables = 0;
        a->drops[id]++;
    }
    s->open[s->depth++] = o;
}

static struct bl_scan_open pop(struct pass *a)
{
    struct bl_scan_open o = a->s->open[--a->s->depth];

    if (o.kind == BL_MARK_TEMPLATE) {
        a->templates--;
    } else if (o.kind == BL_MARK_TABLE) {
        a->tables--;
    } else if (o.kind == BL_MARK_DROP) {
        a->templates = o.templates;
        a->tables = o.tables;
        a->drops[o.id]--;
    }
    return o;
}

static const struct bl_scan_open *top(const struct pass *a)
{
    return a->s->depth ? &a->s->open[a->s->depth - 1] : NULL;
}

/* Ends the opening o with bytes start..end. */
static void close_mark(struct pass *a, struct bl_scan_open o, size_t start,
                       size_t end)
{
    put(a, start, end, BL_MARK_CLOSE, 0);
    a->s->v[o.mark].mate = (uint32_t)(a->s->n - 1);
}

/* ---- Braces and brackets ---- */

static size_t run_of(const struct pass *a, size_t i)
{
    size_t end = i;

    while (end < a->n && a->p[end] == a->p[i])
        end++;
    return end - i;
}

/* Nothing but blanks and colons since the line began. */
static bool line_start(const struct pass *a, size_t i)
{
    while (i > 0 && strchr(" \t:", a->p[i - 1]))
        i--;
    return i == 0 || a->p[i - 1] == '\n';
}

static size_t open_braces(struct pass *a, size_t i)
{
    size_t n = run_of(a, i), at = i + (n & 1 && n != 3), left = n / 2;

    if (n == 1) {
        if (i + 1 < a->n && a->p[i + 1] == '|' && line_start(a, i)) {
            put(a, i, i + 2, BL_MARK_TABLE, 0);
            push(a, BL_MARK_TABLE, 0, false);
            return i + 2;
        }
        return i + 1;
    }
    if (n & 1)
        at = i;
    for (; left > 0; left--) {
        bool odd = left == 1 && (n & 1);

        put(a, at, at + 2 + odd, BL_MARK_TEMPLATE, 0);
        push(a, BL_MARK_TEMPLATE, 0, odd);
        at += 2;
    }
    return i + n;
}

static size_t close_braces(struct pass *a, size_t i)
{
    size_t end = i + run_of(a, i);

    while (end - i >= 2 && a->templates > 0) {
        struct bl_scan_open o = pop(a);
        size_t wide;

        while (o.kind != BL_MARK_TEMPLATE)
            o = pop(a);
        wide = o.odd && end - i >= 3 ? 3 : 2;
        close_mark(a, o, i, i + wide);
        i += wide;
    }
    return end;
}

static size_t open_brackets(struct pass *a, size_t i)
{
    size_t n = run_of(a, i), end = i + n;

    for (i += n & 1; i < end; i += 2) {
        put(a, i, i + 2, BL_MARK_LINK, 0);
        push(a, BL_MARK_LINK, 0, false);
    }
    return end;
}

static size_t close_brackets(struct pass *a, size_t i)
{
    size_t end = i + run_of(a, i);

    while (end - i >= 2 && top(a) && top(a)->kind == BL_MARK_LINK) {
        close_mark(a, pop(a), i, i + 2);
        i += 2;
    }
    return end;
}

/* "|}" at the start of a line ends a table, unless it is the end of a
 * template's last, empty argument. */
static void close_table(struct pass *a, size_t i)
{
    struct bl_scan_open o;
    size_t braces = run_of(a, i + 1);

    if (a->tables == 0 || (braces == 2 && a->templates > 0))
        return;
    do
        o = pop(a);
    while (o.kind != BL_MARK_TABLE);
    close_mark(a, o, i, i + 2);
}

/* A link's target ends with its line, its text with the paragraph. */
static size_t end_line(struct pass *a, size_t i)
{
    size_t next = i + 1;
    bool blank_line = next < a->n && a->p[next] == '\n';

    while (top(a) && top(a)->kind == BL_MARK_LINK) {
        struct bl_scan_open *o = &a->s->open[a->s->depth - 1];
        size_t start = a->s->v[o->mark].end;

        if (!o->piped)
            o->piped = memchr(a->p + start, '|', i - start) != NULL;
        if (o->piped && !blank_line)
            break;
        pop(a);
    }
    while (next < a->n && (a->p[next] == ' ' || a->p[next] == '\t'))
        next++;
    if (next + 1 < a->n && a->p[next] == '|' && a->p[next + 1] == '}')
        close_table(a, next);
    return i + 1;
}

/* ---- Tags ---- */

static int by_tag(const void *key, const void *element)
{
    return strcmp(key, ((const struct tag *)element)->name);
}

/* The tag whose name begins at i; *end is set behind the name. */
static const struct tag *tag_at(const struct pass *a, size_t i, size_t *end)
{
    char name[LONGEST_TAG + 1];
    size_t n = 0;

    while (i + n < a->n && n < LONGEST_TAG) {
        char c = a->p[i + n];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            && !(n && c >= '0' && c <= '9'))
            break;
        name[n++] = (char)(c >= '0' && c <= '9' ? c : c | 0x20);
    }
    name[n] = '\0';
    *end = i + n;
    if (n == 0 || i + n == a->n || !strchr(" \t\n/>", a->p[i + n]))
        return NULL;
    return bsearch(name, tags, N_TAGS, sizeof *tags, by_tag);
}

/* Where the tag's '>' is; 0 when another '<' or the end comes first. */
static size_t tag_end(const struct pass *a, size_t i)
{
    size_t last = BL_MIN(i + MAX_TAG, a->n);

    for (; i < last && a->p[i] != '<'; i++)
        if (a->p[i] == '>')
            return i;
    return 0;
}

static bool is_end_tag(const struct pass *a, size_t i, const struct tag *t)
{
    size_t n = strlen(t->name), end = i + 2 + n;

    return end < a->n && a->p[i] == '<' && a->p[i + 1] == '/'
        && strchr(" \t\n>", a->p[end])
        && !strncasecmp(a->p + i + 2, t->name, n);
}

/* Where the next </name> begins, at i or later; a->n when there is none.
 * What was searched once is not searched again. */
static size_t find_end_tag(struct pass *a, const struct tag *t, size_t i)
{
    size_t *known = &a->end_tag[t - tags];

    if (*known < i) {
        const char *p = a->p + i, *end = a->p + a->n;

        while (p < end && (p = memchr(p, '<', (size_t)(end - p)))
               && !is_end_tag(a, (size_t)(p - a->p), t))
            p++;
        *known = p && p < end ? (size_t)(p - a->p) : a->n;
    }
    return *known;
}

/* From <name> to </name> without markup: the two tags and what is between
 * them. */
static size_t raw_text(struct pass *a, size_t i, size_t gt,
                       const struct tag *t)
{
    size_t close = find_end_tag(a, t, gt + 1);
    size_t end = close < a->n ? tag_end(a, close + 1) : 0;

    if (!end) {                 /* only the tag goes */
        put(a, i, gt + 1, BL_MARK_SKIP, 0);
        return gt + 1;
    }
    if (t->kind == BL_TAG_RAW_DROP) {
        put(a, i, end + 1, BL_MARK_SKIP, 0);
        return end + 1;
    }
    put(a, i, gt + 1, BL_MARK_SKIP, 0);
    put(a, gt + 1, close, t->kind == BL_TAG_MATH ? BL_MARK_MATH
                                                 : BL_MARK_RAW, 0);
    put(a, close, end + 1, BL_MARK_SKIP, 0);
    return end + 1;
}

/* A </name> follows; with <ref>, which does not nest, before the next one
 * begins, or that one's end would be taken. */
static bool ends_properly(struct pass *a, size_t i, const struct tag *t)
{
    size_t close = find_end_tag(a, t, i), name_end;

    if (t->id != T_REF || close == a->n)
        return close < a->n;
    for (; i < close; i++)
        if (a->p[i] == '<' && tag_at(a, i + 1, &name_end) == t)
            return false;
    return true;
}

static void pop_drop(struct pass *a, const struct tag *t, size_t i,
                     size_t end)
{
    struct bl_scan_open o;

    do
        o = pop(a);
    while (o.kind != BL_MARK_DROP || o.id != t->id);
    close_mark(a, o, i, end);
}

static size_t open_tag(struct pass *a, size_t i, size_t gt,
                       const struct tag *t)
{
    bool single = a->p[gt - 1] == '/';

    if (t->kind >= BL_TAG_RAW_DROP && !single)
        return raw_text(a, i, gt, t);
    if (t->kind < BL_TAG_DROP) {
        put(a, i, gt + 1, BL_MARK_TAG, t->kind);
        return gt + 1;
    }
    if (!single && t->kind == BL_TAG_DROP
        && ends_properly(a, gt + 1, t)) {
        put(a, i, gt + 1, BL_MARK_DROP, 0);
        push(a, BL_MARK_DROP, t->id, false);
        return gt + 1;
    }
    put(a, i, gt + 1, BL_MARK_SKIP, 0);
    return gt + 1;
}

static size_t end_tag(struct pass *a, size_t i, size_t gt,
                      const struct tag *t)
{
    if (t->kind == BL_TAG_DROP && a->drops[t->id])
        pop_drop(a, t, i, gt + 1);
    else if (t->kind == BL_TAG_BLOCK || t->kind == BL_TAG_ITEM)
        put(a, i, gt + 1, BL_MARK_TAG, BL_TAG_BLOCK);
    else
        put(a, i, gt + 1, BL_MARK_SKIP, 0);
    return gt + 1;
}

/* A comment that does not end hides the rest of the page. */
static size_t comment(struct pass *a, size_t i)
{
    const char *end = memmem(a->p + i + 4, a->n - i - 4, "-->", 3);

    put(a, i, end ? (size_t)(end - a->p) + 3 : a->n, BL_MARK_SKIP, 0);
    return a->s->v[a->s->n - 1].end;
}

static size_t angle(struct pass *a, size_t i)
{
    bool ends = i + 1 < a->n && a->p[i + 1] == '/';
    const struct tag *t;
    size_t name_end, gt;

    if (a->n - i >= 4 && !memcmp(a->p + i, "<!--", 4))
        return comment(a, i);
    t = tag_at(a, i + 1 + ends, &name_end);
    gt = t ? tag_end(a, name_end) : 0;
    if (!gt)
        return i + 1;
    return ends ? end_tag(a, i, gt, t) : open_tag(a, i, gt, t);
}

/* ---- The pass ---- */

void bl_scan_source(struct bl_scan *s, struct bl_span source)
{
    static const bool special[256] = { ['{'] = true, ['}'] = true,
        ['['] = true, [']'] = true, ['<'] = true, ['\n'] = true };
    struct pass a = { .s = s, .p = source.p, .n = source.n };
    size_t i = 0;

    s->n = s->depth = 0;
    put(&a, 0, 0, BL_MARK_SKIP, 0);     /* so that no mate is number 0 */
    while (i < a.n) {
        char c = a.p[i];

        if (!special[(unsigned char)c])
            i++;
        else if (c == '\n')
            i = end_line(&a, i);
        else if (c == '<')
            i = angle(&a, i);
        else if (c == '{')
            i = open_braces(&a, i);
        else if (c == '}')
            i = close_braces(&a, i);
        else if (c == '[')
            i = open_brackets(&a, i);
        else
            i = close_brackets(&a, i);
    }
}

void bl_scan_free(struct bl_scan *s)
{
    free(s->v);
    free(s->open);
    *s = (struct bl_scan){ 0 };
}
