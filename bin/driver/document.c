/* SPDX-License-Identifier: MIT */
/*
 * Documents as the stages read them, and links as answers in brief have them.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "driver.h"
#include "json/writer.h"

/* ---- What is no UTF-8 ---- */

/* NUL is valid in UTF-8 but in no C string: it goes the way of bad bytes. */
static void replace_nul(struct bl_buf *out, const char *text, size_t n)
{
    const char *nul;

    while ((nul = memchr(text, '\0', n))) {
        bl_buf_put(out, text, (size_t)(nul - text));
        bl_buf_puts(out, "\xEF\xBF\xBD");
        n -= (size_t)(nul - text) + 1;
        text = nul + 1;
    }
    bl_buf_put(out, text, n);
}

void bl_driver_put_valid(struct bl_buf *out, const char *text, size_t n)
{
    struct bl_buf whole = BL_BUF_INIT;

    replace_nul(&whole, text, n);
    bl_utf8_repair(out, whole.data ? whole.data : "", whole.len);
    bl_buf_free(&whole);
}

static void write_valid(struct bl_writer *writer, const char *key,
                        const char *text, size_t n)
{
    struct bl_buf safe = BL_BUF_INIT;

    bl_driver_put_valid(&safe, text, n);
    bl_write_span(writer, key, (struct bl_span){ safe.data ? safe.data : "",
                                            safe.len });
    bl_buf_free(&safe);
}

void bl_driver_put_document(struct bl_buf *out, const char *id,
                            const char *text, size_t n)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&writer, NULL);
    write_valid(&writer, "id", id, strlen(id));
    write_valid(&writer, "text", text, n);
    bl_write_end(&writer);
    bl_write_line(&writer);
}

/* ---- A link in brief ---- */

static const char *const of_link[] = { "start", "end", "mention", "type",
                                       "entity", "nil_p", "unsure", "error" };

int bl_driver_put_fields(struct bl_writer *json,
                         const struct bl_record *record,
                         const char *const *names, size_t n,
                         struct bl_err *err)
{
    struct bl_span v;

    for (size_t i = 0; i < n; i++) {
        int rc = bl_record_get(record, names[i], &v, err);

        if (rc < 0)
            return -1;
        if (rc)
            bl_write_raw(json, names[i], v);
    }
    return 0;
}

int bl_driver_put_link(struct bl_writer *json, const struct bl_record *record,
                       struct bl_err *err)
{
    return bl_driver_put_fields(json, record, of_link, BL_COUNT(of_link),
                                err);
}

bool bl_driver_is_of_link(const char *name)
{
    for (size_t i = 0; i < BL_COUNT(of_link); i++)
        if (!strcmp(name, of_link[i]))
            return true;
    return false;
}
