/* SPDX-License-Identifier: MIT */
/*
 * save: the parameters of a network in training become a model directory.
 *
 *     struct bl_model_spec spec = { .config = c, .dtype = BL_F32 };
 *     bl_model_write("mini", net, &spec, true, &err);
 */
#ifndef BL_SAVE_H
#define BL_SAVE_H

#include <stdbool.h>

#include "base/err.h"
#include "model/model-parts.h"
#include "tensor/safetensors.h"
#include "train/params.h"

/* What stands beside the weights. */
struct bl_model_spec {
    const struct bl_model_config *config;   /* for blink.json, labels */
    enum bl_tensor_dtype dtype; /* BL_F32 or BL_F16 */
};

/* The model directory `path` with the net's values; an existing one is
 * replaced with `replace`, else refused.  Whole or not at all. */
int bl_model_write(const char *path, const struct bl_params *net,
                   const struct bl_model_spec *spec, bool replace,
                   struct bl_err *err);

#endif
