/* SPDX-License-Identifier: MIT */
/*
 * module: a part of blink that is a library of its own (libblink-WHAT.so),
 * opened when it is wanted, because it needs libraries that a machine may
 * lack.
 *
 *     bl_torch_api_fn *entry;
 *     if (bl_module_open("torch", "bl_torch_api", (void **)&entry, &err) < 0)
 */
#ifndef BL_MODULE_H
#define BL_MODULE_H

#include "base/err.h"

/* Loads the library at the path, never to be closed; NULL with BL_DATA where
 * it cannot be, BL_SYSTEM for want of memory.  From then on an exception that
 * nobody catches ends the program as bl_give_up() does. */
void *bl_module_load(const char *path, struct bl_err *err);

/* *entry: the module's function of that name.  1 found, 0 there is no such
 * module here, -1 it cannot be loaded (see above) or looked for
 * (BL_SYSTEM). */
int bl_module_open(const char *what, const char *function, void **entry,
                   struct bl_err *err);

#endif
