/* SPDX-License-Identifier: MIT */
/* N tokens, S sequences, H hidden, A heads of D = H / A. */
#include "net/torch-activation.hh"
#include "train/train-graph.hh"

#include <cmath>
#include <vector>

using at::Tensor;

static const Tensor &param(const Run &r, const float *p)
{
    return r.params.at(p);
}

/* ---- Dropout ---- */

/* A hash as random numbers: there is no state to save. */
static inline uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static void fill_mask(float *mask, int64_t n, double p, uint64_t seed)
{
    uint32_t low = mix(static_cast<uint32_t>(seed));
    uint32_t high = mix(static_cast<uint32_t>(seed >> 32) ^ low);
    uint32_t limit = static_cast<uint32_t>(p * 4294967296.0);
    float keep = static_cast<float>(1.0 / (1.0 - p));

    for (int64_t i = 0; i < n; i++)
        mask[i] = mix(mix(static_cast<uint32_t>(i) ^ low) + high) < limit
            ? 0.0f : keep;
}

static Tensor drop(Run &r, const Tensor &x)
{
    if (!(r.dropout > 0))
        return x;
    if (r.device.is_cuda())
        return at::dropout(x, r.dropout, true);
    Tensor mask = at::empty(x.sizes(), x.options().requires_grad(false));
    fill_mask(mask.data_ptr<float>(), mask.numel(), r.dropout,
              r.seed + 0x9e3779b97f4a7c15u * ++r.drops);
    return x * mask;
}

/* ---- The network ---- */

/* In bf16 the operands of products are cast and all else stays f32. */
static Tensor cast(const Run &r, const Tensor &x)
{
    return r.bf16 ? x.to(at::kBFloat16) : x;
}

static Tensor apply(const Run &r, const struct bl_linear &l, const Tensor &x)
{
    return at::linear(cast(r, x), cast(r, param(r, l.w)),
                      cast(r, param(r, l.b))).to(at::kFloat);
}

static Tensor apply(const Run &r, const struct bl_norm &n, const Tensor &x)
{
    const struct bl_shape &s = r.model.shape;

    return at::layer_norm(x, { dim(s.hidden) }, param(r, n.gain),
                          param(r, n.bias), s.epsilon);
}

static Tensor indices(const Run &r, const int64_t *p, size_t n)
{
    return at::tensor(at::ArrayRef<int64_t>(p, n), at::kLong).to(r.device);
}

static Tensor indices(const Run &r, const int32_t *p, size_t n)
{
    return at::tensor(at::ArrayRef<int32_t>(p, n), at::kInt)
        .to(r.device, at::kLong);
}

/* Runs of sequences of equal length. */
struct Runs {
    std::vector<int64_t> sizes, lengths;    /* tokens; of each sequence */
};

static Runs find_runs(const Slice &b)
{
    Runs runs;

    for (size_t from = b.from, to; from < b.to; from = to) {
        size_t n = b.length(from);

        for (to = from + 1; to < b.to && b.length(to) == n; to++)
            ;
        runs.sizes.push_back(dim((to - from) * n));
        runs.lengths.push_back(dim(n));
    }
    return runs;
}

/* Attention of g sequences: queries [g * nq][H], keys [g * n][H]. */
static Tensor attend_run(Run &r, const Tensor &q, const Tensor &k,
                         const Tensor &v, int64_t g)
{
    const struct bl_shape &s = r.model.shape;
    int64_t a = dim(s.heads), d = dim(s.hidden / s.heads);
    auto split = [&](const Tensor &x) {
        return cast(r, x.view({ g, x.size(0) / g, a, d }).transpose(1, 2));
    };
    Tensor scores = at::matmul(split(q), split(k).transpose(2, 3))
        .to(at::kFloat) / std::sqrt(static_cast<double>(d));
    Tensor weights = drop(r, at::softmax(scores, -1));

    return at::matmul(cast(r, weights), split(v)).to(at::kFloat)
        .transpose(1, 2).reshape({ q.size(0), a * d });
}

/* q: of all tokens, or of the first of each sequence. */
static Tensor attend(Run &r, const Runs &runs, const Tensor &q,
                     const Tensor &k, const Tensor &v)
{
    std::vector<int64_t> counts;
    std::vector<Tensor> parts;

    for (size_t i = 0; i < runs.sizes.size(); i++)
        counts.push_back(q.size(0) == k.size(0) ? runs.sizes[i]
                         : runs.sizes[i] / runs.lengths[i]);
    std::vector<Tensor> qs = q.split_with_sizes(counts);
    std::vector<Tensor> ks = k.split_with_sizes(runs.sizes);
    std::vector<Tensor> vs = v.split_with_sizes(runs.sizes);
    for (size_t i = 0; i < qs.size(); i++)
        parts.push_back(attend_run(r, qs[i], ks[i], vs[i],
                                   runs.sizes[i] / runs.lengths[i]));
    return parts.size() == 1 ? parts[0] : at::cat(parts);
}

/* first: of the last layer only the first tokens [S][H] are computed. */
static Tensor run_layer(Run &r, const struct bl_layer &l, const Runs &runs,
                        const Tensor &x, const Tensor *first)
{
    Tensor own = first ? x.index_select(0, *first) : x;
    Tensor mixed = attend(r, runs, apply(r, l.query, own),
                          apply(r, l.key, x), apply(r, l.value, x));
    Tensor y = apply(r, l.attended_norm,
                     own + drop(r, apply(r, l.attended, mixed)));

    Tensor inner = activated(r.model.shape, apply(r, l.up, y));

    return apply(r, l.norm, y + drop(r, apply(r, l.down, inner)));
}

