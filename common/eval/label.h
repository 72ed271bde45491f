/* SPDX-License-Identifier: MIT */
/*
 * label: what a record says the right answer is.
 *
 *     label_id            means
 *     "5843419", 5843419  that entity; compared by its text, blanks around
 *                         it dropped (the original takes " 12 " for 12)
 *     null                labelled: there is no such entity (NIL)
 *     absent, "", -1,     not labelled (the original writes label "unknown"
 *     "unknown", "nan"    and label_id -1)
 *
 * Data frames write integers as 4.0 once a value of the column is missing:
 * the number 4.0 is 4, and the string "4.0" is the entity "4.0" or 4.
 */
#ifndef BL_LABEL_H
#define BL_LABEL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/record.h"

BL_BEGIN_DECLS

enum bl_gold {
    BL_GOLD_NONE,               /* unlabelled: not counted */
    BL_GOLD_ENTITY,
    BL_GOLD_NIL,                /* labelled as without an entity */
    BL_GOLD_SPURIOUS            /* a record where the gold has no mention */
};

/* *id is set for BL_GOLD_ENTITY alone.  -1: BL_BAD_FIELD when label_id is
 * neither string, integer nor null. */
int bl_label_read(const struct bl_record *record, struct bl_arena *arena,
                  enum bl_gold *gold, struct bl_span *id,
                  struct bl_err *err);

/* Whether a label means the entity of that id. */
bool bl_label_is(struct bl_span label, struct bl_span id);

BL_END_DECLS

#endif
