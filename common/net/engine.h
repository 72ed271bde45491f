/* SPDX-License-Identifier: MIT */
/*
 * engine: what stands behind the encoder's door.  An engine computes the
 * BERT stack on a packed batch and nothing else: pooling, heads, sorting and
 * checks are encoder.c's, so that all engines share them.
 */
#ifndef BL_ENGINE_H
#define BL_ENGINE_H

#include "net/encoder.h"

enum bl_want {
    BL_WANT_FIRST,              /* out[n_seqs][H]: the first token's state */
    BL_WANT_ALL                 /* out[n_tokens][H] */
};

struct bl_engine;

struct bl_engine_ops {
    /* Last hidden states.  The batch is checked against the model; sequences
     * of equal length stand side by side. */
    int (*forward)(struct bl_engine *engine, enum bl_tower tower,
                   const struct bl_batch *batch, enum bl_want want,
                   float *out, struct bl_err *err);
    void (*close)(struct bl_engine *engine);
};

/* First member of each engine's own struct. */
struct bl_engine {
    const struct bl_engine_ops *ops;
    char describe[128];
};

/* opts->threads is a number by now (never 0), and nothing is left at auto or
 * beyond the engine (bl_engine_opts_check).  NULL with *err. */
struct bl_engine *bl_engine_reference_open(const struct bl_model *model,
                                           const struct bl_engine_opts *opts,
                                           struct bl_err *err);
struct bl_engine *bl_engine_cpu_open(const struct bl_model *model,
                                     const struct bl_engine_opts *opts,
                                     struct bl_err *err);
struct bl_engine *bl_engine_torch_open(const struct bl_model *model,
                                       const struct bl_engine_opts *opts,
                                       struct bl_err *err);

/* 0, or -1 with BL_DATA when there is no such module. */
int bl_engine_torch_there(struct bl_err *err);

#endif
