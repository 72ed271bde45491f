/* SPDX-License-Identifier: MIT */
/*
 * int8-template: the text of one kernel, included once per instruction set
 * with
 *
 *     NAME(x), LANES, TARGET      as in simd.h; LANES: outputs whose sums a
 *                     register holds
 *     ROWS, BLOCKS    of a tile, whose sums stay in registers
 *     SUM, LEFT, RIGHT    types: of sums, of 4 numbers of x, of weights
 *     ZERO            an empty SUM
 *     LOAD_X(p)       4 bytes of x, once for each output
 *     LOAD_W(p, i)    part i of 64 bytes of weights
 *     STEP(s, x, w)   s += x * w
 *     STORE(s, p)     PARTS sums to 16 integers
 *
 * A block's weights are read once per tile of rows and stay in the nearest
 * cache.  The loops over a tile's rows are unrolled whole: only then are
 * arrays of sums registers.
 */
#define PARTS (BL_INT8_OUTS / LANES)    /* registers of a block's sums */

/* m rows, b blocks: known where this is inlined.  With `fetch` the blocks
 * behind these are asked for: each is too short for the processor to notice
 * in time that they are read one after another. */
TARGET static BL_INLINE void NAME(tile)(bool fetch, int m, int b,
                                        const uint8_t *x, size_t stride,
                                        const int8_t *w, size_t width,
                                        int32_t *sums, size_t sums_stride)
{
    uintptr_t behind = (uintptr_t)b * width * BL_INT8_OUTS;
    SUM s[ROWS][BLOCKS][PARTS];

    BL_UNROLL(16)
    for (int i = 0; i < m; i++)
        BL_UNROLL(16)
        for (int j = 0; j < b; j++)
            BL_UNROLL(16)
            for (int k = 0; k < PARTS; k++)
                s[i][j][k] = ZERO;
    for (size_t at = 0; at < width; at += 4) {
        LEFT left[ROWS];

        BL_UNROLL(16)
        for (int i = 0; i < m; i++)
            left[i] = LOAD_X(x + (size_t)i * stride + at);
        BL_UNROLL(16)
        for (int j = 0; j < b; j++) {
            const int8_t *block = w + (size_t)j * width * BL_INT8_OUTS
                                  + at * BL_INT8_OUTS;

            if (fetch)          /* perhaps beyond the end: no pointer yet */
                __builtin_prefetch((const void *)((uintptr_t)block + behind),
                                   0, 2);
            BL_UNROLL(16)
            for (int k = 0; k < PARTS; k++) {
                RIGHT right = LOAD_W(block, k);

                BL_UNROLL(16)
                for (int i = 0; i < m; i++)
                    s[i][j][k] = STEP(s[i][j][k], left[i], right);
            }
        }
    }
    BL_UNROLL(16)
    for (int i = 0; i < m; i++)
        BL_UNROLL(16)
        for (int j = 0; j < b; j++)
            STORE(s[i][j], sums + (size_t)i * sums_stride + 16 * j);
}

/* All rows with b blocks. */
TARGET static BL_INLINE void NAME(rows)(int b, const uint8_t *x, size_t stride,
                                        size_t n, const int8_t *w,
                                        size_t width, int32_t *sums,
                                        size_t sums_stride)
{
    if (n >= ROWS) {
        NAME(tile)(true, ROWS, b, x, stride, w, width, sums, sums_stride);
        x += ROWS * stride;
        sums += ROWS * sums_stride;
        n -= ROWS;
    }
    for (; n >= ROWS; n -= ROWS) {
        NAME(tile)(false, ROWS, b, x, stride, w, width, sums, sums_stride);
        x += ROWS * stride;
        sums += ROWS * sums_stride;
    }
    switch (n) {
#define REST(m) \
    case m: \
        NAME(tile)(false, m, b, x, stride, w, width, sums, sums_stride); \
        break;
#if ROWS > 3
    REST(5) REST(4) REST(3)
#endif
    REST(2) REST(1)
#undef REST
    default: break;
    }
}

TARGET static void NAME(multiply)(const uint8_t *x, size_t stride, size_t n,
                                  const int8_t *w, size_t width,
                                  size_t blocks, int32_t *sums,
                                  size_t sums_stride)
{
    size_t block = width * BL_INT8_OUTS;

    for (; blocks >= BLOCKS; blocks -= BLOCKS) {
        NAME(rows)(BLOCKS, x, stride, n, w, width, sums, sums_stride);
        w += BLOCKS * block;
        sums += BLOCKS * BL_INT8_OUTS;
    }
#if BLOCKS > 1
    for (; blocks > 0; blocks--) {
        NAME(rows)(1, x, stride, n, w, width, sums, sums_stride);
        w += block;
        sums += BL_INT8_OUTS;
    }
#endif
}

#undef NAME
#undef LANES
#undef TARGET
#undef ROWS
#undef BLOCKS
#undef SUM
#undef LEFT
#undef RIGHT
#undef ZERO
#undef LOAD_X
#undef LOAD_W
#undef STEP
#undef STORE
#undef PARTS
