/* SPDX-License-Identifier: MIT */
/*
 * test-safetensors: handmade files, each bad one beside a good twin.  A bad
 * file is refused at once, in a sentence with its path.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "mem.h"
#include "prog.h"
#include "safetensors.h"
#include "tap.h"

static char path[] = "/tmp/test-safetensors-XXXXXX";

/* The header's own length. */
enum { OWN = 1 };

/* The file: `length` in eight bytes, the header, n bytes of data. */
static void write_file(uint64_t length, const char *header, size_t n_header,
                       size_t n_data)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_newfile *f;

    if (length == OWN)
        length = n_header;
    for (int i = 0; i < 8; i++)
        bl_buf_putc(&b, (char)(length >> 8 * i & 0xff));
    bl_buf_put(&b, header, n_header);
    for (size_t i = 0; i < n_data; i++)
        bl_buf_putc(&b, (char)i);
    f = bl_newfile_open(path, 0, NULL);
    if (!f || bl_newfile_write(f, b.data, b.len, NULL) < 0
        || bl_newfile_commit(f, NULL) < 0)
        abort();
    bl_buf_free(&b);
}

static struct bl_safetensors *open_it(struct bl_err *err)
{
    double start = bl_now();
    struct bl_safetensors *st = bl_safetensors_open(path, err);

    if (bl_now() - start > 2)
        ok(false, "opening took %.1f s", bl_now() - start);
    return st;
}

static void refused(const char *message, const char *text)
{
    struct bl_err err = { .code = BL_OK };
    struct bl_safetensors *st = open_it(&err);

    if (!ok(!st && err.code == BL_DATA && strstr(err.msg, message)
            && strstr(err.msg, path), "refused: %s", text))
        printf("# got:  %s\n# want: %s\n", st ? "accepted" : err.msg,
               message);
    bl_safetensors_close(st);
}

static void bad(const char *header, size_t n_data, const char *message)
{
    write_file(OWN, header, strlen(header), n_data);
    refused(message, header);
}

static void good(const char *header, size_t n_data, size_t tensors)
{
    struct bl_err err = { .msg = "" };

    write_file(OWN, header, strlen(header), n_data);
    struct bl_safetensors *st = open_it(&err);
    if (!ok(st && bl_safetensors_count(st) == tensors, "accepted: %s",
            header))
        printf("# %s\n", err.msg);
    bl_safetensors_close(st);
}

#define T(name, dtype, shape, from, to) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "]," \
    "\"data_offsets\":[" #from "," #to "]}"

static void test_good(void)
{
    good("{}", 0, 0);
    good("{\"__metadata__\":{\"format\":\"pt\"}}", 0, 0);
    good("{" T("a", "F32", "2,3", 0, 24) "}", 24, 1);
    good("{" T("a", "F32", "2,3", 0, 24) "}   ", 24, 1);
    good("{" T("a", "F32", "", 0, 4) "}", 4, 1);
    good("{" T("a", "F32", "0,7", 0, 0) "}", 0, 1);
    good("{" T("a", "U8", "3", 1, 4) "," T("b", "BOOL", "1", 0, 1) "}", 4,
         2);
    good("{" T("a", "F16", "1", 0, 2) "," T("b", "I64", "1", 2, 10) "}", 10,
         2);
    good("{" T("\\u0061", "BF16", "1", 0, 2) "}", 2, 1);
}

static void test_shape(void)
{
    bad("{" T("a", "F32", "2,3", 0, 23) "}", 23, "need 24 bytes");
    bad("{" T("a", "F32", "2,3", 0, 28) "}", 28, "need 24 bytes");
    bad("{" T("a", "F32", "-1", 0, 4) "}", 4, "shape");
    bad("{" T("a", "F32", "1.0", 0, 4) "}", 4, "shape");
    bad("{" T("a", "F32", "\"1\"", 0, 4) "}", 4, "shape");
    bad("{" T("a", "F32", "18446744073709551617", 0, 4) "}", 4, "shape");
    bad("{" T("a", "F32", "4294967296,4294967296", 0, 0) "}", 0,
        "overflows");
    bad("{" T("a", "F32", "4611686018427387904", 0, 0) "}", 0, "overflows");
    bad("{" T("a", "F32", "1,1,1,1,1,1,1,1,1", 0, 4) "}", 4, "dimensions");
    bad("{" T("a", "F31", "1", 0, 4) "}", 4, "\"F31\" is not known");
    bad("{" T("a", "f32", "1", 0, 4) "}", 4, "is not known");
    bad("{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        "is not known");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4,
        "shape: expected array, found number");
    bad("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        "dtype is missing");
    bad("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
        "shape is missing");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
        "data_offsets is missing");
    bad("{\"a\":[]}", 0, "tensor 'a': expected object, found array");
    bad("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],"
        "\"data_offsets\":[0,4]}}", 4, "twice");
}

