/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/topk-coarse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/int8-kernels.h"
#include "net/simd.h"

/* Number of the kernel; tests choose others. */
#ifndef TOPK_INT8_KERNEL
#define TOPK_INT8_KERNEL 0
#endif

enum {
    LANES = BL_LANES, OUTS = BL_INT8_OUTS,
    FEW = BL_INT8_DOTS          /* queries for which a block of 16 is waste */
};

/* The kernels multiply unsigned bytes by signed ones: the vectors' codes go
 * in with 128 added, the queries' as packed weights.  A kernel that compares
 * takes the vectors as they lie, and has 128 added to the queries'. */
struct bl_coarse {
    const struct bl_int8_kernel *kernel;
    size_t n, blocks, stride;
    int8_t *codes;              /* [blocks][stride / 4][OUTS][4] */
    uint8_t *alone;             /* [n][stride]: codes + 128, for few queries,
                                 * on the vectors as they lie; else NULL */
    float *scales;              /* [blocks * OUTS], and room to four blocks */
    int32_t *offsets;           /* 128 times the sums of the codes */
    /* Two scores differ by slack * |v'| + length * |v - v'| at most. */
    float *slacks, *lengths;    /* [blocks * OUTS], as scales */
    float longest;
};

/* A float that is not below x; also where floats are denormal. */
static float above(double x)
{
    return nextafterf((float)x, INFINITY);
}

/* ---- Queries ---- */

static void round_query(struct bl_coarse *c, size_t i, const float *q,
                        size_t length)
{
    int8_t *codes = c->codes + i / OUTS * OUTS * c->stride + i % OUTS * 4;
    /* For the floats of both scores. */
    const double more = 1e-6 * (10 + (double)length / 16);
    double lost = 0, all = 0;
    float most = 0, factor;
    int32_t sum = 0;

    for (size_t k = 0; k < length; k++)
        most = BL_MAX(fabsf(q[k]), most);
    c->scales[i] = most / 127;
    factor = most > 1e-30f ? 127 / most : 0;
    for (size_t k = 0; k < length; k++) {
        int8_t code = (int8_t)lrintf(q[k] * factor);
        double rest = (double)q[k] - (double)c->scales[i] * code;

        codes[k / 4 * 4 * OUTS + k % 4] = c->kernel->reach
            ? (int8_t)(code ^ -128) : code;
        if (c->alone)
            c->alone[i * c->stride + k] = (uint8_t)(code + 128);
        sum += code;
        lost += rest * rest;
        all += (double)q[k] * (double)q[k];
    }
    c->offsets[i] = c->alone ? 0 : 128 * sum;
    all = sqrt(all);
    c->slacks[i] = above(sqrt(lost) + more * all);
    c->lengths[i] = above(all + more * all);
    if (c->lengths[i] > c->longest)
        c->longest = c->lengths[i];
}

/* Columns beyond the last query stay zero codes, as the kernels take whole
 * blocks of OUTS; 128 is the zero of a kernel that has 128 added to the
 * queries.  Without a kernel faster than plain C nothing is gained over
 * floats, and a stride above BL_INT8_MAX_IN could overflow 32-bit sums. */
static struct bl_coarse *coarse_new(const float *queries, size_t n,
                                    size_t length, size_t stride)
{
    const struct bl_int8_kernel *kernel = bl_int8_kernel_at(TOPK_INT8_KERNEL);
    struct bl_coarse *c;
    size_t columns;

    if (kernel->multiply == bl_int8_multiply_c || stride > BL_INT8_MAX_IN)
        return NULL;
    c = BL_NEW(struct bl_coarse);
    c->kernel = kernel;
    c->n = n;
    c->blocks = (n + OUTS - 1) / OUTS;
    c->stride = stride;
    columns = c->blocks * OUTS;
    if (n <= FEW) {
        c->alone = bl_xaligned(n, stride);
        memset(c->alone, 128, n * stride);
    }
    c->codes = bl_xaligned(columns, stride);
    memset(c->codes, kernel->reach ? 128 : 0, columns * stride);
    c->scales = bl_xcalloc(COARSE_QUERIES, sizeof *c->scales);
    c->offsets = bl_xcalloc(columns, sizeof *c->offsets);
    c->slacks = bl_xcalloc(columns, sizeof *c->slacks);
    c->lengths = bl_xcalloc(COARSE_QUERIES, sizeof *c->lengths);
    for (size_t i = 0; i < n; i++)
        round_query(c, i, queries + i * length, length);
    return c;
}

