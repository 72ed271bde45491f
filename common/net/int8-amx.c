/* SPDX-License-Identifier: MIT */
/*
 * The kernel of Intel's matrix unit: tiles of 16 rows of 64 bytes, and one
 * instruction that adds the products of two tiles to a third.  Four tiles of
 * sums (2 x 2) let each loaded tile be used twice.  A block of packed
 * weights is a row of tiles as it lies.
 *
 * A test compiles this file with functions in the place of the instructions.
 */
#include "config.h"

#include "base/mem.h"
#include "net/int8-kernels.h"

#if defined(__x86_64__)
#include <string.h>

#ifndef AMX_EMULATED
#include <immintrin.h>
#define TARGET __attribute__((target("amx-tile,amx-int8")))
#else
#define TARGET
#endif

enum { TILE = 16, LINE = 64 };

/* Tiles by number: sums 0..3, x 4 and 5, weights 6 and 7. */
struct config {
    uint8_t palette, start, zero[14];
    uint16_t line[16];          /* bytes of a row */
    uint8_t rows[16];
};

/* high, low: rows of the upper and of the lower pair of tiles. */
TARGET static void configure(size_t high, size_t low)
{
    struct config c = { .palette = 1 };

    for (int i = 0; i < 8; i++)
        c.line[i] = LINE;
    c.rows[0] = c.rows[1] = c.rows[4] = (uint8_t)high;
    c.rows[2] = c.rows[3] = c.rows[5] = (uint8_t)low;
    c.rows[6] = c.rows[7] = TILE;
    _tile_loadconfig(&c);
}

/* Up to 32 rows, two blocks. */
TARGET static void two_by_two(const uint8_t *x, size_t stride,
                              const int8_t *w, size_t width, int32_t *sums,
                              size_t sums_stride)
{
    const int8_t *second = w + width * BL_INT8_OUTS;
    int32_t *below = sums + TILE * sums_stride;

    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t at = 0; at < width; at += LINE) {
        _tile_loadd(4, x + at, stride);
        _tile_loadd(6, w + at * BL_INT8_OUTS, LINE);
        _tile_loadd(7, second + at * BL_INT8_OUTS, LINE);
        _tile_loadd(5, x + TILE * stride + at, stride);
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    _tile_stored(0, sums, sums_stride * sizeof *sums);
    _tile_stored(1, sums + TILE, sums_stride * sizeof *sums);
    _tile_stored(2, below, sums_stride * sizeof *sums);
    _tile_stored(3, below + TILE, sums_stride * sizeof *sums);
}

/* Up to 16 rows, one block. */
TARGET static void one_by_one(const uint8_t *x, size_t stride,
                              const int8_t *w, size_t width, int32_t *sums,
                              size_t sums_stride)
{
    _tile_zero(0);
    for (size_t at = 0; at < width; at += LINE) {
        _tile_loadd(4, x + at, stride);
        _tile_loadd(6, w + at * BL_INT8_OUTS, LINE);
        _tile_dpbusd(0, 4, 6);
    }
    _tile_stored(0, sums, sums_stride * sizeof *sums);
}

/* Rows that fill the tiles as configured. */
TARGET static void all_blocks(const uint8_t *x, size_t stride, size_t n,
                              const int8_t *w, size_t width, size_t blocks,
                              int32_t *sums, size_t sums_stride)
{
    size_t block = width * BL_INT8_OUTS, i = 0;

    for (; n > TILE && i + 2 <= blocks; i += 2)
        two_by_two(x, stride, w + i * block, width,
                   sums + i * BL_INT8_OUTS, sums_stride);
    for (; n <= TILE && i < blocks; i++)
        one_by_one(x, stride, w + i * block, width,
                   sums + i * BL_INT8_OUTS, sums_stride);
}

TARGET void bl_int8_multiply_amx(const uint8_t *x, size_t stride, size_t n,
                                 const int8_t *w, size_t width,
                                 size_t blocks, int32_t *sums,
                                 size_t sums_stride)
{
    size_t even = blocks / 2 * 2, high = 0, low = 0;

    for (size_t row = 0; row < n;) {
        size_t left = n - row, rows = BL_MIN(left, 2 * TILE);
        size_t want_high = BL_MIN(rows, TILE);
        size_t want_low = rows > TILE ? rows - TILE : 1;
        const uint8_t *from = x + row * stride;
        int32_t *to = sums + row * sums_stride;

        if (want_high != high || want_low != low)
            configure(high = want_high, low = want_low);
        all_blocks(from, stride, rows, w, width, n > TILE ? even : blocks,
                   to, sums_stride);
        row += rows;
    }
    if (even < blocks && n > TILE) {
        const int8_t *last = w + even * width * BL_INT8_OUTS;

        for (size_t row = 0; row < n; row += TILE) {
            size_t rows = BL_MIN(n - row, TILE);

            if (rows != high)
                configure(high = rows, 1);
            one_by_one(x + row * stride, stride, last, width,
                       sums + row * sums_stride + even * BL_INT8_OUTS,
                       sums_stride);
        }
    }
    _tile_release();
}
#endif
