/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_sorted_clear(struct bl_sorted *s)
{
    bl_batch_clear(&s->given);
    bl_batch_clear(&s->batch);
}

void bl_sorted_add(struct bl_sorted *s, const struct bl_input *in)
{
    bl_batch_add(&s->given, in->ids, in->segments, in->positions, in->n);
}

void bl_sorted_finish(struct bl_sorted *s)
{
    const struct bl_batch *b = &s->given;
    struct bl_place *places = bl_batch_by_length(b);

    BL_GROW(s->rows, b->n_seqs, s->cap);
    bl_batch_clear(&s->batch);
    for (size_t i = 0; i < b->n_seqs; i++) {
        size_t at = b->offsets[places[i].index];

        bl_batch_add(&s->batch, b->ids + at, b->segments + at,
                     b->positions + at, places[i].length);
        s->rows[places[i].index] = (int64_t)i;
    }
    free(places);
}

void bl_sorted_free(struct bl_sorted *s)
{
    bl_batch_free(&s->given);
    bl_batch_free(&s->batch);
    free(s->rows);
    *s = (struct bl_sorted){ .rows = NULL };
}
