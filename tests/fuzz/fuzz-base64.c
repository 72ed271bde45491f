/* SPDX-License-Identifier: MIT */
/* fuzz-base64: any bytes come back from their encoding, and any text is
 * decoded as by a plain reading of RFC 4648: it is accepted just when it is
 * what the encoder makes of the bytes that it stands for. */
#include "base/base64.h"
#include "feed.h"

/* The value of each digit, put together from the left; padding is 0. */
static size_t slow_read(struct bl_span text, unsigned char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i + 4 <= text.n; i += 4) {
        unsigned value = 0;

        for (size_t k = 0; k < 4; k++) {
            const char *at = memchr(digits, text.p[i + k], 64);

            value = value << 6 | (at ? (unsigned)(at - digits) : 0);
        }
        for (int k = 16; k >= 0; k -= 8)
            out[n++] = (unsigned char)(value >> k);
    }
    while (text.n && n && text.p[--text.n] == '=')
        n--;
    return n;
}

static void decode(struct bl_span text)
{
    unsigned char *want = bl_xmalloc(text.n + 3, 1), *got;
    size_t n = slow_read(text, want);
    struct bl_buf again = BL_BUF_INIT;
    bool good;

    bl_base64_put(&again, want, n);
    good = bl_span_eq(text, (struct bl_span){ again.data, again.len });
    got = bl_xmalloc(n, 1);
    CHECK(bl_base64_get(text, got, n) == good);
    CHECK(!good || !memcmp(got, want, n));
    CHECK(!bl_base64_get(text, want, n + 1));
    bl_buf_free(&again);
    free(want);
    free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf text = BL_BUF_INIT;
    unsigned char *back = bl_xmalloc(size, 1);

    bl_base64_put(&text, data, size);
    CHECK(text.len == (size + 2) / 3 * 4);
    CHECK(bl_base64_get((struct bl_span){ text.data, text.len }, back, size));
    CHECK(!size || !memcmp(back, data, size));
    decode((struct bl_span){ (const char *)data, size });
    bl_buf_free(&text);
    free(back);
    return 0;
}
