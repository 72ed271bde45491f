/* SPDX-License-Identifier: MIT */
/* wikitext-frames: the links, templates and tags that are open. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode.h"
#include "wiki/wikitext-walk.h"

enum {
    MAX_KEPT = 16,              /* templates in templates that are shown */
    MAX_LINKS = 64,             /* links in links */
    MAX_TARGET = 2048,          /* bytes of a link's target */
    MAX_NAME = 64,              /* of a template's name */
    MAX_PARTS = 256,            /* of a link, for what pictures have */
    MAX_ANCHOR = 1024
};

/* ---- Frames ---- */

static struct bl_frame *push(struct bl_wikitext *walk, uint8_t kind,
                             uint32_t mate)
{
    BL_GROW(walk->frames, walk->depth + 1, walk->cap_frames);
    walk->frames[walk->depth] = (struct bl_frame){
        .kind = kind, .mate = mate, .start = walk->text.len,
        .fixed = walk->fixed, .muted = walk->muted,
        .open_link = walk->open_link, .hidden = walk->hidden,
        .first_link = walk->n_links, .first_arg = walk->n_args };
    return &walk->frames[walk->depth++];
}

/* Takes the innermost frame off: the places that it had in the text are free
 * again.  It may be read until the next push(). */
static void pop(struct bl_wikitext *walk)
{
    const struct bl_frame *frame = &walk->frames[--walk->depth];

    walk->n_args = frame->first_arg;
    walk->fixed = frame->fixed;
}

static void mute(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    push(walk, BL_FRAME_MUTED, mark->mate);
    walk->muted++;
}

/* ---- Links ---- */

static void strip(struct bl_span *text)
{
    while (text->n && text->p[0] == ' ') {
        text->p++;
        text->n--;
    }
    while (text->n && text->p[text->n - 1] == ' ')
        text->n--;
}

/* Records a link, its key and anchor among the names.  Its place is in the
 * text only if it is shown.  Links and their names are two arrays of one size,
 * because only the first is the caller's to see. */
static void add_link(struct bl_wikitext *walk, const struct bl_frame *frame,
                     size_t start, size_t end, bool shown)
{
    struct bl_wikiwalk_name *at;
    size_t len = end - start;

    if (len == 0 || len > MAX_ANCHOR)
        return;
    if (walk->n_links == walk->cap_links) {
        walk->cap_links = bl_grown(walk->cap_links, walk->n_links + 1);
        walk->links = bl_xrealloc(walk->links, walk->cap_links,
                                  sizeof *walk->links);
        walk->link_names = bl_xrealloc(walk->link_names, walk->cap_links,
                                       sizeof *walk->link_names);
    }
    at = &walk->link_names[walk->n_links];
    *at = (struct bl_wikiwalk_name){ frame->key, frame->n_key,
                                     (uint32_t)walk->names.len,
                                     (uint32_t)len };
    bl_buf_put(&walk->names, walk->text.data + start, len);
    walk->links[walk->n_links++] = (struct bl_wikilink){
        .start = shown ? start : 0, .end = shown ? end : 0 };
}

/* Where the target of the link that the mark opens ends: at '|' or the end. */
static size_t target_end(const struct bl_wikitext *walk,
                         const struct bl_mark *mark)
{
    size_t end = walk->scan.v[mark->mate].start, len = end - mark->end;
    const char *bar = memchr(walk->p + mark->end, '|',
                             BL_MIN(len, MAX_TARGET));

    return bar ? (size_t)(bar - walk->p) : end;
}

/* "[[http://x label]]": an address outside with a bracket too many. */
static bool outside_url(const struct bl_wikitext *walk, size_t i)
{
    return walk->n - i > 8 && (!memcmp(walk->p + i, "http://", 7)
                               || !memcmp(walk->p + i, "https://", 8));
}

/* "180px", "x120px", "180x120 px". */
static bool is_size(struct bl_span part)
{
    size_t digits = 0, i = 0;

    for (; i < part.n && (part.p[i] == 'x' || (part.p[i] >= '0'
                                              && part.p[i] <= '9')); i++)
        digits += part.p[i] != 'x';
    while (i < part.n && part.p[i] == ' ')
        i++;
    return digits && part.n - i == 2 && !memcmp(part.p + i, "px", 2);
}

