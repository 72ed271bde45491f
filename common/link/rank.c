/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/fold.h"
#include "text/initials.h"

/* Names longer than this are compared by their first words only: it bounds
 * the work per candidate, whatever the texts are. */
enum { MAX_WORDS = 32 };

static const double min_prior = 0.001;
/* Scores are cut to this size, so that no sum of them can overflow. */
static const double max_score = 1e6;

static double cut(double value, double limit)
{
    return fmax(-limit, fmin(limit, value));
}

/* ---- Names ---- */

struct name {
    struct bl_buf folded;
    struct bl_span words[MAX_WORDS];
    size_t n;
};

static void name_set(struct name *name, struct bl_span text)
{
    bl_buf_clear(&name->folded);
    name->n = 0;
    bl_fold(&name->folded, text);
    for (size_t i = 0, from = 0; i <= name->folded.len; i++) {
        if (i < name->folded.len && name->folded.data[i] != ' ')
            continue;
        if (i > from && name->n < MAX_WORDS)
            name->words[name->n++] = (struct bl_span){
                name->folded.data + from, i - from
            };
        from = i + 1;
    }
}

static bool name_same(const struct name *one, const struct name *other)
{
    return one->folded.len && one->folded.len == other->folded.len
        && !memcmp(one->folded.data, other->folded.data, one->folded.len);
}

static size_t shared_words(const struct name *one, const struct name *other)
{
    size_t n = 0;

    for (size_t i = 0; i < one->n; i++) {
        size_t j = 0;
        while (j < other->n && !bl_span_eq(one->words[i], other->words[j]))
            j++;
        n += j < other->n;
    }
    return n;
}

static void name_features(struct bl_span title, const struct name *mention,
                          struct name *scratch, double *features)
{
    struct bl_span bare;
    size_t both;

    if (!title.p)
        return;
    name_set(scratch, title);
    features[BL_F_EQUAL] = name_same(scratch, mention);
    both = shared_words(mention, scratch);
    if (mention->n)
        features[BL_F_WITHIN] = (double)both / (double)mention->n;
    if (mention->n + scratch->n > both)
        features[BL_F_OVERLAP] = (double)both /
                          (double)(mention->n + scratch->n - both);
    if (bl_fold_bare(title, &bare)) {
        name_set(scratch, bare);
        features[BL_F_BARE] = name_same(scratch, mention);
    }
}

/* ---- Case ---- */

static bool has_capital(struct bl_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 'A' && text.p[i] <= 'Z')
            return true;
    return false;
}

/* A title begins with a capital whatever it is; a name has another, a common
 * noun of several words has none; of one word nobody can tell. */
static void case_features(struct bl_span title, bool mention_has,
                          double *features)
{
    struct bl_span rest;

    if (!title.p || !title.n)
        return;
    bl_fold_bare(title, &title);
    rest = (struct bl_span){ title.p + 1, title.n - 1 };
    features[BL_F_PROPER] = !mention_has && has_capital(rest);
    features[BL_F_COMMON] = mention_has && !has_capital(rest)
                     && memchr(rest.p, ' ', rest.n);
}

/* ---- The page that the mention names ---- */

/* Titles are told apart by their normal form, as files of names do. */
static void named_features(struct bl_span title, bool redirect,
                           const struct name *page, struct name *scratch,
                           double *features)
{
    bool same;

    if (!page->folded.len || !title.p)
        return;
    name_set(scratch, title);
    same = name_same(scratch, page);
    features[BL_F_REDIRECT] = same && redirect;
    features[BL_F_ELSEWHERE] = !same;
}

/* ---- Scores ---- */

static double bi_of(const struct bl_candidate *candidate)
{
    if (!isnan(candidate->bi))
        return candidate->bi;
    if (!isnan(candidate->lexical))
        return candidate->lexical;
    return isnan(candidate->score) ? 0 : candidate->score;
}

/* A score that is not the p which an earlier blink-score left there. */
static bool foreign(const struct bl_candidate *candidate)
{
    return !isnan(candidate->score) && candidate->score != candidate->p;
}

