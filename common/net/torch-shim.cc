/* SPDX-License-Identifier: MIT */
/*
 * libtorch's two services: single matrix products, for stack.h's way through
 * the network (CPU, f32), and the whole network as tensor operations on a
 * packed batch (CUDA, bf16).  Nothing is padded in either.  N tokens,
 * S sequences, H hidden, I inner, A heads of D = H / A.
 */
#include "net/torch-shim.h"

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

static Tensor borrow(const struct bl_torch &t, const float *p,
                     at::IntArrayRef dims)
{
    Tensor v = at::from_blob(const_cast<float *>(p), dims, at::kFloat);
    return v.to(t.options);
}

static int64_t dim(size_t n)
{
    return static_cast<int64_t>(n);
}

static Linear borrow(const struct bl_torch &t, const struct bl_linear &l)
{
    return { borrow(t, l.w, { dim(l.out), dim(l.in) }),
             borrow(t, l.b, { dim(l.out) }) };
}

static Norm borrow(const struct bl_torch &t, const struct bl_norm &n)
{
    return { borrow(t, n.gain, { dim(t.shape.hidden) }),
             borrow(t, n.bias, { dim(t.shape.hidden) }) };
}

static Tower borrow(const struct bl_torch &t, const struct bl_bert &b)
{
    const struct bl_shape &s = t.shape;
    Tower tower;

    tower.words = borrow(t, b.words.f32, { dim(s.vocab), dim(s.hidden) });
    tower.positions = borrow(t, b.positions,
                             { dim(s.positions), dim(s.hidden) });
    tower.types = borrow(t, b.types, { dim(s.types), dim(s.hidden) });
    tower.norm = borrow(t, b.norm);
    for (size_t i = 0; i < s.layers; i++) {
        const struct bl_layer &l = b.layers[i];
        tower.layers.push_back({ borrow(t, l.query), borrow(t, l.key),
                                 borrow(t, l.value), borrow(t, l.attended),
                                 borrow(t, l.up), borrow(t, l.down),
                                 borrow(t, l.attended_norm),
                                 borrow(t, l.norm) });
    }
    return tower;
}

/* ---- First way: pieces, on the CPU in f32 ---- */

/* ---- The network on the whole batch ---- */

static Tensor apply(const Linear &l, const Tensor &x)
{
    return at::linear(x, l.w, l.b);
}

static Tensor apply(const struct bl_shape &s, const Norm &n, const Tensor &x)
{
    return at::layer_norm(x, { dim(s.hidden) }, n.gain, n.bias, s.epsilon);
}

static Tensor indices(const struct bl_torch &t, const int32_t *p, size_t n)
{
    return at::from_blob(const_cast<int32_t *>(p), { dim(n) }, at::kInt)
        .to(t.options.device(), at::kLong);
}

/* Attention of g sequences of n tokens each: [g * n][H] from the same. */
static Tensor attend_group(const struct bl_shape &s, const Tensor &q,
                           const Tensor &k, const Tensor &v, int64_t g,
                           int64_t n)
{
    int64_t a = dim(s.heads), d = dim(s.hidden / s.heads);
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
static Tensor attend_all(const struct bl_shape &s, const struct bl_batch *b,
                         const Tensor &q, const Tensor &k, const Tensor &v)
{
    std::vector<Tensor> parts;

    for (size_t from = 0, to; from < b->n_seqs; from = to) {
        size_t start = b->offsets[from];
        size_t n = b->offsets[from + 1] - start;

        for (to = from + 1; to < b->n_seqs
             && b->offsets[to + 1] - b->offsets[to] == n; to++)
            ;
        auto part = [&](const Tensor &x) {
            return x.narrow(0, dim(start), dim((to - from) * n));
        };
        parts.push_back(attend_group(s, part(q), part(k), part(v),
                                     dim(to - from), dim(n)));
    }
    return at::cat(parts);
}

static Tensor run_layer(const struct bl_shape &s, const Layer &l,
                        const struct bl_batch *b, const Tensor &x)
{
    Tensor mixed = attend_all(s, b, apply(l.query, x), apply(l.key, x),
                              apply(l.value, x));
    Tensor y = apply(s, l.attended_norm, x + apply(l.attended, mixed));

    return apply(s, l.norm, y + apply(l.down, at::gelu(apply(l.up, y))));
}

static void forward(struct bl_torch &t, const Tower &tower,
                          const struct bl_batch *b, bool first, float *out)
{
    const struct bl_shape &s = t.shape;
    InferenceMode guard;
    auto look_up = [&](const Tensor &rows, const int32_t *p) {
        return rows.index_select(0, indices(t, p, b->n_tokens));
    };
    Tensor x = apply(s, tower.norm, look_up(tower.words, b->ids)
                     + look_up(tower.positions, b->positions)
                     + look_up(tower.types, b->segments));

    for (const Layer &l : tower.layers)
        x = run_layer(s, l, b, x);
    if (first) {
        std::vector<int64_t> starts(b->offsets, b->offsets + b->n_seqs);
        x = x.index_select(0, at::tensor(starts, at::kLong)
                           .to(t.options.device()));
    }
    x = x.to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(x.data_ptr<float>(), x.numel(), out);
}

/* ---- The table ---- */

static struct bl_torch *torch_open(const struct bl_model *m, int device,
                                   int precision, size_t threads,
                                   char *error) noexcept
{
    struct bl_torch *t = nullptr;
    bool good = guarded(error, [&] {
        if (device == BL_DEVICE_CUDA)
            need_cuda();
        at::set_num_threads(static_cast<int>(threads));
        InferenceMode guard;
        t = new bl_torch;
        t->shape = m->shape;
        t->options = at::TensorOptions()
            .device(device == BL_DEVICE_CUDA ? at::kCUDA : at::kCPU)
            .dtype(precision == BL_PRECISION_BF16 ? at::kBFloat16
                                                  : at::kFloat);
        for (size_t i = 0; i < m->n_towers; i++)
            t->towers.push_back(borrow(*t, m->towers[i]));
        if (m->n_towers == 1)
            t->towers.push_back(t->towers[0]);
    });

    if (good)
        return t;
    delete t;
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

static int torch_forward(struct bl_torch *t, int tower,
                         const struct bl_batch *b, int first, float *out,
                         char *error) noexcept
{
    bool good = guarded(error, [&] {
        const Tower &which = t->towers.at(static_cast<size_t>(tower));
        forward(*t, which, b, first != 0, out);
    });

    return good ? 0 : -1;
}

static void torch_close(struct bl_torch *t) noexcept
{
    char error[BL_ERR_MSG];
    guarded(error, [&] { delete t; });
}

const struct bl_torch_api *bl_torch_api(void)
{
    static const struct bl_torch_api api = {
        BL_TORCH_ABI, TORCH_VERSION, torch_open, torch_multiply,
        torch_forward, torch_close
    };
    return &api;
}
