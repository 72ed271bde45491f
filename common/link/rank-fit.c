/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/rank-fit.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/rank.h"

enum { DIM = 16, MAX_STEPS = 50 };
_Static_assert((int)BL_N_FEATURES <= (int)DIM
               && (int)BL_N_NIL_FEATURES <= (int)DIM,
               "the solver's arrays are too small");

struct list {
    enum bl_profile profile;
    double small;
    size_t n, gold;
    double *x;                  /* [n][BL_N_FEATURES] */
};

struct bl_fit {
    struct list *v;
    size_t n, cap;
};

struct bl_fit *bl_fit_new(void)
{
    return BL_NEW(struct bl_fit);
}

void bl_fit_free(struct bl_fit *fit)
{
    for (size_t i = 0; fit && i < fit->n; i++)
        free(fit->v[i].x);
    if (fit)
        free(fit->v);
    free(fit);
}

void bl_fit_add(struct bl_fit *fit, enum bl_profile profile, double small,
                const double *features, size_t n, size_t gold)
{
    if (!n)
        return;
    BL_GROW(fit->v, fit->n + 1, fit->cap);
    fit->v[fit->n++] = (struct list){
        profile, small, n, gold,
        bl_xmemdup(features, n * BL_N_FEATURES * sizeof *features)
    };
}

size_t bl_fit_count(const struct bl_fit *fit, enum bl_profile profile,
                    bool small)
{
    size_t count = 0;

    for (size_t i = 0; i < fit->n; i++)
        count += fit->v[i].profile == profile
              && (fit->v[i].small > 0) == small;
    return count;
}

/* ---- Newton's method ---- */

/* What is known at one point: the log-likelihood, its slope, and the negative
 * of its curvature. */
struct point {
    double value, slope[DIM], curve[DIM][DIM];
};

/* Solves curve * step = slope by Cholesky; the ridge makes it definite. */
static void solve(struct point *point, double step[DIM])
{
    double (*curve)[DIM] = point->curve;

    for (size_t j = 0; j < DIM; j++) {
        for (size_t k = 0; k < j; k++)
            curve[j][j] -= curve[j][k] * curve[j][k];
        curve[j][j] = sqrt(fmax(curve[j][j], 1e-12));
        for (size_t i = j + 1; i < DIM; i++) {
            for (size_t k = 0; k < j; k++)
                curve[i][j] -= curve[i][k] * curve[j][k];
            curve[i][j] /= curve[j][j];
        }
    }
    for (size_t i = 0; i < DIM; i++) {
        step[i] = point->slope[i];
        for (size_t k = 0; k < i; k++)
            step[i] -= curve[i][k] * step[k];
        step[i] /= curve[i][i];
    }
    for (size_t i = DIM; i-- > 0;) {
        for (size_t k = i + 1; k < DIM; k++)
            step[i] -= curve[k][i] * step[k];
        step[i] /= curve[i][i];
    }
}

/* What stands between a list's coefficients and the unknowns: nothing, or in
 * the fit for small catalogues, where they are
 *     large + part * (small + unknowns - large)
 * with the list's part.  Without `large` the part is 1: small + unknowns. */
struct start {
    const double *large, *small;        /* NULL: nothing */
};

struct problem {
    const struct bl_fit *fit;
    enum bl_profile from;
    bool any;                   /* lists of catalogues of any size */
    bool small;                 /* else those of smaller catalogues */
    double ridge;
    bool use[DIM];              /* unknowns; the others stay 0 */
    const double *rank;         /* first step's unknowns, for the second */
    struct start first, second; /* of the two steps */
    double *share;              /* room for the longest list */
    void (*look)(const struct problem *pr, const struct list *l,
                 const double *w, struct point *p);
};

static bool in_problem(const struct problem *problem, const struct list *list)
{
    return list->profile == problem->from
        && (problem->any || (list->small > 0) == problem->small);
}

/* Writes the list's coefficients; returns how much of the unknowns they
 * have. */
static double coefficients(struct start start, const struct list *list,
                           const double *unknown, size_t n, double *out)
{
    double part = start.large ? list->small : 1;

    for (size_t i = 0; i < n; i++) {
        double from = start.large ? start.large[i] : 0;
        double to = start.small ? start.small[i] : 0;
        out[i] = from + part * (to + unknown[i] - from);
    }
    return part;
}

