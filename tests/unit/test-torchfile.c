/* SPDX-License-Identifier: MIT */
/* Files of torch.save: both forms read alike, hostile ones are refused. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "golden.h"
#include "json/json.h"
#include "tap.h"
#include "tensor/pickle.h"
#include "tensor/torchfile.h"
#include "tensor/zip.h"

#define SPAN(s) BL_SPAN_LIT(s)

/* ---- Pickles by hand ---- */

static bool reads(struct bl_span bytes, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_torch_storages storages = { 0 };
    struct bl_pickle in = {
        .data = (const unsigned char *)bytes.p, .size = bytes.n,
        .base = 1000, .file_size = 4096, .arena = &arena,
        .storages = &storages,
    };
    struct bl_pickle_value *v;
    size_t used = 0;
    bool good = bl_pickle_read(&in, &used, &v, err) == 0;

    if (good)
        good = used == bytes.n;
    bl_torch_storages_free(&storages);
    bl_arena_free(&arena);
    return good;
}

static void refuses(struct bl_span bytes, const char *want, const char *text)
{
    struct bl_err err = { .code = BL_OK, .msg = "" };

    if (reads(bytes, &err) || err.code != BL_DATA)
        ok(false, "%s: accepted, or by a wrong code", text);
    else
        is_str(err.msg, want, text);
}

#define FLOATS "ctorch\nFloatStorage\nU\1" "0U\3cpu"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
/* A tensor's arguments after its storage. */
#define REST "K\0K\2K\3\206K\3K\1\206\211}tR."

static void good_pickles(void)
{
    struct bl_err err = { .msg = "" };

    ok(reads(SPAN("\200\2(K\1M\1\1J\377\377\377\377U\2abG?\360\0\0\0\0\0\0"
                  "NX\1\0\0\0x\210\211t."), &err), "scalars: %s", err.msg);
    ok(reads(SPAN("\200\2]q\0(K\1K\2eh\0a."), &err),
       "a list within itself: %s", err.msg);
    ok(reads(SPAN("\200\4\225\12\0\0\0\0\0\0\0}\224(\214\1aK\1u."), &err),
       "a frame: %s", err.msg);
    ok(reads(SPAN("\200\2" REBUILD "((U\7storage" FLOATS "K\6NtQ" REST),
             &err), "a tensor: %s", err.msg);
}

static void bad_opcodes(void)
{
    refuses(SPAN("\200\2cos\nsystem\nU\2idR."),
            "byte 1002: opcode GLOBAL: 'os.system' is not among the names "
            "that a file of tensors may use", "os.system");
    refuses(SPAN("\200\4\214\5posix\214\6system\223\214\2id\205R."),
            "byte 1017: opcode STACK_GLOBAL: 'posix.system' is not among "
            "the names that a file of tensors may use", "posix.system");
    refuses(SPAN("\200\2(ios\nsystem\n."), "byte 1003: opcode INST: not "
            "allowed in a file of tensors", "INST");
    refuses(SPAN("\200\2\377."), "byte 1002: opcode 0xff is unknown",
            "an unknown opcode");
    refuses(SPAN("cos\nsystem\n."), "byte 1000: opcode GLOBAL: expected "
            "PROTO first", "protocol 0");
    refuses(SPAN("\200\5N."), "byte 1000: opcode PROTO: protocol 5 is not "
            "read (2 to 4 are)", "protocol 5");
    refuses(SPAN("\200\2N\200\2."), "byte 1003: opcode PROTO: expected only "
            "at the start", "a second PROTO");
    refuses(SPAN("\200\2K"), "byte 1002: opcode BININT1: 1 bytes are "
            "needed, 0 are left", "no operand");
    refuses(SPAN("\200\2N"), "byte 1003: the pickle does not end",
            "no STOP");
    refuses(SPAN("\200\2X\377\377\377\377a."), "byte 1002: opcode "
            "BINUNICODE: 4294967295 bytes are needed, 2 are left",
            "a string of 4 GB");
    refuses(SPAN("\200\2X\1\0\0\0\377."), "byte 1002: opcode BINUNICODE: "
            "the string is not UTF-8", "invalid UTF-8");
    refuses(SPAN("\200\4\225\377\0\0\0\0\0\0\0N."), "byte 1002: opcode "
            "FRAME: the frame is longer than the file", "a long frame");
}

