/* SPDX-License-Identifier: MIT */
/*
 * torch-activation: the function between the two layers of a feed-forward
 * block, for both modules of libtorch.
 */
#ifndef BL_TORCH_ACTIVATION_HH
#define BL_TORCH_ACTIVATION_HH

#include <ATen/ATen.h>

#include "model/model.h"

inline at::Tensor activated(const struct bl_shape &shape, const at::Tensor &x)
{
    switch (shape.activation) {
    case BL_ACT_GELU_TANH:
        return at::gelu(x, "tanh");
    case BL_ACT_RELU:
        return at::relu(x);
    case BL_ACT_SILU:
        return at::silu(x);
    default:
        return at::gelu(x);
    }
}

#endif
