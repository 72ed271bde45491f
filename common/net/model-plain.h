/* SPDX-License-Identifier: MIT */
/*
 * model-plain: a model whose weights are stored in fewer bits, in f32 again.
 *
 *     struct bl_model *plain = bl_model_plain(model, false);
 *     ... an engine that knows f32 alone computes with it ...
 *     bl_model_plain_free(plain);
 */
#ifndef BL_MODEL_PLAIN_H
#define BL_MODEL_PLAIN_H

#include <stdbool.h>

#include "model/model.h"

/* The model with the layers' int8 weights in f32, and with `words` the word
 * vectors too, if they are not in f32 already.  All else is the model's,
 * which must outlive it. */
struct bl_model *bl_model_plain(const struct bl_model *model, bool words);
void bl_model_plain_free(struct bl_model *plain);       /* NULL: nothing */

#endif
