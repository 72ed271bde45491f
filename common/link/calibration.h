/* SPDX-License-Identifier: MIT */
/*
 * calibration: the coefficients that rank.h computes with, and their file.
 *
 *     struct bl_calibration c = bl_calibration_default();
 *     if (bl_calibration_read(&c, "mine.json", &err) < 0) ...
 *
 * A calibration file is one JSON object that people can read:
 *
 *     {"format": 1, "provenance": {...},
 *      "profiles": {"cosine": {"rank": {"bi": 20.1, "named": 1.5, ...},
 *                              "nil": {"one": 3.2, "share": -0.6, ...}},
 *                   "cosine_named": {...}, "open": {...},
 *                   "open_named": {...}, "cross": {...},
 *                   "cross_cosine": {...}, "cross_cosine_named": {...}}}
 *
 * A profile may also hold "small": {"rank": ..., "nil": ...}, the coefficients
 * for catalogues of few entities; rank.h says how few.  Beside the profiles
 * stands what coherence.h weighs the rest of the document by:
 *
 *      "coherence": {"same": {"half": 0.5}, "follow": {"one": -2, ...},
 *                    "cosine": {"rank": {"near": 11, ...},
 *                               "nil": {"share": -0.3, ...}},
 *                    "cross_cosine": {...}}
 *
 * scripts/train.d/fit-calibration makes the default one from labelled records.
 */
#ifndef BL_CALIBRATION_H
#define BL_CALIBRATION_H

#include <stddef.h>

#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/vector.h"

BL_BEGIN_DECLS

enum { BL_CALIBRATION_FORMAT = 1 };

/* Of one candidate.  Missing evidence is 0. */
enum bl_feature {
    BL_F_BI,            /* bi_score (score where there is none) */
    BL_F_BI_REST,       /* how far below the best bi_score, in standard
                         * deviations of the list */
    BL_F_CROSS,         /* cross_score, or what a re-ranker made of score */
    BL_F_NAMED,         /* 1: has a prior, so the mention is its name */
    BL_F_PRIOR,         /* ln(prior), at least ln(0.001) */
    BL_F_EQUAL,         /* 1: title and mention have one normal form */
    BL_F_BARE,          /* 1: they have without the title's "(...)" */
    BL_F_OVERLAP,       /* shared words / words of both (Jaccard) */
    BL_F_WITHIN,        /* share of the mention's words that the title has */
    BL_F_INITIALS,      /* 1: the mention is the initials of the title */
    BL_F_BI_GAP,        /* how far below the best bi_score, in tenths */
    BL_F_HOLDS,         /* 1: no prior, but the title has all words of the
                         * mention and more: a team, where its town is named */
    BL_F_PROPER,        /* 1: the mention is in lower case, the title a name
                         * ("rand", Ayn Rand) */
    BL_F_COMMON,        /* 1: the mention has a capital, the title is no name
                         * ("State", Nation state) */
    BL_F_REDIRECT,      /* 1: the mention is a redirect to this page */
    BL_F_ELSEWHERE,     /* 1: the mention is a name of another page */
    BL_N_FEATURES
};

/* Of the list, after the first step. */
enum bl_nil_feature {
    BL_N_ONE,           /* 1 */
    BL_N_SHARE,         /* the best candidate's logit of its share, cut to
                         * [-6, 6] */
    BL_N_BI, BL_N_CROSS, BL_N_NAMED, BL_N_PRIOR, BL_N_EQUAL, BL_N_BARE,
    BL_N_OVERLAP, BL_N_WITHIN, BL_N_INITIALS, BL_N_REDIRECT,
    BL_N_ELSEWHERE,     /* the best candidate's features; bi is at least 1
                         * where equal or initials is 1 */
    BL_N_NIL_FEATURES
};

/* Which lists they are for; rank.h tells how a list gets its own. */
enum bl_profile {
    BL_PROFILE_CROSS,
    BL_PROFILE_CROSS_COSINE, BL_PROFILE_CROSS_COSINE_NAMED,
    BL_PROFILE_COSINE, BL_PROFILE_COSINE_NAMED,
    BL_PROFILE_OPEN, BL_PROFILE_OPEN_NAMED,
    BL_N_PROFILES
};

