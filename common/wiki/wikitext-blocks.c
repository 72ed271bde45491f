/* SPDX-License-Identifier: MIT */
/* wikitext-blocks: paragraphs, items and headings of the text so far. */
#include "config.h"

#include "base/mem.h"
#include "wiki/wikitext-walk.h"

bool bl_wikiwalk_at_base(const struct bl_wikitext *walk)
{
    return walk->depth == 0;
}

/* A block without text leaves nothing.  One of debris (rows of a table without
 * its beginning) loses its text, but its links stay without a place. */
void bl_wikiwalk_end_block(struct bl_wikitext *walk)
{
    struct bl_buf *text = &walk->text;

    bl_wikiwalk_trim(walk, " ");
    if (walk->debris)
        bl_wikiwalk_cut(walk, walk->block_start, walk->block_link);
    if (text->len > walk->block_start) {
        BL_GROW(walk->blocks, walk->n_blocks + 1, walk->cap_blocks);
        walk->blocks[walk->n_blocks++] = (struct bl_wikiblock){
            walk->block_start, text->len, walk->kind };
        bl_buf_putc(text, '\n');
    }
    walk->block_start = walk->fixed = text->len;
    walk->block_link = walk->n_links;
    walk->kind = BL_WIKI_TEXT;
    walk->debris = false;
    walk->external = 0;
    walk->dropped = SIZE_MAX;
}

void bl_wikiwalk_begin_block(struct bl_wikitext *walk,
                             enum bl_wikiblock_kind kind)
{
    bl_wikiwalk_end_block(walk);
    walk->kind = kind;
}

void bl_wikiwalk_break(struct bl_wikitext *walk, bool item)
{
    if (bl_wikiwalk_at_base(walk))
        bl_wikiwalk_begin_block(walk, item ? BL_WIKI_ITEM : BL_WIKI_TEXT);
    else
        bl_wikiwalk_put(walk, " ", 1);
}
