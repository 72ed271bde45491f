/* SPDX-License-Identifier: MIT */
/*
 * nearest: the known word that a mistyped one most likely means.
 *
 *     struct bl_nearest nearest = { .word = "fsat" };
 *     bl_nearest_try(&nearest, "fast");
 *     bl_nearest_try(&nearest, "force");
 *     if (*nearest.best)
 *         ... "did you mean 'fast'?" ...
 *
 * Near is what a few slips of the hand make (a letter too many, too few,
 * wrong, or two swapped; case does not count) and what the word is the
 * beginning of.  The nearest wins, and of equals the first one tried.
 */
#ifndef BL_NEAREST_H
#define BL_NEAREST_H

#include <stddef.h>

#include "base/decls.h"

BL_BEGIN_DECLS

enum { BL_NEAREST_MAX = 64 };   /* bytes of a word; longer ones are not near */

struct bl_nearest {
    const char *word;           /* what was typed */
    char best[BL_NEAREST_MAX];  /* "": nothing is near */
    size_t slips;               /* between the two */
};

/* Takes the known word for the best if it is nearer than those before. */
void bl_nearest_try(struct bl_nearest *nearest, const char *known);

BL_END_DECLS

#endif
