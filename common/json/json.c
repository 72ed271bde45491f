/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "json/json-locale.h"

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct bl_span bl_json_trim(struct bl_span value)
{
    while (value.n > 0 && space(value.p[0])) {
        value.p++;
        value.n--;
    }
    while (value.n > 0 && space(value.p[value.n - 1]))
        value.n--;
    return value;
}

enum bl_json_type bl_json_type(struct bl_span value)
{
    value = bl_json_trim(value);
    switch (value.n ? value.p[0] : 'n') {
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

const char *bl_json_type_name(enum bl_json_type type)
{
    static const char *const names[] = { "null", "boolean", "number",
                                         "string", "array", "object" };

    return names[type];
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

/* Brackets are counted and not matched: bl_json_check() has proved that each
 * has its partner. */
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

struct bl_json_iter bl_json_iter(struct bl_span value)
{
    struct bl_json_iter it = { NULL, NULL, false };

    value = bl_json_trim(value);
    if (value.n < 2 || (value.p[0] != '{' && value.p[0] != '['))
        return it;
    it.object = value.p[0] == '{';
    it.p = value.p + 1;
    it.end = value.p + value.n - 1;
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
    unsigned code = 0;

    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)p[i];

        code = code << 4
            | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return code;
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
    char *end = p + n;
    size_t used;
    uint32_t cp;

    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        p += 2;                 /* the letter after it is there, checked */
        if (p[-1] != 'u')
            continue;
        used = unicode_escape(p, (size_t)(end - p), &cp);
        if (used == 0)
            memcpy(p, "fffd", 4);
        p += used ? used : 4;
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

int bl_json_string(struct bl_span value, struct bl_arena *arena,
                   struct bl_span *out, struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);
    size_t bad_at, len;
    char *text;

    value = bl_json_trim(value);
    if (type != BL_JSON_STRING)
        return bl_fail(err, BL_BAD_FIELD, "expected string, found %s",
                       bl_json_type_name(type));
    text = bl_arena_alloc(arena, value.n, 1);
    len = unescape(value.p + 1, value.n - 2, text, &bad_at);
    if (len == SIZE_MAX)
        return bl_fail(err, BL_BAD_STRING, "'%.6s' is not a character",
                       value.p + 1 + bad_at);
    text[len] = '\0';
    *out = (struct bl_span){ text, len };
    return 0;
}

struct bl_span bl_json_whole(struct bl_span number)
{
    size_t sign = number.n && number.p[0] == '-', n = sign, zeros;

    while (n < number.n && number.p[n] >= '0' && number.p[n] <= '9')
        n++;
    if (n == sign || n == number.n || number.p[n] != '.')
        return number;
    for (zeros = n + 1; zeros < number.n && number.p[zeros] == '0'; zeros++)
        ;
    return (struct bl_span){ number.p, zeros == number.n ? n : number.n };
}

/* A number as text: 4.0 and 4e0 as the integer that they are, which is exact
 * below 2^53; any other as it is written. */
static struct bl_span number_text(struct bl_span value, struct bl_arena *arena)
{
    struct bl_span text = bl_json_whole(bl_json_trim(value));
    double number;
    char *room;

    if (!memchr(text.p, 'e', text.n) && !memchr(text.p, 'E', text.n))
        return (struct bl_span){ bl_arena_strndup(arena, text.p, text.n),
                                 text.n };
    room = bl_arena_alloc(arena, text.n + 20, 1);
    memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    if (bl_json_number(text, &number, NULL) == 0 && number == rint(number)
        && fabs(number) < 0x1p53)
        text.n = (size_t)snprintf(room, 20, "%lld", (long long)number);
    return (struct bl_span){ room, text.n };
}

int bl_json_id(struct bl_span value, struct bl_arena *arena,
               struct bl_span *out, struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);
    int64_t number;

    if (type == BL_JSON_STRING)
        return bl_json_string(value, arena, out, err);
    if (type != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected string or integer, found "
                       "%s", bl_json_type_name(type));
    *out = number_text(value, arena);
    return bl_json_integer(*out, INT64_MIN, INT64_MAX, &number, err);
}

int bl_json_text(struct bl_span value, const char *expected,
                 struct bl_arena *arena, struct bl_span *out,
                 struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);

