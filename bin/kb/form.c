/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "form.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "kb/kb-table.h"
#include "kb/kb.h"

enum { CHUNK = 32 << 10, ENOUGH = 64 << 10 };

/* ---- The first bytes ---- */

static size_t past_blanks(const struct bl_kb_head *head)
{
    const struct bl_buf *bytes = &head->bytes;
    size_t i = bytes->len >= 3 && !memcmp(bytes->data, "\xef\xbb\xbf", 3)
        ? 3 : 0;

    while (i < bytes->len && memchr(" \t\r\n", bytes->data[i], 4))
        i++;
    return i;
}

bool bl_kb_form_is_json(const struct bl_kb_head *head)
{
    size_t i = past_blanks(head);

    return i < head->bytes.len
        && (head->bytes.data[i] == '{' || head->bytes.data[i] == '[');
}

/* XML says late what it is of. */
static bool is_enough(const struct bl_kb_head *head)
{
    const struct bl_buf *bytes = &head->bytes;
    size_t i = past_blanks(head);

    return head->ended || bytes->len >= ENOUGH || bl_kb_form_is_json(head)
        || (i < bytes->len && bytes->data[i] != '<'
            && memchr(bytes->data + i, '\n', bytes->len - i));
}

int bl_kb_head_read(struct bl_kb_head *head, int fd, const char *name,
                    struct bl_err *err)
{
    struct bl_buf *bytes = &head->bytes;

