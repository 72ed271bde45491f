/* SPDX-License-Identifier: MIT */
/*
 * model-family: a folder of small models that share their words.
 *
 *     FAMILY/words.safetensors     embeddings.word_embeddings.weight, in
 *                                  F32, F16 or BF16 [V][H]; or in 8 bits:
 *                                  .weight.int8 I8 [V][H] times
 *                                  .weight.scales F32 [V]
 *     FAMILY/vocab.txt
 *     FAMILY/bi, cross, ner        a model directory for each role, or some
 *
 * A model directory without word vectors or vocab.txt of its own has those of
 * the folder above it.  No file says where they are, so a family may be
 * copied anywhere, and nothing in it reaches beyond it.
 */
#ifndef BL_MODEL_FAMILY_H
#define BL_MODEL_FAMILY_H

#include <stdbool.h>

#include "base/err.h"
#include "model/role.h"

/* "bi", "cross", "ner"; static storage. */
const char *bl_family_folder(enum bl_role role);

/* Whether dir holds models, being none itself. */
bool bl_family_is(const char *dir);

/* The folder of that role in a family; NULL when dir is none or has no such
 * part.  Caller frees. */
char *bl_family_part(const char *dir, enum bl_role role);

/* Whether the model in dir is part of one: its vocab.txt is that of the folder
 * above. */
bool bl_family_member(const char *dir);

/* A model directory's file: its own, else that of the folder above, else
 * (neither is there) the name of its own.  Caller frees. */
char *bl_family_file(const char *dir, const char *name);

#endif
