/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
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
static struct bl_tensor *find_tensor(const struct binder *b, const char *name,
                                     size_t rows, size_t cols)
{
    char full[MAX_NAME];
    struct bl_tensor *t;

    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    t = bl_safetensors_find(b->weights, full);
    if (!t) {
        bl_fail(b->err, BL_DATA, "tensor '%s' is missing", full);
        return NULL;
    }
    if (t->n_dims != (cols ? 2 : 1) || t->dims[0] != rows
        || (cols && t->dims[1] != cols)) {
        char want[32] = "", found[64] = "";

        if (cols)
            snprintf(want, sizeof want, " x %zu", cols);
        for (size_t i = 0; i < t->n_dims; i++)
            snprintf(found + strlen(found), sizeof found - strlen(found),
                     "%s%zu", i ? " x " : "", t->dims[i]);
        bl_fail(b->err, BL_DATA, "tensor '%s': expected shape %zu%s, "
                "found %s", full, rows, want, found);
        return NULL;
    }
    return t;
}

static int bind(const struct binder *b, const char *name, size_t rows,
                size_t cols, const float **out)
{
    struct bl_tensor *t = find_tensor(b, name, rows, cols);

    if (!t)
        return -1;
    *out = bl_safetensors_f32(t);
    if (!*out)
        return bl_fail(b->err, BL_DATA, "tensor '%s': expected F32, F16 or "
                       "BF16, found %s", t->name,
                       bl_tensor_dtype_name(t->dtype));
    return 0;
}

/* ---- Word vectors ---- */

static bool has_words(const struct binder *b)
{
    char full[MAX_NAME], int8[MAX_NAME];

    snprintf(full, sizeof full, "%s" WORDS, b->prefix);
    snprintf(int8, sizeof int8, "%s" WORDS ".int8", b->prefix);
    return has(b->weights, full) || has(b->weights, int8);
}

static int bind_rows_int8(const struct binder *b, const struct bl_shape *s,
                          struct bl_rows *r)
{
    const struct bl_tensor *codes = find_tensor(b, WORDS ".int8", s->vocab,
                                                s->hidden);

    if (!codes)
        return -1;
    if (codes->dtype != BL_I8)
        return bl_fail(b->err, BL_DATA, "tensor '%s': expected I8, found %s",
                       codes->name, bl_tensor_dtype_name(codes->dtype));
    r->int8 = (const int8_t *)codes->data;
    return bind(b, WORDS ".scales", s->vocab, 0, &r->scales);
}

/* In 16 bits they are used where they lie. */
static int bind_rows(const struct binder *b, const struct bl_shape *s,
                     struct bl_rows *r)
{
    char int8[MAX_NAME];
    const struct bl_tensor *t;

    *r = (struct bl_rows){ NULL, NULL, NULL, NULL };
    snprintf(int8, sizeof int8, "%s" WORDS ".int8", b->prefix);
    if (has(b->weights, int8))
        return bind_rows_int8(b, s, r);
    t = find_tensor(b, WORDS, s->vocab, s->hidden);
    if (!t || t->dtype != BL_F16)
        return t ? bind(b, WORDS, s->vocab, s->hidden, &r->f32) : -1;
    r->f16 = t->data;
    return 0;
}

/* The file of the folder above, opened once. */
static int open_shared(struct bl_model *m, struct bl_err *err)
{
    char *path;

    if (m->shared)
        return 0;
    path = bl_xasprintf("%s/../words.safetensors", m->path);
    if (access(path, F_OK) == 0)
        m->shared = bl_safetensors_open(path, err);
    else
        bl_fail(err, BL_DATA, "no word embeddings: neither a tensor '%s' "
                "nor a file '%s'", WORDS, path);
    free(path);
    return m->shared ? 0 : -1;
}

/* The model's own, or those of its family. */
static int bind_words(const struct binder *b, const struct bl_shape *s,
                      struct bl_rows *r)
{
    struct binder above = { .prefix = "", .err = b->err };

    if (has_words(b))
        return bind_rows(b, s, r);
    if (open_shared(b->model, b->err) < 0)
        return -1;
    above.weights = b->model->shared;
    if (bind_rows(&above, s, r) == 0)
        return 0;
    return bl_err_prefix(b->err, "the words.safetensors above it");
}

/* ---- Weights in int8 ---- */

/* The tensor NAME.weight.PART, of the type and n dimensions; NULL with *err
 * otherwise. */
static struct bl_tensor *bind_part(const struct binder *b, const char *name,
                                   const char *part,
                                   enum bl_tensor_dtype dtype, size_t n,
                                   const size_t *dims)
{
    char full[MAX_NAME];
    struct bl_tensor *t;

    snprintf(full, sizeof full, "%s%s.weight.%s", b->prefix, name, part);
    t = bl_safetensors_find(b->weights, full);
    if (!t) {
        bl_fail(b->err, BL_DATA, "tensor '%s' is missing", full);
        return NULL;
    }
    if (t->dtype == dtype && t->n_dims == n
        && !memcmp(t->dims, dims, n * sizeof *dims)
        && (uintptr_t)t->data % 4 == 0)
        return t;
    bl_fail(b->err, BL_DATA, "tensor '%s': not what packed int8 weights "
            "need: %s of %zu dimensions, the first of %zu, aligned to 4 "
            "bytes", full, bl_tensor_dtype_name(dtype), n, dims[0]);
    return NULL;
}

