/* SPDX-License-Identifier: MIT */
/*
 * encoder: the only door to neural compute.
 *
 *     struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;   (engine-opts.h)
 *     struct bl_encoder *encoder = bl_encoder_open(model, &eo, &err);
 *     struct bl_batch b = BL_BATCH_INIT;
 *     bl_batch_add(&b, ids, NULL, NULL, n);        one call a sequence
 *     float *v = bl_xmalloc(b.n_seqs * bl_encoder_dim(encoder), sizeof *v);
 *     bl_encoder_embed(encoder, BL_TOWER_CONTEXT, &b, v, NULL, &err);
 *     bl_batch_free(&b);
 *     bl_encoder_close(encoder);
 *
 * A batch is packed: token arrays of all sequences one after another, no
 * padding.  Inside, sequences are sorted by length and worked on in parts of
 * at most batch_tokens tokens; results come in the caller's order and do not
 * depend on what else is in the batch (beyond 1e-5 of the largest number).
 * An encoder borrows its model and is for one thread at a time.
 *
 * Three engines stand behind the door: "reference" (plain C, the oracle),
 * "cpu" (our kernels; the default) and "torch" (libtorch, for
 * CUDA and bf16: a module opened only here and only when wanted).
 */
#ifndef BL_ENCODER_H
#define BL_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"
#include "model/model.h"

BL_BEGIN_DECLS

/* ---- Options: the same in every program that computes ---- */

enum bl_engine_kind { BL_ENGINE_AUTO, BL_ENGINE_REFERENCE, BL_ENGINE_CPU,
                      BL_ENGINE_TORCH };
enum bl_device { BL_DEVICE_CPU, BL_DEVICE_CUDA };
enum bl_precision { BL_PRECISION_AUTO, BL_PRECISION_F32, BL_PRECISION_INT8,
                    BL_PRECISION_BF16 };

struct bl_engine_opts {
    int engine;             /* enum bl_engine_kind; auto: cpu, or torch for
                             * what cpu cannot do */
    int device;             /* enum bl_device */
    int precision;          /* enum bl_precision; auto: as the
                             * model's weights are stored, f32 where the
                             * engine is not cpu; int8: cpu only; bf16: torch
                             * only.  Weights stored in int8 are turned into
                             * f32 for the others */
    size_t threads;         /* 0: bl_threads_default() */
    size_t batch_tokens;    /* most tokens computed at once */
};

#define BL_ENGINE_OPTS_DEFAULT { .batch_tokens = 16384 }

/* What can be said of them without a model.  -1: BL_USAGE when they contradict
 * each other, BL_DATA when the engine is not installed. */
int bl_engine_opts_check(const struct bl_engine_opts *opts,
                         struct bl_err *err);

/* ---- Batches ---- */

struct bl_batch {
    size_t n_seqs, n_tokens;
    int32_t *ids, *segments, *positions;    /* [n_tokens] */
    size_t *offsets;                        /* [n_seqs + 1] once n_seqs > 0 */
    size_t cap_seqs, cap_tokens;            /* private */
};

#define BL_BATCH_INIT { .n_seqs = 0 }

/* Appends a copy of n > 0 tokens.  segments NULL: all 0; positions NULL:
 * 0, 1, 2 ... */
void bl_batch_add(struct bl_batch *batch, const int32_t *ids,
                  const int32_t *segments, const int32_t *positions,
                  size_t n);
void bl_batch_clear(struct bl_batch *batch);        /* keeps the memory */
void bl_batch_free(struct bl_batch *batch);         /* also re-initialises */

/* A sequence of a batch: its tokens, and its index in there. */
struct bl_place {
    size_t length, index;
};

/* [n_seqs] in order of length, equal ones as they came; the caller frees. */
struct bl_place *bl_batch_by_length(const struct bl_batch *batch);

/* ---- The encoder ---- */

struct bl_encoder;

/* NULL with BL_DATA when the engine cannot be had (module missing, no such
 * device), BL_USAGE for options that contradict each other. */
struct bl_encoder *bl_encoder_open(const struct bl_model *model,
                                   const struct bl_engine_opts *opts,
                                   struct bl_err *err);
void bl_encoder_close(struct bl_encoder *encoder);    /* NULL: nothing */

/* "cpu, f32 (AVX-512), 2 threads"; borrowed until
 * close. */
const char *bl_encoder_describe(const struct bl_encoder *encoder);

/* Floats per vector, and tags per token (0 where there are none). */
size_t bl_encoder_dim(const struct bl_encoder *encoder);
size_t bl_encoder_tags(const struct bl_encoder *encoder);

/* The calls below: out is the caller's; sequences whose result holds
 * NaN or infinity are marked in bad[n_seqs] (all entries are set).  bad may
 * be NULL: then such a result fails the call with BL_NON_FINITE.  Ids,
 * segments and positions outside the model fail it with BL_DATA. */

/* out[n_seqs][dim]: pooled (or projected) and, if the model says so,
 * normalised vectors. */
int bl_encoder_embed(struct bl_encoder *encoder, enum bl_tower tower,
                     const struct bl_batch *batch, float *out, bool *bad,
                     struct bl_err *err);
/* out[n_seqs]: the cross-encoder's logit, higher is better. */
int bl_encoder_score(struct bl_encoder *encoder, const struct bl_batch *batch,
                     float *out, bool *bad, struct bl_err *err);
/* out[n_tokens][tags]: logits per token, in packed order. */
int bl_encoder_tag(struct bl_encoder *encoder, const struct bl_batch *batch,
                   float *out, bool *bad, struct bl_err *err);
/* The same, and states[n_tokens][H]: the tokens' last hidden states. */
int bl_encoder_read(struct bl_encoder *encoder, const struct bl_batch *batch,
                    float *out, float *states, bool *bad, struct bl_err *err);

/* out[n_tokens][hidden]: the last states of the tokens, in packed order. */
int bl_encoder_states(struct bl_encoder *encoder, enum bl_tower tower,
                      const struct bl_batch *batch, float *out, bool *bad,
                      struct bl_err *err);

BL_END_DECLS

#endif