static void coarse_free(struct bl_coarse *c)
{
    free(c->codes);
    free(c->alone);
    free(c->scales);
    free(c->offsets);
    free(c->slacks);
    free(c->lengths);
    free(c);
}

struct bl_coarse **bl_coarse_new(const float *queries, size_t n,
                                 size_t length, size_t stride)
{
    size_t groups = (n + COARSE_QUERIES - 1) / COARSE_QUERIES;
    struct bl_coarse **c = BL_NEW_ARRAY(struct bl_coarse *, groups);

    for (size_t at = 0; at < n; at += COARSE_QUERIES)
        c[at / COARSE_QUERIES] = coarse_new(
            queries + at * length, BL_MIN(n - at, COARSE_QUERIES), length,
            stride);
    if (c[0])
        return c;
    free(c);
    return NULL;
}

void bl_coarse_free(struct bl_coarse **c, size_t n)
{
    for (size_t at = 0; c && at < n; at += COARSE_QUERIES)
        coarse_free(c[at / COARSE_QUERIES]);
    free(c);
}

/* ---- Vectors ---- */

/* n: a multiple of 64. */
BL_WIDE
static void add_128(const int8_t *codes, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i += sizeof(bl_lanes_int)) {
        bl_lanes_int v;

        memcpy(&v, codes + i, sizeof v);
        v ^= (int32_t)0x80808080;
        memcpy(out + i, &v, sizeof v);
    }
}

/* n: a multiple of 64. */
static double square(const struct bl_int8_kernel *kernel,
                     const int8_t *codes, size_t n)
{
    enum { PART = 2048 };
    uint8_t x[PART];
    double all = 0;

    for (size_t at = 0; at < n; at += PART) {
        size_t part = BL_MIN(n - at, PART);
        int32_t sum;

        add_128(codes + at, part, x);
        kernel->dot(x, 1, codes + at, 1, part, &sum);
        all += sum;
    }
    return all;
}

struct bl_coarse_most bl_coarse_most(const int8_t *codes, size_t stride,
                                     size_t n, const float *scales,
                                     const float *lost)
{
    const struct bl_int8_kernel *kernel = bl_int8_kernel_at(TOPK_INT8_KERNEL);
    struct bl_coarse_most most = { 0, 0 };
    double longest = 0;

    for (size_t i = 0; i < n; i++) {
        double norm = sqrt(square(kernel, codes + i * stride, stride))
            * fabs((double)scales[i]);

        longest = BL_MAX(norm, longest);
        if (lost && lost[i] > most.lost)
            most.lost = lost[i];
    }
    most.norm = above(longest * 1.000001);
    return most;
}

/* No sum of products, with the scale or before, is larger than the product of
 * two lengths; a vector of codes is no longer than 128 sqrt(stride). */
bool bl_coarse_holds(const struct bl_coarse *c, struct bl_coarse_most most)
{
    const float limit = 1e37f, codes = 128 * sqrtf((float)c->stride);

    return c->longest * (most.norm + most.lost) < limit
        && c->longest * codes < limit;
}

