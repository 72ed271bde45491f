/* SPDX-License-Identifier: MIT */
/* wikitext-frames: the links, templates and tags that are open. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/unicode.h"
#include "base/utf8.h"
#include "wiki/wikitext-walk.h"

enum {
    MAX_KEPT = 16,              /* templates in templates that are shown */
    MAX_LINKS = 64,             /* links in links */
    MAX_TARGET = 2048,          /* bytes of a link's target */
    MAX_NAME = 64,              /* of a template's name */
    MAX_ANCHOR = 1024
};

/* ---- Frames ---- */

static struct bl_frame *push(struct bl_wikitext *w, uint8_t kind,
                             uint32_t mate)
{
    BL_GROW(w->frames, w->depth + 1, w->cap_frames);
    w->frames[w->depth] = (struct bl_frame){
        .kind = kind, .mate = mate, .start = w->text.len, .floor = w->floor,
        .muted = w->muted, .open_link = w->open_link, .hidden = w->hidden,
        .first_link = w->n_links, .first_arg = w->n_args };
    return &w->frames[w->depth++];
}

static void mute(struct bl_wikitext *w, const struct bl_mark *m)
{
    push(w, BL_FRAME_MUTED, m->mate);
    w->muted++;
}

/* ---- Links ---- */

static void add_link(struct bl_wikitext *w, const struct bl_frame *f,
                     size_t start, size_t end, bool shown)
{
    struct bl_wikiwalk_name *at;
    size_t n = end - start;

    if (n == 0 || n > MAX_ANCHOR)
        return;
    if (w->n_links == w->cap_links) {
        w->cap_links = bl_grown(w->cap_links, w->n_links + 1);
        w->links = bl_xrealloc(w->links, w->cap_links, sizeof *w->links);
        w->link_names = bl_xrealloc(w->link_names, w->cap_links,
                                    sizeof *w->link_names);
    }
    at = &w->link_names[w->n_links];
    *at = (struct bl_wikiwalk_name){ f->key, f->n_key, (uint32_t)w->names.len,
                                 (uint32_t)n };
    bl_buf_put(&w->names, w->text.data + start, n);
    w->links[w->n_links++] = (struct bl_wikilink){
        .start = shown ? start : 0, .end = shown ? end : 0 };
}

/* The target of the link that m opens, up to '|' or the end. */
static size_t target_end(const struct bl_wikitext *w,
                         const struct bl_mark *m)
{
    size_t end = w->scan.v[m->mate].start, n = end - m->end;
    const char *bar = memchr(w->p + m->end, '|', BL_MIN(n, MAX_TARGET));

    return bar ? (size_t)(bar - w->p) : end;
}

/* "[[http://x label]]": an address outside with a bracket too many. */
static bool outside_url(const struct bl_wikitext *w, size_t i)
{
    return w->n - i > 8 && (!memcmp(w->p + i, "http://", 7)
                            || !memcmp(w->p + i, "https://", 8));
}

static size_t skip_url(struct bl_wikitext *w, size_t i, size_t end)
{
    while (i < end && w->p[i] != ' ')
        i++;
    return i;
}

static size_t open_link(struct bl_wikitext *w, const struct bl_mark *m)
{
    size_t bar = target_end(w, m), end = w->scan.v[m->mate].start, i;
    uint32_t key = (uint32_t)w->names.len;
    enum bl_wiki_kind kind;
    struct bl_frame *f;
    int ns;

    kind = bl_wikititle_key(w->site, (struct bl_span){ w->p + m->end,
                                bar - m->end }, &w->names, &ns);
    if (kind == BL_WIKI_HIDDEN || w->links_open >= MAX_LINKS) {
        mute(w, m);
        return m->end;
    }
    if (w->open_link != SIZE_MAX)
        w->frames[w->open_link].record = false;     /* links do not nest */
    f = push(w, BL_FRAME_LINK, m->mate);
    f->record = kind == BL_WIKI_PAGE;
    f->key = key;
    f->n_key = (uint32_t)w->names.len - key;
    f->target = m->end;
    f->n_target = (uint32_t)(bar - m->end);
    w->open_link = w->depth - 1;
    w->links_open++;
    w->hidden |= w->muted > 0;
    w->muted = 0;
    w->floor = w->text.len;
    if (outside_url(w, m->end)) {
        f->record = false;
        f->piped = true;
        return skip_url(w, m->end, end);
    }
    i = m->end;
    while (i < bar && (w->p[i] == ' ' || w->p[i] == ':'))
        i++;
    /* The target is not shown; one with markup goes at its '|'. */
    if (bar < end && (w->mark == w->scan.n
                      || w->scan.v[w->mark].start >= bar))
        return bar;
    return i;
}

