/* SPDX-License-Identifier: MIT */
/* The `embedding` field: what is read, what is refused and how it is said,
 * and that both written forms read back bit for bit. */
#include "base/base64.h"
#include "json/vector.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"

static struct bl_arena arena = BL_ARENA_INIT;

/* Reads a whole record; "" when it was accepted, else "code: message". */
static const char *reads(const char *line, struct bl_vector *v)
{
    static char text[BL_ERR_MSG + 32];
    struct bl_record r = { 0 };
    struct bl_vector_want want = { 2, "m", "'k.blx'" };
    struct bl_err err = { 0 };

    text[0] = '\0';
    bl_arena_reset(&arena);
    if (bl_record_parse(&r, bl_span_of(line), 1, &err) < 0
        || bl_vector_get(&r, &want, &arena, v, &err) < 0)
        snprintf(text, sizeof text, "%s: %s", bl_code_name(err.code),
                 err.msg);
    bl_record_free(&r);
    return text;
}

#define E "{\"embedding\":{\"model\":\"m\",\"dim\":2,"
#define F "field 'embedding': "

static void refusals(void)
{
    static const struct { const char *line, *says; } bad[] = {
        { "{}", "no-stage: field 'embedding': expected object, "
          "found nothing: run blink-embed first" },
        { "{\"embedding\":[1,2]}",
          "bad-field: " F "expected object, found array" },
        { "{\"embedding\":{\"dim\":2,\"values\":[1,2]}}",
          "bad-field: " F "'model' is missing" },
        { "{\"embedding\":{\"model\":\"x\",\"dim\":2,\"values\":[1,2]}}",
          "model-mismatch: " F
          "made by model 'x' where 'k.blx' has 'm': give blink-embed -m "
          "the same model" },
        { "{\"embedding\":{\"model\":\"\",\"dim\":2,\"values\":[1,2]}}",
          "bad-field: " F "'model' has 0 bytes where 1 to 64 were expected" },
        { "{\"embedding\":{\"model\":\"m\",\"values\":[1,2]}}",
          "bad-field: " F "'dim' is missing" },
        { "{\"embedding\":{\"model\":\"m\",\"dim\":3,\"values\":[1,2,3]}}",
          "bad-vector: " F "3 numbers where 'k.blx' has 2" },
        { E "\"names\":3,\"values\":[1,2]}}",
          "bad-field: " F "'names': expected true or false, found number" },
        { E "\"values\":[1]}}",
          "bad-vector: " F "1 values where 'dim' is 2" },
        { E "\"values\":[1,2,3]}}",
          "bad-vector: " F "more than 2 values" },
        { E "\"values\":[1,null]}}",
          "bad-vector: " F "value 1: expected number, found null" },
        { E "\"values\":[1,1e39]}}",
          "bad-vector: " F "value 1 is not a finite 32-bit number" },
        { E "\"values\":[-1e999,0]}}",
          "bad-vector: " F "value 0 is not a finite 32-bit number" },
        { E "\"values\":{}}}",
          "bad-field: " F "'values': expected array, found object" },
        { E "\"f32\":7}}",
          "bad-field: " F "'f32': expected string, found number" },
        { E "\"f32\":\"AACAPwAAAE\"}}",
          "bad-vector: " F "10 characters of base64 where 2 numbers take 12"
        },
        { E "\"f32\":\"AACAPwAAA*A=\"}}",
          "bad-vector: " F "'f32' is not valid base64" },
        { E "\"f32\":\"AACAPwAAAEB=\"}}",     /* a stray bit */
          "bad-vector: " F "'f32' is not valid base64" },
        { E "\"f32\":\"AACAPwAAwH8=\"}}",
          "bad-vector: " F "value 1 is not a finite 32-bit number" },
        { E "\"f32\":\"AACA/wAAAEA=\"}}",
          "bad-vector: " F "value 0 is not a finite 32-bit number" },
        { E "\"f32\":\"AACAPwAAAEA=\",\"values\":[1,2]}}",
          "bad-field: " F "expected either 'f32' or 'values', found both" },
        { "{\"embedding\":{\"model\":\"m\",\"dim\":2}}",
          "bad-field: " F "expected either 'f32' or 'values', found none" },
        { E "\"dim\":2,\"values\":[1,2]}}",
          "duplicate-key: " F "'dim' comes twice" },
    };
    struct bl_vector v;

    for (size_t i = 0; i < BL_COUNT(bad); i++)
        is_str(reads(bad[i].line, &v), bad[i].says, bad[i].says);
}