/* The words for what all pictures have, in the wikis that link most. */
static bool is_picture_word(struct bl_span part)
{
    static const char *const words[] = { "thumb", "thumbnail", "frameless",
        "mini", "miniatur", "hochkant", "vignette", "miniatura",
        "miniaturadeimagen", "miniatyr", "miniatuur", "мини",
        "обрамить" };

    for (size_t i = 0; i < BL_COUNT(words); i++)
        if (bl_span_is(part, words[i]))
            return true;
    return false;
}

/* A link of several parts, one of which is a size or a word of pictures, is a
 * picture whatever its namespace is called.  Only parts before any other
 * markup are looked at, and few bytes: pictures say this first. */
static bool is_picture(const struct bl_wikitext *walk, size_t bar, size_t end)
{
    bool found = false;
    size_t n_parts = 0;

    end = BL_MIN(end, bar + MAX_PARTS);
    while (bar < end && walk->p[bar] == '|' && !(found && n_parts > 1)) {
        size_t from = bar + 1;
        struct bl_span part;

        for (bar = from; bar < end && !strchr("|[]{}<\n", walk->p[bar]); bar++)
            ;
        part = (struct bl_span){ walk->p + from, bar - from };
        strip(&part);
        found |= is_size(part) || is_picture_word(part);
        n_parts++;
    }
    return found && n_parts > 1;
}

static size_t open_link(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    size_t end = walk->scan.v[mark->mate].start, i;
    size_t bar = target_end(walk, mark);
    uint32_t key = (uint32_t)walk->names.len;
    enum bl_wiki_kind kind;
    struct bl_frame *frame;
    int ns;

    kind = bl_wikititle_key(walk->site, (struct bl_span){ walk->p + mark->end,
                                bar - mark->end }, &walk->names, &ns);
    if (kind == BL_WIKI_PAGE && is_picture(walk, bar, end)) {
        walk->names.len = key;
        kind = BL_WIKI_HIDDEN;
    }
    if (kind == BL_WIKI_HIDDEN || walk->links_open >= MAX_LINKS) {
        mute(walk, mark);
        return mark->end;
    }
    if (walk->open_link != SIZE_MAX)
        walk->frames[walk->open_link].record = false; /* links do not nest */
    frame = push(walk, BL_FRAME_LINK, mark->mate);
    frame->record = kind == BL_WIKI_PAGE;
    frame->key = key;
    frame->n_key = (uint32_t)walk->names.len - key;
    frame->target = mark->end;
    frame->n_target = (uint32_t)(bar - mark->end);
    walk->open_link = walk->depth - 1;
    walk->links_open++;
    walk->hidden |= walk->muted > 0;
    walk->muted = 0;
    if (outside_url(walk, mark->end)) {
        frame->record = false;
        frame->piped = true;
        i = bl_wikiwalk_url_end(walk, mark->end, end);
        while (i < end && walk->p[i] == ' ')
            i++;
        return i;
    }
    i = mark->end;
    while (i < bar && (walk->p[i] == ' ' || walk->p[i] == ':'))
        i++;
    /* The target is not shown; one with markup goes at its '|'. */
    if (bar < end && (walk->mark == walk->scan.n
                      || walk->scan.v[walk->mark].start >= bar))
        return bar;
    return i;
}

/* "[[Paris (Texas)|]]" shows "Paris". */
static void put_bare_target(struct bl_wikitext *walk,
                            const struct bl_frame *frame)
{
    struct bl_span target = { walk->p + frame->target, frame->n_target };
    const char *open = target.n ? memchr(target.p, '(', target.n) : NULL;
    const char *colon = target.n ? memchr(target.p, ':', target.n) : NULL;

    if (open && open > target.p)
        target.n = (size_t)(open - target.p);
    if (colon && colon < target.p + target.n)
        target = (struct bl_span){ colon + 1,
                                   target.n - (size_t)(colon + 1 - target.p) };
    bl_wikiwalk_put(walk, target.p, target.n);
}