/* A score that is neither the bi-encoder's nor our own p is a re-ranker's,
 * whoever wrote it; but that of a list that was also found by words is of
 * blink-retrieve, and a re-ranker says there what is its own. */
static double cross_of(const struct bl_candidate *candidate)
{
    if (!foreign(candidate) || !isnan(candidate->lexical))
        return candidate->cross;
    if (!isnan(candidate->cross)
        || (!isnan(candidate->bi) && candidate->score != candidate->bi))
        return candidate->score;
    return NAN;
}

static const double max_cosine = 1.0001;

/* Its score is no cosine, however small. */
static bool by_words(const struct bl_candidate *candidate)
{
    return isnan(candidate->bi) && !isnan(candidate->lexical);
}

enum bl_profile bl_rank_profile(const struct bl_candidates *list)
{
    bool cosine = true, named = false, ranked = false, both = false;

    for (size_t i = 0; i < list->n; i++) {
        ranked |= !isnan(cross_of(&list->v[i]));
        both |= !isnan(list->v[i].cross);
        cosine &= fabs(bi_of(&list->v[i])) <= max_cosine
            && !by_words(&list->v[i]);
        named |= list->v[i].prior > 0;
    }
    for (size_t i = 0; i < list->n; i++)
        both &= fabs(list->v[i].bi) <= max_cosine;
    if (both)
        return named ? BL_PROFILE_CROSS_COSINE_NAMED : BL_PROFILE_CROSS_COSINE;
    if (ranked)
        return BL_PROFILE_CROSS;
    if (cosine)
        return named ? BL_PROFILE_COSINE_NAMED : BL_PROFILE_COSINE;
    return named ? BL_PROFILE_OPEN_NAMED : BL_PROFILE_OPEN;
}

/* Fitted to catalogues of 3 to 3,000 entities, among which the size told
 * nothing.  Those of 65,516 have the coefficients for large ones, and so have
 * the default ones, of 10,033 and more: there a title that is the name says
 * more than among a person's own aliases. */
static const double few = 3000, many = 10000;

double bl_rank_small(const struct bl_candidates *list)
{
    double n = (double)list->entities;

    if (n < 1)
        return 0;
    return fmax(0, fmin(1, log(many / n) / log(many / few)));
}

static void mix(const double *large, const double *small, size_t n,
                double part, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = part > 0 ? large[i] + part * (small[i] - large[i]) : large[i];
}

struct bl_weights bl_rank_weights(const struct bl_calibration *cal,
                                  const struct bl_candidates *list)
{
    enum bl_profile profile = bl_rank_profile(list);
    const struct bl_weights *large = &cal->profile[profile];
    const struct bl_weights *small = &cal->small[profile];
    double part = bl_rank_small(list);
    struct bl_weights out;

    mix(large->rank, small->rank, BL_N_FEATURES, part, out.rank);
    mix(large->nil, small->nil, BL_N_NIL_FEATURES, part, out.nil);
    return out;
}

/* The largest of n > 0 numbers at a stride, and their standard deviation. */
static void spread(const double *values, size_t n, size_t stride, double *max,
                   double *deviation)
{
    double sum = 0, squares = 0;

    *max = values[0];
    for (size_t i = 0; i < n; i++) {
        *max = fmax(*max, values[i * stride]);
        sum += values[i * stride];
    }
    for (size_t i = 0; i < n; i++) {
        double difference = values[i * stride] - sum / (double)n;
        squares += difference * difference;
    }
    *deviation = sqrt(squares / (double)n);
}

static void bi_features(double *features, size_t n)
{
    double max, deviation;

    if (!n)
        return;
    spread(features + BL_F_BI, n, BL_N_FEATURES, &max, &deviation);
    for (size_t i = 0; i < n; i++) {
        double *row = features + i * BL_N_FEATURES;
        row[BL_F_BI_GAP] = 10 * (row[BL_F_BI] - max);
        if (deviation > 0)
            row[BL_F_BI_REST] = (row[BL_F_BI] - max) / deviation;
    }
}

/* A candidate that was not re-ranked counts as the worst of those that were,
 * or as 2 below the best where that is less: it would have been read if much
 * had spoken for it. */
