/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/train-setup.h"

#include <stdlib.h>
#include <string.h>

#include "net/blas.h"
#include "base/mem.h"
#include "model/model-family.h"
#include "base/module.h"
#include "base/sha256.h"
#include "text/wordpiece.h"

/* ---- The configuration ---- */


/* Whether the model will have BLINK's names for its tensors (net.c), from
 * which model.c concludes the case of its input. */
static bool will_have_blink_names(const struct bl_train_setup *s,
                                  const struct bl_train_wish *w)
{
    size_t towers = w->towers ? w->towers : s->base->n_towers;

    if (w->role == BL_ROLE_BI_ENCODER)
        return towers == 2;
    return w->role == BL_ROLE_CROSS_ENCODER
        && bl_model_weight_names(s->base->weights) == BL_NAMING_BLINK_CROSS;
}

static void set_lengths(struct bl_train_setup *s,
                        const struct bl_train_wish *w)
{
    struct bl_input_spec *in = &s->input;
    size_t positions = s->base->shape.positions;

    if (w->context_length)
        in->context_length = w->context_length;
    if (w->entity_length)
        in->entity_length = w->entity_length;
    in->pair_length = 0;
    if (w->role != BL_ROLE_CROSS_ENCODER)
        return;
    in->pair_length = s->base->input->pair_length;
    if (!in->pair_length || w->context_length || w->entity_length)
        in->pair_length = in->context_length + in->entity_length;
    if (in->pair_length > positions)
        in->pair_length = positions;
}

static void set_input(struct bl_train_setup *s,
                      const struct bl_train_wish *w)
{
    struct bl_input_spec *in = &s->input;
    bool blink = will_have_blink_names(s, w);

    *in = *s->base->input;
    if (w->layout >= 0)
        in->layout = (enum bl_layout)w->layout;
    set_lengths(s, w);
    in->lower_first = blink && s->config.lowercase != 0;
    in->literal &= BL_LITERAL_SPECIALS;
    if (in->literal && w->role == BL_ROLE_CROSS_ENCODER)
        in->literal |= BL_LITERAL_TAGS;
}

/* All is said, whatever its default: the new tensor names might have others
 * than the base's. */
static void set_config(struct bl_train_setup *s,
                       const struct bl_train_wish *w)
{
    struct bl_model_config *c = &s->config;

    c->shape = s->base->shape;
    c->has_role = c->has_layout = c->has_pooling = true;
    c->role = w->role;
    c->layout = s->input.layout;
    c->context_length = s->input.context_length;
    c->entity_length = s->input.entity_length;
    c->pair_length = s->input.pair_length;
    c->literal = s->input.literal != 0;
    c->lowercase = c->lowercase != 0;
    c->towers = w->towers ? w->towers : s->base->n_towers;
    c->pooling = w->pooling >= 0 ? (enum bl_pooling)w->pooling
        : s->base->pooling;
    c->normalize = w->normalize >= 0 ? w->normalize : s->base->normalize;
    c->labels = w->labels;
    c->n_labels = w->n_labels;
    c->training = w->training;
    if (w->licence)
        c->licence = w->licence;
    s->spec = (struct bl_model_spec){ c, w->dtype };
}

static int check_lengths(const struct bl_train_setup *s, struct bl_err *err)
{
    const struct bl_input_spec *in = &s->input;
    size_t most = BL_MAX(in->context_length, in->entity_length);

    if (most <= s->base->shape.positions)
        return 0;
    return bl_fail(err, BL_USAGE, "inputs of %zu tokens, but '%s' has %zu "
                   "positions", most, s->base->path,
                   s->base->shape.positions);
}

static int open_words(struct bl_train_setup *s, struct bl_err *err)
{
    static const char *const usual[] = { "[unused0]", "[unused1]",
                                         "[unused2]" };
    struct bl_wordpiece_opts o = { .lowercase = s->config.lowercase != 0 };
    char *path = bl_family_file(s->base->path, "vocab.txt");

    for (size_t i = 0; i < 3 && bl_layout_tagged(s->input.layout); i++)
        o.tags[i] = s->config.has_tags ? s->config.tags[i] : usual[i];
    s->words = bl_wordpiece_open(path, &o, err);
    free(path);
    return s->words ? 0 : -1;
}

/* ---- All of it ---- */

/* A model of any role; of a family the one of the role wanted. */
static struct bl_model *open_any(const struct bl_train_wish *w,
                                 struct bl_err *err)
{
    char *path = bl_model_find(w->base, w->role, err);
    struct bl_model *m = path ? bl_model_open(path, err) : NULL;

    free(path);
    return m;
}

static int open_base(struct bl_train_setup *s, const struct bl_train_wish *w,
                     struct bl_err *err)
{
    struct bl_sha256 unused;

    s->base = open_any(w, err);
    if (!s->base)
        return -1;
    bl_sha256_init(&unused);
    return bl_model_config_read(&s->config, s->base->path, &unused, err);
}

int bl_train_setup(struct bl_train_setup *s, const struct bl_train_wish *w,
                   struct bl_err *err)
{
    struct bl_params_spec spec = { .role = w->role, .towers = w->towers,
        .labels = w->n_labels, .types = w->types, .seed = w->seed };

    *s = (struct bl_train_setup){ .config = { .memory = BL_ARENA_INIT } };
    if (open_base(s, w, err) < 0)
        return -1;
    set_input(s, w);
    set_config(s, w);
    if (check_lengths(s, err) < 0 || open_words(s, err) < 0)
        return -1;
    s->net = bl_params_new(s->base, &spec, err);
    if (!s->net)
        return -1;
    s->net->view.words = s->words;
    s->net->view.input = &s->input;
    s->net->view.pooling = s->config.pooling;
    s->net->view.normalize = s->config.normalize;
    return 0;
}

static int open_module(struct bl_train_setup *s, struct bl_err *err)
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
    s->api = entry();
    if (s->api->abi == BL_TRAIN_ABI)
        return 0;
    return bl_fail(err, BL_DATA, "libblink-train.so comes from another "
                                 "version of blink");
}

int bl_train_setup_start(struct bl_train_setup *s,
                         const struct bl_train_settings *t,
                         struct bl_err *err)
{
    char error[BL_ERR_MSG] = "";

    /* Below libtorch there may be OpenBLAS, called from threads of ours. */
    (void)bl_blas_open();
    if (open_module(s, err) < 0)
        return -1;
    s->handle = s->api->open(s->net, t, error);
    if (!s->handle)
        return bl_fail(err, BL_DATA, "%s", error);
    return 0;
}

void bl_train_setup_free(struct bl_train_setup *s)
{
    if (s->handle)
        s->api->close(s->handle);
    bl_params_free(s->net);
    bl_wordpiece_close(s->words);
    bl_arena_free(&s->config.memory);
    bl_model_close(s->base);
}
