/* SPDX-License-Identifier: MIT */
/*
 * libtorch's autograd on packed batches.
 *
 * On the CPU a batch is cut into shares of whole sequences, one a thread;
 * each goes through the network and back on its own, with libtorch's own
 * threads off, so that nobody waits for anybody at each operation.  Between
 * the two the shares meet once, for the loss.  Parameters are tensors laid
 * over net->values; the gradients of the first share lie over net->grads, so
 * that autograd adds in place, those of the others beside them and are added
 * in a fixed order.  On another device there is one share, and parameters
 * are copies, kept alike by sync().
 */
#include "train/train-shim.h"

#include "net/torch-guard.hh"
#include "train/train-graph.hh"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

using at::Tensor;

/* What one thread computes with. */
struct Worker {
    Params params;
    std::vector<float> grads;   /* of all workers but the first */
};

struct bl_train {
    struct bl_params *net;
    at::Device device = at::kCPU;
    bool bf16;
    std::vector<Worker> workers;
};

static Tensor longs(const bl_train &t, const int64_t *p, size_t n)
{
    return at::tensor(at::ArrayRef<int64_t>(p, n), at::kLong).to(t.device);
}

/* ---- Shares ---- */

/* A batch on its way: its outputs in shares, with their graphs behind them,
 * and as one tensor from which the loss is made. */
struct Way {
    int tower;
    const struct bl_batch *b;
    std::vector<Tensor> shares;         /* [workers]; undefined: empty */
    Tensor whole;                       /* a leaf */
    bool states = false;                /* of all tokens, no vectors */
};

/* Calls fn(worker) in a thread each; the first failure is thrown here. */
template <typename F> static void in_threads(size_t n, F fn)
{
    std::vector<std::exception_ptr> failed(n);
    std::vector<std::thread> threads;
    auto call = [&](size_t i) {
        try {
            at::init_num_threads();
            fn(i);
        } catch (...) {
            failed[i] = std::current_exception();
        }
    };

    size_t started = 1;
    threads.reserve(n);
    try {
        for (; started < n; started++)
            threads.emplace_back(call, started);
    } catch (const std::system_error &) {
        /* What gets no thread of its own is done in this one. */
    }
    call(0);
    for (size_t i = started; i < n; i++)
        call(i);
    for (std::thread &thread : threads)
        thread.join();
    for (const std::exception_ptr &e : failed)
        if (e)
            std::rethrow_exception(e);
}

/* Share i of n: whole sequences, about as many tokens as the others. */
static Slice share_of(const struct bl_batch *b, size_t i, size_t n)
{
    auto border = [&](size_t k) {
        size_t seq = 0;
        while (seq < b->n_seqs && b->offsets[seq] < b->n_tokens * k / n)
            seq++;
        return seq;
    };
    return { b, border(i), border(i + 1) };
}

/* All ways forwards, their shares side by side. */
static void forwards(bl_train &t, std::vector<Way> &ways,
                     const struct bl_train_run &how)
{
    size_t n = t.workers.size();

    for (Way &w : ways)
        w.shares.resize(n);
    in_threads(n, [&](size_t i) {
        c10::AutoGradMode mode(how.backward != 0);
        Run r{ t.net->view, t.workers[i].params, t.device, t.bf16,
               how.dropout, how.seed + i };

        for (Way &w : ways) {
            Slice share = share_of(w.b, i, n);
            if (share.seqs())
                w.shares[i] = w.states ? bl_train_states(r, w.tower, share)
                    : bl_train_outputs(r, w.tower, share);
        }
    });
    for (Way &w : ways) {
        std::vector<Tensor> parts;
        for (const Tensor &s : w.shares)
            if (s.defined())
                parts.push_back(s.detach());
        w.whole = at::cat(parts);
        w.whole.set_requires_grad(how.backward != 0);
    }
}

static void add_grads(bl_train &t)
{
    for (size_t i = 1; i < t.workers.size(); i++) {
        std::vector<float> &from = t.workers[i].grads;

        for (size_t k = 0; k < t.net->n_params; k++) {
            const struct bl_param &q = t.net->params[k];
            if (!q.wanted)
                continue;
            for (size_t j = q.at; j < q.at + q.n; j++)
                t.net->grads[j] += from[j];
            std::fill_n(&from[q.at], q.n, 0.0f);
        }
    }
}

