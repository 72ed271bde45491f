/* SPDX-License-Identifier: MIT */
/* Fields of a FAISS file, for faiss-walk.c and faiss-graph.c: a file of its
 * own so that the two do not need each other. */
#include "config.h"

#include "search/faiss-walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/bytes.h"
#include "base/finite.h"
#include "base/mem.h"

int bl_faiss_walk_bad(struct bl_faiss_walk *walk, size_t at, const char *fmt,
                      ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(walk->err, BL_DATA, fmt, ap);
    va_end(ap);
    return bl_err_prefix(walk->err, "'%s': offset %zu", walk->faiss->map.path,
                         at);
}

/* The count is divided, not multiplied: count * size may be above 2^64. */
const unsigned char *bl_faiss_walk_take(struct bl_faiss_walk *walk,
                                        uint64_t count, size_t size,
                                        const char *what)
{
    const unsigned char *found = walk->data + walk->at;

    if (count > (walk->size - walk->at) / size) {
        bl_faiss_walk_bad(walk, walk->at, "truncated: %s: expected %" PRIu64
                    " x %zu bytes, found %zu", what, count, size,
                    walk->size - walk->at);
        return NULL;
    }
    walk->at += (size_t)count * size;
    return found;
}

int bl_faiss_walk_number(struct bl_faiss_walk *walk, size_t size,
                         const char *what, uint64_t *out)
{
    const unsigned char *bytes = bl_faiss_walk_take(walk, 1, size, what);

    if (bytes)
        *out = bl_le(bytes, size);
    return bytes ? 0 : -1;
}

int bl_faiss_walk_within(struct bl_faiss_walk *walk, size_t size,
                         const char *what, uint64_t low, uint64_t high,
                         uint64_t *out)
{
    size_t at = walk->at;

    if (bl_faiss_walk_number(walk, size, what, out) < 0)
        return -1;
    if (*out < low || *out > high)
        return bl_faiss_walk_bad(walk, at,
                                 "%s is %" PRIu64 ", expected %" PRIu64
                                 " to %" PRIu64,
                                 what, *out, low, high);
    return 0;
}

const unsigned char *bl_faiss_walk_vector(struct bl_faiss_walk *walk,
                                          size_t size, const char *what,
                                          uint64_t *count)
{
    if (bl_faiss_walk_number(walk, 8, what, count) < 0)
        return NULL;
    return bl_faiss_walk_take(walk, *count, size, what);
}

const unsigned char *bl_faiss_walk_exactly(struct bl_faiss_walk *walk,
                                           uint64_t want, size_t size,
                                           const char *what)
{
    size_t at = walk->at;
    uint64_t count;

    if (bl_faiss_walk_number(walk, 8, what, &count) < 0)
        return NULL;
    if (count != want) {
        bl_faiss_walk_bad(walk, at,
                          "%s: %" PRIu64 " elements, expected %" PRIu64, what,
                          count, want);
        return NULL;
    }
    return bl_faiss_walk_take(walk, count, size, what);
}

/* FAISS aligns nothing, so that the floats are copied before they are looked
 * at.  A NaN compares with nothing, so that one stored NaN would break the
 * order of the heaps that FAISS keeps while it searches. */
const unsigned char *bl_faiss_walk_floats(struct bl_faiss_walk *walk,
                                          uint64_t want, const char *what)
{
    const unsigned char *floats = bl_faiss_walk_exactly(walk, want,
                                                        sizeof(float), what);
    enum { PART = 1024 };
    float part[PART];

    for (uint64_t i = 0, n; floats && i < want; i += n) {
        n = BL_MIN(want - i, PART);
        memcpy(part, floats + i * sizeof *part, n * sizeof *part);
        size_t place = bl_finite_before(part, n);
        if (place < n) {
            bl_faiss_walk_bad(walk,
                              (size_t)(floats - walk->data)
                                  + (i + place) * sizeof *part,
                              "%s: number %" PRIu64 " is not finite", what,
                              i + place);
            return NULL;
        }
    }
    return floats;
}