static void bad_stacks(void)
{
    refuses(SPAN("\200\2."), "byte 1002: opcode STOP: 0 values and 0 marks "
            "are left (expected one value)", "an empty stack");
    refuses(SPAN("\200\2K\1\206."), "byte 1004: opcode TUPLE2: the stack "
            "has 1 values, 2 are needed", "an underflow");
    refuses(SPAN("\200\2N(\205."), "byte 1004: opcode TUPLE1: the stack has "
            "0 values, 1 are needed", "an underflow past a mark");
    refuses(SPAN("\200\2Nt."), "byte 1003: opcode TUPLE: there is no mark "
            "on the stack", "no mark");
    refuses(SPAN("\200\2Nh\7."), "byte 1003: opcode BINGET: memo 7 was "
            "never set", "a memo out of range");
    refuses(SPAN("\200\2Nr\377\377\377\377."), "byte 1003: opcode "
            "LONG_BINPUT: memo 4294967295 is out of range", "a huge memo");
    refuses(SPAN("\200\2K\1K\2K\3s."), "byte 1008: opcode SETITEM: expected "
            "dict, found integer", "SETITEM on a number");
    refuses(SPAN("\200\2}(K\1u."), "byte 1006: opcode SETITEMS: a key has no "
            "value", "an odd number of items");
    refuses(SPAN("\200\2}]K\1s."), "byte 1006: opcode SETITEM: a list cannot "
            "be a key", "a list as key");
    refuses(SPAN("\200\2}K\1a."), "byte 1005: opcode APPEND: expected list, "
            "found dict", "APPEND to a dict");
}

static void bad_calls(void)
{
    refuses(SPAN("\200\2K\1)R."), "byte 1005: opcode REDUCE: expected name, "
            "found integer", "a number called");
    refuses(SPAN("\200\2ctorch\nFloatStorage\n)R."), "byte 1023: opcode "
            "REDUCE: 'torch.FloatStorage' cannot be called",
            "a storage type called");
    refuses(SPAN("\200\2}}b."), "byte 1004: opcode BUILD: only an "
            "OrderedDict may be given a state", "BUILD of a dict");
    refuses(SPAN("\200\2ccollections\nOrderedDict\n)RK\1b."), "byte 1031: "
            "opcode BUILD: the state is a integer, expected dict",
            "BUILD with a number");
    refuses(SPAN("\200\2(U\7storage" FLOATS "K\7K\1tQ."), "byte 1045: opcode "
            "BINPERSID: views of storages are not read", "a view");
    refuses(SPAN("\200\2(U\7storage" FLOATS "\212\10\0\0\0\0\0\0\0\100tQ."),
            "byte 1051: opcode BINPERSID: storage '0' of "
            "4611686018427387904 elements, but the file has 4096 bytes",
            "a storage of 2^62 elements");
    refuses(SPAN("\200\2(U\7storage" FLOATS "\212\1\377tQ."), "byte 1044: "
            "opcode BINPERSID: the number of elements is not an integer from "
            "0 up",
            "a storage of -1 elements");
    refuses(SPAN("\200\2(U\6modulecos\nsystem\n."), "byte 1011: opcode "
            "GLOBAL: 'os.system' is not among the names that a file of "
            "tensors may use", "a module");
    refuses(SPAN("\200\2(U\6moduleNU\1xU\1ytQ."), "byte 1019: opcode "
            "BINPERSID: the file contains a module's program text, expected a "
            "state dict (tensors only)", "program text");
    refuses(SPAN("\200\2" REBUILD "((U\7storage" FLOATS "K\5NtQ" REST),
            "byte 1094: opcode REDUCE: a tensor reaches beyond the 5 "
            "elements of its storage", "a tensor beyond its storage");
    refuses(SPAN("\200\2" REBUILD "((U\7storage" FLOATS "K\6NtQK\0"
                 "\212\7\0\0\0\0\0\0\1\212\7\0\0\0\0\0\0\1\206K\0K\0\206\211"
                 "}tR."),
            "byte 1108: opcode REDUCE: the number of elements is too large",
            "2^96 elements");
    refuses(SPAN("\200\2" REBUILD "((U\7storage" FLOATS "K\6NtQK\0K\2K\3\206"
                 "K\3K\1\206\211}K\1K\2stR."), "byte 1099: opcode REDUCE: "
            "the tensor has hooks", "hooks");
}

