/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>

static void add_lists(struct bl_tally *t, const struct bl_judged *j,
                      const struct bl_cutoffs *k)
{
    t->n++;
    t->right += j->right && !j->missed;
    t->first += j->list_rank == 0;
    t->bi_first += j->bi_rank == 0;
    if (j->list_rank != BL_NOT_FOUND) {
        t->found++;
        t->reciprocal += 1.0 / (double)(j->list_rank + 1);
    }
    for (size_t i = 0; i < k->n; i++) {
        t->at[i] += j->list_rank < k->v[i];
        /* BLINK main_dense looks at range(1, top_k). */
        t->at_blink[i] += k->v[i] > 0 && j->bi_rank < k->v[i] - 1;
    }
}

static void add_confidence(struct bl_tally *t, double p, bool right)
{
    if (isnan(p))
        return;
    size_t bin = p >= 1 ? BL_ECE_BINS - 1
               : p <= 0 ? 0 : (size_t)(p * (double)BL_ECE_BINS);

    t->bin_n[bin]++;
    t->bin_p[bin] += p;
    t->bin_right[bin] += right;
}

void bl_tally_add(struct bl_tally *t, const struct bl_judged *j,
                  const struct bl_cutoffs *k)
{
    bool entity = j->gold == BL_GOLD_ENTITY;
    bool right = !j->missed && (entity ? j->right : !j->answered);

    if (j->gold == BL_GOLD_NONE) {
        t->unlabelled++;
        return;
    }
    t->in_kb.predicted += j->answered;
    t->nil_required.predicted += !j->missed;
    if (j->gold == BL_GOLD_SPURIOUS)
        return;
    if (entity)
        add_lists(t, j, k);
    else
        t->nil++;
    t->in_kb.tp += entity && right;
    t->in_kb.gold += entity;
    t->nil_required.tp += right;
    t->nil_required.gold++;
    if (!j->missed)
        add_confidence(t, j->confidence, right);
}

static void sum_prf(struct bl_prf_sum *a, const struct bl_prf_sum *b)
{
    a->tp += b->tp;
    a->predicted += b->predicted;
    a->gold += b->gold;
}

void bl_tally_sum(struct bl_tally *sum, const struct bl_tally *t)
{
    sum->n += t->n;
    sum->nil += t->nil;
    sum->unlabelled += t->unlabelled;
    sum->errors += t->errors;
    sum->right += t->right;
    sum->first += t->first;
    sum->found += t->found;
    sum->bi_first += t->bi_first;
    sum->reciprocal += t->reciprocal;
    for (size_t i = 0; i < BL_MAX_CUTOFFS; i++) {
        sum->at[i] += t->at[i];
        sum->at_blink[i] += t->at_blink[i];
    }
    sum_prf(&sum->in_kb, &t->in_kb);
    sum_prf(&sum->nil_required, &t->nil_required);
    sum->docs += t->docs;
    for (size_t i = 0; i < 3; i++) {
        sum->macro_in_kb[i] += t->macro_in_kb[i];
        sum->macro_nil[i] += t->macro_nil[i];
    }
    for (size_t i = 0; i < BL_ECE_BINS; i++) {
        sum->bin_n[i] += t->bin_n[i];
        sum->bin_p[i] += t->bin_p[i];
        sum->bin_right[i] += t->bin_right[i];
    }
}

/* NAN for b == 0. */
static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

struct prf {
    double p, r, f1;
};

/* 0 / 0 is 0 for all three. */
static struct prf prf(struct bl_prf_sum s)
{
    struct prf out = { 0, 0, 0 };

    if (s.predicted > 0)
        out.p = s.tp / s.predicted;
    if (s.gold > 0)
        out.r = s.tp / s.gold;
    if (out.p + out.r > 0)
        out.f1 = 2 * out.p * out.r / (out.p + out.r);
    return out;
}

/* A document with nothing to find, in which nothing was found, is perfect:
 * otherwise saying nothing would cost as much as saying wrong things. */
static void macro(const struct bl_prf_sum *s, double out[3])
{
    struct prf x = prf(*s);

    if (s->gold <= 0 && s->predicted <= 0)
        x = (struct prf){ 1, 1, 1 };
    out[0] = x.p;
    out[1] = x.r;
    out[2] = x.f1;
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
static double ece(const struct bl_tally *t)
{
    double n = 0, gap = 0;

    for (size_t i = 0; i < BL_ECE_BINS; i++) {
        n += t->bin_n[i];
        gap += fabs(t->bin_p[i] - t->bin_right[i]);
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
    struct prf x = prf(sum);

    return put_three(out, n, name, x.p, x.r, x.f1);
}

size_t bl_figures(const struct bl_tally *t, const struct bl_cutoffs *k,
                  bool docs, struct bl_figure *out)
{
    const double *a = t->macro_in_kb, *b = t->macro_nil;
    size_t n = put(out, 0, "accuracy", "", ratio(t->right, t->n));

    for (size_t i = 0; i < k->n; i++) {
        bool none = k->blink && k->v[i] == 1;
        double hits = k->blink ? t->at_blink[i] : t->at[i];
        n = put(out, n, "", "", none ? NAN : ratio(hits, t->n));
        snprintf(out[n - 1].name, sizeof out->name, "recall_at_%zu",
                 k->v[i]);
    }
    n = put(out, n, "recall", "", ratio(t->found, t->n));
    n = put(out, n, "mrr", "", ratio(t->reciprocal, t->n));
    n = put(out, n, "biencoder_accuracy", "", ratio(t->bi_first, t->n));
    n = put(out, n, "normalized_accuracy", "", ratio(t->first, t->found));
    n = put(out, n, "unnormalized_accuracy", "", ratio(t->first, t->n));
    n = put(out, n, "in_catalogue", "", ratio(t->n, t->n + t->nil));
    n = put_micro(out, n, "in_kb_micro", t->in_kb);
    n = put_micro(out, n, "nil_required_micro", t->nil_required);
    if (docs) {
        n = put_three(out, n, "in_kb_macro", ratio(a[0], t->docs),
                      ratio(a[1], t->docs), ratio(a[2], t->docs));
        n = put_three(out, n, "nil_required_macro", ratio(b[0], t->docs),
                      ratio(b[1], t->docs), ratio(b[2], t->docs));
    }
    return put(out, n, "ece", "", ece(t));
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
