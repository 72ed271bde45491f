/* SPDX-License-Identifier: MIT */
/*
 * Hand-made safetensors files: each bad one differs in one thing from a good
 * one, and is refused with the sentence that names it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"
#include "tensor/safetensors.h"

static char *folder;

/* Writes the header's length, the header, and n bytes of data. */
static char *write_file(const char *name, unsigned long long length,
                        const char *header, size_t n)
{
    char *path = bl_xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "wb");

    for (unsigned i = 0; i < 8; i++)
        putc((int)(length >> 8 * i & 255), f);
    fputs(header, f);
    for (size_t i = 0; i < n; i++)
        putc((int)(i & 255), f);
    fclose(f);
    return path;
}

/* Seconds of this process, which others on the machine do not make longer;
 * valgrind does, some thirty times. */
static double now(void)
{
    struct timespec t;
    double slower = getenv("BLINK_VALGRIND") ? 30 : 1;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) / slower;
}

/* want NULL: the file is good; else the end of the sentence. */
static void try(const char *what, unsigned long long length,
                const char *header, size_t n, const char *want)
{
    char *path = write_file("x.safetensors", length, header, n);
    struct bl_err err = { .code = BL_OK };
    double start = now();
    struct bl_safetensors *st = bl_safetensors_open(path, &err);

    ok(now() - start < 0.05, "%s: under 50 ms", what);
    if (!want) {
        if (!ok(st != NULL, "%s: good", what))
            printf("# %s\n", err.msg);
    } else if (ok(!st && err.code == BL_DATA, "%s: refused", what)) {
        size_t skip_path = strlen(path) + 4;

        ok(!strncmp(err.msg + 1, path, strlen(path)), "%s: names the file",
           what);
        is_str(strlen(err.msg) > skip_path ? err.msg + skip_path : "", want,
               what);
    }
    bl_safetensors_close(st);
    unlink(path);
    free(path);
}

static const struct {
    const char *what, *header;
    size_t data;
    const char *want;
} headers[] = {
#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" \
    shape ",\"data_offsets\":[" from "," to "]}"
    { "no tensors", "{}", 0, NULL },
    { "one tensor", "{\"a\":" T("F32", "[2,3]", "0", "24") "}", 24, NULL },
    { "two tensors, metadata", "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"b\":" T("F16", "[2]", "4", "8") ",\"a\":" T("BF16", "[2]", "0", "4")
      "}", 8, NULL },
    { "a scalar", "{\"a\":" T("F32", "[]", "0", "4") "}", 4, NULL },
    { "an empty tensor", "{\"a\":" T("F32", "[0,7]", "0", "0") ",\"b\":"
      T("I64", "[1]", "0", "8") "}", 8, NULL },
    { "an escaped name", "{\"\\u0061\":" T("F32", "[1]", "0", "4") "}", 4,
      NULL },
    { "not JSON", "{\"a\":", 0,
      "header at offset 8: byte 5: expected a value, found the end" },
    { "an array", "[]", 0, "the header at offset 8 does not start with '{'" },
    { "a hole", "{\"a\":" T("F32", "[1]", "4", "8") "}", 8, "tensor 'a' "
      "starts at data offset 4, expected 0: a hole" },
    { "an overlap", "{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":"
      T("F32", "[1]", "4", "8") "}", 8, "tensor 'b' starts at data offset 4, "
      "expected 8: an overlap" },
    { "the same data twice", "{\"a\":" T("F32", "[1]", "0", "4") ",\"b\":"
      T("F32", "[1]", "0", "4") "}", 4, "tensor 'b' starts at data offset 0, "
      "expected 4: an overlap" },
    { "trailing bytes", "{\"a\":" T("F32", "[1]", "0", "4") "}", 7,
      "3 trailing bytes after the last tensor" },
    { "data cut", "{\"a\":" T("F32", "[2]", "0", "8") "}", 7, "tensor 'a': "
      "data ends at offset 8, but the file has 7 bytes of data" },
    { "product overflows", "{\"a\":" T("F32", "[4294967296,4294967296]", "0",
      "4") "}", 4, "tensor 'a': the shape's product overflows" },
    { "bytes overflow", "{\"a\":" T("F32", "[4611686018427387904]", "0",
      "0") "}", 0, "tensor 'a': the shape's size in bytes overflows" },
    { "too many dimensions", "{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "0",
      "4") "}", 4, "tensor 'a': more than 8 dimensions" },
    { "unknown dtype", "{\"a\":" T("F8_E5M2", "[4]", "0", "4") "}", 4,
      "tensor 'a': dtype \"F8_E5M2\" is not known" },
    { "size and offsets differ", "{\"a\":" T("F32", "[2]", "0", "4") "}", 4,
      "tensor 'a': shape and dtype need 8 bytes, but the offsets are 0 and "
      "4" },
    { "offsets backwards", "{\"a\":" T("F32", "[0]", "4", "0") "}", 4,
      "tensor 'a': shape and dtype need 0 bytes, but the offsets are 4 and "
      "0" },
    { "three offsets", "{\"a\":" T("F32", "[1]", "0", "4,5") "}", 4,
      "tensor 'a': data_offsets: expected 2 numbers, found 3" },
    { "offsets that are a number", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
      "\"data_offsets\":4}}", 4,
      "tensor 'a': data_offsets: expected array, found number" },
    { "two dtypes", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":"
      "[1],\"data_offsets\":[0,4]}}", 4,
      "tensor 'a': field 'dtype' is given twice" },
    { "no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
      "tensor 'a': dtype is missing" },
    { "a tensor that is a number", "{\"a\":4}", 4,
      "tensor 'a': expected object, found number" },
    { "a shape that is a number", "{\"a\":" T("F32", "4", "0", "4") "}", 4,
      "tensor 'a': shape: expected array, found number" },
    { "the same name twice", "{\"a\":" T("F32", "[1]", "0", "4") ",\"a\":"
      T("F32", "[1]", "4", "8") "}", 8, "tensor 'a' is there twice" },
    { "the same name twice, escaped", "{\"a\":" T("F32", "[1]", "0", "4")
      ",\"\\u0061\":" T("F32", "[1]", "4", "8") "}", 8,
      "tensor 'a' is there twice" },
};

