/* SPDX-License-Identifier: MIT */
/*
 * input: the token sequences that encoders and cross-encoders are given.
 *
 *     struct bl_input in = BL_INPUT_INIT;
 *     bl_input_context(&in, wp, &spec, &mention);
 *     bl_batch_add(&batch, in.ids, in.segments, in.positions, in.n);
 *     bl_input_free(&in);
 *
 * layout "blink" (facebookresearch/BLINK, blink/biencoder/data_process.py
 * and crossencoder/data_process.py, S = start, E = end, T = title tag):
 *     context    [CLS] left S mention E right [SEP]
 *     entity     [CLS] title T text [SEP]
 *     pair       the context, then the entity without its [CLS]
 * The context is windowed around the mention: each side gets half of what is
 * left, and what one side does not need goes to the other.  The entity keeps
 * its start.  A pair has segment 1 for the entity, and the entity's
 * positions begin at context_length however short the context is, because
 * the original pads the context there.
 *
 * layout "plain" (encoders that never saw the tags):
 *     context    [CLS] mention [SEP]
 *     entity     [CLS] title [SEP]       without a title: its text
 *     pair       [CLS] mention : left mention right [SEP] title . text [SEP]
 *
 * layout "reranker" (BLINK's first cross-encoder, candidate_ranking/
 * bert_reranking.py), with N = (pair_length - 3) / 2:
 *     pair       [CLS] left S mention E right [SEP] text [SEP]
 * Context and text have at most N tokens each, and each side of the mention
 * half of what it leaves of N, whatever the other side needs.  Positions run
 * on; titles are not read.  Context and entity alone are the pair's parts.
 *
 * layout "full" (encoders that learn to link and begin as one of those): as
 * "plain", but with everything in the single sequences too:
 *     context    [CLS] mention : left mention right [SEP]
 *     entity     [CLS] title . text [SEP]
 *
 * The plain context and entity are names and nothing else, because that is
 * what an untrained sentence encoder (all-MiniLM-L6-v2) links best by: over
 * 12,000 entities and 1,135 mentions it finds 78 % at rank 1 and 92 % among
 * ten; with 16 words of context 57 and 85 %, with 32 words of the entity's
 * text 52 and 86 %, with both 43 and 74 %.
 *
 * A prompt (bl_input_spec) stands behind the [CLS] of a single sequence, and
 * the rest has as many tokens less.
 *
 * Sequences are never padded.  A typed "[PAD]" with literal specials is a
 * token that the original masks out (but in layout "reranker"): it is left
 * out here, and leaves a gap in positions.
 *
 * Where the original stops with an AssertionError (a mention of more than
 * length - 4 tokens, or a mention that leaves no room for the context on
 * both sides) the mention is cut at its end, or the context to the room that
 * there is.  bl_input.cut says what was left out.
 */
#ifndef BL_INPUT_H
#define BL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"
#include "text/wordpiece.h"

BL_BEGIN_DECLS

enum bl_layout { BL_LAYOUT_BLINK, BL_LAYOUT_PLAIN, BL_LAYOUT_RERANKER,
                 BL_LAYOUT_FULL };

/* Lengths outside these bounds are taken as the nearest. */
enum { BL_INPUT_MIN_CONTEXT = 4, BL_INPUT_MIN_ENTITY = 2,
       BL_INPUT_MAX_LENGTH = 65536 };

/* Does it use the three tag tokens of the vocabulary? */
bool bl_layout_tagged(enum bl_layout layout);

/* How a model wants its input; filled by the model directory's reader. */
struct bl_input_spec {
    enum bl_layout layout;
    size_t context_length;      /* tokens with [CLS] and [SEP] */
    size_t entity_length;
    size_t pair_length;         /* a pair is cut to it; 0: no limit */
    unsigned literal;           /* enum bl_literal */
    bool lower_first;           /* mention and its context go through
                                 * str.lower() before anything else, as
                                 * BLINK's main_dense does: a typed "[SEP]"
                                 * is then no special token there */
    /* What an encoder was trained to find before every mention, "query: ", and
     * before every entity; NULL: nothing.  Not in pairs. */
    const char *mention_prompt, *entity_prompt;
};

/* What the original's lengths are where nothing else is known. */
#define BL_INPUT_SPEC_BLINK \
    { BL_LAYOUT_BLINK, 32, 128, 160, BL_LITERAL_SPECIALS, true, NULL, NULL }

struct bl_mention {
    struct bl_span left, text, right;   /* empty text: no tags */
};

struct bl_entity_text {
    struct bl_span title, text;
    bool has_title;             /* false: no title and no title tag */
};

/* What was left out; or-ed in bl_input.cut. */
enum bl_cut {
    BL_CUT_LEFT = 1, BL_CUT_MENTION = 2, BL_CUT_RIGHT = 4,
    BL_CUT_TITLE = 8, BL_CUT_TEXT = 16
};

struct bl_input {
    size_t n;                   /* tokens */
    int32_t *ids;               /* [n] */
    int32_t *segments;          /* [n] 0 or 1 */
    int32_t *positions;         /* [n] rising */
    unsigned cut;               /* enum bl_cut */
    size_t cap;
    int32_t *scratch;           /* room for the parts */
    size_t scratch_cap;
    struct bl_buf lower;
};

#define BL_INPUT_INIT { 0 }

/* Each replaces what *in held; its memory is re-used.  Cannot fail: any text
 * gives a sequence of at least [CLS] [SEP].  All text is VALID UTF-8. */
void bl_input_context(struct bl_input *in, struct bl_wordpiece *wp,
                      const struct bl_input_spec *spec,
                      const struct bl_mention *mention);
void bl_input_entity(struct bl_input *in, struct bl_wordpiece *wp,
                     const struct bl_input_spec *spec,
                     const struct bl_entity_text *entity);
void bl_input_pair(struct bl_input *in, struct bl_wordpiece *wp,
                   const struct bl_input_spec *spec,
                   const struct bl_mention *mention,
                   const struct bl_entity_text *entity);
void bl_input_free(struct bl_input *in);

BL_END_DECLS

#endif
