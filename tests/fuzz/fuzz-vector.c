/* SPDX-License-Identifier: MIT */
/* fuzz-vector: any JSON as an `embedding` field.  What is accepted is finite
 * and survives being written in both forms; base64 that is accepted is the
 * one encoding of its bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/finite.h"
#include "feed.h"
#include "json/vector.h"

static const struct bl_vector_want any = { 0, NULL, "test" };

static void again(const struct bl_vector *v, enum bl_floats form)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_buf b = BL_BUF_INIT;
    struct bl_vector w;

    bl_vector_put(&b, v->v, v->dim, v->model.p, v->names, form);
    CHECK(bl_json_check(b.data, b.len, NULL) == 0);
    CHECK(bl_vector_read((struct bl_span){ b.data, b.len }, &any, &arena, &w,
                         NULL) == 0);
    CHECK(w.dim == v->dim && w.names == v->names);
    for (size_t i = 0; i < w.dim; i++)
        CHECK(w.v[i] == v->v[i]);
    bl_buf_free(&b);
    bl_arena_free(&arena);
}

static void base64(const char *text, size_t size)
{
    char *out = malloc(size + 1);
    struct bl_buf b = BL_BUF_INIT;

    for (size_t n = size / 4 * 3; n + 2 >= size / 4 * 3; n--) {
        if (bl_base64_get((struct bl_span){ text, size }, out, n)) {
            bl_base64_put(&b, out, n);
            CHECK(b.len == size && !memcmp(b.data, text, size));
        }
        bl_buf_clear(&b);
        if (!n)
            break;
    }
    bl_buf_free(&b);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span line = { (const char *)data, size };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_vector v;
    struct bl_err err;

    base64(line.p, line.n);
    if (bl_json_check(line.p, line.n, &err) == 0
        && bl_vector_read(bl_json_trim(line), &any, &arena, &v, &err) == 0) {
        CHECK(bl_finite_before(v.v, v.dim) == v.dim);
        again(&v, BL_FLOATS_BASE64);
        again(&v, BL_FLOATS_JSON);
    }
    bl_arena_free(&arena);
    return 0;
}
