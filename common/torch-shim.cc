/* SPDX-License-Identifier: MIT */
/*
 * The BERT stack on libtorch.  Two ways through it:
 *
 *  - CPU, f32: the batch is cut into pieces of whole sequences, and each
 *    thread takes pieces one after another through all layers.  Products are
 *    libtorch's, what lies between them is kernels.h's.  No thread waits for
 *    another before the end, and a piece stays in the cache.
 *  - everything else (CUDA, bf16): whole-batch tensor operations.
 *
 * Nothing is padded in either.  N tokens, S sequences, H hidden, I inner,
 * A heads of D = H / A.
 */
#include "torch-shim.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "kernels.h"

using at::Tensor;
using c10::InferenceMode;

/* Tokens that a thread takes at once: a piece's widest array [n][I] should
 * fit its cache. */
constexpr size_t kPiece = 512;

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
    const struct bl_bert *raw;
};

struct bl_torch {
    struct bl_shape shape;
    bool pieces;                        /* the first way above */
    at::TensorOptions options;          /* where and as what weights live */
    std::vector<Tower> towers;
};

/* ---- Weights ---- */

static Tensor borrow(const struct bl_torch &t, const float *p,
                     at::IntArrayRef dims)
{
    Tensor v = at::from_blob(const_cast<float *>(p), dims, at::kFloat);
    return t.pieces ? v : v.to(t.options);
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

    tower.raw = &b;
    tower.words = borrow(t, b.words, { dim(s.vocab), dim(s.hidden) });
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

/* What one thread works in; grows to its largest piece. */
struct Room {
    Tensor x, q, k, v, mixed, inner;
    std::vector<float> scratch;
};

/* Whole sequences [from, to) of the batch. */
struct Piece {
    const struct bl_batch *batch;
    size_t from, to;

    size_t first() const { return batch->offsets[from]; }
    size_t tokens() const { return batch->offsets[to] - first(); }
    size_t start(size_t i) const { return batch->offsets[i] - first(); }
    size_t length(size_t i) const
    {
        return batch->offsets[i + 1] - batch->offsets[i];
    }
};

/* The first n rows of a buffer [rows >= n][w] that is kept for later. */
static Tensor rows(Tensor &t, size_t n, size_t w)
{
    if (!t.defined() || t.size(0) < dim(n))
        t = at::empty({ dim(n), dim(w) }, at::kFloat);
    return t.narrow(0, 0, dim(n));
}

/* y = x w^T, without the bias, which the kernels add. */
static void multiply(Tensor &y, const Tensor &x, const Linear &l)
{
    at::mm_out(y, x, l.w.t());
}

static void attend(const struct bl_shape &s, const struct bl_layer &l,
                   const Piece &p, const float *q, const float *k,
                   const float *v, bool first, std::vector<float> &scratch,
                   float *out)
{
    size_t d = s.hidden / s.heads;

    for (size_t i = p.from; i < p.to; i++) {
        size_t n = p.length(i), key = p.start(i) * s.hidden;
        size_t query = first ? (i - p.from) * s.hidden : key;

        scratch.resize(std::max(scratch.size(),
                                bl_kernel_attend_scratch(n, d)));
        for (size_t h = 0; h < s.hidden; h += d) {
            struct bl_attend a = {
                q + query + h, k + key + h, v + key + h,
                l.query.b + h, l.key.b + h, l.value.b + h,
                n, first ? 1 : n, d, s.hidden, out + query + h
            };
            bl_kernel_attend(&a, scratch.data());
        }
    }
}

/* The first token of each sequence, [to - from][H]. */
static Tensor first_tokens(const struct bl_shape &s, const Piece &p,
                           const Tensor &x)
{
    Tensor out = at::empty({ dim(p.to - p.from), dim(s.hidden) },
                           at::kFloat);

    for (size_t i = p.from; i < p.to; i++)
        std::copy_n(x.data_ptr<float>() + p.start(i) * s.hidden, s.hidden,
                    out.data_ptr<float>() + (i - p.from) * s.hidden);
    return out;
}

/* One layer; x [N][H] becomes the next states: [S][H] when first is set. */
static void run_layer(const struct bl_torch &t, const Tower &tower,
                      size_t number, const Piece &p, bool first, Room &r,
                      Tensor &x)
{
    const struct bl_shape &s = t.shape;
    const struct bl_layer &raw = tower.raw->layers[number];
    const Layer &l = tower.layers[number];
    Tensor k = rows(r.k, p.tokens(), s.hidden);
    Tensor v = rows(r.v, p.tokens(), s.hidden);

    multiply(k, x, l.key);
    multiply(v, x, l.value);
    if (first)
        x = first_tokens(s, p, x);

    size_t n = static_cast<size_t>(x.size(0));
    Tensor q = rows(r.q, n, s.hidden), mixed = rows(r.mixed, n, s.hidden);
    Tensor inner = rows(r.inner, n, s.inner);
    float *data = x.data_ptr<float>();

    multiply(q, x, l.query);
    attend(s, raw, p, q.data_ptr<float>(), k.data_ptr<float>(),
           v.data_ptr<float>(), first, r.scratch, mixed.data_ptr<float>());
    multiply(q, mixed, l.attended);
    bl_kernel_add_norm(data, q.data_ptr<float>(), raw.attended.b,
                       &raw.attended_norm, s.epsilon, n, s.hidden);
    multiply(inner, x, l.up);
    bl_kernel_gelu(inner.data_ptr<float>(), raw.up.b, n, s.inner);
    multiply(q, inner, l.down);
    bl_kernel_add_norm(data, q.data_ptr<float>(), raw.down.b, &raw.norm,
                       s.epsilon, n, s.hidden);
}

static void run_piece(const struct bl_torch &t, const Tower &tower,
                      const Piece &p, bool first, Room &r, float *out)
{
    const struct bl_batch *b = p.batch;
    const struct bl_shape &s = t.shape;
    size_t at = p.first();
    Tensor x = rows(r.x, p.tokens(), s.hidden);

    bl_kernel_look_up(&s, tower.raw, b->ids + at, b->positions + at,
                      b->segments + at, p.tokens(), x.data_ptr<float>());
    for (size_t i = 0; i < s.layers; i++)
        run_layer(t, tower, i, p, first && i + 1 == s.layers, r, x);
    std::copy_n(x.data_ptr<float>(), x.numel(),
                out + (first ? p.from : at) * s.hidden);
}

/* Cuts the batch so that every thread has work and no piece is too large. */
static std::vector<Piece> cut(const struct bl_batch *b, size_t threads)
{
    size_t share = (b->n_tokens + threads - 1) / threads;
    size_t most = std::min(share, kPiece);
    std::vector<Piece> pieces;

    for (size_t from = 0; from < b->n_seqs; ) {
        size_t to = from + 1;
        while (to < b->n_seqs
               && b->offsets[to + 1] - b->offsets[from] <= most)
            to++;
        pieces.push_back({ b, from, to });
        from = to;
    }
    return pieces;
}

static void forward_pieces(struct bl_torch &t, const Tower &tower,
                           const struct bl_batch *b, bool first, float *out)
{
    int64_t threads = at::get_num_threads();
    std::vector<Piece> pieces = cut(b, static_cast<size_t>(threads));
    std::atomic<size_t> next{0};
    auto work = [&](int64_t, int64_t) {
        InferenceMode guard;
        Room room;
        for (size_t i; (i = next++) < pieces.size(); )
            run_piece(t, tower, pieces[i], first, room, out);
    };

    if (threads > dim(pieces.size()))
        threads = dim(pieces.size());
    at::parallel_for(0, threads, 1, work);
}

/* ---- Second way: tensor operations on the whole batch ---- */

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

static void forward_whole(struct bl_torch &t, const Tower &tower,
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

/* Runs fn; what it throws becomes the sentence in error and false. */
template <typename F> static bool guarded(char *error, F fn) noexcept
{
    try {
        fn();
        return true;
    } catch (const c10::Error &e) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: %s",
                      e.what_without_backtrace());
    } catch (const std::exception &e) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: %s", e.what());
    } catch (...) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: unknown failure");
    }
    return false;
}

