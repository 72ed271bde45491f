/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/writer.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static struct bl_buf out = BL_BUF_INIT;
static struct bl_writer w;

static void begin(enum bl_write_style style)
{
    bl_buf_clear(&out);
    w = bl_writer(&out, style);
}

static void sample(enum bl_write_style style, const char *want)
{
    begin(style);
    bl_write_object(&w, NULL);
    bl_write_size(&w, "a", 1);
    bl_write_array(&w, "b");
    bl_write_integer(&w, NULL, -2);
    bl_write_object(&w, NULL);
    bl_write_end(&w);
    bl_write_array(&w, NULL);
    bl_write_end(&w);
    bl_write_end(&w);
    bl_write_object(&w, "c");
    bl_write_null(&w, "d");
    bl_write_bool(&w, "e", true);
    bl_write_end(&w);
    bl_write_object(&w, "f");
    bl_write_end(&w);
    bl_write_end(&w);
    bl_write_line(&w);
    is_str(out.data, want, "nested");
}

static void styles(void)
{
    sample(BL_WRITE_COMPACT,
           "{\"a\":1,\"b\":[-2,{},[]],\"c\":{\"d\":null,\"e\":true},"
           "\"f\":{}}\n");
    sample(BL_WRITE_SPACED,
           "{\"a\": 1, \"b\": [-2, {}, []], \"c\": {\"d\": null, "
           "\"e\": true}, \"f\": {}}\n");
    sample(BL_WRITE_INDENTED,
           "{\n  \"a\": 1,\n  \"b\": [-2, {}, []],\n  \"c\": {\n"
           "    \"d\": null,\n    \"e\": true\n  },\n  \"f\": {}\n}\n");
}

static void breaks(void)
{
    begin(BL_WRITE_COMPACT);
    bl_write_object(&w, NULL);
    bl_write_size(&w, "a", 1);
    bl_write_break(&w, 0);
    bl_write_size(&w, "b", 2);
    bl_write_break(&w, 1);
    bl_write_object(&w, "c");
    bl_write_break(&w, 2);
    bl_write_size(&w, "d", 3);
    bl_write_size(&w, "e", 4);
    bl_write_end(&w);
    bl_write_end(&w);
    is_str(out.data, "{\"a\":1,\n\"b\":2,\n \"c\":{\n  \"d\":3,\"e\":4}}",
           "lines of one's own");
}

static void scalars(void)
{
    begin(BL_WRITE_COMPACT);
    bl_write_array(&w, NULL);
    bl_write_integer(&w, NULL, INT64_MIN);
    bl_write_integer(&w, NULL, INT64_MAX);
    bl_write_integer(&w, NULL, 0);
    bl_write_size(&w, NULL, UINT64_MAX);
    bl_write_double(&w, NULL, 0.1, 17);
    bl_write_double(&w, NULL, 1.0 / 3, 6);
    bl_write_float(&w, NULL, 0.1f);
    bl_write_double_or_null(&w, NULL, NAN, 9);
    bl_write_double_or_null(&w, NULL, -INFINITY, 9);
    bl_write_double_or_null(&w, NULL, 2, 9);
    bl_write_raw(&w, NULL, BL_SPAN_LIT("{ }"));
    bl_buf_puts(bl_write_slot(&w, NULL), "7e0");
    bl_write_end(&w);
    is_str(out.data, "[-9223372036854775808,9223372036854775807,0,"
           "18446744073709551615,0.10000000000000001,0.333333,0.100000001,"
           "null,null,2,{ },7e0]", "scalars");
}

static void strings(void)
{
    begin(BL_WRITE_COMPACT);
    bl_write_object(&w, NULL);
    bl_write_key(&w, BL_SPAN_LIT("a\"b"));
    bl_write_string(&w, NULL, "\\ \x01\n\xC3\xA9\x7f/");
    bl_write_key(&w, BL_SPAN_LIT(""));
    bl_write_span(&w, NULL, BL_SPAN_LIT("\0x"));
    bl_write_end(&w);
    is_str(out.data, "{\"a\\\"b\":\"\\\\ \\u0001\\n\xC3\xA9\x7f/\","
           "\"\":\"\\u0000x\"}", "strings and keys are escaped");
}

static void lines(void)
{
    begin(BL_WRITE_COMPACT);
    bl_write_string(&w, NULL, "one");
    bl_write_line(&w);
    bl_write_size(&w, NULL, 2);
    bl_write_line(&w);
    is_str(out.data, "\"one\"\n2\n", "values that are no containers");
}

/* ---- Misuse ---- */

static void no_key(void)
{
    bl_write_object(&w, NULL);
    bl_write_null(&w, NULL);
}

static void key_in_array(void)
{
    bl_write_array(&w, NULL);
    bl_write_null(&w, "a");
}

static void key_alone(void)
{
    bl_write_null(&w, "a");
}

static void two_keys(void)
{
    bl_write_object(&w, NULL);
    bl_write_key(&w, BL_SPAN_LIT("a"));
    bl_write_null(&w, "b");
}

static void key_without_value(void)
{
    bl_write_object(&w, NULL);
    bl_write_key(&w, BL_SPAN_LIT("a"));
    bl_write_end(&w);
}

static void end_too_many(void)
{
    bl_write_array(&w, NULL);
    bl_write_end(&w);
    bl_write_end(&w);
}

static void two_values(void)
{
    bl_write_null(&w, NULL);
    bl_write_null(&w, NULL);
}

static void line_inside(void)
{
    bl_write_array(&w, NULL);
    bl_write_null(&w, NULL);
    bl_write_line(&w);
}

static void line_of_nothing(void)
{
    bl_write_line(&w);
}

static void too_deep(void)
{
    for (size_t i = 0; i <= BL_WRITE_MAX_DEPTH; i++)
        bl_write_array(&w, NULL);
}

static void break_before_end(void)
{
    bl_write_array(&w, NULL);
    bl_write_break(&w, 0);
    bl_write_end(&w);
}

static void not_a_number(void)
{
    bl_write_double(&w, NULL, NAN, 9);
}

static void misused(void (*f)(void), const char *what)
{
    pid_t child = fork();
    int status = 0;

    if (!child) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        begin(BL_WRITE_COMPACT);
        f();
        _exit(0);
    }
    ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status)
       && WTERMSIG(status) == SIGABRT, "a bug: %s", what);
}

static void misuse(void)
{
    misused(no_key, "a member of an object without a key");
    misused(key_in_array, "a key in an array");
    misused(key_alone, "a key outside of all");
    misused(two_keys, "two keys");
    misused(key_without_value, "a key without a value");
    misused(end_too_many, "an end too many");
    misused(two_values, "two whole values");
    misused(line_inside, "a line inside a value");
    misused(line_of_nothing, "a line of nothing");
    misused(too_deep, "too deep");
    misused(break_before_end, "a line break without a member");
    misused(not_a_number, "NaN");
}

int main(void)
{
    styles();
    breaks();
    scalars();
    strings();
    lines();
    misuse();
    bl_buf_free(&out);
    return tap_done();
}
