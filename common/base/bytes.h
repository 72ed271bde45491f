/* SPDX-License-Identifier: MIT */
/*
 * bytes: numbers as files have them.
 */
#ifndef BL_BYTES_H
#define BL_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* An unsigned number of 4 bytes, little end first; written so that compilers
 * make it one load. */
static inline uint32_t bl_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* The same of n <= 8 bytes, where speed does not matter. */
static inline uint64_t bl_le(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Writes the low n <= 8 bytes of v, little end first. */
static inline void bl_put_le(unsigned char *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

#endif
