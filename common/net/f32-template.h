/* SPDX-License-Identifier: MIT */
/*
 * f32-template: the text of one kernel, included by f32.c once per
 * instruction set with
 *
 *     NAME(x), LANES, TARGET      as in simd.h
 *     ROWS            of a tile: 2 * ROWS sums stay in registers
 *     QUADS(p, n)     a register of LANES / 4 times four floats, n apart
 *     ZIP(a, b, h)    of each four floats of a and b in turn: the first two
 *                     of both (h = 0), or the last two (h = 1)
 *     JOIN(a, b, h)   of each four floats of a and b: the first two of both,
 *                     or the last two
 *     SPREAD(x)       a register of one float
 *     STEP(s, x, w)   s + x * w
 *
 * A register holds LANES outputs, so that sums run over inputs and no lane
 * is ever added to another.  A panel of two registers of outputs is turned
 * around first, block by block of inputs (a tenth of the time of 64 rows),
 * and stays in the nearest cache while all rows pass it, tile by tile.  The
 * loops over a tile are unrolled whole: only then are arrays of sums
 * registers.
 */
typedef float NAME(vec)
    __attribute__((vector_size(LANES * sizeof(float)), may_alias,
                   aligned(4)));

/* ---- Weights turned around ---- */

/* Four numbers of LANES outputs, `in` apart, become four registers. */
TARGET static BL_INLINE void NAME(turn_four)(const float *w, size_t in,
                                             float *to, size_t width)
{
    NAME(vec) a = QUADS(w, 4 * in), b = QUADS(w + in, 4 * in);
    NAME(vec) c = QUADS(w + 2 * in, 4 * in), d = QUADS(w + 3 * in, 4 * in);
    NAME(vec) ab = ZIP(a, b, 0), cd = ZIP(c, d, 0);

    *(NAME(vec) *)to = JOIN(ab, cd, 0);
    *(NAME(vec) *)(to + width) = JOIN(ab, cd, 1);
    ab = ZIP(a, b, 1);
    cd = ZIP(c, d, 1);
    *(NAME(vec) *)(to + 2 * width) = JOIN(ab, cd, 0);
    *(NAME(vec) *)(to + 3 * width) = JOIN(ab, cd, 1);
}

/* k numbers of LANES outputs: to[k][width]. */
TARGET static void NAME(turn)(const float *w, size_t in, size_t k, float *to,
                              size_t width)
{
    size_t i = 0;

    for (; i + 4 <= k; i += 4)
        NAME(turn_four)(w + i, in, to + i * width, width);
    for (; i < k; i++)
        for (size_t o = 0; o < LANES; o++)
            to[i * width + o] = w[o * in + i];
}

/* The same of fewer outputs; the others are 0. */
TARGET static void NAME(turn_some)(const float *w, size_t in, size_t k,
                                   size_t outs, float *to, size_t width)
{
    float rows[LANES * BL_F32_BLOCK];

    memset(rows, 0, sizeof rows);
    for (size_t o = 0; o < outs; o++)
        memcpy(rows + o * BL_F32_BLOCK, w + o * in, k * sizeof *w);
    NAME(turn)(rows, BL_F32_BLOCK, k, to, width);
}

/* ---- Tiles ---- */

/* k inputs of m rows with v registers of outputs: m and v are known where
 * this is inlined. */
TARGET static BL_INLINE void NAME(steps)(int m, int v, const float *x,
                                         const float *w, size_t k,
                                         NAME(vec) s[ROWS][2])
{
    for (size_t at = 0; at < k; at++, x++, w += v * LANES) {
        NAME(vec) right[2];

        BL_UNROLL(16)
        for (int j = 0; j < v; j++)
            right[j] = *(const NAME(vec) *)(w + j * LANES);
        BL_UNROLL(16)
        for (int i = 0; i < m; i++) {
            NAME(vec) left = SPREAD(x[i * BL_F32_BLOCK]);

            BL_UNROLL(16)
            for (int j = 0; j < v; j++)
                s[i][j] = STEP(s[i][j], left, right[j]);
        }
    }
}

