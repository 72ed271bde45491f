/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/finite.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t bl_finite_before(const float *v, size_t n)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t bad = 0, x;

    /* All bits of the exponent set: NaN or infinity.  No branch, so that
     * the compiler takes several numbers at once. */
    for (size_t i = 0; i < n; i++) {
        memcpy(&x, &v[i], sizeof x);
        bad |= (x & exponent) == exponent;
    }
    if (!bad)
        return n;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return i;
    return n;
}