/* The queries, 16 at a time, that a vector's sums take to their limits. */
BL_WIDE
static size_t find_hits(const struct bl_coarse *c, const int32_t *sums,
                        float scale, float lost, const float *limits,
                        uint32_t row, struct bl_coarse_hit *hits)
{
    size_t found = 0;

    for (size_t at = 0; at < c->n; at += LANES) {
        bl_lanes_int whole, taken, reached;
        uint64_t any[LANES / 2];
        bl_lanes score, by, limit, length;

        memcpy(&whole, sums + at, sizeof whole);
        memcpy(&taken, c->offsets + at, sizeof taken);
        memcpy(&by, c->scales + at, sizeof by);
        memcpy(&limit, limits + at, sizeof limit);
        memcpy(&length, c->lengths + at, sizeof length);
        score = __builtin_convertvector(whole - taken, bl_lanes) * by * scale;
        reached = (bl_lanes_int)(score + length * lost >= limit);
        memcpy(any, &reached, sizeof any);
        if (!(any[0] | any[1] | any[2] | any[3] | any[4] | any[5] | any[6]
              | any[7]))
            continue;
        for (size_t i = at; i < c->n && i < at + LANES; i++)
            if (reached[i - at])
                hits[found++] = (struct bl_coarse_hit){ row, (uint32_t)i };
    }
    return found;
}

/* Few queries, on the vectors as they lie. */
static size_t find_alone(const struct bl_coarse *c,
                         const struct bl_coarse_rows *r, const float *lost,
                         const float *limits, int32_t *sums,
                         struct bl_coarse_hit *hits)
{
    size_t found = 0;

    c->kernel->dot(c->alone, c->n, r->codes, r->n, c->stride, sums);
    for (size_t i = 0; i < r->n; i++)
        for (size_t q = 0; q < c->n; q++, sums++)
            if ((float)*sums * c->scales[q] * r->scales[i]
                + c->lengths[q] * lost[i] >= limits[q])
                hits[found++] = (struct bl_coarse_hit){ (uint32_t)i,
                                                        (uint32_t)q };
    return found;
}

/* Queries that go with vectors as they lie, compared by the kernel. */
static size_t find_reached(const struct bl_coarse *c,
                           const struct bl_coarse_rows *r, const float *lost,
                           const float *limits, struct bl_coarse_hit *hits)
{
    struct bl_int8_limits l;
    uint64_t masks[COARSE_ROWS];
    size_t found = 0;

    memcpy(l.by, c->scales, sizeof l.by);
    memcpy(l.more, c->lengths, sizeof l.more);
    memcpy(l.limits, limits, sizeof l.limits);
    c->kernel->reach(r->codes, r->n, c->stride, (const uint8_t *)c->codes,
                     c->blocks, &l, r->scales, lost, masks);
    for (size_t i = 0; i < r->n; i++)
        for (uint64_t m = masks[i]; m; m &= m - 1)
            hits[found++] = (struct bl_coarse_hit){
                (uint32_t)i, (uint32_t)__builtin_ctzll(m)
            };
    return found;
}

size_t bl_coarse_room(const struct bl_coarse *c)
{
    return COARSE_ROWS * (c->stride + 64 + c->blocks * OUTS * 4);
}

size_t bl_coarse_find(const struct bl_coarse *c,
                      const struct bl_coarse_rows *r,
                      const float *thresholds, void *room,
                      struct bl_coarse_hit *hits)
{
    static const float nothing[COARSE_ROWS];
    const float *lost = r->lost ? r->lost : nothing;
    /* Rows apart by a power of two would fall on the same cache lines. */
    size_t columns = c->blocks * OUTS, apart = c->stride + 64, found = 0;
    float limits[COARSE_QUERIES];
    int32_t *sums = room;
    uint8_t *x = (uint8_t *)room + COARSE_ROWS * columns * sizeof *sums;

    for (size_t i = 0; i < c->n; i++)
        limits[i] = thresholds[i] - c->slacks[i] * r->norm - 1e-37f;
    if (c->alone)
        return find_alone(c, r, lost, limits, room, hits);
    for (size_t i = c->n; i < COARSE_QUERIES; i++)
        limits[i] = INFINITY;
    if (c->kernel->reach)
        return find_reached(c, r, lost, limits, hits);
    for (size_t i = 0; i < r->n; i++)
        add_128(r->codes + i * c->stride, c->stride, x + i * apart);
    c->kernel->multiply(x, apart, r->n, c->codes, c->stride, c->blocks, sums,
                        columns);
    for (size_t i = 0; i < r->n; i++)
        found += find_hits(c, sums + i * columns, r->scales[i], lost[i],
                           limits, (uint32_t)i, hits + found);
    return found;
}