static void test_headers(void)
{
    for (size_t i = 0; i < BL_COUNT(headers); i++)
        try(headers[i].what, strlen(headers[i].header), headers[i].header,
            headers[i].data, headers[i].want);
}

static void test_lengths(void)
{
    try("length 2^64 - 1", ~0ull, "{}", 0, "header length "
        "18446744073709551615 is above the limit of 100000000: not a "
        "safetensors file");
    try("length 100 MB + 1", 100000001, "{}", 0, "header length 100000001 is "
        "above the limit of 100000000: not a safetensors file");
    try("length beyond the file", 100000000, "{}", 0, "the header at offset "
        "8 needs 100000000 bytes, but the file has 2 more");
    try("length 0", 0, "", 0, "the header at offset 8 does not start with "
        "'{'");
    try("a negative number", 62, "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],"
        "\"data_offsets\":[0,4]}}        ", 4, "tensor 'a': shape: expected "
        "0 to 9223372036854775807, found -1");
}

/* A whole file cut short anywhere is refused. */
static void test_cuts(void)
{
    const char *header = "{\"a\":" T("F32", "[2,3]", "0", "24") "}";
    size_t whole = 8 + strlen(header) + 24, refused = 0;
    char *path = write_file("cut.safetensors", strlen(header), header, 24);

    for (size_t n = whole; n-- > 0; ) {
        struct bl_safetensors *st;

        BL_ASSERT(!truncate(path, (off_t)n));
        st = bl_safetensors_open(path, NULL);
        refused += st == NULL;
        bl_safetensors_close(st);
    }
    ok(refused == whole, "refused at each of %zu cut points", whole);
    unlink(path);
    free(path);
}

