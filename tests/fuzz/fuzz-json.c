/* SPDX-License-Identifier: MIT */
/* fuzz-json: what bl_json_check() accepts is walked whole, decoded, and as a
 * record edited: the result must be one valid JSON line with those edits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "feed.h"
#include "json/record.h"

/* A decoded string, written again, must decode to the same. */
static void string(struct bl_span v, struct bl_arena *a)
{
    struct bl_span s, again;
    struct bl_buf b = BL_BUF_INIT;

    if (bl_json_string(v, a, &s, NULL) < 0)
        return;
    CHECK(bl_utf8_valid(s.p, s.n) == s.n && s.p[s.n] == '\0');
    CHECK(!memchr(s.p, '\0', s.n));
    bl_json_put_string(&b, s.p, s.n);
    CHECK(bl_json_check(b.data, b.len, NULL) == 0);
    CHECK(!bl_json_string((struct bl_span){ b.data, b.len }, a, &again,
                          NULL));
    CHECK(bl_span_eq(s, again));
    bl_buf_free(&b);
}

static void scalar(struct bl_span v, struct bl_arena *a)
{
    double d, again;
    int64_t i;
    struct bl_buf b = BL_BUF_INIT;
    struct bl_err err;

    string(v, a);
    if (bl_json_integer(v, INT64_MIN, INT64_MAX, &i, &err) == 0)
        CHECK(bl_json_type(v) == BL_JSON_NUMBER);
    if (bl_json_number(v, &d, &err) == 0) {
        bl_json_put_double(&b, d, 17);
        CHECK(bl_json_check(b.data, b.len, NULL) == 0);
        CHECK(!bl_json_number((struct bl_span){ b.data, b.len }, &again,
                              NULL) && again == d);
    }
    bl_buf_free(&b);
}

static void walk(struct bl_span v, struct bl_arena *a)
{
    static struct bl_json_iter stack[BL_JSON_MAX_DEPTH];
    struct bl_span key, got;
    size_t depth = 0;

    scalar(v, a);
    stack[depth++] = bl_json_iter(v);
    while (depth) {
        if (!bl_json_next(&stack[depth - 1], &key, &v)) {
            depth--;
            continue;
        }
        CHECK(bl_json_check(v.p, v.n, NULL) == 0);
        scalar(v, a);
        if (bl_json_get(v, "text", &got, NULL) > 0)
            CHECK(got.p > v.p && got.p + got.n < v.p + v.n);
        if (bl_json_type(v) >= BL_JSON_ARRAY)
            stack[depth++] = bl_json_iter(v);
    }
}

/* Writes r with the edits and checks what each name holds afterwards. */
static void edit(const struct bl_record *r)
{
    struct bl_edits e = { 0 };
    struct bl_buf out = BL_BUF_INIT;
    struct bl_record again = { 0 };
    struct bl_span v;

    bl_edits_set(&e, "new", BL_SPAN_LIT("[1]"));
    bl_edits_set(&e, "text", BL_SPAN_LIT("{}"));
    bl_edits_set(&e, "text", BL_SPAN_LIT("\"last\""));
    bl_edits_drop(&e, "id");
    bl_record_write(&out, r, &e);
    CHECK(out.len && out.data[out.len - 1] == '\n');
    CHECK(!memchr(out.data, '\n', out.len - 1)
          || memchr(r->line.p, '\n', r->line.n));
    CHECK(!bl_record_parse(&again, (struct bl_span){ out.data,
                                                     out.len - 1 }, 1,
                           NULL));
    CHECK(bl_record_get(&again, "id", &v, NULL) == 0);
    if (bl_record_get(r, "new", &v, NULL) >= 0)
        CHECK(bl_record_get(&again, "new", &v, NULL) == 1
              && bl_span_is(v, "[1]"));
    if (bl_record_get(r, "text", &v, NULL) >= 0)
        CHECK(bl_record_get(&again, "text", &v, NULL) == 1
              && bl_span_is(v, "\"last\""));
    bl_edits_free(&e);
    bl_buf_free(&out);
    bl_record_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span line = { (const char *)data, size };
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_record r = { 0 };
    struct bl_err err = { .code = BL_OK };

    bool good = bl_json_check(line.p, line.n, &err) == 0;
    CHECK(good == (err.code == BL_OK));
    if (!good)
        CHECK(bl_utf8_valid(err.msg, strlen(err.msg)) == strlen(err.msg));
    if (good)
        walk(bl_json_trim(line), &a);
    if (bl_record_parse(&r, line, 1, &err) == 0)
        edit(&r);
    bl_record_free(&r);
    bl_arena_free(&a);
    return 0;
}
