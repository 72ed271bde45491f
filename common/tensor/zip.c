/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/zip.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Sizes and signatures of the parts (APPNOTE 4.3). */
enum {
    LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR = 20,
    SIG_LOCAL = 0x04034b50, SIG_CENTRAL = 0x02014b50, SIG_END = 0x06054b50,
    SIG_END64 = 0x06064b50, SIG_LOCATOR = 0x07064b50,
    FLAG_ENCRYPTED = 1, FLAG_SIZES_LATER = 8, EXTRA_ZIP64 = 1
};

struct reader {
    const unsigned char *data;
    size_t size;
    struct bl_err *err;
};

/* The central directory: n records in [start, end). */
struct directory {
    uint64_t start, end, n;
};

static int broken(const struct reader *reader, const char *what)
{
    return bl_fail(reader->err, BL_DATA, "zip archive: %s", what);
}

/* n bytes at an offset lie before `end`. */
static bool inside(uint64_t at, uint64_t n, uint64_t end)
{
    return at <= end && n <= end - at;
}

/* ---- The end of the archive ---- */

/* APPNOTE.TXT 4.3.14 and 4.3.15: the zip64 record and its locator stand right
 * before the end record and replace its 16- and 32-bit fields.  The record's
 * own size is fixed (no extensible data), and one disk is all there is. */
static int read_end64(const struct reader *reader, uint64_t end,
                      struct directory *directory)
{
    const unsigned char *bytes;
    uint64_t at;

    if (end < LOCATOR + END64)
        return broken(reader, "the zip64 record is missing");
    bytes = reader->data + end - LOCATOR;
    at = bl_le(bytes + 8, 8);
    if (bl_le(bytes, 4) != SIG_LOCATOR || bl_le(bytes + 4, 4)
        || bl_le(bytes + 16, 4) > 1 || at != end - LOCATOR - END64)
        return broken(reader, "the zip64 record is not where it should be");
    bytes = reader->data + at;
    if (bl_le(bytes, 4) != SIG_END64 || bl_le(bytes + 4, 8) != END64 - 12
        || bl_le(bytes + 16, 4) || bl_le(bytes + 20, 4)
        || bl_le(bytes + 24, 8) != bl_le(bytes + 32, 8))
        return broken(reader, "the zip64 record is damaged");
    directory->n = bl_le(bytes + 32, 8);
    directory->start = bl_le(bytes + 48, 8);
    directory->end = at;
    if (!inside(directory->start, bl_le(bytes + 40, 8), at)
        || directory->start + bl_le(bytes + 40, 8) != at)
        return broken(reader, "the directory is not where it should be");
    return 0;
}

/* APPNOTE.TXT 4.3.16.  The end record is looked for at the very end alone: a
 * comment, which could hold another end record, is what makes two readers see
 * two archives.  The directory has to end where the end records begin. */
static int read_end(const struct reader *reader, struct directory *directory)
{
    const unsigned char *bytes;
    uint64_t end, size;

    if (reader->size < END)
        return broken(reader, "too short");
    end = reader->size - END;
    bytes = reader->data + end;
    if (bl_le(bytes, 4) != SIG_END || bl_le(bytes + 20, 2))
        return broken(reader, "its end is missing (a truncated file?)");
    if (bl_le(bytes + 4, 2) || bl_le(bytes + 6, 2)
        || bl_le(bytes + 8, 2) != bl_le(bytes + 10, 2))
        return broken(reader, "it has several parts");
    directory->n = bl_le(bytes + 10, 2);
    size = bl_le(bytes + 12, 4);
    directory->start = bl_le(bytes + 16, 4);
    directory->end = end;
    if (end >= LOCATOR && bl_le(bytes - LOCATOR, 4) == SIG_LOCATOR)
        return read_end64(reader, end, directory);
    if (!inside(directory->start, size, end) || directory->start + size != end)
        return broken(reader, "the directory is not where it should be");
    return 0;
}

/* ---- Entries ---- */

/* A record of the directory, sizes resolved. */
struct record {
    struct bl_span name;
    uint64_t packed, size, local;
    unsigned flags, method;
    uint32_t crc;
};

static int entry_fails(const struct reader *reader, struct bl_span name,
                       const char *what)
{
    return bl_fail(reader->err, BL_DATA, "zip archive: entry '%.*s': %s",
                   (int)bl_utf8_cut(name.p, name.n, 80), name.p, what);
}

