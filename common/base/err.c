/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const char *const code_names[] = {
    [BL_OK] = "ok",
    [BL_BAD_JSON] = "bad-json",
    [BL_BAD_UTF8] = "bad-utf8",
    [BL_BAD_STRING] = "bad-string",
    [BL_TOO_LONG] = "too-long",
    [BL_TOO_DEEP] = "too-deep",
    [BL_DUPLICATE_KEY] = "duplicate-key",
    [BL_BAD_FIELD] = "bad-field",
    [BL_BAD_VECTOR] = "bad-vector",
    [BL_MODEL_MISMATCH] = "model-mismatch",
    [BL_NO_STAGE] = "no-stage",
    [BL_NON_FINITE] = "non-finite",
    [BL_NO_ENTITY] = "no-entity",
    [BL_USAGE] = "usage",
    [BL_DATA] = "data",
    [BL_SYSTEM] = "system",
};

const char *bl_code_name(enum bl_code code)
{
    return code_names[code];
}

int bl_code_exit(enum bl_code code)
{
    switch (code) {
    case BL_OK:
        return 0;
    case BL_USAGE:
        return 2;
    case BL_DATA:
        return 3;
    case BL_SYSTEM:
        return 4;
    default:
        return 1;
    }
}

/* Messages quote foreign bytes: whatever they were, the message is valid
 * UTF-8 on one line, does not steer a terminal, and fits. */
static void store(struct bl_err *err, struct bl_buf *text)
{
    struct bl_buf safe = BL_BUF_INIT;
    size_t length;

    bl_utf8_show(&safe, text->data, text->len);
    length = safe.len;
    if (length > BL_ERR_MSG - 1) {
        length = BL_ERR_MSG - 1;
        length = bl_utf8_valid(safe.data, length);
    }
    memcpy(err->msg, safe.data, length);
    err->msg[length] = '\0';
    bl_buf_free(&safe);
    bl_buf_free(text);
}

__attribute__((format(printf, 2, 0)))
static void put_va(struct bl_buf *buf, const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        bl_oom(strlen(fmt));
    bl_buf_puts(buf, text);
    free(text);
}

int bl_vfail(struct bl_err *err, enum bl_code code, const char *fmt,
             va_list ap)
{
    struct bl_buf b = BL_BUF_INIT;

    if (!err)
        return -1;
    put_va(&b, fmt, ap);
    err->code = code;
    store(err, &b);
    return -1;
}

int bl_fail(struct bl_err *err, enum bl_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(err, code, fmt, ap);
    va_end(ap);
    return -1;
}

int bl_shown(const char *text, size_t max)
{
    return (int)bl_utf8_cut(text, strnlen(text, max + 1), max);
}

__attribute__((format(printf, 4, 0)))
static int vfail_number(struct bl_err *err, enum bl_code code, int number,
                        const char *fmt, va_list ap)
{
    struct bl_buf b = BL_BUF_INIT;

    if (!err)
        return -1;
    put_va(&b, fmt, ap);
    bl_buf_puts(&b, ": ");
    bl_buf_puts(&b, strerror(number));
    err->code = code;
    store(err, &b);
    return -1;
}

int bl_fail_errno(struct bl_err *err, enum bl_code code, const char *fmt,
                  ...)
{
    int number = errno;
    va_list ap;

    va_start(ap, fmt);
    vfail_number(err, code, number, fmt, ap);
    va_end(ap);
    return -1;
}

/* What the file itself can be is a short list.  All else is taken for the
 * system's, as new kinds of failures are: EIO, ENOMEM, EMFILE, ESTALE. */
enum bl_code bl_errno_code(int number)
{
    switch (number) {
    case 0:                     /* nothing failed */
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case EOVERFLOW:
    case ENXIO:                 /* a socket, or a device without a driver */
    case ENODEV:
        return BL_DATA;
    default:
        return BL_SYSTEM;
    }
}

int bl_fail_file(struct bl_err *err, const char *fmt, ...)
{
    int number = errno;
    va_list ap;

    va_start(ap, fmt);
    vfail_number(err, bl_errno_code(number), number, fmt, ap);
    va_end(ap);
    return -1;
}

int bl_err_prefix(struct bl_err *err, const char *fmt, ...)
{
    struct bl_buf b = BL_BUF_INIT;
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    put_va(&b, fmt, ap);
    va_end(ap);
    bl_buf_puts(&b, ": ");
    bl_buf_puts(&b, err->msg);
    store(err, &b);
    return -1;
}

int bl_err_rename(struct bl_err *err, const char *from, const char *to)
{
    struct bl_buf out = BL_BUF_INIT;
    const char *at, *found;

    if (!err)
        return -1;
    for (at = err->msg; (found = strstr(at, from)); at = found + strlen(from))
        bl_buf_printf(&out, "%.*s%s", (int)(found - at), at, to);
    bl_buf_puts(&out, at);
    store(err, &out);
    return -1;
}
