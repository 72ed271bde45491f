/* SPDX-License-Identifier: MIT */
/*
 * mem: allocation that cannot fail quietly, and sizes that cannot wrap.
 *
 * When memory runs out, bl_oom() prints one line, calls the hook that removes
 * open temporary files (file.h) and ends the process with status 4: a stream
 * program has nothing better to do, and callers stay free of a branch that
 * no one could test.  Release everything here with free().
 */
#ifndef BL_MEM_H
#define BL_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"

BL_BEGIN_DECLS

/* Room for count objects of `size` bytes; zeroed by bl_xcalloc only.  Their
 * product is checked.  Never NULL, also for 0 bytes. */
void *bl_xmalloc(size_t count, size_t size) __attribute__((malloc));
void *bl_xcalloc(size_t count, size_t size) __attribute__((malloc));
/* At a multiple of 64 bytes, the line of a cache; not zeroed. */
void *bl_xaligned(size_t count, size_t size) __attribute__((malloc));
void *bl_xrealloc(void *memory, size_t count, size_t size);
char *bl_xstrdup(const char *text) __attribute__((malloc));
void *bl_xmemdup(const void *data, size_t size) __attribute__((malloc));
/* printf into fresh memory. */
char *bl_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Typed shorthands: T *p = BL_NEW(T); BL_NEW_ARRAY(T, n) (both zeroed). */
#define BL_NEW(T) ((T *)bl_xcalloc(1, sizeof(T)))
#define BL_NEW_ARRAY(T, n) ((T *)bl_xcalloc((n), sizeof(T)))

/*
 * Makes room for `count` elements of an array that grows one by one:
 *
 *     BL_GROW(list->v, list->n + 1, list->capacity);
 *     list->v[list->n++] = x;
 *
 * `array` is a pointer (NULL at first) and `capacity` a size_t (0 at first);
 * both are assigned to when there is too little room, and evaluated more than
 * once.  Pointers into the old array are then stale, and new elements are not
 * zeroed.  A size that wraps ends as memory that runs out does, in bl_oom().
 */
#define BL_GROW(array, count, capacity) \
    ((count) > (capacity) \
     ? (void)((array) = bl_grow((array), (count), &(capacity), \
                                sizeof *(array))) \
     : (void)0)
void *bl_grow(void *array, size_t count, size_t *capacity, size_t size);
/* The capacity that BL_GROW would choose, for arrays that share one: twice
 * the old, at least 16 and at least `count`. */
size_t bl_grown(size_t capacity, size_t count);

/* The number of elements of an array, as a constant.  A pointer, whose
 * sizeof says nothing of the elements, does not compile. */
#define BL_COUNT(array) \
    (sizeof(array) / sizeof *(array) \
     + 0 * sizeof(char[BL_IS_POINTER(array) ? -1 : 1]))  /* checksrc: allow */
#define BL_IS_POINTER(array) \
    __builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0]))

/*
 * The smaller and the larger of two numbers, in the type that a + b has; each
 * operand is evaluated once.  Of two that compare equal, or when one is a NaN,
 * the answer is b: BL_MIN(a, b) is a < b ? a : b, which compiles to one
 * instruction.
 */
#define BL_MIN(a, b) BL_OF_TYPE(bl_min, (a) + (b))((a), (b))
#define BL_MAX(a, b) BL_OF_TYPE(bl_max, (a) + (b))((a), (b))

#define BL_OF_TYPE(f, x) \
    _Generic((x), int: f##_int, unsigned: f##_unsigned, long: f##_long, \
             unsigned long: f##_ulong, long long: f##_llong, \
             unsigned long long: f##_ullong, float: f##_float, \
             double: f##_double)
#define BL_MIN_MAX(name, T) \
    static inline T bl_min_##name(T a, T b) \
        { return a < b ? a : b; } /* checksrc: allow */ \
    static inline T bl_max_##name(T a, T b) \
        { return a > b ? a : b; } /* checksrc: allow */
BL_MIN_MAX(int, int)
BL_MIN_MAX(unsigned, unsigned)
BL_MIN_MAX(long, long)
BL_MIN_MAX(ulong, unsigned long)
BL_MIN_MAX(llong, long long)
BL_MIN_MAX(ullong, unsigned long long)
BL_MIN_MAX(float, float)
BL_MIN_MAX(double, double)
#undef BL_MIN_MAX

/* *out = left * right or left + right; false (and *out untouched) when it
 * would wrap. */
bool bl_size_mul(size_t left, size_t right, size_t *out)
    __attribute__((warn_unused_result));
bool bl_size_add(size_t left, size_t right, size_t *out)
    __attribute__((warn_unused_result));

/* Ends the process with status 4, saying how many bytes were asked for. */
__attribute__((noreturn)) void bl_oom(size_t bytes);

/* The same with another sentence, of at most 180 bytes. */
__attribute__((noreturn)) void bl_give_up(const char *why);

/* Has both call the hook before they end the process; the last one given
 * stays.  It must not allocate.  file.h gives the one that removes temporary
 * files, which memory must not know of. */
void bl_at_oom(void (*hook)(void));

BL_END_DECLS

#endif
