/* SPDX-License-Identifier: MIT */
/* Files of torch.save put together here, each with one thing wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tap.h"
#include "tensor/torchfile.h"
#include "tensor/zip.h"

#define SPAN(s) BL_SPAN_LIT(s)
#define DICT "ccollections\nOrderedDict\n)R"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
#define STORAGE(key, n) "((U\7storagectorch\nFloatStorage\nU\1" key \
    "U\3cpuK" n "NtQ"
/* Two numbers of storage "0". */
#define TENSOR REBUILD STORAGE("0", "\2") "K\0K\2\205K\1\205\211" DICT "tR"
#define KEYS "\200\2](U\1" "0e."
#define NUMBERS "\2\0\0\0\0\0\0\0\0\0\200\77\0\0\0\100"

static void check(const struct bl_buf *b, const char *want, const char *text)
{
    struct bl_err err = { .code = BL_OK, .msg = "" };
    struct bl_torchfile *f =
        bl_torchfile_parse((const unsigned char *)b->data, b->len, &err);

    if (!want)
        ok(f != NULL, "%s %s", text, err.msg);
    else if (f || err.code != BL_DATA)
        ok(false, "%s: accepted", text);
    else
        is_str(err.msg, want, text);
    bl_torchfile_close(f);
}

/* ---- The older form ---- */

static void legacy(struct bl_span object, struct bl_span keys,
                   struct bl_span storages, const char *want,
                   const char *text)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_put_span(&b, SPAN("\200\2\212\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8"
                             "\x50\x19.\200\2M\351\3.\200\2}U\15"
                             "little_endian\210s."));
    bl_buf_put_span(&b, object);
    bl_buf_put_span(&b, keys);
    bl_buf_put_span(&b, storages);
    check(&b, want, text);
    bl_buf_free(&b);
}

static void object(struct bl_span o, const char *want, const char *text)
{
    legacy(o, SPAN(KEYS), SPAN(NUMBERS), want, text);
}

static void tensors(void)
{
    object(SPAN("\200\2" TENSOR "."), NULL, "one tensor");
    object(SPAN("\200\2" REBUILD STORAGE("0", "\2") "K\0\212\10\0\0\0\0\0\0\0"
                "\100\205K\0\205\211" DICT "tR."), "byte 166: opcode REDUCE: "
           "4611686018427387904 elements are too many",
           "more bytes than a number counts");
    object(SPAN("\200\2}NT\0\0\0\0s."), "the list of storages has 1, "
           "expected 0", "a storage without tensors");
    object(SPAN("\200\2" REBUILD STORAGE("0", "\2") "K\0K\2\205)\211" DICT
                "tR."), "byte 156: opcode REDUCE: 1 sizes but 0 strides",
           "sizes without strides");
    object(SPAN("\200\2" REBUILD STORAGE("0", "\2") "K\0(KKKKKKKKKKKKKKKKKKt"
                "q\0h\0\211" DICT "tR."), "byte 176: opcode REDUCE: 9 "
           "dimensions, at most 8 are read", "9 dimensions");
    object(SPAN("\200\2(" TENSOR REBUILD STORAGE("0", "\3") "K\0K\2\205K\1"
                "\205\211" DICT "tRt."), "byte 236: opcode BINPERSID: "
           "storage '0' is declared twice, as F32[2] and F32[3]",
           "a storage of two sizes");
    object(SPAN("\200\2U\1xQ."), "byte 47: opcode BINPERSID: expected tuple, "
           "found string", "a persistent string");
    object(SPAN("\200\2" DICT "}K\1K\2sb."), "byte 77: opcode BUILD: an "
           "attribute's name is not a string", "an attribute named 1");
    object(SPAN("\200\2" DICT "U\1x" TENSOR "s}U\11_metadata}sb."), NULL,
           "a state dict with metadata");
}

static void names(void)
{
    struct bl_buf b = BL_BUF_INIT;

    object(SPAN("\200\2}(U\3a.b" TENSOR "U\1a}U\1b" TENSOR "su."),
           "tensor 'a.b' is given twice", "one name on two ways");
    object(SPAN("\200\2}U\3a\0b" TENSOR "s."), "a name contains a NUL",
           "a NUL in a name");
    object(SPAN("\200\2}(N" TENSOR "K\7" TENSOR "u."), NULL,
           "keys that are no strings");
    bl_buf_put_span(&b, SPAN("\200\2}X\1\2\0\0"));
    for (int i = 0; i < 513; i++)
        bl_buf_putc(&b, 'x');
    bl_buf_put_span(&b, SPAN(TENSOR "s."));
    object((struct bl_span){ b.data, b.len },
           "a name has more than 512 bytes", "a long name");
    bl_buf_free(&b);
}

/* 70 lists, each put into the one before it when that one is already inside
 * another: none looks deep when it is made. */
