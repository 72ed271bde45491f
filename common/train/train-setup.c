/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-setup.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/module.h"
#include "base/sha256.h"
#include "model/model-family.h"
#include "net/blas.h"
#include "text/wordpiece.h"

/* ---- The configuration ---- */

/* Whether the model will have BLINK's names for its tensors (params.c), from
 * which model.c concludes the case of its input. */
static bool will_have_blink_names(const struct bl_train_setup *setup,
                                  const struct bl_train_wish *wish)
{
    size_t towers = wish->towers ? wish->towers : setup->base->n_towers;

    if (wish->role == BL_ROLE_BI_ENCODER)
        return towers == 2;
    return wish->role == BL_ROLE_CROSS_ENCODER
        && bl_model_weight_names(setup->base->weights)
            == BL_NAMING_BLINK_CROSS;
}

static void set_lengths(struct bl_train_setup *setup,
                        const struct bl_train_wish *wish)
{
    struct bl_input_spec *in = &setup->input;
    size_t positions = setup->base->shape.positions;

    if (wish->context_length)
        in->context_length = wish->context_length;
    if (wish->entity_length)
        in->entity_length = wish->entity_length;
    in->pair_length = 0;
    if (wish->role != BL_ROLE_CROSS_ENCODER)
        return;
    in->pair_length = setup->base->input->pair_length;
    if (!in->pair_length || wish->context_length || wish->entity_length)
        in->pair_length = in->context_length + in->entity_length;
    if (in->pair_length > positions)
        in->pair_length = positions;
}

static void set_input(struct bl_train_setup *setup,
                      const struct bl_train_wish *wish)
{
    struct bl_input_spec *in = &setup->input;
    bool blink = will_have_blink_names(setup, wish);

    *in = *setup->base->input;
    if (wish->layout >= 0)
        in->layout = (enum bl_layout)wish->layout;
    set_lengths(setup, wish);
    in->lower_first = blink && setup->config.lowercase != 0 && !wish->spans;
    in->literal &= BL_LITERAL_SPECIALS;
    if (in->literal && wish->role == BL_ROLE_CROSS_ENCODER)
        in->literal |= BL_LITERAL_TAGS;
}

/* Every setting is written even where it equals its default, because the
 * defaults depend on the names of the tensors, and the new model's may be
 * others than the base's. */
static void set_config(struct bl_train_setup *setup,
                       const struct bl_train_wish *wish)
{
    struct bl_model_config *config = &setup->config;

    config->shape = setup->base->shape;
    config->has_role = config->has_layout = config->has_pooling = true;
    config->role = wish->role;
    config->layout = setup->input.layout;
    config->context_length = setup->input.context_length;
    config->entity_length = setup->input.entity_length;
    config->pair_length = setup->input.pair_length;
    config->literal = setup->input.literal != 0;
    config->lowercase = config->lowercase != 0;
    config->towers = wish->towers ? wish->towers : setup->base->n_towers;
    config->pooling = wish->pooling >= 0 ? (enum bl_pooling)wish->pooling
        : setup->base->pooling;
    config->normalize = wish->normalize >= 0 ? wish->normalize
        : setup->base->normalize;
    config->mention_length = wish->spans ? setup->base->spans.longest : 0;
    config->mention_ends &= wish->spans;
    config->labels = wish->labels;
    config->n_labels = wish->n_labels;
    config->training = wish->training;
    if (wish->licence)
        config->licence = wish->licence;
    setup->spec = (struct bl_model_spec){ config, wish->dtype };
}

static int check_lengths(const struct bl_train_setup *setup,
                         struct bl_err *err)
{
    const struct bl_input_spec *in = &setup->input;
    size_t most = BL_MAX(in->context_length, in->entity_length);

    if (most <= setup->base->shape.positions)
        return 0;
    return bl_fail(err, BL_USAGE, "inputs of %zu tokens, but '%s' has %zu "
                   "positions", most, setup->base->path,
                   setup->base->shape.positions);
}

