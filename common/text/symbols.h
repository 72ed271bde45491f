/* SPDX-License-Identifier: MIT */
/*
 * symbols: what a character beyond ASCII is to someone who reads a text for
 * the names in it.
 */
#ifndef BL_SYMBOLS_H
#define BL_SYMBOLS_H

#include <stdint.h>

enum bl_symbol_kind {
    BL_SYMBOL_NONE,             /* a letter, a digit, punctuation, a blank */
    BL_SYMBOL_SIGN,             /* emoji, arrows, currencies: parts names */
    BL_SYMBOL_MARK,             /* (R), (C), TM: hangs on a name */
    BL_SYMBOL_NOTE,             /* raised digits */
    BL_SYMBOL_LINE_END,
    BL_SYMBOL_STROKE,           /* an accent that stands for an apostrophe */
    BL_SYMBOL_JOINER,           /* how the sign before it is drawn */
    BL_SYMBOL_HYPHEN
};

/* Punctuation is none, because words.c knows it; nor are the sharp and flat of
 * keys, the signs of roman numerals, or the lowered digits of formulas, which
 * names are written with.  Any value of cp will do. */
enum bl_symbol_kind bl_symbol_kind(uint32_t cp);

#endif
