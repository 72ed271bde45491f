/* SPDX-License-Identifier: MIT */
/*
 * sorter: any number of byte strings in order, each once, with a sum.
 *
 *     struct bl_sorter *s = bl_sorter_new(64 << 20, "x.kb");
 *     bl_sorter_add(s, key, 1, &err);        any number of times
 *     bl_sorter_start(s, &err);
 *     while (bl_sorter_next(s, &key, &sum, &err) == 1) ...
 *     bl_sorter_free(s);
 *
 * Order is that of the bytes, a string before its extensions.  What does not
 * fit into the memory is sorted in runs that wait in a spool (spool.h) and
 * are merged.  Failures are BL_SYSTEM.
 */
#ifndef BL_SORTER_H
#define BL_SORTER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_sorter;

/* `memory` bytes for strings and tables; `beside` as in bl_spool_new. */
struct bl_sorter *bl_sorter_new(size_t memory, const char *beside);
void bl_sorter_free(struct bl_sorter *sorter);       /* NULL allowed */

int bl_sorter_add(struct bl_sorter *sorter, struct bl_span key, uint64_t count,
                  struct bl_err *err);

/* Ends adding and goes to the first; again: back to the first. */
int bl_sorter_start(struct bl_sorter *sorter, struct bl_err *err);

/* 1 with the next string, borrowed until the next call, and the sum of the
 * counts it was added with; 0 at the end, -1 on failure. */
int bl_sorter_next(struct bl_sorter *sorter, struct bl_span *key,
                   uint64_t *sum, struct bl_err *err);

#endif
