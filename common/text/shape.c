/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/shape.h"

#include <stdint.h>

#include "base/utf8.h"
#include "text/unicode.h"

/* Letters of scripts without case have no shape.  A character with a
 * lower-case form is a capital; of the others, those of the cased scripts
 * (all below Hebrew, and the two extended blocks) count as small. */
static int letter_case(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? 1 : c >= 'A' && c <= 'Z' ? 2 : 0;
    if (bl_uni_is_upper(c))
        return 2;
    return (c >= 0xb5 && c < 0x300) || (c >= 0x370 && c < 0x590)
        || (c >= 0x1e00 && c < 0x2000) ? 1 : 0;
}

/* Only cased letters count.  One capital alone is BL_SHAPE_CAPS, as nothing in
 * it is small; beyond that the first letter tells TITLE from MIXED, so that
 * "McDonald" is TITLE and "iPhone" MIXED. */
enum bl_word_shape bl_shape_of(const char *text, size_t size)
{
    size_t upper = 0, lower = 0;
    unsigned len;
    int first = 0;

    for (size_t i = 0; i < size; i += len) {
        int letter = letter_case(bl_utf8_decode(text + i, size - i, &len));

        if (!first)
            first = letter;
        upper += letter == 2;
        lower += letter == 1;
    }
    if (!first)
        return BL_SHAPE_NONE;
    if (!lower)
        return BL_SHAPE_CAPS;
    if (!upper)
        return BL_SHAPE_LOWER;
    return first == 2 ? BL_SHAPE_TITLE : BL_SHAPE_MIXED;
}
