/* SPDX-License-Identifier: MIT */
/*
 * bytes: numbers as files have them.
 */
#ifndef BL_BYTES_H
#define BL_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* An unsigned number of n <= 8 bytes, little end first. */
static inline uint64_t bl_le(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

#endif
