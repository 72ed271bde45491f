/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "kb/kb-wiki-parts.h"

/* Results point into work->keep, which moves while it grows.  Until the batch
 * is done, `p` of such a span is an offset plus one; 0 is still NULL. */
static struct bl_span offset(const struct bl_wiki_work *work, size_t start)
{
    return (struct bl_span){ (const char *)(uintptr_t)(start + 1),
                             work->keep.len - start };
}

static void settle(const struct bl_wiki_work *work, struct bl_span *span)
{
    if (span->p)
        span->p = span->n ? work->keep.data + ((uintptr_t)span->p - 1) : "";
}

/* ---- The first paragraphs ---- */

static bool readable(struct bl_span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c >= 0x80 || (c >= '0' && c <= '9')
            || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return true;
    }
    return false;
}

static struct bl_span block_text(const struct bl_wikipage *page, size_t i)
{
    const struct bl_wikiblock *block = &page->blocks[i];

    return (struct bl_span){ page->text.p + block->start,
                             block->end - block->start };
}

/* Cuts what was put at `start` to max characters: at the end of a sentence if
 * there is one in the second half, else between words, and inside a word only
 * if the second half has no blank. */
static void cut_text(struct bl_buf *out, size_t start, size_t max)
{
    const char *text = out->data + start;
    size_t end = bl_utf8_offset(text, out->len - start, max), n;

    if (end == SIZE_MAX || end == out->len - start)
        return;
    for (n = end; n > end / 2; n--)
        if (strchr(".!?", text[n - 1]) && (text[n] == ' ' || text[n] == '\n'))
            break;
    if (n == end / 2) {
        for (n = end; n > end / 2 && text[n] != ' ' && text[n] != '\n'; n--)
            ;
        if (n == end / 2)
            n = end;
    }
    out->len = start + n;
}

/* Puts the blocks of one kind, with `lead` only those before the first
 * heading, until there are max bytes. */
static void put_blocks(struct bl_buf *out, const struct bl_wikipage *page,
                       enum bl_wikiblock_kind kind, bool lead, size_t max)
{
    size_t start = out->len;

    for (size_t i = 0; i < page->n_blocks && out->len - start < max; i++) {
        if (page->blocks[i].kind == BL_WIKI_HEADING && lead)
            break;
        if (page->blocks[i].kind != kind || !readable(block_text(page, i)))
            continue;
        if (out->len > start)
            bl_buf_putc(out, '\n');
        bl_buf_put_span(out, block_text(page, i));
    }
}

/* The paragraphs before the first heading; where there are none, the first
 * ones, or the first items. */
static struct bl_span first_paragraphs(struct bl_wiki_work *work,
                                       const struct bl_wikipage *page)
{
    size_t start = work->keep.len, max = work->opts->text_length;
    size_t bytes = max * 4;

    put_blocks(&work->keep, page, BL_WIKI_TEXT, true, bytes);
    if (work->keep.len == start)
        put_blocks(&work->keep, page, BL_WIKI_TEXT, false, bytes);
    if (work->keep.len == start)
        put_blocks(&work->keep, page, BL_WIKI_ITEM, false, bytes);
    if (work->keep.len > start)
        cut_text(&work->keep, start, max);
    return offset(work, start);
}

/* ---- Links and mentions ---- */

static void put_links(struct bl_wiki_work *work,
                      const struct bl_wikipage *page)
{
    for (size_t i = 0; i < page->n_links; i++) {
        const struct bl_wikilink *link = &page->links[i];
        uint32_t len = (uint32_t)(link->key.n + 1 + link->anchor.n);

        if (link->anchor.n > 255)
            continue;           /* longer than any title */
        bl_buf_put(&work->links, &len, sizeof len);
        bl_buf_put_span(&work->links, link->key);
        bl_buf_putc(&work->links, '\0');
        bl_buf_put_span(&work->links, link->anchor);
        work->n_links++;
    }
}

static void put_mention(struct bl_wiki_work *work,
                        const struct bl_wikilink *link, size_t shift)
{
    size_t start = work->keep.len;

    BL_GROW(work->mentions, work->n_mentions + 1, work->cap_mentions);
    bl_buf_put_span(&work->keep, link->key);
    work->mentions[work->n_mentions++] = (struct bl_wiki_mention){
        link->start - shift, link->end - shift, offset(work, start) };
}

/* Puts the page's paragraphs, then the mentions in them.  A link's place is in
 * the page's text, a mention's in the prose, which leaves out headings and
 * lists; `put` is the length of the prose before the block. */
