/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/document.h"

#include <locale.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"

static struct bl_err err;

static struct bl_document *parse(const char *text)
{
    return bl_document_parse(bl_span_of(text), "x.json", &err);
}

static void refused(const char *text, const char *message)
{
    struct bl_document *d = parse(text);

    ok(!d && err.code == BL_DATA, "refused: %.60s", text);
    is_str(d ? "" : err.msg, message, "and why");
    bl_document_free(d);
}

/* ---- What is JSON to others, or to cJSON, and not to us ---- */

static void traps(void)
{
    refused("{\"a\":1} x", "'x.json': byte 8: expected the end of the line, "
            "found 'x'");
    refused("{'a':1}", "'x.json': byte 1: expected a string, found '''");
    refused("{\"a\":01}", "'x.json': byte 6: expected ',' or '}', found "
            "'1'");
    refused("[NaN]", "'x.json': byte 1: expected a value, found 'N'");
    refused("", "'x.json': byte 0: expected a value, found the end");
    refused("\xEF\xBB\xBF{}", "'x.json': byte 0: expected a value, found "
            "'\xEF\xBB\xBF'");
    refused("[\"\xC3\"]", "'x.json': byte 2: 0xc3 is not valid UTF-8");
    refused("{\"a\\u0000b\":1}", "'x.json': string at byte 1: '\\u0000' is "
            "not a character");
    refused("[1,\"\\ud800 \"]", "'x.json': string at byte 3: '\\ud800' is "
            "not a character");
}

static void repeat(struct bl_buf *b, const char *s, size_t n)
{
    while (n--)
        bl_buf_puts(b, s);
}

static bool parses(const struct bl_buf *b)
{
    struct bl_document *d = bl_document_parse((struct bl_span){
                                              b->data, b->len }, "x.json",
                                              &err);
    bool good = d != NULL;

    bl_document_free(d);
    return good;
}

static void nested(size_t depth, bool good)
{
    struct bl_buf b = BL_BUF_INIT;

    repeat(&b, "[", depth);
    repeat(&b, "]", depth);
    ok(parses(&b) == good, "%zu brackets deep", depth);
    if (!good)
        is_str(err.msg, "'x.json': byte 100: more than 100 brackets are "
               "open", "and why");
    bl_buf_free(&b);
}

static void long_number(size_t digits, bool good)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_puts(&b, "[1.");
    repeat(&b, "3", digits - 2);
    bl_buf_puts(&b, "]");
    ok(parses(&b) == good, "a number of %zu characters", digits);
    if (!good)
        is_str(err.msg, "'x.json': byte 1: more than 63 characters of a "
               "number", "and why");
    bl_buf_free(&b);
}

/* Two bytes of text make a value of more than 64. */
static void many_values(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_puts(&b, "[0");
    repeat(&b, ",0", BL_DOCUMENT_MAX_VALUES);
    bl_buf_puts(&b, "]");
    ok(!parses(&b), "too many values");
    is_str(err.msg, "'x.json': byte 2097152: more than 1048576 values",
           "and why");
    bl_buf_free(&b);
}

/* ---- Getters ---- */

static const char text[] =
    "{\"n\":7,\"N\":8,\"s\":\"a\\u00e9\\ud83d\\ude00\",\"z\":null,"
    "\"t\":true,\"f\":false,\"x\":1.5,\"big\":9007199254740993,"
    "\"huge\":1e999,\"one\":1.0,\"thousand\":1e3,\"minus\":-3,"
    "\"twice\":1,\"twice\":2,\"tags\":[{\"start\":1},{\"start\":\"no\"}],"
    "\"odd key\":{\"a.b\":[[0]]},\"edge\":9007199254740991}";

