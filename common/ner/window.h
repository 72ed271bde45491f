/* SPDX-License-Identifier: MIT */
/*
 * window: a document in sequences of tokens, as a tagger reads it.
 *
 *     struct bl_windows w = { 0 };
 *     for (size_t at = 0; at < doc.n && w.n < 32;)
 *         at = bl_windows_add(&w, model, &doc, at);
 *     bl_encoder_tag(encoder, &w.batch, logits, NULL, &err);
 *     bl_windows_clear(&w);
 *     bl_windows_free(&w);
 *
 * A window has as many whole words as fit the model's context_length, and
 * begins where the last quarter of the one before does.  What two windows
 * have seen is taken from the one that has more around it: bl_windows_own().
 */
#ifndef BL_WINDOW_H
#define BL_WINDOW_H

#include <stddef.h>

#include "base/decls.h"
#include "model/model.h"
#include "net/encoder.h"
#include "text/doc.h"

BL_BEGIN_DECLS

/* Words [from, to) of the document are one sequence of the batch. */
struct bl_window {
    size_t from, to;
    size_t first;               /* of its words in bl_windows.first */
};

struct bl_windows {
    struct bl_batch batch;
    struct bl_window *v;        /* [n] */
    size_t n, cap;
    size_t *first;              /* [n_first] a word's first token in the
                                 * batch; behind a window's words its [SEP] */
    size_t n_first, cap_first;
};

/* Adds the window that begins with word `from` < doc->n, and returns the word
 * with which the next one begins: doc->n when nothing is left. */
size_t bl_windows_add(struct bl_windows *windows, const struct bl_model *model,
                      const struct bl_doc *doc, size_t from);
void bl_windows_clear(struct bl_windows *windows);      /* keeps the memory */
void bl_windows_free(struct bl_windows *windows);

/* The first word that is the window's own, when the window before it ended at
 * word `before` (0: there was none): of what both have, the first half is that
 * one's. */
size_t bl_windows_own(const struct bl_window *window, size_t before);

BL_END_DECLS

#endif