static void late_nesting(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_put_span(&b, SPAN("\200\2("));
    for (char i = 0; i < 70; i++) {
        bl_buf_puts(&b, "]q");
        bl_buf_putc(&b, i);
    }
    bl_buf_puts(&b, "tq\177(");
    for (char i = 0; i < 69; i++) {
        bl_buf_putc(&b, 'h');
        bl_buf_putc(&b, i);
        bl_buf_putc(&b, 'h');
        bl_buf_putc(&b, (char)(i + 1));
        bl_buf_putc(&b, 'a');
    }
    bl_buf_puts(&b, "t\206.");
    legacy((struct bl_span){ b.data, b.len }, SPAN("\200\2]."), SPAN(""),
           "values are nested more than 64 deep", "lists nested late");
    bl_buf_free(&b);
}

static void storages(void)
{
    struct bl_span one = SPAN("\200\2" TENSOR ".");

    legacy(one, SPAN("\200\2]K\0a."), SPAN(NUMBERS), "the key of a storage "
           "is a integer, expected string", "a storage named 0");
    legacy(one, SPAN("\200\2N."), SPAN(NUMBERS), "the list of storages has "
           "0, expected 1", "no list of storages");
    legacy(one, SPAN("\200\2](U\1" "1e."), SPAN(NUMBERS), "storage '1' is "
           "used by no tensor", "another storage");
    legacy(one, SPAN(KEYS), SPAN("\2\0\0"), "byte 169: storage '0' is "
           "missing (a truncated file?)", "no storage");
    legacy(one, SPAN(KEYS), SPAN("\3\0\0\0\0\0\0\0"), "byte 169: storage '0' "
           "has 3 elements, expected 2", "another count");
    legacy(one, SPAN(KEYS), SPAN("\2\0\0\0\0\0\0\0xxxx"), "byte 177: storage "
           "'0' needs 8 bytes, 4 are left (a truncated file?)",
           "half a storage");
    legacy(one, SPAN(KEYS), SPAN(NUMBERS "x"), "byte 185: 1 bytes follow the "
           "last storage", "a byte more");
}

/* A list that holds one tensor a hundred thousand times and once more: it is
 * read once from the memo, in runs that the stack has room for. */
static void too_many(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_put_span(&b, SPAN("\200\2](" TENSOR "q\0"));
    for (int run = 0; run < 4; run++) {
        if (run)
            bl_buf_putc(&b, '(');
        for (int i = 0; i < 25000; i++)
            bl_buf_put_span(&b, SPAN("h\0"));
        bl_buf_putc(&b, 'e');
    }
    bl_buf_putc(&b, '.');
    object((struct bl_span){ b.data, b.len }, "more than 100000 tensors",
           "100,001 tensors");
    bl_buf_free(&b);
}

/* ---- What it is not ---- */

static void strangers(void)
{
    struct bl_buf b = BL_BUF_INIT;
    unsigned sum = 0;

    bl_buf_puts(&b, "<html>");
    check(&b, "a text that begins with '<', not a file that torch.save wrote",
          "a page");
    bl_buf_clear(&b);
    bl_buf_puts(&b, "sys_info");
    while (b.len < 512)
        bl_buf_putc(&b, '\0');
    memset(b.data + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)b.data[i];
    snprintf(b.data + 148, 7, "%06o", sum);
    check(&b, "a tar archive; files of torch before 0.1.10 are not read",
          "a tar archive");
    bl_buf_free(&b);
}

/* ---- Zip ---- */

struct entry {
    const char *name;
    struct bl_span data;
};

enum { WIDE = 1, NO_WIDE = 2, BAD_CRC = 4, BEFORE = 8, SHORT_WIDE = 16,
       BROKEN_EXTRA = 32, MANY = 64 };

static void put(struct bl_buf *b, uint64_t v, int n)
{
    for (; n-- > 0; v >>= 8)
        bl_buf_putc(b, (char)(v & 255));
}

static void put_entry(struct bl_buf *b, struct bl_buf *cd,
                      const struct entry *e, unsigned how)
{
    uint32_t crc = bl_zip_crc(0, (const unsigned char *)e->data.p, e->data.n)
        ^ (how & BAD_CRC ? 1 : 0);
    size_t at = b->len, n = strlen(e->name);
    bool wide = how & (WIDE | NO_WIDE | SHORT_WIDE);
    size_t extra = how & WIDE ? 34 : how & (SHORT_WIDE | BROKEN_EXTRA) ? 4 : 0;

    put(b, 0x04034b50, 4);
    put(b, 0, 10);
    put(b, crc, 4);
    put(b, e->data.n, 4);
    put(b, e->data.n, 4);
    put(b, n, 2);
    put(b, 0, 2);
    bl_buf_puts(b, e->name);
    bl_buf_put_span(b, e->data);
    put(cd, 0x02014b50, 4);
    put(cd, 0, 12);
    put(cd, crc, 4);
    put(cd, wide ? UINT32_MAX : e->data.n, 4);
    put(cd, wide ? UINT32_MAX : e->data.n, 4);
    put(cd, n, 2);
    put(cd, extra, 2);
    put(cd, 0, 10);
    put(cd, wide ? UINT32_MAX : at, 4);
    bl_buf_puts(cd, e->name);
    if (how & (SHORT_WIDE | BROKEN_EXTRA)) {
        put(cd, 1, 2);          /* zip64, without a number, or too long */
        put(cd, how & BROKEN_EXTRA ? 9 : 0, 2);
    }
    if (!(how & WIDE))
        return;
    put(cd, 7, 2);              /* some other extra field */
    put(cd, 2, 2);
    put(cd, 0, 2);
    put(cd, 1, 2);
    put(cd, 24, 2);
    put(cd, e->data.n, 8);
    put(cd, e->data.n, 8);
    put(cd, at, 8);
}