static void getters(struct bl_node root)
{
    int64_t i = 5;
    size_t n = 5;
    double x = 5;
    int b = 5;
    const char *s = "default";

    ok(bl_member_size(root, "n", 0, 9, &n, &err) == 1 && n == 7, "a size");
    ok(bl_member_size(root, "N", 0, 9, &n, &err) == 1 && n == 8,
       "the case of a name matters");
    ok(bl_member_integer(root, "minus", -9, 9, &i, &err) == 1 && i == -3,
       "an integer");
    ok(bl_member_integer(root, "one", 0, 9, &i, &err) == 1 && i == 1,
       "1.0 is one");
    ok(bl_member_integer(root, "thousand", 0, 9999, &i, &err) == 1
       && i == 1000, "1e3 is one");
    ok(bl_member_integer(root, "edge", 0, INT64_MAX, &i, &err) == 1
       && i == 9007199254740991, "the largest integer");
    ok(bl_member_number(root, "x", 0, 2, &x, &err) == 1 && x == 1.5,
       "a number");
    ok(bl_member_bool(root, "t", &b, &err) == 1 && b == 1, "true");
    ok(bl_member_bool(root, "f", &b, &err) == 1 && b == 0, "false");
    ok(bl_member_string(root, "s", &s, &err) == 1
       && !strcmp(s, "a\xC3\xA9\xF0\x9F\x98\x80"), "a string");
    s = "default";
    ok(bl_member_string(root, "z", &s, &err) == 0 && !strcmp(s, "default"),
       "null is absent");
    ok(bl_member_string(root, "S", &s, &err) == 0 && !strcmp(s, "default"),
       "and absent is absent");
}

static void wrong(int rc, const char *message)
{
    ok(rc < 0 && err.code == BL_DATA, "wrong");
    is_str(err.msg, message, "and why");
}

static void failures(struct bl_node root)
{
    static const char *const names[] = { "cls", "mean", NULL };
    struct bl_node v;
    int64_t i;
    size_t n;
    double x;
    int b;
    const char *s;

    wrong(bl_member_size(root, "s", 0, 9, &n, &err),
          "'x.json': s: expected integer, found string");
    wrong(bl_member_size(root, "x", 0, 9, &n, &err),
          "'x.json': x: expected integer, found 1.5");
    wrong(bl_member_size(root, "n", 8, 9, &n, &err),
          "'x.json': n: expected 8 to 9, found 7");
    wrong(bl_member_size(root, "n", 8, 8, &n, &err),
          "'x.json': n: expected 8, found 7");
    wrong(bl_member_size(root, "minus", 0, SIZE_MAX, &n, &err),
          "'x.json': minus: expected 0 to 9223372036854775807, found -3");
    wrong(bl_member_integer(root, "big", 0, INT64_MAX, &i, &err),
          "'x.json': big: integer 9.0072e+15 is out of range");
    wrong(bl_member_integer(root, "huge", 0, INT64_MAX, &i, &err),
          "'x.json': huge: integer inf is out of range");
    wrong(bl_member_number(root, "huge", -1, 1, &x, &err),
          "'x.json': huge: the number is out of range");
    wrong(bl_member_number(root, "x", 2, 3, &x, &err),
          "'x.json': x: expected 2 to 3, found 1.5");
    wrong(bl_member_number(root, "t", 2, 3, &x, &err),
          "'x.json': t: expected number, found boolean");
    wrong(bl_member_bool(root, "n", &b, &err),
          "'x.json': n: expected boolean, found number");
    wrong(bl_member_string(root, "tags", &s, &err),
          "'x.json': tags: expected string, found array");
    wrong(bl_member_choice(root, "s", names, &b, &err),
          "'x.json': s: 'a\xC3\xA9\xF0\x9F\x98\x80' is not known (expected "
          "'cls')");
    wrong(bl_member_choice(root, "n", names, &b, &err),
          "'x.json': n: expected string, found number");
    wrong(bl_member_size(root, "twice", 0, 9, &n, &err),
          "'x.json': twice: is given twice");
    wrong(bl_required(bl_member(root, "q", &v, &err), root, "q", &err),
          "'x.json': q is missing");
    wrong(bl_required(bl_member(root, "z", &v, &err), root, "z", &err),
          "'x.json': z is missing");
    wrong(bl_member_of(root, "n", BL_JSON_OBJECT, &v, &err),
          "'x.json': n: expected object, found number");
    ok(bl_member(root, "twice", &v, NULL) == -1, "without a message");
}

