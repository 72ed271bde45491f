/* SPDX-License-Identifier: MIT */
/* random-model: a bi-encoder of any shape, and batches for it. */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "base/arena.h"
#include "net/encoder.h"

enum { VOCAB = 50, POSITIONS = 512, LAYERS = 2 };

static const float *numbers(struct bl_arena *a, size_t n, float add)
{
    static unsigned seed = 1;
    float *p = bl_arena_alloc(a, n, sizeof *p);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (float)(seed >> 8) / (float)(1 << 24) - 0.5f + add;
    }
    return p;
}

static struct bl_linear linear(struct bl_arena *a, size_t out, size_t in)
{
    return (struct bl_linear){ .w = numbers(a, out * in, 0),
                               .b = numbers(a, out, 0), .out = out,
                               .in = in };
}

static struct bl_norm norm(struct bl_arena *a, size_t hidden)
{
    return (struct bl_norm){ numbers(a, hidden, 1), numbers(a, hidden, 0) };
}

/* A bi-encoder of one tower with random weights. */
static struct bl_model small_model(struct bl_arena *a, size_t hidden,
                                   size_t heads, size_t inner)
{
    struct bl_model m = {
        .shape = { hidden, inner, heads, LAYERS, VOCAB, POSITIONS, 1,
                   1e-12f, BL_ACT_GELU },
        .n_towers = 1, .dim = hidden, .role = BL_ROLE_BI_ENCODER
    };
    struct bl_bert *t = &m.towers[0];

    t->words.f32 = numbers(a, VOCAB * hidden, 0);
    t->positions = numbers(a, POSITIONS * hidden, 0);
    t->types = numbers(a, hidden, 0);
    t->norm = norm(a, hidden);
    t->layers = bl_arena_alloc(a, LAYERS, sizeof *t->layers);
    for (size_t i = 0; i < LAYERS; i++)
        t->layers[i] = (struct bl_layer){
            linear(a, hidden, hidden), linear(a, hidden, hidden),
            linear(a, hidden, hidden), linear(a, hidden, hidden),
            norm(a, hidden), linear(a, inner, hidden),
            linear(a, hidden, inner), norm(a, hidden)
        };
    m.towers[1] = m.towers[0];
    return m;
}

/* n sequences, the first of them of `length` tokens, each other one a token
 * shorter; after 1 it starts over. */
static struct bl_batch stairs(size_t n, size_t length)
{
    struct bl_batch b = BL_BATCH_INIT;
    int32_t ids[POSITIONS];

    for (size_t i = 0; i < n; i++) {
        size_t tokens = length - i % length;

        for (size_t k = 0; k < tokens; k++)
            ids[k] = (int32_t)((7 * i + 3 * k) % VOCAB);
        bl_batch_add(&b, ids, NULL, NULL, tokens);
    }
    return b;
}

#endif
