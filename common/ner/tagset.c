/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/tagset.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t type_of(struct bl_tagset *t, const char *name)
{
    for (size_t i = 0; i < t->n_types; i++)
        if (!strcmp(t->types[i], name))
            return i;
    t->types[t->n_types] = name;
    return t->n_types++;
}

int bl_tagset_make(struct bl_tagset *t, char *const *labels, size_t n,
                   struct bl_err *err)
{
    bool outside = false;

    *t = (struct bl_tagset){ .v = BL_NEW_ARRAY(struct bl_tag, n), .n = n,
                             .types = BL_NEW_ARRAY(const char *, n) };
    for (size_t i = 0; i < n; i++) {
        const char *l = labels[i];

        if (!strcmp(l, "O")) {
            t->v[i].kind = 'O';
            outside = true;
        } else if ((*l == 'B' || *l == 'I') && l[1] == '-' && l[2]) {
            t->v[i] = (struct bl_tag){ *l, type_of(t, l + 2) };
        } else {
            bl_tagset_free(t);
            return bl_fail(err, BL_DATA, "label '%.40s': expected O, B-TYPE "
                           "or I-TYPE", l);
        }
    }
    if (outside)
        return 0;
    bl_tagset_free(t);
    return bl_fail(err, BL_DATA, "no label is 'O'");
}

void bl_tagset_free(struct bl_tagset *t)
{
    free(t->v);
    free(t->types);
    *t = (struct bl_tagset){ .n = 0 };
}

/* Logits to logarithms of probabilities. */
static void soften(float *row, size_t n)
{
    float most = row[0];
    double sum = 0;

    for (size_t i = 1; i < n; i++)
        most = BL_MAX(row[i], most);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)(row[i] - most));
    for (size_t i = 0; i < n; i++)
        row[i] -= most + (float)log(sum);
}

static void begin(const struct bl_tagset *t, float *row)
{
    for (size_t k = 0; k < t->n; k++) {
        if (t->v[k].kind != 'B')
            continue;
        for (size_t j = 0; j < t->n; j++) {
            if (t->v[j].kind != 'I' || t->v[j].type != t->v[k].type)
                continue;
            row[k] = logf(expf(row[k]) + expf(row[j]));
            row[j] = -INFINITY;
        }
    }
}

static bool follows(const struct bl_tag *a, const struct bl_tag *b)
{
    return b->kind != 'I' || (a->kind != 'O' && a->type == b->type);
}

/* The best way to each label of a word, from those of the word before. */
static void advance(const struct bl_tagset *t, const double *before,
                    const float *row, double *after, uint16_t *from)
{
    for (size_t k = 0; k < t->n; k++) {
        double best = -INFINITY;
        size_t at = 0;

        for (size_t j = 0; j < t->n; j++)
            if (follows(&t->v[j], &t->v[k]) && before[j] > best) {
                best = before[j];
                at = j;
            }
        after[k] = best + (double)row[k];
        from[k] = (uint16_t)at;
    }
}

void bl_tagset_decode(const struct bl_tagset *t, float *logits, size_t n,
                      size_t *out)
{
    double *a = bl_xmalloc(t->n, sizeof *a), *b = bl_xmalloc(t->n, sizeof *b);
    uint16_t *from = bl_xmalloc(n, t->n * sizeof *from);
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        double *swap = a;

        soften(logits + i * t->n, t->n);
        if (!i) {
            begin(t, logits);
            for (size_t k = 0; k < t->n; k++)
                b[k] = t->v[k].kind == 'I' ? -INFINITY : (double)logits[k];
        } else {
            advance(t, a, logits + i * t->n, b, from + i * t->n);
        }
        a = b;
        b = swap;
    }
    for (size_t k = 1; n && k < t->n; k++)
        best = a[k] > a[best] ? k : best;
    for (size_t i = n; i-- > 0; ) {
        out[i] = best;
        best = i ? from[i * t->n + best] : 0;
    }
    free(a);
    free(b);
    free(from);
}