/* n times `unit` between a start and an end. */
static void repeated(const char *unit, size_t n, const char *end,
                     const char *want, const char *text)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_puts(&b, "\200\2");
    for (size_t i = 0; i < n; i++)
        bl_buf_puts(&b, unit);
    bl_buf_puts(&b, end);
    refuses((struct bl_span){ b.data, b.len }, want, text);
    bl_buf_free(&b);
}

/* A list of more values than a pickle may have bytes. */
static void endless(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_puts(&b, "\200\2]");
    while (b.len <= BL_PICKLE_MAX_BYTES)
        bl_buf_puts(&b, "Na");
    bl_buf_puts(&b, ".");
    refuses((struct bl_span){ b.data, b.len }, "byte 2098152: the pickle is "
            "longer than 2097152 bytes", "an endless pickle");
    bl_buf_free(&b);
}

static void bounds(void)
{
    endless();
    repeated("]", 1000000, ".", "byte 66538: opcode EMPTY_LIST: too many "
             "values on the stack", "a million lists");
    repeated("(", 1000000, ".", "byte 1258: opcode MARK: more than 256 "
             "marks are open", "a million marks");
    repeated(")\205", 1, "\205\205\205\205\205\205\205\205\205\205\205\205"
             "\205\205\205\205\205\205\205\205\205\205\205\205\205\205\205"
             "\205\205\205\205\205\205\205\205\205\205\205\205\205\205\205"
             "\205\205\205\205\205\205\205\205\205\205\205\205\205\205\205"
             "\205\205\205\205\205\205.",
             "byte 1066: opcode TUPLE1: values are nested more than 64 deep",
             "tuples 65 deep");
    repeated("]]a", 2000000, ".", "byte 197608: opcode EMPTY_LIST: too many "
             "values on the stack", "lists put away");
    repeated("]q\1]h\1aq\1", 700000, ".", "byte 295909: opcode BINGET: too "
             "many values on the stack", "more than the limit");
}

/* ---- The golden files ---- */

static double as_double(const struct bl_torch_tensor *t, size_t i)
{
    union { unsigned char b[8]; int64_t i64; int32_t i32; int16_t i16;
            int8_t i8; uint8_t u8; double f64; } u;
    float f;

    if (t->dtype != BL_F64 && bl_torch_copy_f32(t, i, 1, &f))
        return (double)f;
    bl_torch_copy(t, i, 1, u.b);
    switch (t->dtype) {
    case BL_F64: return u.f64;
    case BL_I64: return (double)u.i64;
    case BL_I32: return u.i32;
    case BL_I16: return u.i16;
    case BL_I8: return u.i8;
    default: return u.u8;
    }
}

static bool same_value(struct bl_span v, double got)
{
    double want;

    if (bl_span_is(v, "null"))
        return isnan(got);
    if (bl_span_is(v, "\"inf\"") || bl_span_is(v, "\"-inf\""))
        return isinf(got) && (got < 0) == (v.n == 6);
    if (bl_span_is(v, "true") || bl_span_is(v, "false"))
        return got == (*v.p == 't');
    return !bl_json_number(v, &want, NULL) && want == got
        && signbit(want) == signbit(got);
}

