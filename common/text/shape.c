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

enum bl_word_shape bl_shape_of(const char *p, size_t n)
{
    size_t upper = 0, lower = 0;
    unsigned len;
    int first = 0;

    for (size_t i = 0; i < n; i += len) {
        int c = letter_case(bl_utf8_decode(p + i, n - i, &len));

        if (!first)
            first = c;
        upper += c == 2;
        lower += c == 1;
    }
    if (!first)
        return BL_SHAPE_NONE;
    if (!lower)
        return BL_SHAPE_CAPS;
    if (!upper)
        return BL_SHAPE_LOWER;
    return first == 2 ? BL_SHAPE_TITLE : BL_SHAPE_MIXED;
}
