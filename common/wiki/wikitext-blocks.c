/* SPDX-License-Identifier: MIT */
/* wikitext-blocks: paragraphs, items and headings of the text so far. */
#include "config.h"

#include "base/mem.h"
#include "wiki/wikitext-walk.h"

bool bl_wikiwalk_at_base(const struct bl_wikitext *w)
{
    return w->depth == 0;
}

void bl_wikiwalk_end_block(struct bl_wikitext *w)
{
    struct bl_buf *t = &w->text;

    while (t->len > w->block_start && t->data[t->len - 1] == ' ')
        t->len--;
    if (w->debris)
        bl_wikiwalk_cut(w, w->block_start, w->block_link);
    if (t->len > w->block_start) {
        BL_GROW(w->blocks, w->n_blocks + 1, w->cap_blocks);
        w->blocks[w->n_blocks++] = (struct bl_wikiblock){
            w->block_start, t->len, w->kind };
        bl_buf_putc(t, '\n');
    }
    w->block_start = w->floor = t->len;
    w->block_link = w->n_links;
    w->kind = BL_WIKI_TEXT;
    w->debris = false;
    w->external = 0;
    w->dropped = SIZE_MAX;
}

void bl_wikiwalk_begin_block(struct bl_wikitext *w,
                             enum bl_wikiblock_kind kind)
{
    bl_wikiwalk_end_block(w);
    w->kind = kind;
}

void bl_wikiwalk_break(struct bl_wikitext *w, bool item)
{
    if (bl_wikiwalk_at_base(w))
        bl_wikiwalk_begin_block(w, item ? BL_WIKI_ITEM : BL_WIKI_TEXT);
    else
        bl_wikiwalk_put(w, " ", 1);
}
