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

static int broken(const struct reader *r, const char *what)
{
    return bl_fail(r->err, BL_DATA, "zip archive: %s", what);
}

/* n bytes at an offset lie before `end`. */
static bool inside(uint64_t at, uint64_t n, uint64_t end)
{
    return at <= end && n <= end - at;
}

/* ---- The end of the archive ---- */

static int read_end64(const struct reader *r, uint64_t end,
                      struct directory *d)
{
    const unsigned char *p;
    uint64_t at;

    if (end < LOCATOR + END64)
        return broken(r, "the zip64 record is missing");
    p = r->data + end - LOCATOR;
    at = bl_le(p + 8, 8);
    if (bl_le(p, 4) != SIG_LOCATOR || bl_le(p + 4, 4)
        || bl_le(p + 16, 4) > 1 || at != end - LOCATOR - END64)
        return broken(r, "the zip64 record is not where it should be");
    p = r->data + at;
    if (bl_le(p, 4) != SIG_END64 || bl_le(p + 4, 8) != END64 - 12
        || bl_le(p + 16, 4) || bl_le(p + 20, 4)
        || bl_le(p + 24, 8) != bl_le(p + 32, 8))
        return broken(r, "the zip64 record is damaged");
    d->n = bl_le(p + 32, 8);
    d->start = bl_le(p + 48, 8);
    d->end = at;
    if (!inside(d->start, bl_le(p + 40, 8), at)
        || d->start + bl_le(p + 40, 8) != at)
        return broken(r, "the directory is not where it should be");
    return 0;
}

