/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "json/vector.h"
#include "model/int8-weights.h"

enum { MAX_NAME = 256 };

/* Where names are looked up, and the first failure. */
struct binder {
    struct bl_model *model;     /* whose family may have the words */
    const struct bl_safetensors *weights;
    const char *prefix;
    struct bl_err *err;
    bool int8;                  /* linears are */
    struct bl_arena *memory;    /* for them */
};

#define WORDS "embeddings.word_embeddings.weight"
/* A family's models have no words of their own, but each has these. */
#define POSITIONS "embeddings.position_embeddings.weight"

static bool has(const struct bl_safetensors *st, const char *name)
{
    return bl_safetensors_find(st, name) != NULL;
}

enum bl_weight_names
bl_model_weight_names(const struct bl_safetensors *weights)
{
    if (has(weights, "context_encoder.bert_model." POSITIONS))
        return BL_NAMING_BLINK_BI;
    if (has(weights, "encoder.bert_model." POSITIONS))
        return BL_NAMING_BLINK_CROSS;
    if (has(weights, "bert." POSITIONS))
        return BL_NAMING_BERT;
    return BL_NAMING_BARE;
}

/* A tensor of shape [rows][cols], or [rows] when cols is 0; NULL with *err
 * when there is none. */
static struct bl_tensor *find_tensor(const struct binder *binder,
                                     const char *name,
                                     size_t rows, size_t cols)
{
    char full[MAX_NAME];
    struct bl_tensor *tensor;

    snprintf(full, sizeof full, "%s%s", binder->prefix, name);
    tensor = bl_safetensors_find(binder->weights, full);
    if (!tensor) {
        bl_fail(binder->err, BL_DATA, "tensor '%s' is missing", full);
        return NULL;
    }
    if (tensor->n_dims != (cols ? 2 : 1) || tensor->dims[0] != rows
        || (cols && tensor->dims[1] != cols)) {
        char want[32] = "", found[64] = "";

        if (cols)
            snprintf(want, sizeof want, " x %zu", cols);
        for (size_t i = 0; i < tensor->n_dims; i++)
            snprintf(found + strlen(found), sizeof found - strlen(found),
                     "%s%zu", i ? " x " : "", tensor->dims[i]);
        bl_fail(binder->err, BL_DATA, "tensor '%s': expected shape %zu%s, "
                "found %s", full, rows, want, found);
        return NULL;
    }
    return tensor;
}

static int bind(const struct binder *binder, const char *name, size_t rows,
                size_t cols, const float **out)
{
    struct bl_tensor *tensor = find_tensor(binder, name, rows, cols);

    if (!tensor)
        return -1;
    *out = bl_safetensors_f32(tensor);
    if (!*out)
        return bl_fail(binder->err, BL_DATA,
                       "tensor '%s': expected F32, F16 or "
                       "BF16, found %s", tensor->name,
                       bl_tensor_dtype_name(tensor->dtype));
    return 0;
}

/* ---- Word vectors ---- */

static bool has_words(const struct binder *binder)
{
    char full[MAX_NAME], int8[MAX_NAME];

    snprintf(full, sizeof full, "%s" WORDS, binder->prefix);
    snprintf(int8, sizeof int8, "%s" WORDS ".int8", binder->prefix);
    return has(binder->weights, full) || has(binder->weights, int8);
}

static int bind_rows_int8(const struct binder *binder,
                          const struct bl_shape *shape, struct bl_rows *rows)
{
    const struct bl_tensor *codes = find_tensor(binder, WORDS ".int8",
                                                shape->vocab, shape->hidden);

    if (!codes)
        return -1;
    if (codes->dtype != BL_I8)
        return bl_fail(binder->err, BL_DATA,
                       "tensor '%s': expected I8, found %s",
                       codes->name, bl_tensor_dtype_name(codes->dtype));
    rows->int8 = (const int8_t *)codes->data;
    return bind(binder, WORDS ".scales", shape->vocab, 0, &rows->scales);
}

/* In 16 bits they are used where they lie. */
static int bind_rows(const struct binder *binder, const struct bl_shape *shape,
                     struct bl_rows *rows)
{
    char int8[MAX_NAME];
    const struct bl_tensor *tensor;

