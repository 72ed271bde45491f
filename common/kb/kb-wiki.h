/* SPDX-License-Identifier: MIT */
/*
 * kb-wiki: a catalogue from dumps of a MediaWiki site.
 *
 *     struct bl_kb_wiki_opts o = BL_KB_WIKI_OPTS_DEFAULT;
 *     struct bl_kb_wiki_counts n;
 *     struct bl_buf cut = BL_BUF_INIT;
 *     bl_kb_wiki_build("w.kb", files, n_files, &o, &n, &cut, &err);
 *
 * One pass over the dumps: a thread reads, a pool takes the text out of the
 * wikitext, the caller's thread writes what comes out, in the dump's order,
 * into spools and sorters (spool.h, sorter.h).  Then titles are joined with
 * redirects and links, each sorted, and the catalogue is written in one go.
 * So memory does not grow with the dump, but for a bit for each page, and the
 * result does not depend on the number of threads.
 *
 * An entity's id is its page's, its text the first paragraphs.  Its aliases
 * are what links to it are called, with counts, and the titles of redirects
 * to it (without a count where no link says so); most frequent first, 5,000
 * at most.  A page that is there twice, as where parts of a dump overlap, is
 * read once.
 */
#ifndef BL_KB_WIKI_H
#define BL_KB_WIKI_H

#include "kb/kb-build.h"

struct bl_kb_wiki_opts {
    struct bl_kb_build_opts kb;
    size_t threads;             /* 0: one per core */
    size_t memory;              /* bytes for sorting */
    size_t text_length;         /* characters of text at most */
    uint64_t min_count;         /* aliases that links use less are left out,
                                 * unless they are redirects */
    bool disambiguation, lists; /* keep such pages */
    const int *namespaces;      /* [n_namespaces] whose pages are entities */
    size_t n_namespaces;
    const char *mentions;       /* file for training mentions, or NULL */
    size_t context;             /* characters on each side of a mention */
    /* Called now and then, by the caller's thread: bytes of the files read,
     * or (what = "writing") entities written.  May be NULL. */
    void (*progress)(void *arg, const char *what, uint64_t done,
                     uint64_t total);
    void *arg;
};

#define BL_KB_WIKI_OPTS_DEFAULT { .memory = 256u << 20, \
    .text_length = 1000, .min_count = 1, .context = 500 }

struct bl_kb_wiki_counts {
    uint64_t bytes;             /* of XML */
    uint64_t pages, entities, redirects;
    uint64_t unresolved;        /* redirects that lead to no entity */
    uint64_t disambiguation, lists, others;     /* left out */
    uint64_t links, aliases, mentions;
    uint64_t twice;             /* pages left out as their id was there */
    char first_twice[160];      /* the first of them: "'Title' (id 5)" */
    bool cut;                   /* a dump ended too early */
};

/* Reads the files ("-": standard input) one after the other.  A dump that
 * ends in its midst is no failure: what was whole is kept, and a sentence
 * that ends in a newline says so in *cut.  Dumps of different wikis that share
 * an id are BL_DATA.  On failure nothing is written. */
int bl_kb_wiki_build(const char *path, char *const *files, size_t n_files,
                     const struct bl_kb_wiki_opts *opts,
                     struct bl_kb_wiki_counts *counts, struct bl_buf *cut,
                     struct bl_err *err);

#endif