static void zip(const struct entry *e, unsigned how, const char *want,
                const char *text)
{
    struct bl_buf b = BL_BUF_INIT, cd = BL_BUF_INIT;
    size_t n = 0, start;

    if (how & BEFORE)
        put_entry(&b, &cd, &e[0], 0);   /* an entry that no one lists */
    bl_buf_clear(&cd);
    for (; e[n].name; n++)
        put_entry(&b, &cd, &e[n], how);
    start = b.len;
    bl_buf_put(&b, cd.data, cd.len);
    put(&b, 0x06054b50, 4);
    put(&b, 0, 4);
    put(&b, how & MANY ? 20001 : n, 2);
    put(&b, how & MANY ? 20001 : n, 2);
    put(&b, cd.len, 4);
    put(&b, start, 4);
    put(&b, 0, 2);
    check(&b, want, text);
    bl_buf_free(&b);
    bl_buf_free(&cd);
}

static void zips(void)
{
    const struct bl_span pickle = SPAN("\200\2" TENSOR ".");
    const struct bl_span numbers = SPAN("\0\0\200\77\0\0\0\100");
    const struct entry good[] = { { "a/data.pkl", pickle },
                                  { "a/data/0", numbers }, { 0 } };
    const struct entry big[] = { { "a/data.pkl", pickle },
        { "a/data/0", numbers }, { "a/byteorder", SPAN("big") }, { 0 } };
    const struct entry script[] = { { "a/data.pkl", pickle },
        { "a/constants.pkl", SPAN("x") }, { 0 } };
    const struct entry two[] = { { "a/data.pkl", pickle },
        { "b/data.pkl", pickle }, { 0 } };
    const struct entry none[] = { { "a/data/0", numbers }, { 0 } };
    const struct entry absent[] = { { "a/data.pkl", pickle }, { 0 } };
    const struct entry small[] = { { "a/data.pkl", pickle },
        { "a/data/0", SPAN("1234") }, { 0 } };
    const struct entry twice[] = { { "a/data.pkl", pickle },
        { "a/data/0", numbers }, { "a/data/0", numbers }, { 0 } };
    const struct entry more[] = { { "a/data.pkl", SPAN("\200\2N.x") },
                                  { 0 } };

    zip(good, 0, NULL, "an archive");
    zip(good, WIDE, NULL, "one with zip64 sizes");
    zip(good, NO_WIDE, "zip archive: entry 'a/data.pkl': there is no "
        "such entry where the directory has it",
        "zip64 sizes that are missing");
    zip(good, SHORT_WIDE, "zip archive: entry 'a/data.pkl': a zip64 size is "
        "missing", "a zip64 field without sizes");
    zip(good, BROKEN_EXTRA, "zip archive: entry 'a/data.pkl': the extra "
        "field is damaged", "an extra field that is too long");
    zip(good, MANY, "zip archive: 20001 entries, at most 20000 are read",
        "too many entries");
    zip(twice, 0, "zip archive: entry 'a/data/0': it is given twice",
        "a storage that is there twice");
    zip(good, BAD_CRC, "zip archive: data.pkl: wrong checksum",
        "a pickle with a wrong checksum");
    zip(good, BEFORE, "zip archive: there are bytes before its first entry",
        "something before the archive");
    zip(big, 0, "written on a big-endian machine", "big-endian numbers");
    zip(script, 0, "a TorchScript program, expected a file of tensors "
        "(torch.save)", "TorchScript");
    zip(two, 0, "a zip archive with two data.pkl", "two pickles");
    zip(none, 0, "a zip archive without data.pkl, which torch.save would "
        "have written", "no pickle");
    zip(absent, 0, "zip archive: there is no entry for storage '0'",
        "no storage");
    zip(small, 0, "zip archive: storage '0' has 4 bytes, expected 8",
        "a smaller storage");
    zip(more, 0, "zip archive: 1 bytes follow the pickle in data.pkl",
        "bytes behind the pickle");
}

int main(void)
{
    tensors();
    names();
    late_nesting();
    storages();
    zips();
    too_many();
    strangers();
    return tap_done();
}
