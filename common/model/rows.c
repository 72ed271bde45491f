/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/rows.h"

#include <math.h>
#include <string.h>

#include "tensor/safetensors.h"

const float *bl_row(const struct bl_rows *rows, size_t id, size_t width,
                    float *room)
{
    const int8_t *codes;

    if (rows->f32)
        return rows->f32 + id * width;
    if (rows->f16) {
        bl_tensor_to_f32(BL_F16, rows->f16 + 2 * id * width, width, room);
        return room;
    }
    codes = rows->int8 + id * width;
    for (size_t i = 0; i < width; i++)
        room[i] = (float)codes[i] * rows->scales[id];
    return room;
}

void bl_rows_all(const struct bl_rows *rows, size_t n, size_t width,
                 float *out)
{
    for (size_t i = 0; i < n; i++, out += width) {
        const float *row = bl_row(rows, i, width, out);

        if (row != out)
            memcpy(out, row, width * sizeof *out);
    }
}

float bl_row_to_int8(const float *row, size_t width, int8_t *codes)
{
    float most = 0, factor;

    for (size_t i = 0; i < width; i++)
        most = fmaxf(most, fabsf(row[i]));
    /* The smallest ranges have no finite inverse: as if they were 0. */
    factor = most > 1e-30f ? 127 / most : 0;
    for (size_t i = 0; i < width; i++)
        codes[i] = (int8_t)lrintf(row[i] * factor);
    return factor > 0 ? most / 127 : 0;
}
