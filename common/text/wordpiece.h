/* SPDX-License-Identifier: MIT */
/*
 * wordpiece: a BERT vocabulary, and text turned into its token ids.
 *
 *     struct bl_wordpiece_opts o = { .lowercase = true,
 *         .tags = { "[unused0]", "[unused1]", "[unused2]" } };
 *     struct bl_wordpiece *wp = bl_wordpiece_open("m/vocab.txt", &o, &err);
 *     n = bl_wordpiece_ids(wp, text, BL_LITERAL_NONE, ids, 128, &cut);
 *     bl_wordpiece_close(wp);
 *
 * Words come from words.h; each is cut into the longest pieces of the
 * vocabulary from its start ("play", "##ing"), or becomes [UNK] when that
 * fails or when it has more than 100 characters.  [CLS] and [SEP] are not
 * added (input.h does).  The vocabulary owns a cache of words that it has
 * seen, so one bl_wordpiece is for one thread at a time.
 */
#ifndef BL_WORDPIECE_H
#define BL_WORDPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

struct bl_wordpiece;

struct bl_wordpiece_opts {
    bool lowercase;             /* lower case, no accents (BERT uncased) */
    const char *tags[3];        /* mention start, mention end, title; NULL:
                                 * the model has no such tag */
};

struct bl_specials {
    int32_t pad, unk, cls, sep;
    int32_t mask;               /* -1 when the vocabulary has no [MASK] */
    int32_t tags[3];            /* -1 where opts->tags is NULL */
};

/* Whether "[SEP]" typed in a text is the special token, as in the original
 * (its quirk: case matters, anywhere in the text), or plain characters. */
enum bl_literal {
    BL_LITERAL_NONE = 0,
    BL_LITERAL_SPECIALS = 1,    /* [UNK] [SEP] [PAD] [CLS] [MASK] */
    BL_LITERAL_TAGS = 2         /* the tags too (BLINK's cross-encoder) */
};

/* Reads vocab.txt: one token a line, the id is the line's number from 0.
 * NULL with BL_DATA naming the line for: a duplicate, CR LF, a byte order
 * mark, a NUL, invalid UTF-8, a token above 1000 bytes; and for a
 * vocabulary without [PAD] [UNK] [CLS] [SEP] or one of the tags asked for. */
struct bl_wordpiece *bl_wordpiece_open(const char *path,
                                       const struct bl_wordpiece_opts *opts,
                                       struct bl_err *err);
void bl_wordpiece_close(struct bl_wordpiece *wp);       /* NULL is fine */

/* Tokens in the vocabulary. */
size_t bl_wordpiece_size(const struct bl_wordpiece *wp);
/* 0 when the vocabulary has that many tokens; else -1 with BL_DATA and both
 * numbers. */
int bl_wordpiece_check_size(const struct bl_wordpiece *wp, size_t rows,
                            struct bl_err *err);
const struct bl_specials *bl_wordpiece_specials(const struct bl_wordpiece *);
/* The token's text, borrowed until close; id must be below the size. */
struct bl_span bl_wordpiece_token(const struct bl_wordpiece *wp, int32_t id);
/* The id of exactly this token ("##ing"), or -1. */
int32_t bl_wordpiece_find(const struct bl_wordpiece *wp,
                          struct bl_span token);

/* Writes the ids of VALID UTF-8 text to ids[0..max) and returns how many;
 * *cut (may be NULL) tells whether more would have followed.  Reads no
 * further than it must.  literal: enum bl_literal, or-ed. */
size_t bl_wordpiece_ids(struct bl_wordpiece *wp, struct bl_span text,
                        unsigned literal, int32_t *ids, size_t max,
                        bool *cut);

/* The bytes of the text that an id stands for, end exclusive. */
struct bl_piece {
    size_t start, end;
};

/* As bl_wordpiece_ids(), with the place of each id in pieces[0..max).  A
 * character that two pieces share, each having a part of what it is read as,
 * is in both. */
size_t bl_wordpiece_places(struct bl_wordpiece *wp, struct bl_span text,
                           unsigned literal, int32_t *ids,
                           struct bl_piece *pieces, size_t max, bool *cut);

/* The same as bl_wordpiece_ids(), but the LAST max ids of the text. */
size_t bl_wordpiece_last_ids(struct bl_wordpiece *wp, struct bl_span text,
                             unsigned literal, int32_t *ids, size_t max,
                             bool *cut);

BL_END_DECLS

#endif
