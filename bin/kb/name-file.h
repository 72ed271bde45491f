/* SPDX-License-Identifier: MIT */
/* name-file: what blink-kb does with files of names (kb/names.h). */
#ifndef BL_BIN_KB_NAME_FILE_H
#define BL_BIN_KB_NAME_FILE_H

#include <stdbool.h>

#include "cli/opts.h"
#include "kb/names.h"

/* All return the exit status. */
int bl_kb_names_build(const char *output, const char *const *notes,
                      struct bl_args files);
int bl_kb_names_get(const char *path, struct bl_args names);
int bl_kb_names_info(const char *path, bool json);
int bl_kb_names_verify(const char *path);

#endif
