/* SPDX-License-Identifier: MIT */
/* batch: what an encoder is given.  A file of its own, because the engines
 * sort batches too and the encoder calls the engines. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/encoder.h"

static void grow(struct bl_batch *batch, size_t n)
{
    size_t need;

    BL_GROW(batch->offsets, batch->n_seqs + 2, batch->cap_seqs);
    if (!bl_size_add(batch->n_tokens, n, &need))
        bl_oom(SIZE_MAX);
    if (need <= batch->cap_tokens)
        return;
    batch->cap_tokens = need < 1024 ? 1024 : need + need / 2;
    batch->ids = bl_xrealloc(batch->ids, batch->cap_tokens,
                             sizeof *batch->ids);
    batch->segments = bl_xrealloc(batch->segments, batch->cap_tokens,
                                  sizeof *batch->segments);
    batch->positions = bl_xrealloc(batch->positions, batch->cap_tokens,
                                   sizeof *batch->positions);
}

void bl_batch_add(struct bl_batch *batch, const int32_t *ids,
                  const int32_t *segments, const int32_t *positions,
                  size_t n)
{
    size_t at = batch->n_tokens;

    BL_ASSERT(n > 0 && n < INT32_MAX);
    grow(batch, n);
    memcpy(batch->ids + at, ids, n * sizeof *ids);
    if (segments)
        memcpy(batch->segments + at, segments, n * sizeof *segments);
    else
        memset(batch->segments + at, 0, n * sizeof *segments);
    for (size_t i = 0; i < n; i++)
        batch->positions[at + i] = positions ? positions[i] : (int32_t)i;
    batch->offsets[batch->n_seqs++] = at;
    batch->n_tokens += n;
    batch->offsets[batch->n_seqs] = batch->n_tokens;
}

void bl_batch_clear(struct bl_batch *batch)
{
    batch->n_seqs = batch->n_tokens = 0;
}

void bl_batch_free(struct bl_batch *batch)
{
    free(batch->ids);
    free(batch->segments);
    free(batch->positions);
    free(batch->offsets);
    *batch = (struct bl_batch)BL_BATCH_INIT;
}

static int by_length(const void *a, const void *b)
{
    const struct bl_place *place = a, *y = b;

    if (place->length != y->length)
        return place->length < y->length ? -1 : 1;
    return (place->index > y->index) - (place->index < y->index);
}

struct bl_place *bl_batch_by_length(const struct bl_batch *batch)
{
    struct bl_place *places = bl_xmalloc(batch->n_seqs, sizeof *places);

    for (size_t i = 0; i < batch->n_seqs; i++)
        places[i] = (struct bl_place){
            batch->offsets[i + 1] - batch->offsets[i], i
        };
    if (batch->n_seqs)
        qsort(places, batch->n_seqs, sizeof *places, by_length);
    return places;
}
