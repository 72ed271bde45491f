/* SPDX-License-Identifier: MIT */
/* blink-kb info and verify of a catalogue. */
#include "config.h"

#include "info.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "json/writer.h"
#include "kb/names.h"

struct printer {
    struct bl_kb *kb;
    struct bl_arena arena;
    struct bl_buf out;
};

/* Entities that were not removed. */
static size_t live(const struct bl_kb *kb)
{
    return bl_kb_count(kb) - bl_kb_removed(kb);
}

static struct bl_span meta(struct printer *printer, const char *key)
{
    struct bl_span value = { NULL, 0 };
    struct bl_err err;

    if (bl_kb_meta(printer->kb, key, &printer->arena, &value, &err) < 0)
        bl_die(&err);
    return value;
}

static void put_line(struct bl_buf *out, const char *name,
                     struct bl_span value)
{
    if (!value.p)
        return;
    bl_buf_printf(out, "%-12s ", name);
    bl_utf8_show(out, value.p, value.n);
    bl_buf_putc(out, '\n');
}

static const char *const notes[] = { "created", "changed", "site", "source",
                                     "licence", "attribution" };
enum { N_NOTES = BL_COUNT(notes) };

/* The names that blink-retrieve uses with the catalogue; NULL: none here. */
static struct bl_names *names_of(struct printer *printer)
{
    struct bl_span site = meta(printer, "site");
    struct bl_names *names = NULL;
    struct bl_err err;

    if (site.p && bl_names_open_site(site, &names, &err) < 0)
        bl_die(&err);
    return names;
}

static void names_table(struct printer *printer)
{
    struct bl_names *names = names_of(printer);

    if (!names)
        return;
    put_line(&printer->out, "names", bl_span_of(bl_names_path(names)));
    put_line(&printer->out, "names by",
             bl_span_of(bl_names_note(names, BL_NAMES_NOTE_ATTRIBUTION)));
    put_line(&printer->out, "names under",
             bl_span_of(bl_names_note(names, BL_NAMES_NOTE_LICENCE)));
    bl_names_close(names);
}

static void info_table(struct printer *printer, long long bytes)
{
    put_line(&printer->out, "catalogue", bl_span_of(bl_kb_path(printer->kb)));
    bl_buf_printf(&printer->out, "%-12s %zu\n", "entities",
                  live(printer->kb));
    if (bl_kb_removed(printer->kb))
        bl_buf_printf(&printer->out, "%-12s %zu\n", "removed",
                      bl_kb_removed(printer->kb));
    bl_buf_printf(&printer->out, "%-12s %.16s\n", "fingerprint",
                  bl_kb_fingerprint(printer->kb));
    bl_buf_printf(&printer->out, "%-12s %d\n", "format", BL_KB_FORMAT);
    bl_buf_printf(&printer->out, "%-12s %s\n", "full text",
                  bl_kb_has_fts(printer->kb) ? "yes" : "no");
    bl_buf_printf(&printer->out, "%-12s %lld\n", "bytes", bytes);
    for (size_t i = 0; i < N_NOTES; i++)
        put_line(&printer->out, notes[i], meta(printer, notes[i]));
    names_table(printer);
}

static void info_json(struct printer *printer, long long bytes)
{
    struct bl_names *names = names_of(printer);
    struct bl_writer writer = bl_writer(&printer->out, BL_WRITE_COMPACT);

    bl_write_object(&writer, NULL);
    bl_write_string(&writer, "catalogue", bl_kb_path(printer->kb));
    bl_write_size(&writer, "count", live(printer->kb));
    if (bl_kb_removed(printer->kb))
        bl_write_size(&writer, "removed", bl_kb_removed(printer->kb));
    bl_write_string(&writer, "fingerprint", bl_kb_fingerprint(printer->kb));
    bl_write_integer(&writer, "format", BL_KB_FORMAT);
    bl_write_bool(&writer, "fts", bl_kb_has_fts(printer->kb));
    bl_write_integer(&writer, "bytes", bytes);
    for (size_t i = 0; i < N_NOTES; i++)
        bl_write_optional(&writer, notes[i], meta(printer, notes[i]));
    if (names)
        bl_write_string(&writer, "names", bl_names_path(names));
    bl_names_close(names);
    bl_write_end(&writer);
    bl_write_line(&writer);
}

void bl_kb_info(struct bl_kb *kb, bool json)
{
    struct printer printer = { .kb = kb };
    const char *path = bl_kb_path(kb);
    struct bl_err err;
    struct stat st;

    if (stat(path, &st) < 0) {
        bl_fail_file(&err, "cannot read '%s'", path);
        bl_die(&err);
    }
    if (json)
        info_json(&printer, (long long)st.st_size);
    else
        info_table(&printer, (long long)st.st_size);
    bl_out(printer.out.data, printer.out.len);
    bl_buf_free(&printer.out);
    bl_arena_free(&printer.arena);
}

void bl_kb_info_verify(struct bl_kb *kb)
{
    struct bl_err err;

    if (bl_kb_verify(kb, &err) < 0)
        bl_die(&err);
    bl_note("'%s' is intact: %zu entities", bl_kb_path(kb), live(kb));
}
