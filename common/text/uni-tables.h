/* SPDX-License-Identifier: MIT */
/*
 * uni-tables: what scripts/gen-uni-tables knows of each character, for
 * unicode.c and words.c alone.  Two stages: bl_uni_page[cp >> 7] names a
 * block of 128 record numbers.
 */
#ifndef BL_UNI_TABLES_H
#define BL_UNI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum {
    BL_UNI_DROP = 1,        /* control, format, private use, unassigned */
    BL_UNI_SEPARATE = 2,    /* BERT's white space: Zs, tab, line ends */
    BL_UNI_CJK = 4,         /* a word of its own */
    BL_UNI_PUNCT = 8,       /* a word of its own, after normalising */
    BL_UNI_SPACE = 16,      /* Python's str.split() parts words here */
    BL_UNI_CASED = 32,      /* the two properties of the final sigma */
    BL_UNI_IGNORABLE = 64,
    BL_UNI_MAPPED = 128     /* normalises to map[0..len), maybe nothing */
};

struct bl_uni_record {
    uint8_t flags;
    uint8_t ccc;            /* canonical combining class */
    uint8_t len;
    uint16_t map;           /* into bl_uni_map */
    int32_t lower;          /* to be added for the lower-case form; U+0130
                             * is left to the code */
};

extern const char bl_uni_table_version[];
extern const uint8_t bl_uni_page[0x110000 >> 7];
extern const uint16_t bl_uni_block[][128];
extern const struct bl_uni_record bl_uni_records[];
/* Lower case, NFD, nonspacing marks removed.  Hangul syllables are left to
 * the code. */
extern const uint32_t bl_uni_map[];

/* Any 32 bits may come: what is above U+10FFFF, BL_UTF8_BAD among it, is
 * taken for that last code point, which no character will ever have. */
static inline const struct bl_uni_record *bl_uni(uint32_t cp)
{
    cp = BL_MIN(cp, 0x10FFFFu);
    return &bl_uni_records[bl_uni_block[bl_uni_page[cp >> 7]][cp & 127]];
}

enum { BL_UNI_SIGMA = 0x3A3, BL_UNI_I_DOT = 0x130 };

/* True when the capital sigma at text[pos] ends its word, so that it becomes
 * U+03C2.  chunk: look no further than BERT's white space and ideographs,
 * and past the characters that it drops (it lowers what is between them);
 * else the whole text counts, as for str.lower(). */
bool bl_uni_final_sigma(const char *text, size_t n, size_t pos, bool chunk);

#endif
