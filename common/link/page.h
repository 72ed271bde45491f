/* SPDX-License-Identifier: MIT */
/*
 * page: how the title and the address of a page are written that is known by
 * a file of names alone (kb/names.h), whose titles have no capitals.
 *
 *     struct bl_buf title = BL_BUF_INIT, url = BL_BUF_INIT;
 *     bool sure = bl_page_title(&name, mention, &title);
 *     bl_page_url("enwiki", span, sure, &url);
 */
#ifndef BL_PAGE_H
#define BL_PAGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/decls.h"
#include "json/candidates.h"
#include "kb/names.h"

BL_BEGIN_DECLS

/* Appends the title: a word that the mention has too is written as there,
 * unless that is all in capitals or all in lower case; other words begin
 * with a capital, but for small ones ("of").  True when every word is the
 * mention's, so that the page is likely to be called so to the letter. */
bool bl_page_title(const struct bl_name *name, struct bl_span mention,
                   struct bl_buf *out);

/* Appends the page's address, or where that is not sure the address that
 * searches for it, which leads there whatever the capitals are; nothing for a
 * site that is no Wikipedia. */
void bl_page_url(const char *site, struct bl_span title, bool sure,
                 struct bl_buf *out);

/* How likely it is that the mention means the page that it names, where no
 * candidate is the answer; 0 for one that must not be answered so, as one
 * word has too many meanings. */
double bl_page_p(const struct bl_named *named, struct bl_span mention);

BL_END_DECLS

#endif
