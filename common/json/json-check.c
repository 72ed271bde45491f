/* SPDX-License-Identifier: MIT */
/*
 * json-check: the proof that a line is valid JSON, in one pass without
 * recursion: a bit per open bracket says whether it is an object.
 */
#include "config.h"

#include <string.h>

#include "base/utf8.h"
#include "json/json.h"

struct check {
    const char *p;              /* the next byte */
    const char *start, *end;
    unsigned depth;
    unsigned char object[BL_JSON_MAX_DEPTH / 8 + 1];
    struct bl_err *err;
};

static int bad(struct check *check, const char *expected)
{
    size_t at = (size_t)(check->p - check->start);
    unsigned len;

    if (check->p == check->end)
        return bl_fail(check->err, BL_BAD_JSON,
                       "byte %zu: expected %s, found the end", at, expected);
    if ((unsigned char)*check->p < 0x20 || *check->p == 0x7f)
        return bl_fail(check->err, BL_BAD_JSON,
                       "byte %zu: expected %s, found byte 0x%02x", at,
                       expected, (unsigned)(unsigned char)*check->p);
    bl_utf8_decode(check->p, (size_t)(check->end - check->p), &len);
    return bl_fail(check->err, BL_BAD_JSON,
                   "byte %zu: expected %s, found '%.*s'", at, expected,
                   (int)len, check->p);
}

static void skip_space(struct check *check)
{
    while (check->p < check->end
           && (*check->p == ' ' || *check->p == '\t' || *check->p == '\n'
               || *check->p == '\r'))
        check->p++;
}

static bool at(const struct check *check, char ch)
{
    return check->p < check->end && *check->p == ch;
}

static bool digit(const struct check *check)
{
    return check->p < check->end && *check->p >= '0' && *check->p <= '9';
}

static int digits(struct check *check)
{
    if (!digit(check))
        return bad(check, "a digit");
    while (digit(check))
        check->p++;
    return 0;
}

/* RFC 8259, section 6: no plus sign, no zero before other digits, and a digit
 * on either side of the point. */
static int number(struct check *check)
{
    if (at(check, '-'))
        check->p++;
    if (at(check, '0'))
        check->p++;
    else if (digits(check) < 0)
        return -1;
    if (at(check, '.')) {
        check->p++;
        if (digits(check) < 0)
            return -1;
    }
    if (at(check, 'e') || at(check, 'E')) {
        check->p++;
        if (at(check, '+') || at(check, '-'))
            check->p++;
        return digits(check);
    }
    return 0;
}

static bool hex(char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f')
        || (ch >= 'A' && ch <= 'F');
}

static int escape(struct check *check)
{
    check->p++;
    if (check->p == check->end)
        return bad(check, "an escape");
    if (*check->p == 'u') {
        for (int i = 0; i < 4; i++) {
            check->p++;
            if (check->p == check->end || !hex(*check->p))
                return bad(check, "four hexadecimal digits");
        }
    } else if (!memchr("\"\\/bfnrt", *check->p, 8)) {
        return bad(check, "an escape");
    }
    check->p++;
    return 0;
}

static int string(struct check *check)
{
    if (!at(check, '"'))
        return bad(check, "a string");
    check->p++;
    for (;;) {
        while (check->p < check->end && *check->p != '"' && *check->p != '\\'
               && (unsigned char)*check->p >= 0x20)
            check->p++;
        if (at(check, '"')) {
            check->p++;
            return 0;
        }
        if (!at(check, '\\'))
            return bad(check, "'\"' at the end of a string");
        if (escape(check) < 0)
            return -1;
    }
}

static int word(struct check *check, const char *literal)
{
    size_t n = strlen(literal);

    if ((size_t)(check->end - check->p) < n || memcmp(check->p, literal, n))
        return bad(check, "a value");
    check->p += n;
    return 0;
}

static int push(struct check *check, bool object)
{
    unsigned char bit = (unsigned char)(1u << (check->depth % 8));

    if (check->depth == BL_JSON_MAX_DEPTH)
        return bl_fail(check->err, BL_TOO_DEEP,
                       "byte %zu: brackets nested more than %d deep",
                       (size_t)(check->p - check->start), BL_JSON_MAX_DEPTH);
    if (object)
        check->object[check->depth / 8] |= bit;
    else
        check->object[check->depth / 8] &= (unsigned char)~bit;
    check->depth++;
    check->p++;
    return 0;
}

static bool in_object(const struct check *check)
{
    unsigned d = check->depth - 1;

    return check->object[d / 8] >> (d % 8) & 1;
}

static int member_key(struct check *check)
{
    if (string(check) < 0)
        return -1;
    skip_space(check);
    if (!at(check, ':'))
        return bad(check, "':'");
    check->p++;
    return 0;
}

/* One scalar, or an opening bracket: *open says which. */
static int value_start(struct check *check, bool *open)
{
    *open = false;
    skip_space(check);
    if (check->p == check->end)
        return bad(check, "a value");
    switch (*check->p) {
    case '{':
    case '[':
        *open = true;
        return push(check, *check->p == '{');
    case '"':
        return string(check);
    case 't':
        return word(check, "true");
    case 'f':
        return word(check, "false");
    case 'n':
        return word(check, "null");
    default:
        if (*check->p != '-' && !digit(check))
            return bad(check, "a value");
        return number(check);
    }
}

/* After an opening bracket: 1 when it closes at once, else 0 at the start of
 * the first member's value. */
static int first_member(struct check *check)
{
    bool object = in_object(check);

    skip_space(check);
    if (at(check, object ? '}' : ']')) {
        check->p++;
        check->depth--;
        return 1;
    }
    return object ? member_key(check) : 0;
}

/* After a value: closes what ends here; 1 when all is closed, 0 at the next
 * member's value. */
static int after_value(struct check *check)
{
    bool object;

    while (check->depth > 0) {
        object = in_object(check);
        skip_space(check);
        if (at(check, ',')) {
            check->p++;
            skip_space(check);
            return object ? member_key(check) : 0;
        }
        if (!at(check, object ? '}' : ']'))
            return bad(check, object ? "',' or '}'" : "',' or ']'");
        check->p++;
        check->depth--;
    }
    return 1;
}

static int check_values(struct check *check)
{
    bool open;
    int ended;

    for (;;) {
        if (value_start(check, &open) < 0)
            return -1;
        if (open) {
            ended = first_member(check);
            if (ended < 0)
                return -1;
            if (ended == 0)
                continue;
        }
        ended = after_value(check);
        if (ended != 0)
            return ended < 0 ? -1 : 0;
    }
}

int bl_json_check(const char *p, size_t n, struct bl_err *err)
{
    struct check check = { .p = p, .start = p, .end = p + n, .err = err };
    size_t valid = bl_utf8_valid(p, n);

    if (valid < n)
        return bl_fail(err, BL_BAD_UTF8,
                       "byte %zu: 0x%02x is not valid UTF-8", valid,
                       (unsigned)(unsigned char)p[valid]);
    if (check_values(&check) < 0)
        return -1;
    skip_space(&check);
    return check.p == check.end ? 0 : bad(&check, "the end of the line");
}