/* And back, from the gradient that the loss left in each whole. */
static void backwards(bl_train &t, std::vector<Way> &ways)
{
    in_threads(t.workers.size(), [&](size_t i) {
        c10::AutoGradMode mode(true);

        for (Way &w : ways) {
            int64_t at = 0;
            for (size_t k = 0; k < i; k++)
                at += w.shares[k].defined() ? w.shares[k].size(0) : 0;
            if (w.shares[i].defined() && w.shares[i].requires_grad())
                w.shares[i].backward(w.whole.grad()
                                     .narrow(0, at, w.shares[i].size(0)));
        }
    });
    add_grads(t);
}

/* ---- Losses ---- */

static void take(const Tensor &scores, float *out)
{
    if (!out)
        return;
    Tensor x = scores.detach().to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(x.data_ptr<float>(), x.numel(), out);
}

/* [lists][longest] with minus infinity behind the shorter ones. */
static Tensor pad_lists(const bl_train &t, const struct bl_train_lists *b,
                        const Tensor &scores)
{
    size_t longest = 0, pairs = b->starts[b->n];
    std::vector<int64_t> at;

    for (size_t g = 0; g < b->n; g++)
        longest = std::max(longest, b->starts[g + 1] - b->starts[g]);
    for (size_t g = 0; g < b->n; g++)
        for (size_t i = 0; i < longest; i++)
            at.push_back(dim(b->starts[g] + i < b->starts[g + 1]
                             ? b->starts[g] + i : pairs));
    Tensor lowest = at::full({ 1 }, -INFINITY, scores.options()
                             .requires_grad(false));
    return at::cat({ scores, lowest })
        .index_select(0, longs(t, at.data(), at.size()))
        .view({ dim(b->n), dim(longest) });
}

/* ---- The table ---- */

/* The ways forwards, the loss that fn makes of them, and back. */
template <typename F>
static int run(struct bl_train *t, std::vector<Way> ways,
               const struct bl_train_run *how, double *loss, char *error,
               F fn) noexcept
{
    return guarded(error, [&] {
        c10::AutoGradMode mode(how->backward != 0);

        if (t->device.is_cuda() && how->dropout > 0)
            at::manual_seed(how->seed);
        forwards(*t, ways, *how);
        Tensor value = fn(ways);
        *loss = value.template item<double>();
        if (!how->backward || !std::isfinite(*loss))
            return;
        (value * how->scale).backward();
        backwards(*t, ways);
    }) ? 0 : -1;
}

/* The outputs in the order of the caller. */
static Tensor in_order(const bl_train &t, const Way &w,
                       const struct bl_train_seqs &q)
{
    return w.whole.index_select(0, longs(t, q.rows, q.batch->n_seqs));
}

/* The entities' vectors [m][dim]: the second way's, or those that stay. */
static Tensor entities_of(const bl_train &t, const std::vector<Way> &ways,
                          const struct bl_train_bi *b, size_t width)
{
    if (!b->fixed)
        return in_order(t, ways[1], b->entities);
    return at::from_blob(const_cast<float *>(b->fixed),
                         { dim(b->n_fixed), dim(width) },
                         { dim(b->fixed_stride), 1 }, at::kFloat)
        .to(t.device);
}

static int train_bi(struct bl_train *t, const struct bl_train_bi *b,
                    const struct bl_train_run *how, double *loss,
                    float *scores, char *error) noexcept
{
    int64_t n = dim(b->contexts.batch->n_seqs);
    std::vector<Way> ways{ { BL_TOWER_CONTEXT, b->contexts.batch, {}, {},
                             false } };

    if (!b->fixed)
        ways.push_back({ BL_TOWER_ENTITY, b->entities.batch, {}, {}, false });
    return run(t, ways, how, loss, error, [&](std::vector<Way> &w) {
        Tensor s = at::mm(in_order(*t, w[0], b->contexts),
                          entities_of(*t, w, b, t->net->view.dim).t())
            / b->temperature;

        take(s, scores);
        if (b->out)
            s = s.masked_fill(at::from_blob(const_cast<uint8_t *>(b->out),
                                            { n, s.size(1) }, at::kByte)
                              .to(t->device, at::kBool), -INFINITY);
        return at::cross_entropy_loss(s, longs(*t, b->target,
                                               static_cast<size_t>(n)));
    });
}