/* Letters right behind a link belong to it: "[[apple]]s". */
static size_t put_trail(struct bl_wikitext *walk, size_t i)
{
    size_t end = i, limit = walk->mark < walk->scan.n
                                ? walk->scan.v[walk->mark].start : walk->n;

    while (end < limit) {
        unsigned char byte = (unsigned char)walk->p[end];
        unsigned len = 1;
        uint32_t cp;

        if (byte >= 0x80) {
            /* Small letters of European scripts: elsewhere words are not
             * parted by blanks and nothing is joined. */
            cp = bl_utf8_decode(walk->p + end, limit - end, &len);
            if (cp < 0xDF || cp > 0x52F || cp == 0xF7
                || (cp > 0x24F && cp < 0x3AC) || bl_uni_is_upper(cp))
                break;
        } else if (byte < 'a' || byte > 'z') {
            break;
        }
        end += len;
    }
    bl_wikiwalk_put(walk, walk->p + i, end - i);
    return end;
}

/* The link's text is what was put since it was opened.  Blanks at its ends
 * belong to the sentence and not to the anchor.  The anchor of a link in
 * something hidden is recorded, as it says how a page is called, but its text
 * goes.  What a link has put is not taken back when something behind it
 * vanishes: it is `fixed`. */
static size_t close_link(struct bl_wikitext *walk, struct bl_frame *frame,
                         const struct bl_mark *mark)
{
    size_t start = frame->start, end, next = mark->end;
    bool shown = !walk->hidden;

    if (frame->piped && walk->text.len == start)
        put_bare_target(walk, frame);
    if (walk->text.len > start && shown)
        next = put_trail(walk, mark->end);
    end = walk->text.len;
    while (end > start && walk->text.data[end - 1] == ' ')
        end--;
    while (start < end && walk->text.data[start] == ' ')
        start++;
    if (frame->record)
        add_link(walk, frame, start, end, shown);
    pop(walk);
    if (!shown)
        bl_wikiwalk_shorten(walk, frame->start);
    else if (end > start)
        walk->fixed = end;
    else
        bl_wikiwalk_dropped(walk);
    walk->open_link = frame->open_link;
    walk->muted = frame->muted;
    walk->hidden = frame->hidden;
    walk->links_open--;
    return next;
}

/* ---- Templates ---- */

static struct bl_span template_name(const struct bl_wikitext *walk,
                                    const struct bl_mark *mark, size_t *after)
{
    size_t i = mark->end, end = walk->scan.v[mark->mate].start;

    end = i + bl_utf8_cut(walk->p + i, end - i, MAX_NAME);
    while (i < end && !strchr("|{}<[", walk->p[i])
           && (walk->p[i] != ':' || i == mark->end))
        i++;
    *after = i;
    return (struct bl_span){ walk->p + mark->end, i - mark->end };
}

static void look_at_name(struct bl_wikitext *walk, struct bl_span name)
{
    while (name.n && strchr(" \n\t", name.p[0])) {
        name.p++;
        name.n--;
    }
    while (name.n && strchr(" \n\t", name.p[name.n - 1]))
        name.n--;
    if (!walk->page.disambiguation)
        walk->page.disambiguation = bl_wiki_disambiguation_template(name);
    if (!walk->page.list)
        walk->page.list = bl_wiki_list_template(name);
}

static void push_arg(struct bl_wikitext *walk)
{
    BL_GROW(walk->args, walk->n_args + 1, walk->cap_args);
    walk->args[walk->n_args++] = walk->text.len;
}