static void evaluate(const struct problem *problem, const double *weights,
                     struct point *point)
{
    memset(point, 0, sizeof *point);
    for (size_t i = 0; i < problem->fit->n; i++)
        if (in_problem(problem, &problem->fit->v[i]))
            problem->look(problem, &problem->fit->v[i], weights, point);
    for (size_t i = 0; i < DIM; i++) {
        point->value -= problem->ridge * weights[i] * weights[i] / 2;
        point->slope[i] -= problem->ridge * weights[i];
        point->curve[i][i] += problem->ridge;
        for (size_t k = 0; k < DIM; k++)
            if (!problem->use[i] || !problem->use[k])
                point->curve[i][k] = i == k;
        if (!problem->use[i])
            point->slope[i] = 0;
    }
}

/* A step is halved until the value does not fall: far from the maximum a
 * whole Newton step may overshoot, but the likelihood is concave, so a short
 * enough one rises. */
static void maximise(const struct problem *problem, double weights[DIM])
{
    struct point here, there;
    double step[DIM], next[DIM];

    memset(weights, 0, DIM * sizeof *weights);
    evaluate(problem, weights, &here);
    for (int round = 0; round < MAX_STEPS; round++) {
        double scale = 1, before = here.value;
        solve(&here, step);
        for (int halving = 0; halving < 30; halving++, scale /= 2) {
            for (size_t i = 0; i < DIM; i++)
                next[i] = weights[i] + scale * step[i];
            evaluate(problem, next, &there);
            if (there.value >= before)
                break;
        }
        if (!(there.value > before))
            return;
        memcpy(weights, next, sizeof next);
        here = there;
        if (there.value - before < 1e-9 * (1 + fabs(before)))
            return;
    }
}

/* ---- The two likelihoods ---- */

/* The log-likelihood of a softmax: its slope is what the right candidate's
 * features have more than their mean under the shares, and the negative of
 * its curvature is their covariance.  A list without the right candidate
 * tells nothing about the order. */
static void look_rank(const struct problem *problem, const struct list *list,
                      const double *weights, struct point *point)
{
    double mean[BL_N_FEATURES] = { 0 }, w[BL_N_FEATURES], part;

    if (list->gold >= list->n)
        return;
    part = coefficients(problem->first, list, weights, BL_N_FEATURES, w);
    bl_rank_shares(w, list->x, list->n, NULL, problem->share);
    point->value += log(fmax(problem->share[list->gold], 1e-300));
    for (size_t c = 0; c < list->n; c++) {
        const double *row = list->x + c * BL_N_FEATURES;
        for (size_t i = 0; i < BL_N_FEATURES; i++) {
            mean[i] += problem->share[c] * row[i];
            for (size_t k = 0; k < BL_N_FEATURES; k++)
                point->curve[i][k] += part * part * problem->share[c]
                                    * row[i] * row[k];
        }
    }
    for (size_t i = 0; i < BL_N_FEATURES; i++) {
        point->slope[i] += part * (list->x[list->gold * BL_N_FEATURES + i]
                                   - mean[i]);
        for (size_t k = 0; k < BL_N_FEATURES; k++)
            point->curve[i][k] -= part * part * mean[i] * mean[k];
    }
}

/* "None of them" is that the right one is not in the list, whether the
 * catalogue lacks it or the list does: then share * (1 - nil_p) is the
 * probability of each candidate. */
static void look_nil(const struct problem *problem, const struct list *list,
                     const double *weights, struct point *point)
{
    double facts[BL_N_NIL_FEATURES], nil, none, w[DIM], part;
    size_t best;

    coefficients(problem->first, list, problem->rank, BL_N_FEATURES, w);
    bl_rank_shares(w, list->x, list->n, NULL, problem->share);
    best = bl_rank_best(problem->share, list->n);
    bl_rank_nil_features(list->x, problem->share, best, facts);
    part = coefficients(problem->second, list, weights, BL_N_NIL_FEATURES, w);
    nil = bl_rank_nil(w, facts);
    none = list->gold >= list->n;
    point->value += log(fmax(none > 0 ? nil : 1 - nil, 1e-300));
    for (size_t i = 0; i < BL_N_NIL_FEATURES; i++) {
        point->slope[i] += part * (none - nil) * facts[i];
        for (size_t k = 0; k < BL_N_NIL_FEATURES; k++)
            point->curve[i][k] += part * part * nil * (1 - nil) * facts[i]
                                * facts[k];
    }
}

/* The losses are those of the data alone, without the ridge that evaluate()
 * takes off. */
static void measure(const struct problem *problem, const double *nil,
                    struct bl_fit_quality *quality)
{
    struct point point = { 0 };