static void places(struct bl_node root)
{
    struct bl_node list, v;
    size_t n;

    ok(bl_member_of(root, "tags", BL_JSON_ARRAY, &list, &err) == 1
       && bl_node_count(list) == 2, "an array of two");
    v = bl_node_next(bl_node_first(list));
    is_str(bl_node_key(v), "", "which have no names");
    wrong(bl_member_size(v, "start", 0, 9, &n, &err),
          "'x.json': tags[1].start: expected integer, found string");
    ok(!bl_node_next(v).item, "the last");
    wrong(bl_member_size(list, "start", 0, 9, &n, &err),
          "'x.json': tags: expected object, found array");
    ok(bl_member(root, "odd key", &v, &err) == 1, "an odd key");
    v = bl_node_first(bl_node_first(bl_node_first(v)));
    is_str(bl_node_key(bl_node_first(bl_node_next(list))), "a.b", "a key");
    wrong(bl_node_fail(v, &err, "is %d", 3),
          "'x.json': [\"odd key\"][\"a.b\"][0][0]: is 3");
    wrong(bl_node_fail(root, &err, "is all"), "'x.json': is all");
}

/* What is far below must not push the message out. */
static void far_below(void)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_document *d;
    struct bl_node v;

    for (size_t i = 0; i < 90; i++)
        bl_buf_puts(&b, "{\"abcdefgh\":");
    bl_buf_puts(&b, "1");
    repeat(&b, "}", 90);
    d = parse(b.data);
    for (v = bl_document_root(d); bl_node_first(v).item; )
        v = bl_node_first(v);
    bl_node_expect(v, BL_JSON_STRING, &err);
    ok(strstr(err.msg, ".abcdefgh...: expected string, found number")
       && strlen(err.msg) < 250, "a long way is cut");
    bl_document_free(d);
    bl_buf_free(&b);
}

static void put(const char *json, const char *want)
{
    struct bl_document *d = parse(json);
    struct bl_buf b = BL_BUF_INIT;

    bl_node_put(&b, bl_node_first(bl_document_root(d)));
    is_str(b.data, want, "put");
    bl_buf_free(&b);
    bl_document_free(d);
}

static bool same(const char *a, const char *b)
{
    struct bl_document *x = parse(a), *y = parse(b);
    bool r = bl_node_same(bl_document_root(x), bl_document_root(y));

    bl_document_free(x);
    bl_document_free(y);
    return r;
}

static void printed(void)
{
    put("[0.1]", "0.1");
    put("[2e-5]", "2e-05");
    put("[0.30000000000000004]", "0.30000000000000004");
    put("[123456789012345]", "123456789012345");
    put("[\"a\\n\"]", "\"a\\n\"");
    put("[true]", "true");
    put("[null]", "null");
    put("[{}]", "object");
    ok(same("1.0", "1") && !same("1", "2"), "numbers");
    ok(same("\"a\"", "\"\\u0061\"") && !same("\"a\"", "\"b\""), "strings");
    ok(same("null", "null") && !same("true", "false") && !same("[]", "[]"),
       "and others");
}

/* cJSON's strtod must not want a comma. */
static void locales(void)
{
    struct bl_document *d;
    double x = 0;

    if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
        skip("a locale with a comma", "there is none");
        return;
    }
    d = parse("{\"x\":1.5}");
    ok(d && bl_member_number(bl_document_root(d), "x", 0, 9, &x, &err) == 1
       && x == 1.5, "a locale with a comma");
    bl_document_free(d);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    struct bl_document *d = parse(text);
    char *own = bl_xstrdup("[1]");

    traps();
    nested(100, true);
    nested(101, false);
    long_number(63, true);
    long_number(64, false);
    many_values();
    getters(bl_document_root(d));
    failures(bl_document_root(d));
    places(bl_document_root(d));
    bl_document_free(d);
    d = parse(own);
    memset(own, 'x', 3);
    ok(bl_node_count(bl_document_root(d)) == 1, "the text is not needed");
    free(own);
    bl_document_free(d);
    bl_document_free(NULL);
    far_below();
    printed();
    locales();
    ok(!bl_document_read("/nonexistent.json", 9, &err)
       && err.code == BL_DATA, "no such file");
    return tap_done();
}
