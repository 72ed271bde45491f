/* SPDX-License-Identifier: MIT */
/*
 * What was asked at the prompt before: a text file, a line each, in
 * $BLINK_HISTORY or $XDG_STATE_HOME/blink/history.  Failing to read or write
 * it stops nobody: -v says it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"

/* A file of more than FULL lines is cut to the last KEPT. */
enum { KEPT = BL_HISTORY_LINES, FULL = 2 * KEPT, MAX_FILE = 64 << 20 };

/* Every folder above the file, for its owner alone. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            bl_note("cannot make the folder '%s': %s", path,
                    strerror(errno));
        *slash = '/';
    }
}

char *bl_history_path(void)
{
    const char *own = getenv("BLINK_HISTORY");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;

    if (own)
        return *own ? bl_xstrdup(own) : NULL;
    if (state && *state == '/')
        path = bl_xasprintf("%s/blink/history", state);
    else if (home && *home == '/')
        path = bl_xasprintf("%s/.local/state/blink/history", home);
    if (path)
        make_folders(path);
    return path;
}

static size_t count_lines(const struct bl_buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len; i++)
        n += text->data[i] == '\n';
    return n;
}

static void write_anew(const char *path, const char *data, size_t n)
{
    struct bl_err err;
    struct bl_newfile *file = bl_newfile_open(path, 0, &err);

    if (file && bl_newfile_write(file, data, n, &err) < 0) {
        bl_newfile_abort(file);
        file = NULL;
    }
    if (!file || bl_newfile_commit(file, &err) < 0)
        bl_note("%s", err.msg);
}

void bl_history_read(const char *path, struct bl_buf *out)
{
    struct bl_err err;
    const char *at, *end;
    size_t n;

    if (access(path, R_OK) < 0)
        return;
    if (bl_file_read(path, MAX_FILE, out, &err) < 0) {
        bl_note("%s", err.msg);
        bl_buf_clear(out);
        return;
    }
    n = count_lines(out);
    if (n <= FULL)
        return;
    /* The file is only cut once it has twice the lines that are kept, so that
     * most starts of the prompt do not write it. */
    end = out->data + out->len;
    for (at = out->data; n > KEPT; n--)
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    out->len -= (size_t)(at - out->data);
    memmove(out->data, at, out->len + 1);
    write_anew(path, out->data, out->len);
}

void bl_history_add(const char *path, struct bl_span line)
{
    struct bl_buf text = BL_BUF_INIT;
    /* The prompt must not wait for who reads a FIFO or answers a device. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
                  O_NONBLOCK, 0600);
    struct stat st;

    bl_buf_put_span(&text, line);
    bl_buf_putc(&text, '\n');
    if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        bl_note("'%s' is not a regular file", path);
    else if (fd < 0 || write(fd, text.data, text.len) < 0)
        bl_note("cannot write '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    bl_buf_free(&text);
}
