/* SPDX-License-Identifier: MIT */
/*
 * ann-module: the module that holds FAISS; for ann.c and ann-make.c only.
 */
#ifndef BL_ANN_MODULE_H
#define BL_ANN_MODULE_H

#include <stddef.h>

#include "base/err.h"
#include "search/faiss-shim.h"

/* Loads the module, once, and has it use that many threads (0: as many as
 * bl_threads_default() says).  NULL: BL_DATA that says how to get it;
 * otherwise static storage. */
const struct bl_faiss_api *bl_ann_module(size_t threads, struct bl_err *err);

#endif