static void put_prose(struct bl_wiki_work *work, struct bl_wiki_result *result,
                      const struct bl_wikipage *page)
{
    size_t start = work->keep.len, put = 0, link = 0;

    for (size_t i = 0; i < page->n_blocks; i++) {
        if (page->blocks[i].kind != BL_WIKI_TEXT)
            continue;
        bl_buf_put_span(&work->keep, block_text(page, i));
        bl_buf_putc(&work->keep, '\n');
    }
    result->prose = offset(work, start);
    result->first_mention = work->n_mentions;
    for (size_t i = 0; i < page->n_blocks; i++) {
        const struct bl_wikiblock *block = &page->blocks[i];

        if (block->kind != BL_WIKI_TEXT)
            continue;
        while (link < page->n_links
               && (page->links[link].end == 0
                   || page->links[link].start < block->start))
            link++;
        for (; link < page->n_links && page->links[link].start < block->end;
             link++)
            if (page->links[link].end != 0)
                put_mention(work, &page->links[link], block->start - put);
        put += block->end - block->start + 1;
    }
    result->n_mentions = work->n_mentions - result->first_mention;
}

/* ---- Pages ---- */

/* Old dumps have no <redirect> element; the text alone says it: "#REDIRECT
 * [[Target]]". */
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

static bool wanted(const struct bl_kb_wiki_opts *opts, int ns)
{
    for (size_t i = 0; i < opts->n_namespaces; i++)
        if (opts->namespaces[i] == ns)
            return true;
    return opts->n_namespaces == 0 && ns == 0;
}

static void read_redirect(struct bl_wiki_work *work,
                          struct bl_wiki_result *result, struct bl_span target)
{
    size_t start = work->keep.len;
    int ns;

    result->kind = BL_WIKI_REDIRECT;
    bl_wikititle_key(work->batch.site, target, &work->keep, &ns);
    result->target = offset(work, start);
}

/* A page that is left out still says by its links how other pages are called.
 * Disambiguation pages are the exception, as blink-kb(1) promises. */
static void read_article(struct bl_wiki_work *work,
                         struct bl_wiki_result *result, struct bl_span text)
{
    const struct bl_kb_wiki_opts *opts = work->opts;
    const struct bl_wikipage *page = bl_wikitext_read(work->reader,
                                                      work->batch.site, text);

    result->disambiguation = page->disambiguation
        || bl_wiki_disambiguation_title(result->title);
    result->list = !result->disambiguation
        && (page->list || bl_wiki_list_title(result->title));
    if ((!result->disambiguation || opts->disambiguation)
        && (!result->list || opts->lists))
        result->kind = BL_WIKI_ENTITY;
    if (!result->disambiguation)
        put_links(work, page);
    if (result->kind != BL_WIKI_ENTITY)
        return;
    result->text = first_paragraphs(work, page);
    if (opts->mentions)
        put_prose(work, result, page);
}

static void read_page(struct bl_wiki_work *work,
                      const struct bl_wikipage_source *page,
                      struct bl_wiki_result *result)
{
    struct bl_span target = page->redirect;
    size_t start = work->keep.len;

    *result = (struct bl_wiki_result){ .kind = BL_WIKI_LEFT_OUT,
                                       .id = page->id, .title = page->title };
    if (!wanted(work->opts, page->ns)
        || !bl_wikititle_page_key(work->batch.site, page->title, page->ns,
                                  &work->keep))
        return;
    result->key = offset(work, start);
    if (!target.p)
        target = old_redirect(page->text);
    if (target.p)
        read_redirect(work, result, target);
    else
        read_article(work, result, page->text);
}

/* The buffers of the work are used again by the next batch.  Offsets become
 * pointers at the end, when work->keep has stopped moving. */
void bl_wiki_work_on(void *arg)
{
    struct bl_wiki_work *work = arg;

    bl_buf_clear(&work->keep);
    bl_buf_reserve(&work->keep, 1);
    bl_buf_clear(&work->links);
    work->n_mentions = work->n_links = 0;
    if (!work->reader)
        work->reader = bl_wikitext_new();
    BL_GROW(work->results, work->batch.n, work->cap_results);
    for (size_t i = 0; i < work->batch.n; i++)
        read_page(work, &work->batch.pages[i], &work->results[i]);
    for (size_t i = 0; i < work->batch.n; i++) {
        settle(work, &work->results[i].key);
        settle(work, &work->results[i].target);
        settle(work, &work->results[i].text);
        settle(work, &work->results[i].prose);
    }
    for (size_t i = 0; i < work->n_mentions; i++)
        settle(work, &work->mentions[i].key);
}

void bl_wiki_work_free(struct bl_wiki_work *work)
{
    if (!work)
        return;
    bl_wikibatch_free(&work->batch);
    bl_wikitext_free(work->reader);
    bl_buf_free(&work->keep);
    bl_buf_free(&work->links);
    free(work->results);
    free(work->mentions);
    free(work);
}