    *rows = (struct bl_rows){ NULL, NULL, NULL, NULL };
    snprintf(int8, sizeof int8, "%s" WORDS ".int8", binder->prefix);
    if (has(binder->weights, int8))
        return bind_rows_int8(binder, shape, rows);
    tensor = find_tensor(binder, WORDS, shape->vocab, shape->hidden);
    if (!tensor || tensor->dtype != BL_F16)
        return tensor ? bind(binder, WORDS, shape->vocab, shape->hidden,
                             &rows->f32) : -1;
    rows->f16 = tensor->data;
    return 0;
}

/* The file of the folder above, opened once. */
static int open_shared(struct bl_model *model, struct bl_err *err)
{
    char *path;

    if (model->shared)
        return 0;
    path = bl_xasprintf("%s/../words.safetensors", model->path);
    if (access(path, F_OK) == 0)
        model->shared = bl_safetensors_open(path, err);
    else
        bl_fail(err, BL_DATA, "no word embeddings: neither a tensor '%s' "
                "nor a file '%s'", WORDS, path);
    free(path);
    return model->shared ? 0 : -1;
}

/* The model's own, or those of its family. */
static int bind_words(const struct binder *binder,
                      const struct bl_shape *shape, struct bl_rows *rows)
{
    struct binder above = { .prefix = "", .err = binder->err };

    if (has_words(binder))
        return bind_rows(binder, shape, rows);
    if (open_shared(binder->model, binder->err) < 0)
        return -1;
    above.weights = binder->model->shared;
    if (bind_rows(&above, shape, rows) == 0)
        return 0;
    return bl_err_prefix(binder->err, "the words.safetensors above it");
}

/* ---- Weights in int8 ---- */

/* The tensor NAME.weight.PART, of the type and n dimensions; NULL with *err
 * otherwise. */
static struct bl_tensor *bind_part(const struct binder *binder,
                                   const char *name, const char *part,
                                   enum bl_tensor_dtype dtype, size_t n,
                                   const size_t *dims)
{
    char full[MAX_NAME];
    struct bl_tensor *tensor;

    snprintf(full, sizeof full, "%s%s.weight.%s", binder->prefix, name, part);
    tensor = bl_safetensors_find(binder->weights, full);
    if (!tensor) {
        bl_fail(binder->err, BL_DATA, "tensor '%s' is missing", full);
        return NULL;
    }
    if (tensor->dtype == dtype && tensor->n_dims == n
        && !memcmp(tensor->dims, dims, n * sizeof *dims)
        && (uintptr_t)tensor->data % 4 == 0)
        return tensor;
    bl_fail(binder->err, BL_DATA, "tensor '%s': not what packed int8 weights "
            "need: %s of %zu dimensions, the first of %zu, aligned to 4 "
            "bytes", full, bl_tensor_dtype_name(dtype), n, dims[0]);
    return NULL;
}

static bool has_int8(const struct binder *binder, const char *name)
{
    char full[MAX_NAME];

    snprintf(full, sizeof full, "%s%s.weight.int8", binder->prefix, name);
    return has(binder->weights, full);
}

/* Used where it lies in the file. */
static int bind_int8(const struct binder *binder, const char *name,
                     struct bl_linear *linear)
{
    size_t outs = (linear->out + BL_INT8_OUTS - 1) / BL_INT8_OUTS
        * BL_INT8_OUTS;
    size_t width = bl_int8_width(linear->in);
    size_t shape[] = { outs / BL_INT8_OUTS, width / 4, BL_INT8_OUTS, 4 };
    struct bl_tensor *codes, *scales, *sums, *shrink;
    struct bl_int8 *matrix = bl_arena_alloc(binder->memory, 1, sizeof *matrix);

