/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json/json-locale.h"
#include "base/utf8.h"

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct bl_span bl_json_trim(struct bl_span v)
{
    while (v.n > 0 && space(v.p[0])) {
        v.p++;
        v.n--;
    }
    while (v.n > 0 && space(v.p[v.n - 1]))
        v.n--;
    return v;
}

enum bl_json_type bl_json_type(struct bl_span v)
{
    v = bl_json_trim(v);
    switch (v.n ? v.p[0] : 'n') {
    case '{':
        return BL_JSON_OBJECT;
    case '[':
        return BL_JSON_ARRAY;
    case '"':
        return BL_JSON_STRING;
    case 't':
    case 'f':
        return BL_JSON_BOOL;
    case 'n':
        return BL_JSON_NULL;
    default:
        return BL_JSON_NUMBER;
    }
}

const char *bl_json_type_name(enum bl_json_type t)
{
    static const char *const names[] = { "null", "boolean", "number",
                                         "string", "array", "object" };

    return names[t];
}

/* ---- The cursor ---- */

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && space(*p))
        p++;
    return p;
}

/* p at the opening quote; returns behind the closing one. */
static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

static const char *skip_container(const char *p)
{
    size_t depth = 0;

    for (;;) {
        switch (*p) {
        case '"':
            p = skip_string(p);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p + 1;
            break;
        default:
            break;
        }
        p++;
    }
}

static const char *skip_value(const char *p, const char *end)
{
    if (*p == '"')
        return skip_string(p);
    if (*p == '{' || *p == '[')
        return skip_container(p);
    while (p < end && *p != ',' && *p != ']' && *p != '}' && !space(*p))
        p++;
    return p;
}

struct bl_json_iter bl_json_iter(struct bl_span v)
{
    struct bl_json_iter it = { NULL, NULL, false };

    v = bl_json_trim(v);
    if (v.n < 2 || (v.p[0] != '{' && v.p[0] != '['))
        return it;
    it.object = v.p[0] == '{';
    it.p = v.p + 1;
    it.end = v.p + v.n - 1;
    return it;
}

bool bl_json_next(struct bl_json_iter *it, struct bl_span *key,
                  struct bl_span *value)
{
    const char *p = skip_space(it->p, it->end), *after;

    if (p == it->end)
        return false;
    if (it->object) {
        after = skip_string(p);
        if (key)
            *key = (struct bl_span){ p + 1, (size_t)(after - p) - 2 };
        p = skip_space(after, it->end) + 1;
        p = skip_space(p, it->end);
    }
    after = skip_value(p, it->end);
    *value = (struct bl_span){ p, (size_t)(after - p) };
    after = skip_space(after, it->end);
    it->p = after < it->end ? after + 1 : after;
    return true;
}

/* ---- Strings ---- */

static unsigned hex4(const char *p)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

/* p behind "\u"; returns how many bytes the escape (or pair) takes from
 * there, 0 for a lone surrogate. */
static size_t unicode_escape(const char *p, size_t n, uint32_t *cp)
{
    unsigned low;

    *cp = hex4(p);
    if (*cp < 0xd800 || *cp > 0xdfff)
        return 4;
    if (*cp > 0xdbff || n < 10 || p[4] != '\\' || p[5] != 'u')
        return 0;
    low = hex4(p + 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

void bl_json_mend_surrogates(char *p, size_t n)
{
    size_t used;
    uint32_t cp;

    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\\')
            continue;
        if (p[++i] != 'u')
            continue;
        used = unicode_escape(p + i + 1, n - i - 1, &cp);
        if (used == 0)
            memcpy(p + i + 1, "fffd", 4);
        i += used ? used : 4;
    }
}

/* Decodes n raw bytes (no quotes) to out, which has room for n.  Returns the
 * length, or SIZE_MAX with *bad_at at the escape that is no character. */
static size_t unescape(const char *p, size_t n, char *out, size_t *bad_at)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t len = 0, used;
    uint32_t cp;

    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\\') {
            out[len++] = p[i];
            continue;
        }
        i++;
        if (p[i] != 'u') {
            out[len++] = to[strchr(from, p[i]) - from];
            continue;
        }
        used = unicode_escape(p + i + 1, n - i - 1, &cp);
        if (used == 0 || cp == 0) {
            *bad_at = i - 1;
            return SIZE_MAX;
        }
        len += bl_utf8_encode(cp, out + len);
        i += used;
    }
    return len;
}

int bl_json_string(struct bl_span v, struct bl_arena *arena,
                   struct bl_span *out, struct bl_err *err)
{
    enum bl_json_type t = bl_json_type(v);
    size_t bad_at, len;
    char *s;

    v = bl_json_trim(v);
    if (t != BL_JSON_STRING)
        return bl_fail(err, BL_BAD_FIELD, "expected string, found %s",
                       bl_json_type_name(t));
    s = bl_arena_alloc(arena, v.n, 1);
    len = unescape(v.p + 1, v.n - 2, s, &bad_at);
    if (len == SIZE_MAX)
        return bl_fail(err, BL_BAD_STRING, "'%.6s' is not a character",
                       v.p + 1 + bad_at);
    s[len] = '\0';
    *out = (struct bl_span){ s, len };
    return 0;
}

int bl_json_text(struct bl_span v, const char *expected,
                 struct bl_arena *arena, struct bl_span *out,
                 struct bl_err *err)
{
    enum bl_json_type t = bl_json_type(v);

