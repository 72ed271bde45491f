/* SPDX-License-Identifier: MIT */
/*
 * model-write: the files of a model directory, written.
 *
 *     struct bl_model_spec spec = { .config = c, .dtype = BL_F32 };
 *     bl_model_write("mini", net, &spec, true, &err);
 */
#ifndef BL_MODEL_WRITE_H
#define BL_MODEL_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/model-parts.h"
#include "train/net.h"
#include "tensor/safetensors.h"

/* Appends blink.json for what the configuration says; a bi-encoder's towers,
 * pooling and normalize for that role alone. */
void bl_model_put_blink(struct bl_buf *b, const struct bl_model_config *c);

/* Appends config.json: the shape, and the labels of a tagger. */
void bl_model_put_config(struct bl_buf *b, const struct bl_shape *s,
                         const char *const *labels, size_t n_labels);

/* Writes a small file in a folder. */
int bl_model_put_file(const char *dir, const char *name,
                      const struct bl_buf *text, struct bl_err *err);

/* What stands beside the weights. */
struct bl_model_spec {
    const struct bl_model_config *config;   /* for blink.json, labels */
    enum bl_tensor_dtype dtype; /* BL_F32 or BL_F16 */
};

/* The model directory `path` with the net's values; an existing one is
 * replaced with `replace`, else refused.  Whole or not at all. */
int bl_model_write(const char *path, const struct bl_net *net,
                   const struct bl_model_spec *spec, bool replace,
                   struct bl_err *err);

#endif
