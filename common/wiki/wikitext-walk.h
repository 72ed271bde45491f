/* SPDX-License-Identifier: MIT */
/*
 * wikitext-walk: the state of the walk of wikitext.c, which
 * wikitext-frames.c (the stack of what is open), wikitext-blocks.c
 * (paragraphs) and wikitext-put.c (the text) share.
 */
#ifndef BL_WIKITEXT_WALK_H
#define BL_WIKITEXT_WALK_H

#include "wiki/wikitext-parts.h"

enum bl_frame_kind { BL_FRAME_MUTED, BL_FRAME_LINK, BL_FRAME_TEMPLATE };

/* Something that is open. */
struct bl_frame {
    uint8_t kind;
    bool record;                /* a link to a page of this wiki */
    bool piped;                 /* a link whose target is past */
    bool hidden;                /* to be put back */
    uint32_t mate;              /* the mark that ends it */
    size_t start;               /* where its text begins */
    size_t fixed, muted, open_link;     /* to be put back */
    size_t first_link, first_arg;
    const struct bl_rule *rule;
    uint32_t key, n_key;        /* of a link, in names */
    uint32_t target, n_target;  /* of a link, in the source */
};

struct bl_wikiwalk_name { uint32_t key, n_key, anchor, n_anchor; };

struct bl_wikitext {
    const struct bl_wikisite *site;
    const char *p;              /* the source, [n] */
    size_t n;
    struct bl_scan scan;
    size_t mark;                /* the next one */
    struct bl_frame *frames;    /* [depth] */
    size_t depth, cap_frames;
    size_t muted;               /* frames that hide what is in them, since
                                 * the last link began */
    bool hidden;                /* that link is in such a frame itself */
    size_t links_open;
    size_t kept;                /* templates that leave text, open */
    size_t open_link;           /* the innermost one's frame, or SIZE_MAX */
    size_t *args;               /* where arguments begin in the text */
    size_t n_args, cap_args;
    struct bl_buf text;         /* only wikitext-put.c makes it shorter */
    struct bl_buf names, tmp;
    size_t block_start, block_link;
    size_t fixed;               /* where the last link or argument that is
                                 * shown ends */
    size_t dropped;             /* where something vanished last */
    size_t external;            /* "[url label" that wait for their "]" */
    size_t heading_end, heading_eol;
    size_t quotes_known, apostrophe;
    enum bl_wikiblock_kind kind;
    bool debris;                /* the block will vanish */
    bool new_line;
    struct bl_wikiblock *blocks;
    size_t n_blocks, cap_blocks;
    struct bl_wikilink *links;
    struct bl_wikiwalk_name *link_names;
    size_t n_links, cap_links;
    struct bl_wikipage page;
};

/* ---- wikitext-url.c ---- */

/* The bytes of the blank at i; 0: there is none. */
size_t bl_wikiwalk_blank(const struct bl_wikitext *walk, size_t i,
                         size_t limit);
/* The end of the address that begins at i, before `limit`. */
size_t bl_wikiwalk_url_end(const struct bl_wikitext *walk, size_t i,
                           size_t limit);

/* ---- wikitext-blocks.c ---- */

/* Nothing is open. */
bool bl_wikiwalk_at_base(const struct bl_wikitext *walk);
/* Ends the block that is open, if it has text; begins one of this kind. */
void bl_wikiwalk_end_block(struct bl_wikitext *walk);
void bl_wikiwalk_begin_block(struct bl_wikitext *walk,
                             enum bl_wikiblock_kind kind);
/* A new paragraph, or item, begins. */
void bl_wikiwalk_break(struct bl_wikitext *walk, bool item);

/* ---- wikitext-put.c ---- */

/* The last character of the block so far; at its start a blank. */
char bl_wikiwalk_last(const struct bl_wikitext *walk);
/* Appends text; blanks become one, and what a dropped piece leaves around
 * itself ("( ; 1900)") is mended. */
void bl_wikiwalk_put(struct bl_wikitext *walk, const char *text, size_t len);
/* The text before this stays as it is, because a block, a link, a frame that
 * is open or one of its arguments has its place there.  It is worked out from
 * those each time, so that none can be forgotten. */
size_t bl_wikiwalk_floor(const struct bl_wikitext *walk);
/* Makes the text `len` bytes long, or as short as the floor allows. */
void bl_wikiwalk_shorten(struct bl_wikitext *walk, size_t len);
/* Takes characters of `set` off the end, down to the floor. */
void bl_wikiwalk_trim(struct bl_wikitext *walk, const char *set);
/* Something vanished here. */
void bl_wikiwalk_dropped(struct bl_wikitext *walk);
/* Takes the text from `start` on away; the links from first_link on stay
 * without a place. */
void bl_wikiwalk_cut(struct bl_wikitext *walk, size_t start,
                     size_t first_link);

/* ---- wikitext-frames.c ---- */

/* A '|' of the source; returns where to go on. */
size_t bl_wikiwalk_pipe(struct bl_wikitext *walk, size_t i);
/* The mark at which the walk is; returns where to go on. */
size_t bl_wikiwalk_mark(struct bl_wikitext *walk, const struct bl_mark *mark);

#endif
