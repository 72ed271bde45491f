/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void bl_base64_put(struct bl_buf *out, const void *p, size_t n)
{
    const unsigned char *s = p;

    bl_buf_reserve(out, n / 3 * 4 + 5);
    char *o = out->data + out->len;
    for (; n >= 3; n -= 3, s += 3) {
        uint32_t x = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];

        *o++ = alphabet[x >> 18];
        *o++ = alphabet[x >> 12 & 63];
        *o++ = alphabet[x >> 6 & 63];
        *o++ = alphabet[x & 63];
    }
    if (n) {
        uint32_t x = (uint32_t)s[0] << 16 | (n > 1 ? (uint32_t)s[1] << 8 : 0);

        *o++ = alphabet[x >> 18];
        *o++ = alphabet[x >> 12 & 63];
        *o++ = n > 1 ? alphabet[x >> 6 & 63] : '=';
        *o++ = '=';
    }
    *o = '\0';
    out->len = (size_t)(o - out->data);
}

enum { BAD = 64 };

/* digit[c] for c as unsigned char; BAD where it is none. */
static const unsigned char *digits(void)
{
    static const unsigned char table[256] = {
#define FOUR(c, v) [c] = (v), [(c) + 1] = (v) + 1, [(c) + 2] = (v) + 2, \
                   [(c) + 3] = (v) + 3
        /* Zero means 'A', so that every other byte has to be named. */
        [0 ... 42] = BAD, ['+'] = 62, [44 ... 46] = BAD, ['/'] = 63,
        FOUR('0', 52), FOUR('4', 56), ['8'] = 60, ['9'] = 61,
        [58 ... 64] = BAD,
        FOUR('A', 0), FOUR('E', 4), FOUR('I', 8), FOUR('M', 12),
        FOUR('Q', 16), FOUR('U', 20), ['Y'] = 24, ['Z'] = 25,
        [91 ... 96] = BAD,
        FOUR('a', 26), FOUR('e', 30), FOUR('i', 34), FOUR('m', 38),
        FOUR('q', 42), FOUR('u', 46), ['y'] = 50, ['z'] = 51,
        [123 ... 255] = BAD
#undef FOUR
    };
    return table;
}

static bool decode_tail(const char *s, unsigned char *o, size_t left)
{
    const unsigned char *t = digits();
    unsigned a = t[(unsigned char)s[0]], b = t[(unsigned char)s[1]];
    unsigned c = left == 2 ? t[(unsigned char)s[2]] : 0;

    if ((a | b | c) & BAD || s[3] != '=' || (left == 1 && s[2] != '='))
        return false;
    o[0] = (unsigned char)(a << 2 | b >> 4);
    if (left == 1)
        return !(b & 15);
    o[1] = (unsigned char)((b & 15) << 4 | c >> 2);
    return !(c & 3);
}

bool bl_base64_get(struct bl_span s, void *out, size_t n)
{
    const unsigned char *t = digits();
    unsigned char *o = out;
    const char *p = s.p;
    unsigned bad = 0;

    if (s.n / 4 != n / 3 + (n % 3 != 0) || s.n % 4)
        return false;
    for (size_t i = 0; i < n / 3; i++, p += 4, o += 3) {
        unsigned a = t[(unsigned char)p[0]], b = t[(unsigned char)p[1]];
        unsigned c = t[(unsigned char)p[2]], d = t[(unsigned char)p[3]];
        unsigned x = a << 18 | b << 12 | c << 6 | d;

        bad |= a | b | c | d;
        o[0] = (unsigned char)(x >> 16);
        o[1] = (unsigned char)(x >> 8);
        o[2] = (unsigned char)x;
    }
    return !(bad & BAD) && (n % 3 == 0 || decode_tail(p, o, n % 3));
}
