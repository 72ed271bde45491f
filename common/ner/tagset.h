/* SPDX-License-Identifier: MIT */
/*
 * tagset: the labels of a tagger ("O", "B-PER", "I-PER", ...) and the best
 * sequence of them that is one: I-PER only behind B-PER or I-PER.
 *
 * What a tagger sees of a word beside its pieces is how it is capitalised,
 * as the segment of its tokens: 0 for [CLS] and [SEP], else 1 + enum
 * bl_word_shape.  So an encoder that knows lower case alone still sees
 * capitals.  The six rows are those of the tensor
 * embeddings.token_type_embeddings.weight; a model whose config.json says
 * "type_vocab_size": 6 has them, others see no shapes.
 */
#ifndef BL_TAGSET_H
#define BL_TAGSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/doc.h"

enum { BL_TAG_SHAPES = 2 + BL_SHAPE_MIXED };    /* segments there are */

struct bl_tag {
    char kind;                  /* 'O', 'B' or 'I' */
    size_t type;                /* of B and I: number of the type */
};

struct bl_tagset {
    struct bl_tag *v;           /* [n] by label */
    size_t n;
    const char **types;         /* [n_types] borrowed from the labels */
    size_t n_types;
};

/* -1 with BL_DATA for a label that is no O, B-... or I-..., or when there is
 * no O. */
int bl_tagset_make(struct bl_tagset *tagset, char *const *labels,
                   size_t n_labels, struct bl_err *err);
void bl_tagset_free(struct bl_tagset *tagset);

/* logits[n_words][tagset->n]; become logarithms of probabilities.
 * out[n_words]: the labels of the likeliest sequence that is valid.  At the
 * first word, I counts as B of its type: what it would go on from is not
 * there. */
void bl_tagset_decode(const struct bl_tagset *tagset, float *logits,
                      size_t n_words, size_t *out);

#endif
