/* SPDX-License-Identifier: MIT */
/*
 * mem: allocation that cannot fail quietly, and sizes that cannot wrap.
 *
 * When memory runs out, bl_oom() prints one line, removes the temporary
 * files that are open (file.h) and ends the process with status 4: a stream
 * program has nothing better to do, and callers stay free of a branch that
 * no one could test.  Release everything here with free().
 */
#ifndef BL_MEM_H
#define BL_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Room for n objects of `size` bytes; zeroed by bl_xcalloc only.  n * size is
 * checked.  Never NULL, also for 0 bytes. */
void *bl_xmalloc(size_t n, size_t size) __attribute__((malloc));
void *bl_xcalloc(size_t n, size_t size) __attribute__((malloc));
/* At a multiple of 64 bytes, the line of a cache; not zeroed. */
void *bl_xaligned(size_t n, size_t size) __attribute__((malloc));
void *bl_xrealloc(void *p, size_t n, size_t size);
char *bl_xstrdup(const char *s) __attribute__((malloc));
void *bl_xmemdup(const void *p, size_t n) __attribute__((malloc));
/* printf into fresh memory. */
char *bl_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Typed shorthands: T *p = BL_NEW(T); BL_NEW_ARRAY(T, n) (both zeroed). */
#define BL_NEW(T) ((T *)bl_xcalloc(1, sizeof(T)))
#define BL_NEW_ARRAY(T, n) ((T *)bl_xcalloc((n), sizeof(T)))

/* *out = a * b or a + b; false (and *out untouched) when it would wrap. */
bool bl_size_mul(size_t a, size_t b, size_t *out)
    __attribute__((warn_unused_result));
bool bl_size_add(size_t a, size_t b, size_t *out)
    __attribute__((warn_unused_result));

/* Ends the process with status 4, saying how many bytes were asked for. */
__attribute__((noreturn)) void bl_oom(size_t bytes);

#endif
