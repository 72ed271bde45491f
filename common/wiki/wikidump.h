/* SPDX-License-Identifier: MIT */
/*
 * wikidump: the pages of a MediaWiki XML dump ("pages-articles").
 *
 *     struct bl_wikidump *d = bl_wikidump_open(file, &err);
 *     struct bl_wikibatch b = { 0 };
 *     while (bl_wikidump_next(d, &b, &err) == 1)
 *         for (size_t i = 0; i < b.n; i++) ... b.pages[i] ...
 *     bl_wikibatch_free(&b); bl_wikidump_close(d);
 *
 * XML is libexpat's work.  A document type is refused, and with it all
 * entities but XML's five, so nothing can expand; elements nest eight deep
 * at most; of a page's text 16 MiB are read.  A dump of whole histories
 * gives each page's last revision.
 */
#ifndef BL_WIKIDUMP_H
#define BL_WIKIDUMP_H

#include <stdint.h>

#include "wiki/dumpfile.h"
#include "wiki/wikititle.h"

struct bl_wikipage_source {
    int64_t id;
    int ns;
    struct bl_span title;
    struct bl_span redirect;    /* p == NULL: no redirect */
    struct bl_span text;        /* wikitext; empty when deleted */
};

/* Pages in a row, with their bytes. */
struct bl_wikibatch {
    struct bl_wikipage_source *pages;       /* [n] */
    size_t n, cap;
    const struct bl_wikisite *site;         /* the dump's */
    struct bl_buf data;
};

void bl_wikibatch_free(struct bl_wikibatch *batch);

struct bl_wikidump;

/* False in a build without libexpat: then open fails with BL_SYSTEM. */
bool bl_wikidump_here(void);

/* Takes the file.  NULL with *err, the file closed. */
struct bl_wikidump *bl_wikidump_open(struct bl_dumpfile *file,
                                     struct bl_err *err);
/* The next pages, about a megabyte, into *batch: 1, 0 at the end, -1 with the
 * byte of the XML where it is malformed (BL_DATA). */
int bl_wikidump_next(struct bl_wikidump *dump, struct bl_wikibatch *batch,
                     struct bl_err *err);
/* After the end: a sentence when the dump was cut, else NULL; borrowed. */
const char *bl_wikidump_cut(const struct bl_wikidump *dump);
/* Bytes of XML so far. */
uint64_t bl_wikidump_bytes(const struct bl_wikidump *dump);
/* The site as <siteinfo> gave it, which batches refer to; from then on the
 * caller's. */
struct bl_wikisite *bl_wikidump_take_site(struct bl_wikidump *dump);
void bl_wikidump_close(struct bl_wikidump *dump);          /* NULL allowed */

#endif