static int read_end(const struct reader *r, struct directory *d)
{
    const unsigned char *p;
    uint64_t end, size;

    if (r->size < END)
        return broken(r, "too short");
    end = r->size - END;
    p = r->data + end;
    if (bl_le(p, 4) != SIG_END || bl_le(p + 20, 2))
        return broken(r, "its end is missing (a truncated file?)");
    if (bl_le(p + 4, 2) || bl_le(p + 6, 2)
        || bl_le(p + 8, 2) != bl_le(p + 10, 2))
        return broken(r, "it has several parts");
    d->n = bl_le(p + 10, 2);
    size = bl_le(p + 12, 4);
    d->start = bl_le(p + 16, 4);
    d->end = end;
    if (end >= LOCATOR && bl_le(p - LOCATOR, 4) == SIG_LOCATOR)
        return read_end64(r, end, d);
    if (!inside(d->start, size, end) || d->start + size != end)
        return broken(r, "the directory is not where it should be");
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

static int entry_fails(const struct reader *r, struct bl_span name,
                       const char *what)
{
    return bl_fail(r->err, BL_DATA, "zip archive: entry '%.*s': %s",
                   (int)BL_MIN(name.n, 80), name.p, what);
}

/* The extra field holds 8 bytes for each value that did not fit in 4. */
static int read_extra(const struct reader *r, const unsigned char *p,
                      size_t n, struct record *e)
{
    uint64_t *wide[] = { &e->size, &e->packed, &e->local };
    size_t len;

    for (; n >= 4; p += 4 + len, n -= 4 + len) {
        len = bl_le(p + 2, 2);
        if (len > n - 4)
            return entry_fails(r, e->name, "the extra field is damaged");
        if (bl_le(p, 2) != EXTRA_ZIP64)
            continue;
        const unsigned char *q = p + 4;

        for (size_t i = 0; i < 3; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (q + 8 > p + 4 + len)
                return entry_fails(r, e->name, "a zip64 size is missing");
            *wide[i] = bl_le(q, 8);
            q += 8;
        }
    }
    return 0;
}

static int read_record(const struct reader *r, const struct directory *d,
                       uint64_t *at, struct record *e)
{
    const unsigned char *p = r->data + *at;
    size_t n_name, n_extra, n_comment;

    if (!inside(*at, CENTRAL, d->end) || bl_le(p, 4) != SIG_CENTRAL)
        return broken(r, "the directory is damaged");
    n_name = bl_le(p + 28, 2);
    n_extra = bl_le(p + 30, 2);
    n_comment = bl_le(p + 32, 2);
    if (!inside(*at, CENTRAL + n_name + n_extra + n_comment, d->end))
        return broken(r, "the directory is damaged");
    *e = (struct record){
        .name = { (const char *)p + CENTRAL, n_name },
        .flags = (unsigned)bl_le(p + 8, 2),
        .method = (unsigned)bl_le(p + 10, 2),
        .crc = (uint32_t)bl_le(p + 16, 4),
        .packed = bl_le(p + 20, 4), .size = bl_le(p + 24, 4),
        .local = bl_le(p + 42, 4),
    };
    *at += CENTRAL + n_name + n_extra + n_comment;
    return read_extra(r, p + CENTRAL + n_name, n_extra, e);
}

static int check_record(const struct reader *r, const struct record *e)
{
    if (bl_utf8_valid(e->name.p, e->name.n) != e->name.n
        || memchr(e->name.p, '\0', e->name.n))
        return broken(r, "an entry's name is not UTF-8");
    if (e->flags & FLAG_ENCRYPTED)
        return entry_fails(r, e->name, "it is encrypted");
    if (e->method)
        return entry_fails(r, e->name, "it is compressed, but torch.save "
                                       "stores entries uncompressed");
    if (e->packed != e->size)
        return entry_fails(r, e->name, "it has two sizes");
    return 0;
}

/* The local header must say what the directory says: other programs may
 * believe the one or the other. */
static int read_local(const struct reader *r, const struct directory *d,
                      const struct record *e, struct bl_zip_entry *out)
{
    const unsigned char *p = r->data + e->local;
    uint64_t at, size;
    bool later;

    if (!inside(e->local, LOCAL, d->start) || bl_le(p, 4) != SIG_LOCAL)
        return entry_fails(r, e->name, "there is no such entry where the "
                           "directory has it");
    at = e->local + LOCAL + bl_le(p + 26, 2) + bl_le(p + 28, 2);
    if (!inside(at, e->size, d->start))
        return entry_fails(r, e->name, "it reaches beyond the archive");
    later = bl_le(p + 6, 2) & FLAG_SIZES_LATER;
    size = bl_le(p + 22, 4);
    if (bl_le(p + 26, 2) != e->name.n || bl_le(p + 8, 2) != e->method
        || memcmp(p + LOCAL, e->name.p, e->name.n)
        || (!later && size != e->size && size != UINT32_MAX))
        return entry_fails(r, e->name, "its header and the directory "
                           "differ");
    *out = (struct bl_zip_entry){
        .name = e->name, .data = r->data + at, .size = (size_t)e->size,
        .crc = e->crc, .start = (size_t)e->local,
    };
    return 0;
}

static int read_entries(const struct reader *r, const struct directory *d,
                        struct bl_zip *z)
{
    uint64_t at = d->start;

    for (size_t i = 0; i < z->n; i++) {
        struct record e;

        if (read_record(r, d, &at, &e) < 0 || check_record(r, &e) < 0
            || read_local(r, d, &e, &z->v[i]) < 0)
            return -1;
    }
    if (at != d->end)
        return broken(r, "the directory has more than its entries");
    return 0;
}

/* ---- All of them ---- */

static int by_start(const void *a, const void *b)
{
    const struct bl_zip_entry *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

static int compare_names(struct bl_span a, struct bl_span b)
{
    int c = memcmp(a.p, b.p, BL_MIN(a.n, b.n));

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int entry_by_path(const void *a, const void *b)
{
    const struct bl_zip_entry *x = a, *y = b;

    return compare_names(x->name, y->name);
}

static int check_entries(const struct reader *r, struct bl_zip *z)
{
    qsort(z->v, z->n, sizeof *z->v, by_start);
    if (z->n && z->v[0].start)
        return broken(r, "there are bytes before its first entry");
    for (size_t i = 1; i < z->n; i++)
        if (z->v[i - 1].data + z->v[i - 1].size > r->data + z->v[i].start)
            return entry_fails(r, z->v[i].name, "it overlaps another one");
    qsort(z->v, z->n, sizeof *z->v, entry_by_path);
    for (size_t i = 1; i < z->n; i++)
        if (!entry_by_path(&z->v[i - 1], &z->v[i]))
            return entry_fails(r, z->v[i].name, "it is given twice");
    return 0;
}

int bl_zip_open(struct bl_zip *z, const unsigned char *data, size_t size,
                struct bl_err *err)
{
    struct reader r = { data, size, err };
    struct directory d = { 0, 0, 0 };

    *z = (struct bl_zip){ 0 };
    if (read_end(&r, &d) < 0)
        return -1;
    if (d.n > BL_ZIP_MAX_ENTRIES)
        return bl_fail(err, BL_DATA, "zip archive: %" PRIu64 " entries, at "
                       "most %d are read", d.n, BL_ZIP_MAX_ENTRIES);
    z->n = (size_t)d.n;
    z->v = BL_NEW_ARRAY(struct bl_zip_entry, z->n);
    if (read_entries(&r, &d, z) == 0 && check_entries(&r, z) == 0)
        return 0;
    bl_zip_close(z);
    return -1;
}

void bl_zip_close(struct bl_zip *z)
{
    free(z->v);
    *z = (struct bl_zip){ 0 };
}

const struct bl_zip_entry *bl_zip_find(const struct bl_zip *z,
                                       struct bl_span name)
{
    struct bl_zip_entry key = { .name = name };

    if (!z->n)
        return NULL;
    return bsearch(&key, z->v, z->n, sizeof *z->v, entry_by_path);
}

/* ---- CRC-32, eight bytes at a time ---- */

struct crc_tables {
    uint32_t v[8][256];
};

static void crc_make(struct crc_tables *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        t->v[0][i] = c;
    }
    for (size_t i = 0; i < 256; i++)
        for (size_t k = 1; k < 8; k++)
            t->v[k][i] = t->v[k - 1][i] >> 8
                ^ t->v[0][t->v[k - 1][i] & 255];
}

uint32_t bl_zip_crc(uint32_t before, const unsigned char *p, size_t n)
{
    struct crc_tables t;
    uint32_t crc = ~before, lo, hi;

    crc_make(&t);
    for (; n >= 8; p += 8, n -= 8) {
        lo = crc ^ bl_le32(p);
        hi = bl_le32(p + 4);
        crc = t.v[7][lo & 255] ^ t.v[6][lo >> 8 & 255]
            ^ t.v[5][lo >> 16 & 255] ^ t.v[4][lo >> 24]
            ^ t.v[3][hi & 255] ^ t.v[2][hi >> 8 & 255]
            ^ t.v[1][hi >> 16 & 255] ^ t.v[0][hi >> 24];
    }
    for (; n > 0; n--)
        crc = crc >> 8 ^ t.v[0][(crc ^ *p++) & 255];
    return ~crc;
}
