/* SPDX-License-Identifier: MIT */
/*
 * The terminal: how wide it is, how much of it a text takes, and what may be
 * written to it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "driver.h"

size_t bl_driver_width(size_t otherwise)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    return otherwise;
}

bool bl_driver_colours(int wanted)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

    if (wanted != BL_COLOUR_AUTO)
        return wanted == BL_COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(none && *none) && term
        && strcmp(term, "dumb");
}

/* Columns of a terminal that a character takes: 0 for what combines with
 * the one before, 2 for East Asian wide ones, by block. */
static unsigned columns_of(uint32_t c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0x200B && c < 0x2010)
        || (c >= 0xFE00 && c < 0xFE10))
        return 0;
    if ((c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0)
        || (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB00)
        || (c >= 0xFF00 && c < 0xFF61) || (c >= 0x1F300 && c < 0x1FA00)
        || (c >= 0x20000 && c < 0x40000))
        return 2;
    return 1;
}

size_t bl_driver_columns(struct bl_span text)
{
    size_t columns = 0;
    unsigned len;

    for (size_t i = 0; i < text.n; i += len)
        columns += columns_of(bl_utf8_decode(text.p + i, text.n - i, &len));
    return columns;
}

/* A line break or a tab in a mention would break a row of the table, and other
 * control characters steer the terminal. */
void bl_driver_put_safe(struct bl_buf *out, struct bl_span text)
{
    bl_utf8_show(out, text.p, text.n);
}

size_t bl_driver_cut(struct bl_span text, size_t n)
{
    size_t used = 0;
    unsigned len;

    for (size_t i = 0; i < text.n; i += len) {
        used += columns_of(bl_utf8_decode(text.p + i, text.n - i, &len));
        if (used >= n)
            return i;
    }
    return text.n;
}
