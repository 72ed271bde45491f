/* SPDX-License-Identifier: MIT */
/*
 * The kernel of the matrix unit, with its instructions done in C after
 * Intel's manual, for the machines that have none: layout of the tiles, rests
 * and strides.  Reading or writing beyond a tile's rows is caught.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tap.h"

#if defined(__x86_64__)
static struct {
    uint8_t rows[8];
    uint8_t data[8][16][64];
    bool configured;
} unit;

static void _tile_loadconfig(const void *p)
{
    const uint8_t *c = p;

    BL_ASSERT(c[0] == 1 && c[1] == 0);
    for (int i = 0; i < 8; i++) {
        BL_ASSERT(c[16 + 2 * i] == 64 && !c[17 + 2 * i]);
        BL_ASSERT(c[48 + i] >= 1 && c[48 + i] <= 16);
        unit.rows[i] = c[48 + i];
    }
    memset(unit.data, 0, sizeof unit.data);
    unit.configured = true;
}

static void _tile_release(void)
{
    unit.configured = false;
}

static void _tile_zero(int t)
{
    BL_ASSERT(unit.configured);
    memset(unit.data[t], 0, sizeof unit.data[t]);
}

static void _tile_loadd(int t, const void *p, size_t stride)
{
    BL_ASSERT(unit.configured);
    for (size_t i = 0; i < unit.rows[t]; i++)
        memcpy(unit.data[t][i], (const uint8_t *)p + i * stride, 64);
}

static void _tile_stored(int t, void *p, size_t stride)
{
    BL_ASSERT(unit.configured);
    for (size_t i = 0; i < unit.rows[t]; i++)
        memcpy((uint8_t *)p + i * stride, unit.data[t][i], 64);
}

/* Unsigned bytes of a, signed ones of b. */
static void _tile_dpbusd(int c, int a, int b)
{
    BL_ASSERT(unit.rows[b] == 16 && unit.rows[c] == unit.rows[a]);
    for (size_t m = 0; m < unit.rows[c]; m++)
        for (size_t n = 0; n < 16; n++) {
            int32_t sum;

            memcpy(&sum, &unit.data[c][m][4 * n], sizeof sum);
            for (size_t k = 0; k < 64; k++)
                sum += unit.data[a][m][k]
                    * (int8_t)unit.data[b][k / 4][4 * n + k % 4];
            memcpy(&unit.data[c][m][4 * n], &sum, sizeof sum);
        }
}

#define AMX_EMULATED
#define bl_int8_multiply_amx emulated
#include "../../common/net/int8-amx.c"

static void test(size_t n, size_t width, size_t blocks, size_t gap)
{
    size_t stride = width + gap, columns = blocks * BL_INT8_OUTS;
    uint8_t *x = bl_xmalloc(n, stride);
    int8_t *w = bl_xmalloc(columns, width);
    int32_t *want = bl_xcalloc(n * columns, sizeof *want);
    int32_t *sums = bl_xcalloc(n * columns, sizeof *sums);

    for (size_t i = 0; i < n * stride; i++)
        x[i] = (uint8_t)(i * i % 251 + 4);
    for (size_t i = 0; i < columns * width; i++)
        w[i] = (int8_t)(i * i % 241 - 120);
    bl_int8_multiply_c(x, stride, n, w, width, blocks, want, columns);
    emulated(x, stride, n, w, width, blocks, sums, columns);
    ok(!memcmp(want, sums, n * columns * sizeof *sums) && !unit.configured,
       "%zu rows, %zu x %zu", n, width, columns);
    free(x);
    free(w);
    free(want);
    free(sums);
}

int main(void)
{
    static const size_t rows[] = { 1, 2, 15, 16, 17, 31, 32, 33, 40, 48, 49,
                                   64, 95, 96, 100 };

    for (size_t i = 0; i < BL_COUNT(rows); i++)
        for (size_t blocks = 1; blocks <= 5; blocks++)
            test(rows[i], 64 * (1 + i % 3), blocks, i % 2 * 64);
    return tap_done();
}
#else
int main(void)
{
    skip("AMX", "this is another processor");
    return tap_done();
}
#endif
