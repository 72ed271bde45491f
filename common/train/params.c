/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/random.h"
#include "model/model-parts.h"
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
    void (*visit)(struct walk *walk, const struct slot *slot);
};

/* ---- Walking over the tensors of a network ---- */

/* The order of the visits is the order of the parameters in the flat arrays.
 * A checkpoint saves these arrays whole (train-state.c), so with another
 * order it would load old checkpoints into the wrong tensors. */
static void visit(struct walk *walk, const char *name, const float **at,
                  size_t rows, size_t cols)
{
    char full[MAX_NAME];

    snprintf(full, sizeof full, "%s%s", walk->prefix, name);
    walk->visit(walk, &(struct slot){ full, at, rows, cols });
}

static void walk_linear(struct walk *walk, const char *name,
                        struct bl_linear *linear)
{
    char part[MAX_NAME];

    /* The 8-bit copy belongs to the base's values, which training changes. */
    linear->int8 = NULL;
    snprintf(part, sizeof part, "%s.weight", name);
    visit(walk, part, &linear->w, linear->out, linear->in);
    snprintf(part, sizeof part, "%s.bias", name);
    visit(walk, part, &linear->b, linear->out, 0);
}

static void walk_norm(struct walk *walk, const char *name,
                      struct bl_norm *norm)
{
    size_t hidden = walk->net->view.shape.hidden;
    char part[MAX_NAME];

    snprintf(part, sizeof part, "%s.weight", name);
    visit(walk, part, &norm->gain, hidden, 0);
    snprintf(part, sizeof part, "%s.bias", name);
    visit(walk, part, &norm->bias, hidden, 0);
}

/* The tensors of one layer, by the names that Hugging Face's BertLayer gives
 * them. */
static void walk_layer(struct walk *walk, struct bl_layer *layer,
                       size_t number)
{
    const struct { const char *name; struct bl_linear *linear; } linears[] = {
        { "attention.self.query", &layer->query },
        { "attention.self.key", &layer->key },
        { "attention.self.value", &layer->value },
        { "attention.output.dense", &layer->attended },
        { "intermediate.dense", &layer->up }, { "output.dense", &layer->down },
    };
    char part[MAX_NAME];

    for (size_t i = 0; i < BL_COUNT(linears); i++) {
        snprintf(part, sizeof part, "encoder.layer.%zu.%s", number,
                 linears[i].name);
        walk_linear(walk, part, linears[i].linear);
    }
    snprintf(part, sizeof part, "encoder.layer.%zu.attention.output."
             "LayerNorm", number);
    walk_norm(walk, part, &layer->attended_norm);
    snprintf(part, sizeof part, "encoder.layer.%zu.output.LayerNorm",
             number);
    walk_norm(walk, part, &layer->norm);
}

/* The rows of words are copied first: a visit puts a pointer into the flat
 * array at tower->words.f32, and fill() still has to read the base's words,
 * which may be of another type than f32.  The head's name has no prefix. */
static void walk_tower(struct walk *walk, struct bl_bert *tower,
                       const char *prefix, const char *head)
{
    const struct bl_shape *shape = &walk->net->view.shape;
    struct bl_rows words = tower->words;

    walk->prefix = prefix;
    walk->words = &words;
    visit(walk, "embeddings.word_embeddings.weight", &tower->words.f32,
          shape->vocab, shape->hidden);
    visit(walk, "embeddings.position_embeddings.weight", &tower->positions,
          shape->positions, shape->hidden);
    visit(walk, "embeddings.token_type_embeddings.weight", &tower->types,
          shape->types, shape->hidden);
    walk_norm(walk, "embeddings.LayerNorm", &tower->norm);
    for (size_t i = 0; i < shape->layers; i++)
        walk_layer(walk, &tower->layers[i], i);
    if (tower->pooler.out)
        walk_linear(walk, "pooler.dense", &tower->pooler);
    walk->prefix = "";
    if (tower->head.out)
        walk_linear(walk, head, &tower->head);
}

/* The heads of a model that finds its mentions (ELQ's names). */
static void walk_spans(struct walk *walk, struct bl_span_heads *spans)
{
    const char *scores = "classification_heads.mention_scores."
        "bound_classifier";
    char part[MAX_NAME];

    walk->prefix = "";
    if (spans->hidden.out) {
        snprintf(part, sizeof part, "%s.0", scores);
        walk_linear(walk, part, &spans->hidden);
    }
    snprintf(part, sizeof part, "%s%s", scores, spans->hidden.out ? ".3"
             : "");
    if (spans->bounds.out)
        walk_linear(walk, part, &spans->bounds);
    if (spans->project.out)
        walk_linear(walk, "classification_heads.get_context_embeds."
                    "mention_agg_linear", &spans->project);
}

