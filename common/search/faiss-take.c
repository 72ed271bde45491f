/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/faiss-walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/finite.h"
#include "base/bytes.h"
#include "base/mem.h"

int bl_walk_bad(struct bl_walk *w, size_t at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(w->err, BL_DATA, fmt, ap);
    va_end(ap);
    return bl_err_prefix(w->err, "'%s': offset %zu", w->f->map.path, at);
}

/* n elements of `size` bytes; NULL when they are not there. */
const unsigned char *bl_walk_take(struct bl_walk *w, uint64_t n, size_t size,
                                  const char *what)
{
    const unsigned char *p = w->data + w->at;

    if (n > (w->size - w->at) / size) {
        bl_walk_bad(w, w->at, "truncated: %s: expected %" PRIu64
                    " x %zu bytes, found %zu", what, n, size,
                    w->size - w->at);
        return NULL;
    }
    w->at += (size_t)n * size;
    return p;
}

int bl_walk_number(struct bl_walk *w, size_t size, const char *what,
                   uint64_t *out)
{
    const unsigned char *p = bl_walk_take(w, 1, size, what);

    if (p)
        *out = bl_le(p, size);
    return p ? 0 : -1;
}

/* A number that has to lie in [low, high]. */
int bl_walk_within(struct bl_walk *w, size_t size, const char *what,
                   uint64_t low, uint64_t high, uint64_t *out)
{
    size_t at = w->at;

    if (bl_walk_number(w, size, what, out) < 0)
        return -1;
    if (*out < low || *out > high)
        return bl_walk_bad(w, at,
                           "%s is %" PRIu64 ", expected %" PRIu64 " to "
                                                                  "%" PRIu64,
                           what, *out, low, high);
    return 0;
}

/* FAISS's vector: a count of 8 bytes, elements. */
const unsigned char *bl_walk_vector(struct bl_walk *w, size_t size,
                                    const char *what, uint64_t *n)
{
    if (bl_walk_number(w, 8, what, n) < 0)
        return NULL;
    return bl_walk_take(w, *n, size, what);
}

/* The same with the count known. */
const unsigned char *bl_walk_exactly(struct bl_walk *w, uint64_t want,
                                     size_t size, const char *what)
{
    size_t at = w->at;
    uint64_t n;

    if (bl_walk_number(w, 8, what, &n) < 0)
        return NULL;
    if (n != want) {
        bl_walk_bad(w, at, "%s: %" PRIu64 " elements, expected %" PRIu64, what,
                    n, want);
        return NULL;
    }
    return bl_walk_take(w, n, size, what);
}

/* A vector of floats, each finite. */
const unsigned char *bl_walk_floats(struct bl_walk *w, uint64_t want,
                                    const char *what)
{
    const unsigned char *p = bl_walk_exactly(w, want, sizeof(float), what);
    enum { PART = 1024 };
    float part[PART];

    for (uint64_t i = 0, n; p && i < want; i += n) {
        n = BL_MIN(want - i, PART);
        memcpy(part, p + i * sizeof *part, n * sizeof *part);
        size_t place = bl_finite_before(part, n);
        if (place < n) {
            bl_walk_bad(w, (size_t)(p - w->data) + (i + place) * sizeof *part,
                        "%s: number %" PRIu64 " is not finite", what,
                        i + place);
            return NULL;
        }
    }
    return p;
}