    while (!is_enough(head)) {
        ssize_t got;

        bl_buf_reserve(bytes, CHUNK);
        got = read(fd, bytes->data + bytes->len, CHUNK);
        if (got < 0 && errno != EINTR)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read %s", name);
        head->ended = got == 0;
        bytes->len += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

void bl_kb_head_free(struct bl_kb_head *head)
{
    bl_buf_free(&head->bytes);
}

/* ---- What they are of ---- */

static bool has(const struct bl_kb_head *head, size_t at, const char *magic,
                size_t n)
{
    return head->bytes.len >= at + n
        && !memcmp(head->bytes.data + at, magic, n);
}

static bool contains(const struct bl_kb_head *head, const char *text)
{
    return head->bytes.len
        && memmem(head->bytes.data, head->bytes.len, text, strlen(text));
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && !strcasecmp(name + n - m, end);
}

/* How to get at what is in a file of a kind: "%s" of a remedy is the name of
 * the file, or nothing for standard input. */
struct kind {
    const char *magic;
    unsigned char n;
    const char *what, *tool;
};

#define MAGIC(text) text, sizeof text - 1

static const struct kind kinds[] = {
    { MAGIC("\x1f\x8b"), "compressed by gzip", "gzip -dc" },
    { MAGIC("BZh"), "compressed by bzip2 (to read the dump of a wiki, give "
      "--wikipedia)", "bzip2 -dc" },
    { MAGIC("\x28\xb5\x2f\xfd"), "compressed by zstd", "zstd -dc" },
    { MAGIC("\xfd" "7zXZ"), "compressed by xz", "xz -dc" },
    { MAGIC("7z\xbc\xaf"), "a 7z archive", "7z x -so" },
    { MAGIC("PK\x03\x04"), "a zip archive", "unzip -p" },
    { MAGIC("%PDF-"), "a PDF", NULL },
    { MAGIC("\xff\xfe"), "UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8" },
    { MAGIC("\xfe\xff"), "UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8" },
    { MAGIC("PAR1"), "a Parquet file", NULL },
    { MAGIC("SQLite format 3"), "an SQLite database", NULL },
    { MAGIC("\xd0\xcf\x11\xe0"), "a spreadsheet or document of old Office",
      NULL },
    { MAGIC("version https://git-lfs"), "a Git LFS pointer, not the file",
      NULL },
    { MAGIC("<"), "XML or HTML", NULL },
    { MAGIC("@prefix"), "RDF in Turtle", NULL },
};

static const struct kind *kind_of(const struct bl_kb_head *head)
{
    size_t at = past_blanks(head);

    for (size_t i = 0; i < BL_COUNT(kinds); i++)
        if (has(head, 0, kinds[i].magic, kinds[i].n)
            || (kinds[i].magic[0] == '<' && has(head, at, "<", 1)))
            return &kinds[i];
    return NULL;
}

/* A table without an end that says so is one if it has a column of titles:
 * broken JSON must go on to be told as that. */
enum bl_kb_form bl_kb_form_of(struct bl_kb_head *head, const char *name)
{
    static const char *const tables[] = { ".csv", ".tsv", ".tab" };
    struct bl_span bytes = { head->bytes.data, head->bytes.len };
    bool titled = false;

    if (kind_of(head))
        return BL_KB_OTHER;
    if (bl_kb_form_is_json(head))
        return BL_KB_LINES;
    head->separator = bl_kb_table_separator(bytes, &titled);
    for (size_t i = 0; i < BL_COUNT(tables); i++)
        titled |= ends_in(name, tables[i]);
    return titled ? BL_KB_TABLE : BL_KB_LINES;
}

/* ---- What to do with others ---- */

/* SQLite keeps a number for whose file it is at byte 68. */
static bool is_catalogue(const struct bl_kb_head *head)
{
    const unsigned char *bytes = (const unsigned char *)head->bytes.data;

    return head->bytes.len >= 72
        && ((uint32_t)bytes[68] << 24 | (uint32_t)bytes[69] << 16
            | (uint32_t)bytes[70] << 8 | bytes[71]) == BL_KB_APPLICATION_ID;
}

static bool is_spreadsheet(const struct bl_kb_head *head, const char *name)
{
    return ends_in(name, ".xlsx") || ends_in(name, ".ods")
        || contains(head, "[Content_Types].xml")
        || contains(head, "opendocument.spreadsheet");
}

/* What no program of its own turns into text on its standard output. */
static int fail_without_tool(const struct bl_kb_head *head, const char *name,
                             const char *command, const char *what,
                             struct bl_err *err)
{
    if (what[0] == 'X' && contains(head, "<mediawiki"))
        return bl_fail(err, BL_DATA, "'%s' is the dump of a wiki: '%s "
                       "--wikipedia %s' reads it", name, command, name);
    if (!strncmp(what, "an SQL", 6) && is_catalogue(head))
        return bl_fail(err, BL_DATA, "'%s' is a catalogue already: 'blink-kb "
                       "cat -c %s | %s' copies its entities", name, name,
                       command);
    if (!strncmp(what, "an SQL", 6))
        return bl_fail(err, BL_DATA, "'%s' is %s: 'sqlite3 -header -csv %s "
                       "\"SELECT id, title, text FROM ...\" | %s' reads a "
                       "table of it", name, what, name, command);
    if (!strncmp(what, "a Parq", 6))
        return bl_fail(err, BL_DATA, "'%s' is %s: write it as CSV, such as by "
                       "'duckdb -csv -c \"FROM '%s'\" | %s'", name, what,
                       name, command);
    if (!strncmp(what, "a Git", 5))
        return bl_fail(err, BL_DATA, "'%s' is %s: 'git lfs pull' fetches it",
                       name, what);
    return bl_fail(err, BL_DATA, "'%s' is %s: entities are read from lines of "
                   "JSON and from tables, CSV or TSV in UTF-8, so save it as "
                   "one of these", name, what);
}

int bl_kb_form_fail(const struct bl_kb_head *head, const char *name,
                    const char *command, struct bl_err *err)
{
    const struct kind *kind = kind_of(head);
    const char *tool = kind->tool;

    if (!tool)
        return fail_without_tool(head, name, command, kind->what, err);
    if (kind->magic[0] == 'P' && is_spreadsheet(head, name))
        return bl_fail(err, BL_DATA, "'%s' is a spreadsheet: save it as CSV "
                       "(UTF-8), or 'libreoffice --headless --convert-to csv "
                       "%s' does it", name, name);
    if (!strcmp(name, "stdin"))
        return bl_fail(err, BL_DATA, "'stdin' is %s: put '%s' before '%s' in "
                       "the pipeline", kind->what, tool, command);
    return bl_fail(err, BL_DATA, "'%s' is %s: '%s %s | %s' reads it", name,
                   kind->what, tool, name, command);
}