/* The extra field holds 8 bytes for each value that did not fit in 4. */
static int read_extra(const struct reader *reader, const unsigned char *extra,
                      size_t size, struct record *record)
{
    uint64_t *wide[] = { &record->size, &record->packed, &record->local };
    size_t len;

    for (; size >= 4; extra += 4 + len, size -= 4 + len) {
        len = bl_le(extra + 2, 2);
        if (len > size - 4)
            return entry_fails(reader, record->name,
                               "the extra field is damaged");
        if (bl_le(extra, 2) != EXTRA_ZIP64)
            continue;
        const unsigned char *next = extra + 4;

        for (size_t i = 0; i < 3; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (next + 8 > extra + 4 + len)
                return entry_fails(reader, record->name,
                                   "a zip64 size is missing");
            *wide[i] = bl_le(next, 8);
            next += 8;
        }
    }
    return 0;
}

/* APPNOTE.TXT 4.3.12.  Sizes of 0xffffffff are in the extra field. */
static int read_record(const struct reader *reader,
                       const struct directory *directory, uint64_t *at,
                       struct record *record)
{
    const unsigned char *bytes = reader->data + *at;
    size_t n_name, n_extra, n_comment;

    if (!inside(*at, CENTRAL, directory->end)
        || bl_le(bytes, 4) != SIG_CENTRAL)
        return broken(reader, "the directory is damaged");
    n_name = bl_le(bytes + 28, 2);
    n_extra = bl_le(bytes + 30, 2);
    n_comment = bl_le(bytes + 32, 2);
    if (!inside(*at, CENTRAL + n_name + n_extra + n_comment, directory->end))
        return broken(reader, "the directory is damaged");
    *record = (struct record){
        .name = { (const char *)bytes + CENTRAL, n_name },
        .flags = (unsigned)bl_le(bytes + 8, 2),
        .method = (unsigned)bl_le(bytes + 10, 2),
        .crc = (uint32_t)bl_le(bytes + 16, 4),
        .packed = bl_le(bytes + 20, 4), .size = bl_le(bytes + 24, 4),
        .local = bl_le(bytes + 42, 4),
    };
    *at += CENTRAL + n_name + n_extra + n_comment;
    return read_extra(reader, bytes + CENTRAL + n_name, n_extra, record);
}

static int check_record(const struct reader *reader,
                        const struct record *record)
{
    if (bl_utf8_valid(record->name.p, record->name.n) != record->name.n
        || memchr(record->name.p, '\0', record->name.n))
        return broken(reader, "an entry's name is not UTF-8");
    if (record->flags & FLAG_ENCRYPTED)
        return entry_fails(reader, record->name, "it is encrypted");
    if (record->method)
        return entry_fails(reader, record->name,
                           "it is compressed, but torch.save "
                           "stores entries uncompressed");
    if (record->packed != record->size)
        return entry_fails(reader, record->name, "it has two sizes");
    return 0;
}

/* The local header must say what the directory says: other programs may
 * believe the one or the other. */
static int read_local(const struct reader *reader,
                      const struct directory *directory,
                      const struct record *record, struct bl_zip_entry *out)
{
    const unsigned char *bytes = reader->data + record->local;
    uint64_t at, size;
    bool later;

    if (!inside(record->local, LOCAL, directory->start)
        || bl_le(bytes, 4) != SIG_LOCAL)
        return entry_fails(reader, record->name,
                           "there is no such entry where the "
                           "directory has it");
    at = record->local + LOCAL + bl_le(bytes + 26, 2) + bl_le(bytes + 28, 2);
    if (!inside(at, record->size, directory->start))
        return entry_fails(reader, record->name,
                           "it reaches beyond the archive");
    later = bl_le(bytes + 6, 2) & FLAG_SIZES_LATER;
    size = bl_le(bytes + 22, 4);
    if (bl_le(bytes + 26, 2) != record->name.n
        || bl_le(bytes + 8, 2) != record->method
        || memcmp(bytes + LOCAL, record->name.p, record->name.n)
        || (!later && size != record->size && size != UINT32_MAX))
        return entry_fails(reader, record->name,
                           "its header and the directory "
                           "differ");
    *out = (struct bl_zip_entry){
        .name = record->name,
        .data = reader->data + at,
        .size = (size_t)record->size,
        .crc = record->crc,
        .start = (size_t)record->local,
    };
    return 0;
}

