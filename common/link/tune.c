/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/tune.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/rank-fit.h"
#include "link/rank.h"

enum { FOLDS = 5, BINS = 10 };

/* How much the base is trusted, from hardly to almost wholly. */
static const double ridges[] = { 1, 4, 16, 64, 256 };
enum { RIDGES = BL_COUNT(ridges) };

/* A list as one profile sees it. */
struct view {
    enum bl_profile profile;
    double *x;                  /* [n][BL_N_FEATURES] */
};

struct example {
    size_t n, gold;
    size_t doc, name;           /* numbers of its texts in the groups */
    double small;
    bool known;
    struct view asked, plain;   /* as it came; before it was re-ranked, x NULL
                                 * if it was not */
};

/* Different texts, numbered in the order in which they came. */
struct groups {
    char **v;
    size_t n, cap;
};

struct bl_tune {
    struct bl_calibration base;
    struct example *v;
    size_t n, cap;
    struct groups docs, names;
};

/* The weights of every profile for lists of one size of catalogue. */
struct weights {
    struct bl_weights of[BL_N_PROFILES];
};

/* ---- The mentions ---- */

struct bl_tune *bl_tune_new(const struct bl_calibration *base)
{
    struct bl_tune *tune = BL_NEW(struct bl_tune);

    tune->base = *base;
    return tune;
}

static void groups_free(struct groups *groups)
{
    for (size_t i = 0; i < groups->n; i++)
        free(groups->v[i]);
    free(groups->v);
}

void bl_tune_free(struct bl_tune *tune)
{
    for (size_t i = 0; tune && i < tune->n; i++) {
        free(tune->v[i].asked.x);
        free(tune->v[i].plain.x);
    }
    if (tune) {
        groups_free(&tune->docs);
        groups_free(&tune->names);
        free(tune->v);
    }
    free(tune);
}

/* The mentions of a document come together: the last ones are looked at
 * first. */
static size_t group_of(struct groups *groups, struct bl_span name)
{
    for (size_t i = groups->n; i-- > 0;)
        if (bl_span_is(name, groups->v[i]))
            return i;
    BL_GROW(groups->v, groups->n + 1, groups->cap);
    groups->v[groups->n] = bl_xasprintf("%.*s", (int)name.n, name.p);
    return groups->n++;
}

static struct view view_of(const struct bl_candidates *list,
                           struct bl_span mention)
{
    struct view view = { bl_rank_profile(list), NULL };

    view.x = bl_xmalloc(list->n, BL_N_FEATURES * sizeof *view.x);
    bl_rank_features(list, mention, view.x);
    return view;
}

/* The list as blink-retrieve gave it, where it has bi_scores to tell. */
static struct view view_before(const struct bl_candidates *list,
                               struct bl_span mention)
{
    struct bl_candidates plain = *list;
    struct view view = { .x = NULL };
    bool ranked = false;

    plain.v = bl_xmemdup(list->v, list->n * sizeof *list->v);
    for (size_t i = 0; i < plain.n; i++) {
        ranked |= !isnan(plain.v[i].cross);
        plain.v[i].cross = NAN;
        plain.v[i].score = plain.v[i].bi;
    }
    if (ranked)
        view = view_of(&plain, mention);
    free(plain.v);
    return view;
}

/* A list without candidates has no profile to teach; it counts as
 * answered with none. */
void bl_tune_add(struct bl_tune *tune, struct bl_span doc,
                 struct bl_span mention, const struct bl_candidates *list,
                 size_t gold, bool known)
{
    struct example *example;

    BL_GROW(tune->v, tune->n + 1, tune->cap);
    example = &tune->v[tune->n++];
    *example = (struct example){
        .n = list->n, .gold = gold, .known = known,
        .small = bl_rank_small(list), .doc = group_of(&tune->docs, doc),
        .name = group_of(&tune->names, mention)
    };
    if (!list->n)
        return;
    example->asked = view_of(list, mention);
    example->plain = view_before(list, mention);
}

size_t bl_tune_count(const struct bl_tune *tune, size_t *known)
{
    *known = 0;
    for (size_t i = 0; i < tune->n; i++)
        *known += tune->v[i].known;
    return tune->n;
}

