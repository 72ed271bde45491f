/* SPDX-License-Identifier: MIT */
/*
 * train-setup: from a base model and the wish for another one to what the
 * trainer needs: the configuration to save, the tokenizer and windows that
 * the saved model will have, the net, libtorch.
 *
 *     struct bl_train_setup s = { .base = "minilm" };
 *     struct bl_train_wish w = { .role = BL_ROLE_BI_ENCODER, ... };
 *     if (bl_train_setup(&s, &w, &err) < 0) ...
 *     ... s.net, s.api, s.handle, s.spec ...
 *     bl_train_setup_free(&s);
 */
#ifndef BL_TRAIN_SETUP_H
#define BL_TRAIN_SETUP_H

#include "text/input.h"
#include "train/params.h"
#include "train/save.h"
#include "train/train-shim.h"

/* The wish; -1 and 0: as the base has it. */
struct bl_train_wish {
    const char *base;           /* a name or path of a model */
    enum bl_role role;
    int layout, pooling, normalize;     /* enums of input.h, model.h; 0, 1 */
    size_t towers, context_length, entity_length;
    bool spans;                 /* heads that find mentions */
    const char **labels;        /* tagger; borrowed */
    size_t n_labels;
    size_t types;               /* segment embeddings */
    const char *training, *licence;     /* for blink.json; NULL: none said */
    enum bl_tensor_dtype dtype; /* of the weights saved */
    uint64_t seed;
};

struct bl_train_setup {
    struct bl_model *base;
    struct bl_model_config config;
    struct bl_model_spec spec;
    struct bl_input_spec input;
    struct bl_wordpiece *words;
    struct bl_params *net;      /* its view has the input and words above */
    const struct bl_train_api *api;
    struct bl_train *handle;    /* by bl_train_setup_start() */
};

int bl_train_setup(struct bl_train_setup *setup,
                   const struct bl_train_wish *wish, struct bl_err *err);
/* Opens libtorch; after the choice of what is frozen.  BL_DATA when there is
 * none. */
int bl_train_setup_start(struct bl_train_setup *setup,
                         const struct bl_train_settings *settings,
                         struct bl_err *err);
void bl_train_setup_free(struct bl_train_setup *setup);

#endif
