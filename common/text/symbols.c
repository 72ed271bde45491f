/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/symbols.h"

#include <stddef.h>

#include "base/mem.h"
#include "text/uni-tables.h"

/* Sorted. */
static const struct range {
    uint32_t first, last;
    enum bl_symbol_kind kind;
} ranges[] = {
    { 0x85, 0x85, BL_SYMBOL_LINE_END },
    { 0xA2, 0xA6, BL_SYMBOL_SIGN },
    { 0xA9, 0xA9, BL_SYMBOL_MARK },
    { 0xAC, 0xAC, BL_SYMBOL_SIGN },
    { 0xAD, 0xAD, BL_SYMBOL_HYPHEN },
    { 0xAE, 0xAE, BL_SYMBOL_MARK },
    { 0xB0, 0xB1, BL_SYMBOL_SIGN },
    { 0xB2, 0xB3, BL_SYMBOL_NOTE },
    { 0xB4, 0xB4, BL_SYMBOL_STROKE },
    { 0xB9, 0xB9, BL_SYMBOL_NOTE },
    { 0xD7, 0xD7, BL_SYMBOL_SIGN },
    { 0xF7, 0xF7, BL_SYMBOL_SIGN },
    { 0x2010, 0x2010, BL_SYMBOL_HYPHEN },
    { 0x2028, 0x2029, BL_SYMBOL_LINE_END },
    { 0x2044, 0x2044, BL_SYMBOL_SIGN },
    { 0x2070, 0x2070, BL_SYMBOL_NOTE },
    { 0x2074, 0x207C, BL_SYMBOL_NOTE },
    { 0x20A0, 0x20CF, BL_SYMBOL_SIGN },
    { 0x2103, 0x2103, BL_SYMBOL_SIGN },
    { 0x2109, 0x2109, BL_SYMBOL_SIGN },
    { 0x2116, 0x2116, BL_SYMBOL_SIGN },
    { 0x2117, 0x2117, BL_SYMBOL_MARK },
    { 0x2120, 0x2120, BL_SYMBOL_MARK },
    { 0x2121, 0x2121, BL_SYMBOL_SIGN },
    { 0x2122, 0x2122, BL_SYMBOL_MARK },
    { 0x2190, 0x266C, BL_SYMBOL_SIGN },
    { 0x2670, 0x2BFF, BL_SYMBOL_SIGN },
    { 0x3012, 0x3013, BL_SYMBOL_SIGN },
    { 0x3020, 0x3020, BL_SYMBOL_SIGN },
    { 0xE000, 0xF8FF, BL_SYMBOL_SIGN },
    { 0xFE0E, 0xFE0F, BL_SYMBOL_JOINER },
    { 0xFFE0, 0xFFE6, BL_SYMBOL_SIGN },
    { 0xFFE8, 0xFFEE, BL_SYMBOL_SIGN },
    { 0xFFFC, 0xFFFC, BL_SYMBOL_SIGN },
    { 0x1D000, 0x1D1FF, BL_SYMBOL_SIGN },
    { 0x1F000, 0x1FAFF, BL_SYMBOL_SIGN }
};

enum bl_symbol_kind bl_symbol_kind(uint32_t cp)
{
    size_t lo = 0, hi = BL_COUNT(ranges);

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ranges[mid].last < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == BL_COUNT(ranges) || cp < ranges[lo].first
        || (ranges[lo].kind == BL_SYMBOL_SIGN
            && bl_uni(cp)->flags & BL_UNI_PUNCT))
        return BL_SYMBOL_NONE;
    return ranges[lo].kind;
}
