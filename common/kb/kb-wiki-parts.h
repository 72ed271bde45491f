/* SPDX-License-Identifier: MIT */
/*
 * kb-wiki-parts: what the files of kb-wiki share.  kb-wiki.c reads the dumps,
 * kb-wiki-page.c makes of pages what is kept, kb-wiki-join.c makes the
 * catalogue of that.
 */
#ifndef BL_KB_WIKI_PARTS_H
#define BL_KB_WIKI_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/sorter.h"
#include "base/spool.h"
#include "kb/kb-wiki.h"
#include "wiki/wikidump.h"
#include "wiki/wikitext.h"

/* ---- kb-wiki-page.c ---- */

enum bl_wiki_page_kind {
    BL_WIKI_ENTITY, BL_WIKI_REDIRECT, BL_WIKI_LEFT_OUT
};

/* What became of a page.  Spans are of the batch or of the work's keep. */
struct bl_wiki_result {
    enum bl_wiki_page_kind kind;
    bool disambiguation, list;
    int64_t id;
    struct bl_span title, key;
    struct bl_span target;      /* of a redirect: a key; empty: none */
    struct bl_span text;
    struct bl_span prose;       /* for mentions: paragraphs, "\n" between */
    size_t first_mention, n_mentions;
};

struct bl_wiki_mention { size_t start, end; struct bl_span key; };

/* A batch of pages on its way through the pool. */
struct bl_wiki_work {
    struct bl_wikibatch batch;
    const struct bl_kb_wiki_opts *opts;
    size_t site;                /* its number */
    uint64_t done, size, bytes; /* how far the reading is */
    struct bl_wikitext *reader;
    struct bl_buf keep;         /* keys and texts */
    struct bl_wiki_result *results;     /* [batch.n] */
    size_t cap_results;
    struct bl_wiki_mention *mentions;
    size_t n_mentions, cap_mentions;
    struct bl_buf links;        /* "key NUL anchor" each behind its length */
    size_t n_links;
};

/* Fills results, links and mentions from the batch; runs in any thread. */
void bl_wiki_work_on(void *work);
void bl_wiki_work_free(struct bl_wiki_work *work);      /* NULL allowed */

/* ---- kb-wiki-seen.c ---- */

/* The ids of the pages that were read.  Parts of a dump that are made over
 * days hold a page twice when it moved between them.  A bit for each id up to
 * 2^30, in pieces made when needed: 10 MB for the English Wikipedia. */
struct bl_wiki_seen {
    uint64_t **pieces;          /* [n_pieces], NULL where none was seen */
    size_t n_pieces;
};

/* Notes an id; true when it was noted before.  False of all ids that are too
 * large. */
bool bl_wiki_see(struct bl_wiki_seen *seen, int64_t id);
void bl_wiki_seen_free(struct bl_wiki_seen *seen);

/* ---- kb-wiki-join.c ---- */

/* What the pass over the dumps leaves.  Records of the sorters begin with a
 * key and a NUL byte, by which they are joined. */
struct bl_wiki_store {
    const struct bl_kb_wiki_opts *opts;
    struct bl_kb_wiki_counts *counts;
    const char *path;
    /* Both are opened before the long pass, so that a place where nothing can
     * be written is reported at once. */
    struct bl_kb_builder *builder;
    struct bl_newfile *mentions_file;
    struct bl_wikisite **sites; /* [n_sites] */
    const char **files;         /* [n_sites], as messages call them */
    size_t n_sites;
    struct bl_spool *entities;  /* site, id, title, text; by row */
    struct bl_spool *prose;     /* id, prose, mentions; by page */
    struct bl_sorter *titles;   /* key, then 'A' row id title, or
                                 * 'R' target NUL title */
    struct bl_sorter *links;    /* key, then anchor */
    struct bl_sorter *mentions; /* key, then number */
    uint64_t rows, n_mentions;
    struct bl_wiki_seen seen;
};

/* Writes the catalogue, and the mentions if they are wanted. */
int bl_wiki_join(struct bl_wiki_store *store, struct bl_err *err);

/* ---- kb-wiki-stream.c ---- */

/* A sorter's records one by one, cut at the first NUL into key and rest. */
struct bl_wiki_stream {
    struct bl_sorter *sorter;
    struct bl_span record, key, rest;
    uint64_t sum;
    bool more;
};

/* The first record, the next one: 1, 0 when there is none, -1. */
int bl_wiki_start(struct bl_wiki_stream *stream, struct bl_sorter *sorter,
                  struct bl_err *err);
int bl_wiki_advance(struct bl_wiki_stream *stream, struct bl_err *err);
/* Goes forward to the first record with that key: 1 found, 0 not, -1.  Keys
 * asked for must rise, as those of another sorted stream do. */
int bl_wiki_seek(struct bl_wiki_stream *stream, struct bl_span key,
                 struct bl_err *err);
int bl_wiki_compare(struct bl_span a, struct bl_span b);

/* ---- kb-wiki-mentions.c ---- */

/* Writes the mentions of the store; names: key, then row id title of
 * the entity that it leads to. */
int bl_wiki_write_mentions(struct bl_wiki_store *store,
                           struct bl_sorter *names, struct bl_err *err);

/* Eight bytes, big end first, so that they sort as numbers. */
static inline void bl_wiki_put64(struct bl_buf *out, uint64_t value)
{
    for (int i = 56; i >= 0; i -= 8)
        bl_buf_putc(out, (char)(value >> i));
}

static inline uint64_t bl_wiki_get64(const char *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

#endif