    switch (t) {
    case BL_JSON_NULL:
        return 0;
    case BL_JSON_STRING:
        return bl_json_string(v, arena, out, err) < 0 ? -1 : 1;
    case BL_JSON_NUMBER:
        v = bl_json_trim(v);
        *out = (struct bl_span){ bl_arena_strndup(arena, v.p, v.n), v.n };
        return 1;
    default:
        return bl_fail(err, BL_BAD_FIELD, "expected %s, found %s", expected,
                       bl_json_type_name(t));
    }
}

bool bl_json_key_is(struct bl_span key, const char *name)
{
    char plain[64];
    size_t n = strlen(name), bad_at;

    if (!memchr(key.p, '\\', key.n))
        return bl_span_is(key, name);
    /* Names that we look for are short; a longer key is another one, each
     * character taking 6 bytes at most when escaped. */
    if (n >= sizeof plain || key.n > 6 * n || key.n > sizeof plain * 6)
        return false;
    char *room = key.n <= sizeof plain ? plain : NULL;
    struct bl_arena a = BL_ARENA_INIT;
    bool same;

    if (!room)
        room = bl_arena_alloc(&a, key.n, 1);
    key.n = unescape(key.p, key.n, room, &bad_at);
    same = key.n == n && !memcmp(room, name, n);
    bl_arena_free(&a);
    return same;
}

int bl_json_get(struct bl_span object, const char *name,
                struct bl_span *value, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(object);
    struct bl_span k, v;
    int found = 0;

    if (!it.object)
        return 0;
    while (bl_json_next(&it, &k, &v)) {
        if (!bl_json_key_is(k, name))
            continue;
        if (found)
            return bl_fail(err, BL_DUPLICATE_KEY,
                           "field '%s' is given twice", name);
        found = 1;
        *value = v;
    }
    return found;
}

/* ---- Numbers ---- */

locale_t bl_json_locale(void)
{
    static locale_t c;

    if (!c)
        c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        bl_oom(sizeof c);
    return c;
}

int bl_json_number(struct bl_span v, double *out, struct bl_err *err)
{
    enum bl_json_type t = bl_json_type(v);
    char text[512];
    double d;

    v = bl_json_trim(v);
    if (t != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected number, found %s",
                       bl_json_type_name(t));
    /* Digits beyond the 500th cannot matter to a finite double unless the
     * number is written to tease. */
    if (v.n >= sizeof text)
        return bl_fail(err, BL_BAD_FIELD,
                       "number of %zu digits, at most %zu are read", v.n,
                       sizeof text - 1);
    memcpy(text, v.p, v.n);
    text[v.n] = '\0';
    d = strtod_l(text, NULL, bl_json_locale());
    if (!isfinite(d))
        return bl_fail(err, BL_BAD_FIELD, "number %.40s is out of range",
                       text);
    *out = d;
    return 0;
}

int bl_json_integer(struct bl_span v, int64_t lo, int64_t hi, int64_t *out,
                    struct bl_err *err)
{
    enum bl_json_type t = bl_json_type(v);
    bool negative;
    int64_t r = 0;
    size_t i;

    v = bl_json_trim(v);
    if (t != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected integer, found %s",
                       bl_json_type_name(t));
    negative = v.p[0] == '-';
    for (i = negative; i < v.n; i++) {
        int digit = v.p[i] - '0';

        if (digit < 0 || digit > 9)
            return bl_fail(err, BL_BAD_FIELD,
                           "expected integer, found %.*s",
                           (int)BL_MIN(v.n, 40), v.p);
        if (__builtin_mul_overflow(r, 10, &r)
            || __builtin_sub_overflow(r, digit, &r))
            break;
    }
    /* Gathered below zero, where there is room for INT64_MIN. */
    if (i < v.n || (!negative && r == INT64_MIN))
        return bl_fail(err, BL_BAD_FIELD, "integer %.*s is out of range",
                       (int)BL_MIN(v.n, 40), v.p);
    r = negative ? r : -r;
    if (r < lo || r > hi)
        return bl_fail(err, BL_BAD_FIELD,
                       "expected %lld to %lld, found %lld", (long long)lo,
                       (long long)hi, (long long)r);
    *out = r;
    return 0;
}

/* ---- Writing ---- */

static void put_escape(struct bl_buf *b, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = c ? strchr(from, c) : NULL;

    if (hit) {
        bl_buf_putc(b, '\\');
        bl_buf_putc(b, to[hit - from]);
    } else {
        bl_buf_printf(b, "\\u%04x", c);
    }
}

void bl_json_put_string(struct bl_buf *b, const char *p, size_t n)
{
    size_t start = 0;

    bl_buf_putc(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        bl_buf_put(b, p + start, i - start);
        put_escape(b, c);
        start = i + 1;
    }
    bl_buf_put(b, p + start, n - start);
    bl_buf_putc(b, '"');
}

void bl_json_put_double(struct bl_buf *b, double v, int digits)
{
    locale_t old;
    char text[64];
    int n;

    if (!isfinite(v))
        BL_BUG("non-finite number written");
    old = uselocale(bl_json_locale());
    n = snprintf(text, sizeof text, "%.*g", digits, v);
    uselocale(old);
    bl_buf_put(b, text, (size_t)n);
}

void bl_json_put_float(struct bl_buf *b, float v)
{
    bl_json_put_double(b, (double)v, 9);
}
