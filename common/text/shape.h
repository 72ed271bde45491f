/* SPDX-License-Identifier: MIT */
/*
 * shape: how a word is capitalised, which tells names from other words.
 *
 *     bl_shape_of("McDonald", 8) == BL_SHAPE_TITLE
 */
#ifndef BL_SHAPE_H
#define BL_SHAPE_H

#include <stddef.h>

enum bl_word_shape {
    BL_SHAPE_NONE,              /* no cased letter: digits, CJK, marks */
    BL_SHAPE_LOWER,             /* "water" */
    BL_SHAPE_TITLE,             /* "Water", "McDonald" */
    BL_SHAPE_CAPS,              /* "WHO", "U" (one capital letter) */
    BL_SHAPE_MIXED              /* "iPhone" */
};

/* How `size` bytes of valid UTF-8 are capitalised, as one word. */
enum bl_word_shape bl_shape_of(const char *text, size_t size);

#endif