static size_t open_template(struct bl_wikitext *walk,
                            const struct bl_mark *mark)
{
    size_t after;
    struct bl_span name = template_name(walk, mark, &after);
    const struct bl_rule *rule = NULL;
    struct bl_frame *frame;

    if (bl_wikiwalk_at_base(walk))
        look_at_name(walk, name);
    if (!walk->muted && walk->kept < MAX_KEPT
        && (after == walk->scan.v[mark->mate].start
            || strchr("|:", walk->p[after])))
        rule = bl_rule_find(name);
    if (!rule) {
        mute(walk, mark);
        return mark->end;
    }
    frame = push(walk, BL_FRAME_TEMPLATE, mark->mate);
    frame->rule = rule;
    walk->kept++;
    if (after < walk->scan.v[mark->mate].start && walk->p[after] == ':') {
        push_arg(walk);         /* "{{lc:WORD}}" */
        after++;
    }
    return after;
}

struct args {
    struct bl_span v[8];
    size_t n;
    bool lower;                 /* "lc=y" */
};

/* Whether an argument is "name=value", with a short word for a name.
 * "2=value" as the second argument is the same as without the number, which is
 * cut off. */
static bool named(struct bl_span *arg, size_t number)
{
    const char *eq = arg->n ? memchr(arg->p, '=', BL_MIN(arg->n, 24)) : NULL;
    size_t len = eq ? (size_t)(eq - arg->p) : 0;

    if (!eq)
        return false;
    if (len == 1 && arg->p[0] == (char)('1' + number)) {
        arg->p += 2;
        arg->n -= 2;
        return false;
    }
    for (size_t i = 0; i < len; i++)
        if (strchr("<>\"/.", arg->p[i]))
            return false;
    return true;
}

static void read_args(const struct bl_wikitext *walk,
                      const struct bl_frame *frame, struct args *out)
{
    *out = (struct args){ 0 };
    for (size_t i = frame->first_arg; i < walk->n_args; i++) {
        size_t end = i + 1 < walk->n_args ? walk->args[i + 1] : walk->text.len;
        struct bl_span arg = { walk->text.data + walk->args[i],
                               end - walk->args[i] };

        strip(&arg);
        if (named(&arg, out->n)) {
            out->lower |= bl_span_is(arg, "lc=y") || bl_span_is(arg, "lc=on");
            continue;
        }
        strip(&arg);
        if (out->n < BL_COUNT(out->v))
            out->v[out->n++] = arg;
    }
}

/* Takes away what was put since the frame began, except for `part` of it, and
 * moves the links in that part along. */
static void keep_part(struct bl_wikitext *walk, const struct bl_frame *frame,
                      struct bl_span part)
{
    size_t at = (size_t)(part.p - walk->text.data), shift = at - frame->start;

    for (size_t i = frame->first_link; i < walk->n_links; i++) {
        struct bl_wikilink *link = &walk->links[i];

        if (link->start == link->end)
            continue;
        if (link->start < at || link->end > at + part.n) {
            link->start = link->end = 0;
        } else {
            link->start -= shift;
            link->end -= shift;
        }
    }
    memmove(walk->text.data + frame->start, part.p, part.n);
    bl_wikiwalk_shorten(walk, frame->start + part.n);
}

/* The arguments are in the text, each rendered with its links.  A rule that
 * shows one of them keeps it where it is, links and all; the others make a
 * text of them, for which all the arguments go. */
static void close_template(struct bl_wikitext *walk,
                           const struct bl_frame *frame)
{
    const struct bl_rule *rule = frame->rule;
    struct args args;
    size_t number = 0;

    read_args(walk, frame, &args);
    if (rule->kind == BL_RULE_ARG)
        number = rule->arg <= args.n ? rule->arg : 0;
    else if (rule->kind == BL_RULE_LAST)
        number = args.n;
    pop(walk);
    if (number && args.v[number - 1].n) {
        keep_part(walk, frame, args.v[number - 1]);
        walk->fixed = walk->text.len;
    } else {
        bl_buf_clear(&walk->tmp);
        bl_buf_reserve(&walk->tmp, 1);
        if (rule->kind != BL_RULE_ARG && rule->kind != BL_RULE_LAST)
            bl_rule_apply(rule, args.v, args.n, args.lower, &walk->tmp);
        bl_wikiwalk_cut(walk, frame->start, frame->first_link);
        if (walk->tmp.len)
            bl_wikiwalk_put(walk, walk->tmp.data, walk->tmp.len);
        else
            bl_wikiwalk_dropped(walk);
    }
    walk->kept--;
}