    if (linear->in > BL_INT8_MAX_IN)
        return bl_fail(binder->err, BL_DATA,
                       "layers of %zu numbers are too wide "
                       "for int8", linear->in);
    codes = bind_part(binder, name, "int8", BL_I8, 4, shape);
    scales = codes ? bind_part(binder, name, "scales", BL_F32, 1,
                               &outs) : NULL;
    sums = scales ? bind_part(binder, name, "sums", BL_I32, 1, &outs) : NULL;
    shrink = sums ? bind_part(binder, name, "shrink", BL_F32, 1,
                              &width) : NULL;
    if (!shrink)
        return -1;
    *matrix = (struct bl_int8){ linear->out, linear->in, shape[0], width,
                           (const void *)codes->data,
                           (const void *)scales->data,
                           (const void *)sums->data,
                           (const void *)shrink->data, NULL };
    linear->int8 = matrix;
    return 0;
}

/* ---- The parts of a stack ---- */

static int bind_linear(const struct binder *binder, const char *name,
                       size_t out, size_t in, struct bl_linear *linear)
{
    char part[MAX_NAME];

    linear->w = NULL;
    linear->int8 = NULL;
    linear->out = out;
    linear->in = in;
    snprintf(part, sizeof part, "%s.bias", name);
    if (bind(binder, part, out, 0, &linear->b) < 0)
        return -1;
    if (binder->int8)
        return bind_int8(binder, name, linear);
    snprintf(part, sizeof part, "%s.weight", name);
    return bind(binder, part, out, in, &linear->w);
}

static int bind_norm(const struct binder *binder, const char *name,
                     size_t hidden, struct bl_norm *norm)
{
    char part[MAX_NAME];

    snprintf(part, sizeof part, "%s.weight", name);
    if (bind(binder, part, hidden, 0, &norm->gain) < 0)
        return -1;
    snprintf(part, sizeof part, "%s.bias", name);
    return bind(binder, part, hidden, 0, &norm->bias);
}

/* Names and shapes are those of the Hugging Face port of BERT, which BLINK's
 * files use as well. */
static int bind_layer(const struct binder *binder,
                      const struct bl_shape *shape,
                      size_t number, struct bl_layer *l)
{
    const struct { const char *name; size_t out, in; struct bl_linear *l;
    } linears[] = {
        { "attention.self.query", shape->hidden, shape->hidden, &l->query },
        { "attention.self.key", shape->hidden, shape->hidden, &l->key },
        { "attention.self.value", shape->hidden, shape->hidden, &l->value },
        { "attention.output.dense", shape->hidden, shape->hidden,
          &l->attended },
        { "intermediate.dense", shape->inner, shape->hidden, &l->up },
        { "output.dense", shape->hidden, shape->inner, &l->down },
    };
    char at[64], part[128];

    snprintf(at, sizeof at, "encoder.layer.%zu.", number);
    for (size_t i = 0; i < BL_COUNT(linears); i++) {
        snprintf(part, sizeof part, "%s%s", at, linears[i].name);
        if (bind_linear(binder, part, linears[i].out, linears[i].in,
                        linears[i].l) < 0)
            return -1;
    }
    snprintf(part, sizeof part, "%sattention.output.LayerNorm", at);
    if (bind_norm(binder, part, shape->hidden, &l->attended_norm) < 0)
        return -1;
    snprintf(part, sizeof part, "%soutput.LayerNorm", at);
    return bind_norm(binder, part, shape->hidden, &l->norm);
}

/* Layers beyond those of config.json would be skipped silently. */
static int check_layers(const struct binder *binder,
                        const struct bl_shape *shape)
{
    char name[MAX_NAME];
    size_t n = 0;

    do
        snprintf(name, sizeof name,
                 "%sencoder.layer.%zu.output.dense.bias", binder->prefix, n);
    while (has(binder->weights, name) && ++n);
    if (n != shape->layers)
        return bl_fail(binder->err, BL_DATA, "config.json has %zu layers "
                       "(num_hidden_layers), but the weights '%s*' have %zu",
                       shape->layers, binder->prefix, n);
    return 0;
}

static int bind_stack(const struct binder *binder,
                      const struct bl_shape *shape,
                      struct bl_arena *memory, struct bl_bert *tower)
{
    struct binder layers = *binder;
    char pooler[MAX_NAME];

