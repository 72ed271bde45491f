/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "json/writer.h"
#include "base/mem.h"

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

/* What was not said is left out: NULL, 0, and -1 of a flag. */
static void write_text(struct bl_writer *w, const char *key,
                       const char *value)
{
    if (value)
        bl_write_string(w, key, value);
}

static void write_size(struct bl_writer *w, const char *key, size_t value)
{
    if (value)
        bl_write_size(w, key, value);
}

static void write_flag(struct bl_writer *w, const char *key, int value)
{
    if (value >= 0)
        bl_write_bool(w, key, value != 0);
}

static void write_tags(struct bl_writer *w, const char *const *tags)
{
    bl_write_array(w, "tags");
    for (size_t i = 0; i < 3; i++)
        bl_write_string(w, NULL, tags[i]);
    bl_write_end(w);
}

void bl_model_put_blink(struct bl_buf *b, const struct bl_model_config *c)
{
    struct bl_writer w = bl_writer(b, BL_WRITE_INDENTED);
    bool bi = c->role == BL_ROLE_BI_ENCODER;

    bl_write_object(&w, NULL);
    bl_write_size(&w, "format", 1);
    write_text(&w, "role", bl_role_name(c->role));
    if (c->has_layout)
        write_text(&w, "layout", bl_layout_name(c->layout));
    write_size(&w, "towers", bi ? c->towers : 0);
    if (bi && c->has_pooling)
        write_text(&w, "pooling", c->pooling == BL_POOL_CLS ? "cls"
                   : "mean");
    if (bi)
        write_flag(&w, "normalize", c->normalize);
    write_size(&w, "context_length", c->context_length);
    write_size(&w, "entity_length", c->entity_length);
    write_size(&w, "pair_length", c->pair_length);
    write_flag(&w, "lowercase", c->lowercase);
    write_flag(&w, "literal_specials", c->literal);
    write_flag(&w, "names", bi && c->names ? 1 : -1);
    if (c->has_tags)
        write_tags(&w, c->tags);
    write_text(&w, "licence", c->licence);
    write_text(&w, "training", c->training);
    bl_write_end(&w);
    bl_write_line(&w);
}

/* ---- config.json ---- */

static void write_labels(struct bl_writer *w, const char *const *labels,
                         size_t n)
{
    char number[24];

    bl_write_object(w, "id2label");
    for (size_t i = 0; i < n; i++) {
        snprintf(number, sizeof number, "%zu", i);
        bl_write_string(w, number, labels[i]);
    }
    bl_write_end(w);
}

void bl_model_put_config(struct bl_buf *b, const struct bl_shape *s,
                         double epsilon, const char *const *labels,
                         size_t n_labels)
{
    struct bl_writer w = bl_writer(b, BL_WRITE_INDENTED);

    bl_write_object(&w, NULL);
    bl_write_string(&w, "model_type", "bert");
    bl_write_string(&w, "hidden_act", "gelu");
    bl_write_size(&w, "hidden_size", s->hidden);
    bl_write_size(&w, "intermediate_size", s->inner);
    bl_write_double(&w, "layer_norm_eps", epsilon, 9);
    bl_write_size(&w, "max_position_embeddings", s->positions);
    bl_write_size(&w, "num_attention_heads", s->heads);
    bl_write_size(&w, "num_hidden_layers", s->layers);
    bl_write_size(&w, "type_vocab_size", s->types);
    bl_write_size(&w, "vocab_size", s->vocab);
    if (n_labels)
        write_labels(&w, labels, n_labels);
    bl_write_end(&w);
    bl_write_line(&w);
}
