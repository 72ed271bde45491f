/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tensor/half.h"
#include "json/json.h"
#include "base/mem.h"
#include "model/model-family.h"
#include "base/newdir.h"
#include "tensor/safetensors-write.h"

int bl_model_put_file(const char *dir, const char *name,
                      const struct bl_buf *text, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    struct bl_newfile *f = bl_newfile_open(path, 0, err);
    int rc = -1;

    free(path);
    if (!f)
        return -1;
    if (bl_newfile_write(f, text->data ? text->data : "", text->len,
                         err) < 0)
        bl_newfile_abort(f);
    else
        rc = bl_newfile_commit(f, err);
    return rc;
}

/* ---- blink.json ---- */

static void put_text(struct bl_buf *b, const char *key, const char *value)
{
    if (!value)
        return;
    bl_buf_printf(b, ",\n  \"%s\": ", key);
    bl_json_put_string(b, value, strlen(value));
}

static void put_size(struct bl_buf *b, const char *key, size_t value)
{
    if (value)
        bl_buf_printf(b, ",\n  \"%s\": %zu", key, value);
}

static void put_bool(struct bl_buf *b, const char *key, int value)
{
    if (value >= 0)
        bl_buf_printf(b, ",\n  \"%s\": %s", key, value ? "true" : "false");
}

static void put_tags(struct bl_buf *b, const char *const *tags)
{
    bl_buf_puts(b, ",\n  \"tags\": [");
    for (size_t i = 0; i < 3; i++) {
        bl_buf_puts(b, i ? ", " : "");
        bl_json_put_string(b, tags[i], strlen(tags[i]));
    }
    bl_buf_putc(b, ']');
}

void bl_model_put_blink(struct bl_buf *b, const struct bl_model_config *c)
{
    bool bi = c->role == BL_ROLE_BI_ENCODER;

    bl_buf_puts(b, "{\n  \"format\": 1");
    put_text(b, "role", bl_role_name(c->role));
    if (c->has_layout)
        put_text(b, "layout", bl_layout_name(c->layout));
    put_size(b, "towers", bi ? c->towers : 0);
    if (bi && c->has_pooling)
        put_text(b, "pooling", c->pooling == BL_POOL_CLS ? "cls" : "mean");
    if (bi)
        put_bool(b, "normalize", c->normalize);
    put_size(b, "context_length", c->context_length);
    put_size(b, "entity_length", c->entity_length);
    put_size(b, "pair_length", c->pair_length);
    put_bool(b, "lowercase", c->lowercase);
    put_bool(b, "literal_specials", c->literal);
    put_bool(b, "names", bi && c->names ? 1 : -1);
    if (c->has_tags)
        put_tags(b, c->tags);
    put_text(b, "licence", c->licence);
    put_text(b, "training", c->training);
    bl_buf_puts(b, "\n}\n");
}

/* ---- config.json ---- */

static void put_labels(struct bl_buf *b, const char *const *labels,
                       size_t n)
{
    bl_buf_puts(b, ",\n  \"id2label\": {");
    for (size_t i = 0; i < n; i++) {
        bl_buf_printf(b, "%s\n    \"%zu\": ", i ? "," : "", i);
        bl_json_put_string(b, labels[i], strlen(labels[i]));
    }
    bl_buf_puts(b, "\n  }");
}

void bl_model_put_config(struct bl_buf *b, const struct bl_shape *s,
                         const char *const *labels, size_t n_labels)
{
    bl_buf_printf(b, "{\n  \"model_type\": \"bert\",\n"
                  "  \"hidden_act\": \"gelu\",\n  \"hidden_size\": %zu,\n"
                  "  \"intermediate_size\": %zu,\n  \"layer_norm_eps\": ",
                  s->hidden, s->inner);
    bl_json_put_float(b, s->epsilon);
    bl_buf_printf(b, ",\n  \"max_position_embeddings\": %zu,\n"
                  "  \"num_attention_heads\": %zu,\n"
                  "  \"num_hidden_layers\": %zu,\n"
                  "  \"type_vocab_size\": %zu,\n  \"vocab_size\": %zu",
                  s->positions, s->heads, s->layers, s->types, s->vocab);
    if (n_labels)
        put_labels(b, labels, n_labels);
    bl_buf_puts(b, "\n}\n");
}