static bool same_sizes(struct bl_span v, const size_t *sizes, size_t n)
{
    struct bl_json_iter it = bl_json_iter(v);
    struct bl_span x;
    int64_t i;
    size_t k = 0;

    for (; bl_json_next(&it, NULL, &x); k++)
        if (k == n || bl_json_integer(x, 0, INT64_MAX, &i, NULL)
            || (size_t)i != sizes[k])
            return false;
    return k == n;
}

/* The strides of a tensor with one element or none mean nothing. */
static bool same_tensor(struct bl_span want, const struct bl_torch_tensor *t)
{
    struct bl_span v;
    struct bl_json_iter it;
    size_t i = 0;
    int64_t n;

    if (!t || bl_json_get(want, "shape", &v, NULL) != 1
        || !same_sizes(v, t->dims, t->n_dims)
        || bl_json_get(want, "stride_in_memory", &v, NULL) != 1
        || !same_sizes(v, t->strides, t->n_dims)
        || bl_json_get(want, "storage_offset", &v, NULL) != 1
        || bl_json_integer(v, 0, 1000, &n, NULL) || (size_t)n != t->offset
        || bl_json_get(want, "values_row_major", &v, NULL) != 1)
        return false;
    for (it = bl_json_iter(v); bl_json_next(&it, NULL, &v); i++)
        if (i == t->count || !same_value(v, as_double(t, i)))
            return false;
    return i == t->count;
}

static const char *shared_path(const char *name)
{
    static char path[4096];
    const char *top = getenv("top_srcdir"), *shared = getenv("BLINK_SHARED");

    snprintf(path, sizeof path, "%s%s/golden/torch_files/%s",
             shared ? shared : top ? top : ".", shared ? "" : "/../shared",
             name);
    return path;
}

static void mixed(const char *name, struct bl_span expected)
{
    struct bl_err err = { .msg = "" };
    struct bl_torchfile *f = bl_torchfile_open(shared_path(name), &err);
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_json_iter it = bl_json_iter(expected);
    struct bl_span key, value;
    size_t n = 0, wrong = 0;

    for (; bl_json_next(&it, &key, &value); n++) {
        struct bl_buf quoted = BL_BUF_INIT, full = BL_BUF_INIT;

        bl_buf_printf(&quoted, "\"%.*s\"", (int)key.n, key.p);
        bl_json_string((struct bl_span){ quoted.data, quoted.len }, &a, &key,
                       &err);
        bl_buf_printf(&full, "tensors.%s", key.p);
        if (f && !same_tensor(value, bl_torchfile_find(f, full.data))
            && ++wrong)
            printf("# %s: '%s' differs\n", name, key.p);
        bl_buf_free(&quoted);
        bl_buf_free(&full);
    }
    ok(f && !wrong && n == bl_torchfile_count(f), "%s: %zu tensors %s", name,
       n, err.msg);
    bl_torchfile_close(f);
    bl_arena_free(&a);
}

