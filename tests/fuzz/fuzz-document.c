/* SPDX-License-Identifier: MIT */
/* fuzz-document: a document that is read holds what the reader of records
 * finds in the same text: the same members in the same order, names,
 * strings, numbers.  cJSON makes the one, our own cursor the other. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "json/document.h"

static void same_string(struct bl_span raw, const char *got,
                        struct bl_arena *a)
{
    struct bl_span want;

    CHECK(bl_json_string(raw, a, &want, NULL) == 0);
    CHECK(want.n == strlen(got) && !memcmp(want.p, got, want.n));
}

static void same_number(struct bl_span raw, struct bl_node v)
{
    int64_t got = 0, want = 0;
    double d = 0, e = 0;
    struct bl_buf b = BL_BUF_INIT;
    bool number = bl_node_number(v, -INFINITY, INFINITY, &d, NULL) == 0;
    bool integer = bl_node_integer(v, INT64_MIN, INT64_MAX, &got, NULL) == 0;

    CHECK(number == (bl_json_number(raw, &e, NULL) == 0));
    CHECK(!number || d == e);
    if (integer && bl_json_integer(raw, INT64_MIN, INT64_MAX, &want,
                                   NULL) == 0)
        CHECK(got == want);
    bl_node_put(&b, v);
    CHECK(bl_json_check(b.data, b.len, NULL) == 0);
    if (number)
        CHECK(bl_json_number((struct bl_span){ b.data, b.len }, &e, NULL)
              == 0 && d == e);
    bl_buf_free(&b);
}

static void same_scalar(struct bl_span raw, struct bl_node v,
                        struct bl_arena *a)
{
    const char *s;
    int b;

    CHECK(bl_node_type(v) == bl_json_type(raw));
    switch (bl_node_type(v)) {
    case BL_JSON_STRING:
        CHECK(bl_node_string(v, &s, NULL) == 0);
        same_string(raw, s, a);
        break;
    case BL_JSON_NUMBER:
        same_number(raw, v);
        break;
    case BL_JSON_BOOL:
        CHECK(bl_node_bool(v, &b, NULL) == 0 && b == (*raw.p == 't'));
        break;
    default:
        break;
    }
}

static void walk(struct bl_span raw, struct bl_node v, struct bl_arena *a)
{
    struct bl_json_iter it = bl_json_iter(raw);
    struct bl_span key, member;
    struct bl_node at = bl_node_first(v), found;
    struct bl_err err;
    size_t n = 0;

    for (; bl_json_next(&it, &key, &member); n++) {
        CHECK(at.item);
        if (it.object) {
            same_string((struct bl_span){ key.p - 1, key.n + 2 },
                        bl_node_key(at), a);
            CHECK(bl_member(v, bl_node_key(at), &found, NULL) < 1
                  || found.item == at.item);
        }
        same_scalar(member, at, a);
        CHECK(bl_node_fail(at, &err, "wrong") == -1);
        walk(member, at, a);
        at = bl_node_next(at);
    }
    CHECK(!at.item && bl_node_count(v) == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size };
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_err err = { .code = BL_OK };
    struct bl_document *d = bl_document_parse(text, "fuzz", &err);

    CHECK(!d == (err.code == BL_DATA));
    if (d) {
        CHECK(bl_json_check(text.p, text.n, NULL) == 0);
        same_scalar(bl_json_trim(text), bl_document_root(d), &a);
        walk(bl_json_trim(text), bl_document_root(d), &a);
    }
    bl_document_free(d);
    bl_arena_free(&a);
    return 0;
}
