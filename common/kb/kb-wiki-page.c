/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "kb/kb-wiki-parts.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Results point into `keep`, which moves while it grows: until a batch is
 * done, p is an offset plus one, 0 standing for NULL. */
static struct bl_span offset(const struct bl_wiki_work *w, size_t start)
{
    return (struct bl_span){ (const char *)(uintptr_t)(start + 1),
                             w->keep.len - start };
}

static void settle(const struct bl_wiki_work *w, struct bl_span *s)
{
    if (s->p)
        s->p = s->n ? w->keep.data + ((uintptr_t)s->p - 1) : "";
}

/* ---- The first paragraphs ---- */

static bool readable(struct bl_span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x80 || (c >= '0' && c <= '9')
            || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return true;
    }
    return false;
}

static struct bl_span block_text(const struct bl_wikipage *p, size_t i)
{
    const struct bl_wikiblock *b = &p->blocks[i];

    return (struct bl_span){ p->text.p + b->start, b->end - b->start };
}

/* Ends what was put at `start` after max characters: at a sentence's end if
 * one lies in the second half, else between words. */
static void cut_text(struct bl_buf *out, size_t start, size_t max)
{
    const char *p = out->data + start;
    size_t end = bl_utf8_offset(p, out->len - start, max), n;

    if (end == SIZE_MAX || end == out->len - start)
        return;
    for (n = end; n > end / 2; n--)
        if (strchr(".!?", p[n - 1]) && (p[n] == ' ' || p[n] == '\n'))
            break;
    if (n == end / 2) {
        for (n = end; n > end / 2 && p[n] != ' ' && p[n] != '\n'; n--)
            ;
        if (n == end / 2)
            n = end;
    }
    out->len = start + n;
}

/* Blocks of one kind, up to the first heading if lead, until there are max
 * bytes. */
static void put_blocks(struct bl_buf *out, const struct bl_wikipage *p,
                       enum bl_wikiblock_kind kind, bool lead, size_t max)
{
    size_t start = out->len;

    for (size_t i = 0; i < p->n_blocks && out->len - start < max; i++) {
        if (p->blocks[i].kind == BL_WIKI_HEADING && lead)
            break;
        if (p->blocks[i].kind != kind || !readable(block_text(p, i)))
            continue;
        if (out->len > start)
            bl_buf_putc(out, '\n');
        bl_buf_put_span(out, block_text(p, i));
    }
}

/* The paragraphs before the first heading; where there are none, the first
 * ones, or the first items. */
static struct bl_span first_paragraphs(struct bl_wiki_work *w,
                                       const struct bl_wikipage *p)
{
    size_t start = w->keep.len, max = w->opts->text_length;
    size_t bytes = max * 4;

    put_blocks(&w->keep, p, BL_WIKI_TEXT, true, bytes);
    if (w->keep.len == start)
        put_blocks(&w->keep, p, BL_WIKI_TEXT, false, bytes);
    if (w->keep.len == start)
        put_blocks(&w->keep, p, BL_WIKI_ITEM, false, bytes);
    if (w->keep.len > start)
        cut_text(&w->keep, start, max);
    return offset(w, start);
}

/* ---- Links and mentions ---- */

static void put_links(struct bl_wiki_work *w, const struct bl_wikipage *p)
{
    for (size_t i = 0; i < p->n_links; i++) {
        const struct bl_wikilink *l = &p->links[i];
        uint32_t n = (uint32_t)(l->key.n + 1 + l->anchor.n);

        if (l->anchor.n > 255)
            continue;           /* longer than any title */
        bl_buf_put(&w->links, &n, sizeof n);
        bl_buf_put_span(&w->links, l->key);
        bl_buf_putc(&w->links, '\0');
        bl_buf_put_span(&w->links, l->anchor);
        w->n_links++;
    }
}

static void put_mention(struct bl_wiki_work *w, const struct bl_wikilink *l,
                        size_t shift)
{
    size_t start = w->keep.len;

    BL_GROW(w->mentions, w->n_mentions + 1, w->cap_mentions);
    bl_buf_put_span(&w->keep, l->key);
    w->mentions[w->n_mentions++] = (struct bl_wiki_mention){
        l->start - shift, l->end - shift, offset(w, start) };
}