    switch (type) {
    case BL_JSON_NULL:
        return 0;
    case BL_JSON_STRING:
        return bl_json_string(value, arena, out, err) < 0 ? -1 : 1;
    case BL_JSON_NUMBER:
        *out = number_text(value, arena);
        return 1;
    default:
        return bl_fail(err, BL_BAD_FIELD, "expected %s, found %s", expected,
                       bl_json_type_name(type));
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
    struct bl_arena arena = BL_ARENA_INIT;
    bool same;

    if (!room)
        room = bl_arena_alloc(&arena, key.n, 1);
    key.n = unescape(key.p, key.n, room, &bad_at);
    same = key.n == n && !memcmp(room, name, n);
    bl_arena_free(&arena);
    return same;
}

int bl_json_get(struct bl_span object, const char *name,
                struct bl_span *value, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(object);
    struct bl_span key, member;
    int found = 0;

    if (!it.object)
        return 0;
    while (bl_json_next(&it, &key, &member)) {
        if (!bl_json_key_is(key, name))
            continue;
        if (found)
            return bl_fail(err, BL_DUPLICATE_KEY,
                           "field '%s' is given twice", name);
        found = 1;
        *value = member;
    }
    return found;
}

/* ---- Numbers ---- */

locale_t bl_json_locale(void)
{
    static locale_t locale;

    if (!locale)
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!locale)
        bl_oom(sizeof locale);
    return locale;
}

int bl_json_number(struct bl_span value, double *out, struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);
    char text[512];
    double number;

    value = bl_json_trim(value);
    if (type != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected number, found %s",
                       bl_json_type_name(type));
    /* Digits beyond the 500th cannot matter to a finite double unless the
     * number is written to tease. */
    if (value.n >= sizeof text)
        return bl_fail(err, BL_BAD_FIELD,
                       "number of %zu digits, at most %zu are read", value.n,
                       sizeof text - 1);
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    number = strtod_l(text, NULL, bl_json_locale());
    if (!isfinite(number))
        return bl_fail(err, BL_BAD_FIELD, "number %.40s is out of range",
                       text);
    *out = number;
    return 0;
}

int bl_json_integer(struct bl_span value, int64_t lo, int64_t hi, int64_t *out,
                    struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);
    bool negative;
    int64_t number = 0;
    size_t i;

    value = bl_json_trim(value);
    if (type != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected integer, found %s",
                       bl_json_type_name(type));
    negative = value.p[0] == '-';
    for (i = negative; i < value.n; i++) {
        int digit = value.p[i] - '0';

        if (digit < 0 || digit > 9)
            return bl_fail(err, BL_BAD_FIELD,
                           "expected integer, found %.*s",
                           (int)bl_utf8_cut(value.p, value.n, 40), value.p);
        if (__builtin_mul_overflow(number, 10, &number)
            || __builtin_sub_overflow(number, digit, &number))
            break;
    }
    /* Gathered below zero, where there is room for INT64_MIN. */
    if (i < value.n || (!negative && number == INT64_MIN))
        return bl_fail(err, BL_BAD_FIELD, "integer %.*s is out of range",
                       (int)bl_utf8_cut(value.p, value.n, 40), value.p);
    number = negative ? number : -number;
    if (number < lo || number > hi)
        return bl_fail(err, BL_BAD_FIELD,
                       "expected %lld to %lld, found %lld", (long long)lo,
                       (long long)hi, (long long)number);
    *out = number;
    return 0;
}

/* ---- Writing ---- */

static void put_escape(struct bl_buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = c ? strchr(from, c) : NULL;

    if (hit) {
        bl_buf_putc(out, '\\');
        bl_buf_putc(out, to[hit - from]);
    } else {
        bl_buf_printf(out, "\\u%04x", c);
    }
}

void bl_json_put_string(struct bl_buf *out, const char *p, size_t n)
{
    size_t start = 0;

    bl_buf_putc(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        bl_buf_put(out, p + start, i - start);
        put_escape(out, c);
        start = i + 1;
    }
    bl_buf_put(out, p + start, n - start);
    bl_buf_putc(out, '"');
}

void bl_json_put_double(struct bl_buf *out, double value, int digits)
{
    locale_t old;
    char text[64];
    int n;

    if (!isfinite(value))
        BL_BUG("non-finite number written");
    old = uselocale(bl_json_locale());
    n = snprintf(text, sizeof text, "%.*g", digits, value);
    uselocale(old);
    bl_buf_put(out, text, (size_t)n);
}

void bl_json_put_float(struct bl_buf *out, float value)
{
    bl_json_put_double(out, (double)value, 9);
}
