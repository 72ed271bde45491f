/* SPDX-License-Identifier: MIT */
/* fuzz-utf8: the fast UTF-8 functions against a slow decoder by the table of
 * RFC 3629 that shares nothing with them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "feed.h"

/* Length of the character at p and its code point, or 0: by arithmetic, not
 * by ranges of bytes. */
static unsigned slow(const uint8_t *p, size_t n, uint32_t *cp)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned len = 0;

    while (len < 8 && (p[0] << len & 0x80))
        len++;
    if (len == 0) {
        *cp = p[0];
        return 1;
    }
    if (len == 1 || len > 4 || len > n)
        return 0;
    *cp = p[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if (p[i] / 64 != 2)
            return 0;
        *cp = *cp * 64 + p[i] % 64;
    }
    if (*cp < least[len] || *cp > 0x10ffff || *cp / 0x800 == 0x1b)
        return 0;
    return len;
}

static void valid_part(const char *p, size_t n, size_t count)
{
    CHECK(bl_utf8_valid(p, n) == n);
    CHECK(bl_utf8_count(p, n) == count);
    CHECK(bl_utf8_offset(p, n, 0) == 0);
    CHECK(bl_utf8_offset(p, n, count) == n);
    CHECK(bl_utf8_offset(p, n, count + 1) == SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct bl_buf want = BL_BUF_INIT, got = BL_BUF_INIT;
    size_t i = 0, count = 0, valid = SIZE_MAX;
    uint32_t cp = 0;

    bl_buf_reserve(&want, 1);
    while (i < size) {
        unsigned len = slow(data + i, size - i, &cp), fast_len;
        uint32_t fast = bl_utf8_decode(text + i, size - i, &fast_len);
        char back[4];
        CHECK(fast_len == (len ? len : 1));
        CHECK(fast == (len ? cp : BL_UTF8_BAD));
        if (!len && valid == SIZE_MAX) {
            valid = i;
            valid_part(text, i, count);
        }
        if (len) {
            CHECK(bl_utf8_encode(cp, back) == len);
            CHECK(!memcmp(back, data + i, len));
            if (valid == SIZE_MAX)
                CHECK(bl_utf8_offset(text, size, count) == i);
            count++;
            bl_buf_put(&want, data + i, len);
        } else {
            bl_buf_put(&want, "\xef\xbf\xbd", 3);
        }
        i += fast_len;
    }
    CHECK(bl_utf8_valid(text, size) == (valid == SIZE_MAX ? size : valid));
    bl_utf8_repair(&got, text, size);
    CHECK(got.len == want.len && !memcmp(got.data, want.data, got.len));
    bl_buf_free(&want);
    bl_buf_free(&got);
    return 0;
}
