/* SPDX-License-Identifier: MIT */
/*
 * int8-weights: a matrix of 8-bit weights, as a model's file has it and as
 * the products of int8.h want it.
 */
#ifndef BL_INT8_WEIGHTS_H
#define BL_INT8_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

enum {
    BL_INT8_OUTS = 16,          /* outputs in a block of weights */
    BL_INT8_INS = 64,           /* widths are multiples of this */
    BL_INT8_MAX_IN = 32768      /* longer rows could overflow a sum */
};

/* Packed weights; padded with zeros to whole blocks. */
struct bl_int8 {
    size_t out, in;
    size_t blocks;              /* of BL_INT8_OUTS outputs */
    size_t width;               /* in, up to a multiple of BL_INT8_INS */
    const int8_t *codes;        /* [blocks][width / 4][OUTS][4] */
    const float *scales;        /* [blocks * OUTS] */
    const int32_t *sums;        /* [blocks * OUTS]: of an output's codes */
    const float *shrink;        /* [width]: 1 / factor; NULL: all 1 */
    void *memory;               /* private: what is owned */
};

/* Inputs with their padding: `in`, up to a multiple of BL_INT8_INS. */
static inline size_t bl_int8_width(size_t in)
{
    return (in + BL_INT8_INS - 1) / BL_INT8_INS * BL_INT8_INS;
}

#endif
