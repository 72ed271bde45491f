/* SPDX-License-Identifier: MIT */
/*
 * elq-window: what ELQ reads of a labelled text that is too long for it
 * (elq/biencoder/data_process.py).  It puts the window around the mentions
 * that it is to find, and forgets the last of those that do not fit, so that
 * its figures are of texts cut with the answer in hand.
 *
 *     struct bl_elq_window w;
 *     bl_elq_window(bounds, n, n_tokens, 30, &w);
 *     ... it reads tokens [w.from, w.to) and knows of w.n_mentions ...
 */
#ifndef BL_ELQ_WINDOW_H
#define BL_ELQ_WINDOW_H

#include <stddef.h>

/* Tokens [from, to). */
struct bl_bounds {
    size_t from, to;
};

struct bl_elq_window {
    size_t from, to;            /* of the text's tokens */
    size_t n_mentions;          /* the first of them */
};

/* Sorts bounds[n] by from, then to, and fits the window of `most` tokens to
 * them; the last mention that is kept may lose its end.  All lie within the
 * text's n_tokens, and none is empty.  Without mentions it is the text's
 * beginning. */
void bl_elq_window(struct bl_bounds *bounds, size_t n, size_t n_tokens,
                   size_t most, struct bl_elq_window *out);

#endif
