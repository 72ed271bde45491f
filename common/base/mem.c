/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*at_oom)(void);

bool bl_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

bool bl_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

void bl_at_oom(void (*hook)(void))
{
    at_oom = hook;
}

/* Without malloc: snprintf with %zu allocates nothing. */
_Noreturn void bl_oom(size_t bytes)
{
    char text[128];
    int n = snprintf(text, sizeof text,
                     "%.40s: out of memory (%zu bytes wanted)\n",
                     program_invocation_short_name, bytes);
    ssize_t put = write(STDERR_FILENO, text, (size_t)n);

    (void)put;
    if (at_oom)
        at_oom();
    _exit(4);
}

static size_t checked(size_t n, size_t size)
{
    size_t bytes;

    if (!bl_size_mul(n, size, &bytes))
        bl_oom(SIZE_MAX);
    return bytes ? bytes : 1;
}

void *bl_xmalloc(size_t n, size_t size)
{
    size_t bytes = checked(n, size);
    void *p = malloc(bytes);

    if (!p)
        bl_oom(bytes);
    return p;
}

void *bl_xaligned(size_t n, size_t size)
{
    size_t bytes = checked(n, size), line = 64, whole;
    void *p = NULL;

    if (bl_size_add(bytes, line, &whole))       /* never 0 */
        p = aligned_alloc(line, whole / line * line);
    if (!p)
        bl_oom(bytes);
    return p;
}

void *bl_xcalloc(size_t n, size_t size)
{
    size_t bytes = checked(n, size);
    void *p = calloc(1, bytes);

    if (!p)
        bl_oom(bytes);
    return p;
}

void *bl_xrealloc(void *p, size_t n, size_t size)
{
    size_t bytes = checked(n, size);

    p = realloc(p, bytes);
    if (!p)
        bl_oom(bytes);
    return p;
}

size_t bl_grown(size_t capacity, size_t count)
{
    size_t twice = capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * capacity;

    return BL_MAX(BL_MAX(twice, count), 16);
}

void *bl_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count <= *capacity)
        return array;
    *capacity = bl_grown(*capacity, count);
    return bl_xrealloc(array, *capacity, size);
}

char *bl_xstrdup(const char *s)
{
    return bl_xmemdup(s, strlen(s) + 1);
}

void *bl_xmemdup(const void *p, size_t n)
{
    void *q = bl_xmalloc(n, 1);

    if (n)
        memcpy(q, p, n);
    return q;
}

char *bl_xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        bl_oom(strlen(fmt));
    return text;
}
