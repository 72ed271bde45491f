/* SPDX-License-Identifier: MIT */
/* remove: entities out of a catalogue, by their ids. */
#ifndef BL_BIN_KB_REMOVE_H
#define BL_BIN_KB_REMOVE_H

#include "reader.h"

/* Both use the builder and what the reader says of lines that are wrong: 0,
 * or -1 with BL_DATA or BL_SYSTEM. */
int bl_kb_remove_id(struct bl_kb_reader *reader, struct bl_span id,
                    struct bl_err *err);
/* A line of the file ("-": standard input) is an id as it is, or a record that
 * has one. */
int bl_kb_remove_file(struct bl_kb_reader *reader, const char *path,
                      struct bl_err *err);

#endif
