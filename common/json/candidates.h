/* SPDX-License-Identifier: MIT */
/*
 * candidates: the `candidates` array of a record, read, re-ordered and
 * written back.
 *
 *     struct bl_candidates c;
 *     bl_candidates_read(&record, &arena, &c, &err);
 *     c.v[0].score = 7.2;
 *     bl_candidates_sort(&c);
 *     bl_candidates_put(&buf, &c, BL_PUT_SCORE | BL_PUT_CROSS);
 *
 * Only the members that are set anew are written; whatever else a candidate
 * holds passes byte for byte.  Spans of `raw` are borrowed from the record's
 * line, the rest lives in the arena.
 */
#ifndef BL_CANDIDATES_H
#define BL_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/record.h"

BL_BEGIN_DECLS

struct bl_candidate {
    struct bl_span raw;         /* the JSON object as it came; p == NULL: it
                                 * was not read but made (gather.h) */
    struct bl_span id;          /* text; a number by its digits */
    struct bl_span title;       /* p == NULL: none given */
    struct bl_span url, type;   /* the same */
    struct bl_span qid;         /* the same */
    double score;               /* what the list is sorted by; NAN: none */
    double bi, cross, prior;    /* bi_score, cross_score, prior; NAN: none */
    double lexical;             /* lexical_score; NAN: none */
    double p;                   /* probability; NAN: none */
    double cross_p;             /* share of exp(cross); not read */
    double coherence;           /* what the rest of the document adds to the
                                 * log of its share; NAN, 0: nothing */
    struct bl_span from;        /* the id of an earlier mention, whose list it
                                 * was taken from; p == NULL: of this one's */
    size_t place;               /* 0-based, in the list as it was read */
};

/* The page that the mention names by a file of names (kb/names.h). */
struct bl_named {
    struct bl_span title;       /* p == NULL: none */
    struct bl_span url;         /* p == NULL: none */
    bool redirect;              /* the mention is not the title itself */
};

/* What blink-coherence says of a mention beside its candidates. */
struct bl_whole {
    double nil;                 /* added to the log-odds of "none of them" */
    struct bl_span follows;     /* the id of the earlier mention that it is a
                                 * short form of; p == NULL: none */
    struct bl_named page;       /* of that one; title.p == NULL: none */
    double page_p;              /* how probable that page is */
};

struct bl_candidates {
    struct bl_candidate *v;
    size_t n;
    size_t n_from;              /* the last so many are from other
                                 * mentions */
    struct bl_named named;
    struct bl_whole whole;
    size_t entities;            /* of the catalogue they are from; 0: not
                                 * known */
};

/* The record's `candidates`, in its order but those from other mentions last,
 * and its `named`, `coherence` and `catalogue_size` where it has them.
 * -1: BL_NO_STAGE when `candidates` is missing; BL_BAD_FIELD when it is no
 * array, or an entry is no object with an `id`, when `named` is no object with
 * a `title`, `coherence` is no object of the form that blink-json(5)
 * describes, or `catalogue_size` is no integer; BL_DUPLICATE_KEY when one
 * of these gives a member twice. */
int bl_candidates_read(const struct bl_record *r, struct bl_arena *a,
                       struct bl_candidates *out, struct bl_err *err);

/* Best score first; those without a score last; equal scores keep the order
 * of the list as it was read. */
void bl_candidates_sort(struct bl_candidates *c);

enum bl_put {
    BL_PUT_SCORE = 1, BL_PUT_CROSS = 2, BL_PUT_P = 4, BL_PUT_CROSS_P = 8,
    BL_PUT_COHERENCE = 16
};

/* Appends the array with `score`, `cross_score`, `p`, `cross_p` or
 * `coherence` (or-ed in `what`) taken from the structs: put in place of the
 * old value, or after the last member.  NAN is written as null; but for the
 * score, one that is NAN is not added where there was none.  A candidate that
 * was made is written with all that it has, whatever `what` says. */
void bl_candidates_put(struct bl_buf *out, const struct bl_candidates *c,
                       unsigned what);

BL_END_DECLS

#endif