static void cross_features(const struct bl_candidates *list, double *features)
{
    double worst = INFINITY, best = -INFINITY, unread;

    for (size_t i = 0; i < list->n; i++) {
        worst = fmin(worst, cross_of(&list->v[i]));
        best = fmax(best, cross_of(&list->v[i]));
    }
    if (!isfinite(worst))
        return;
    unread = fmin(worst, best - 2);
    for (size_t i = 0; i < list->n; i++) {
        double score = cross_of(&list->v[i]);
        if (isnan(score))
            score = foreign(&list->v[i]) ? list->v[i].score : unread;
        features[i * BL_N_FEATURES + BL_F_CROSS] = cut(score, max_score);
    }
}

/* What compares a candidate with the rest of its list comes after the loop,
 * since it needs the scores of all. */
void bl_rank_features(const struct bl_candidates *list, struct bl_span mention,
                      double *features)
{
    struct name name = { .folded = BL_BUF_INIT }, scratch = name, page = name;
    char capitals[BL_MOST_INITIALS];
    size_t n_capitals = bl_initials_read(mention, capitals);
    bool capital = has_capital(mention);

    memset(features, 0, list->n * BL_N_FEATURES * sizeof *features);
    name_set(&name, mention);
    if (list->named.title.p)
        name_set(&page, list->named.title);
    for (size_t i = 0; i < list->n; i++) {
        double *row = features + i * BL_N_FEATURES;
        row[BL_F_BI] = cut(bi_of(&list->v[i]), max_score);
        if (list->v[i].prior > 0) {
            row[BL_F_NAMED] = 1;
            row[BL_F_PRIOR] = log(fmax(list->v[i].prior, min_prior));
        }
        name_features(list->v[i].title, &name, &scratch, row);
        case_features(list->v[i].title, capital, row);
        named_features(list->v[i].title, list->named.redirect, &page,
                       &scratch, row);
        row[BL_F_INITIALS] = bl_initials_fit(capitals, n_capitals,
                                             list->v[i].title);
        row[BL_F_HOLDS] = row[BL_F_WITHIN] >= 1 && row[BL_F_NAMED] == 0;
    }
    cross_features(list, features);
    bi_features(features, list->n);
    bl_buf_free(&name.folded);
    bl_buf_free(&scratch.folded);
    bl_buf_free(&page.folded);
}

/* ---- The two steps ---- */

static double dot(const double *left, const double *right, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += left[i] * right[i];
    return sum;
}

void bl_rank_shares(const double *weights, const double *features, size_t n,
                    const bool *eligible, double *share)
{
    double max = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++) {
        share[i] = dot(weights, features + i * BL_N_FEATURES, BL_N_FEATURES);
        if (!eligible || eligible[i])
            max = fmax(max, share[i]);
    }
    for (size_t i = 0; i < n; i++) {
        bool in = !eligible || eligible[i];
        share[i] = in ? exp(share[i] - max) : 0;
        sum += share[i];
    }
    for (size_t i = 0; i < n && sum > 0; i++)
        share[i] /= sum;
}

void bl_rank_nil_features(const double *features, const double *share,
                          size_t best, double *facts)
{
    const double *row = features + best * BL_N_FEATURES;
    double top = share[best];

    facts[BL_N_ONE] = 1;
    facts[BL_N_SHARE] = top >= 1 ? 6 : top <= 0 ? -6
        : cut(log(top / (1 - top)), 6);
    /* A title that is the mention is as near as can be: an encoder that says
     * less than 1 there has another scale than the one fitted to.  So is one
     * that the mention abbreviates, of which an encoder that compares names
     * knows nothing. */
    facts[BL_N_BI] = row[BL_F_EQUAL] > 0 || row[BL_F_INITIALS] > 0
                     ? fmax(row[BL_F_BI], 1) : row[BL_F_BI];
    facts[BL_N_CROSS] = row[BL_F_CROSS];
    facts[BL_N_NAMED] = row[BL_F_NAMED];
    facts[BL_N_PRIOR] = row[BL_F_PRIOR];
    facts[BL_N_EQUAL] = row[BL_F_EQUAL];
    facts[BL_N_BARE] = row[BL_F_BARE];
    facts[BL_N_OVERLAP] = row[BL_F_OVERLAP];
    facts[BL_N_WITHIN] = row[BL_F_WITHIN];
    facts[BL_N_INITIALS] = row[BL_F_INITIALS];
    facts[BL_N_REDIRECT] = row[BL_F_REDIRECT];
    facts[BL_N_ELSEWHERE] = row[BL_F_ELSEWHERE];
}

