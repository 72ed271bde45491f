/* SPDX-License-Identifier: MIT */
/*
 * wikitext: the text that a reader sees in a page, and its links.
 *
 *     struct bl_wikitext *walk = bl_wikitext_new();
 *     const struct bl_wikipage *page = bl_wikitext_read(walk, site,
 *                                                       source);
 *     for (size_t i = 0; i < page->n_blocks; i++) ... page->blocks[i] ...
 *     bl_wikitext_free(walk);
 *
 * "'''Paris''' ({{IPA|fr}}) is the [[capital]] of [[France]]." gives the
 * block "Paris is the capital of France." and two links.  Templates,
 * tables, references, images and comments vanish with the blanks and empty
 * brackets around them; of some templates that stand inside sentences
 * (wikitext-templates.c) a text is kept.  What is broken is shown as well as
 * can be: an opening without an end is left out, not what follows it.  Links
 * in what vanishes are given too, as they say how pages are called.
 *
 * Work is linear in the source, whatever it is, and nothing recurs.  The
 * page is borrowed until the next call; one struct bl_wikitext belongs to
 * one thread and keeps its memory between pages.
 */
#ifndef BL_WIKITEXT_H
#define BL_WIKITEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wiki/wikititle.h"

enum bl_wikiblock_kind {
    BL_WIKI_TEXT,               /* a paragraph */
    BL_WIKI_ITEM,               /* of a list, or indented */
    BL_WIKI_HEADING
};

struct bl_wikiblock {
    size_t start, end;          /* bytes of the text, never empty */
    enum bl_wikiblock_kind kind;
};

struct bl_wikilink {
    size_t start, end;          /* in the text; start == end: not in it */
    struct bl_span key;         /* of the page (wikititle.h) */
    struct bl_span anchor;      /* what it is called there, one line */
};

struct bl_wikipage {
    struct bl_span text;        /* the blocks, "\n" after each */
    const struct bl_wikiblock *blocks;      /* [n_blocks] */
    size_t n_blocks;
    const struct bl_wikilink *links;        /* [n_links], in their order */
    size_t n_links;
    bool disambiguation;        /* says so by template or magic word */
    bool list;                  /* says that it is an index of a set */
};

struct bl_wikitext;

/* A reader, with no memory yet. */
struct bl_wikitext *bl_wikitext_new(void);
void bl_wikitext_free(struct bl_wikitext *walk);           /* NULL allowed */

/* Reads VALID UTF-8 of less than 2 GiB. */
const struct bl_wikipage *bl_wikitext_read(struct bl_wikitext *walk,
                                           const struct bl_wikisite *site,
                                           struct bl_span source);

#endif
