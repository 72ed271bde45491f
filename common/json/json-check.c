/* SPDX-License-Identifier: MIT */
/*
 * json-check: the proof that a line is valid JSON, in one pass without
 * recursion: a bit per open bracket says whether it is an object.
 */
#include "config.h"

#include <string.h>

#include "json/json.h"
#include "base/utf8.h"

struct check {
    const char *p;              /* the next byte */
    const char *start, *end;
    unsigned depth;
    unsigned char object[BL_JSON_MAX_DEPTH / 8 + 1];
    struct bl_err *err;
};

static int bad(struct check *c, const char *expected)
{
    size_t at = (size_t)(c->p - c->start);
    unsigned len;

    if (c->p == c->end)
        return bl_fail(c->err, BL_BAD_JSON,
                       "byte %zu: expected %s, found the end", at, expected);
    if ((unsigned char)*c->p < 0x20 || *c->p == 0x7f)
        return bl_fail(c->err, BL_BAD_JSON,
                       "byte %zu: expected %s, found byte 0x%02x", at,
                       expected, (unsigned)(unsigned char)*c->p);
    bl_utf8_decode(c->p, (size_t)(c->end - c->p), &len);
    return bl_fail(c->err, BL_BAD_JSON, "byte %zu: expected %s, found '%.*s'",
                   at, expected, (int)len, c->p);
}

static void skip_space(struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'
                             || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool at(const struct check *c, char ch)
{
    return c->p < c->end && *c->p == ch;
}

static bool digit(const struct check *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static int digits(struct check *c)
{
    if (!digit(c))
        return bad(c, "a digit");
    while (digit(c))
        c->p++;
    return 0;
}

static int number(struct check *c)
{
    if (at(c, '-'))
        c->p++;
    if (at(c, '0'))
        c->p++;
    else if (digits(c) < 0)
        return -1;
    if (at(c, '.')) {
        c->p++;
        if (digits(c) < 0)
            return -1;
    }
    if (at(c, 'e') || at(c, 'E')) {
        c->p++;
        if (at(c, '+') || at(c, '-'))
            c->p++;
        return digits(c);
    }
    return 0;
}

static bool hex(char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f')
        || (ch >= 'A' && ch <= 'F');
}

static int escape(struct check *c)
{
    c->p++;
    if (c->p == c->end)
        return bad(c, "an escape");
    if (*c->p == 'u') {
        for (int i = 0; i < 4; i++) {
            c->p++;
            if (c->p == c->end || !hex(*c->p))
                return bad(c, "four hexadecimal digits");
        }
    } else if (!memchr("\"\\/bfnrt", *c->p, 8)) {
        return bad(c, "an escape");
    }
    c->p++;
    return 0;
}

static int string(struct check *c)
{
    if (!at(c, '"'))
        return bad(c, "a string");
    c->p++;
    for (;;) {
        while (c->p < c->end && *c->p != '"' && *c->p != '\\'
               && (unsigned char)*c->p >= 0x20)
            c->p++;
        if (at(c, '"')) {
            c->p++;
            return 0;
        }
        if (!at(c, '\\'))
            return bad(c, "'\"' at the end of a string");
        if (escape(c) < 0)
            return -1;
    }
}

static int word(struct check *c, const char *w)
{
    size_t n = strlen(w);

    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n))
        return bad(c, "a value");
    c->p += n;
    return 0;
}

static int push(struct check *c, bool object)
{
    unsigned char bit = (unsigned char)(1u << (c->depth % 8));

    if (c->depth == BL_JSON_MAX_DEPTH)
        return bl_fail(c->err, BL_TOO_DEEP,
                       "byte %zu: brackets nested more than %d deep",
                       (size_t)(c->p - c->start), BL_JSON_MAX_DEPTH);
    if (object)
        c->object[c->depth / 8] |= bit;
    else
        c->object[c->depth / 8] &= (unsigned char)~bit;
    c->depth++;
    c->p++;
    return 0;
}

static bool in_object(const struct check *c)
{
    unsigned d = c->depth - 1;

    return c->object[d / 8] >> (d % 8) & 1;
}

static int member_key(struct check *c)
{
    if (string(c) < 0)
        return -1;
    skip_space(c);
    if (!at(c, ':'))
        return bad(c, "':'");
    c->p++;
    return 0;
}

/* One scalar, or an opening bracket: *open says which. */
static int value_start(struct check *c, bool *open)
{
    *open = false;
    skip_space(c);
    if (c->p == c->end)
        return bad(c, "a value");
    switch (*c->p) {
    case '{':
    case '[':
        *open = true;
        return push(c, *c->p == '{');
    case '"':
        return string(c);
    case 't':
        return word(c, "true");
    case 'f':
        return word(c, "false");
    case 'n':
        return word(c, "null");
    default:
        if (*c->p != '-' && !digit(c))
            return bad(c, "a value");
        return number(c);
    }
}

/* After an opening bracket: 1 when it closes at once, else 0 at the start of
 * the first member's value. */
static int first_member(struct check *c)
{
    bool object = in_object(c);

    skip_space(c);
    if (at(c, object ? '}' : ']')) {
        c->p++;
        c->depth--;
        return 1;
    }
    return object ? member_key(c) : 0;
}

/* After a value: closes what ends here; 1 when all is closed, 0 at the next
 * member's value. */
static int after_value(struct check *c)
{
    bool object;

    while (c->depth > 0) {
        object = in_object(c);
        skip_space(c);
        if (at(c, ',')) {
            c->p++;
            skip_space(c);
            return object ? member_key(c) : 0;
        }
        if (!at(c, object ? '}' : ']'))
            return bad(c, object ? "',' or '}'" : "',' or ']'");
        c->p++;
        c->depth--;
    }
    return 1;
}

static int check_values(struct check *c)
{
    bool open;
    int r;

    for (;;) {
        if (value_start(c, &open) < 0)
            return -1;
        if (open) {
            r = first_member(c);
            if (r < 0)
                return -1;
            if (r == 0)
                continue;
        }
        r = after_value(c);
        if (r != 0)
            return r < 0 ? -1 : 0;
    }
}

int bl_json_check(const char *p, size_t n, struct bl_err *err)
{
    struct check c = { .p = p, .start = p, .end = p + n, .err = err };
    size_t valid = bl_utf8_valid(p, n);

    if (valid < n)
        return bl_fail(err, BL_BAD_UTF8,
                       "byte %zu: 0x%02x is not valid UTF-8", valid,
                       (unsigned)(unsigned char)p[valid]);
    if (check_values(&c) < 0)
        return -1;
    skip_space(&c);
    return c.p == c.end ? 0 : bad(&c, "the end of the line");
}
