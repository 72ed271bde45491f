/* SPDX-License-Identifier: MIT */
/*
 * index-file: where each byte of a .blx file lies; for index*.c only.
 * blink-index(5) says the same in words.
 */
#ifndef BL_INDEX_FILE_H
#define BL_INDEX_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sha256.h"
#include "search/index.h"
#include "tensor/half.h"

#define INDEX_MAGIC "\211BLX\r\n\032\n"     /* 8 bytes; no text file */
#define INDEX_BYTE_ORDER 0x0a0b0c0du

/* Offsets in the header. */
enum {
    AT_MAGIC = 0, AT_VERSION = 8, AT_BYTE_ORDER = 12, AT_HEADER = 16,
    AT_DTYPE = 20, AT_DIM = 24, AT_STRIDE = 28, AT_N = 32, AT_ENTITIES = 40,
    AT_SIZE = 48, AT_SEGMENTS = 56, AT_MODEL = 64, AT_KB = 128,
    AT_SUM = 192, AT_BASE = 224, AT_TABLE = 256,
    /* In an entry of the segment table. */
    ENTRY = 128, AT_VECTORS = 0, AT_COUNT = 8, AT_ROWS = 16, AT_SCALES = 24,
    AT_END = 32, AT_CODES = 40, AT_LOST = 48, AT_SEGMENT_SUM = 64,
    ALIGN = 64
};

_Static_assert(AT_TABLE + BL_INDEX_MAX_SEGMENTS * ENTRY == BL_INDEX_HEADER,
               "the table fills the header");

/* The parts of one segment, from where it starts to where it ends; 0 where
 * its type has none. */
struct extent {
    uint64_t vectors, rows, codes, scales, lost, end;
};

static inline uint64_t align_up(uint64_t offset)
{
    return (offset + ALIGN - 1) / ALIGN * ALIGN;
}

/* f32 or f16 with int8 codes beside them. */
static inline bool has_both(enum bl_dtype dtype)
{
    return dtype == BL_DTYPE_F32_INT8 || dtype == BL_DTYPE_F16_INT8;
}

/* Bytes of a number of the vectors themselves. */
static inline size_t dtype_size(enum bl_dtype dtype)
{
    switch (dtype) {
    case BL_DTYPE_F16: case BL_DTYPE_F16_INT8: return 2;
    case BL_DTYPE_INT8: return 1;
    default: return 4;
    }
}

/* Bytes from vector to vector; for BL_DTYPE_INT8 those of codes. */
static inline size_t stride_of(enum bl_dtype dtype, size_t dim)
{
    return (size_t)align_up(dim * dtype_size(dtype));
}

/* `count` vectors from offset `at`; count * stride is known to be below
 * 2^61. */
static inline struct extent extent_of(uint64_t at, uint64_t count,
                                      enum bl_dtype dtype, size_t dim)
{
    struct extent extent = { .vectors = at,
                             .rows = at + count * stride_of(dtype, dim) };

    extent.end = align_up(extent.rows + count * 4);
    if (has_both(dtype)) {
        extent.codes = extent.end;
        extent.end = extent.codes + count * stride_of(BL_DTYPE_INT8, dim);
    }
    if (has_both(dtype) || dtype == BL_DTYPE_INT8) {
        extent.scales = extent.end;
        extent.end = align_up(extent.scales + count * 4);
    }
    if (has_both(dtype)) {
        extent.lost = extent.end;
        extent.end = align_up(extent.lost + count * 4);
    }
    return extent;
}

/* A vector of f32 or f16 -> out[count]; the numbers may include
 * padding. */
static inline void decode_wide(enum bl_dtype dtype, const unsigned char *bytes,
                               size_t count, float *out)
{
    const uint16_t *halves = (const void *)bytes;

    if (dtype_size(dtype) == 4) {
        memcpy(out, bytes, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = bl_half_to_float(halves[i]);
}

static inline uint32_t get32(const unsigned char *bytes)
{
    return bl_le32(bytes);
}

static inline uint64_t get64(const unsigned char *bytes)
{
    return bl_le(bytes, 8);
}

static inline void put32(unsigned char *bytes, uint32_t value)
{
    bl_put_le(bytes, value, 4);
}

static inline void put64(unsigned char *bytes, uint64_t value)
{
    bl_put_le(bytes, value, 8);
}

/* ---- A vector rounded to int8, and what that loses ---- */

/* vector[n], finite -> codes[n] of -127..127; returns the scale, with which
 * scale * codes is near the vector. */
float bl_index_codes(const float *vector, size_t n, int8_t *codes);

/* The length of vector - scale * codes, to 1e-11 of it (n up to 65536). */
double bl_index_lost(const float *vector, float scale, const int8_t *codes,
                     size_t n);

/* The same as a float that is not below it. */
float bl_index_lost_above(const float *vector, float scale,
                          const int8_t *codes, size_t n);

/* ---- The file as a whole ---- */

/* Opens the file itself, without the file of its changes; with `changes` one
 * of those, and no other.  -1: BL_DATA; nothing is left open. */
int bl_index_open_file(struct bl_index *index, const char *path, bool changes,
                       struct bl_err *err);

/* Whether it makes a file of changes. */
bool bl_index_is_changes(const struct bl_index_writer *writer);
/* The writer closes this descriptor when it is released. */
void bl_index_keep_lock(struct bl_index_writer *writer, int fd);

/* "K.blx" -> "K.blx.changes" beside what a link leads to; caller frees. */
char *bl_index_changes_path(const char *path);

/* Payload is used as it lies in the file: little-endian machines only. */
static inline int check_machine(struct bl_err *err)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return bl_fail(err, BL_DATA, "indexes are little-endian, but this "
                                 "processor is not");
#else
    (void)err;
    return 0;
#endif
}

#endif
