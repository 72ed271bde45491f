/* SPDX-License-Identifier: MIT */
/*
 * quantize: the weights of a stack's layers rounded to 8 bits (int8.h).
 *
 *     struct bl_int8 *q = bl_quantize(&m->shape, &m->towers[0], threads);
 *     ... q[BL_LINEARS * layer + BL_LINEAR_UP] ...
 *     bl_quantize_free(q, m->shape.layers);
 *
 * Some numbers of a layer's input are far larger than the others, which then
 * have few codes left.  Before rounding, each input is divided by a factor
 * and its weights are multiplied by it: the square root of the input's
 * largest value over the largest of its weights (SmoothQuant, Xiao et al.
 * 2022).  The values are those that the network itself computes in f32 for a
 * few made-up sequences.
 */
#ifndef BL_QUANTIZE_H
#define BL_QUANTIZE_H

#include <stdbool.h>

#include "model/model.h"
#include "net/int8.h"

enum bl_linear_number {
    BL_LINEAR_QUERY, BL_LINEAR_KEY, BL_LINEAR_VALUE, BL_LINEAR_ATTENDED,
    BL_LINEAR_UP, BL_LINEAR_DOWN, BL_LINEARS
};

/* The linear of that number. */
struct bl_linear *bl_layer_linear(struct bl_layer *l,
                                  enum bl_linear_number number);

/* [layers * BL_LINEARS]; the layers have w, of at most BL_INT8_MAX_IN
 * columns. */
struct bl_int8 *bl_quantize(const struct bl_shape *shape,
                            const struct bl_bert *tower, size_t threads);
/* NULL: nothing. */
void bl_quantize_free(struct bl_int8 *q, size_t layers);

/* How the weights of a model are written anew. */
struct bl_shrink {
    bool int8;                  /* the layers, as below */
    bool f16;                   /* all other numbers */
    bool bare;                  /* without the word vectors */
};

/* Whether that can be done: -1 with BL_DATA when its layers are int8 already
 * or too wide, or the model has no blink.json. */
int bl_shrink_check(const struct bl_model *model, struct bl_err *err);

/* The file `path` with the model's weights.  -1 with BL_DATA also when a
 * number is beyond those of 16 bits. */
int bl_shrink_weights(const struct bl_model *model,
                      const struct bl_shrink *how,
                      size_t threads, const char *path, struct bl_err *err);

/* A model directory that opens at once: that of `from` with its layers in
 * int8.  In model.safetensors each of their X.weight [out][in] becomes
 *
 *     X.weight.int8    I8 [ceil(out / 16)][width / 4][16][4]
 *     X.weight.scales  F32 [16 * ceil(out / 16)]
 *     X.weight.sums    I32 [16 * ceil(out / 16)]
 *     X.weight.shrink  F32 [width]
 *
 * as struct bl_int8 has them, with width = in up to a multiple of 64, so that
 * they are used where they lie and shared by all processes; everything else
 * stays as it is.  An existing directory is replaced with `replace`, else
 * refused.  BL_DATA when `from` has no blink.json or is int8 already. */
int bl_quantize_model(const char *from, const char *to, bool replace,
                      size_t threads, struct bl_err *err);

#endif
