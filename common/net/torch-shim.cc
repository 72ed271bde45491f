/* SPDX-License-Identifier: MIT */
/*
 * libtorch's two services: single matrix products, for stack.h's way through
 * the network (CPU, f32), and the whole network as tensor operations on a
 * packed batch (CUDA, bf16).  Nothing is padded in either.  N tokens,
 * S sequences, H hidden, I inner, A heads of D = H / A.
 */
#include "net/torch-shim.h"

#include "net/torch-activation.hh"
#include "net/torch-guard.hh"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

using at::Tensor;
using c10::InferenceMode;

struct Linear {
    Tensor w, b;                        /* [out][in], [out] */
};

struct Norm {
    Tensor gain, bias;
};

struct Layer {
    Linear query, key, value, attended, up, down;
    Norm attended_norm, norm;
};

struct Tower {
    Tensor words, positions, types;
    Norm norm;
    std::vector<Layer> layers;
};

struct bl_torch {
    struct bl_shape shape;
    at::TensorOptions options;          /* where and as what weights live */
    std::vector<Tower> towers;
};

/* ---- Weights ---- */

static Tensor borrow(const struct bl_torch &torch, const float *p,
                     at::IntArrayRef dims)
{
    Tensor v = at::from_blob(const_cast<float *>(p), dims, at::kFloat);
    return v.to(torch.options);
}

static int64_t dim(size_t n)
{
    return static_cast<int64_t>(n);
}

static Linear borrow(const struct bl_torch &torch,
                     const struct bl_linear &linear)
{
    return { borrow(torch, linear.w, { dim(linear.out), dim(linear.in) }),
             borrow(torch, linear.b, { dim(linear.out) }) };
}

static Norm borrow(const struct bl_torch &torch, const struct bl_norm &norm)
{
    return { borrow(torch, norm.gain, { dim(torch.shape.hidden) }),
             borrow(torch, norm.bias, { dim(torch.shape.hidden) }) };
}

static Tower borrow(const struct bl_torch &torch, const struct bl_bert &b)
{
    const struct bl_shape &shape = torch.shape;
    Tower tower;

    tower.words = borrow(torch, b.words.f32,
                         { dim(shape.vocab), dim(shape.hidden) });
    tower.positions = borrow(torch, b.positions,
                             { dim(shape.positions), dim(shape.hidden) });
    tower.types = borrow(torch, b.types,
                         { dim(shape.types), dim(shape.hidden) });
    tower.norm = borrow(torch, b.norm);
    for (size_t i = 0; i < shape.layers; i++) {
        const struct bl_layer &layer = b.layers[i];
        tower.layers.push_back({ borrow(torch, layer.query),
                               borrow(torch, layer.key),
                                 borrow(torch, layer.value),
                               borrow(torch, layer.attended),
                                 borrow(torch, layer.up),
                               borrow(torch, layer.down),
                                 borrow(torch, layer.attended_norm),
                                 borrow(torch, layer.norm) });
    }
    return tower;
}

/* ---- First way: pieces, on the CPU in f32 ---- */

/* ---- The network on the whole batch ---- */

static Tensor apply(const Linear &l, const Tensor &x)
{
    return at::linear(x, l.w, l.b);
}

static Tensor apply(const struct bl_shape &shape, const Norm &norm,
                    const Tensor &x)
{
    return at::layer_norm(x, { dim(shape.hidden) }, norm.gain, norm.bias,
                          shape.epsilon);
}

static Tensor indices(const struct bl_torch &torch, const int32_t *p, size_t n)
{
    return at::from_blob(const_cast<int32_t *>(p), { dim(n) }, at::kInt)
        .to(torch.options.device(), at::kLong);
}

/* Attention of g sequences of n tokens each: [g * n][H] from the same. */
static Tensor attend_group(const struct bl_shape &shape, const Tensor &q,
                           const Tensor &k, const Tensor &v, int64_t g,
                           int64_t n)
{
    int64_t a = dim(shape.heads), d = dim(shape.hidden / shape.heads);
    auto split = [&](const Tensor &x) {
        return x.view({ g, n, a, d }).transpose(1, 2);
    };
    Tensor weights = at::softmax(
        at::matmul(split(q), split(k).transpose(2, 3))
            / std::sqrt(static_cast<double>(d)), -1);

    return at::matmul(weights, split(v)).transpose(1, 2)
        .reshape({ g * n, a * d });
}