    *quality = (struct bl_fit_quality){ 0 };
    for (size_t i = 0; i < problem->fit->n; i++) {
        const struct list *list = &problem->fit->v[i];
        if (!in_problem(problem, list))
            continue;
        quality->lists++;
        quality->with_gold += list->gold < list->n;
        look_rank(problem, list, problem->rank, &point);
    }
    if (quality->with_gold)
        quality->rank_loss = -point.value / (double)quality->with_gold;
    point = (struct point){ 0 };
    for (size_t i = 0; i < problem->fit->n; i++)
        if (in_problem(problem, &problem->fit->v[i]))
            look_nil(problem, &problem->fit->v[i], nil, &point);
    if (quality->lists)
        quality->nil_loss = -point.value / (double)quality->lists;
}

/* A prior may speak for a candidate or say nothing.  Where a catalogue has no
 * counts, its priors are guesses from the kinds of names, which the other
 * features know better, and a free coefficient comes out negative: with real
 * counts it would then turn every answer round. */
static void maximise_prior(struct problem *problem, struct start start,
                           size_t prior, double sign, double unknown[DIM])
{
    double before = start.small ? start.small[prior] : 0;

    problem->use[prior] = true;
    maximise(problem, unknown);
    if ((before + unknown[prior]) * sign >= 0)
        return;
    problem->use[prior] = false;
    maximise(problem, unknown);
}

/* The first step is fitted first, because the second one sees the facts of
 * the candidate that the first one puts at the top. */
static void run(struct problem *problem, bool use_bi, double rank[DIM],
                double nil[DIM], struct bl_fit_quality *quality)
{
    size_t longest = 1;

    for (size_t i = 0; i < problem->fit->n; i++)
        longest = BL_MAX(problem->fit->v[i].n, longest);
    problem->share = bl_xmalloc(longest, sizeof *problem->share);
    for (size_t i = 0; i < BL_N_FEATURES; i++)
        problem->use[i] = i != BL_F_BI || use_bi;
    problem->look = look_rank;
    maximise_prior(problem, problem->first, BL_F_PRIOR, 1, rank);
    for (size_t i = 0; i < DIM; i++)
        problem->use[i] = i < BL_N_NIL_FEATURES && (i != BL_N_BI || use_bi);
    problem->rank = rank;
    problem->look = look_nil;
    maximise_prior(problem, problem->second, BL_N_PRIOR, -1, nil);
    measure(problem, nil, quality);
    free(problem->share);
}

void bl_fit_run(const struct bl_fit *fit, enum bl_profile from, bool use_bi,
                struct bl_weights *weights, struct bl_fit_quality *quality)
{
    struct problem problem = { .fit = fit, .from = from, .ridge = 1 };
    double rank[DIM], nil[DIM];

    run(&problem, use_bi, rank, nil, quality);
    memcpy(weights->rank, rank, sizeof weights->rank);
    memcpy(weights->nil, nil, sizeof weights->nil);
}

/* What is found is what the coefficients have more than before. */
void bl_fit_run_small(const struct bl_fit *fit, enum bl_profile from,
                      bool use_bi, const struct bl_weights *large,
                      struct bl_weights *small,
                      struct bl_fit_quality *quality)
{
    struct bl_weights before = *small;
    struct problem problem = {
        .fit = fit, .from = from, .small = true, .ridge = 1,
        .first = { large->rank, before.rank },
        .second = { large->nil, before.nil },
    };
    double rank[DIM], nil[DIM];

    run(&problem, use_bi, rank, nil, quality);
    for (size_t i = 0; i < BL_N_FEATURES; i++)
        small->rank[i] += rank[i];
    for (size_t i = 0; i < BL_N_NIL_FEATURES; i++)
        small->nil[i] += nil[i];
}

void bl_fit_run_near(const struct bl_fit *fit, enum bl_profile profile,
                     bool use_bi, double ridge, bool nil,
                     struct bl_weights *weights)
{
    struct bl_weights before = *weights;
    struct problem problem = {
        .fit = fit, .from = profile, .any = true, .ridge = ridge,
        .first = { NULL, before.rank }, .second = { NULL, before.nil },
    };
    struct bl_fit_quality quality;
    double rank[DIM], none[DIM];

    run(&problem, use_bi, rank, none, &quality);
    for (size_t i = 0; i < BL_N_FEATURES; i++)
        weights->rank[i] += rank[i];
    for (size_t i = 0; nil && i < BL_N_NIL_FEATURES; i++)
        weights->nil[i] += none[i];
}
