/* SPDX-License-Identifier: MIT */
/*
 * coherence: what the mentions of one document say about each other.
 *
 *     struct bl_coherence *c = bl_coherence_new(&calibration, entities);
 *     struct bl_coherent v[] = { { id, bl_span_of("Tim Cook"), type, &list },
 *                                ... };
 *     bl_coherence_read(c, v, n, false, &arena, &err);
 *     ... bl_rank(&calibration, mention, NULL, &list) ...
 *     bl_coherence_free(c);
 *
 * A first opinion of each mention comes from its own list (rank.h).  Then
 *
 *  1. a candidate gains by what the other names of the document mean: "near",
 *     the cosine of its vector and the mean of theirs, each the mean of its
 *     candidates by their shares; and "told", the number of these names that
 *     stand in its title and text;
 *  2. mentions of one name come nearer to each other;
 *  3. a mention that is a short form of an earlier one (short-name.h) means
 *     the same with a probability that depends on the two names and on how
 *     sure it is of itself, or else what it would mean alone.  What the
 *     earlier one means may be an entity, none of the catalogue, or a page
 *     that is known by its name.
 *
 * The weights are in the calibration, as are those of the first opinion.
 *
 * What comes out is not the probabilities, which are blink-score's to say,
 * but what is to be added to the logarithm of each share and to the log-odds
 * of none, so that bl_rank() with the same calibration comes to them.  A
 * mention that nothing else is said about is left as it is.
 *
 * Time and memory are linear in the mentions of a piece and the one before
 * it.
 */
#ifndef BL_COHERENCE_H
#define BL_COHERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/candidates.h"
#include "link/calibration.h"
#include "link/entities.h"

BL_BEGIN_DECLS

struct bl_coherence;

/* Both are borrowed.  entities gives vectors for "near" and texts for "told";
 * without an index there is no "near", without a catalogue only names count.
 * Never NULL; free with bl_coherence_free(), which takes NULL. */
struct bl_coherence *bl_coherence_new(const struct bl_calibration *calibration,
                                      struct bl_entities *entities);
void bl_coherence_free(struct bl_coherence *coherence);

/* What was weighed, for whoever fits weights. */
struct bl_coherent_facts {
    size_t others;              /* other names */
    double nil;                 /* of the first opinion */
    double *share;              /* [own candidates] of the first opinion, */
    double *evidence;           /* and [own][BL_N_EVIDENCE] */
    bool is_short;              /* an earlier name has its words, */
    size_t earlier;             /* this one, counted through the document, */
    double follow[BL_N_FOLLOW_FACTS];   /* and this is known of them */
};

struct bl_coherent {
    struct bl_span id, mention, type;   /* p == NULL: none */
    struct bl_candidates *list; /* what is added goes to its coherence and
                                 * whole, and candidates of other mentions
                                 * behind its own */
    bool changed;               /* out: something was added */
    struct bl_coherent_facts facts;     /* out */
};

/* Reads mentions[n], in the order of the text: a whole document, or a piece
 * of a long one, where `more` says that the document of the last call goes on.
 * A piece knows of the piece before it what it came to.  What it puts into
 * the lists is the arena's.  -1: BL_DATA, the catalogue cannot be read. */
int bl_coherence_read(struct bl_coherence *coherence,
                      struct bl_coherent *mentions, size_t n, bool more,
                      struct bl_arena *arena, struct bl_err *err);

BL_END_DECLS

#endif
