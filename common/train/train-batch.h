/* SPDX-License-Identifier: MIT */
/*
 * train-batch: sequences of one training step, packed and sorted by length,
 * with the way back to the order they were given in.
 *
 *     struct bl_sorted s = { 0 };
 *     bl_sorted_clear(&s);
 *     bl_sorted_add(&s, &input);           one call a sequence
 *     bl_sorted_finish(&s);
 *     ... s.batch, and s.rows[i]: where sequence i went ...
 *     bl_sorted_free(&s);
 */
#ifndef BL_TRAIN_BATCH_H
#define BL_TRAIN_BATCH_H

#include "net/encoder.h"
#include "text/input.h"

struct bl_sorted {
    struct bl_batch given;      /* in the order of the calls */
    struct bl_batch batch;      /* by length, equal ones in that order */
    int64_t *rows;              /* [given.n_seqs] */
    size_t cap;                 /* of rows; private */
};

/* Starts over; a zeroed struct is good for the first time. */
void bl_sorted_clear(struct bl_sorted *sorted);
/* One more sequence, copied. */
void bl_sorted_add(struct bl_sorted *sorted, const struct bl_input *input);
/* Sequences that were added to s->given directly are sorted too. */
void bl_sorted_finish(struct bl_sorted *sorted);
/* Also re-initialises. */
void bl_sorted_free(struct bl_sorted *sorted);

#endif
