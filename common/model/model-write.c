/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "json/writer.h"

int bl_model_put_file(const char *dir, const char *name,
                      const struct bl_buf *text, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    struct bl_newfile *file = bl_newfile_open(path, 0, err);
    int rc = -1;

    free(path);
    if (!file)
        return -1;
    if (bl_newfile_write(file, text->data ? text->data : "", text->len,
                         err) < 0)
        bl_newfile_abort(file);
    else
        rc = bl_newfile_commit(file, err);
    return rc;
}

/* ---- blink.json ---- */

/* What was not said is left out: NULL, 0, and -1 of a flag. */
static void write_text(struct bl_writer *json, const char *key,
                       const char *value)
{
    if (value)
        bl_write_string(json, key, value);
}

static void write_size(struct bl_writer *json, const char *key, size_t value)
{
    if (value)
        bl_write_size(json, key, value);
}

static void write_flag(struct bl_writer *json, const char *key, int value)
{
    if (value >= 0)
        bl_write_bool(json, key, value != 0);
}

static void write_tags(struct bl_writer *json, const char *const *tags)
{
    bl_write_array(json, "tags");
    for (size_t i = 0; i < 3; i++)
        bl_write_string(json, NULL, tags[i]);
    bl_write_end(json);
}

static void write_prompts(struct bl_writer *json,
                          const struct bl_model_config *config)
{
    const char *mention = config->mention_prompt;
    const char *entity = config->entity_prompt;

    if (!(mention && *mention) && !(entity && *entity))
        return;
    bl_write_object(json, "prompts");
    write_text(json, "mention", mention);
    write_text(json, "entity", entity);
    bl_write_end(json);
}

/* What was said, and of it what the role has a use for. */
void bl_model_put_blink(struct bl_buf *out,
                        const struct bl_model_config *config)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_INDENTED);
    bool bi = config->role == BL_ROLE_BI_ENCODER;

    bl_write_object(&json, NULL);
    bl_write_size(&json, "format", 1);
    write_text(&json, "role", bl_role_name(config->role));
    if (config->has_layout)
        write_text(&json, "layout", bl_layout_name(config->layout));
    write_size(&json, "towers", bi ? config->towers : 0);
    if (bi && config->has_pooling)
        write_text(&json, "pooling", config->pooling == BL_POOL_CLS ? "cls"
                   : "mean");
    if (bi)
        write_flag(&json, "normalize", config->normalize);
    write_size(&json, "context_length", config->context_length);
    write_size(&json, "entity_length", config->entity_length);
    write_size(&json, "pair_length", config->pair_length);
    write_size(&json, "mention_length", config->mention_length);
    if (config->mention_ends)
        write_text(&json, "mention_pooling", "ends");
    write_flag(&json, "lowercase", config->lowercase);
    write_flag(&json, "literal_specials", config->literal);
    write_flag(&json, "names", bi && config->names ? 1 : -1);
    if (bi)
        write_prompts(&json, config);
    if (config->has_tags)
        write_tags(&json, config->tags);
    if (config->role == BL_ROLE_TAGGER)
        write_text(&json, "space", config->space);
    write_text(&json, "licence", config->licence);
    write_text(&json, "training", config->training);
    bl_write_end(&json);
    bl_write_line(&json);
}

/* ---- config.json ---- */

static void write_labels(struct bl_writer *json, const char *const *labels,
                         size_t n)
{
    char number[24];

    bl_write_object(json, "id2label");
    for (size_t i = 0; i < n; i++) {
        snprintf(number, sizeof number, "%zu", i);
        bl_write_string(json, number, labels[i]);
    }
    bl_write_end(json);
}

void bl_model_put_config(struct bl_buf *out, const struct bl_shape *shape,
                         double epsilon, const char *const *labels,
                         size_t n_labels)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_INDENTED);

    bl_write_object(&json, NULL);
    bl_write_string(&json, "model_type", "bert");
    bl_write_string(&json, "hidden_act",
                    bl_activation_name(shape->activation));
    bl_write_size(&json, "hidden_size", shape->hidden);
    bl_write_size(&json, "intermediate_size", shape->inner);
    bl_write_double(&json, "layer_norm_eps", epsilon, 9);
    bl_write_size(&json, "max_position_embeddings", shape->positions);
    bl_write_size(&json, "num_attention_heads", shape->heads);
    bl_write_size(&json, "num_hidden_layers", shape->layers);
    bl_write_size(&json, "type_vocab_size", shape->types);
    bl_write_size(&json, "vocab_size", shape->vocab);
    if (n_labels)
        write_labels(&json, labels, n_labels);
    bl_write_end(&json);
    bl_write_line(&json);
}
