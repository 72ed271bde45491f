/* SPDX-License-Identifier: MIT */
/*
 * lanes-template: LANES floats as one value, included once per width with
 *
 *     NAME(x), LANES, TARGET      as in simd.h
 *
 * which stay defined for what is made of these.  With more LANES than a
 * register holds, the compiler keeps every value in memory.
 *
 * Values travel by pointer, as their calling convention differs between
 * processors.
 */
typedef float NAME(lanes) __attribute__((vector_size(LANES * 4)));
typedef int32_t NAME(lanes_int) __attribute__((vector_size(LANES * 4)));

/* left floats, at most LANES; the others are 0. */
TARGET static BL_INLINE void NAME(lanes_load)(NAME(lanes) *v, const float *p,
                                              size_t left)
{
    if (left >= LANES) {
        memcpy(v, p, sizeof *v);
    } else {
        *v = (NAME(lanes)){ 0 };
        memcpy(v, p, left * sizeof *p);
    }
}

/* The first left floats, at most LANES. */
TARGET static BL_INLINE void NAME(lanes_store)(const NAME(lanes) *v, float *p,
                                               size_t left)
{
    if (left >= LANES)          /* a size known here: not a call */
        memcpy(p, v, sizeof *v);
    else
        memcpy(p, v, left * sizeof *p);
}

/* Sum in pairs: lane i and i + LANES / 2, then half of that apart. */
TARGET static BL_INLINE float NAME(lanes_sum)(const NAME(lanes) *v)
{
    NAME(lanes) s = *v;

    if (LANES > 8)
        s += BL_LANES_TURN(NAME(lanes_int), LANES, s, 8);
    if (LANES > 4)
        s += BL_LANES_TURN(NAME(lanes_int), LANES, s, 4);
    s += BL_LANES_TURN(NAME(lanes_int), LANES, s, 2);
    s += BL_LANES_TURN(NAME(lanes_int), LANES, s, 1);
    return s[0];
}

/* Where *v < *low (never for NaN): *low. */
TARGET static BL_INLINE void NAME(lanes_at_least)(NAME(lanes) *v,
                                                  const NAME(lanes) *low)
{
    NAME(lanes_int) below = (NAME(lanes_int))(*v < *low);

    *v = (NAME(lanes))(((NAME(lanes_int))*v & ~below)
                       | ((NAME(lanes_int))*low & below));
}

/* Where *v > *high (never for NaN): *high. */
TARGET static BL_INLINE void NAME(lanes_at_most)(NAME(lanes) *v,
                                                 const NAME(lanes) *high)
{
    NAME(lanes_int) above = (NAME(lanes_int))(*v > *high);

    *v = (NAME(lanes))(((NAME(lanes_int))*v & ~above)
                       | ((NAME(lanes_int))*high & above));
}

/* Every float without its sign. */
TARGET static BL_INLINE void NAME(lanes_absolute)(NAME(lanes) *v)
{
    *v = (NAME(lanes))((NAME(lanes_int))*v & INT32_MAX);
}
