/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "model/model-parts.h"
#include "base/random.h"
#include "model/rows.h"

enum { MAX_NAME = 256 };

/* One tensor of a network: where the network points to it. */
struct slot {
    const char *name;
    const float **p;
    size_t rows, cols;          /* cols 0: one dimension */
};

struct walk {
    struct bl_params *net;
    const struct bl_params_spec *spec;
    const char *prefix;
    const struct bl_rows *words;        /* of the base's tower */
    uint64_t random;
    void (*visit)(struct walk *w, const struct slot *s);
};

/* ---- Walking over the tensors of a network ---- */

static void visit(struct walk *w, const char *name, const float **p,
                  size_t rows, size_t cols)
{
    char full[MAX_NAME];

    snprintf(full, sizeof full, "%s%s", w->prefix, name);
    w->visit(w, &(struct slot){ full, p, rows, cols });
}

static void walk_linear(struct walk *w, const char *name,
                        struct bl_linear *l)
{
    char part[MAX_NAME];

    l->int8 = NULL;             /* would be of other values soon */
    snprintf(part, sizeof part, "%s.weight", name);
    visit(w, part, &l->w, l->out, l->in);
    snprintf(part, sizeof part, "%s.bias", name);
    visit(w, part, &l->b, l->out, 0);
}

static void walk_norm(struct walk *w, const char *name, struct bl_norm *n)
{
    size_t hidden = w->net->view.shape.hidden;
    char part[MAX_NAME];

    snprintf(part, sizeof part, "%s.weight", name);
    visit(w, part, &n->gain, hidden, 0);
    snprintf(part, sizeof part, "%s.bias", name);
    visit(w, part, &n->bias, hidden, 0);
}

static void walk_layer(struct walk *w, struct bl_layer *l, size_t number)
{
    const struct { const char *name; struct bl_linear *l; } linears[] = {
        { "attention.self.query", &l->query },
        { "attention.self.key", &l->key },
        { "attention.self.value", &l->value },
        { "attention.output.dense", &l->attended },
        { "intermediate.dense", &l->up }, { "output.dense", &l->down },
    };
    char part[MAX_NAME];

    for (size_t i = 0; i < BL_COUNT(linears); i++) {
        snprintf(part, sizeof part, "encoder.layer.%zu.%s", number,
                 linears[i].name);
        walk_linear(w, part, linears[i].l);
    }
    snprintf(part, sizeof part, "encoder.layer.%zu.attention.output."
             "LayerNorm", number);
    walk_norm(w, part, &l->attended_norm);
    snprintf(part, sizeof part, "encoder.layer.%zu.output.LayerNorm",
             number);
    walk_norm(w, part, &l->norm);
}

static void walk_tower(struct walk *w, struct bl_bert *t,
                       const char *prefix, const char *head)
{
    const struct bl_shape *s = &w->net->view.shape;
    struct bl_rows words = t->words;

    w->prefix = prefix;
    w->words = &words;
    visit(w, "embeddings.word_embeddings.weight", &t->words.f32, s->vocab,
          s->hidden);
    visit(w, "embeddings.position_embeddings.weight", &t->positions,
          s->positions, s->hidden);
    visit(w, "embeddings.token_type_embeddings.weight", &t->types, s->types,
          s->hidden);
    walk_norm(w, "embeddings.LayerNorm", &t->norm);
    for (size_t i = 0; i < s->layers; i++)
        walk_layer(w, &t->layers[i], i);
    if (t->pooler.out)
        walk_linear(w, "pooler.dense", &t->pooler);
    w->prefix = "";
    if (t->head.out)
        walk_linear(w, head, &t->head);
}

/* The names that model-bind.c knows a network of this role by. */
static void walk_all(struct walk *w)
{
    struct bl_model *m = &w->net->view;
    enum bl_weight_names naming = bl_model_weight_names(m->weights);

    if (m->n_towers == 2) {
        walk_tower(w, &m->towers[0], "context_encoder.bert_model.",
                   "context_encoder.additional_linear");
        walk_tower(w, &m->towers[1], "cand_encoder.bert_model.",
                   "cand_encoder.additional_linear");
        return;
    }
    if (m->role == BL_ROLE_CROSS_ENCODER && naming == BL_NAMING_BLINK_CROSS)
        walk_tower(w, &m->towers[0], "encoder.bert_model.",
                   "encoder.additional_linear");
    else
        walk_tower(w, &m->towers[0],
                   naming == BL_NAMING_BERT ? "bert." : "", "classifier");
    m->towers[1] = m->towers[0];
}

/* ---- Laying out, filling ---- */

static void declare(struct walk *w, const struct slot *s)
{
    struct bl_params *net = w->net;
    struct bl_param *p;

    net->params = bl_xrealloc(net->params, net->n_params + 1, sizeof *p);
    p = &net->params[net->n_params++];
    *p = (struct bl_param){ .name = bl_xstrdup(s->name),
        .n_dims = s->cols ? 2 : 1, .dims = { s->rows, s->cols },
        .at = net->n, .wanted = true, .moved = true,
        .decayed = s->cols > 0 };
    if (!bl_size_mul(s->rows, s->cols ? s->cols : 1, &p->n)
        || !bl_size_add(net->n, p->n, &net->n))
        bl_oom(SIZE_MAX);
}