static int train_lists(struct bl_train *t, const struct bl_train_lists *b,
                       const struct bl_train_run *how, double *loss,
                       float *scores, char *error) noexcept
{
    return run(t, { { BL_TOWER_CONTEXT, b->pairs.batch, {}, {}, false } },
               how,
               loss, error, [&](std::vector<Way> &ways) {
        Tensor s = in_order(*t, ways[0], b->pairs).squeeze(1);

        take(s, scores);
        return at::cross_entropy_loss(pad_lists(*t, b, s),
                                      longs(*t, b->gold, b->n));
    });
}

static int train_tags(struct bl_train *t, const struct bl_train_tags *b,
                      const struct bl_train_run *how, double *loss,
                      float *scores, char *error) noexcept
{
    return run(t, { { BL_TOWER_CONTEXT, b->batch, {}, {}, false } }, how, loss,
               error, [&](std::vector<Way> &ways) {
        take(ways[0].whole, scores);
        return at::cross_entropy_loss(
            ways[0].whole, longs(*t, b->labels, b->batch->n_tokens), {}, 1,
            BL_TRAIN_IGNORE);
    });
}

/* The runs of all texts by their first and last tokens in the batch, and
 * which of them are mentions. */
struct Spans {
    std::vector<int64_t> first, last;
    std::vector<float> labels;
};

/* Where token `at` of the caller's sequence is in the packed batch. */
static int64_t token_of(const struct bl_train_spans *b, size_t sequence,
                        size_t at)
{
    const struct bl_batch *batch = b->contexts.batch;

    return dim(batch->offsets[b->contexts.rows[sequence]] + at);
}

static Spans list_spans(const struct bl_train_spans *b)
{
    const struct bl_batch *batch = b->contexts.batch;
    std::unordered_map<int64_t, size_t> begins;
    Spans s;

    for (size_t i = 0; i < batch->n_seqs; i++)
        for (size_t k = batch->offsets[i]; k < batch->offsets[i + 1]; k++) {
            begins[dim(k)] = s.first.size();
            for (size_t j = k; j < batch->offsets[i + 1]
                 && j - k < b->longest; j++) {
                s.first.push_back(dim(k));
                s.last.push_back(dim(j));
            }
        }
    s.labels.assign(s.first.size(), 0.0f);
    for (size_t i = 0; i < b->n; i++) {
        const struct bl_train_span &m = b->mentions[i];
        size_t length = m.last - m.first;

        if (length < b->longest)
            s.labels[begins.at(token_of(b, m.sequence, m.first)) + length]
                = 1;
    }
    return s;
}

static Tensor floats(const bl_train &t, const float *p, size_t n)
{
    return at::tensor(at::ArrayRef<float>(p, n), at::kFloat).to(t.device);
}

static Tensor spans_loss(const bl_train &t, Run &r, const Tensor &states,
                         const struct bl_train_spans *b)
{
    Spans s = list_spans(b);
    Tensor logits = bl_train_span_logits(
        r, states, longs(t, s.first.data(), s.first.size()),
        longs(t, s.last.data(), s.last.size()));

    return at::binary_cross_entropy_with_logits(
        logits, floats(t, s.labels.data(), s.labels.size()));
}

/* scores [n][m] */
static Tensor links_loss(const bl_train &t, const Tensor &scores,
                         const struct bl_train_spans *b)
{
    if (!b->n_pairs)
        return at::cross_entropy_loss(scores, longs(t, b->target, b->n));
    Tensor pairs = longs(t, b->pair_mentions, b->n_pairs) * scores.size(1)
        + longs(t, b->pair_columns, b->n_pairs);

    return at::binary_cross_entropy_with_logits(
        scores.reshape({ -1 }).index_select(0, pairs),
        floats(t, b->pair_labels, b->n_pairs));
}

static Tensor mentions_of(Run &r, const Tensor &states,
                          const struct bl_train_spans *b)
{
    std::vector<int64_t> first, last;

    for (size_t i = 0; i < b->n; i++) {
        const struct bl_train_span &m = b->mentions[i];

        first.push_back(token_of(b, m.sequence, m.first));
        last.push_back(token_of(b, m.sequence, m.last));
    }
    return bl_train_span_vectors(r, states, first, last);
}

