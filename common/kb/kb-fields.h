/* SPDX-License-Identifier: MIT */
/*
 * kb-fields: what the fields of entities are called, in records and as
 * columns of tables, here and in the catalogues of other linkers (BLINK,
 * GLiNKER, ReFinED, scispaCy, spaCy); and lists of names in one text.
 * Only kb*.c use this.
 */
#ifndef BL_KB_FIELDS_H
#define BL_KB_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "kb/kb.h"

enum bl_kb_field {
    BL_KB_ID, BL_KB_NAME, BL_KB_TEXT, BL_KB_URL, BL_KB_QID, BL_KB_TYPE,
    BL_KB_ALIASES,              /* several fields may be of this kind */
    BL_KB_COUNTS,               /* of the aliases, in their order */
    BL_KB_PRIORS,               /* the same, as probabilities */
    BL_KB_DERIVED,              /* of our own output, and not stored */
    BL_KB_UNKNOWN
};

/* What a field of that name is: capitals, blanks, '_', '-' and '.' do not
 * matter.  Of two fields of one kind the one with the lower *rank is the
 * field; only one spelled like ours has an even rank. */
enum bl_kb_field bl_kb_field_of(struct bl_span name, unsigned *rank);
/* Our own name of the field, for messages; static storage. */
const char *bl_kb_field_name(enum bl_kb_field field);
enum { BL_KB_MOST_RANKS = 256 };        /* each *rank is below this */
/* Whether that is a name of BLINK's entity.jsonl ("idx", "entity"), which
 * nobody has to be told of when the field itself is there too. */
bool bl_kb_rank_is_blinks(unsigned rank);
/* Whether that is a field of another linker. */
bool bl_kb_rank_is_foreign(unsigned rank);

/* The number after "?curid=" in a page's address; else all of it. */
struct bl_span bl_kb_page_id(struct bl_span address);

/* A class in our words: PER of "person" or Wikidata's Q5, LOC of "GPE", ORG of
 * "company", MISC of "misc"; any other as it is. */
struct bl_span bl_kb_class_of(struct bl_span type);

/* A number of JSON as the count of an alias; with `prior` it is the
 * probability that the alias means its entity, of 1,000 uses.  -1 with
 * BL_BAD_FIELD. */
int bl_kb_take_count(struct bl_span number, bool prior, int64_t *count,
                     struct bl_err *err);

/* The parts of a text between '|' and ';', without blanks around; of one in
 * brackets the strings, as JSON or Python write them.  Empty parts count only
 * with `empty`.  *parts [return value] is the arena's. */
size_t bl_kb_split(struct bl_span text, bool empty, struct bl_arena *arena,
                   struct bl_span **parts);

#endif
