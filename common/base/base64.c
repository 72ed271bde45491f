/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 4: three bytes make four digits of six bits, and the last
 * group is filled up with '='. */
void bl_base64_put(struct bl_buf *out, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    bl_buf_reserve(out, size / 3 * 4 + 5);
    char *to = out->data + out->len;
    for (; size >= 3; size -= 3, bytes += 3) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8
                        | bytes[2];

        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = alphabet[bits >> 6 & 63];
        *to++ = alphabet[bits & 63];
    }
    if (size) {
        uint32_t bits = (uint32_t)bytes[0] << 16
                        | (size > 1 ? (uint32_t)bytes[1] << 8 : 0);

        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = size > 1 ? alphabet[bits >> 6 & 63] : '=';
        *to++ = '=';
    }
    *to = '\0';
    out->len = (size_t)(to - out->data);
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

/* Bits of the last digit that belong to no byte have to be 0 (RFC 4648,
 * section 3.5): otherwise several texts would stand for the same bytes. */
static bool decode_tail(const char *from, unsigned char *to, size_t left)
{
    const unsigned char *digit = digits();
    unsigned first = digit[(unsigned char)from[0]],
             second = digit[(unsigned char)from[1]];
    unsigned third = left == 2 ? digit[(unsigned char)from[2]] : 0;

    if ((first | second | third) & BAD || from[3] != '='
        || (left == 1 && from[2] != '='))
        return false;
    to[0] = (unsigned char)(first << 2 | second >> 4);
    if (left == 1)
        return !(second & 15);
    to[1] = (unsigned char)((second & 15) << 4 | third >> 2);
    return !(third & 3);
}

/* The size is known to the caller, so that any other length is refused before
 * a byte is written.  BAD is a bit that no digit has: the digits are only
 * collected in the loop and looked at once, after it. */
bool bl_base64_get(struct bl_span span, void *out, size_t size)
{
    const unsigned char *digit = digits();
    unsigned char *to = out;
    const char *from = span.p;
    unsigned bad = 0;

    if (span.n / 4 != size / 3 + (size % 3 != 0) || span.n % 4)
        return false;
    for (size_t i = 0; i < size / 3; i++, from += 4, to += 3) {
        unsigned a = digit[(unsigned char)from[0]],
                 b = digit[(unsigned char)from[1]];
        unsigned c = digit[(unsigned char)from[2]],
                 d = digit[(unsigned char)from[3]];
        unsigned x = a << 18 | b << 12 | c << 6 | d;

        bad |= a | b | c | d;
        to[0] = (unsigned char)(x >> 16);
        to[1] = (unsigned char)(x >> 8);
        to[2] = (unsigned char)x;
    }
    return !(bad & BAD) && (size % 3 == 0 || decode_tail(from, to, size % 3));
}