TARGET static BL_INLINE void NAME(tile)(int m, int v, const struct tile *t)
{
    NAME(vec) s[ROWS][2];

    BL_UNROLL(16)
    for (int i = 0; i < m; i++)
        BL_UNROLL(16)
        for (int j = 0; j < v; j++)
            s[i][j] = (NAME(vec)){ 0 };
    for (size_t at = 0; at < t->k; at += LINE) {
        fetch(&t->next, at);
        NAME(steps)(m, v, t->x + at, t->w + at * (size_t)(v * LANES),
                    BL_MIN(t->k - at, LINE), s);
    }
    BL_UNROLL(16)
    for (int i = 0; i < m; i++)
        BL_UNROLL(16)
        for (int j = 0; j < v; j++) {
            NAME(vec) *to = (NAME(vec) *)(t->y + (size_t)i * t->stride
                                          + j * LANES);

            if (t->add)
                s[i][j] = *to + s[i][j];
            *to = s[i][j];
        }
}

TARGET static void NAME(tile_of)(size_t m, size_t v, const struct tile *t)
{
    switch (2 * m + v) {
#define CASE(m) \
    case 2 * m + 1: NAME(tile)(m, 1, t); break; \
    case 2 * m + 2: NAME(tile)(m, 2, t); break;
    CASE(1) CASE(2) CASE(3) CASE(4)
#if ROWS > 4
    CASE(5) CASE(6)
#endif
#if ROWS > 6
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#undef CASE
    default: break;
    }
}

/* A tile with registers that are not full. */
TARGET static void NAME(tile_edge)(size_t m, size_t v, const struct tile *t,
                                   size_t outs)
{
    float room[ROWS * 2 * LANES];
    struct tile all = *t;

    all.y = room;
    all.stride = v * LANES;
    all.add = false;
    NAME(tile_of)(m, v, &all);
    for (size_t i = 0; i < m; i++)
        for (size_t o = 0; o < outs; o++) {
            float *to = t->y + i * t->stride + o, s = room[i * v * LANES + o];

            *to = t->add ? *to + s : s;
        }
}

/* ---- Panels ---- */

/* n rows, in tiles of nearly the same height. */
TARGET static void NAME(rows)(struct tile *t, size_t n, size_t outs)
{
    size_t v = (outs + LANES - 1) / LANES, tiles = (n + ROWS - 1) / ROWS;
    size_t unfetched = 2 * LANES;

    for (; tiles > 0; tiles--) {
        size_t m = n / tiles;

        t->next.rows = unfetched / tiles;
        if (outs == v * LANES)
            NAME(tile_of)(m, v, t);
        else
            NAME(tile_edge)(m, v, t, outs);
        t->x += m * BL_F32_BLOCK;
        t->y += m * t->stride;
        n -= m;
        t->next.at += t->next.rows * t->next.step;
        unfetched -= t->next.rows;
    }
}

TARGET static void NAME(panel)(const struct part *p, const float *w,
                               size_t outs, float *y)
{
    _Alignas(64) float panel[BL_F32_BLOCK * 2 * LANES];
    size_t width = outs > LANES ? 2 * LANES : LANES;

    for (size_t at = p->from; at < p->to; at += BL_F32_BLOCK) {
        size_t k = BL_MIN(p->to - at, BL_F32_BLOCK), next = at + k;
        struct tile t = {
            p->x + (at - p->from) * p->n, panel, k, at > 0, y, p->stride,
            { .step = p->in * sizeof *w }
        };

        if (next == p->to)
            next = 2 * LANES * p->in + p->from;
        t.next.at = (uintptr_t)w + next * sizeof *w;
        for (size_t o = 0; o < outs; o += LANES)
            if (outs - o >= LANES)
                NAME(turn)(w + o * p->in + at, p->in, k, panel + o, width);
            else
                NAME(turn_some)(w + o * p->in + at, p->in, k, outs - o,
                                panel + o, width);
        NAME(rows)(&t, p->n, outs);
    }
}

TARGET static void NAME(part)(const struct part *p, const float *w,
                              size_t out, float *y)
{
    for (size_t o = 0; o < out; o += 2 * LANES)
        NAME(panel)(p, w + o * p->in, BL_MIN(out - o, 2 * LANES), y + o);
}

static void NAME(multiply)(const float *x, size_t n, const float *w,
                           size_t out, size_t in, float *y, size_t stride)
{
    multiply(NAME(part), x, n, w, out, in, y, stride);
}

#undef NAME
#undef LANES
#undef TARGET
#undef ROWS
#undef QUADS
#undef ZIP
#undef JOIN
#undef SPREAD
#undef STEP
