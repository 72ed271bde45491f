/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/finite.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t bl_finite_before(const float *values, size_t count)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t bad = 0, x;

    /* All bits of the exponent set: NaN or infinity.  No branch, so that
     * the compiler takes several numbers at once. */
    for (size_t i = 0; i < count; i++) {
        memcpy(&x, &values[i], sizeof x);
        bad |= (x & exponent) == exponent;
    }
    if (!bad)
        return count;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return i;
    return count;
}
