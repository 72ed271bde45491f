/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>

static void add_lists(struct bl_tally *tally, const struct bl_judged *judged,
                      const struct bl_cutoffs *cutoffs)
{
    tally->n++;
    tally->right += judged->right && !judged->missed;
    tally->first += judged->list_rank == 0;
    tally->bi_first += judged->bi_rank == 0;
    if (judged->list_rank != BL_NOT_FOUND) {
        tally->found++;
        tally->reciprocal += 1.0 / (double)(judged->list_rank + 1);
    }
    for (size_t i = 0; i < cutoffs->n; i++) {
        tally->at[i] += judged->list_rank < cutoffs->v[i];
        /* BLINK main_dense looks at range(1, top_k). */
        tally->at_blink[i] += cutoffs->v[i] > 0
            && judged->bi_rank < cutoffs->v[i] - 1;
    }
}

static void add_confidence(struct bl_tally *tally, double p, bool right)
{
    if (isnan(p))
        return;
    size_t bin = p >= 1 ? BL_ECE_BINS - 1
               : p <= 0 ? 0 : (size_t)(p * BL_ECE_BINS);

    tally->bin_n[bin]++;
    tally->bin_p[bin] += p;
    tally->bin_right[bin] += right;
}

/* "No entity" is a prediction too where NIL is required, but none in InKB.  A
 * spurious record adds to what was predicted and to nothing else. */
void bl_tally_add(struct bl_tally *tally, const struct bl_judged *judged,
                  const struct bl_cutoffs *cutoffs)
{
    bool entity = judged->gold == BL_GOLD_ENTITY;
    bool right = !judged->missed
        && (entity ? judged->right : !judged->answered);

    if (judged->gold == BL_GOLD_NONE) {
        tally->unlabelled++;
        return;
    }
    tally->in_kb.predicted += judged->answered;
    tally->nil_required.predicted += !judged->missed;
    if (judged->gold == BL_GOLD_SPURIOUS)
        return;
    if (entity)
        add_lists(tally, judged, cutoffs);
    else
        tally->nil++;
    tally->in_kb.tp += entity && right;
    tally->in_kb.gold += entity;
    tally->nil_required.tp += right;
    tally->nil_required.gold++;
    if (!judged->missed)
        add_confidence(tally, judged->confidence, right);
}

static void sum_prf(struct bl_prf_sum *sum, const struct bl_prf_sum *more)
{
    sum->tp += more->tp;
    sum->predicted += more->predicted;
    sum->gold += more->gold;
}

/* Every report is a sum of documents' tallies made by this function, so a
 * member that is not added here would be 0 in all of them. */
void bl_tally_sum(struct bl_tally *sum, const struct bl_tally *more)
{
    sum->n += more->n;
    sum->nil += more->nil;
    sum->unlabelled += more->unlabelled;
    sum->errors += more->errors;
    sum->right += more->right;
    sum->first += more->first;
    sum->found += more->found;
    sum->bi_first += more->bi_first;
    sum->reciprocal += more->reciprocal;
    for (size_t i = 0; i < BL_MAX_CUTOFFS; i++) {
        sum->at[i] += more->at[i];
        sum->at_blink[i] += more->at_blink[i];
    }
    sum_prf(&sum->in_kb, &more->in_kb);
    sum_prf(&sum->nil_required, &more->nil_required);
    sum->docs += more->docs;
    for (size_t i = 0; i < 3; i++) {
        sum->macro_in_kb[i] += more->macro_in_kb[i];
        sum->macro_nil[i] += more->macro_nil[i];
    }
    for (size_t i = 0; i < BL_ECE_BINS; i++) {
        sum->bin_n[i] += more->bin_n[i];
        sum->bin_p[i] += more->bin_p[i];
        sum->bin_right[i] += more->bin_right[i];
    }
}

/* The quotient, or NAN where the whole is 0. */
static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

struct prf {
    double p, r, f1;
};

/* 0 / 0 is 0 for all three. */
static struct prf prf(struct bl_prf_sum sum)
{
    struct prf out = { 0, 0, 0 };

