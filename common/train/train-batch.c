/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_sorted_clear(struct bl_sorted *sorted)
{
    bl_batch_clear(&sorted->given);
    bl_batch_clear(&sorted->batch);
}

void bl_sorted_add(struct bl_sorted *sorted, const struct bl_input *input)
{
    bl_batch_add(&sorted->given, input->ids, input->segments, input->positions,
                 input->n);
}

void bl_sorted_finish(struct bl_sorted *sorted)
{
    const struct bl_batch *given = &sorted->given;
    struct bl_place *places = bl_batch_by_length(given);

    BL_GROW(sorted->rows, given->n_seqs, sorted->cap);
    bl_batch_clear(&sorted->batch);
    for (size_t i = 0; i < given->n_seqs; i++) {
        size_t at = given->offsets[places[i].index];

        bl_batch_add(&sorted->batch, given->ids + at, given->segments + at,
                     given->positions + at, places[i].length);
        sorted->rows[places[i].index] = (int64_t)i;
    }
    free(places);
}

void bl_sorted_free(struct bl_sorted *sorted)
{
    bl_batch_free(&sorted->given);
    bl_batch_free(&sorted->batch);
    free(sorted->rows);
    *sorted = (struct bl_sorted){ .rows = NULL };
}