/* "[[Paris (Texas)|]]" shows "Paris". */
static void put_bare_target(struct bl_wikitext *w, const struct bl_frame *f)
{
    struct bl_span s = { w->p + f->target, f->n_target };
    const char *open = s.n ? memchr(s.p, '(', s.n) : NULL;
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;

    if (open && open > s.p)
        s.n = (size_t)(open - s.p);
    if (colon && colon < s.p + s.n)
        s = (struct bl_span){ colon + 1,
                              s.n - (size_t)(colon + 1 - s.p) };
    bl_wikiwalk_put(w, s.p, s.n);
}

/* Letters right behind a link belong to it: "[[apple]]s". */
static size_t put_trail(struct bl_wikitext *w, size_t i)
{
    size_t end = i, limit = w->mark < w->scan.n
                                ? w->scan.v[w->mark].start : w->n;

    while (end < limit) {
        unsigned char c = (unsigned char)w->p[end];
        unsigned len = 1;
        uint32_t cp;

        if (c >= 0x80) {
            /* Small letters of European scripts: elsewhere words are not
             * parted by blanks and nothing is joined. */
            cp = bl_utf8_decode(w->p + end, limit - end, &len);
            if (cp < 0xDF || cp > 0x52F || cp == 0xF7
                || (cp > 0x24F && cp < 0x3AC) || bl_uni_is_upper(cp))
                break;
        } else if (c < 'a' || c > 'z') {
            break;
        }
        end += len;
    }
    bl_wikiwalk_put(w, w->p + i, end - i);
    return end;
}

static size_t close_link(struct bl_wikitext *w, struct bl_frame *f,
                         const struct bl_mark *m)
{
    size_t start = f->start, end, next = m->end;
    bool shown = !w->hidden;

    if (f->piped && w->text.len == start)
        put_bare_target(w, f);
    if (w->text.len > start && shown)
        next = put_trail(w, m->end);
    end = w->text.len;
    while (end > start && w->text.data[end - 1] == ' ')
        end--;
    while (start < end && w->text.data[start] == ' ')
        start++;
    if (f->record)
        add_link(w, f, start, end, shown);
    w->floor = f->floor;
    if (!shown)
        w->text.len = f->start;
    else if (end > start)
        w->floor = end;
    else
        bl_wikiwalk_dropped(w);
    w->open_link = f->open_link;
    w->muted = f->muted;
    w->hidden = f->hidden;
    w->links_open--;
    return next;
}

/* ---- Templates ---- */

static struct bl_span template_name(const struct bl_wikitext *w,
                                    const struct bl_mark *m, size_t *after)
{
    size_t i = m->end, end = w->scan.v[m->mate].start;

    if (end - i > MAX_NAME)
        end = i + MAX_NAME;
    while (i < end && !strchr("|{}<[", w->p[i])
           && (w->p[i] != ':' || i == m->end))
        i++;
    *after = i;
    return (struct bl_span){ w->p + m->end, i - m->end };
}

static void look_at_name(struct bl_wikitext *w, struct bl_span name)
{
    while (name.n && strchr(" \n\t", name.p[0])) {
        name.p++;
        name.n--;
    }
    while (name.n && strchr(" \n\t", name.p[name.n - 1]))
        name.n--;
    if (!w->page.disambiguation)
        w->page.disambiguation = bl_wiki_disambiguation_template(name);
    if (!w->page.list)
        w->page.list = bl_wiki_list_template(name);
}