static int read_entries(const struct reader *reader,
                        const struct directory *directory, struct bl_zip *zip)
{
    uint64_t at = directory->start;

    for (size_t i = 0; i < zip->n; i++) {
        struct record record;

        if (read_record(reader, directory, &at, &record) < 0
            || check_record(reader, &record) < 0
            || read_local(reader, directory, &record, &zip->v[i]) < 0)
            return -1;
    }
    if (at != directory->end)
        return broken(reader, "the directory has more than its entries");
    return 0;
}

/* ---- All of them ---- */

static int by_start(const void *pa, const void *pb)
{
    const struct bl_zip_entry *left = pa, *right = pb;

    return (left->start > right->start) - (left->start < right->start);
}

static int compare_names(struct bl_span left, struct bl_span right)
{
    int order = memcmp(left.p, right.p, BL_MIN(left.n, right.n));

    return order ? order : (left.n > right.n) - (left.n < right.n);
}

static int entry_by_path(const void *pa, const void *pb)
{
    const struct bl_zip_entry *left = pa, *right = pb;

    return compare_names(left->name, right->name);
}

/* No byte may belong to two entries, and none may come before the first: an
 * archive appended to another file would be two files at once. */
static int check_entries(const struct reader *reader, struct bl_zip *zip)
{
    qsort(zip->v, zip->n, sizeof *zip->v, by_start);
    if (zip->n && zip->v[0].start)
        return broken(reader, "there are bytes before its first entry");
    for (size_t i = 1; i < zip->n; i++)
        if (zip->v[i - 1].data + zip->v[i - 1].size
            > reader->data + zip->v[i].start)
            return entry_fails(reader, zip->v[i].name,
                               "it overlaps another one");
    qsort(zip->v, zip->n, sizeof *zip->v, entry_by_path);
    for (size_t i = 1; i < zip->n; i++)
        if (!entry_by_path(&zip->v[i - 1], &zip->v[i]))
            return entry_fails(reader, zip->v[i].name, "it is given twice");
    return 0;
}

int bl_zip_open(struct bl_zip *zip, const unsigned char *data, size_t size,
                struct bl_err *err)
{
    struct reader reader = { data, size, err };
    struct directory directory = { 0, 0, 0 };

    *zip = (struct bl_zip){ 0 };
    if (read_end(&reader, &directory) < 0)
        return -1;
    if (directory.n > BL_ZIP_MAX_ENTRIES)
        return bl_fail(err, BL_DATA, "zip archive: %" PRIu64 " entries, at "
                       "most %d are read", directory.n, BL_ZIP_MAX_ENTRIES);
    zip->n = (size_t)directory.n;
    zip->v = BL_NEW_ARRAY(struct bl_zip_entry, zip->n);
    if (read_entries(&reader, &directory, zip) == 0
        && check_entries(&reader, zip) == 0)
        return 0;
    bl_zip_close(zip);
    return -1;
}

void bl_zip_close(struct bl_zip *zip)
{
    free(zip->v);
    *zip = (struct bl_zip){ 0 };
}

const struct bl_zip_entry *bl_zip_find(const struct bl_zip *zip,
                                       struct bl_span name)
{
    struct bl_zip_entry key = { .name = name };

    if (!zip->n)
        return NULL;
    return bsearch(&key, zip->v, zip->n, sizeof *zip->v, entry_by_path);
}

/* ---- CRC-32, eight bytes at a time ---- */

struct crc_tables {
    uint32_t v[8][256];
};

static void crc_make(struct crc_tables *tables)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        tables->v[0][i] = crc;
    }
    for (size_t i = 0; i < 256; i++)
        for (size_t bit = 1; bit < 8; bit++)
            tables->v[bit][i] = tables->v[bit - 1][i] >> 8
                ^ tables->v[0][tables->v[bit - 1][i] & 255];
}

uint32_t bl_zip_crc(uint32_t before, const unsigned char *bytes, size_t size)
{
    struct crc_tables tables;
    uint32_t crc = ~before, lo, hi;

    crc_make(&tables);
    for (; size >= 8; bytes += 8, size -= 8) {
        lo = crc ^ bl_le32(bytes);
        hi = bl_le32(bytes + 4);
        crc = tables.v[7][lo & 255] ^ tables.v[6][lo >> 8 & 255]
            ^ tables.v[5][lo >> 16 & 255] ^ tables.v[4][lo >> 24]
            ^ tables.v[3][hi & 255] ^ tables.v[2][hi >> 8 & 255]
            ^ tables.v[1][hi >> 16 & 255] ^ tables.v[0][hi >> 24];
    }
    for (; size > 0; size--)
        crc = crc >> 8 ^ tables.v[0][(crc ^ *bytes++) & 255];
    return ~crc;
}
