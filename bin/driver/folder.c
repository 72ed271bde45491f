/* SPDX-License-Identifier: MIT */
/*
 * The files that blink text and blink records read: those that were named,
 * and those in a folder that was, sorted by name.  What is in a folder and
 * cannot be read as text is left out, and said in one sentence in the end.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"

enum { HEAD = 8192, MAX_KINDS = 16 };

/* What of a folder was left out; of kinds with a command, and of others, the
 * first file stands for all. */
struct left {
    size_t read, hidden, folders, special, unread, binary, unlike;
    char *first_binary, *first_unlike;
    struct { const struct bl_kind *kind; size_t n; char *first; }
        kinds[MAX_KINDS];
    size_t n_kinds;
};

/* Paths that are still to be looked at, the next one last. */
struct paths {
    char **v;
    size_t n, cap;
};

/* ---- What was left out ---- */

static void keep_first(char **first, const char *path)
{
    if (!*first)
        *first = bl_xstrdup(path);
}

static void leave_kind(struct left *left, const struct bl_kind *kind,
                       const char *path)
{
    size_t i = 0;

    while (i < left->n_kinds && strcmp(left->kinds[i].kind->what, kind->what))
        i++;
    if (i == left->n_kinds) {
        BL_ASSERT(i < MAX_KINDS);
        left->kinds[left->n_kinds++].kind = kind;
        left->kinds[i].first = bl_xstrdup(path);
    }
    left->kinds[i].n++;
}

static void put_number(struct bl_buf *out, size_t n, const char *what)
{
    bl_buf_printf(out, "%s%zu %s", out->len ? ", " : "", n, what);
}

/* "2 hidden, 3 PDF (pdftotext news/a.pdf - | blink link)" */
static void put_left(struct bl_buf *out, const struct left *left,
                     const char *into)
{
    if (left->hidden)
        put_number(out, left->hidden, "hidden");
    if (left->folders)
        put_number(out, left->folders, left->folders == 1
                   ? "folder (-r reads it)" : "folders (-r reads them)");
    if (left->special)
        put_number(out, left->special, "neither file nor folder");
    if (left->unlike) {
        put_number(out, left->unlike, "without records");
        bl_buf_printf(out, " (%s)", left->first_unlike);
    }
    if (left->binary) {
        put_number(out, left->binary, "binary");
        bl_buf_printf(out, " (%s)", left->first_binary);
    }
    for (size_t i = 0; i < left->n_kinds; i++) {
        put_number(out, left->kinds[i].n, left->kinds[i].kind->what);
        bl_buf_puts(out, " (");
        bl_driver_put_command(out, left->kinds[i].kind, left->kinds[i].first,
                              into);
        bl_buf_putc(out, ')');
    }
}

static void say_left(struct left *left, const char *folder, const char *into)
{
    struct bl_buf text = BL_BUF_INIT;

    put_left(&text, left, into);
    if (!left->read && !left->unread)
        bl_warn("nothing to read in '%s'%s%s", folder,
                text.len ? "; left out: " : "", text.len ? text.data : "");
    else if (text.len)
        bl_warn("left out of '%s': %s", folder, text.data);
    bl_buf_free(&text);
    free(left->first_binary);
    free(left->first_unlike);
    for (size_t i = 0; i < left->n_kinds; i++)
        free(left->kinds[i].first);
}

/* ---- Folders ---- */

