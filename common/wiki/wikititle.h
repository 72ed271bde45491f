/* SPDX-License-Identifier: MIT */
/*
 * wikititle: titles of a MediaWiki site, what links name with them, and
 * which pages are no articles.
 *
 *     struct bl_wikisite *site = bl_wikisite_new();
 *     bl_wikisite_namespace(site, 14, bl_span_of("Kategorie"));
 *     switch (bl_wikititle_key(site, bl_span_of("paris_#History"), &key,
 *                              &ns)) ...           BL_WIKI_PAGE, "paris"
 *     bl_wikisite_free(site);
 *
 * Two spellings of one title have the same key: underscores are blanks,
 * blanks are single, HTML entities and %XX are decoded, "#section" is cut
 * off, and the first letter is small where the site does not tell it apart
 * (the key is for comparing, not for showing).  A page outside namespace 0
 * has "\1NUMBER\1" before its key.  Names of namespaces come from the dump's
 * <siteinfo>; MediaWiki's English ones, which every wiki takes too, are
 * there from the start.  A site is only read once it is set up, so threads
 * may share it.
 */
#ifndef BL_WIKITITLE_H
#define BL_WIKITITLE_H

#include <stdbool.h>

#include "base/buf.h"

struct bl_wikisite;

/* A site with MediaWiki's English names. */
struct bl_wikisite *bl_wikisite_new(void);
void bl_wikisite_free(struct bl_wikisite *site);        /* NULL allowed */

/* As <siteinfo> says: a namespace's name; the address of the main page, from
 * which those of the others are made (none where it has blanks or control
 * characters); "first-letter" or "case-sensitive". */
void bl_wikisite_namespace(struct bl_wikisite *site, int ns,
                           struct bl_span name);
void bl_wikisite_base(struct bl_wikisite *site, struct bl_span url);
void bl_wikisite_case(struct bl_wikisite *site, struct bl_span value);
/* What the wiki is called, "enwiki", and back: NULL when it did not say;
 * borrowed. */
void bl_wikisite_name(struct bl_wikisite *site, struct bl_span name);
const char *bl_wikisite_named(const struct bl_wikisite *site);

enum bl_wiki_kind {
    BL_WIKI_NONE,               /* no title: empty, too long, bad bytes */
    BL_WIKI_PAGE,               /* a page of this wiki */
    BL_WIKI_HIDDEN,             /* an image, category or language link that
                                 * shows nothing where it stands */
    BL_WIKI_OUTSIDE             /* a page of another wiki */
};

/* The kind of page that a link's target names; the key of a BL_WIKI_PAGE is
 * appended to *key and *ns set. */
enum bl_wiki_kind bl_wikititle_key(const struct bl_wikisite *site,
                                   struct bl_span target, struct bl_buf *key,
                                   int *ns);
/* The key of a page whose title and namespace are known; false when it has
 * none (empty or too long). */
bool bl_wikititle_page_key(const struct bl_wikisite *site,
                           struct bl_span title, int ns, struct bl_buf *key);

/* Appends the address of a page: base, then the title with underscores and
 * what RFC 3986 wants escaped in %XX.  False when there is no base. */
bool bl_wikisite_url(const struct bl_wikisite *site, struct bl_span title,
                     struct bl_buf *out);

/* "Mercury (disambiguation)"; "List of rivers of Europe"; the same of the
 * larger languages. */
bool bl_wiki_disambiguation_title(struct bl_span title);
bool bl_wiki_list_title(struct bl_span title);
/* A template by which a page says that it is one or the other. */
bool bl_wiki_disambiguation_template(struct bl_span name);
bool bl_wiki_list_template(struct bl_span name);

/* ---- wikinames.c: the tables ---- */

/* A prefix of links (lower case): to the same page in another language, or
 * to another wiki. */
bool bl_wiki_is_language(struct bl_span prefix);
bool bl_wiki_is_interwiki(struct bl_span prefix);
/* The name of the namespace of files, of categories, in some language (lower
 * case), other than English. */
bool bl_wiki_is_files(struct bl_span prefix);
bool bl_wiki_is_categories(struct bl_span prefix);
/* "a.JPG", whatever is before the dot. */
bool bl_wiki_is_file_ending(struct bl_span title);

#endif