static void push_arg(struct bl_wikitext *w)
{
    BL_GROW(w->args, w->n_args + 1, w->cap_args);
    w->args[w->n_args++] = w->text.len;
}

static size_t open_template(struct bl_wikitext *w, const struct bl_mark *m)
{
    size_t after;
    struct bl_span name = template_name(w, m, &after);
    const struct bl_rule *rule = NULL;
    struct bl_frame *f;

    if (bl_wikiwalk_at_base(w))
        look_at_name(w, name);
    if (!w->muted && w->kept < MAX_KEPT
        && (after == w->scan.v[m->mate].start || strchr("|:", w->p[after])))
        rule = bl_rule_find(name);
    if (!rule) {
        mute(w, m);
        return m->end;
    }
    f = push(w, BL_FRAME_TEMPLATE, m->mate);
    f->rule = rule;
    w->kept++;
    w->floor = w->text.len;
    if (after < w->scan.v[m->mate].start && w->p[after] == ':') {
        push_arg(w);            /* "{{lc:WORD}}" */
        after++;
    }
    return after;
}

struct args {
    struct bl_span v[8];
    size_t n;
    bool lower;                 /* "lc=y" */
};

/* "name=value", where the name is a short word or the number of the
 * argument, which then counts as one without it. */
static bool named(struct bl_span *s, size_t number)
{
    const char *eq = s->n ? memchr(s->p, '=', BL_MIN(s->n, 24)) : NULL;
    size_t n = eq ? (size_t)(eq - s->p) : 0;

    if (!eq)
        return false;
    if (n == 1 && s->p[0] == (char)('1' + number)) {
        s->p += 2;
        s->n -= 2;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (strchr("<>\"/.", s->p[i]))
            return false;
    return true;
}

static void strip(struct bl_span *s)
{
    while (s->n && s->p[0] == ' ') {
        s->p++;
        s->n--;
    }
    while (s->n && s->p[s->n - 1] == ' ')
        s->n--;
}

static void read_args(const struct bl_wikitext *w, const struct bl_frame *f,
                      struct args *out)
{
    *out = (struct args){ 0 };
    for (size_t i = f->first_arg; i < w->n_args; i++) {
        size_t end = i + 1 < w->n_args ? w->args[i + 1] : w->text.len;
        struct bl_span s = { w->text.data + w->args[i], end - w->args[i] };

        strip(&s);
        if (named(&s, out->n)) {
            out->lower |= bl_span_is(s, "lc=y") || bl_span_is(s, "lc=on");
            continue;
        }
        strip(&s);
        if (out->n < BL_COUNT(out->v))
            out->v[out->n++] = s;
    }
}

/* Leaves of the text since the frame began the part s alone, and moves the
 * links in it. */
static void keep_part(struct bl_wikitext *w, const struct bl_frame *f,
                      struct bl_span s)
{
    size_t at = (size_t)(s.p - w->text.data), shift = at - f->start;

    for (size_t i = f->first_link; i < w->n_links; i++) {
        struct bl_wikilink *l = &w->links[i];

        if (l->start == l->end)
            continue;
        if (l->start < at || l->end > at + s.n) {
            l->start = l->end = 0;
        } else {
            l->start -= shift;
            l->end -= shift;
        }
    }
    memmove(w->text.data + f->start, s.p, s.n);
    w->text.len = f->start + s.n;
}

static void close_template(struct bl_wikitext *w, const struct bl_frame *f)
{
    const struct bl_rule *r = f->rule;
    struct args a;
    size_t n = 0;

    read_args(w, f, &a);
    if (r->kind == BL_RULE_ARG)
        n = r->arg <= a.n ? r->arg : 0;
    else if (r->kind == BL_RULE_LAST)
        n = a.n;
    w->floor = f->floor;
    if (n && a.v[n - 1].n) {
        keep_part(w, f, a.v[n - 1]);
        w->floor = w->text.len;
    } else {
        bl_buf_clear(&w->tmp);
        bl_buf_reserve(&w->tmp, 1);
        if (r->kind != BL_RULE_ARG && r->kind != BL_RULE_LAST)
            bl_rule_apply(r, a.v, a.n, a.lower, &w->tmp);
        bl_wikiwalk_cut(w, f->start, f->first_link);
        if (w->tmp.len)
            bl_wikiwalk_put(w, w->tmp.data, w->tmp.len);
        else
            bl_wikiwalk_dropped(w);
    }
    w->n_args = f->first_arg;
    w->kept--;
}

size_t bl_wikiwalk_pipe(struct bl_wikitext *w, size_t i)
{
    struct bl_frame *f = w->depth ? &w->frames[w->depth - 1] : NULL;

    if (f && f->kind == BL_FRAME_TEMPLATE) {
        push_arg(w);
    } else if (f && f->kind == BL_FRAME_LINK && !f->piped) {
        f->piped = true;
        bl_wikiwalk_cut(w, f->start, f->first_link);
    } else {
        bl_wikiwalk_put(w, "|", 1);
    }
    return i + 1;
}

/* ---- Marks ---- */

/* "x", "n + 1": what reads as it is; the rest of TeX does not. */
static void put_math(struct bl_wikitext *w, const struct bl_mark *m)
{
    size_t n = m->end - m->start;

    for (size_t i = m->start; i < m->end; i++)
        if (strchr("\\{}&_", w->p[i]) || (unsigned char)w->p[i] < ' ')
            n = 0;
    if (n && n <= 40)
        bl_wikiwalk_put(w, w->p + m->start, n);
    else
        bl_wikiwalk_dropped(w);
}

/* "10<sup>6</sup>" is "10^6", "km<sup>2</sup>" is "km2". */
static void put_tag(struct bl_wikitext *w, const struct bl_mark *m)
{
    char c = bl_wikiwalk_last(w);

    switch (m->tag) {
    case BL_TAG_SUP:
        if (c >= '0' && c <= '9')
            bl_wikiwalk_put(w, "^", 1);
        break;
    case BL_TAG_BREAK:
        bl_wikiwalk_put(w, " ", 1);
        break;
    case BL_TAG_BLOCK:
    case BL_TAG_ITEM:
        bl_wikiwalk_break(w, m->tag == BL_TAG_ITEM);
        break;
    default:
        break;
    }
}

static size_t close_frame(struct bl_wikitext *w, const struct bl_mark *m)
{
    struct bl_frame *f = w->depth ? &w->frames[w->depth - 1] : NULL;

    /* Its opening was jumped over with a name or a target. */
    if (!f || &w->scan.v[f->mate] != m)
        return m->end;
    w->depth--;
    if (f->kind == BL_FRAME_LINK)
        return close_link(w, f, m);
    if (f->kind == BL_FRAME_TEMPLATE) {
        close_template(w, f);
    } else {
        w->muted = f->muted;
        if (!w->muted)
            bl_wikiwalk_dropped(w);
    }
    return m->end;
}

/* A mark that shows nothing or text. */
static size_t plain_mark(struct bl_wikitext *w, const struct bl_mark *m)
{
    if (w->muted)
        return m->end;
    if (m->kind == BL_MARK_RAW)
        bl_wikiwalk_put(w, w->p + m->start, m->end - m->start);
    else if (m->kind == BL_MARK_MATH)
        put_math(w, m);
    else if (m->kind == BL_MARK_TAG)
        put_tag(w, m);
    else if (m->end > m->start)
        bl_wikiwalk_dropped(w);
    return m->end;
}

size_t bl_wikiwalk_mark(struct bl_wikitext *w, const struct bl_mark *m)
{
    if (m->kind == BL_MARK_CLOSE)
        return close_frame(w, m);
    if (m->kind < BL_MARK_TEMPLATE)
        return plain_mark(w, m);
    if (!m->mate) {             /* it has no end */
        if (!w->muted)
            bl_wikiwalk_dropped(w);
        return m->end;
    }
    if (m->kind == BL_MARK_LINK)
        return open_link(w, m);
    if (m->kind == BL_MARK_TEMPLATE)
        return open_template(w, m);
    if (m->kind == BL_MARK_TABLE && bl_wikiwalk_at_base(w))
        bl_wikiwalk_break(w, false);
    mute(w, m);
    return m->end;
}