/* Documents are dealt out like cards, so that what one says ten times is not
 * on both sides; where all is a few documents, names are. */
static size_t fold_of(const struct bl_tune *tune, size_t i)
{
    return (tune->docs.n < 2 * FOLDS ? tune->v[i].name : tune->v[i].doc)
         % FOLDS;
}

/* ---- Fitting ---- */

/* What the base is for a catalogue of that size; the size of one catalogue
 * changes little, and what it is at the first list counts. */
static void start(const struct bl_tune *tune, struct weights *weights)
{
    double part = tune->n ? tune->v[0].small : 0;

    for (size_t p = 0; p < BL_N_PROFILES; p++) {
        const struct bl_weights *large = &tune->base.profile[p];
        const struct bl_weights *small = &tune->base.small[p];
        struct bl_weights *w = &weights->of[p];

        for (size_t i = 0; i < BL_N_FEATURES; i++)
            w->rank[i] = large->rank[i]
                       + part * (small->rank[i] - large->rank[i]);
        for (size_t i = 0; i < BL_N_NIL_FEATURES; i++)
            w->nil[i] = large->nil[i]
                      + part * (small->nil[i] - large->nil[i]);
    }
}

static void add_view(struct bl_fit *fit, const struct example *example,
                     const struct view *view)
{
    if (view->x)
        bl_fit_add(fit, view->profile, example->small, view->x, example->n,
                   example->gold);
}

/* Weights by all mentions but those of a fold; FOLDS: by all. */
static void fit_without(const struct bl_tune *tune, size_t fold, double ridge,
                        bool none, struct weights *weights)
{
    struct bl_fit *fit = bl_fit_new();

    start(tune, weights);
    for (size_t i = 0; i < tune->n; i++) {
        if (fold_of(tune, i) == fold)
            continue;
        add_view(fit, &tune->v[i], &tune->v[i].asked);
        add_view(fit, &tune->v[i], &tune->v[i].plain);
    }
    for (size_t p = 0; p < BL_N_PROFILES; p++) {
        enum bl_profile profile = (enum bl_profile)p;
        bool open = profile == BL_PROFILE_OPEN
            || profile == BL_PROFILE_OPEN_NAMED;

        if (bl_fit_count(fit, profile, false)
            || bl_fit_count(fit, profile, true))
            bl_fit_run_near(fit, profile, !open, ridge, none,
                            &weights->of[p]);
    }
    bl_fit_free(fit);
}

/* ---- Judging ---- */

struct sums {
    double n, known, right, none, said_none, none_right, false_none, wrong,
        loss;
    double bin_n[BINS], bin_p[BINS], bin_right[BINS];
};

/* The answer to one mention: sets *answer to the candidate's place, or to
 * SIZE_MAX for none, and *p to how sure it is.  Returns the probability of
 * what is right. */
static double answer(const struct example *example,
                     const struct weights *weights, size_t *best, double *p)
{
    const struct view *view = &example->asked;
    double facts[BL_N_NIL_FEATURES], nil = 1, right = 1;
    double *share;

    *best = SIZE_MAX;
    *p = 1;
    if (!example->n)
        return 1;
    share = bl_xmalloc(example->n, sizeof *share);
    bl_rank_shares(weights->of[view->profile].rank, view->x, example->n, NULL,
                   share);
    *best = bl_rank_best(share, example->n);
    bl_rank_nil_features(view->x, share, *best, facts);
    nil = bl_rank_nil(weights->of[view->profile].nil, facts);
    right = example->gold < example->n ? share[example->gold] * (1 - nil)
                                       : nil;
    *p = nil > 0.5 ? nil : share[*best] * (1 - nil);
    if (nil > 0.5)
        *best = SIZE_MAX;
    free(share);
    return right;
}

/* What is not known has "none" as its right answer, also where a label names
 * an entity that the catalogue lacks. */
