/* SPDX-License-Identifier: MIT */
/*
 * examples: labelled mentions to train on or to measure with, and the texts
 * of the entities that they name, in memory.
 *
 *     struct bl_examples_opts o = { .kb = kb, .max_others = 8 };
 *     struct bl_examples *x = bl_examples_read("train.jsonl", &o, &err);
 *     ... x->v[i].mention, x->entities[x->v[i].gold] ...
 *     bl_examples_free(x);
 *
 * A record is a mention with `label_id`.  With a catalogue, entities are
 * looked up there by their ids; without one, the gold's text is the record's
 * `label` and its title `label_title`, as in BLINK's training files.  Other
 * entities of a record (hard negatives, the list to choose from) are its
 * `negatives`, an array of ids or of objects with "id" or with "title" and
 * "text", and its `candidates`, as blink-retrieve writes them, in this order.
 *
 * An entity is stored once and known by its number; the same id (without a
 * catalogue: the same title and text) is the same number.  Records without a
 * label, or whose entity the catalogue lacks, are left out and counted.
 */
#ifndef BL_EXAMPLES_H
#define BL_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kb/kb.h"
#include "text/input.h"

struct bl_example {
    struct bl_mention mention;
    uint32_t gold;              /* number of an entity */
    uint32_t from, n;           /* others[from, from + n): without the gold,
                                 * each once */
    int32_t gold_place;         /* where the gold was in the list; -1: it
                                 * was not */
};

struct bl_examples_opts {
    struct bl_kb *kb;           /* borrowed; NULL: none */
    size_t max_others;          /* of each record, at most; the first ones */
};

struct bl_examples {
    struct bl_example *v;
    size_t n;
    struct bl_entity_text *entities;    /* texts in memory */
    int64_t *rows;              /* of the entities in the catalogue, or -1 */
    size_t n_entities;
    uint32_t *others;
    size_t n_others;
    size_t unlabelled, unknown; /* records left out */
    char digest[17];            /* of the file's bytes */
    struct bl_kb *kb;
    struct bl_arena memory;     /* private, like what follows */
    uint32_t *slots;
    size_t mask, cap, cap_entities, cap_others;
};

/* NULL: BL_DATA with the file and line of the first record that is wrong. */
struct bl_examples *bl_examples_read(const char *path,
                                     const struct bl_examples_opts *opts,
                                     struct bl_err *err);
void bl_examples_free(struct bl_examples *x);   /* NULL: nothing */

/* The number of the entity in a row of the catalogue, which is read when it
 * is new. */
int bl_examples_row(struct bl_examples *x, int64_t row, uint32_t *number,
                    struct bl_err *err);

/* Appends the example as a mention record with its gold's title and text. */
void bl_example_put(struct bl_buf *out, const struct bl_examples *x,
                    size_t i);

#endif