    if (sum.predicted > 0)
        out.p = sum.tp / sum.predicted;
    if (sum.gold > 0)
        out.r = sum.tp / sum.gold;
    if (out.p + out.r > 0)
        out.f1 = 2 * out.p * out.r / (out.p + out.r);
    return out;
}

/* A document with nothing to find, in which nothing was found, is perfect:
 * otherwise saying nothing would cost as much as saying wrong things. */
static void macro(const struct bl_prf_sum *sum, double out[3])
{
    struct prf share = prf(*sum);

    if (sum->gold <= 0 && sum->predicted <= 0)
        share = (struct prf){ 1, 1, 1 };
    out[0] = share.p;
    out[1] = share.r;
    out[2] = share.f1;
}

void bl_tally_close_doc(struct bl_tally *doc)
{
    doc->docs = 0;
    if (doc->n + doc->nil <= 0 && doc->nil_required.predicted <= 0)
        return;
    doc->docs = 1;
    macro(&doc->in_kb, doc->macro_in_kb);
    macro(&doc->nil_required, doc->macro_nil);
}

/* Expected calibration error over equal bins; NAN without confidences. */
static double ece(const struct bl_tally *tally)
{
    double n = 0, gap = 0;

    for (size_t i = 0; i < BL_ECE_BINS; i++) {
        n += tally->bin_n[i];
        gap += fabs(tally->bin_p[i] - tally->bin_right[i]);
    }
    return ratio(gap, n);
}

/* ---- The report ---- */

static size_t put(struct bl_figure *out, size_t n, const char *name,
                  const char *what, double value)
{
    snprintf(out[n].name, sizeof out[n].name, "%s%s", name, what);
    out[n].value = value;
    return n + 1;
}

static size_t put_three(struct bl_figure *out, size_t n, const char *name,
                        double p, double r, double f1)
{
    n = put(out, n, name, "_precision", p);
    n = put(out, n, name, "_recall", r);
    return put(out, n, name, "_f1", f1);
}

static size_t put_micro(struct bl_figure *out, size_t n, const char *name,
                        struct bl_prf_sum sum)
{
    struct prf share = prf(sum);

    return put_three(out, n, name, share.p, share.r, share.f1);
}

/* In BLINK's way of counting, recall_at_1 has no value: range(1, top_k) is
 * empty for top_k = 1. */
size_t bl_figures(const struct bl_tally *tally,
                  const struct bl_cutoffs *cutoffs, bool docs,
                  struct bl_figure *out)
{
    const double *in_kb = tally->macro_in_kb, *nil = tally->macro_nil;
    size_t n = put(out, 0, "accuracy", "", ratio(tally->right, tally->n));

    for (size_t i = 0; i < cutoffs->n; i++) {
        bool none = cutoffs->blink && cutoffs->v[i] == 1;
        double hits = cutoffs->blink ? tally->at_blink[i] : tally->at[i];
        n = put(out, n, "", "", none ? NAN : ratio(hits, tally->n));
        snprintf(out[n - 1].name, sizeof out->name, "recall_at_%zu",
                 cutoffs->v[i]);
    }
    n = put(out, n, "recall", "", ratio(tally->found, tally->n));
    n = put(out, n, "mrr", "", ratio(tally->reciprocal, tally->n));
    n = put(out, n, "biencoder_accuracy", "",
            ratio(tally->bi_first, tally->n));
    n = put(out, n, "normalized_accuracy", "",
            ratio(tally->first, tally->found));
    n = put(out, n, "unnormalized_accuracy", "",
            ratio(tally->first, tally->n));
    n = put(out, n, "in_catalogue", "",
            ratio(tally->n, tally->n + tally->nil));
    n = put_micro(out, n, "in_kb_micro", tally->in_kb);
    n = put_micro(out, n, "nil_required_micro", tally->nil_required);
    if (docs) {
        n = put_three(out, n, "in_kb_macro", ratio(in_kb[0], tally->docs),
                      ratio(in_kb[1], tally->docs),
                      ratio(in_kb[2], tally->docs));
        n = put_three(out, n, "nil_required_macro", ratio(nil[0], tally->docs),
                      ratio(nil[1], tally->docs), ratio(nil[2], tally->docs));
    }
    return put(out, n, "ece", "", ece(tally));
}

uint64_t bl_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dULL;
}
