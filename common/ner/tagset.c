/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/tagset.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t type_of(struct bl_tagset *tagset, const char *name)
{
    for (size_t i = 0; i < tagset->n_types; i++)
        if (!strcmp(tagset->types[i], name))
            return i;
    tagset->types[tagset->n_types] = name;
    return tagset->n_types++;
}

/* "B-PER" and "I-PER" get one type between them, numbered in the order in
 * which types are met.  Without "O" there would be no way to say that a word
 * is not part of a mention. */
int bl_tagset_make(struct bl_tagset *tagset, char *const *labels,
                   size_t n_labels, struct bl_err *err)
{
    bool outside = false;

    *tagset = (struct bl_tagset){ .v = BL_NEW_ARRAY(struct bl_tag, n_labels),
                                  .n = n_labels,
                                  .types = BL_NEW_ARRAY(const char *,
                                                        n_labels) };
    for (size_t i = 0; i < n_labels; i++) {
        const char *label = labels[i];

        if (!strcmp(label, "O")) {
            tagset->v[i].kind = 'O';
            outside = true;
        } else if ((*label == 'B' || *label == 'I') && label[1] == '-'
                   && label[2]) {
            tagset->v[i] = (struct bl_tag){ *label,
                                            type_of(tagset, label + 2) };
        } else {
            bl_tagset_free(tagset);
            return bl_fail(err, BL_DATA, "label '%.*s': expected O, B-TYPE "
                           "or I-TYPE", BL_SHOWN(40, label));
        }
    }
    if (outside)
        return 0;
    bl_tagset_free(tagset);
    return bl_fail(err, BL_DATA, "no label is 'O'");
}

void bl_tagset_free(struct bl_tagset *tagset)
{
    free(tagset->v);
    free(tagset->types);
    *tagset = (struct bl_tagset){ .n = 0 };
}

/* Turns a row of logits into logarithms of probabilities (log-softmax); taking
 * off the largest first keeps exp() from overflowing. */
static void soften(float *row, size_t n_labels)
{
    float most = row[0];
    double sum = 0;

    for (size_t i = 1; i < n_labels; i++)
        most = BL_MAX(row[i], most);
    for (size_t i = 0; i < n_labels; i++)
        sum += exp((double)(row[i] - most));
    for (size_t i = 0; i < n_labels; i++)
        row[i] -= most + (float)log(sum);
}

/* At the first word, I of a type adds its probability to that of B and becomes
 * impossible, because there is nothing that it could continue. */
static void begin(const struct bl_tagset *tagset, float *row)
{
    for (size_t first = 0; first < tagset->n; first++) {
        if (tagset->v[first].kind != 'B')
            continue;
        for (size_t inner = 0; inner < tagset->n; inner++) {
            if (tagset->v[inner].kind != 'I'
                || tagset->v[inner].type != tagset->v[first].type)
                continue;
            row[first] = logf(expf(row[first]) + expf(row[inner]));
            row[inner] = -INFINITY;
        }
    }
}

static bool follows(const struct bl_tag *before, const struct bl_tag *tag)
{
    return tag->kind != 'I'
        || (before->kind != 'O' && before->type == tag->type);
}

/* The best way to each label of a word, from those of the word before. */
static void advance(const struct bl_tagset *tagset, const double *before,
                    const float *row, double *after, uint16_t *from)
{
    for (size_t label = 0; label < tagset->n; label++) {
        double best = -INFINITY;
        size_t at = 0;

        for (size_t prev = 0; prev < tagset->n; prev++)
            if (follows(&tagset->v[prev], &tagset->v[label])
                && before[prev] > best) {
                best = before[prev];
                at = prev;
            }
        after[label] = best + (double)row[label];
        from[label] = (uint16_t)at;
    }
}

/* Viterbi's algorithm: before[k] is the logarithm of the probability of the
 * best valid sequence that ends with label k, and from[i][k] the label that it
 * had at the word before i.  The best of all is then followed back from the
 * last word.  The sums are doubles, as floats would round small differences
 * away once a text is long. */
void bl_tagset_decode(const struct bl_tagset *tagset, float *logits,
                      size_t n_words, size_t *out)
{
    double *before = bl_xmalloc(tagset->n, sizeof *before);
    double *after = bl_xmalloc(tagset->n, sizeof *after);
    uint16_t *from = bl_xmalloc(n_words, tagset->n * sizeof *from);
    size_t best = 0;

    for (size_t i = 0; i < n_words; i++) {
        double *swap = before;

        soften(logits + i * tagset->n, tagset->n);
        if (!i) {
            begin(tagset, logits);
            for (size_t k = 0; k < tagset->n; k++)
                after[k] = tagset->v[k].kind == 'I' ? -INFINITY
                                                    : (double)logits[k];
        } else {
            advance(tagset, before, logits + i * tagset->n, after,
                    from + i * tagset->n);
        }
        before = after;
        after = swap;
    }
    for (size_t k = 1; n_words && k < tagset->n; k++)
        best = before[k] > before[best] ? k : best;
    for (size_t i = n_words; i-- > 0; ) {
        out[i] = best;
        best = i ? from[i * tagset->n + best] : 0;
    }
    free(before);
    free(after);
    free(from);
}