/* CUDA's half of libtorch is a library of its own that nothing links, so
 * that a run on the CPU does not pay for its start. */
static void need_cuda()
{
    if (!at::hasCUDA())
        dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    if (!at::hasCUDA())
        throw std::runtime_error("--device cuda: this libtorch ("
                                 TORCH_VERSION
                                 ") has no CUDA, or there is no such device");
}

static void set_threads(size_t threads)
{
    /* Products of one piece must not start threads of their own: engine-
     * torch.c told the BLAS.  Both calls are refused once work has begun. */
    at::set_num_threads(static_cast<int>(threads));
}

static struct bl_torch *torch_open(const struct bl_model *m, int device,
                                   int precision, size_t threads,
                                   char *error) noexcept
{
    struct bl_torch *t = nullptr;
    bool good = guarded(error, [&] {
        if (device == BL_DEVICE_CUDA)
            need_cuda();
        set_threads(threads);
        InferenceMode guard;
        t = new bl_torch;
        t->shape = m->shape;
        t->pieces = device == BL_DEVICE_CPU
            && precision == BL_PRECISION_F32;
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

static int torch_forward(struct bl_torch *t, int tower,
                         const struct bl_batch *b, int first, float *out,
                         char *error) noexcept
{
    bool good = guarded(error, [&] {
        const Tower &which = t->towers.at(static_cast<size_t>(tower));
        if (t->pieces)
            forward_pieces(*t, which, b, first != 0, out);
        else
            forward_whole(*t, which, b, first != 0, out);
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
        BL_TORCH_ABI, TORCH_VERSION, torch_open, torch_forward, torch_close
    };
    return &api;
}