/* Two sums of uniform numbers are near enough to a normal number. */
static float small_number(uint64_t *random)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += bl_random_unit(random);
    return (float)(0.02 * (sum - 6));
}

static void fill_random(struct walk *w, float *to, size_t n, bool bias)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bias ? 0 : small_number(&w->random);
}

/* New rows of the segment embedding begin near those that are there. */
static void fill_types(struct walk *w, const float *from, float *to)
{
    const struct bl_shape *s = &w->net->view.shape;
    size_t old = w->net->base->shape.types;

    memcpy(to, from, BL_MIN(old, s->types) * s->hidden
           * sizeof *to);
    for (size_t i = old * s->hidden; i < s->types * s->hidden; i++)
        to[i] = from[i % s->hidden] + small_number(&w->random);
}

static void fill(struct walk *w, const struct slot *s)
{
    struct bl_params *net = w->net;
    struct bl_param *p = &net->params[net->n_params++];
    float *to = net->values + p->at;

    if (strstr(s->name, "word_embeddings"))
        bl_rows_all(w->words, s->rows, s->cols, to);
    else if (!*s->p)
        fill_random(w, to, p->n, !s->cols);
    else if (strstr(s->name, "token_type_embeddings"))
        fill_types(w, *s->p, to);
    else
        memcpy(to, *s->p, p->n * sizeof *to);
    *s->p = to;
}

/* ---- The network that the role asks for ---- */

static int set_towers(struct bl_params *net, const struct bl_params_spec *spec,
                      struct bl_arena *memory, struct bl_err *err)
{
    struct bl_model *m = &net->view;

    m->n_towers = spec->role == BL_ROLE_BI_ENCODER
        ? (spec->towers ? spec->towers : m->n_towers) : 1;
    if (m->n_towers < 1 || m->n_towers > BL_MAX_TOWERS)
        return bl_fail(err, BL_USAGE, "expected 1 or 2 towers, found %zu",
                       m->n_towers);
    /* model-bind.c knows no name for it. */
    if (m->n_towers == 1 && spec->role == BL_ROLE_BI_ENCODER
        && net->base->role == spec->role
        && m->towers[0].head.out)
        return bl_fail(err, BL_USAGE, "'%s' has a linear layer after each "
                                      "tower, which a model of one tower "
                                      "cannot have",
                       m->path);
    for (size_t i = 0; i < BL_MAX_TOWERS; i++) {
        struct bl_bert *t = &m->towers[i];
        struct bl_layer *layers = bl_arena_alloc(memory, m->shape.layers,
                                                 sizeof *layers);

        memcpy(layers, t->layers, m->shape.layers * sizeof *layers);
        t->layers = layers;
    }
    return 0;
}

static void set_head(struct bl_params *net, const struct bl_params_spec *spec)
{
    struct bl_model *m = &net->view;
    size_t hidden = m->shape.hidden;
    bool same = net->base->role == spec->role;

    for (size_t i = 0; i < m->n_towers; i++) {
        struct bl_bert *t = &m->towers[i];
        struct bl_linear none = { .out = 0 };
        size_t out = spec->role == BL_ROLE_TAGGER ? spec->labels : 1;

        if (spec->role == BL_ROLE_BI_ENCODER) {
            t->head = same ? t->head : none;
            continue;
        }
        if (!same || t->head.out != out)
            t->head = (struct bl_linear){ .out = out, .in = hidden };
        if (spec->role == BL_ROLE_CROSS_ENCODER && !t->pooler.out)
            t->pooler = (struct bl_linear){ .out = hidden, .in = hidden };
        if (spec->role == BL_ROLE_TAGGER)
            t->pooler = none;
    }
}

/* A pooler that nothing reads is kept, and kept as it is. */
static void set_unused(struct bl_params *net)
{
    if (net->view.role != BL_ROLE_BI_ENCODER || net->view.towers[0].head.out)
        return;
    for (size_t i = 0; i < net->n_params; i++)
        if (strstr(net->params[i].name, "pooler."))
            net->params[i].wanted = net->params[i].moved = false;
}

struct bl_params *bl_params_new(const struct bl_model *base,
                          const struct bl_params_spec *spec,
                          struct bl_err *err)
{
    if (base->int8) {
        bl_fail(err, BL_DATA, "'%s': its weights are int8, which cannot be "
                "trained", base->path);
        return NULL;
    }
    struct bl_params *net = BL_NEW(struct bl_params);
    struct walk w = { .net = net, .spec = spec,
                      .random = bl_random_seed(spec->seed, 'h', 0) };
    struct bl_arena *memory = BL_NEW(struct bl_arena);