static void golden_files(void)
{
    static const char *const names[] = {
        "mixed_legacy_t16.bin", "mixed_legacy_t215.bin",
        "mixed_legacy_protocol4_t16.bin", "mixed_legacy_protocol4_t215.bin",
        "mixed_zip_t16.bin", "mixed_zip_t215.bin",
    };
    static const char *const bare[] = {
        "bare_tensor_legacy_t16.t7", "bare_tensor_legacy_t215.t7",
        "bare_tensor_zip_t16.t7", "bare_tensor_zip_t215.t7",
        "bare_view_legacy_t16.t7", "bare_view_legacy_t215.t7",
        "bare_view_zip_t16.t7", "bare_view_zip_t215.t7",
    };
    static const char *const cuda[] = {
        "cuda_tagged_legacy_t16.bin", "cuda_tagged_legacy_t215.bin",
        "cuda_tagged_zip_t16.bin", "cuda_tagged_zip_t215.bin",
    };
    struct bl_buf text = BL_BUF_INIT;
    struct bl_span tensors;
    struct bl_torchfile *f;

    if (bl_file_read(shared_path("expected.json"), 1 << 20, &text, NULL)
        || bl_json_check(text.data, text.len, NULL)
        || bl_json_get((struct bl_span){ text.data, text.len }, "tensors",
                       &tensors, NULL) != 1) {
        skip("files of torch.save", "no golden data");
        bl_buf_free(&text);
        return;
    }
    for (size_t i = 0; i < BL_COUNT(names); i++)
        mixed(names[i], tensors);
    for (size_t i = 0; i < BL_COUNT(bare); i++) {
        f = bl_torchfile_open(shared_path(bare[i]), NULL);
        ok(f && bl_torchfile_count(f) == 1 && bl_torchfile_find(f, ""),
           "%s", bare[i]);
        bl_torchfile_close(f);
    }
    for (size_t i = 0; i < BL_COUNT(cuda); i++) {
        f = bl_torchfile_open(shared_path(cuda[i]), NULL);
        ok(f && bl_torchfile_count(f) == 1, "%s", cuda[i]);
        bl_torchfile_close(f);
    }
    bl_buf_free(&text);
}

/* Every proper prefix and every altered byte must be refused or read, and
 * never crash; a prefix is always refused. */
static void mutations(const char *name)
{
    struct bl_buf good = BL_BUF_INIT;
    size_t read = 0;

    if (bl_file_read(shared_path(name), 1 << 20, &good, NULL)) {
        skip(name, "no golden data");
        return;
    }
    for (size_t n = 0; n < good.len; n++) {
        unsigned char *part = bl_xmemdup(good.data, n ? n : 1);
        struct bl_torchfile *f = bl_torchfile_parse(part, n, NULL);

        read += f != NULL;
        bl_torchfile_close(f);
        free(part);
    }
    ok(read == 0, "%s: every prefix is refused", name);
    for (size_t i = 0; i < good.len; i++) {
        static const unsigned char flips[] = { 1, 0x80, 0xff };

        for (size_t k = 0; k < sizeof flips; k++) {
            unsigned char *copy = bl_xmemdup(good.data, good.len);
            struct bl_torchfile *f;

            copy[i] ^= flips[k];
            f = bl_torchfile_parse(copy, good.len, NULL);
            for (size_t t = 0; f && t < bl_torchfile_count(f); t++) {
                double last = 0;
                struct bl_torch_tensor *x = bl_torchfile_at(f, t);

                for (size_t e = 0; e < x->count && e < 100; e++)
                    last += as_double(x, e);
                read += last > 0;
            }
            bl_torchfile_close(f);
            free(copy);
        }
    }
    ok(true, "%s: every byte altered (%zu)", name, read);
    bl_buf_free(&good);
}

static void checksums(void)
{
    ok(bl_zip_crc(0, (const unsigned char *)"123456789", 9) == 0xcbf43926u,
       "CRC-32 of 123456789");
    ok(bl_zip_crc(0, (const unsigned char *)"1234567890123456789", 19)
       == 0xd36e1319u, "CRC-32 of more than 8 bytes");
    ok(bl_zip_crc(bl_zip_crc(0, (const unsigned char *)"12345678901", 11),
                  (const unsigned char *)"23456789", 8) == 0xd36e1319u,
       "CRC-32 in two parts");
    ok(bl_zip_crc(0, NULL, 0) == 0, "CRC-32 of nothing");
}

int main(void)
{
    good_pickles();
    bad_opcodes();
    bad_stacks();
    bad_calls();
    bounds();
    golden_files();
    mutations("bare_view_zip_t16.t7");
    mutations("cuda_tagged_legacy_t16.bin");
    checksums();
    return tap_done();
}
