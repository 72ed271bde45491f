/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/fold.h"
#include "text/initials.h"
#include "base/mem.h"

/* Names longer than this are compared by their first words only: it bounds
 * the work per candidate, whatever the texts are. */
enum { MAX_WORDS = 32 };

static const double min_prior = 0.001;
/* No score beyond this, so that no sum can overflow. */
static const double max_score = 1e6;

static double cut(double x, double limit)
{
    return fmax(-limit, fmin(limit, x));
}

/* ---- Names ---- */

struct name {
    struct bl_buf folded;
    struct bl_span words[MAX_WORDS];
    size_t n;
};

static void name_set(struct name *m, struct bl_span text)
{
    bl_buf_clear(&m->folded);
    m->n = 0;
    bl_fold(&m->folded, text);
    for (size_t i = 0, from = 0; i <= m->folded.len; i++) {
        if (i < m->folded.len && m->folded.data[i] != ' ')
            continue;
        if (i > from && m->n < MAX_WORDS)
            m->words[m->n++] = (struct bl_span){ m->folded.data + from,
                                                 i - from };
        from = i + 1;
    }
}

static bool name_same(const struct name *a, const struct name *b)
{
    return a->folded.len && a->folded.len == b->folded.len
        && !memcmp(a->folded.data, b->folded.data, a->folded.len);
}

static size_t shared_words(const struct name *a, const struct name *b)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        size_t j = 0;
        while (j < b->n && !bl_span_eq(a->words[i], b->words[j]))
            j++;
        n += j < b->n;
    }
    return n;
}

static void name_features(struct bl_span title, const struct name *mention,
                          struct name *scratch, double *x)
{
    struct bl_span bare;
    size_t both;

    if (!title.p)
        return;
    name_set(scratch, title);
    x[BL_F_EQUAL] = name_same(scratch, mention);
    both = shared_words(mention, scratch);
    if (mention->n)
        x[BL_F_WITHIN] = (double)both / (double)mention->n;
    if (mention->n + scratch->n > both)
        x[BL_F_OVERLAP] = (double)both /
                          (double)(mention->n + scratch->n - both);
    if (bl_fold_bare(title, &bare)) {
        name_set(scratch, bare);
        x[BL_F_BARE] = name_same(scratch, mention);
    }
}

/* ---- Case ---- */

static bool has_capital(struct bl_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            return true;
    return false;
}

/* A title begins with a capital whatever it is; a name has another, a common
 * noun of several words has none; of one word nobody can tell. */
static void case_features(struct bl_span title, bool mention_has,
                          double *x)
{
    struct bl_span rest;

    if (!title.p || !title.n)
        return;
    bl_fold_bare(title, &title);
    rest = (struct bl_span){ title.p + 1, title.n - 1 };
    x[BL_F_PROPER] = !mention_has && has_capital(rest);
    x[BL_F_COMMON] = mention_has && !has_capital(rest)
                     && memchr(rest.p, ' ', rest.n);
}

/* ---- Scores ---- */

static double bi_of(const struct bl_candidate *c)
{
    if (!isnan(c->bi))
        return c->bi;
    return isnan(c->score) ? 0 : c->score;
}

/* Not the p of an earlier blink-score. */
static bool foreign(const struct bl_candidate *c)
{
    return !isnan(c->score) && c->score != c->p;
}

/* A score that is neither the bi-encoder's nor our own p is a re-ranker's,
 * whoever wrote it. */
static double cross_of(const struct bl_candidate *c)
{
    if (!foreign(c))
        return c->cross;
    if (!isnan(c->cross) || (!isnan(c->bi) && c->score != c->bi))
        return c->score;
    return NAN;
}

static const double max_cosine = 1.0001;

enum bl_profile bl_rank_profile(const struct bl_candidates *c)
{
    bool cosine = true, named = false, ranked = false, both = false;

    for (size_t i = 0; i < c->n; i++) {
        ranked |= !isnan(cross_of(&c->v[i]));
        both |= !isnan(c->v[i].cross);
        cosine &= fabs(bi_of(&c->v[i])) <= max_cosine;
        named |= c->v[i].prior > 0;
    }
    for (size_t i = 0; i < c->n; i++)
        both &= fabs(c->v[i].bi) <= max_cosine;
    if (both)
        return named ? BL_PROFILE_CROSS_COSINE_NAMED : BL_PROFILE_CROSS_COSINE;
    if (ranked)
        return BL_PROFILE_CROSS;
    if (cosine)
        return named ? BL_PROFILE_COSINE_NAMED : BL_PROFILE_COSINE;
    return named ? BL_PROFILE_OPEN_NAMED : BL_PROFILE_OPEN;
}

/* Largest value, and the standard deviation, of n > 0 numbers at a stride. */
static void spread(const double *x, size_t n, size_t stride, double *max,
                   double *deviation)
{
    double sum = 0, squares = 0;

    *max = x[0];
    for (size_t i = 0; i < n; i++) {
        *max = fmax(*max, x[i * stride]);
        sum += x[i * stride];
    }
    for (size_t i = 0; i < n; i++) {
        double d = x[i * stride] - sum / (double)n;
        squares += d * d;
    }
    *deviation = sqrt(squares / (double)n);
}

