/* SPDX-License-Identifier: MIT */
/*
 * change: an index brought up to date with its catalogue, and vectors added
 * and removed.  Each call runs one command to its end; what fails ends the
 * program.
 */
#ifndef BL_BIN_INDEX_CHANGE_H
#define BL_BIN_INDEX_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/opts.h"
#include "kb/kb.h"
#include "net/encoder.h"
#include "search/index.h"

struct bl_index_edit {
    const char *index, *catalogue, *model;      /* as given; NULL: not */
    bool partial, progress;
    size_t max_line;
    struct bl_engine_opts engine;
};

#define BL_INDEX_EDIT_DEFAULT { .engine = BL_ENGINE_OPTS_DEFAULT }

/* args: the catalogue, unless it is in edit. */
void bl_index_refresh(struct bl_index_edit *edit, struct bl_args args);
/* Of records on standard input. */
void bl_index_add_vectors(struct bl_index_edit *edit);
/* args: ids. */
void bl_index_remove_vectors(struct bl_index_edit *edit, struct bl_args args);

/* Rows whose entities the catalogue has removed need no vector. */
int bl_index_pass_removed(struct bl_index_writer *writer, struct bl_kb *kb,
                          struct bl_err *err);

#endif