/* What the rest of the document says of one candidate. */
enum bl_evidence {
    BL_E_NEAR,                  /* cosine of its vector and what the other
                                 * names mean */
    BL_E_TOLD,                  /* ln(1 + other names that its text has) */
    BL_N_EVIDENCE
};

/* Of "none of them", for the candidate that is best by then. */
enum bl_nil_evidence {
    BL_EN_SHARE,                /* how much the logit of the best share rose;
                                 * both cut to [-6, 6] */
    BL_EN_NEAR, BL_EN_TOLD,     /* the best candidate's evidence */
    BL_EN_OTHERS,               /* n / (n + 2) of n other names */
    BL_N_NIL_EVIDENCE
};

/* Of a mention whose name is a short form of an earlier one: does it mean the
 * same? */
enum bl_follow_fact {
    BL_FOLLOW_ONE,              /* 1 */
    BL_FOLLOW_END, BL_FOLLOW_OF, BL_FOLLOW_HEAD, BL_FOLLOW_START,
                                /* 1: where it stands in the longer name
                                 * (short-name.h) */
    BL_FOLLOW_CAPITAL,          /* 1: it begins with a capital */
    BL_FOLLOW_NIL,              /* its own nil_p */
    BL_FOLLOW_SURE,             /* p of its best candidate, if that has a
                                 * prior: it has a meaning of its own */
    BL_FOLLOW_SURE_END,         /* the same, at the end of the longer name */
    BL_N_FOLLOW_FACTS
};

struct bl_evidence_weights {
    double rank[BL_N_EVIDENCE];
    double nil[BL_N_NIL_EVIDENCE];
};

struct bl_coherence_weights {
    double half;                /* of what n other mentions of one name say,
                                 * half * n / (n + 1) counts */
    double follow[BL_N_FOLLOW_FACTS];
    struct bl_evidence_weights cosine, cross_cosine;
};

struct bl_weights {
    double rank[BL_N_FEATURES];
    double nil[BL_N_NIL_FEATURES];      /* positive: none of them */
};

struct bl_calibration {
    struct bl_weights profile[BL_N_PROFILES];
    struct bl_weights small[BL_N_PROFILES];     /* for small catalogues */
    struct bl_coherence_weights coherence;
};

/* The coefficients of share/calibration/default.json, compiled in. */
struct bl_calibration bl_calibration_default(void);

/* Reads a calibration file; what it does not name is 0, but "..._named" is
 * as the one without "_named" when the file lacks it, "cross_cosine" as
 * "cross", and "small" as what it is in.  A file without "coherence" has the
 * default weights for names, which belong to no encoder, and no others.
 * -1 with BL_DATA naming the path and what is wrong. */
int bl_calibration_read(struct bl_calibration *out, const char *path,
                        struct bl_err *err);

/* The same for a path, or a name in the data folders (paths.h); NULL:
 * calibration/default.json of the data folder where there is one, or else the
 * default. */
int bl_calibration_load(struct bl_calibration *out, const char *name,
                        struct bl_err *err);

/* What `blink tune` notes in "provenance", so that the weights are used with
 * that catalogue and these models alone. */
struct bl_calibration_origin {
    /* Fingerprints of the bi-encoder, the cross-encoder (empty: there was
     * none) and the catalogue, which had as many rows. */
    char model[BL_FINGERPRINT_MAX + 1], cross[BL_FINGERPRINT_MAX + 1],
         catalogue[BL_FINGERPRINT_MAX + 1];
    size_t rows, mentions;
};

/* -1: BL_DATA when it is no calibration, or none of `blink tune`. */
int bl_calibration_origin(struct bl_calibration_origin *out, const char *path,
                          struct bl_err *err);

/* Appends the file's text, "provenance" being the JSON text given. */
void bl_calibration_put(struct bl_buf *out, const struct bl_calibration *c,
                        struct bl_span provenance);

BL_END_DECLS

#endif
