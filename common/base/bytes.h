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
static inline uint32_t bl_le32(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* The same of size <= 8 bytes, where speed does not matter. */
static inline uint64_t bl_le(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;

    while (size-- > 0)
        value = value << 8 | bytes[size];
    return value;
}

/* Writes the low size <= 8 bytes of a value, little end first. */
static inline void bl_put_le(unsigned char *bytes, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

#endif
