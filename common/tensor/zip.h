/* SPDX-License-Identifier: MIT */
/*
 * zip: archives whose entries are stored, as torch.save makes them.
 *
 *     struct bl_zip z;
 *     bl_zip_open(&z, data, size, &err);
 *     const struct bl_zip_entry *e = bl_zip_find(&z, name);
 *     bl_zip_close(&z);
 *
 * Only what torch writes is read: no compression, no encryption, no comment,
 * nothing before or after the archive, names given once, entries that do not
 * overlap, local headers that agree with the directory.  So an archive can
 * neither unfold to more than its own size nor be read in two ways.  Zip64
 * is understood.  Entries point into the caller's bytes.
 */
#ifndef BL_ZIP_H
#define BL_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { BL_ZIP_MAX_ENTRIES = 20000 };

struct bl_zip_entry {
    struct bl_span name;        /* UTF-8 */
    const unsigned char *data;
    size_t size;
    uint32_t crc;               /* as declared; see bl_zip_crc */
    size_t start;               /* offset of its local header */
};

struct bl_zip {
    struct bl_zip_entry *v;     /* by name */
    size_t n;
};

/* -1 with BL_DATA; nothing is left to close then. */
int bl_zip_open(struct bl_zip *zip, const unsigned char *data, size_t size,
                struct bl_err *err);
void bl_zip_close(struct bl_zip *zip);

/* NULL when there is none of that name. */
const struct bl_zip_entry *bl_zip_find(const struct bl_zip *zip,
                                       struct bl_span name);

/* CRC-32 of `size` more bytes, to be compared with an entry's; `before` is
 * that of the bytes before them, 0 at the start. */
uint32_t bl_zip_crc(uint32_t before, const unsigned char *bytes, size_t size);

#endif