static Tensor starts_of(const Run &r, const Slice &b)
{
    std::vector<int64_t> starts;

    for (size_t i = b.from; i < b.to; i++)
        starts.push_back(dim(b.b->offsets[i] - b.token()));
    return indices(r, starts.data(), starts.size());
}

/* Last hidden states: [N][H], or [S][H] of the first tokens. */
static Tensor run_stack(Run &r, const struct bl_bert &t, const Slice &b,
                        bool first_only)
{
    auto look_up = [&](const float *rows, const int32_t *p) {
        return at::embedding(param(r, rows),
                             indices(r, p + b.token(), b.tokens()));
    };
    size_t n_layers = r.model.shape.layers;
    Runs runs = find_runs(b);
    Tensor starts = starts_of(r, b);
    Tensor x = drop(r, apply(r, t.norm, look_up(t.words.f32, b.b->ids)
                             + look_up(t.positions, b.b->positions)
                             + look_up(t.types, b.b->segments)));

    for (size_t i = 0; i < n_layers; i++)
        x = run_layer(r, t.layers[i], runs, x,
                      first_only && i + 1 == n_layers ? &starts : nullptr);
    return x;
}

/* The mean of each sequence as one product: [S][N] [N][H]. */
static Tensor mean_of(const Run &r, const Slice &b, const Tensor &x)
{
    Tensor weights = at::zeros({ dim(b.seqs()), dim(b.tokens()) });
    float *w = weights.data_ptr<float>();

    for (size_t i = b.from; i < b.to; i++, w += b.tokens()) {
        size_t at = b.b->offsets[i] - b.token();
        std::fill(w + at, w + at + b.length(i),
                  1.0f / static_cast<float>(b.length(i)));
    }
    return at::mm(weights.to(r.device), x);
}

/* Pooler, tanh, dropout, head: as bl_encoder's, with BLINK's dropout. */
static Tensor apply_head(Run &r, const struct bl_bert &t,
                         const Tensor &first)
{
    return apply(r, t.head, drop(r, at::tanh(apply(r, t.pooler, first))));
}

Tensor bl_train_outputs(Run &r, int tower, const Slice &b)
{
    const struct bl_model &m = r.model;
    const struct bl_bert &t = m.towers[tower];
    bool tags = m.role == BL_ROLE_TAGGER;
    bool mean = !t.head.w && m.pooling == BL_POOL_MEAN;
    Tensor x = run_stack(r, t, b, !mean && !tags);

    if (tags)
        return apply(r, t.head, drop(r, x));
    if (t.head.w)
        x = apply_head(r, t, x);
    else if (mean)
        x = mean_of(r, b, x);
    if (m.role == BL_ROLE_BI_ENCODER && m.normalize)
        x = x / x.norm(2, 1, true).clamp_min(1e-12);
    return x;
}

Tensor bl_train_states(Run &r, int tower, const Slice &b)
{
    return run_stack(r, r.model.towers[tower], b, false);
}

/* As spans.c: the insides of a run are a difference of two sums, which are
 * over all texts of the batch and so in double. */
Tensor bl_train_span_logits(Run &r, const Tensor &x, const Tensor &first,
                            const Tensor &last)
{
    const struct bl_span_heads &heads = r.model.spans;
    Tensor y = heads.hidden.w
        ? drop(r, at::relu(apply(r, heads.hidden, x))) : x;
    Tensor bounds = apply(r, heads.bounds, y).to(at::kDouble);
    Tensor inside = bounds.select(1, 2), sum = inside.cumsum(0);

    return (bounds.select(1, 0).index_select(0, first)
            + bounds.select(1, 1).index_select(0, last)
            + sum.index_select(0, last) - sum.index_select(0, first)
            + inside.index_select(0, first)).to(at::kFloat);
}

/* Means as one product [M][N] [N][H], with the weights of the tokens. */
static Tensor span_means(const Run &r, const Tensor &x,
                         const std::vector<int64_t> &first,
                         const std::vector<int64_t> &last)
{
    int64_t n = x.size(0);
    Tensor weights = at::zeros({ dim(first.size()), n });
    float *w = weights.data_ptr<float>();

    for (size_t i = 0; i < first.size(); i++, w += n) {
        int64_t step = r.model.spans.ends && last[i] > first[i]
            ? last[i] - first[i] : 1;
        int64_t count = (last[i] - first[i]) / step + 1;

        for (int64_t k = first[i]; k <= last[i]; k += step)
            w[k] = 1.0f / static_cast<float>(count);
    }
    return at::mm(weights.to(r.device), x);
}

Tensor bl_train_span_vectors(Run &r, const Tensor &x,
                             const std::vector<int64_t> &first,
                             const std::vector<int64_t> &last)
{
    const struct bl_span_heads &heads = r.model.spans;

    if (!heads.project.w)
        return span_means(r, x, first, last);
    if (!heads.ends)
        return apply(r, heads.project, span_means(r, x, first, last));
    return apply(r, heads.project, at::cat({
        x.index_select(0, indices(r, first.data(), first.size())),
        x.index_select(0, indices(r, last.data(), last.size())) }, 1));
}
