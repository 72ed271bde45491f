/* SPDX-License-Identifier: MIT */
/*
 * topk-template: the text of one kernel, included by topk-kernels.c once per
 * instruction set with
 *
 *     NAME(x), LANES, TARGET      as in simd.h
 *     QUERIES     queries in a tile: 4 * QUERIES sums stay in registers
 *
 * The vectors of a strip (4 x 4 KiB at 1024 floats) stay in the first cache
 * while all queries pass, tile by tile, from the second.
 */
typedef float NAME(vec)
    __attribute__((vector_size(LANES * sizeof(float)), may_alias,
                   aligned(4)));

/* Sums of the lanes of four registers. */
TARGET static BL_INLINE void NAME(sum)(NAME(vec) a, NAME(vec) b, NAME(vec) c,
                                       NAME(vec) d, float *out)
{
    typedef float quad __attribute__((vector_size(16)));
    union { NAME(vec) v[4]; quad q[4][LANES / 4]; } u = { { a, b, c, d } };
    union { quad q[4]; float f[4][4]; } s;

    for (int i = 0; i < 4; i++) {
        quad x = u.q[i][0];

        for (int j = 1; j < LANES / 4; j++)
            x += u.q[i][j];
        s.q[i] = x;
    }
    for (int i = 0; i < 4; i++)
        out[i] = (s.f[i][0] + s.f[i][1]) + (s.f[i][2] + s.f[i][3]);
}

#define DECLARE(i) \
    NAME(vec) c##i##0 = { 0 }, c##i##1 = { 0 }, c##i##2 = { 0 }, \
              c##i##3 = { 0 };
#define MULTIPLY(i) \
    if (m > i) { \
        NAME(vec) a = *(const NAME(vec) *)(q + i * n + at); \
        c##i##0 += a * b0; \
        c##i##1 += a * b1; \
        c##i##2 += a * b2; \
        c##i##3 += a * b3; \
    }
#define SUM(i) \
    if (m > i) \
        NAME(sum)(c##i##0, c##i##1, c##i##2, c##i##3, scores + i * 4);

/* m is known where this is inlined.  Several tiles share the memory of the
 * next four vectors, each fetches a quarter of it while it computes; a few
 * queries alone have to fetch it all: from end to end, as memory is faster
 * so than along four vectors at once. */
TARGET static BL_INLINE void NAME(tile)(int m, const float *q,
                                        const float *const rows[4],
                                        uintptr_t next, int tile, size_t n,
                                        float *scores)
{
    enum { LINE = 64, MORE = 4 * LANES * sizeof(float) };
    uintptr_t quarter = next + (size_t)tile * n * sizeof(float);

    DECLARE(0) DECLARE(1) DECLARE(2) DECLARE(3) DECLARE(4) DECLARE(5)

    for (size_t at = 0; at < n; at += LANES) {
        NAME(vec) b0 = *(const NAME(vec) *)(rows[0] + at);
        NAME(vec) b1 = *(const NAME(vec) *)(rows[1] + at);
        NAME(vec) b2 = *(const NAME(vec) *)(rows[2] + at);
        NAME(vec) b3 = *(const NAME(vec) *)(rows[3] + at);

        if (m < QUERIES) {
            BL_UNROLL(16)
            for (size_t line = 0; line < MORE; line += LINE, next += LINE)
                __builtin_prefetch((const void *)next);
        } else {
            __builtin_prefetch((const void *)(quarter + at * sizeof(float)));
        }
        MULTIPLY(0) MULTIPLY(1) MULTIPLY(2) MULTIPLY(3) MULTIPLY(4) MULTIPLY(5)
    }
    SUM(0) SUM(1) SUM(2) SUM(3) SUM(4) SUM(5)
}

#undef DECLARE
#undef MULTIPLY
#undef SUM

TARGET static void NAME(strip)(const float *q, size_t nq,
                               const float *const rows[4], uintptr_t next,
                               size_t n, float *scores)
{
    size_t i = 0;
    int tile = 0;

    for (; i + QUERIES <= nq; i += QUERIES, tile = (tile + 1) % 4)
        NAME(tile)(QUERIES, q + i * n, rows, next, tile, n, scores + 4 * i);
    q += i * n;
    scores += 4 * i;
    switch (nq - i) {
#if QUERIES > 3
    case 5: NAME(tile)(5, q, rows, next, 0, n, scores); break;
    case 4: NAME(tile)(4, q, rows, next, 0, n, scores); break;
    case 3: NAME(tile)(3, q, rows, next, 0, n, scores); break;
#endif
    case 2: NAME(tile)(2, q, rows, next, 0, n, scores); break;
    case 1: NAME(tile)(1, q, rows, next, 0, n, scores); break;
    default: break;
    }
}

/* Each sum waits for its last addition: four at a time hide that. */
TARGET static void NAME(pairs)(const float *const q[4],
                               const float *const rows[4], size_t n,
                               float *scores)
{
    NAME(vec) c0 = { 0 }, c1 = { 0 }, c2 = { 0 }, c3 = { 0 };

    for (size_t at = 0; at < n; at += LANES) {
        c0 += *(const NAME(vec) *)(q[0] + at)
            * *(const NAME(vec) *)(rows[0] + at);
        c1 += *(const NAME(vec) *)(q[1] + at)
            * *(const NAME(vec) *)(rows[1] + at);
        c2 += *(const NAME(vec) *)(q[2] + at)
            * *(const NAME(vec) *)(rows[2] + at);
        c3 += *(const NAME(vec) *)(q[3] + at)
            * *(const NAME(vec) *)(rows[3] + at);
    }
    NAME(sum)(c0, c1, c2, c3, scores);
}

#undef NAME
#undef LANES
#undef TARGET
#undef QUERIES
