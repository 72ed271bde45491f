/* SPDX-License-Identifier: MIT */
/*
 * What a file is that is no text, by its first bytes, and the command that
 * makes text of it.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "driver.h"

/* The first that fits counts: documents in a zip stand before other zips. */
static const struct signature {
    struct bl_kind kind;
    size_t at;
    struct bl_span bytes;
} signatures[] = {
#define SIGNATURE(what, before, behind, at, bytes) \
    { { what, before, behind }, at, { bytes, sizeof(bytes) - 1 } }
    SIGNATURE("compressed by gzip", "zcat ", "", 0, "\x1f\x8b"),
    SIGNATURE("compressed by zstd", "zstdcat ", "", 0, "\x28\xb5\x2f\xfd"),
    SIGNATURE("compressed by bzip2", "bzcat ", "", 4, "1AY&SY"),
    SIGNATURE("compressed by xz", "xzcat ", "", 0, "\xfd" "7zXZ"),
    SIGNATURE("compressed by lz4", "lz4cat ", "", 0, "\x04\x22\x4d\x18"),
    SIGNATURE("PDF", "pdftotext ", " -", 0, "%PDF-"),
    SIGNATURE("RTF", "unrtf --text ", "", 0, "{\\rtf"),
    SIGNATURE("OpenDocument", "pandoc -f odt -t plain ", "", 30,
              "mimetypeapplication/vnd.oasis.opendocument"),
    SIGNATURE("EPUB", "pandoc -f epub -t plain ", "", 30,
              "mimetypeapplication/epub"),
    SIGNATURE("docx", "pandoc -f docx -t plain ", "", SIZE_MAX, "word/"),
    SIGNATURE("xlsx", "xlsx2csv ", "", SIZE_MAX, "xl/"),
    SIGNATURE("zip", "unzip -p ", "", 0, "PK\x03\x04"),
    SIGNATURE("doc", "antiword ", "", 0, "\xd0\xcf\x11\xe0"),
    SIGNATURE("UTF-16", "iconv -f UTF-16 -t UTF-8 ", "", 0, "\xff\xfe"),
    SIGNATURE("UTF-16", "iconv -f UTF-16 -t UTF-8 ", "", 0, "\xfe\xff"),
    SIGNATURE("an image", NULL, NULL, 0, "\x89PNG\r\n"),
    SIGNATURE("an image", NULL, NULL, 0, "\xff\xd8\xff"),
    SIGNATURE("an image", NULL, NULL, 0, "GIF8"),
    SIGNATURE("a database", NULL, NULL, 0, "SQLite format 3"),
    SIGNATURE("a program", NULL, NULL, 0, "\x7f" "ELF"),
#undef SIGNATURE
};

/* A zip holds the names of its first files among its first bytes. */
static bool fits(const struct signature *it, struct bl_span head)
{
    bool zip = head.n > 4 && !memcmp(head.p, "PK\x03\x04", 4);

    if (it->at == SIZE_MAX)
        return zip && memmem(head.p, head.n, it->bytes.p, it->bytes.n);
    return head.n >= it->at + it->bytes.n
        && !memcmp(head.p + it->at, it->bytes.p, it->bytes.n);
}

const struct bl_kind *bl_driver_kind(struct bl_span head)
{
    for (size_t i = 0; i < BL_COUNT(signatures); i++)
        if (fits(&signatures[i], head))
            return &signatures[i].kind;
    return NULL;
}

void bl_driver_put_command(struct bl_buf *out, const struct bl_kind *kind,
                           const char *name, const char *into)
{
    bl_buf_puts(out, kind->before);
    if (strcmp(name, "stdin"))
        bl_pipeline_quote(out, name);
    else
        bl_buf_putc(out, '-');
    bl_buf_printf(out, "%s | %s", kind->behind, into);
}

int bl_driver_refuse(const char *name, struct bl_span head,
                     const char *wanted, const char *into,
                     struct bl_err *err)
{
    const struct bl_kind *kind = bl_driver_kind(head);
    struct bl_buf command = BL_BUF_INIT;

    if (!kind)
        return 0;
    if (kind->before) {
        bl_buf_puts(&command, ": ");
        bl_driver_put_command(&command, kind, name, into);
    }
    bl_fail(err, BL_DATA, "'%s' is %s, not %s%s", name, kind->what, wanted,
            command.len ? command.data : "");
    bl_buf_free(&command);
    return -1;
}