/* Sequences of equal length stand side by side: one product for each run. */
static Tensor attend_all(const struct bl_shape &shape,
                         const struct bl_batch *batch,
                         const Tensor &q, const Tensor &k, const Tensor &v)
{
    std::vector<Tensor> parts;

    for (size_t from = 0, to; from < batch->n_seqs; from = to) {
        size_t start = batch->offsets[from];
        size_t n = batch->offsets[from + 1] - start;

        for (to = from + 1; to < batch->n_seqs
             && batch->offsets[to + 1] - batch->offsets[to] == n; to++)
            ;
        auto part = [&](const Tensor &x) {
            return x.narrow(0, dim(start), dim((to - from) * n));
        };
        parts.push_back(attend_group(shape, part(q), part(k), part(v),
                                     dim(to - from), dim(n)));
    }
    return at::cat(parts);
}

static Tensor run_layer(const struct bl_shape &shape, const Layer &layer,
                        const struct bl_batch *batch, const Tensor &x)
{
    Tensor mixed = attend_all(shape, batch, apply(layer.query, x),
                              apply(layer.key, x), apply(layer.value, x));
    Tensor y = apply(shape, layer.attended_norm,
                     x + apply(layer.attended, mixed));

    return apply(shape, layer.norm,
                 y + apply(layer.down, activated(shape, apply(layer.up, y))));
}

static void forward(struct bl_torch &torch, const Tower &tower,
                          const struct bl_batch *batch, bool first, float *out)
{
    const struct bl_shape &shape = torch.shape;
    InferenceMode guard;
    auto look_up = [&](const Tensor &rows, const int32_t *p) {
        return rows.index_select(0, indices(torch, p, batch->n_tokens));
    };
    Tensor x = apply(shape, tower.norm, look_up(tower.words, batch->ids)
                     + look_up(tower.positions, batch->positions)
                     + look_up(tower.types, batch->segments));

    for (const Layer &l : tower.layers)
        x = run_layer(shape, l, batch, x);
    /* Only the first token of each sequence is read by the heads; all of them
     * had to be computed, as the layers mix them. */
    if (first) {
        std::vector<int64_t> starts(batch->offsets,
                                    batch->offsets + batch->n_seqs);
        x = x.index_select(0, at::tensor(starts, at::kLong)
                           .to(torch.options.device()));
    }
    x = x.to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(x.data_ptr<float>(), x.numel(), out);
}

/* ---- The table ---- */

static struct bl_torch *torch_open(const struct bl_model *model, int device,
                                   int precision, size_t threads,
                                   char *error) noexcept
{
    struct bl_torch *torch = nullptr;
    bool good = guarded(error, [&] {
        if (device == BL_DEVICE_CUDA)
            need_cuda();
        at::set_num_threads(static_cast<int>(threads));
        InferenceMode guard;
        torch = new bl_torch;
        torch->shape = model->shape;
        torch->options = at::TensorOptions()
            .device(device == BL_DEVICE_CUDA ? at::kCUDA : at::kCPU)
            .dtype(precision == BL_PRECISION_BF16 ? at::kBFloat16
                                                  : at::kFloat);
        for (size_t i = 0; i < model->n_towers; i++)
            torch->towers.push_back(borrow(*torch, model->towers[i]));
        /* A model of one tower has it under both numbers; a Tensor is counted
         * by reference, so nothing is copied. */
        if (model->n_towers == 1)
            torch->towers.push_back(torch->towers[0]);
    });

    if (good)
        return torch;
    delete torch;
    return nullptr;
}

static int torch_multiply(const float *w, size_t out, size_t in,
                          const float *x, size_t n, float *y,
                          size_t stride, char *error) noexcept
{
    bool good = guarded(error, [&] {
        InferenceMode guard;
        auto matrix = [](const float *p, size_t r, size_t c, size_t s) {
            return at::from_blob(const_cast<float *>(p), { dim(r), dim(c) },
                                 { dim(s), 1 }, at::kFloat);
        };
        Tensor result = matrix(y, n, out, stride);
        at::mm_out(result, matrix(x, n, in, in), matrix(w, out, in, in).t());
    });

    return good ? 0 : -1;
}

static int torch_forward(struct bl_torch *torch, int tower,
                         const struct bl_batch *batch, int first, float *out,
                         char *error) noexcept
{
    bool good = guarded(error, [&] {
        const Tower &which = torch->towers.at(static_cast<size_t>(tower));
        forward(*torch, which, batch, first != 0, out);
    });

    return good ? 0 : -1;
}

static void torch_close(struct bl_torch *torch) noexcept
{
    char error[BL_ERR_MSG];
    guarded(error, [&] { delete torch; });
}

const struct bl_torch_api *bl_torch_api(void)
{
    static const struct bl_torch_api api = {
        BL_TORCH_ABI, TORCH_VERSION, torch_open, torch_multiply,
        torch_forward, torch_close
    };
    return &api;
}
