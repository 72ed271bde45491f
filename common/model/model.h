/* SPDX-License-Identifier: MIT */
/*
 * model: a model directory, checked and bound: configuration, vocabulary,
 * weights.
 *
 *     struct bl_model *m = bl_model_open_as("mini", BL_ROLE_BI_ENCODER,
 *                                           &err);
 *     if (!m)
 *         bl_die(&err);
 *     ... m->words, m->input, m->dim; encoder.h computes with it ...
 *     bl_model_close(m);
 *
 * A directory holds config.json, vocab.txt and the weights (safetensors),
 * and may hold blink.json (how blink is to use it), BLINK's parameter file
 * or a sentence-transformers pooling; without blink.json the role follows
 * from the tensors' names.  A layer's weights X.weight may be stored in 8
 * bits, as bl_quantize_model() writes them (quantize.h).  The models of a
 * family lie in one folder that has their word vectors and vocab.txt once for
 * all (model-family.h); its name stands for the one of the role wanted.
 *
 * Opening maps the weights and reads none of them but for the fingerprint,
 * which covers shared words too, and no path.  Everything
 * reachable from a model is borrowed until bl_model_close(); nothing in it
 * changes, so threads may share it, but for the words, whose cache serves one
 * thread at a time.
 */
#ifndef BL_MODEL_H
#define BL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"
#include "model/role.h"

BL_BEGIN_DECLS

struct bl_int8;                 /* int8-weights.h */
struct bl_wordpiece;            /* wordpiece.h */
struct bl_input_spec;           /* input.h */
struct bl_safetensors;          /* safetensors.h */

enum bl_pooling { BL_POOL_CLS, BL_POOL_MEAN };
/* Towers of a bi-encoder; with one tower both names mean it. */
enum bl_tower { BL_TOWER_CONTEXT, BL_TOWER_ENTITY, BL_MAX_TOWERS };

/* y = x w^T + b.  w [out][in], b [out] (NULL: none). */
struct bl_linear {
    const float *w, *b;
    size_t out, in;
    const struct bl_int8 *int8; /* w in 8 bits; NULL: not made */
};

/* Layer normalisation: gain [H], bias [H]. */
struct bl_norm {
    const float *gain, *bias;
};

struct bl_layer {
    struct bl_linear query, key, value, attended;   /* [H][H] */
    struct bl_norm attended_norm;
    struct bl_linear up, down;                      /* [I][H], [H][I] */
    struct bl_norm norm;
};

/* Word vectors [V][H] as the file has them: one of the first three; rows.h
 * reads them. */
struct bl_rows {
    const float *f32;
    const unsigned char *f16;   /* little-endian, perhaps not aligned */
    const int8_t *int8;
    const float *scales;        /* [V]: what int8 is multiplied by */
};

/* One BERT stack.  H hidden, I inner, V words, P positions. */
struct bl_bert {
    struct bl_rows words;                       /* [V][H] */
    const float *positions, *types;             /* [P][H], [S][H] */
    struct bl_norm norm;
    struct bl_layer *layers;                    /* [n_layers] */
    struct bl_linear pooler;                    /* [H][H]; w NULL: none */
    struct bl_linear head;                      /* after pooling or pooler;
                                                 * w NULL: none */
};

/* What a bi-encoder has that finds its mentions itself, as BLINK's ELQ does
 * (spans.h).  Its context tower's last states are read three times: each
 * token is scored as the start, the end and the inside of a mention; and a
 * mention's vector is made of its tokens' states. */
struct bl_span_heads {
    struct bl_linear hidden;    /* [H][H] and max(x, 0) before bounds; w NULL:
                                 * none */
    struct bl_linear bounds;    /* [3][H]; w NULL: the model has no heads */
    struct bl_linear project;   /* behind the mean [D][H], or with `ends`
                                 * behind both ends side by side [D][2 H]; w
                                 * NULL: none */
    bool ends;                  /* of the first and the last token, not of
                                 * all */
    size_t longest;             /* most tokens of a mention */
};

/* The function between the two products of a layer, which config.json calls
 * hidden_act. */
enum bl_activation {
    BL_ACT_GELU,                /* x * (1 + erf(x / sqrt(2))) / 2 */
    BL_ACT_GELU_TANH,           /* x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715
                                 * x^3))) / 2 */
    BL_ACT_RELU,                /* max(x, 0) */
    BL_ACT_SILU,                /* x / (1 + exp(-x)) */
    BL_ACTIVATIONS
};

struct bl_shape {
    size_t hidden, inner, heads, layers, vocab, positions, types;
    float epsilon;              /* of the layer normalisation */
    enum bl_activation activation;
};

struct bl_model {
    char *path;                 /* the directory found */
    char fingerprint[17];       /* 16 hexadecimal digits */
    enum bl_role role;
    struct bl_shape shape;
    size_t n_towers;
    struct bl_bert towers[BL_MAX_TOWERS];   /* both filled in any case */
    enum bl_pooling pooling;    /* bi-encoder without pooler + head */
    bool normalize;             /* vectors brought to length 1 */
    size_t dim;                 /* of a vector; bi-encoder, or a tagger that
                                 * makes some; else 0 */
    struct bl_linear mention;   /* [dim][H] tagger: from the mean of the states
                                 * of a mention's tokens to its vector; w
                                 * NULL: it makes none */
    char *space;                /* the bi-encoder, by its fingerprint, whose
                                 * vectors those are like; NULL: no mention */
    struct bl_span_heads spans; /* bi-encoder; mostly there are none */
    bool names;                 /* "names": true in blink.json: entities that
                                 * a mention names are candidates even where
                                 * their vectors are not among the nearest
                                 * (blink-retrieve) */
    bool int8;                  /* the layers' weights are int8 in the file:
                                 * w is NULL in their linears */
    char **labels;              /* [n_labels] tagger: "O", "B-PER", ... */
    size_t n_labels;            /* cross-encoder: 1 */
    struct bl_wordpiece *words;
    struct bl_input_spec *input;    /* lengths, layout, tags, case */
    char *prompts[2];           /* before mentions and entities, as input has
                                 * them; NULL: none */
    char *licence, *training;   /* from blink.json; NULL when not said */
    struct bl_safetensors *weights;
    struct bl_safetensors *shared;      /* the family's words; NULL: own */
    void *memory;               /* private */
};

/* Finds it as bl_model_find() does, and opens it if it has that role. */
struct bl_model *bl_model_open_as(const char *name, enum bl_role role,
                                  struct bl_err *err);

/* A model of any role, no family; name NULL: "default".  NULL with BL_DATA
 * naming the file, what was expected and what was found. */
struct bl_model *bl_model_open(const char *name, struct bl_err *err);
void bl_model_close(struct bl_model *model);        /* NULL: nothing */

/* -1 with BL_DATA when the model has another role. */
int bl_model_need(const struct bl_model *model, enum bl_role role,
                  struct bl_err *err);

BL_END_DECLS

#endif
