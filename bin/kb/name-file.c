/* SPDX-License-Identifier: MIT */
/*
 * blink-kb names makes a file of names from lines of text; get, info and
 * verify read one that is given in place of a catalogue.
 */
#include "config.h"

#include "name-file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/prog.h"
#include "json/lines.h"
#include "json/writer.h"
#include "kb/names-build.h"
#include "text/fold.h"

enum { MAX_LINE = 1 << 16 };

static struct bl_names *open_names(const char *path)
{
    struct bl_err err;
    struct bl_names *names = bl_names_open(path, &err);

    if (!names)
        bl_die(&err);
    return names;
}

/* ---- Building ---- */

struct reading {
    struct bl_names_builder *builder;
    struct bl_progress progress;
    size_t dropped;
};

static int add_line(struct reading *reading, struct bl_span line,
                    struct bl_err *err)
{
    const char *tab = memchr(line.p, '\t', line.n);
    struct bl_span name = line, target = { NULL, 0 };
    int rc;

    if (bl_utf8_valid(line.p, line.n) != line.n
        || memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_DATA, "not UTF-8 text");
    if (tab) {
        name.n = (size_t)(tab - line.p);
        target = (struct bl_span){ tab + 1, line.n - name.n - 1 };
        if (!name.n || !target.n || memchr(target.p, '\t', target.n))
            return bl_fail(err, BL_DATA, "expected a name, or a name and the "
                           "title it leads to with a tab between");
    }
    rc = bl_names_build_add(reading->builder, name, target, err);
    reading->dropped += rc == 0;
    return rc < 0 ? -1 : 0;
}

static int read_lines(struct reading *reading, int fd, const char *name,
                      struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, MAX_LINE);
    enum bl_line_status status;
    struct bl_span line;
    int rc = 0;

    while (rc == 0
           && (status = bl_lines_next(lines, &line, err)) != BL_LINE_END) {
        if (status == BL_LINE_ERROR)
            rc = -1;
        else if (status == BL_LINE_TOO_LONG)
            reading->dropped++;
        else if (line.n && add_line(reading, line, err) < 0)
            rc = err->code == BL_DATA
                ? bl_err_prefix(err, "%s:%zu", name, bl_lines_number(lines))
                : -1;
        bl_progress_step(&reading->progress, 1);
    }
    bl_lines_free(lines);
    return rc;
}

static int read_file(struct reading *reading, const char *path,
                     struct bl_err *err)
{
    int fd, rc;

    if (!strcmp(path, "-"))
        return read_lines(reading, STDIN_FILENO, "stdin", err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bl_fail_errno(err, BL_DATA, "cannot open '%s'", path);
    rc = read_lines(reading, fd, path, err);
    close(fd);
    return rc;
}

int bl_kb_names_build(const char *output, const char *const *notes,
                      struct bl_args files)
{
    struct reading reading = { .dropped = 0 };
    struct bl_err err;
    int rc = 0;

    reading.builder = bl_names_build_open(output, notes, &err);
    if (!reading.builder)
        bl_die(&err);
    bl_progress_start(&reading.progress, "names", 0, true);
    for (size_t i = 0; i < files.n && rc == 0; i++)
        rc = read_file(&reading, files.v[i], &err);
    bl_progress_end(&reading.progress);
    if (rc == 0)
        rc = bl_names_build_finish(reading.builder, &err);
    else
        bl_names_build_abort(reading.builder);
    if (rc < 0)
        bl_die(&err);
    bl_note("%zu lines dropped", reading.dropped);
    return 0;
}

/* ---- Reading ---- */

/* One object for each name that is there.  Those that are not do not stop the
 * others, as with the ids of a catalogue. */
int bl_kb_names_get(const char *path, struct bl_args args)
{
    struct bl_names *names = open_names(path);
    struct bl_buf folded = BL_BUF_INIT, out = BL_BUF_INIT;
    struct bl_arena arena = BL_ARENA_INIT;
    int status = 0;

    bl_opts_need_utf8(args);
    for (size_t i = 0; i < args.n; i++) {
        struct bl_writer writer = bl_writer(&out, BL_WRITE_COMPACT);
        struct bl_name name;
        struct bl_err err;
        int rc;

        bl_buf_clear(&folded);
        bl_fold(&folded, bl_span_of(args.v[i]));
        rc = bl_names_find(names, (struct bl_span){ folded.data, folded.len },
                           &arena, &name, &err);
        if (rc < 0)
            bl_die(&err);
        if (rc == 0) {
            bl_warn("no name '%s' in '%s'", args.v[i], path);
            status = 1;
            continue;
        }
        bl_write_object(&writer, NULL);
        bl_write_string(&writer, "name", args.v[i]);
        bl_write_span(&writer, "title", name.title);
        bl_write_bool(&writer, "redirect", name.redirect);
        bl_write_end(&writer);
        bl_write_line(&writer);
        bl_arena_reset(&arena);
    }
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    bl_buf_free(&folded);
    bl_arena_free(&arena);
    bl_names_close(names);
    return status;
}

static const char *const note_names[BL_N_NAMES_NOTES] = {
    [BL_NAMES_NOTE_SITE] = "site",
    [BL_NAMES_NOTE_CREATED] = "created",
    [BL_NAMES_NOTE_SOURCE] = "source",
    [BL_NAMES_NOTE_LICENCE] = "licence",
    [BL_NAMES_NOTE_ATTRIBUTION] = "attribution"
};

static void info_table(const struct bl_names *names, struct bl_buf *out)
{
    bl_buf_printf(out, "%-12s ", "file");
    bl_utf8_show(out, bl_names_path(names), strlen(bl_names_path(names)));
    bl_buf_printf(out, "\n%-12s %zu\n%-12s %zu\n%-12s %d\n%-12s %zu\n",
                  "names", bl_names_count(names), "redirects",
                  bl_names_redirects(names), "format", BL_NAMES_VERSION,
                  "bytes", bl_names_bytes(names));
    for (size_t i = 0; i < BL_N_NAMES_NOTES; i++) {
        const char *note = bl_names_note(names, i);

        if (!*note)
            continue;
        bl_buf_printf(out, "%-12s ", note_names[i]);
        bl_utf8_show(out, note, strlen(note));
        bl_buf_putc(out, '\n');
    }
}

static void info_json(const struct bl_names *names, struct bl_buf *out)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&writer, NULL);
    bl_write_string(&writer, "file", bl_names_path(names));
    bl_write_size(&writer, "count", bl_names_count(names));
    bl_write_size(&writer, "redirects", bl_names_redirects(names));
    bl_write_integer(&writer, "format", BL_NAMES_VERSION);
    bl_write_size(&writer, "bytes", bl_names_bytes(names));
    for (size_t i = 0; i < BL_N_NAMES_NOTES; i++)
        if (*bl_names_note(names, i))
            bl_write_string(&writer, note_names[i], bl_names_note(names, i));
    bl_write_end(&writer);
    bl_write_line(&writer);
}

int bl_kb_names_info(const char *path, bool json)
{
    struct bl_names *names = open_names(path);
    struct bl_buf out = BL_BUF_INIT;

    if (json)
        info_json(names, &out);
    else
        info_table(names, &out);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    bl_names_close(names);
    return 0;
}

int bl_kb_names_verify(const char *path)
{
    struct bl_names *names = open_names(path);
    struct bl_err err;

    if (bl_names_verify(names, &err) < 0)
        bl_die(&err);
    bl_note("'%s' is intact: %zu names", path, bl_names_count(names));
    bl_names_close(names);
    return 0;
}
