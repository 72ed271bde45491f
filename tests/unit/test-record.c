/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/record.h"
#include "tap.h"

static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_err err;

static struct bl_record parse(const char *line)
{
    struct bl_record r = { 0 };

    ok(bl_record_parse(&r, bl_span_of(line), 1, &err) == 0, "parse %s",
       line);
    return r;
}

static void getters(void)
{
    struct bl_record r = parse("{\"s\":\"x\",\"n\":7,\"z\":null,\"a\":[],"
                               "\"d\":1,\"d\":2,\"id\":9007199254740993}");
    struct bl_span s = { NULL, 0 };
    int64_t n = 0;

    ok(bl_record_string(&r, "s", &arena, &s, &err) == 0
       && bl_span_is(s, "x"), "string");
    ok(bl_record_string(&r, "n", &arena, &s, &err) < 0, "no string");
    is_str(err.msg, "field 'n': expected string, found number", "message");
    ok(bl_record_string(&r, "z", &arena, &s, &err) < 0, "null is no string");
    is_str(err.msg, "field 'z': expected string, found null", "message");
    ok(bl_record_string(&r, "q", &arena, &s, &err) < 0, "absent");
    is_str(err.msg, "field 'q': expected string, found nothing", "message");
    ok(bl_record_string_opt(&r, "z", &arena, &s, &err) == 0, "optional null");
    ok(bl_record_integer(&r, "n", 0, 9, &n, &err) == 0 && n == 7, "integer");
    ok(bl_record_integer(&r, "d", 0, 9, &n, &err) < 0
       && err.code == BL_DUPLICATE_KEY, "given twice");
    ok(bl_record_array(&r, "a", &s, &err) == 0, "array");
    ok(bl_record_id(&r, "id", &arena, &s, &err) == 0
       && bl_span_is(s, "9007199254740993"), "a big id keeps its digits");
    ok(bl_record_id(&r, "q", &arena, &s, &err) < 0, "no id");
    is_str(err.msg, "field 'q': expected string or integer, found nothing",
           "message");
    ok(bl_record_id(&r, "a", &arena, &s, &err) < 0, "an array is no id");
    is_str(err.msg, "field 'a': expected string or integer, found array",
           "message");
    bl_record_free(&r);
}

static void edit(const char *line, const char *name, const char *value,
                 const char *want)
{
    struct bl_record r = parse(line);
    struct bl_edits e = { 0 };
    struct bl_buf out = BL_BUF_INIT;

    if (value)
        bl_edits_set(&e, name, bl_span_of(value));
    else
        bl_edits_drop(&e, name);
    bl_record_write(&out, &r, &e);
    is_str(out.data, want, "edited");
    bl_edits_free(&e);
    bl_buf_free(&out);
    bl_record_free(&r);
}

static void edits(void)
{
    edit("{ \"a\" : 1.00 }", "b", "[2]", "{ \"a\" : 1.00 ,\"b\":[2]}\n");
    edit("{}", "b", "1", "{\"b\":1}\n");
    edit("{ }", "b", "1", "{ \"b\":1}\n");
    edit("{\"a\":1,\"b\":2,\"c\":1e400}", "b", "3",
         "{\"a\":1,\"b\":3,\"c\":1e400}\n");
    edit("{\"a\":1,\"b\":2}", "a", NULL, "{\"b\":2}\n");
    edit("{\"a\":1}", "a", NULL, "{}\n");
    edit("{\"\\u0061\":1,\"x\\ny\":2}", "a", "5",
         "{\"\\u0061\":5,\"x\\ny\":2}\n");
}

int main(void)
{
    struct bl_record r = { 0 };

    getters();
    edits();
    ok(bl_record_parse(&r, bl_span_of("[1]"), 1, &err) < 0
       && !strcmp(err.msg, "expected object, found array"), "an array");
    ok(bl_record_parse(&r, bl_span_of("{} {}"), 1, &err) < 0
       && err.code == BL_BAD_JSON, "two objects");
    bl_record_free(&r);
    bl_arena_free(&arena);
    return tap_done();
}