    layers.memory = memory;
    layers.int8 = has_int8(binder, "encoder.layer.0.attention.self.query");
    if (bind_words(binder, shape, &tower->words) < 0
        || bind(binder, POSITIONS, shape->positions,
                shape->hidden, &tower->positions) < 0
        || bind(binder, "embeddings.token_type_embeddings.weight",
                shape->types, shape->hidden, &tower->types) < 0
        || bind_norm(binder, "embeddings.LayerNorm", shape->hidden,
                     &tower->norm) < 0
        || check_layers(binder, shape) < 0)
        return -1;
    tower->layers = bl_arena_alloc(memory, shape->layers,
                                   sizeof *tower->layers);
    for (size_t i = 0; i < shape->layers; i++)
        if (bind_layer(&layers, shape, i, &tower->layers[i]) < 0)
            return -1;
    /* A bi-encoder needs no pooler, and models that were exported without one
     * are common. */
    snprintf(pooler, sizeof pooler, "%spooler.dense.weight", binder->prefix);
    if (has(binder->weights, pooler))
        return bind_linear(binder, "pooler.dense", shape->hidden,
                           shape->hidden, &tower->pooler);
    return 0;
}

/* The linear layer behind the stack; its rows are what the weights say. */
static int bind_head(struct bl_model *model, const char *name,
                     struct bl_bert *tower, struct bl_err *err)
{
    char full[MAX_NAME];
    const struct bl_tensor *tensor;
    struct binder binder = { .weights = model->weights, .prefix = "",
                             .err = err };

    snprintf(full, sizeof full, "%s.weight", name);
    tensor = bl_safetensors_find(model->weights, full);
    if (!tensor)
        return bl_fail(err, BL_DATA, "tensor '%s' is missing", full);
    if (tensor->n_dims != 2 || !tensor->dims[0])
        return bl_fail(err, BL_DATA, "tensor '%s': expected rows x %zu",
                       full, model->shape.hidden);
    if (model->role != BL_ROLE_TAGGER && !tower->pooler.w)
        return bl_fail(err, BL_DATA, "'%s' needs a pooler, but the weights "
                       "have none", name);
    return bind_linear(&binder, name, tensor->dims[0], model->shape.hidden,
                       &tower->head);
}

#define SCORES "classification_heads.mention_scores.bound_classifier"
#define PROJECT "classification_heads.get_context_embeds.mention_agg_linear"

/* What the vectors of mentions are made with. */
static int bind_project(struct bl_model *model, const struct binder *binder)
{
    struct bl_span_heads *spans = &model->spans;
    size_t hidden = model->shape.hidden;
    const struct bl_tensor *tensor = bl_safetensors_find(model->weights,
                                                         PROJECT ".weight");

    if (!tensor)
        return 0;
    if (tensor->n_dims != 2 || !tensor->dims[0])
        return bl_fail(binder->err, BL_DATA, "tensor '%s': expected rows x "
                       "%zu", tensor->name, hidden);
    return bind_linear(binder, PROJECT, tensor->dims[0],
                       spans->ends ? 2 * hidden : hidden, &spans->project);
}

/* The heads of a model that finds its mentions itself (ELQ), named as that
 * names them: one layer, or (number 0 and number 3, with a function between
 * them that has no weights) two. */
static int bind_spans(struct bl_model *model, struct bl_err *err)
{
    struct bl_span_heads *spans = &model->spans;
    struct binder binder = { .weights = model->weights, .prefix = "",
                             .err = err };
    size_t hidden = model->shape.hidden;
    const char *bounds = SCORES;

    if (has(model->weights, SCORES ".0.weight")) {
        if (bind_linear(&binder, SCORES ".0", hidden, hidden,
                        &spans->hidden) < 0)
            return -1;
        bounds = SCORES ".3";
    } else if (!has(model->weights, SCORES ".weight")) {
        return 0;
    }
    if (bind_linear(&binder, bounds, 3, hidden, &spans->bounds) < 0)
        return -1;
    return bind_project(model, &binder);
}

/* A mention's vector is compared with those of entities. */
static int check_spans(const struct bl_model *model, struct bl_err *err)
{
    const struct bl_span_heads *spans = &model->spans;
    size_t dim = spans->project.w ? spans->project.out : model->shape.hidden;

    if (!spans->bounds.w || dim == model->dim)
        return 0;
    return bl_fail(err, BL_DATA, "the vectors of mentions have %zu numbers, "
                   "those of entities %zu", dim, model->dim);
}