/* The names that model-bind.c knows a network of this role by. */
static void walk_all(struct walk *walk)
{
    struct bl_model *model = &walk->net->view;
    enum bl_weight_names naming = bl_model_weight_names(model->weights);

    if (model->n_towers == 2) {
        walk_tower(walk, &model->towers[0], "context_encoder.bert_model.",
                   "context_encoder.additional_linear");
        walk_tower(walk, &model->towers[1], "cand_encoder.bert_model.",
                   "cand_encoder.additional_linear");
        walk_spans(walk, &model->spans);
        return;
    }
    if (model->role == BL_ROLE_CROSS_ENCODER
        && naming == BL_NAMING_BLINK_CROSS)
        walk_tower(walk, &model->towers[0], "encoder.bert_model.",
                   "encoder.additional_linear");
    else
        walk_tower(walk, &model->towers[0],
                   naming == BL_NAMING_BERT ? "bert." : "", "classifier");
    model->towers[1] = model->towers[0];
}

/* ---- Laying out, filling ---- */

static void declare(struct walk *walk, const struct slot *slot)
{
    struct bl_params *net = walk->net;
    struct bl_param *param;

    net->params = bl_xrealloc(net->params, net->n_params + 1, sizeof *param);
    param = &net->params[net->n_params++];
    *param = (struct bl_param){ .name = bl_xstrdup(slot->name),
        .n_dims = slot->cols ? 2 : 1, .dims = { slot->rows, slot->cols },
        .at = net->n, .wanted = true, .moved = true,
        .decayed = slot->cols > 0 };
    if (!bl_size_mul(slot->rows, slot->cols ? slot->cols : 1, &param->n)
        || !bl_size_add(net->n, param->n, &net->n))
        bl_oom(SIZE_MAX);
}

/* A sum of twelve uniform numbers has variance 1 and is near enough to a
 * normal number; 0.02 is BERT's initializer_range. */
static float small_number(uint64_t *random)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += bl_random_unit(random);
    return (float)(0.02 * (sum - 6));
}

static void fill_random(struct walk *walk, float *to, size_t n, bool bias)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bias ? 0 : small_number(&walk->random);
}

/* New rows of the segment embedding begin near those that are there. */
static void fill_types(struct walk *walk, const float *from, float *to)
{
    const struct bl_shape *shape = &walk->net->view.shape;
    size_t old = walk->net->base->shape.types;

    memcpy(to, from, BL_MIN(old, shape->types) * shape->hidden
           * sizeof *to);
    for (size_t i = old * shape->hidden; i < shape->types * shape->hidden; i++)
        to[i] = from[i % shape->hidden] + small_number(&walk->random);
}

static void fill(struct walk *walk, const struct slot *slot)
{
    struct bl_params *net = walk->net;
    struct bl_param *param = &net->params[net->n_params++];
    float *to = net->values + param->at;

    if (strstr(slot->name, "word_embeddings"))
        bl_rows_all(walk->words, slot->rows, slot->cols, to);
    else if (!*slot->p)
        fill_random(walk, to, param->n, !slot->cols);
    else if (strstr(slot->name, "token_type_embeddings"))
        fill_types(walk, *slot->p, to);
    else
        memcpy(to, *slot->p, param->n * sizeof *to);
    *slot->p = to;
}

/* ---- The network that the role asks for ---- */

static int set_towers(struct bl_params *net, const struct bl_params_spec *spec,
                      struct bl_arena *memory, struct bl_err *err)
{
    struct bl_model *model = &net->view;

    model->n_towers = spec->role == BL_ROLE_BI_ENCODER
        ? (spec->towers ? spec->towers : model->n_towers) : 1;
    if (model->n_towers < 1 || model->n_towers > BL_MAX_TOWERS)
        return bl_fail(err, BL_USAGE, "expected 1 or 2 towers, found %zu",
                       model->n_towers);
    /* model-bind.c knows no name for it. */
    if (model->n_towers == 1 && spec->role == BL_ROLE_BI_ENCODER
        && net->base->role == spec->role
        && model->towers[0].head.out)
        return bl_fail(err, BL_USAGE, "'%s' has a linear layer after each "
                                      "tower, which a model of one tower "
                                      "cannot have",
                       model->path);
    for (size_t i = 0; i < BL_MAX_TOWERS; i++) {
        struct bl_bert *tower = &model->towers[i];
        struct bl_layer *layers = bl_arena_alloc(memory, model->shape.layers,
                                                 sizeof *layers);

        memcpy(layers, tower->layers, model->shape.layers * sizeof *layers);
        tower->layers = layers;
    }
    return 0;
}

/* A bi-encoder keeps the linear layer of a base that is a bi-encoder too; a
 * classifier's would make no embedding.  A tagger labels every token and has
 * no use for a pooler; a cross-encoder scores the pooled [CLS].  A layer that
 * is set here has sizes but no values, so fill() gives it random ones. */
