/* SPDX-License-Identifier: MIT */
/*
 * tagger: mentions found by a model that tags words.
 *
 *     struct bl_tagger *t = bl_tagger_open("mini-ner", &engine, &err);
 *     bl_doc_set(&doc, text);
 *     bl_tagger_find(t, &doc, &found, &err);
 *     bl_tagger_close(t);
 *
 * A document goes through the model in windows of as many tokens as it was
 * trained on (context_length), each beginning where the last quarter of the
 * one before does; what both have seen is taken from the one that has more
 * around it.  No mention goes across an empty line or a line break that parts
 * (doc.h).  A mention's score is the least probability of its words' tags.
 */
#ifndef BL_TAGGER_H
#define BL_TAGGER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ner/dictionary.h"
#include "net/encoder.h"
#include "text/doc.h"

struct bl_tagger;

/* NULL with BL_DATA when the model is no tagger, or has labels that are not
 * O, B-TYPE and I-TYPE. */
struct bl_tagger *bl_tagger_open(const char *name,
                                 const struct bl_engine_opts *opts,
                                 struct bl_err *err);
void bl_tagger_close(struct bl_tagger *tagger);      /* NULL: nothing */

/* A one-pass model also gives each mention the vector that a bi-encoder would
 * give it, from what it has read already.  Numbers of a vector; 0: it gives
 * none. */
size_t bl_tagger_dim(const struct bl_tagger *tagger);

/* The bi-encoder's fingerprint, borrowed, and whether it wants names looked up
 * (model.h). */
const char *bl_tagger_space(const struct bl_tagger *tagger);
bool bl_tagger_names(const struct bl_tagger *tagger);

/* out[dim]: that of bytes [start, end) of the document that was given to
 * bl_tagger_find() last.  False when there is none: no word in there, words
 * too far in (memory is bounded: 32,768 words), or no finite numbers. */
bool bl_tagger_vector(struct bl_tagger *tagger, const struct bl_doc *doc,
                      size_t start, size_t end, float *out);

/* The model's engine, as bl_encoder_describe() says. */
const char *bl_tagger_describe(const struct bl_tagger *tagger);

/* Sets out->n mentions, in the order of the text, with score and type
 * (borrowed from the tagger); row is -1. */
int bl_tagger_find(struct bl_tagger *tagger, const struct bl_doc *doc,
                   struct bl_founds *out, struct bl_err *err);

#endif
