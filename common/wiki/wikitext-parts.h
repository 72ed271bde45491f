/* SPDX-License-Identifier: MIT */
/*
 * wikitext-parts: what the files of wikitext share.
 *
 * wikitext-scan.c finds all markup that comes in pairs and says what belongs
 * to what; wikitext.c then walks over the source once and knows at each
 * opening where it ends, so that nothing has to be taken back.
 */
#ifndef BL_WIKITEXT_PARTS_H
#define BL_WIKITEXT_PARTS_H

#include "base/buf.h"
#include "wiki/wikitext.h"

enum bl_mark_kind {
    BL_MARK_SKIP,               /* a comment, or the tags of raw text */
    BL_MARK_RAW,                /* text without markup: <nowiki> */
    BL_MARK_MATH,               /* the inside of <math> */
    BL_MARK_TAG,                /* a tag of HTML, see tag */
    BL_MARK_TEMPLATE,           /* {{ ... }} */
    BL_MARK_LINK,               /* [[ ... ]] */
    BL_MARK_TABLE,              /* {| ... |} */
    BL_MARK_DROP,               /* <ref> ... </ref> and the like */
    BL_MARK_CLOSE               /* the end of one of the four above */
};

enum bl_tag_kind {
    BL_TAG_INLINE, BL_TAG_BREAK, BL_TAG_BLOCK, BL_TAG_ITEM, BL_TAG_SUP,
    BL_TAG_DROP,                /* the inside is not shown */
    BL_TAG_RAW_DROP,            /* and is no wikitext */
    BL_TAG_MATH, BL_TAG_NOWIKI
};

struct bl_mark {
    uint32_t start, end;        /* bytes of the source */
    uint32_t mate;              /* of an opening: the mark that ends it; 0:
                                 * nothing does */
    uint8_t kind;               /* enum bl_mark_kind */
    uint8_t tag;                /* enum bl_tag_kind, of a BL_MARK_TAG */
};

struct bl_scan {
    struct bl_mark *v;          /* [n], in the order of start */
    size_t n, cap;
    struct bl_scan_open *open;  /* the stack, [depth] */
    size_t depth, cap_open;
};

/* Finds the marks of a source. */
void bl_scan_source(struct bl_scan *scan, struct bl_span source);
void bl_scan_free(struct bl_scan *scan);

/* ---- Templates that leave a text behind ---- */

enum bl_rule_kind {
    BL_RULE_ARG,                /* the argument of that number */
    BL_RULE_LAST,               /* the last one */
    BL_RULE_JOIN,               /* all, with `text` between them */
    BL_RULE_TEXT,               /* `text` */
    BL_RULE_PREFIX,             /* `text` and the first argument */
    BL_RULE_CONVERT,            /* "5|km|mi": "5 km"; "5|-|6|km": "5-6 km" */
    BL_RULE_AS_OF,              /* "As of" and a date */
    BL_RULE_FRACTION            /* 1/2, 1 1/2 */
};

struct bl_rule {
    const char *name;           /* lower case, blanks */
    uint8_t kind, arg;
    const char *text;
};

/* The rule for a template's name as written; NULL: it vanishes. */
const struct bl_rule *bl_rule_find(struct bl_span name);

/* Appends what a rule other than ARG and LAST makes of its arguments (as
 * rendered, named ones left out). */
void bl_rule_apply(const struct bl_rule *rule, const struct bl_span *args,
                   size_t n_args, bool lower, struct bl_buf *out);

#endif