/* The paragraphs of the page, then the links that stand in them. */
static void put_prose(struct bl_wiki_work *w, struct bl_wiki_result *r,
                      const struct bl_wikipage *p)
{
    size_t start = w->keep.len, put = 0, link = 0;

    for (size_t i = 0; i < p->n_blocks; i++) {
        if (p->blocks[i].kind != BL_WIKI_TEXT)
            continue;
        bl_buf_put_span(&w->keep, block_text(p, i));
        bl_buf_putc(&w->keep, '\n');
    }
    r->prose = offset(w, start);
    r->first_mention = w->n_mentions;
    for (size_t i = 0; i < p->n_blocks; i++) {
        const struct bl_wikiblock *b = &p->blocks[i];

        if (b->kind != BL_WIKI_TEXT)
            continue;
        while (link < p->n_links && (p->links[link].end == 0
                                     || p->links[link].start < b->start))
            link++;
        for (; link < p->n_links && p->links[link].start < b->end; link++)
            if (p->links[link].end != 0)
                put_mention(w, &p->links[link], b->start - put);
        put += b->end - b->start + 1;
    }
    r->n_mentions = w->n_mentions - r->first_mention;
}

/* ---- Pages ---- */

/* Dumps of old say it in the text only: "#REDIRECT [[Target]]". */
static struct bl_span old_redirect(struct bl_span text)
{
    static const char word[] = "#redirect";
    const char *open, *close, *nl;

    if (text.n < sizeof word || strncasecmp(text.p, word, sizeof word - 1))
        return (struct bl_span){ NULL, 0 };
    nl = memchr(text.p, '\n', text.n);
    if (nl)
        text.n = (size_t)(nl - text.p);
    open = memmem(text.p, text.n, "[[", 2);
    close = memmem(text.p, text.n, "]]", 2);
    if (!open || !close || close < open + 2)
        return (struct bl_span){ NULL, 0 };
    return (struct bl_span){ open + 2, (size_t)(close - open - 2) };
}

static bool wanted(const struct bl_kb_wiki_opts *o, int ns)
{
    for (size_t i = 0; i < o->n_namespaces; i++)
        if (o->namespaces[i] == ns)
            return true;
    return o->n_namespaces == 0 && ns == 0;
}

static void read_redirect(struct bl_wiki_work *w, struct bl_wiki_result *r,
                          struct bl_span target)
{
    size_t start = w->keep.len;
    int ns;

    r->kind = BL_WIKI_REDIRECT;
    bl_wikititle_key(w->batch.site, target, &w->keep, &ns);
    r->target = offset(w, start);
}

static void read_article(struct bl_wiki_work *w, struct bl_wiki_result *r,
                         struct bl_span text)
{
    const struct bl_kb_wiki_opts *o = w->opts;
    const struct bl_wikipage *p = bl_wikitext_read(w->reader, w->batch.site,
                                                   text);

    r->disambiguation = p->disambiguation
        || bl_wiki_disambiguation_title(r->title);
    r->list = !r->disambiguation
        && (p->list || bl_wiki_list_title(r->title));
    if ((!r->disambiguation || o->disambiguation) && (!r->list || o->lists))
        r->kind = BL_WIKI_ENTITY;
    if (!r->disambiguation)
        put_links(w, p);
    if (r->kind != BL_WIKI_ENTITY)
        return;
    r->text = first_paragraphs(w, p);
    if (o->mentions)
        put_prose(w, r, p);
}

static void read_page(struct bl_wiki_work *w,
                      const struct bl_wikipage_source *page,
                      struct bl_wiki_result *r)
{
    struct bl_span target = page->redirect;
    size_t start = w->keep.len;

    *r = (struct bl_wiki_result){ .kind = BL_WIKI_LEFT_OUT,
                                  .id = page->id, .title = page->title };
    if (!wanted(w->opts, page->ns)
        || !bl_wikititle_page_key(w->batch.site, page->title, page->ns,
                                  &w->keep))
        return;
    r->key = offset(w, start);
    if (!target.p)
        target = old_redirect(page->text);
    if (target.p)
        read_redirect(w, r, target);
    else
        read_article(w, r, page->text);
}

void bl_wiki_work_on(void *arg)
{
    struct bl_wiki_work *w = arg;

    bl_buf_clear(&w->keep);
    bl_buf_reserve(&w->keep, 1);
    bl_buf_clear(&w->links);
    w->n_mentions = w->n_links = 0;
    if (!w->reader)
        w->reader = bl_wikitext_new();
    BL_GROW(w->results, w->batch.n, w->cap_results);
    for (size_t i = 0; i < w->batch.n; i++)
        read_page(w, &w->batch.pages[i], &w->results[i]);
    for (size_t i = 0; i < w->batch.n; i++) {
        settle(w, &w->results[i].key);
        settle(w, &w->results[i].target);
        settle(w, &w->results[i].text);
        settle(w, &w->results[i].prose);
    }
    for (size_t i = 0; i < w->n_mentions; i++)
        settle(w, &w->mentions[i].key);
}

void bl_wiki_work_free(struct bl_wiki_work *w)
{
    if (!w)
        return;
    bl_wikibatch_free(&w->batch);
    bl_wikitext_free(w->reader);
    bl_buf_free(&w->keep);
    bl_buf_free(&w->links);
    free(w->results);
    free(w->mentions);
    free(w);
}
