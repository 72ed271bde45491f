/* SPDX-License-Identifier: MIT */
/*
 * role: what a model is for, and where the one for it is.
 *
 *     char *dir = bl_model_find(NULL, BL_ROLE_TAGGER, &err);
 */
#ifndef BL_ROLE_H
#define BL_ROLE_H

#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum bl_role { BL_ROLE_BI_ENCODER, BL_ROLE_CROSS_ENCODER, BL_ROLE_TAGGER };

/* "bi-encoder", "cross-encoder", "tagger", as blink.json has it; static
 * storage. */
const char *bl_role_name(enum bl_role role);

/* The directory of the model: name is a path or a name in the data folders
 * (paths.h), of a model or of a family with one of that role.  NULL: for a
 * bi-encoder the default model; for the others "default-cross" and
 * "default-ner", else that part of the default model's family.  Caller frees.
 * NULL with BL_DATA saying where it was looked for. */
char *bl_model_find(const char *name, enum bl_role role, struct bl_err *err);

BL_END_DECLS

#endif
