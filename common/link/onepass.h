/* SPDX-License-Identifier: MIT */
/*
 * onepass: the mentions of texts and their entities, by a model that reads a
 * text once for both (BLINK's ELQ).
 *
 *     struct bl_onepass_opts opts = BL_ONEPASS_OPTS_DEFAULT;
 *     struct bl_onepass *o = bl_onepass_new(model, encoder, gather, &opts,
 *                                           &err);
 *     struct bl_onepass_text text = { .text = question };
 *     bl_onepass_read(o, &text, 1, &arena, &err);
 *     for (size_t i = 0; i < text.n; i++) ... text.v[i] ...
 *     bl_onepass_free(o);
 *
 * A text is cut after as many tokens as the model reads, as ELQ does it, or
 * read in windows of so many, each beginning where the last quarter of the
 * one before does; memory then grows with what is found, not with the text.
 * Which runs of tokens may be mentions is spans.h's, which of them are is
 * joint.h's.
 */
#ifndef BL_ONEPASS_H
#define BL_ONEPASS_H

#include <stdbool.h>
#include <stddef.h>

#include "link/gather.h"
#include "link/joint.h"
#include "ner/elq-window.h"
#include "net/encoder.h"

struct bl_onepass_opts {
    size_t tokens;              /* of a window, [CLS] and [SEP] among them; 0:
                                 * as the model says */
    size_t mentions;            /* most runs that are looked up, a window */
    bool windows;               /* read all of a text */
    bool specials;              /* mentions of [CLS] or [SEP] alone, too */
    struct bl_joint_opts joint;
};

#define BL_ONEPASS_OPTS_DEFAULT \
    { .mentions = 50, .joint = { .threshold = -4.5 } }

struct bl_onepass_mention {
    size_t start, end;          /* bytes of the text, end exclusive; empty for
                                 * specials */
    long first, last;           /* tokens of the text, end exclusive, from 0;
                                 * -1 is [CLS] */
    double logit, joint;        /* as joint.h has them */
    const float *vector;        /* [dim] */
    struct bl_candidates list;  /* best first; p is set */
};

struct bl_onepass_text {
    struct bl_span text;        /* valid UTF-8; borrowed */
    /* Of a labelled text, for ELQ's window around its mentions (elq-window.h);
     * NULL: none. */
    struct bl_bounds *gold;
    size_t n_gold;
    /* What comes out; in the arena. */
    struct bl_onepass_mention *v;
    size_t n;
    size_t seen;                /* bytes of the text that were read */
    bool cut;                   /* more would have followed */
    struct bl_err err;          /* err.code != BL_OK: it failed, alone */
};

struct bl_onepass;

/* All are borrowed until bl_onepass_free().  NULL: BL_DATA when the model does
 * not find mentions, or the index is of another model; BL_USAGE for more
 * tokens than the model has positions. */
struct bl_onepass *bl_onepass_new(const struct bl_model *model,
                                  struct bl_encoder *encoder,
                                  struct bl_gather *gather,
                                  const struct bl_onepass_opts *opts,
                                  struct bl_err *err);
void bl_onepass_free(struct bl_onepass *onepass);       /* NULL: nothing */

/* The tokens of a text, as it reads them, without [CLS] and [SEP], in the
 * arena; returns how many. */
size_t bl_onepass_tokens(struct bl_onepass *onepass, struct bl_span text,
                         struct bl_arena *arena, int32_t **ids);

/* Sets v, n, seen, cut and err of texts[n].  -1 when nothing can be read any
 * more. */
int bl_onepass_read(struct bl_onepass *onepass, struct bl_onepass_text *texts,
                    size_t n, struct bl_arena *arena, struct bl_err *err);

#endif
