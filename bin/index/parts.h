/* SPDX-License-Identifier: MIT */
/*
 * parts: an index cut into several, and several joined into one.  Vectors are
 * copied as they are stored, so that an index that is split and joined again
 * is the same.  Each call runs one command to its end; what fails ends the
 * program.
 */
#ifndef BL_BIN_INDEX_PARTS_H
#define BL_BIN_INDEX_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/opts.h"
#include "kb/kb.h"

/* OUTPUT.1.blx to OUTPUT.N.blx, of as many vectors each, but for one, in the
 * order of the index. */
void bl_index_split(const char *path, const char *output, size_t n);

/* One index of those in args, in this order, all of that catalogue; unless
 * partial, each of its entities must have its vector. */
void bl_index_join(struct bl_args args, struct bl_kb *kb, const char *output,
                   bool partial);

#endif