static void acceptances(void)
{
    static const char *const good[] = {
        E "\"values\":[1,2]}}",
        E "\"values\":[ 1.0 , 0.2e1 ]}}",
        E "\"f32\":\"AACAPwAAAEA=\"}}",
        ("{\"embedding\":{\"f32\":\"AACAPwAAAEA=\",\"x\":[],\"dim\":2,"
         "\"model\":\"m\"}}"),
    };
    struct bl_vector v;

    for (size_t i = 0; i < BL_COUNT(good); i++) {
        is_str(reads(good[i], &v), "", good[i]);
        ok(v.dim == 2 && v.v[0] == 1 && v.v[1] == 2
           && bl_span_is(v.model, "m"), "its values");
    }
    is_str(reads(E "\"f32\":\"\\/\\/9\\/PwAAAEA=\"}}", &v), "",
           "escaped slashes");
    ok(v.v[0] == 0x1.fffffep-1f, "%a", (double)v.v[0]);
    is_str(reads(E "\"values\":[1e-45,-0]}}", &v), "", "a denormal number");
    ok(v.v[0] == 0x1p-149f, "stays");
    is_str(reads(E "\"values\":[0.1234567890123456789,1234567890123456789e-12"
                 "]}}", &v), "", "more digits than a double has");
    ok(v.v[0] == 0.12345679f && v.v[1] == 1234567.9f, "are rounded");
}

/* Random bits, and the borders of the format. */
static void round_trips(void)
{
    enum { N = 4096 };
    float *f = bl_xmalloc(N, sizeof *f);
    uint32_t seed = 1;
    size_t n = 0;

    while (n < N) {
        uint32_t x = seed = seed * 1664525u + 1013904223u;

        if (n < 64)
            x = (uint32_t)((n & 1) << 31 | (n >> 1) << 23 | (n & 3));
        memcpy(&f[n], &x, sizeof x);
        n += (x & 0x7f800000) != 0x7f800000;
    }
    for (int form = 0; form < 2; form++)
        for (size_t dim = 1; dim <= N; dim = dim < 7 ? dim + 1 : dim * 8) {
            struct bl_buf b = BL_BUF_INIT;
            struct bl_vector_want want = { 0 };
            struct bl_vector v = { 0 };
            struct bl_err err = { .msg = "" };

            bl_arena_reset(&arena);
            bl_vector_put(&b, f, dim, "fp", dim % 2, (enum bl_floats)form);
            ok(!bl_json_check(b.data, b.len, &err)
               && !bl_vector_read((struct bl_span){ b.data, b.len }, &want,
                                  &arena, &v, &err) && v.dim == dim
               && v.names == dim % 2
               && !memcmp(v.v, f, dim * sizeof *f), "%zu floats as %s %s", dim,
               form ? "json" : "base64", err.msg);
            bl_buf_free(&b);
        }
    free(f);
}

static void base64(void)
{
    static const char *const pairs[][2] = {     /* RFC 4648, section 10 */
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" }
    };
    static const char *const bad[] = {
        "Zh==", "Zg=", "Zg", "Z===", "====", "Zg=a", "Zg= ", "\xffg=="
    };
    char out[8];

    for (size_t i = 0; i < 7; i++) {
        struct bl_buf b = BL_BUF_INIT;

        bl_base64_put(&b, pairs[i][0], i);
        is_str(b.data, pairs[i][1], "base64 written");
        ok(bl_base64_get(bl_span_of(pairs[i][1]), out, i)
           && !memcmp(out, pairs[i][0], i), "and read");
        bl_buf_free(&b);
    }
    for (size_t i = 0; i < BL_COUNT(bad); i++)
        ok(!bl_base64_get(bl_span_of(bad[i]), out, 1), "refused: '%s'",
           bad[i]);
}

int main(void)
{
    refusals();
    acceptances();
    round_trips();
    base64();
    bl_arena_free(&arena);
    return tap_done();
}
