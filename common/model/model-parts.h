/* SPDX-License-Identifier: MIT */
/*
 * model-parts: what model.c, model-config.c and model-bind.c share.
 *
 * model-config.c reads the small JSON files into struct bl_model_config;
 * model-bind.c finds the tensors that the shape asks for.  Everything here
 * is internal to bl_model_open().
 */
#ifndef BL_MODEL_PARTS_H
#define BL_MODEL_PARTS_H

#include "base/arena.h"
#include "base/sha256.h"
#include "model/model.h"
#include "tensor/safetensors.h"
#include "text/input.h"

/* How the weights are named, which also tells what they are for. */
enum bl_weight_names {
    BL_NAMING_BLINK_BI,         /* context_encoder.*, cand_encoder.* */
    BL_NAMING_BLINK_CROSS,      /* encoder.bert_model.* */
    BL_NAMING_BERT,             /* bert.*, perhaps classifier.* */
    BL_NAMING_BARE              /* embeddings.*, encoder.layer.* */
};

/* What the JSON files of a directory say; lengths 0 and NULL: not said. */
struct bl_model_config {
    struct bl_shape shape;
    bool has_role, has_layout, has_pooling;
    enum bl_role role;
    enum bl_layout layout;
    enum bl_pooling pooling;
    size_t context_length, entity_length, pair_length, towers;
    size_t mention_length;                  /* tokens */
    bool mention_ends;                      /* "mention_pooling": "ends" */
    int normalize, lowercase, literal;      /* -1: not said */
    int names;                              /* not said is false */
    /* Before mentions and entities; NULL: not said, "": none. */
    const char *mention_prompt, *entity_prompt;
    bool skips_prompt;                      /* 1_Pooling: include_prompt:
                                             * false */
    const char *tags[3];
    bool has_tags;
    const char *licence, *training;
    const char *space;                      /* of a tagger's vectors */
    bool classifies_texts;                  /* config.json: architectures:
                                             * ...ForSequenceClassification,
                                             * so labels are not of tokens */
    const char **labels;                    /* [n_labels], by id */
    size_t n_labels;
    struct bl_arena memory;                 /* of the strings above */
};

/* Reads config.json (required), blink.json, the sentence-transformers files
 * and BLINK's parameters; adds the bytes of each to *sum. */
int bl_model_config_read(struct bl_model_config *config, const char *dir,
                         struct bl_sha256 *sum, struct bl_err *err);

/* -1 with BL_DATA when the pooling would have to leave a prompt out. */
int bl_model_check_prompts(const struct bl_model_config *config,
                           const char *dir, struct bl_err *err);

/* As config.json calls it; static storage. */
const char *bl_activation_name(enum bl_activation activation);
/* As blink.json calls it; static storage. */
const char *bl_layout_name(enum bl_layout layout);

enum bl_weight_names
bl_model_weight_names(const struct bl_safetensors *weights);

/* Fills m->towers, n_towers, dim and n_labels from m->weights; m->shape and
 * m->role are set.  The layers' memory is m->memory, an arena. */
int bl_model_bind(struct bl_model *model, enum bl_weight_names naming,
                  struct bl_err *err);

#endif
