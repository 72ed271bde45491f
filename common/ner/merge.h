/* SPDX-License-Identifier: MIT */
/*
 * merge: the mentions of a tagger and of a dictionary as one list.
 *
 *     bl_founds_merge(text, &tagged, &named, &out);
 *
 * All that either found is there.  Of two that overlap the longer one stays,
 * of two as long the tagger's: no name beats a longer one that contains it,
 * unless that is longer by "the" alone.
 */
#ifndef BL_MERGE_H
#define BL_MERGE_H

#include "ner/dictionary.h"

/* Sets out->n mentions, in the order of the text, which both lists are of and
 * in whose order they are; neither overlaps itself.  Types stay borrowed as
 * they were. */
void bl_founds_merge(struct bl_span text, const struct bl_founds *tagged,
                     const struct bl_founds *named, struct bl_founds *out);

#endif
