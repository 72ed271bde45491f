/* SPDX-License-Identifier: MIT */
/*
 * params: the parameters of a network in training, in one flat array, with
 * an array of gradients beside it.
 *
 *     struct bl_params_spec spec = { .role = BL_ROLE_BI_ENCODER, .seed = 1 };
 *     struct bl_params *net = bl_params_new(model, &spec, &err);
 *     ... net->values, net->grads; net->view computes with the values ...
 *     bl_params_free(net);
 *
 * The values start as the base model's; a head or pooler that the role needs
 * and the base has not starts random (normal, deviation 0.02, bias 0).  What
 * the network does not use (position_ids, BLINK's other leftovers) is left
 * out.  The base model is borrowed until bl_params_free().
 */
#ifndef BL_PARAMS_H
#define BL_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"
#include "model/model.h"

BL_BEGIN_DECLS

struct bl_param {
    char *name;                 /* of the tensor in the file */
    size_t n_dims, dims[2];
    size_t at, n;               /* values[at, at + n) */
    bool wanted;                /* its gradient is computed */
    bool moved;                 /* the optimiser changes it */
    bool decayed;               /* by weight decay too */
};

struct bl_params {
    const struct bl_model *base;
    struct bl_model view;       /* as base, with the values for weights; for
                                 * encoder.h; borrowed like the rest */
    struct bl_param *params;
    size_t n_params;
    float *values, *grads;      /* [n] */
    size_t n;
};

struct bl_params_spec {
    enum bl_role role;
    size_t towers;              /* bi-encoder: 1 or 2; 0: as the base */
    bool spans;                 /* bi-encoder: with heads that find mentions;
                                 * as the base's, where it has such */
    size_t labels;              /* tagger: how many */
    size_t types;               /* rows of the segment embedding, the new
                                 * ones near row 0; 0: as the base */
    uint64_t seed;
};

/* NULL with BL_DATA when the base cannot become that. */
struct bl_params *bl_params_new(const struct bl_model *base,
                                const struct bl_params_spec *spec,
                                struct bl_err *err);
void bl_params_free(struct bl_params *net);     /* NULL: nothing */

/* The parameter that a pointer into net->values belongs to; NULL: none. */
struct bl_param *bl_params_param(const struct bl_params *net,
                                 const float *value);

/* Which parameters are trained, by a list such as "embeddings,layers:0-3,
 * pooler,head": those are frozen, the others trained, those of one dimension
 * without decay.  NULL or "": all.  BL_USAGE for a word that is unknown or
 * a layer that the network has not. */
int bl_params_freeze(struct bl_params *net, const char *list,
                     struct bl_err *err);

/* BLINK's choice (blink/common/optimizer.py, patterns_optimizer):
 * "additional_layers", "top_layer", "top4_layers", "all_encoder_layers" or
 * "all".  Gradients of all parameters are wanted, as there; names that hold
 * "bias", "gamma" or "beta" have no decay, so LayerNorm.weight has. */
int bl_params_blink_groups(struct bl_params *net, const char *which,
                           struct bl_err *err);

BL_END_DECLS

#endif