static void test_offsets(void)
{
    bad("{" T("a", "F32", "1", 4, 0) "}", 4, "offsets are 4 and 0");
    bad("{" T("a", "F32", "1", -4, 0) "}", 4, "data_offsets");
    bad("{" T("a", "F32", "1", 4, 8) "}", 4, "has 4 bytes of data");
    bad("{" T("a", "F32", "1", 0, 4) "}", 3, "has 3 bytes of data");
    bad("{" T("a", "F32", "1", 0, 4) "}", 5, "1 trailing bytes");
    bad("{}", 1, "1 trailing bytes");
    bad("{" T("a", "F32", "1", 4, 8) "}", 8, "a hole");
    bad("{" T("a", "F32", "1", 0, 4) "," T("b", "F32", "1", 8, 12) "}", 12,
        "a hole");
    bad("{" T("a", "F32", "1", 0, 4) "," T("b", "F32", "1", 0, 4) "}", 4,
        "an overlap");
    bad("{" T("a", "F32", "2", 0, 8) "," T("b", "F32", "1", 4, 8) "}", 8,
        "an overlap");
    bad("{" T("a", "F32", "1", 0, 4) "," T("a", "F32", "1", 4, 8) "}", 8,
        "tensor 'a' is there twice");
    bad("{" T("a", "F32", "1", 0, 4) "," T("\\u0061", "F32", "1", 4, 8) "}",
        8, "tensor 'a' is there twice");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
        "expected 2 numbers, found 1");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
        "[0,4,8]}}", 4, "expected 2 numbers, found 3");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
        "[0,18446744073709551620]}}", 4, "data_offsets");
}

static void test_header(void)
{
    static const char tail[] = "]}";
    struct bl_buf b = BL_BUF_INIT;

    bad("", 0, "does not start with '{'");
    bad("[]", 0, "does not start with '{'");
    bad(" {}", 0, "does not start with '{'");
    bad("{", 0, "header at offset 8");
    bad("{}x", 0, "header at offset 8");
    bad("{\"a\xff\":1}", 0, "header at offset 8");
    bad("{" T("\\u0000", "F32", "1", 0, 4) "}", 4, "name of tensor 0");
    bad("{" T("\\ud800", "F32", "1", 0, 4) "}", 4, "name of tensor 0");
    write_file(UINT64_MAX, "{}", 2, 0);
    refused("above the limit", "length 2^64 - 1");
    write_file(UINT64_MAX - 7, "{}", 2, 0);
    refused("above the limit", "length that wraps");
    write_file(100000001, "{}", 2, 0);
    refused("above the limit", "100 MB and a byte");
    write_file(100000000, "{}", 2, 0);
    refused("but the file has 2 more", "100 MB of 2 bytes");
    write_file(3, "{}", 2, 0);
    refused("needs 3 bytes, but the file has 2 more", "a byte too many");
    bl_buf_puts(&b, "{\"a\":[");
    for (int i = 0; i < 1 << 20; i++)
        bl_buf_putc(&b, '[');
    bl_buf_puts(&b, tail);
    write_file(OWN, b.data, b.len, 0);
    refused("nested", "a million brackets");
    bl_buf_free(&b);
}

/* Cut anywhere, and with a byte changed anywhere, a file is refused or is
 * read without harm. */
