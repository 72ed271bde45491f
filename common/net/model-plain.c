/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/model-plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "model/rows.h"
#include "net/int8.h"
#include "net/quantize.h"

static void expand_layers(const struct bl_shape *shape, struct bl_bert *tower,
                          struct bl_arena *arena)
{
    struct bl_layer *layers = bl_arena_alloc(arena, shape->layers,
                                             sizeof *layers);

    memcpy(layers, tower->layers, shape->layers * sizeof *layers);
    tower->layers = layers;
    for (size_t i = 0; i < shape->layers * BL_LINEARS; i++) {
        struct bl_linear *linear = bl_layer_linear(
            &layers[i / BL_LINEARS], (enum bl_linear_number)(i % BL_LINEARS));
        float *w = bl_arena_alloc(arena, linear->out, linear->in * sizeof *w);

        bl_int8_unpack(linear->int8, w);
        linear->w = w;
        linear->int8 = NULL;
    }
}

static void expand_words(const struct bl_shape *shape, struct bl_bert *tower,
                         struct bl_arena *arena)
{
    float *all = bl_arena_alloc(arena, shape->vocab,
                                shape->hidden * sizeof *all);

    bl_rows_all(&tower->words, shape->vocab, shape->hidden, all);
    tower->words.f32 = all;
}

/* The towers of a family have the same words. */
static bool same_words(const struct bl_rows *rows, const struct bl_rows *b)
{
    return rows->f16 == b->f16 && rows->int8 == b->int8;
}

struct bl_model *bl_model_plain(const struct bl_model *model, bool words)
{
    struct bl_model *p = bl_xmemdup(model, sizeof *model);
    struct bl_arena *arena = p->memory = BL_NEW(struct bl_arena);

    p->int8 = false;
    for (size_t i = 0; i < model->n_towers; i++) {
        struct bl_bert *tower = &p->towers[i];

        if (model->int8)
            expand_layers(&model->shape, tower, arena);
        if (!words || tower->words.f32)
            continue;
        /* Two towers of one vocabulary table share its floats, which are the
         * largest part of a small model. */
        if (i && same_words(&tower->words, &model->towers[0].words))
            tower->words = p->towers[0].words;
        else
            expand_words(&model->shape, tower, arena);
    }
    if (model->n_towers == 1)
        p->towers[1] = p->towers[0];
    return p;
}

void bl_model_plain_free(struct bl_model *plain)
{
    if (!plain)
        return;
    bl_arena_free(plain->memory);
    free(plain->memory);
    free(plain);
}