static void judge(const struct example *example,
                  const struct weights *weights, struct sums *sums)
{
    double p, right_p;
    size_t best, bin;
    bool right;

    right_p = answer(example, weights, &best, &p);
    right = example->known ? best != SIZE_MAX && best == example->gold
                           : best == SIZE_MAX;
    sums->n++;
    sums->known += example->known;
    sums->right += example->known && right;
    sums->none += !example->known;
    sums->said_none += best == SIZE_MAX;
    sums->none_right += !example->known && right;
    sums->false_none += example->known && best == SIZE_MAX;
    sums->wrong += !right;
    sums->loss -= log(fmax(right_p, 1e-12));
    bin = BL_MIN((size_t)(fmax(p, 0) * BINS), BINS - 1);
    sums->bin_n[bin]++;
    sums->bin_p[bin] += p;
    sums->bin_right[bin] += right;
}

static void judge_fold(const struct bl_tune *tune, size_t fold,
                       const struct weights *weights, struct sums *sums)
{
    for (size_t i = 0; i < tune->n; i++)
        if (fold_of(tune, i) == fold)
            judge(&tune->v[i], weights, sums);
}

static struct bl_tune_figures figures(const struct sums *sums)
{
    double ece = 0;

    for (size_t i = 0; i < BINS; i++)
        ece += fabs(sums->bin_p[i] - sums->bin_right[i]) / sums->n;
    return (struct bl_tune_figures){
        .right = sums->right / sums->known,
        .none_f1 = 2 * sums->none_right / (sums->none + sums->said_none),
        .false_none = sums->false_none / sums->known,
        .ece = ece, .loss = sums->loss / sums->n,
        .wrong = sums->wrong / sums->n
    };
}

/* ---- Together ---- */

/* The ridge with the least loss over all folds but one; FOLDS: over all. */
static size_t choose(double loss[RIDGES][FOLDS], size_t without)
{
    size_t best = 0;
    double least = INFINITY;

    for (size_t r = 0; r < RIDGES; r++) {
        double sum = 0;

        for (size_t f = 0; f < FOLDS; f++)
            sum += f == without ? 0 : loss[r][f];
        if (sum < least) {
            least = sum;
            best = r;
        }
    }
    return best;
}

/* Both sets of a profile move alike, so that the mixture of them does, too. */
static void move(struct bl_calibration *out, const struct weights *from,
                 const struct weights *to)
{
    for (size_t p = 0; p < BL_N_PROFILES; p++) {
        for (size_t i = 0; i < BL_N_FEATURES; i++) {
            double by = to->of[p].rank[i] - from->of[p].rank[i];

            out->profile[p].rank[i] += by;
            out->small[p].rank[i] += by;
        }
        for (size_t i = 0; i < BL_N_NIL_FEATURES; i++) {
            double by = to->of[p].nil[i] - from->of[p].nil[i];

            out->profile[p].nil[i] += by;
            out->small[p].nil[i] += by;
        }
    }
}

/* All losses are needed before a ridge can be chosen for any fold; fitting
 * again what was fitted before costs less than keeping it. */
bool bl_tune_run(struct bl_tune *tune, struct bl_calibration *out,
                 struct bl_tune_report *report)
{
    struct sums before = { 0 }, after = { 0 };
    struct weights base, weights;
    double loss[RIDGES][FOLDS];
    size_t known;

    report->none = bl_tune_count(tune, &known) - known >= BL_TUNE_LEAST_NONE;
    start(tune, &base);
    for (size_t r = 0; r < RIDGES; r++) {
        for (size_t f = 0; f < FOLDS; f++) {
            struct sums sums = { 0 };

            fit_without(tune, f, ridges[r], report->none, &weights);
            judge_fold(tune, f, &weights, &sums);
            loss[r][f] = sums.loss;
        }
    }
    for (size_t f = 0; f < FOLDS; f++) {
        fit_without(tune, f, ridges[choose(loss, f)], report->none, &weights);
        judge_fold(tune, f, &weights, &after);
        judge_fold(tune, f, &base, &before);
    }
    report->before = figures(&before);
    report->after = figures(&after);
    fit_without(tune, FOLDS, ridges[choose(loss, FOLDS)], report->none,
                &weights);
    *out = tune->base;
    move(out, &base, &weights);
    return after.loss < before.loss && after.wrong <= before.wrong;
}
