/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void grow(struct bl_batch *b, size_t n)
{
    size_t need;

    BL_GROW(b->offsets, b->n_seqs + 2, b->cap_seqs);
    if (!bl_size_add(b->n_tokens, n, &need))
        bl_oom(SIZE_MAX);
    if (need <= b->cap_tokens)
        return;
    b->cap_tokens = need < 1024 ? 1024 : need + need / 2;
    b->ids = bl_xrealloc(b->ids, b->cap_tokens, sizeof *b->ids);
    b->segments = bl_xrealloc(b->segments, b->cap_tokens,
                              sizeof *b->segments);
    b->positions = bl_xrealloc(b->positions, b->cap_tokens,
                               sizeof *b->positions);
}

void bl_batch_add(struct bl_batch *b, const int32_t *ids,
                  const int32_t *segments, const int32_t *positions,
                  size_t n)
{
    size_t at = b->n_tokens;

    BL_ASSERT(n > 0 && n < INT32_MAX);
    grow(b, n);
    memcpy(b->ids + at, ids, n * sizeof *ids);
    if (segments)
        memcpy(b->segments + at, segments, n * sizeof *segments);
    else
        memset(b->segments + at, 0, n * sizeof *segments);
    for (size_t i = 0; i < n; i++)
        b->positions[at + i] = positions ? positions[i] : (int32_t)i;
    b->offsets[b->n_seqs++] = at;
    b->n_tokens += n;
    b->offsets[b->n_seqs] = b->n_tokens;
}

void bl_batch_clear(struct bl_batch *b)
{
    b->n_seqs = b->n_tokens = 0;
}

void bl_batch_free(struct bl_batch *b)
{
    free(b->ids);
    free(b->segments);
    free(b->positions);
    free(b->offsets);
    *b = (struct bl_batch)BL_BATCH_INIT;
}

static int by_length(const void *a, const void *b)
{
    const struct bl_place *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

struct bl_place *bl_batch_by_length(const struct bl_batch *b)
{
    struct bl_place *places = bl_xmalloc(b->n_seqs, sizeof *places);

    for (size_t i = 0; i < b->n_seqs; i++)
        places[i] = (struct bl_place){ b->offsets[i + 1] - b->offsets[i], i };
    if (b->n_seqs)
        qsort(places, b->n_seqs, sizeof *places, by_length);
    return places;
}