static void set_head(struct bl_params *net, const struct bl_params_spec *spec)
{
    struct bl_model *model = &net->view;
    size_t hidden = model->shape.hidden;
    bool same = net->base->role == spec->role;

    for (size_t i = 0; i < model->n_towers; i++) {
        struct bl_bert *tower = &model->towers[i];
        struct bl_linear none = { .out = 0 };
        size_t out = spec->role == BL_ROLE_TAGGER ? spec->labels : 1;

        if (spec->role == BL_ROLE_BI_ENCODER) {
            tower->head = same ? tower->head : none;
            continue;
        }
        if (!same || tower->head.out != out)
            tower->head = (struct bl_linear){ .out = out, .in = hidden };
        if (spec->role == BL_ROLE_CROSS_ENCODER && !tower->pooler.out)
            tower->pooler = (struct bl_linear){ .out = hidden, .in = hidden };
        if (spec->role == BL_ROLE_TAGGER)
            tower->pooler = none;
    }
}

/* A base without such heads gets the smallest: one layer, and the mean of a
 * mention's tokens. */
static int set_spans(struct bl_params *net, const struct bl_params_spec *spec,
                     struct bl_err *err)
{
    struct bl_model *model = &net->view;
    struct bl_span_heads *spans = &model->spans;
    size_t hidden = model->shape.hidden;

    if (!spec->spans) {
        *spans = (struct bl_span_heads){ .longest = spans->longest };
        return 0;
    }
    if (!spans->bounds.w)
        spans->bounds = (struct bl_linear){ .out = 3, .in = hidden };
    if (spans->project.out || !model->towers[0].head.out
        || model->towers[0].head.out == hidden)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': entities have vectors of %zu "
                   "numbers, but states, which the vectors of mentions are "
                   "made of, %zu", model->path, model->towers[0].head.out,
                   hidden);
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
    struct walk walk = { .net = net, .spec = spec,
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
    if (set_spans(net, spec, err) < 0) {
        bl_params_free(net);
        return NULL;
    }
    /* Two walks: the array must have its final size before the tensors of
     * the view point into it. */
    walk.visit = declare;
    walk_all(&walk);
    net->values = bl_xmalloc(net->n, sizeof *net->values);
    net->grads = bl_xcalloc(net->n, sizeof *net->grads);
    net->n_params = 0;
    walk.visit = fill;
    walk_all(&walk);
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

struct bl_param *bl_params_param(const struct bl_params *net,
                                 const float *value)
{
    for (size_t i = 0; value && i < net->n_params; i++) {
        struct bl_param *param = &net->params[i];

        if (value >= net->values + param->at
            && value < net->values + param->at + param->n)
            return param;
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
        return bl_fail(err, BL_USAGE, "cannot freeze 'layers:%.*s': "
                       "expected numbers from 0 to %zu such as 0-3",
                       BL_SHOWN(20, range),
                       net->view.shape.layers - 1);
    for (; from <= to; from++) {
        snprintf(part, sizeof part, "encoder.layer.%zu.", from);
        freeze_named(net, part);
    }
    return 0;
}

/* Names are searched for a part of them, because the same tensor has another
 * prefix in each naming.  "additional_linear" is the head in the names of
 * BLINK, "classifier" in those of Hugging Face. */
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
    else if (!strcmp(word, "mentions") && net->view.spans.bounds.w)
        freeze_named(net, "classification_heads.");
    else if (!strcmp(word, "head")) {
        freeze_named(net, "classifier.");
        freeze_named(net, "additional_linear.");
    } else
        return bl_fail(err, BL_USAGE, "cannot freeze '%.*s': expected "
                       "words, embeddings, layers:FROM-TO, pooler, head, "
                       "(of two towers) entities or (of ELQ's) mentions",
                       BL_SHOWN(40, word));
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
    for (word = copy; word && rc == 0; word = next) {
        next = strchr(word, ',');
        if (next)
            *next++ = '\0';
        rc = freeze_one(net, word, err);
    }
    free(copy);
    return rc;
}

/* The patterns are BLINK's to the letter.  None of them matches the pooler,
 * which BLINK therefore never changes, though it computes its gradient and
 * counts it in the norm that it clips.  "encoder.layer.8" has no dot at its
 * end, which no BERT of up to 24 layers notices. */
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
    size_t group = 0;

    while (group < BL_COUNT(groups)
           && strcmp(groups[group].name, which))
        group++;
    if (group == BL_COUNT(groups))
        return bl_fail(err, BL_USAGE, "'%.*s' is not one of BLINK's choices: "
                                      "additional_layers, top_layer, "
                                      "top4_layers, all_encoder_layers, "
                                      "all", BL_SHOWN(40, which));
    for (size_t i = 0; i < net->n_params; i++) {
        struct bl_param *param = &net->params[i];

        param->wanted = true;
        param->moved = false;
        for (size_t j = 0; groups[group].parts[j]; j++)
            param->moved |= strstr(param->name, groups[group].parts[j])
                != NULL;
        param->decayed = !strstr(param->name, "bias")
            && !strstr(param->name, "gamma") && !strstr(param->name, "beta");
    }
    return 0;
}
