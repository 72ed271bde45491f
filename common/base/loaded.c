/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/loaded.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/utf8.h"

enum { DIGITS = 16 };

static const char *list_path(void)
{
    const char *list = getenv("BLINK_LOADED");

    return list && *list ? list : NULL;
}

bool bl_loaded_wanted(void)
{
    return list_path() != NULL;
}

static int append(const char *list, const struct bl_buf *line,
                  struct bl_err *err)
{
    int fd = open(list, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    ssize_t put = fd < 0 ? -1 : write(fd, line->data, line->len);
    int rc = 0;

    if (put != (ssize_t)line->len)
        rc = bl_fail_errno(err, BL_SYSTEM, "cannot write '%s', which "
                           "BLINK_LOADED names", list);
    if (fd >= 0)
        close(fd);
    return rc;
}

int bl_loaded(const char *kind, const char *fingerprint, const char *path,
              struct bl_err *err)
{
    const char *list = list_path();
    struct bl_buf line = BL_BUF_INIT;
    int rc;

    if (!list)
        return 0;
    bl_buf_printf(&line, "%s\t%s\t%s\t", kind, fingerprint, PACKAGE_VERSION);
    bl_utf8_show(&line, path, strlen(path));
    bl_buf_putc(&line, '\n');
    rc = append(list, &line, err);
    bl_buf_free(&line);
    return rc;
}

int bl_loaded_sum(const char *kind, const unsigned char *digest,
                  const char *path, struct bl_err *err)
{
    char hex[DIGITS + 1];

    bl_sha256_hex(digest, DIGITS / 2, hex);
    return bl_loaded(kind, hex, path, err);
}
