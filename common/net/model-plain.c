/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/model-plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/int8.h"
#include "base/mem.h"
#include "net/quantize.h"
#include "model/rows.h"

static void expand_layers(const struct bl_shape *s, struct bl_bert *t,
                          struct bl_arena *a)
{
    struct bl_layer *layers = bl_arena_alloc(a, s->layers, sizeof *layers);

    memcpy(layers, t->layers, s->layers * sizeof *layers);
    t->layers = layers;
    for (size_t i = 0; i < s->layers * BL_LINEARS; i++) {
        struct bl_linear *l = bl_layer_linear(
            &layers[i / BL_LINEARS], (enum bl_linear_number)(i % BL_LINEARS));
        float *w = bl_arena_alloc(a, l->out, l->in * sizeof *w);

        bl_int8_unpack(l->int8, w);
        l->w = w;
        l->int8 = NULL;
    }
}

static void expand_words(const struct bl_shape *s, struct bl_bert *t,
                         struct bl_arena *a)
{
    float *all = bl_arena_alloc(a, s->vocab, s->hidden * sizeof *all);

    bl_rows_all(&t->words, s->vocab, s->hidden, all);
    t->words.f32 = all;
}

/* The towers of a family have the same words. */
static bool same_words(const struct bl_rows *a, const struct bl_rows *b)
{
    return a->f16 == b->f16 && a->int8 == b->int8;
}

struct bl_model *bl_model_plain(const struct bl_model *m, bool words)
{
    struct bl_model *p = bl_xmemdup(m, sizeof *m);
    struct bl_arena *a = p->memory = BL_NEW(struct bl_arena);

    p->int8 = false;
    for (size_t i = 0; i < m->n_towers; i++) {
        struct bl_bert *t = &p->towers[i];

        if (m->int8)
            expand_layers(&m->shape, t, a);
        if (!words || t->words.f32)
            continue;
        if (i && same_words(&t->words, &m->towers[0].words))
            t->words = p->towers[0].words;
        else
            expand_words(&m->shape, t, a);
    }
    if (m->n_towers == 1)
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