static int by_name_backwards(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

/* Puts what the folder holds behind the other paths, the first name last. */
static int open_folder(const char *folder, struct paths *paths,
                       struct left *left, struct bl_err *err)
{
    size_t n = strlen(folder), from = paths->n;
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (!dir)
        return bl_fail_file(err, "cannot open '%s'", folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        if (entry->d_name[0] == '.') {
            left->hidden += strcmp(entry->d_name, ".")
                && strcmp(entry->d_name, "..");
            continue;
        }
        BL_GROW(paths->v, paths->n + 1, paths->cap);
        paths->v[paths->n++] = bl_xasprintf(
            "%.*s%s%s", (int)n, folder, folder[n - 1] == '/' ? "" : "/",
            entry->d_name);
    }
    if (errno)
        bl_fail_file(err, "cannot read '%s'", folder);
    n = (size_t)errno;
    closedir(dir);
    if (paths->n > from)
        qsort(paths->v + from, paths->n - from, sizeof *paths->v,
              by_name_backwards);
    return n ? -1 : 0;
}

/* Whether a file in a folder is to be read. */
static bool is_wanted(const struct bl_reading *how, int fd, const char *path,
                      struct left *left)
{
    char bytes[HEAD];
    ssize_t got = bl_pread(fd, bytes, sizeof bytes, 0);
    struct bl_span head = { bytes, got > 0 ? (size_t)got : 0 };
    const struct bl_kind *kind = bl_driver_kind(head);

    if (kind && kind->before) {
        leave_kind(left, kind, path);
    } else if (kind || memchr(bytes, '\0', head.n)) {
        left->binary++;
        keep_first(&left->first_binary, path);
    } else if (how->takes && !how->takes(head)) {
        left->unlike++;
        keep_first(&left->first_unlike, path);
    } else {
        return true;
    }
    return false;
}

/* A file that cannot be read is no reason to leave a thousand others. */
static void read_one(const struct bl_reading *how, const char *path,
                     struct left *left)
{
    struct bl_err err;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;

    if (fd < 0) {
        rc = bl_fail_file(&err, "cannot open '%s'", path);
    } else if (is_wanted(how, fd, path, left)) {
        rc = how->read(how->ctx, fd, path, &err);
        left->read += rc == 0;
    }
    if (fd >= 0)
        close(fd);
    if (rc < 0) {
        bl_warn("left out: %s", err.msg);
        left->unread++;
    }
}

/* A link to a file is that file; one to a folder below might lead back. */
static void take_path(const struct bl_reading *how, const char *path,
                      struct paths *paths, struct left *left)
{
    struct stat at, to;
    struct bl_err err;
    bool known = lstat(path, &at) == 0 && stat(path, &to) == 0;

    if (known && S_ISDIR(to.st_mode)
        && (!how->below || S_ISLNK(at.st_mode))) {
        left->folders++;
    } else if (known && S_ISDIR(to.st_mode)) {
        if (open_folder(path, paths, left, &err) < 0) {
            bl_warn("left out: %s", err.msg);
            left->unread++;
        }
    } else if (known && !S_ISREG(to.st_mode)) {
        left->special++;
    } else {
        read_one(how, path, left);
    }
}

static int read_folder(const struct bl_reading *how, const char *folder,
                       int *status, struct bl_err *err)
{
    struct paths paths = { NULL };
    struct left left = { 0 };
    int rc = open_folder(folder, &paths, &left, err);

    while (rc == 0 && paths.n > 0) {
        char *path = paths.v[--paths.n];

        take_path(how, path, &paths, &left);
        free(path);
    }
    if (left.unread)
        *status = 1;
    if (rc == 0)
        say_left(&left, folder, how->into);
    while (paths.n > 0)
        free(paths.v[--paths.n]);
    free(paths.v);
    return rc;
}

/* ---- Files ---- */

static int read_file(const struct bl_reading *how, const char *path,
                     int *status, struct bl_err *err)
{
    struct stat st;
    int fd, rc;

    /* "-" is standard input, as in cat(1); it may stand between files. */
    if (!strcmp(path, "-"))
        return how->read(how->ctx, STDIN_FILENO, "stdin", err);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return read_folder(how, path, status, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    rc = how->read(how->ctx, fd, path, err);
    close(fd);
    return rc;
}

int bl_driver_read(const struct bl_reading *how, char **files, size_t n_files)
{
    static char *const standard_input[] = { "-" };
    struct bl_err err;
    int status = 0, rc = 0;

    if (n_files == 0)
        return bl_driver_read(how, (char **)standard_input, 1);
    for (size_t i = 0; rc == 0 && i < n_files; i++)
        rc = read_file(how, files[i], &status, &err);
    if (rc == 0)
        return status;
    bl_warn("%s", err.msg);
    return bl_code_exit(err.code);
}