static bool has_int8(const struct binder *b, const char *name)
{
    char full[MAX_NAME];

    snprintf(full, sizeof full, "%s%s.weight.int8", b->prefix, name);
    return has(b->weights, full);
}

/* Used where it lies in the file. */
static int bind_int8(const struct binder *b, const char *name,
                     struct bl_linear *l)
{
    size_t outs = (l->out + BL_INT8_OUTS - 1) / BL_INT8_OUTS * BL_INT8_OUTS;
    size_t width = bl_int8_width(l->in);
    size_t shape[] = { outs / BL_INT8_OUTS, width / 4, BL_INT8_OUTS, 4 };
    struct bl_tensor *codes, *scales, *sums, *shrink;
    struct bl_int8 *m = bl_arena_alloc(b->memory, 1, sizeof *m);

    if (l->in > BL_INT8_MAX_IN)
        return bl_fail(b->err, BL_DATA, "layers of %zu numbers are too wide "
                       "for int8", l->in);
    codes = bind_part(b, name, "int8", BL_I8, 4, shape);
    scales = codes ? bind_part(b, name, "scales", BL_F32, 1, &outs) : NULL;
    sums = scales ? bind_part(b, name, "sums", BL_I32, 1, &outs) : NULL;
    shrink = sums ? bind_part(b, name, "shrink", BL_F32, 1, &width) : NULL;
    if (!shrink)
        return -1;
    *m = (struct bl_int8){ l->out, l->in, shape[0], width,
                           (const void *)codes->data,
                           (const void *)scales->data,
                           (const void *)sums->data,
                           (const void *)shrink->data, NULL };
    l->int8 = m;
    return 0;
}

/* ---- The parts of a stack ---- */

static int bind_linear(const struct binder *b, const char *name, size_t out,
                       size_t in, struct bl_linear *l)
{
    char part[MAX_NAME];

    l->w = NULL;
    l->int8 = NULL;
    l->out = out;
    l->in = in;
    snprintf(part, sizeof part, "%s.bias", name);
    if (bind(b, part, out, 0, &l->b) < 0)
        return -1;
    if (b->int8)
        return bind_int8(b, name, l);
    snprintf(part, sizeof part, "%s.weight", name);
    return bind(b, part, out, in, &l->w);
}

static int bind_norm(const struct binder *b, const char *name, size_t hidden,
                     struct bl_norm *n)
{
    char part[MAX_NAME];

    snprintf(part, sizeof part, "%s.weight", name);
    if (bind(b, part, hidden, 0, &n->gain) < 0)
        return -1;
    snprintf(part, sizeof part, "%s.bias", name);
    return bind(b, part, hidden, 0, &n->bias);
}

static int bind_layer(const struct binder *b, const struct bl_shape *s,
                      size_t number, struct bl_layer *l)
{
    const struct { const char *name; size_t out, in; struct bl_linear *l;
    } linears[] = {
        { "attention.self.query", s->hidden, s->hidden, &l->query },
        { "attention.self.key", s->hidden, s->hidden, &l->key },
        { "attention.self.value", s->hidden, s->hidden, &l->value },
        { "attention.output.dense", s->hidden, s->hidden, &l->attended },
        { "intermediate.dense", s->inner, s->hidden, &l->up },
        { "output.dense", s->hidden, s->inner, &l->down },
    };
    char at[64], part[128];

    snprintf(at, sizeof at, "encoder.layer.%zu.", number);
    for (size_t i = 0; i < BL_COUNT(linears); i++) {
        snprintf(part, sizeof part, "%s%s", at, linears[i].name);
        if (bind_linear(b, part, linears[i].out, linears[i].in,
                        linears[i].l) < 0)
            return -1;
    }
    snprintf(part, sizeof part, "%sattention.output.LayerNorm", at);
    if (bind_norm(b, part, s->hidden, &l->attended_norm) < 0)
        return -1;
    snprintf(part, sizeof part, "%soutput.LayerNorm", at);
    return bind_norm(b, part, s->hidden, &l->norm);
}

/* Layers beyond those of config.json would be skipped silently. */
static int check_layers(const struct binder *b, const struct bl_shape *s)
{
    char name[MAX_NAME];
    size_t n = 0;

    do
        snprintf(name, sizeof name,
                 "%sencoder.layer.%zu.output.dense.bias", b->prefix, n);
    while (has(b->weights, name) && ++n);
    if (n != s->layers)
        return bl_fail(b->err, BL_DATA, "config.json has %zu layers "
                       "(num_hidden_layers), but the weights '%s*' have %zu",
                       s->layers, b->prefix, n);
    return 0;
}

static int bind_stack(const struct binder *b, const struct bl_shape *s,
                      struct bl_arena *memory, struct bl_bert *t)
{
    struct binder layers = *b;
    char pooler[MAX_NAME];