double bl_rank_nil(const double *weights, const double *facts)
{
    return 1 / (1 + exp(-cut(dot(weights, facts, BL_N_NIL_FEATURES), 30)));
}

size_t bl_rank_best(const double *share, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (share[i] > share[best])
            best = i;
    return best;
}

double bl_rank_alone(const struct bl_calibration *cal, struct bl_span mention,
                     const bool *eligible, struct bl_candidates *list)
{
    struct bl_candidates own = *list;
    struct bl_weights weights;
    double *features, *share;
    double facts[BL_N_NIL_FEATURES], nil = 1;
    size_t best;

    own.n -= own.n_from;
    weights = bl_rank_weights(cal, &own);
    features = bl_xmalloc(own.n, BL_N_FEATURES * sizeof *features);
    share = bl_xmalloc(own.n, sizeof *share);
    bl_rank_features(&own, mention, features);
    bl_rank_shares(weights.rank, features, own.n, eligible, share);
    best = bl_rank_best(share, own.n);
    /* The best share is 0 where no candidate is eligible. */
    if (own.n && share[best] > 0) {
        bl_rank_nil_features(features, share, best, facts);
        nil = bl_rank_nil(weights.nil, facts);
    }
    for (size_t i = 0; i < own.n; i++)
        own.v[i].p = share[i] * (1 - nil);
    free(features);
    free(share);
    return nil;
}

/* ---- What the document adds ---- */

static const double least_share = 1e-9, least_odds = 1e-6, most_added = 60;

double bl_rank_log(double share)
{
    return log(fmax(share, least_share));
}

double bl_rank_logit(double p)
{
    p = fmax(least_odds, fmin(1 - least_odds, p));
    return log(p / (1 - p));
}

static bool is_coherent(const struct bl_candidates *list)
{
    bool any = list->n_from > 0 || list->whole.nil != 0;

    for (size_t i = 0; i < list->n; i++)
        any |= fabs(list->v[i].coherence) > 0;
    return any;
}

/* The p of own candidates, which are still shares times 1 - nil, become
 * logarithms; -INFINITY for those that may not be chosen. */
static double logarithm(const struct bl_candidates *list, size_t i, bool may,
                        double any)
{
    const struct bl_candidate *c = &list->v[i];
    bool own = i < list->n - list->n_from;
    double added = isnan(c->coherence) ? 0 : cut(c->coherence, most_added);

    if (!may || (own && c->p <= 0))
        return -INFINITY;
    return own ? bl_rank_log(c->p / any) + added : added;
}

static double add_document(struct bl_candidates *list, const bool *eligible,
                           double nil)
{
    double any = fmax(1 - nil, 1e-300), max = -INFINITY, sum = 0;

    for (size_t i = 0; i < list->n; i++) {
        list->v[i].p = logarithm(list, i, !eligible || eligible[i], any);
        max = fmax(max, list->v[i].p);
    }
    if (!isfinite(max)) {
        for (size_t i = 0; i < list->n; i++)
            list->v[i].p = 0;
        return 1;
    }
    nil = bl_rank_logit(nil) + cut(list->whole.nil, most_added);
    nil = 1 / (1 + exp(-nil));
    for (size_t i = 0; i < list->n; i++)
        sum += list->v[i].p = exp(list->v[i].p - max);
    for (size_t i = 0; i < list->n; i++)
        list->v[i].p *= (1 - nil) / sum;
    return nil;
}

double bl_rank(const struct bl_calibration *cal, struct bl_span mention,
               const bool *eligible, struct bl_candidates *list)
{
    double nil = bl_rank_alone(cal, mention, eligible, list);

    return is_coherent(list) ? add_document(list, eligible, nil) : nil;
}
