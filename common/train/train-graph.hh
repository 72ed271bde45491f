/* SPDX-License-Identifier: MIT */
/*
 * train-graph: the network as libtorch's operations, with autograd behind
 * them; what train-shim.cc and train-graph.cc share.
 */
#ifndef BL_TRAIN_GRAPH_HH
#define BL_TRAIN_GRAPH_HH

#include <ATen/ATen.h>

#include <unordered_map>
#include <vector>

#include "net/encoder.h"
#include "train/params.h"

/* The tensor of each parameter, by its place in net->values. */
using Params = std::unordered_map<const float *, at::Tensor>;

/* One share of a call: who computes it, and its random numbers. */
struct Run {
    const struct bl_model &model;
    const Params &params;
    at::Device device;
    bool bf16;
    double dropout;
    uint64_t seed;
    uint64_t drops = 0;         /* so far */
};

/* Sequences [from, to) of a batch. */
struct Slice {
    const struct bl_batch *b;
    size_t from, to;

    size_t token() const { return b->offsets[from]; }
    size_t tokens() const { return b->offsets[to] - b->offsets[from]; }
    size_t seqs() const { return to - from; }
    size_t length(size_t i) const { return b->offsets[i + 1]
                                           - b->offsets[i]; }
};

static inline int64_t dim(size_t n)
{
    return static_cast<int64_t>(n);
}

/* The vectors of a bi-encoder [S][dim], a cross-encoder's logits [S][1], a
 * tagger's [N][labels]. */
at::Tensor bl_train_outputs(Run &r, int tower, const Slice &b);
/* The last states of all tokens [N][H]. */
at::Tensor bl_train_states(Run &r, int tower, const Slice &b);
/* Of states x: the logits of runs, whose first and last tokens are the given
 * ones [S]; and the vectors of mentions [M][dim]. */
at::Tensor bl_train_span_logits(Run &r, const at::Tensor &x,
                                const at::Tensor &first,
                                const at::Tensor &last);
at::Tensor bl_train_span_vectors(Run &r, const at::Tensor &x,
                                 const std::vector<int64_t> &first,
                                 const std::vector<int64_t> &last);

#endif