/* The heads are small and work on all shares at once, with the first worker's
 * parameters, whose gradients lie over net->grads. */
static int train_spans(struct bl_train *t, const struct bl_train_spans *b,
                       const struct bl_train_run *how, double *loss,
                       double *spans, float *scores, char *error) noexcept
{
    std::vector<Way> ways{ { BL_TOWER_CONTEXT, b->contexts.batch, {}, {},
                             true } };
    struct bl_train_bi columns = {};

    columns.entities = b->entities;
    columns.fixed = b->fixed;
    columns.n_fixed = b->n_fixed;
    columns.fixed_stride = b->fixed_stride;
    if (!b->fixed)
        ways.push_back({ BL_TOWER_ENTITY, b->entities.batch, {}, {}, false });
    return run(t, ways, how, loss, error, [&](std::vector<Way> &w) {
        Run r{ t->net->view, t->workers[0].params, t->device, t->bf16,
               how->dropout, how->seed + t->workers.size() };
        Tensor s = at::mm(mentions_of(r, w[0].whole, b),
                          entities_of(*t, w, &columns, t->net->view.dim).t());
        Tensor runs = spans_loss(*t, r, w[0].whole, b);

        take(s, scores);
        if (spans)
            *spans = runs.template item<double>();
        return links_loss(*t, s, b) + runs;
    });
}

static Tensor over(float *p, const struct bl_param &q)
{
    std::vector<int64_t> dims(q.dims, q.dims + q.n_dims);

    return at::from_blob(p + q.at, dims, at::kFloat);
}

static void bind(bl_train &t, Worker &w, float *grads)
{
    for (size_t i = 0; i < t.net->n_params; i++) {
        const struct bl_param &q = t.net->params[i];
        Tensor p = over(t.net->values, q).to(t.device);

        if (q.wanted) {
            p.set_requires_grad(true);
            p.mutable_grad() = over(grads, q).to(t.device);
        }
        w.params[t.net->values + q.at] = p;
    }
}

static void start(bl_train &t, const struct bl_train_settings &s)
{
    bool cuda = s.device == BL_DEVICE_CUDA;

    if (cuda)
        need_cuda();
    at::set_num_threads(1);
    t.device = cuda ? at::kCUDA : at::kCPU;
    t.bf16 = s.precision == BL_PRECISION_BF16;
    t.workers.resize(cuda ? 1 : s.threads);
    for (Worker &w : t.workers) {
        bool first = &w == &t.workers[0];
        if (!first)
            w.grads.assign(t.net->n, 0.0f);
        bind(t, w, first ? t.net->grads : w.grads.data());
    }
}

static struct bl_train *train_open(struct bl_params *net,
                                   const struct bl_train_settings *s,
                                   char *error) noexcept
{
    struct bl_train *t = nullptr;
    bool good = guarded(error, [&] {
        t = new bl_train;
        t->net = net;
        start(*t, *s);
    });

    if (good)
        return t;
    delete t;
    return nullptr;
}

static int train_sync(struct bl_train *t, int what, char *error) noexcept
{
    return guarded(error, [&] {
        c10::AutoGradMode mode(false);

        for (size_t i = 0; t->device.is_cuda() && i < t->net->n_params; i++) {
            const struct bl_param &q = t->net->params[i];
            Tensor &p = t->workers[0].params
                .at(t->net->values + q.at);

            if (what == BL_TRAIN_PUT_VALUES)
                p.copy_(over(t->net->values, q));
            else if (q.wanted && what == BL_TRAIN_GET_GRADS)
                over(t->net->grads, q).copy_(p.grad());
            else if (q.wanted)
                p.mutable_grad().copy_(over(t->net->grads, q));
        }
    }) ? 0 : -1;
}

static void train_close(struct bl_train *t) noexcept
{
    char error[BL_ERR_MSG];
    guarded(error, [&] { delete t; });
}

const struct bl_train_api *bl_train_api(void)
{
    static const struct bl_train_api api = {
        BL_TRAIN_ABI, TORCH_VERSION, train_open, train_bi, train_lists,
        train_tags, train_spans, train_sync, train_close
    };
    return &api;
}