    net->base = base;
    net->view = *base;
    net->view.memory = memory;
    net->view.role = spec->role;
    if (spec->types)
        net->view.shape.types = spec->types;
    if (set_towers(net, spec, memory, err) < 0) {
        bl_params_free(net);
        return NULL;
    }
    set_head(net, spec);
    w.visit = declare;
    walk_all(&w);
    net->values = bl_xmalloc(net->n, sizeof *net->values);
    net->grads = bl_xcalloc(net->n, sizeof *net->grads);
    net->n_params = 0;
    w.visit = fill;
    walk_all(&w);
    set_unused(net);
    if (spec->role == BL_ROLE_BI_ENCODER)
        net->view.dim = net->view.towers[0].head.w
            ? net->view.towers[0].head.out : net->view.shape.hidden;
    else
        net->view.n_labels = net->view.towers[0].head.out;
    return net;
}

void bl_params_free(struct bl_params *net)
{
    if (!net)
        return;
    for (size_t i = 0; i < net->n_params; i++)
        free(net->params[i].name);
    free(net->params);
    free(net->values);
    free(net->grads);
    bl_arena_free(net->view.memory);
    free(net->view.memory);
    free(net);
}

struct bl_param *bl_params_param(const struct bl_params *net, const float *p)
{
    for (size_t i = 0; p && i < net->n_params; i++) {
        struct bl_param *q = &net->params[i];

        if (p >= net->values + q->at && p < net->values + q->at + q->n)
            return q;
    }
    return NULL;
}

/* ---- Which are trained ---- */

static void freeze_named(struct bl_params *net, const char *part)
{
    for (size_t i = 0; i < net->n_params; i++)
        if (strstr(net->params[i].name, part))
            net->params[i].wanted = net->params[i].moved = false;
}

static int freeze_layers(struct bl_params *net, const char *range,
                         struct bl_err *err)
{
    size_t from, to;
    char dash, end, part[64];
    int got = sscanf(range, "%4zu%c%4zu%c", &from, &dash, &to, &end);

    if (got == 1)
        to = from;
    if ((got != 1 && (got != 3 || dash != '-')) || from > to
        || to >= net->view.shape.layers)
        return bl_fail(err, BL_USAGE, "cannot freeze 'layers:%.20s': "
                       "expected numbers from 0 to %zu such as 0-3", range,
                       net->view.shape.layers - 1);
    for (; from <= to; from++) {
        snprintf(part, sizeof part, "encoder.layer.%zu.", from);
        freeze_named(net, part);
    }
    return 0;
}

static int freeze_one(struct bl_params *net, const char *word,
                      struct bl_err *err)
{
    if (!strncmp(word, "layers:", 7))
        return freeze_layers(net, word + 7, err);
    if (!strcmp(word, "embeddings"))
        freeze_named(net, "embeddings.");
    else if (!strcmp(word, "words"))
        freeze_named(net, "word_embeddings.");
    else if (!strcmp(word, "entities") && net->view.n_towers == 2)
        freeze_named(net, "cand_encoder.");
    else if (!strcmp(word, "pooler"))
        freeze_named(net, "pooler.");
    else if (!strcmp(word, "head")) {
        freeze_named(net, "classifier.");
        freeze_named(net, "additional_linear.");
    } else
        return bl_fail(err, BL_USAGE, "cannot freeze '%.40s': expected "
                       "words, embeddings, layers:FROM-TO, pooler, head or "
                       "(of two towers) entities",
                       word);
    return 0;
}

int bl_params_freeze(struct bl_params *net, const char *list,
                     struct bl_err *err)
{
    char *copy, *word, *next;
    int rc = 0;

    if (!list || !*list)
        return 0;
    copy = bl_xstrdup(list);
    for (word = copy; word && !rc; word = next) {
        next = strchr(word, ',');
        if (next)
            *next++ = '\0';
        rc = freeze_one(net, word, err);
    }
    free(copy);
    return rc;
}

int bl_params_blink_groups(struct bl_params *net, const char *which,
                        struct bl_err *err)
{
    static const struct { const char *name, *parts[6]; } groups[] = {
        { "additional_layers", { "additional" } },
        { "top_layer", { "additional", "bert_model.encoder.layer.11." } },
        { "top4_layers", { "additional", "bert_model.encoder.layer.11.",
                           "encoder.layer.10.", "encoder.layer.9.",
                           "encoder.layer.8" } },
        { "all_encoder_layers", { "additional",
                                  "bert_model.encoder.layer" } },
        { "all", { "additional", "bert_model.encoder.layer",
                   "bert_model.embeddings" } },
    };
    size_t g = 0;

    while (g < BL_COUNT(groups)
           && strcmp(groups[g].name, which))
        g++;
    if (g == BL_COUNT(groups))
        return bl_fail(err, BL_USAGE, "'%.40s' is not one of BLINK's choices: "
                                      "additional_layers, top_layer, "
                                      "top4_layers, all_encoder_layers, "
                                      "all", which);
    for (size_t i = 0; i < net->n_params; i++) {
        struct bl_param *p = &net->params[i];

        p->wanted = true;
        p->moved = false;
        for (size_t j = 0; groups[g].parts[j]; j++)
            p->moved = p->moved || strstr(p->name, groups[g].parts[j]);
        p->decayed = !strstr(p->name, "bias") && !strstr(p->name, "gamma")
            && !strstr(p->name, "beta");
    }
    return 0;
}
