/* SPDX-License-Identifier: MIT */
/*
 * approximate: what blink-index does with approximate indexes.  Each call runs
 * one command to its end; what fails ends the program.
 */
#ifndef BL_BIN_INDEX_APPROXIMATE_H
#define BL_BIN_INDEX_APPROXIMATE_H

#include <stdbool.h>
#include <stddef.h>

#include "search/ann.h"

/* blink-index ann: of the exact index at that path.  spec's progress is
 * filled in here. */
void bl_index_ann_make(const char *path, const char *output,
                       struct bl_ann_spec *spec, bool progress);

/* blink-index info and verify of a FAISS file. */
void bl_index_ann_info(const char *path, bool json);
void bl_index_ann_verify(const char *path);

#endif