static int open_words(struct bl_train_setup *setup, struct bl_err *err)
{
    static const char *const usual[] = { "[unused0]", "[unused1]",
                                         "[unused2]" };
    struct bl_wordpiece_opts opts = {
        .lowercase = setup->config.lowercase != 0
    };
    char *path = bl_family_file(setup->base->path, "vocab.txt");

    for (size_t i = 0; i < 3 && bl_layout_tagged(setup->input.layout); i++)
        opts.tags[i] = setup->config.has_tags ? setup->config.tags[i]
            : usual[i];
    setup->words = bl_wordpiece_open(path, &opts, err);
    free(path);
    return setup->words ? 0 : -1;
}

/* ---- All of it ---- */

/* A model of any role; of a family the one of the role wanted. */
static struct bl_model *open_any(const struct bl_train_wish *wish,
                                 struct bl_err *err)
{
    char *path = bl_model_find(wish->base, wish->role, err);
    struct bl_model *model = path ? bl_model_open(path, err) : NULL;

    free(path);
    return model;
}

static int open_base(struct bl_train_setup *setup,
                     const struct bl_train_wish *wish, struct bl_err *err)
{
    struct bl_sha256 unused;

    setup->base = open_any(wish, err);
    if (!setup->base)
        return -1;
    bl_sha256_init(&unused);
    return bl_model_config_read(&setup->config, setup->base->path, &unused,
                                err);
}

/* Trained otherwise, a model of ELQ's would lose what finds mentions. */
static int check_heads(const struct bl_train_setup *setup,
                       const struct bl_train_wish *wish, struct bl_err *err)
{
    if (!setup->base->spans.bounds.w || wish->spans
        || wish->role != BL_ROLE_BI_ENCODER)
        return 0;
    return bl_fail(err, BL_DATA, "'%s' finds mentions itself: blink-train "
                   "elq", setup->base->path);
}

/* The view begins as a copy of the base, whose tokenizer, windows and pooling
 * it must not keep where the wish has others: evaluation encodes with it. */
int bl_train_setup(struct bl_train_setup *setup,
                   const struct bl_train_wish *wish, struct bl_err *err)
{
    struct bl_params_spec spec = { .role = wish->role, .towers = wish->towers,
        .labels = wish->n_labels, .types = wish->types, .spans = wish->spans,
        .seed = wish->seed };

    *setup = (struct bl_train_setup){ .config = { .memory = BL_ARENA_INIT } };
    if (open_base(setup, wish, err) < 0 || check_heads(setup, wish, err) < 0)
        return -1;
    set_input(setup, wish);
    set_config(setup, wish);
    if (check_lengths(setup, err) < 0 || open_words(setup, err) < 0)
        return -1;
    setup->net = bl_params_new(setup->base, &spec, err);
    if (!setup->net)
        return -1;
    setup->net->view.words = setup->words;
    setup->net->view.input = &setup->input;
    setup->net->view.pooling = setup->config.pooling;
    setup->net->view.normalize = setup->config.normalize;
    return 0;
}

static int open_module(struct bl_train_setup *setup, struct bl_err *err)
{
    bl_train_api_fn *entry;
    int found = bl_module_open("train", "bl_train_api", (void **)&entry,
                               err);

    if (!found)
        return bl_fail(err, BL_DATA, "training needs libtorch, but blink was "
                                     "built without it (no "
                                     "libblink-train.so)");
    if (found < 0)
        return -1;
    setup->api = entry();
    if (setup->api->abi == BL_TRAIN_ABI)
        return 0;
    return bl_fail(err, BL_DATA, "libblink-train.so comes from another "
                                 "version of blink");
}

int bl_train_setup_start(struct bl_train_setup *setup,
                         const struct bl_train_settings *settings,
                         struct bl_err *err)
{
    char error[BL_ERR_MSG] = "";

    /* Below libtorch there may be OpenBLAS, called from threads of ours. */
    if (bl_blas_reserve(settings->device == BL_DEVICE_CUDA
                        ? 1 : settings->threads, err) < 0
        || open_module(setup, err) < 0)
        return -1;
    setup->handle = setup->api->open(setup->net, settings, error);
    if (!setup->handle)
        return bl_fail(err, settings->device == BL_DEVICE_CUDA ? BL_DATA
                       : BL_SYSTEM, "%s", error);
    return 0;
}

void bl_train_setup_free(struct bl_train_setup *setup)
{
    if (setup->handle)
        setup->api->close(setup->handle);
    bl_params_free(setup->net);
    bl_wordpiece_close(setup->words);
    bl_arena_free(&setup->config.memory);
    bl_model_close(setup->base);
}
