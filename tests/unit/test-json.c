/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <float.h>
#include <stdlib.h>

#include "base/mem.h"
#include "json/json.h"
#include "tap.h"

static void numbers(void)
{
    static const struct { const char *s; int ok; double v; } cases[] = {
        { "1.5", 1, 1.5 }, { "-0", 1, 0 }, { "1e999", 0, 0 },
        { "\"1\"", 0, 0 }, { "1E-2", 1, 0.01 },
    };
    struct bl_err err;
    int64_t n;
    double d;
    char digits[600];

    memset(digits, '1', sizeof digits);
    ok(bl_json_number((struct bl_span){ digits, sizeof digits }, &d, &err) < 0
       && !strcmp(err.msg, "number of 600 digits, at most 511 are read"),
       "a number of 600 digits");
    for (size_t i = 0; i < BL_COUNT(cases); i++) {
        int rc = bl_json_number(bl_span_of(cases[i].s), &d, &err);

        ok(cases[i].ok ? rc == 0 && d == cases[i].v : rc < 0, "number %s",
           cases[i].s);
    }
    ok(bl_json_integer(bl_span_of("9223372036854775807"), INT64_MIN,
                       INT64_MAX, &n, &err) == 0 && n == INT64_MAX,
       "largest integer");
    ok(bl_json_integer(bl_span_of("-9223372036854775808"), INT64_MIN,
                       INT64_MAX, &n, &err) == 0 && n == INT64_MIN,
       "smallest integer");
    ok(bl_json_integer(bl_span_of("9223372036854775808"), INT64_MIN,
                       INT64_MAX, &n, &err) < 0, "one more does not fit");
    ok(bl_json_integer(bl_span_of("1.0"), 0, 9, &n, &err) < 0
       && !strcmp(err.msg, "expected integer, found 1.0"), "no fraction");
    ok(bl_json_integer(bl_span_of("7"), 0, 5, &n, &err) < 0
       && !strcmp(err.msg, "expected 0 to 5, found 7"), "out of range");
}

static void string_case(const char *json, const char *want, const char *text)
{
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_span out = { NULL, 0 };
    struct bl_err err;
    int rc = bl_json_string(bl_span_of(json), &a, &out, &err);

    if (!want)
        ok(rc < 0 && err.code == BL_BAD_STRING, "refused: %s", text);
    else if (ok(rc == 0, "read: %s", text))
        is_str(out.p, want, text);
    bl_arena_free(&a);
}

static void strings(void)
{
    string_case("\"\"", "", "empty");
    string_case("\"a\\u00e9\\n\\\"\\/\"", "a\xc3\xa9\n\"/", "escapes");
    string_case("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", "a pair");
    string_case("\"\\ud83d\"", NULL, "lone high surrogate");
    string_case("\"\\ude00\"", NULL, "lone low surrogate");
    string_case("\"\\ud83dx\\ude00\"", NULL, "broken pair");
    string_case("\"x\\u0000y\"", NULL, "NUL");
}

static void mending(void)
{
    char text[] = "[\"\\ud800\\\\ud800 \\ud83d\\ude00 \\udc00x\\u00e9\"]";

    bl_json_mend_surrogates(text, sizeof text - 1);
    is_str(text, "[\"\\ufffd\\\\ud800 \\ud83d\\ude00 \\ufffdx\\u00e9\"]",
           "lone surrogates are written over");
}

static void cursor(void)
{
    struct bl_span v = bl_span_of(" { \"a\" : [1, {\"x\":\"]\"} ,\"q\\\"\"] ,"
                                  "\"\\u0062\":null, \"c\":\"\" } ");
    struct bl_span a, k, m;
    struct bl_err err;
    struct bl_json_iter it;
    int n = 0;

    ok(bl_json_check(v.p, v.n, &err) == 0, "valid");
    ok(bl_json_get(v, "a", &a, &err) == 1
       && bl_span_is(a, "[1, {\"x\":\"]\"} ,\"q\\\"\"]"), "member a");
    ok(bl_json_get(v, "b", &m, &err) == 1 && bl_span_is(m, "null"),
       "an escaped key is found");
    ok(bl_json_get(v, "A", &m, &err) == 0, "case matters");
    it = bl_json_iter(a);
    while (bl_json_next(&it, &k, &m))
        n++;
    ok(n == 3, "three elements");
    ok(bl_span_is(m, "\"q\\\"\""), "the last of them");
    ok(bl_json_get(bl_span_of("{\"a\":1,\"a\":2}"), "a", &m, &err) < 0
       && err.code == BL_DUPLICATE_KEY, "a field given twice");
}

static void nesting(void)
{
    enum { MANY = 100000 };
    char *deep = malloc(MANY);
    struct bl_err err;

    memset(deep, '[', MANY);
    ok(bl_json_check(deep, MANY, &err) < 0 && err.code == BL_TOO_DEEP,
       "100,000 brackets are refused");
    memset(deep + 1000, ']', 1000);
    ok(bl_json_check(deep, 2000, &err) == 0, "1,000 are accepted");
    memset(deep, '[', 1001);
    memset(deep + 1001, ']', 1001);
    ok(bl_json_check(deep, 2002, &err) < 0 && err.code == BL_TOO_DEEP,
       "1,001 are not");
    free(deep);
}

static void messages(void)
{
    static const struct { const char *s, *msg; } cases[] = {
        { "", "byte 0: expected a value, found the end" },
        { "[1,]", "byte 3: expected a value, found ']'" },
        { "{\"a\" 1}", "byte 5: expected ':', found '1'" },
        { "1 2", "byte 2: expected the end of the line, found '2'" },
        { "[\"\t\"]", "byte 2: expected '\"' at the end of a string, "
          "found byte 0x09" },
        { "01", "byte 1: expected the end of the line, found '1'" },
        { "\"\xff\"", "byte 1: 0xff is not valid UTF-8" },
        { "\xc3\xa9", "byte 0: expected a value, found '\xc3\xa9'" },
    };
    struct bl_err err;

    for (size_t i = 0; i < BL_COUNT(cases); i++) {
        ok(bl_json_check(cases[i].s, strlen(cases[i].s), &err) < 0,
           "refused");
        is_str(err.msg, cases[i].msg, "message");
    }
}

static void writing(void)
{
    struct bl_buf b = BL_BUF_INIT;
    static const char text[] = "a\"\\\n\x01\xc3\xa9";

    bl_json_put_string(&b, text, sizeof text - 1);
    is_str(b.data, "\"a\\\"\\\\\\n\\u0001\xc3\xa9\"", "escaped");
    bl_buf_clear(&b);
    bl_json_put_float(&b, FLT_MIN);
    ok(strtof(b.data, NULL) == FLT_MIN, "a float reads back: %s", b.data);
    bl_buf_free(&b);
}

int main(void)
{
    numbers();
    strings();
    mending();
    cursor();
    nesting();
    messages();
    writing();
    return tap_done();
}