static int bind_two(struct bl_model *model, struct bl_arena *memory,
                    struct bl_err *err)
{
    static const char *const towers[] = { "context_encoder",
                                          "cand_encoder" };

    model->n_towers = 2;
    for (size_t i = 0; i < 2; i++) {
        char prefix[64], head[64], weight[80];
        struct binder binder = { .model = model, .weights = model->weights,
                            .prefix = prefix, .err = err };

        snprintf(prefix, sizeof prefix, "%s.bert_model.", towers[i]);
        snprintf(head, sizeof head, "%s.additional_linear", towers[i]);
        snprintf(weight, sizeof weight, "%s.weight", head);
        if (bind_stack(&binder, &model->shape, memory, &model->towers[i]) < 0)
            return -1;
        if (has(model->weights, weight)
            && bind_head(model, head, &model->towers[i], err) < 0)
            return -1;
    }
    /* Vectors of mentions and of entities are compared by their product, so
     * both must have the same size. */
    if (model->towers[0].head.out != model->towers[1].head.out)
        return bl_fail(err, BL_DATA, "the towers give vectors of %zu and "
                       "%zu numbers", model->towers[0].head.out,
                       model->towers[1].head.out);
    return bind_spans(model, err);
}

static int bind_one(struct bl_model *model, struct bl_arena *memory,
                    const char *prefix, const char *head, struct bl_err *err)
{
    struct binder binder = { .model = model, .weights = model->weights,
                             .prefix = prefix, .err = err };

    model->n_towers = 1;
    if (bind_stack(&binder, &model->shape, memory, &model->towers[0]) < 0
        || (head && bind_head(model, head, &model->towers[0], err) < 0))
        return -1;
    model->towers[1] = model->towers[0];
    return 0;
}

/* What makes a one-pass model of a tagger; others have no such tensor. */
static int bind_mention(struct bl_model *model, struct bl_err *err)
{
    struct binder binder = { .weights = model->weights, .prefix = "",
                             .err = err };
    const struct bl_tensor *tensor = bl_safetensors_find(model->weights,
                                                         "mention.weight");

    if (!tensor || model->role != BL_ROLE_TAGGER)
        return 0;
    if (tensor->n_dims != 2 || !tensor->dims[0]
        || tensor->dims[0] > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "tensor 'mention.weight': expected rows "
                       "x %zu", model->shape.hidden);
    model->dim = tensor->dims[0];
    return bind_linear(&binder, "mention", tensor->dims[0],
                       model->shape.hidden, &model->mention);
}

int bl_model_bind(struct bl_model *model, enum bl_weight_names naming,
                  struct bl_err *err)
{
    bool headed = model->role != BL_ROLE_BI_ENCODER;
    int rc = -1;

    switch (naming) {
    case BL_NAMING_BLINK_BI:
        rc = bind_two(model, model->memory, err);
        break;
    case BL_NAMING_BLINK_CROSS:
        rc = bind_one(model, model->memory, "encoder.bert_model.",
                      "encoder.additional_linear", err);
        break;
    case BL_NAMING_BERT:
        rc = bind_one(model, model->memory, "bert.",
                      headed ? "classifier" : NULL, err);
        break;
    case BL_NAMING_BARE:
        rc = bind_one(model, model->memory, "", headed ? "classifier" : NULL,
                      err);
        break;
    }
    if (rc < 0)
        return -1;
    model->int8 = model->towers[0].layers[0].query.int8 != NULL;
    /* Engines choose one kind of product for the whole model. */
    if (model->int8 != (model->towers[1].layers[0].query.int8 != NULL))
        return bl_fail(err, BL_DATA, "one tower is int8, the other is not");
    if (headed)
        model->n_labels = model->towers[0].head.out;
    if (bind_mention(model, err) < 0)
        return -1;
    if (!headed)
        model->dim = model->towers[0].head.w ? model->towers[0].head.out
            : model->shape.hidden;
    if (model->role == BL_ROLE_CROSS_ENCODER && model->n_labels != 1)
        return bl_fail(err, BL_DATA, "a cross-encoder has 1 label, but the "
                       "weights have %zu", model->n_labels);
    return check_spans(model, err);
}
