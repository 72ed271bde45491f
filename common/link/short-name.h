/* SPDX-License-Identifier: MIT */
/*
 * short-name: whether one name may be the short form of another.
 *
 *     bl_short_of(bl_span_of("cook"), bl_span_of("tim cook"))
 *         == BL_SHORT_END
 *
 * Both are normal forms (fold.h), without a leading article
 * (bl_short_name()).  A name is a short form when its words stand together,
 * in their order, in a longer one.  Where they stand says much: "Cook" is Tim
 * Cook, but "Hesse" is not Louis of Hesse, nor "Spanish" the Spanish-American
 * War.
 */
#ifndef BL_SHORT_NAME_H
#define BL_SHORT_NAME_H

#include "base/buf.h"
#include "base/decls.h"

BL_BEGIN_DECLS

enum bl_short {
    BL_SHORT_NONE,              /* no short form */
    BL_SHORT_END,               /* "cook", "tim cook" */
    BL_SHORT_OF,                /* at the end, behind a comma or a word such as
                                 * "of": "hesse", "louis of hesse" */
    BL_SHORT_HEAD,              /* at the start, before one: "bank", "bank of
                                 * england" */
    BL_SHORT_START,             /* at the start: "real", "real madrid" */
    BL_SHORT_INSIDE             /* "king", "martin luther king day" */
};

/* Appends the normal form of a mention without "the " before it.  Nothing
 * where the mention has no visible character. */
void bl_short_name(struct bl_buf *out, struct bl_span mention);

/* How `name` is a short form of `whole`.  None of nothing but articles and
 * prepositions is one. */
enum bl_short bl_short_of(struct bl_span name, struct bl_span whole);

BL_END_DECLS

#endif
