/* SPDX-License-Identifier: MIT */
/*
 * joint: which of a text's possible mentions are mentions, once their
 * candidates are known, as BLINK's ELQ decides it (elq/main_dense.py).
 *
 *     bl_joint(m.logit, scores, n, joint);        for each possible mention
 *     m.joint = joint[0];
 *     n = bl_joint_choose(mentions, n_mentions, &opts, chosen);
 *
 * The probability that a run of tokens is a mention, times the share of an
 * entity in the softmax over the candidates' scores, is the probability of
 * mention and entity together.  Its logarithm is compared with a threshold,
 * and of mentions that overlap the likelier one stays.
 */
#ifndef BL_JOINT_H
#define BL_JOINT_H

#include <stdbool.h>
#include <stddef.h>

struct bl_joint_mention {
    size_t first, last;         /* tokens, both within */
    double logit;               /* of its being a mention */
    double joint;               /* log-probability with its best entity; NAN:
                                 * it has no candidates */
    double best;                /* score of that entity */
};

struct bl_joint_opts {
    double threshold;           /* joint must be above it */
    /* ELQ's "top_entity_by_mention": the best entity of each mention whose
     * logit is above mention_threshold, by its score, overlapping or not. */
    bool by_mention;
    double mention_threshold;
    bool all;                   /* no threshold, overlapping or not */
};

/* The log-probabilities of a mention of that logit with each of its
 * candidates, whose scores are scores[n], to out[n]. */
void bl_joint(double logit, const double *scores, size_t n, double *out);

/* Whether a mention may stay, were there no other. */
bool bl_joint_passes(const struct bl_joint_mention *mention,
                     const struct bl_joint_opts *opts);

/* The mentions that stay, as numbers in chosen[0..n), best first; returns how
 * many. */
size_t bl_joint_choose(const struct bl_joint_mention *mentions, size_t n,
                       const struct bl_joint_opts *opts, size_t *chosen);

#endif
