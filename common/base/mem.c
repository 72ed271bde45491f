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

bool bl_size_mul(size_t left, size_t right, size_t *out)
{
    size_t product;

    if (__builtin_mul_overflow(left, right, &product))
        return false;
    *out = product;
    return true;
}

bool bl_size_add(size_t left, size_t right, size_t *out)
{
    size_t sum;

    if (__builtin_add_overflow(left, right, &sum))
        return false;
    *out = sum;
    return true;
}

void bl_at_oom(void (*hook)(void))
{
    at_oom = hook;
}

/* Without malloc: snprintf with %s and %zu allocates nothing. */
_Noreturn void bl_give_up(const char *why)
{
    char text[256];
    int length = snprintf(text, sizeof text, "%.40s: %.180s\n",
                          program_invocation_short_name, why);
    ssize_t put = write(STDERR_FILENO, text, (size_t)length);

    (void)put;
    if (at_oom)
        at_oom();
    _exit(4);
}

_Noreturn void bl_oom(size_t bytes)
{
    char why[80];

    snprintf(why, sizeof why, "out of memory (%zu bytes wanted)", bytes);
    bl_give_up(why);
}

static size_t checked(size_t count, size_t size)
{
    size_t bytes;

    if (!bl_size_mul(count, size, &bytes))
        bl_oom(SIZE_MAX);
    return bytes ? bytes : 1;
}

void *bl_xmalloc(size_t count, size_t size)
{
    size_t bytes = checked(count, size);
    void *memory = malloc(bytes);

    if (!memory)
        bl_oom(bytes);
    return memory;
}

void *bl_xaligned(size_t count, size_t size)
{
    size_t bytes = checked(count, size), line = 64, whole;
    void *memory = NULL;

    if (bl_size_add(bytes, line, &whole))       /* never 0 */
        memory = aligned_alloc(line, whole / line * line);
    if (!memory)
        bl_oom(bytes);
    return memory;
}

void *bl_xcalloc(size_t count, size_t size)
{
    size_t bytes = checked(count, size);
    void *memory = calloc(1, bytes);

    if (!memory)
        bl_oom(bytes);
    return memory;
}

void *bl_xrealloc(void *memory, size_t count, size_t size)
{
    size_t bytes = checked(count, size);

    memory = realloc(memory, bytes);
    if (!memory)
        bl_oom(bytes);
    return memory;
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

char *bl_xstrdup(const char *text)
{
    return bl_xmemdup(text, strlen(text) + 1);
}

void *bl_xmemdup(const void *data, size_t size)
{
    void *copy = bl_xmalloc(size, 1);

    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *bl_xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int length;

    va_start(ap, fmt);
    length = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (length < 0)
        bl_oom(strlen(fmt));
    return text;
}
