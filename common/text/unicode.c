/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/unicode.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/uni-tables.h"

const char *bl_uni_version(void)
{
    return bl_uni_table_version;
}

/* What a character is to the final-sigma rule. */
enum sigma_view { SEE_THROUGH, SEE_CASED, SEE_END };

static enum sigma_view sigma_view(uint32_t cp, bool chunk)
{
    unsigned flags = bl_uni(cp)->flags;

    if (chunk) {
        if (flags & BL_UNI_DROP)
            return SEE_THROUGH;
        if (flags & (BL_UNI_SEPARATE | BL_UNI_CJK))
            return SEE_END;
    }
    if (flags & BL_UNI_IGNORABLE)
        return SEE_THROUGH;
    return flags & BL_UNI_CASED ? SEE_CASED : SEE_END;
}

/* The start of the character that ends before text[pos]; pos > 0. */
static size_t step_back(const char *text, size_t pos)
{
    do
        pos--;
    while (pos > 0 && ((unsigned char)text[pos] & 0xC0) == 0x80);
    return pos;
}

bool bl_uni_final_sigma(const char *text, size_t n, size_t pos, bool chunk)
{
    enum sigma_view view = SEE_THROUGH;
    unsigned len;
    size_t i = pos;

    /* Both walks stop at the next sigma, which is cased: a text is walked
     * twice at most, however many it has. */
    while (i > 0 && view == SEE_THROUGH) {
        i = step_back(text, i);
        view = sigma_view(bl_utf8_decode(text + i, n - i, &len), chunk);
    }
    if (view != SEE_CASED)
        return false;
    view = SEE_THROUGH;
    for (i = pos + 2; i < n && view == SEE_THROUGH; i += len)
        view = sigma_view(bl_utf8_decode(text + i, n - i, &len), chunk);
    return view != SEE_CASED;
}

static void put_cp(struct bl_buf *out, uint32_t cp)
{
    char bytes[4];

    bl_buf_put(out, bytes, bl_utf8_encode(cp, bytes));
}

static uint32_t lower_of(uint32_t cp)
{
    return (uint32_t)((int32_t)cp + bl_uni(cp)->lower);
}

/* Puts the run of ASCII that the text begins with, at most 4096 bytes of it at
 * once, and returns its length. */
static unsigned put_ascii(struct bl_buf *out, const char *text, size_t size)
{
    unsigned len = 0, max = (unsigned)BL_MIN(size, 4096);
    char *to;

    bl_buf_reserve(out, max);
    to = out->data + out->len;
    for (; len < max && (unsigned char)text[len] < 0x80; len++)
        to[len] = text[len] >= 'A' && text[len] <= 'Z'
            ? (char)(text[len] | 32) : text[len];
    out->len += len;
    to[len] = '\0';
    return len;
}

/* All that depends on more than one character is here: U+0130, which becomes
 * two, and the sigma, whose form depends on its place in the word. */
void bl_uni_lower(struct bl_buf *out, const char *text, size_t size)
{
    unsigned len;

    for (size_t i = 0; i < size; i += len) {
        uint32_t cp;

        if ((unsigned char)text[i] < 0x80) {
            len = put_ascii(out, text + i, size - i);
            continue;
        }
        cp = bl_utf8_decode(text + i, size - i, &len);
        if (cp == BL_UNI_I_DOT)
            bl_buf_puts(out, "i\xCC\x87");
        else if (cp == BL_UNI_SIGMA
                 && bl_uni_final_sigma(text, size, i, false))
            put_cp(out, 0x3C2);
        else
            put_cp(out, lower_of(cp));
    }
}

bool bl_uni_is_upper(uint32_t cp)
{
    return bl_uni(cp)->lower != 0 || cp == BL_UNI_I_DOT;
}

bool bl_uni_is_space(uint32_t cp)
{
    return (bl_uni(cp)->flags & BL_UNI_SPACE) != 0;
}

bool bl_uni_is_punct(uint32_t cp)
{
    return (bl_uni(cp)->flags & BL_UNI_PUNCT) != 0;
}
