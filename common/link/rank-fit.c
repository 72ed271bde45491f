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

static const double ridge = 1.0;

struct list {
    enum bl_profile profile;
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

void bl_fit_free(struct bl_fit *f)
{
    for (size_t i = 0; f && i < f->n; i++)
        free(f->v[i].x);
    if (f)
        free(f->v);
    free(f);
}

void bl_fit_add(struct bl_fit *f, enum bl_profile profile, const double *x,
                size_t n, size_t gold)
{
    if (!n)
        return;
    BL_GROW(f->v, f->n + 1, f->cap);
    f->v[f->n++] = (struct list){ profile, n, gold,
        bl_xmemdup(x, n * BL_N_FEATURES * sizeof *x) };
}

size_t bl_fit_count(const struct bl_fit *f, enum bl_profile profile)
{
    size_t count = 0;

    for (size_t i = 0; i < f->n; i++)
        count += f->v[i].profile == profile;
    return count;
}

/* ---- Newton's method ---- */

/* What is known at one point: log-likelihood, its slope, and the negative
 * of its curvature. */
struct point {
    double value, slope[DIM], curve[DIM][DIM];
};

/* Solves curve * step = slope by Cholesky; the ridge makes it definite. */
static void solve(struct point *p, double step[DIM])
{
    double (*a)[DIM] = p->curve;

    for (size_t j = 0; j < DIM; j++) {
        for (size_t k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        a[j][j] = sqrt(fmax(a[j][j], 1e-12));
        for (size_t i = j + 1; i < DIM; i++) {
            for (size_t k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (size_t i = 0; i < DIM; i++) {
        step[i] = p->slope[i];
        for (size_t k = 0; k < i; k++)
            step[i] -= a[i][k] * step[k];
        step[i] /= a[i][i];
    }
    for (size_t i = DIM; i-- > 0;) {
        for (size_t k = i + 1; k < DIM; k++)
            step[i] -= a[k][i] * step[k];
        step[i] /= a[i][i];
    }
}

struct problem {
    const struct bl_fit *fit;
    enum bl_profile from;
    bool use[DIM];              /* unknowns; the others stay 0 */
    const double *rank;         /* first step's weights, for the second */
    double *share;              /* room for the longest list */
    void (*look)(const struct problem *pr, const struct list *l,
                 const double *w, struct point *p);
};

static void evaluate(const struct problem *pr, const double *w,
                     struct point *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < pr->fit->n; i++)
        if (pr->fit->v[i].profile == pr->from)
            pr->look(pr, &pr->fit->v[i], w, p);
    for (size_t i = 0; i < DIM; i++) {
        p->value -= ridge * w[i] * w[i] / 2;
        p->slope[i] -= ridge * w[i];
        p->curve[i][i] += ridge;
        for (size_t k = 0; k < DIM; k++)
            if (!pr->use[i] || !pr->use[k])
                p->curve[i][k] = i == k;
        if (!pr->use[i])
            p->slope[i] = 0;
    }
}

static void maximise(const struct problem *pr, double w[DIM])
{
    struct point here, there;
    double step[DIM], next[DIM];

    memset(w, 0, DIM * sizeof *w);
    evaluate(pr, w, &here);
    for (int round = 0; round < MAX_STEPS; round++) {
        double scale = 1, before = here.value;
        solve(&here, step);
        for (int halving = 0; halving < 30; halving++, scale /= 2) {
            for (size_t i = 0; i < DIM; i++)
                next[i] = w[i] + scale * step[i];
            evaluate(pr, next, &there);
            if (there.value >= before)
                break;
        }
        if (!(there.value > before))
            return;
        memcpy(w, next, sizeof next);
        here = there;
        if (there.value - before < 1e-9 * (1 + fabs(before)))
            return;
    }
}

/* ---- The two likelihoods ---- */

static void look_rank(const struct problem *pr, const struct list *l,
                      const double *w, struct point *p)
{
    double mean[BL_N_FEATURES] = { 0 };

    if (l->gold >= l->n)
        return;
    bl_rank_shares(w, l->x, l->n, NULL, pr->share);
    p->value += log(fmax(pr->share[l->gold], 1e-300));
    for (size_t c = 0; c < l->n; c++) {
        const double *x = l->x + c * BL_N_FEATURES;
        for (size_t i = 0; i < BL_N_FEATURES; i++) {
            mean[i] += pr->share[c] * x[i];
            for (size_t k = 0; k < BL_N_FEATURES; k++)
                p->curve[i][k] += pr->share[c] * x[i] * x[k];
        }
    }
    for (size_t i = 0; i < BL_N_FEATURES; i++) {
        p->slope[i] += l->x[l->gold * BL_N_FEATURES + i] - mean[i];
        for (size_t k = 0; k < BL_N_FEATURES; k++)
            p->curve[i][k] -= mean[i] * mean[k];
    }
}

/* "None of them" is that the right one is not in the list, whether the
 * catalogue lacks it or the list does: then share * (1 - nil_p) is the
 * probability of each candidate. */
static void look_nil(const struct problem *pr, const struct list *l,
                     const double *w, struct point *p)
{
    double z[BL_N_NIL_FEATURES], q, y;
    size_t best;

    bl_rank_shares(pr->rank, l->x, l->n, NULL, pr->share);
    best = bl_rank_best(pr->share, l->n);
    bl_rank_nil_features(l->x, pr->share, best, z);
    q = bl_rank_nil(w, z);
    y = l->gold >= l->n;
    p->value += log(fmax(y > 0 ? q : 1 - q, 1e-300));
    for (size_t i = 0; i < BL_N_NIL_FEATURES; i++) {
        p->slope[i] += (y - q) * z[i];
        for (size_t k = 0; k < BL_N_NIL_FEATURES; k++)
            p->curve[i][k] += q * (1 - q) * z[i] * z[k];
    }
}

static void measure(const struct problem *pr, const struct bl_weights *w,
                    struct bl_fit_quality *quality)
{
    struct point p = { 0 };

    *quality = (struct bl_fit_quality){ 0 };
    for (size_t i = 0; i < pr->fit->n; i++) {
        const struct list *l = &pr->fit->v[i];
        if (l->profile != pr->from)
            continue;
        quality->lists++;
        quality->with_gold += l->gold < l->n;
        look_rank(pr, l, w->rank, &p);
    }
    if (quality->with_gold)
        quality->rank_loss = -p.value / (double)quality->with_gold;
    p = (struct point){ 0 };
    for (size_t i = 0; i < pr->fit->n; i++)
        if (pr->fit->v[i].profile == pr->from)
            look_nil(pr, &pr->fit->v[i], w->nil, &p);
    if (quality->lists)
        quality->nil_loss = -p.value / (double)quality->lists;
}

/* A prior may speak for a candidate or say nothing.  Where a catalogue has no
 * counts, its priors are guesses from the kinds of names, which the other
 * features know better, and a free coefficient comes out negative: with real
 * counts it would then turn every answer round. */
static void maximise_prior(struct problem *pr, size_t prior, double sign,
                           double w[DIM])
{
    pr->use[prior] = true;
    maximise(pr, w);
    if (w[prior] * sign >= 0)
        return;
    pr->use[prior] = false;
    maximise(pr, w);
}

void bl_fit_run(const struct bl_fit *f, enum bl_profile from, bool use_bi,
                struct bl_weights *w, struct bl_fit_quality *quality)
{
    struct problem pr = { .fit = f, .from = from };
    double found[DIM];
    size_t longest = 1;

    for (size_t i = 0; i < f->n; i++)
        longest = BL_MAX(f->v[i].n, longest);
    pr.share = bl_xmalloc(longest, sizeof *pr.share);
    for (size_t i = 0; i < BL_N_FEATURES; i++)
        pr.use[i] = i != BL_F_BI || use_bi;
    pr.look = look_rank;
    maximise_prior(&pr, BL_F_PRIOR, 1, found);
    memcpy(w->rank, found, sizeof w->rank);
    for (size_t i = 0; i < DIM; i++)
        pr.use[i] = i < BL_N_NIL_FEATURES && (i != BL_N_BI || use_bi);
    pr.rank = w->rank;
    pr.look = look_nil;
    maximise_prior(&pr, BL_N_PRIOR, -1, found);
    memcpy(w->nil, found, sizeof w->nil);
    measure(&pr, w, quality);
    free(pr.share);
}