static void bi_features(double *x, size_t n)
{
    double max, deviation;

    if (!n)
        return;
    spread(x + BL_F_BI, n, BL_N_FEATURES, &max, &deviation);
    for (size_t i = 0; i < n; i++) {
        double *f = x + i * BL_N_FEATURES;
        f[BL_F_BI_GAP] = 10 * (f[BL_F_BI] - max);
        if (deviation > 0)
            f[BL_F_BI_REST] = (f[BL_F_BI] - max) / deviation;
    }
}

/* A candidate that was not re-ranked counts as the worst of those that were,
 * or as 2 below the best where that is less: it would have been read if much
 * had spoken for it. */
static void cross_features(const struct bl_candidates *c, double *x)
{
    double worst = INFINITY, best = -INFINITY, unread;

    for (size_t i = 0; i < c->n; i++) {
        worst = fmin(worst, cross_of(&c->v[i]));
        best = fmax(best, cross_of(&c->v[i]));
    }
    if (!isfinite(worst))
        return;
    unread = fmin(worst, best - 2);
    for (size_t i = 0; i < c->n; i++) {
        double v = cross_of(&c->v[i]);
        if (isnan(v))
            v = foreign(&c->v[i]) ? c->v[i].score : unread;
        x[i * BL_N_FEATURES + BL_F_CROSS] = cut(v, max_score);
    }
}

void bl_rank_features(const struct bl_candidates *c, struct bl_span mention,
                      double *x)
{
    struct name m = { .folded = BL_BUF_INIT }, scratch = m;
    char capitals[BL_MOST_INITIALS];
    size_t n_capitals = bl_initials_read(mention, capitals);
    bool capital = has_capital(mention);

    memset(x, 0, c->n * BL_N_FEATURES * sizeof *x);
    name_set(&m, mention);
    for (size_t i = 0; i < c->n; i++) {
        double *f = x + i * BL_N_FEATURES;
        f[BL_F_BI] = cut(bi_of(&c->v[i]), max_score);
        if (c->v[i].prior > 0) {
            f[BL_F_NAMED] = 1;
            f[BL_F_PRIOR] = log(fmax(c->v[i].prior, min_prior));
        }
        name_features(c->v[i].title, &m, &scratch, f);
        case_features(c->v[i].title, capital, f);
        f[BL_F_INITIALS] = bl_initials_fit(capitals, n_capitals,
                                           c->v[i].title);
        f[BL_F_HOLDS] = f[BL_F_WITHIN] >= 1 && f[BL_F_NAMED] == 0;
    }
    cross_features(c, x);
    bi_features(x, c->n);
    bl_buf_free(&m.folded);
    bl_buf_free(&scratch.folded);
}

/* ---- The two steps ---- */

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void bl_rank_shares(const double *w, const double *x, size_t n,
                    const bool *eligible, double *share)
{
    double max = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++) {
        share[i] = dot(w, x + i * BL_N_FEATURES, BL_N_FEATURES);
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

void bl_rank_nil_features(const double *x, const double *share, size_t best,
                          double *z)
{
    const double *f = x + best * BL_N_FEATURES;
    double s = share[best];

    z[BL_N_ONE] = 1;
    z[BL_N_SHARE] = s >= 1 ? 6 : s <= 0 ? -6 : cut(log(s / (1 - s)), 6);
    /* A title that is the mention is as near as can be: an encoder that says
     * less than 1 there has another scale than the one fitted to.  So is one
     * that the mention abbreviates, of which an encoder that compares names
     * knows nothing. */
    z[BL_N_BI] = f[BL_F_EQUAL] > 0 || f[BL_F_INITIALS] > 0
                     ? fmax(f[BL_F_BI], 1) : f[BL_F_BI];
    z[BL_N_CROSS] = f[BL_F_CROSS];
    z[BL_N_NAMED] = f[BL_F_NAMED];
    z[BL_N_PRIOR] = f[BL_F_PRIOR];
    z[BL_N_EQUAL] = f[BL_F_EQUAL];
    z[BL_N_BARE] = f[BL_F_BARE];
    z[BL_N_OVERLAP] = f[BL_F_OVERLAP];
    z[BL_N_WITHIN] = f[BL_F_WITHIN];
    z[BL_N_INITIALS] = f[BL_F_INITIALS];
}

double bl_rank_nil(const double *w, const double *z)
{
    return 1 / (1 + exp(-cut(dot(w, z, BL_N_NIL_FEATURES), 30)));
}

size_t bl_rank_best(const double *share, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (share[i] > share[best])
            best = i;
    return best;
}

double bl_rank(const struct bl_calibration *cal, struct bl_span mention,
               const bool *eligible, struct bl_candidates *c)
{
    const struct bl_weights *w = &cal->profile[bl_rank_profile(c)];
    double *x = bl_xmalloc(c->n, BL_N_FEATURES * sizeof *x);
    double *share = bl_xmalloc(c->n, sizeof *share);
    double z[BL_N_NIL_FEATURES], nil = 1;
    size_t best;

    bl_rank_features(c, mention, x);
    bl_rank_shares(w->rank, x, c->n, eligible, share);
    best = bl_rank_best(share, c->n);
    if (c->n && share[best] > 0) {
        bl_rank_nil_features(x, share, best, z);
        nil = bl_rank_nil(w->nil, z);
    }
    for (size_t i = 0; i < c->n; i++)
        c->v[i].p = share[i] * (1 - nil);
    free(x);
    free(share);
    return nil;
}