static void test_cut(void)
{
    static const char header[] = "{" T("a", "F32", "2,3", 0, 24) ","
        T("b", "F16", "4", 24, 32) "}";
    size_t size = 8 + sizeof header - 1 + 32, refusals = 0;
    struct bl_buf whole = BL_BUF_INIT;
    struct bl_err err;

    for (size_t cut = 0; cut < size; cut++) {
        write_file(OWN, header, sizeof header - 1, 32);
        if (truncate(path, (off_t)cut) < 0)
            abort();
        struct bl_safetensors *st = open_it(&err);
        refusals += !st && err.code == BL_DATA;
        bl_safetensors_close(st);
    }
    ok(refusals == size, "refused at each of %zu cuts", size);
    write_file(OWN, header, sizeof header - 1, 32);
    bl_file_read(path, 1 << 16, &whole, NULL);
    for (size_t i = 0; i < size * 8; i++) {
        struct bl_newfile *f = bl_newfile_open(path, 0, NULL);
        float sum = 0;
        whole.data[i / 8] ^= (char)(1 << i % 8);
        bl_newfile_write(f, whole.data, whole.len, NULL);
        bl_newfile_commit(f, NULL);
        whole.data[i / 8] ^= (char)(1 << i % 8);
        struct bl_safetensors *st = open_it(&err);
        for (size_t k = 0; st && k < bl_safetensors_count(st); k++) {
            struct bl_tensor *t = bl_safetensors_at(st, k);
            const float *v = bl_safetensors_f32(t);
            for (size_t j = 0; v && j < t->count; j++)
                sum += v[j];
        }
        if (sum != sum)
            refusals++;             /* a NaN is a value like another */
        bl_safetensors_close(st);
    }
    ok(true, "%zu files with a bit changed did no harm", size * 8);
    bl_buf_free(&whole);



    char *path = bl_xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "wb");

        putc((int)(length >> 8 * i & 255), f);
    fputs(header, f);
        putc((int)(i & 255), f);
    fclose(f);


    clock_gettime(CLOCK_MONOTONIC, &t);

    char *path = write_file("x.safetensors", length, header, n);

    ok(now() - start < 0.05, "%s: under 50 ms", what);

        ok(!strncmp(err.msg + 1, path, strlen(path)), "%s: names the file",
           what);
        is_str(strlen(err.msg) > skip_path ? err.msg + skip_path : "", want,
               what);
    unlink(path);
    free(path);

    shape ",\"data_offsets\":[" from "," to "]}"
      "\"b\":" T("F16", "[2]", "4", "8") ",\"a\":" T("BF16", "[2]", "0", "4")
      "}", 8, NULL },
      T("I64", "[1]", "0", "8") "}", 8, NULL },
      NULL },
      "header at offset 8: byte 5: expected a value, found the end" },
      "starts at data offset 4, expected 0: a hole" },
      T("F32", "[1]", "4", "8") "}", 8, "tensor 'b' starts at data offset 4, "
      T("F32", "[1]", "0", "4") "}", 4, "tensor 'b' starts at data offset 0, "
      "3 trailing bytes after the last tensor" },
      "data ends at offset 8, but the file has 7 bytes of data" },
      "4") "}", 4, "tensor 'a': the shape's product overflows" },
      "0") "}", 0, "tensor 'a': the shape's size in bytes overflows" },
      "4") "}", 4, "tensor 'a': more than 8 dimensions" },
      "4" },
      "0" },
      T("F32", "[1]", "4", "8") "}", 8, "tensor 'a' is there twice" },
      ",\"\\u0061\":" T("F32", "[1]", "4", "8") "}", 8,
};

        try(headers[i].what, strlen(headers[i].header), headers[i].header,
            headers[i].data, headers[i].want);

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

    char *path = write_file("cut.safetensors", strlen(header), header, 24);


        BL_ASSERT(!truncate(path, (off_t)n));
        st = bl_safetensors_open(path, NULL);
        refused += st == NULL;
    ok(refused == whole, "refused at each of %zu cut points", whole);
    unlink(path);
    free(path);

        0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c, 0xff, 0x7b
    };                          /* 1, -2, 2^-24, infinity, 65504 */
        T("BF16", "[1]", "10", "12") ",\"i\":" T("I64", "[1]", "12", "20")
        ",\"f\":" T("F32", "[1]", "20", "24") "}";
    char *path = write_file("v.safetensors", strlen(header), header, 0);
    FILE *f = fopen(path, "ab");

    fwrite(halves, 1, sizeof halves, f);
    fwrite("\x80\xbf" "12345678" "\x00\x00\x20\x41", 1, 14, f);
    fclose(f);
    st = bl_safetensors_open(path, NULL);
    ok(st && bl_safetensors_count(st) == 4, "four tensors");
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
    unlink(path);
    free(path);

    char *a = write_file("a.safetensors", strlen(first), first, 4);
    char *b = write_file("b.safetensors", strlen(second), second, 4);
    char *path = bl_xasprintf("%s/model.safetensors.index.json", folder);
    FILE *f = fopen(path, "w");

    fputs("{\"weight_map\":{\"a\":\"a.safetensors\","
          "\"b\":\"b.safetensors\"}}", f);
    fclose(f);
    st = bl_safetensors_open(path, &err);
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
    int fd = mkstemp(path);

    if (fd < 0)
        return 99;
    close(fd);
    test_good();
    test_shape();
    test_offsets();
    test_header();
    test_cut();
    unlink(path);
    char name[] = "/tmp/blink-st-XXXXXX";

    folder = mkdtemp(name);
    test_headers();
    test_lengths();
    test_cuts();
    test_values();
    test_shards();
    rmdir(folder);
    return tap_done();
}
