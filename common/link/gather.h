/* SPDX-License-Identifier: MIT */
/*
 * gather: the entities that a mention may mean: those with the nearest
 * vectors, and those that its text names.
 *
 *     struct bl_gather_opts opts = { .k = 10 };
 *     struct bl_gather *g = bl_gather_open(&index, 1, kb, &opts, &err);
 *     struct bl_gather_query q = { .vector = vector,
 *                                  .name = bl_span_of("Paris") };
 *     struct bl_gathered found;
 *     struct bl_candidates list;
 *
 *     if (bl_gather_search(g, &q, 1, &arena, &found, &err) == 0
 *         && bl_gather_candidates(g, &found, &arena, &list, &err) == 0)
 *         nil_p = bl_rank(&calibration, q.name, NULL, &list);
 *     bl_gather_close(g);
 *
 * The vector is the mention's, made by bl_encoder_embed() with the model that
 * made the index.  Entities that the mention names are found whether or not
 * their vectors are near: no encoder can tell that "nettle" is Urtica dioica
 * when only an alias of the catalogue says so.
 *
 * A score is the inner product of the mention's vector and the entity's; it
 * is computed in the same way for an entity that was found by its name.
 * Lists are sorted best first, and equal scores by row of the catalogue.  In
 * an exact index (topk.h) the result depends on nothing but the query: other
 * queries of the call, threads, and the division into shards change no bit
 * of it.  An approximate index (ann.h) may miss near vectors.
 *
 * One thread at a time may use a bl_gather and its catalogue; the search has
 * threads of its own.  Other threads may use another bl_gather with another
 * bl_kb of the same files.
 */
#ifndef BL_GATHER_H
#define BL_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/candidates.h"
#include "json/vector.h"
#include "kb/kb-lexical.h"
#include "kb/kb.h"
#include "kb/names.h"
#include "link/part.h"

BL_BEGIN_DECLS

struct bl_gather;

/* Where candidates come from, beside those that the mention names. */
enum bl_gather_by {
    BL_GATHER_DENSE,            /* the nearest vectors of an index */
    BL_GATHER_LEXICAL,          /* words, by the catalogue's full text; no
                                 * index and no vector */
    BL_GATHER_HYBRID            /* both, joined */
};

struct bl_gather_opts {
    size_t k;                   /* nearest entities, at least 1 */
    enum bl_gather_by by;
    enum bl_lexical_words words;        /* that are looked for, unless dense */
    size_t threads;             /* 0: one per core, as bl_topk_new() */
    bool why;                   /* say why each entity is in a list */
    size_t ef_search, nprobe;   /* of an approximate index, as struct
                                 * bl_ann_opts; 0: the file's */
    const struct bl_names *names;   /* of the pages that the catalogue's
                                 * entities are; borrowed; NULL: none */
};

/* Opens indexes[n], each a path or a name in the data folders (paths.h); with
 * n == 0 the default one.  Several are shards, whose results are merged: a
 * row that more than one holds comes once, with its best score.  A FAISS
 * index cannot be combined with other shards.
 *
 * kb is the catalogue that the indexes were made from, as it was then or has
 * become: entities that were removed since are not found, those that changed
 * have their old vectors, and new ones none (bl_gather_stale()).  It is
 * borrowed, and must outlive the bl_gather.  With NULL rows and scores are all
 * there is, and nobody checks that the indexes belong to one catalogue.
 *
 * With BL_GATHER_LEXICAL there must be no index but a catalogue, with
 * BL_GATHER_HYBRID both.
 *
 * NULL: BL_DATA when an index is missing or corrupt, or was made by another
 * model or from another catalogue than the rest; BL_USAGE for options that
 * this kind of index does not have, for a FAISS index among several, for a
 * shard that is given twice, or for an index with BL_GATHER_LEXICAL. */
struct bl_gather *bl_gather_open(const char *const *indexes, size_t n,
                                 struct bl_kb *kb,
                                 const struct bl_gather_opts *opts,
                                 struct bl_err *err);
void bl_gather_close(struct bl_gather *gather); /* NULL: nothing */

/* What a query's vector must be; give it to bl_vector_get(), or compare dim
 * with bl_encoder_dim() and model with the model's fingerprint.  dim is 0 and
 * model NULL when the indexes hold no vectors, and model NULL when FAISS's
 * file does not say.  Borrowed until close. */
const struct bl_vector_want *bl_gather_want(const struct bl_gather *gather);