size_t bl_wikiwalk_pipe(struct bl_wikitext *walk, size_t i)
{
    struct bl_frame *frame = walk->depth ? &walk->frames[walk->depth - 1]
                                         : NULL;

    if (frame && frame->kind == BL_FRAME_TEMPLATE) {
        push_arg(walk);
    } else if (frame && frame->kind == BL_FRAME_LINK && !frame->piped) {
        frame->piped = true;
        bl_wikiwalk_cut(walk, frame->start, frame->first_link);
    } else {
        bl_wikiwalk_put(walk, "|", 1);
    }
    return i + 1;
}

/* ---- Marks ---- */

/* A formula of letters and signs ("x", "n + 1") reads as it is; one with TeX's
 * commands does not, and vanishes. */
static void put_math(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    size_t len = mark->end - mark->start;

    for (size_t i = mark->start; i < mark->end; i++)
        if (strchr("\\{}&_", walk->p[i]) || (unsigned char)walk->p[i] < ' ')
            len = 0;
    if (len && len <= 40)
        bl_wikiwalk_put(walk, walk->p + mark->start, len);
    else
        bl_wikiwalk_dropped(walk);
}

/* "10<sup>6</sup>" is "10^6", "km<sup>2</sup>" is "km2". */
static void put_tag(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    char last = bl_wikiwalk_last(walk);

    switch (mark->tag) {
    case BL_TAG_SUP:
        if (last >= '0' && last <= '9')
            bl_wikiwalk_put(walk, "^", 1);
        break;
    case BL_TAG_BREAK:
        bl_wikiwalk_put(walk, " ", 1);
        break;
    case BL_TAG_BLOCK:
    case BL_TAG_ITEM:
        bl_wikiwalk_break(walk, mark->tag == BL_TAG_ITEM);
        break;
    default:
        break;
    }
}

static size_t close_frame(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    struct bl_frame *frame = walk->depth ? &walk->frames[walk->depth - 1]
                                         : NULL;

    /* The opening of this end was jumped over, as part of a name or target. */
    if (!frame || &walk->scan.v[frame->mate] != mark)
        return mark->end;
    if (frame->kind == BL_FRAME_LINK)
        return close_link(walk, frame, mark);
    if (frame->kind == BL_FRAME_TEMPLATE) {
        close_template(walk, frame);
    } else {
        pop(walk);
        walk->muted = frame->muted;
        if (!walk->muted)
            bl_wikiwalk_dropped(walk);
    }
    return mark->end;
}

/* Handles a mark that is not an opening. */
static size_t plain_mark(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    if (walk->muted)
        return mark->end;
    if (mark->kind == BL_MARK_RAW)
        bl_wikiwalk_put(walk, walk->p + mark->start, mark->end - mark->start);
    else if (mark->kind == BL_MARK_MATH)
        put_math(walk, mark);
    else if (mark->kind == BL_MARK_TAG)
        put_tag(walk, mark);
    else if (mark->end > mark->start)
        bl_wikiwalk_dropped(walk);
    return mark->end;
}

size_t bl_wikiwalk_mark(struct bl_wikitext *walk, const struct bl_mark *mark)
{
    if (mark->kind == BL_MARK_CLOSE)
        return close_frame(walk, mark);
    if (mark->kind < BL_MARK_TEMPLATE)
        return plain_mark(walk, mark);
    if (!mark->mate) {          /* an opening without an end */
        if (!walk->muted)
            bl_wikiwalk_dropped(walk);
        return mark->end;
    }
    if (mark->kind == BL_MARK_LINK)
        return open_link(walk, mark);
    if (mark->kind == BL_MARK_TEMPLATE)
        return open_template(walk, mark);
    if (mark->kind == BL_MARK_TABLE && bl_wikiwalk_at_base(walk))
        bl_wikiwalk_break(walk, false);
    mute(walk, mark);
    return mark->end;
}
