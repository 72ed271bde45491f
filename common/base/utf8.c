/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/utf8.h"

#include <string.h>

static bool tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the valid sequence at p, or 0 (RFC 3629 section 4). */
static unsigned sequence(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || n < 2 || !tail(p[1]))
        return 0;
    if (c < 0xe0)
        return 2;
    if (c < 0xf0) {
        if (n < 3 || !tail(p[2]) || (c == 0xe0 && p[1] < 0xa0)
            || (c == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (c > 0xf4 || n < 4 || !tail(p[2]) || !tail(p[3])
        || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
        return 0;
    return 4;
}

/* Bytes below 0x80 at the start, eight at a time. */
static size_t ascii_prefix(const char *p, size_t n)
{
    size_t i = 0;
    uint64_t w;

    for (; n - i >= 8; i += 8) {
        memcpy(&w, p + i, 8);
        if (w & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && !(p[i] & 0x80))
        i++;
    return i;
}

size_t bl_utf8_valid(const char *p, size_t n)
{
    size_t i = 0;
    unsigned len;

    if (n == 0)                 /* p may be NULL */
        return 0;
    for (;;) {
        i += ascii_prefix(p + i, n - i);
        if (i == n)
            return n;
        len = sequence((const unsigned char *)p + i, n - i);
        if (!len)
            return i;
        i += len;
    }
}

uint32_t bl_utf8_decode(const char *s, size_t n, unsigned *len)
{
    const unsigned char *p = (const unsigned char *)s;

    *len = sequence(p, n);
    switch (*len) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 |
               (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 |
               (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default:
        *len = 1;
        return BL_UTF8_BAD;
    }
}

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

size_t bl_utf8_count(const char *p, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += !tail((unsigned char)p[i]);
    return count;
}

size_t bl_utf8_offset(const char *p, size_t n, size_t index)
{
    size_t i = 0;

    for (; i < n && index > 0; index--) {
        i++;
        while (i < n && tail((unsigned char)p[i]))
            i++;
    }
    return index == 0 ? i : SIZE_MAX;
}

void bl_utf8_repair(struct bl_buf *out, const char *p, size_t n)
{
    size_t i = 0, good;

    bl_buf_reserve(out, n);
    while (i < n) {
        good = bl_utf8_valid(p + i, n - i);
        bl_buf_put(out, p + i, good);
        i += good;
        if (i < n) {
            bl_buf_put(out, "\xef\xbf\xbd", 3);
            i++;
        }
    }
    bl_buf_put(out, "", 0);
}