/* The vector of a catalogue row, out[dim]; false for a row without one, and in
 * an approximate index, which keeps none as they were. */
bool bl_gather_vector(struct bl_gather *gather, uint32_t row, float *out);

/* "2 indexes, kernel avx2" or what bl_ann_describe() says; borrowed until
 * close. */
const char *bl_gather_describe(const struct bl_gather *gather);

/* How much of the catalogue is newer than the index. */
struct bl_gather_stale {
    const char *index;          /* NULL: nothing is */
    size_t n_changed;           /* entities with another title or text */
    size_t n_added;             /* entities that the index has not */
};

/* Borrowed until close. */
const struct bl_gather_stale *bl_gather_stale(const struct bl_gather *gather);

/* Counts the vectors that are searched and, in *all, those that the whole of
 * the catalogue needs (part.h).  -1: BL_USAGE for an approximate index or
 * without a catalogue, BL_DATA when the catalogue cannot be read. */
int bl_gather_rows(struct bl_gather *gather, struct bl_part_rows *here,
                   struct bl_part_rows *all, struct bl_err *err);

struct bl_gather_query {
    const float *vector;        /* [dim], finite; lexical: not read */
    struct bl_span name;        /* the mention's text, valid UTF-8; p == NULL:
                                 * do not look it up */
    struct bl_span mention, left, right;        /* whose words are looked for,
                                 * unless dense; the same */
};

/* Why an entity is in a list, or-ed. */
enum bl_why {
    BL_WHY_NEAREST = 1,         /* it is among the k nearest */
    BL_WHY_NAMED = 2,           /* of the k that the name means most often */
    BL_WHY_INITIALS = 4         /* its title has these initials */
};

/* One entity of a list. */
struct bl_gather_hit {
    float score;                /* what the list is sorted by */
    float bi, lexical;          /* inner product, words; NAN: none */
    unsigned char why;          /* 0 unless it was asked for */
    uint32_t row;               /* of the catalogue */
    double prior;               /* the share of this entity in the uses of the
                                 * mention's text as a name; NAN: it is no name
                                 * of this entity, or was not looked up */
};

/* What one query found. */
struct bl_gathered {
    struct bl_gather_hit *v;    /* [n], in the arena */
    size_t n;                   /* up to 2 k + BL_GATHER_INITIALS */
    struct bl_named named;      /* what the file of names says of the name;
                                 * in the arena */
};

enum { BL_GATHER_INITIALS = 4 };

/* queries[n] -> out[n], in the caller's order.  A list holds
 *  - the k nearest entities, or fewer when the indexes hold fewer;
 *  - of the entities whose title or alias is the name (fold.h), the k that
 *    are meant by it most often; a name that redirects to a page is an alias
 *    of the entity with that title;
 *  - where the name is an abbreviation of three letters or more, "ICJ", the
 *    BL_GATHER_INITIALS nearest of the entities whose titles have these
 *    initials, which are guesses and have no prior for it.
 * Lexical lists have the k best by words in place of the nearest.  A hybrid
 * one has the k best of both by one score (fuse.h), and the named.
 *
 * Each entity comes once.  One that the indexes hold no vector of is left
 * out where there are some, but for hybrid lists.  Without a catalogue names
 * are not looked up.  Priors are of the 1024 entities that the name means most
 * often; of all others they are NAN.
 *
 * Many queries in a call cost much less than as many calls, since the vectors
 * of an exact index are read once for 256 of them.
 *
 * -1: BL_DATA when the catalogue cannot be read, BL_SYSTEM with what FAISS
 * says.  Then out is not to be used. */
int bl_gather_search(struct bl_gather *gather,
                     const struct bl_gather_query *queries, size_t n,
                     struct bl_arena *arena, struct bl_gathered *out,
                     struct bl_err *err);

/* What the catalogue says of the entities of a list, in its order, as
 * bl_rank() and bl_candidates_put() take it: id, title, url, qid, type, score
 * (which is also bi) and prior; raw is not set.  All is the arena's.  Only
 * with a catalogue.
 *
 * -1: BL_NON_FINITE when a score is beyond the range of a float, as the
 * product of finite vectors may be, which concerns this list alone; BL_DATA
 * when the catalogue cannot be read or does not have such a row. */
int bl_gather_candidates(struct bl_gather *gather,
                         const struct bl_gathered *list,
                         struct bl_arena *arena, struct bl_candidates *out,
                         struct bl_err *err);

BL_END_DECLS

#endif
