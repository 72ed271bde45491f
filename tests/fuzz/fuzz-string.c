/* SPDX-License-Identifier: MIT */
/* fuzz-string: any bytes as what stands between the quotation marks of a JSON
 * string, against a plain reading of RFC 8259, section 7. */
#include "base/utf8.h"
#include "feed.h"
#include "json/json.h"

enum { CUT = -2, SURROGATE = -1 };      /* instead of a code point */

/* \uXXXX at *p. */
static long hex(const char **p, const char *end)
{
    char digits[5] = "";

    if (end - *p < 4 || strspn(*p, "0123456789abcdefABCDEF") < 4)
        return CUT;
    memcpy(digits, *p, 4);
    *p += 4;
    return strtol(digits, NULL, 16);
}

/* What follows a backslash. */
static long escaped(const char **p, const char *end)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = *p < end ? memchr(from, **p, 8) : NULL;
    long high, low;

    if (at) {
        (*p)++;
        return to[at - from];
    }
    if (*p == end || *(*p)++ != 'u')
        return CUT;
    high = hex(p, end);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || end - *p < 2 || memcmp(*p, "\\u", 2))
        return SURROGATE;
    *p += 2;
    low = hex(p, end);
    if (low == CUT)
        return CUT;
    return low < 0xdc00 || low > 0xdfff ? SURROGATE
        : 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* 0 no JSON, 1 JSON but no text of ours, 2 decoded. */
static int slow_read(struct bl_span s, struct bl_buf *out)
{
    const char *p = s.p, *end = s.p + s.n;
    int rc = 2;

    if (bl_utf8_valid(s.p, s.n) != s.n)
        return 0;
    while (p < end) {
        char bytes[4];
        long cp;

        if ((unsigned char)*p < ' ' || *p == '"')
            return 0;
        if (*p != '\\') {
            bl_buf_putc(out, *p++);
            continue;
        }
        p++;
        cp = escaped(&p, end);
        if (cp == CUT)
            return 0;
        if (cp <= 0)
            rc = 1;
        else
            bl_buf_put(out, bytes, bl_utf8_encode((uint32_t)cp, bytes));
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf text = BL_BUF_INIT, want = BL_BUF_INIT;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span value, got;
    struct bl_err err;
    int kind;

    bl_buf_putc(&text, '"');
    bl_buf_put(&text, data, size);
    bl_buf_putc(&text, '"');
    value = (struct bl_span){ text.data, text.len };
    kind = slow_read((struct bl_span){ text.data + 1, size }, &want);
    CHECK((bl_json_check(text.data, text.len, &err) == 0) == (kind > 0));
    if (kind > 0) {
        CHECK((bl_json_string(value, &arena, &got, &err) == 0)
              == (kind == 2));
        CHECK(kind == 1 || (got.n == want.len
                            && (!got.n || !memcmp(got.p, want.data, got.n))));
    }
    bl_arena_free(&arena);
    bl_buf_free(&text);
    bl_buf_free(&want);
    return 0;
}
