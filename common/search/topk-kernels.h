/* SPDX-License-Identifier: MIT */
/*
 * topk-kernels: inner products of a group of queries with four vectors at a
 * time, for the instruction sets of this processor; for topk.c only.
 *
 * A score is added up in one fixed order that depends on the instruction set
 * alone: element i goes to lane i mod LANES, and the lanes are added pair by
 * pair at the end.
 */
#ifndef BL_TOPK_KERNELS_H
#define BL_TOPK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOPK_STRIP = 4,             /* vectors a kernel takes */
    TOPK_MULTIPLE = 16          /* lengths are multiples of this */
};

struct bl_topk_kernel {
    const char *name;
    /* scores[nq][4] of queries q[nq][n] with four vectors of n floats.
     * Meanwhile 16 n bytes of memory are fetched, from any address on. */
    void (*strip)(const float *q, size_t nq, const float *const rows[4],
                  uintptr_t next, size_t n, float *scores);
    /* scores[i] of query q[i] with vector rows[i], to the bits of strip(). */
    void (*pairs)(const float *const q[4], const float *const rows[4],
                  size_t n, float *scores);
    void (*widen_f16)(const uint16_t *p, size_t n, float *out);
    void (*widen_int8)(const int8_t *p, size_t n, float *out);
};

/* The best one for this processor; static storage. */
const struct bl_topk_kernel *bl_topk_kernel(void);

/* Number i of those that this processor can run; NULL at the end (tests). */
const struct bl_topk_kernel *bl_topk_kernel_at(size_t i);

#endif