    layers.memory = memory;
    layers.int8 = has_int8(b, "encoder.layer.0.attention.self.query");
    if (bind_words(b, s, &t->words) < 0
        || bind(b, POSITIONS, s->positions,
                s->hidden, &t->positions) < 0
        || bind(b, "embeddings.token_type_embeddings.weight", s->types,
                s->hidden, &t->types) < 0
        || bind_norm(b, "embeddings.LayerNorm", s->hidden, &t->norm) < 0
        || check_layers(b, s) < 0)
        return -1;
    t->layers = bl_arena_alloc(memory, s->layers, sizeof *t->layers);
    for (size_t i = 0; i < s->layers; i++)
        if (bind_layer(&layers, s, i, &t->layers[i]) < 0)
            return -1;
    snprintf(pooler, sizeof pooler, "%spooler.dense.weight", b->prefix);
    if (has(b->weights, pooler))
        return bind_linear(b, "pooler.dense", s->hidden, s->hidden,
                           &t->pooler);
    return 0;
}

/* The linear layer behind the stack; its rows are what the weights say. */
static int bind_head(struct bl_model *m, const char *name,
                     struct bl_bert *t, struct bl_err *err)
{
    char full[MAX_NAME];
    const struct bl_tensor *w;
    struct binder b = { .weights = m->weights, .prefix = "", .err = err };

    snprintf(full, sizeof full, "%s.weight", name);
    w = bl_safetensors_find(m->weights, full);
    if (!w)
        return bl_fail(err, BL_DATA, "tensor '%s' is missing", full);
    if (w->n_dims != 2 || !w->dims[0])
        return bl_fail(err, BL_DATA, "tensor '%s': expected rows x %zu",
                       full, m->shape.hidden);
    if (m->role != BL_ROLE_TAGGER && !t->pooler.w)
        return bl_fail(err, BL_DATA, "'%s' needs a pooler, but the weights "
                       "have none", name);
    return bind_linear(&b, name, w->dims[0], m->shape.hidden, &t->head);
}

static int bind_two(struct bl_model *m, struct bl_arena *memory,
                    struct bl_err *err)
{
    static const char *const towers[] = { "context_encoder",
                                          "cand_encoder" };

    m->n_towers = 2;
    for (size_t i = 0; i < 2; i++) {
        char prefix[64], head[64], weight[80];
        struct binder b = { .model = m, .weights = m->weights,
                            .prefix = prefix, .err = err };

        snprintf(prefix, sizeof prefix, "%s.bert_model.", towers[i]);
        snprintf(head, sizeof head, "%s.additional_linear", towers[i]);
        snprintf(weight, sizeof weight, "%s.weight", head);
        if (bind_stack(&b, &m->shape, memory, &m->towers[i]) < 0)
            return -1;
        if (has(m->weights, weight)
            && bind_head(m, head, &m->towers[i], err) < 0)
            return -1;
    }
    if (m->towers[0].head.out != m->towers[1].head.out)
        return bl_fail(err, BL_DATA, "the towers give vectors of %zu and "
                       "%zu numbers", m->towers[0].head.out,
                       m->towers[1].head.out);
    return 0;
}

static int bind_one(struct bl_model *m, struct bl_arena *memory,
                    const char *prefix, const char *head, struct bl_err *err)
{
    struct binder b = { .model = m, .weights = m->weights, .prefix = prefix,
                        .err = err };

    m->n_towers = 1;
    if (bind_stack(&b, &m->shape, memory, &m->towers[0]) < 0
        || (head && bind_head(m, head, &m->towers[0], err) < 0))
        return -1;
    m->towers[1] = m->towers[0];
    return 0;
}

int bl_model_bind(struct bl_model *m, enum bl_weight_names naming,
                  struct bl_err *err)
{
    bool headed = m->role != BL_ROLE_BI_ENCODER;
    int rc = -1;

    switch (naming) {
    case BL_NAMING_BLINK_BI:
        rc = bind_two(m, m->memory, err);
        break;
    case BL_NAMING_BLINK_CROSS:
        rc = bind_one(m, m->memory, "encoder.bert_model.",
                      "encoder.additional_linear", err);
        break;
    case BL_NAMING_BERT:
        rc = bind_one(m, m->memory, "bert.", headed ? "classifier" : NULL,
                      err);
        break;
    case BL_NAMING_BARE:
        rc = bind_one(m, m->memory, "", headed ? "classifier" : NULL, err);
        break;
    }
    if (rc < 0)
        return -1;
    m->int8 = m->towers[0].layers[0].query.int8 != NULL;
    if (m->int8 != (m->towers[1].layers[0].query.int8 != NULL))
        return bl_fail(err, BL_DATA, "one tower is int8, the other is not");
    if (headed)
        m->n_labels = m->towers[0].head.out;
    else
        m->dim = m->towers[0].head.w ? m->towers[0].head.out
            : m->shape.hidden;
    if (m->role == BL_ROLE_CROSS_ENCODER && m->n_labels != 1)
        return bl_fail(err, BL_DATA, "a cross-encoder has 1 label, but the "
                       "weights have %zu", m->n_labels);
    return 0;
}
