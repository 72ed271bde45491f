/* SPDX-License-Identifier: MIT */
/*
 * kb-lexical: entities by the words of a mention and of its context, out of
 * the catalogue's full-text table.  No model is asked.
 *
 *     struct bl_lexical *lexical = bl_lexical_open(kb, &err);
 *     struct bl_lexical_query query = { mention, left, right,
 *                                       BL_LEXICAL_CONTEXT };
 *     if (bl_lexical_search(lexical, &query, 64, &arena, &hits, &n, &err) < 0)
 *         ...
 *     bl_lexical_close(lexical);          before the catalogue
 *
 * Scores are BM25F: for each word of the query, its rarity (idf) times t / (t
 * + K), where t adds up how often title, aliases and text hold it, each
 * weighted and divided by the length of that field, as Zaragoza et al. (TREC
 * 2004) give it.  Words of the context count a part of that.
 *
 * Nothing in a query is syntax: words are runs of letters and digits, and each
 * is quoted.  Words that more than BL_LEXICAL_COMMON entities have are left
 * out where there are others, which bounds the work of a query.
 */
#ifndef BL_KB_LEXICAL_H
#define BL_KB_LEXICAL_H

#include "kb/kb.h"

BL_BEGIN_DECLS

enum {
    BL_LEXICAL_COMMON = 16384,      /* entities that have such a word */
    BL_LEXICAL_RAREST = 8           /* words of the context */
};

enum bl_lexical_words {
    BL_LEXICAL_MENTION,             /* those of the mention */
    BL_LEXICAL_CONTEXT,             /* and the rarest of its context */
    BL_LEXICAL_FULL                 /* BLINK's query of main_solr: words of the
                                     * mention in title or aliases, all of the
                                     * context in the text by half, and the
                                     * logarithm of how often it is linked */
};

struct bl_lexical_query {
    struct bl_span mention;         /* valid UTF-8; p == NULL: none */
    struct bl_span left, right;     /* its context; the same */
    enum bl_lexical_words words;
};

struct bl_lexical_hit {
    int64_t row;
    double score;                   /* above 0, finite */
};

struct bl_lexical;

/* NULL: BL_DATA for a catalogue without full text.  Borrows kb, which must
 * outlive it; one for each catalogue. */
struct bl_lexical *bl_lexical_open(struct bl_kb *kb, struct bl_err *err);
void bl_lexical_close(struct bl_lexical *lexical);      /* NULL allowed */

/* The best `max` entities, best first, of equal scores in the catalogue's
 * order; (*hits)[*n_hits] is the arena's.  -1: BL_DATA, BL_SYSTEM. */
int bl_lexical_search(struct bl_lexical *lexical,
                      const struct bl_lexical_query *query, size_t max,
                      struct bl_arena *arena, struct bl_lexical_hit **hits,
                      size_t *n_hits, struct bl_err *err);

/* The score of one row for the query of the last search, 0 where it has none
 * of its words. */
int bl_lexical_score(struct bl_lexical *lexical, int64_t row, double *score,
                     struct bl_err *err);

BL_END_DECLS

#endif
