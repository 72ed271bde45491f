/* SPDX-License-Identifier: MIT */
/*
 * loaded: which models, catalogues, indexes, files of names and calibrations
 * a program has opened, for whoever must know that two runs used the same
 * (scripts/blink-shard).
 *
 *     bl_loaded("catalogue", fingerprint, path, &err);
 *
 * BLINK_LOADED names a file, which must be there; each call appends one line
 * to it, in one write, so that the stages of a pipeline may share it:
 *
 *     kind TAB fingerprint TAB version of blink TAB path
 *
 * Without that variable a call does nothing.
 */
#ifndef BL_LOADED_H
#define BL_LOADED_H

#include <stdbool.h>

#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

/* Whether BLINK_LOADED is set: before a fingerprint is computed for it. */
bool bl_loaded_wanted(void);
/* Control characters of the path are shown as in messages.  -1: BL_SYSTEM
 * when the file cannot be written. */
int bl_loaded(const char *kind, const char *fingerprint, const char *path,
              struct bl_err *err);
/* The fingerprint is that of a digest, of which 16 hexadecimal digits are
 * given. */
int bl_loaded_sum(const char *kind, const unsigned char *digest,
                  const char *path, struct bl_err *err);

BL_END_DECLS

#endif