static void test_values(void)
{
    static const unsigned char halves[] = {
        0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c, 0xff, 0x7b
    };                          /* 1, -2, 2^-24, infinity, 65504 */
    static const float want[] = { 1, -2, 0x1p-24f, INFINITY, 65504 };
    const char *header = "{\"h\":" T("F16", "[5]", "0", "10") ",\"b\":"
        T("BF16", "[1]", "10", "12") ",\"i\":" T("I64", "[1]", "12", "20")
        ",\"f\":" T("F32", "[1]", "20", "24") "}";
    char *path = write_file("v.safetensors", strlen(header), header, 0);
    FILE *f = fopen(path, "ab");
    struct bl_safetensors *st;
    size_t same = 0;

    fwrite(halves, 1, sizeof halves, f);
    fwrite("\x80\xbf" "12345678" "\x00\x00\x20\x41", 1, 14, f);
    fclose(f);
    st = bl_safetensors_open(path, NULL);
    ok(st && bl_safetensors_count(st) == 4, "four tensors");
    for (size_t i = 0; i < 5; i++)
        same += bl_safetensors_f32(bl_safetensors_find(st, "h"))[i]
            == want[i];
    ok(same == 5, "half precision");
    ok(bl_safetensors_f32(bl_safetensors_find(st, "b"))[0] == -1.0f,
       "bfloat16");
    ok(bl_safetensors_f32(bl_safetensors_find(st, "f"))[0] == 10,
       "unaligned float");
    ok(!bl_safetensors_f32(bl_safetensors_find(st, "i")),
       "integers are not converted");
    ok(!bl_safetensors_find(st, "x"), "a name that is not there");
    bl_safetensors_close(st);
    unlink(path);
    free(path);
}

/* An index of files, which says want. */
static void bad_index(const char *map, const char *want)
{
    char *path = bl_xasprintf("%s/bad.index.json", folder);
    FILE *f = fopen(path, "w");
    struct bl_err err = { .code = BL_OK, .msg = "" };

    fputs(map, f);
    fclose(f);
    ok(!bl_safetensors_open(path, &err) && err.code == BL_DATA
       && strstr(err.msg, want), "an index: %s", want);
    if (!strstr(err.msg, want))
        printf("# %s\n", err.msg);
    unlink(path);
    free(path);
}

static void test_indexes(void)
{
    const char *empty = "{}";
    struct bl_buf map = BL_BUF_INIT;
    char *one = write_file("one.safetensors", strlen(empty), empty, 0);

    bad_index("{\"weight_map\":3}", "weight_map: expected object, found "
              "number");
    bad_index("{}", "weight_map is missing");
    bad_index("{\"weight_map\":{}}", "weight_map: no file is named");
    bad_index("{\"weight_map\":{\"a\":7}}", "expected string, found number");
    bl_buf_puts(&map, "{\"weight_map\":{\"x\":\"one.safetensors\"");
    for (int i = 0; i < 1000; i++) {
        char *name = bl_xasprintf("%s/n%d.safetensors", folder, i);

        BL_ASSERT(!link(one, name));
        free(name);
        bl_buf_printf(&map, ",\"t%d\":\"n%d.safetensors\"", i, i);
    }
    bl_buf_puts(&map, "}}");
    bad_index(map.data, "more than 1000 files");
    for (int i = 0; i < 1000; i++) {
        char *name = bl_xasprintf("%s/n%d.safetensors", folder, i);

        unlink(name);
        free(name);
    }
    bl_buf_free(&map);
    unlink(one);
    free(one);
}

static void test_shards(void)
{
    const char *first = "{\"a\":" T("F32", "[1]", "0", "4") "}";
    const char *second = "{\"b\":" T("F32", "[1]", "0", "4") "}";
    char *a = write_file("a.safetensors", strlen(first), first, 4);
    char *b = write_file("b.safetensors", strlen(second), second, 4);
    char *path = bl_xasprintf("%s/model.safetensors.index.json", folder);
    FILE *f = fopen(path, "w");
    struct bl_err err;
    struct bl_safetensors *st;

    fputs("{\"weight_map\":{\"a\":\"a.safetensors\","
          "\"b\":\"b.safetensors\"}}", f);
    fclose(f);
    st = bl_safetensors_open(path, &err);
    if (!ok(st && bl_safetensors_count(st) == 2, "two files open as one"))
        printf("# %s\n", err.msg);
    bl_safetensors_close(st);
    f = fopen(path, "w");
    fputs("{\"weight_map\":{\"a\":\"../a.safetensors\"}}", f);
    fclose(f);
    ok(!bl_safetensors_open(path, &err) && strstr(err.msg, "is not the name "
       "of a file beside the index"), "an index stays in its directory");
    unlink(a);
    unlink(b);
    unlink(path);
    free(a);
    free(b);
    free(path);
}

int main(void)
{
    char name[] = "/tmp/blink-st-XXXXXX";

    folder = mkdtemp(name);
    test_headers();
    test_lengths();
    test_cuts();
    test_values();
    test_indexes();
    test_shards();
    rmdir(folder);
    return tap_done();
}
