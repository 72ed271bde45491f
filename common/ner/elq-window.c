/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/elq-window.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_place(const void *a, const void *b)
{
    const struct bl_bounds *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* The tokens on each side of the mentions: half of what these leave, and what
 * one side does not need goes to the other. */
static void add_context(struct bl_elq_window *out, size_t n_tokens,
                        size_t most)
{
    size_t left = out->from, right = n_tokens - out->to;
    size_t room = most - (out->to - out->from), half = room / 2;
    size_t other = room - half;

    if (left <= half)
        other += right > other ? half - left : 0;
    else if (right <= other)
        half += other - right;
    out->from -= BL_MIN(left, half);
    out->to += BL_MIN(right, other);
}

void bl_elq_window(struct bl_bounds *bounds, size_t n, size_t n_tokens,
                   size_t most, struct bl_elq_window *out)
{
    *out = (struct bl_elq_window){ 0, 0, n };
    if (n) {
        qsort(bounds, n, sizeof *bounds, by_place);
        while (out->n_mentions > 1
               && bounds[out->n_mentions - 1].to - bounds[0].from > most)
            out->n_mentions--;
        out->from = bounds[0].from;
        /* The end of the last by its start, though one before it may end
         * later. */
        out->to = bounds[out->n_mentions - 1].to;
        if (out->to - out->from > most)
            out->to = bounds[0].to = out->from + most;
    }
    add_context(out, n_tokens, most);
}
