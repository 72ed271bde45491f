/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/utf8.h"

#include <string.h>

static bool tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the valid sequence that the bytes begin with, or 0 (RFC 3629
 * section 4). */
static unsigned sequence(const unsigned char *bytes, size_t size)
{
    unsigned char lead = bytes[0];

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || size < 2 || !tail(bytes[1]))
        return 0;
    if (lead < 0xe0)
        return 2;
    if (lead < 0xf0) {
        if (size < 3 || !tail(bytes[2]) || (lead == 0xe0 && bytes[1] < 0xa0)
            || (lead == 0xed && bytes[1] > 0x9f))
            return 0;
        return 3;
    }
    if (lead > 0xf4 || size < 4 || !tail(bytes[2]) || !tail(bytes[3])
        || (lead == 0xf0 && bytes[1] < 0x90)
        || (lead == 0xf4 && bytes[1] > 0x8f))
        return 0;
    return 4;
}

/* Bytes below 0x80 at the start, eight at a time. */
static size_t ascii_prefix(const char *text, size_t size)
{
    size_t i = 0;
    uint64_t word;

    for (; size - i >= 8; i += 8) {
        memcpy(&word, text + i, 8);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < size && !(text[i] & 0x80))
        i++;
    return i;
}

size_t bl_utf8_valid(const char *text, size_t size)
{
    size_t i = 0;
    unsigned len;

    if (size == 0)              /* text may be NULL */
        return 0;
    for (;;) {
        i += ascii_prefix(text + i, size - i);
        if (i == size)
            return size;
        len = sequence((const unsigned char *)text + i, size - i);
        if (!len)
            return i;
        i += len;
    }
}

/* sequence() has refused overlong forms, surrogates and all above U+10FFFF,
 * so that the bits can be taken as they are (RFC 3629). */
uint32_t bl_utf8_decode(const char *text, size_t size, unsigned *len)
{
    const unsigned char *bytes = (const unsigned char *)text;

    *len = sequence(bytes, size);
    switch (*len) {
    case 1:
        return bytes[0];
    case 2:
        return (uint32_t)(bytes[0] & 0x1f) << 6 | (bytes[1] & 0x3f);
    case 3:
        return (uint32_t)(bytes[0] & 0x0f) << 12 |
               (uint32_t)(bytes[1] & 0x3f) << 6 | (bytes[2] & 0x3f);
    case 4:
        return (uint32_t)(bytes[0] & 0x07) << 18 |
               (uint32_t)(bytes[1] & 0x3f) << 12 |
               (uint32_t)(bytes[2] & 0x3f) << 6 | (bytes[3] & 0x3f);
    default:
        *len = 1;
        return BL_UTF8_BAD;
    }
}

/* RFC 3629, section 3. */
unsigned bl_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        cp = 0xfffd;
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t bl_utf8_count(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += !tail((unsigned char)text[i]);
    return count;
}

size_t bl_utf8_offset(const char *text, size_t size, size_t index)
{
    size_t i = 0;

    for (; i < size && index > 0; index--) {
        i++;
        while (i < size && tail((unsigned char)text[i]))
            i++;
    }
    return index == 0 ? i : SIZE_MAX;
}

/* A character has three bytes after its first at most, so the walk back is
 * bounded on bytes that are not UTF-8 too. */
size_t bl_utf8_cut(const char *text, size_t size, size_t max)
{
    size_t i = max;

    if (size <= max)
        return size;
    while (i > 0 && max - i < 3 && tail((unsigned char)text[i]))
        i--;
    return tail((unsigned char)text[i]) ? max : i;
}

void bl_utf8_repair(struct bl_buf *out, const char *text, size_t size)
{
    size_t i = 0, good;

    bl_buf_reserve(out, size);
    while (i < size) {
        good = bl_utf8_valid(text + i, size - i);
        bl_buf_put(out, text + i, good);
        i += good;
        if (i < size) {
            bl_buf_put(out, "\xef\xbf\xbd", 3);
            i++;
        }
    }
    bl_buf_put(out, "", 0);
}

void bl_utf8_show(struct bl_buf *out, const char *text, size_t size)
{
    unsigned len;

    bl_buf_reserve(out, size);
    for (size_t i = 0; i < size; i += len) {
        uint32_t c = bl_utf8_decode(text + i, size - i, &len);

        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            bl_buf_putc(out, ' ');
        else if (c == BL_UTF8_BAD || (c >= 0x202A && c <= 0x202E)
                 || (c >= 0x2066 && c <= 0x2069))
            bl_buf_put(out, "\xef\xbf\xbd", 3);
        else
            bl_buf_put(out, text + i, len);
    }
    bl_buf_put(out, "", 0);
}
