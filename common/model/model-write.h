/* SPDX-License-Identifier: MIT */
/*
 * model-write: the small files of a model directory, written.
 */
#ifndef BL_MODEL_WRITE_H
#define BL_MODEL_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/model-parts.h"

/* Appends blink.json for what the configuration says; a bi-encoder's towers,
 * pooling and normalize for that role alone. */
void bl_model_put_blink(struct bl_buf *out,
                        const struct bl_model_config *config);

/* Appends config.json: the shape, and the labels of a tagger.  epsilon is
 * the shape's, or the double that it was rounded from. */
void bl_model_put_config(struct bl_buf *out, const struct bl_shape *shape,
                         double epsilon,
                         const char *const *labels, size_t n_labels);

/* Writes a small file in a folder. */
int bl_model_put_file(const char *dir, const char *name,
                      const struct bl_buf *text, struct bl_err *err);

#endif
