/* SPDX-License-Identifier: MIT */
/*
 * What people are shown of one linked record, by blink and by blink-view.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/loaded.h"
#include "cli/prog.h"
#include "driver.h"
#include "text/fold.h"

/* The member of an object as text, p == NULL when absent or null. */
static int member(struct bl_span object, const char *name,
                  struct bl_arena *arena, struct bl_span *out,
                  struct bl_err *err)
{
    struct bl_span value;
    int rc = bl_json_get(object, name, &value, err);

    if (rc <= 0 || bl_json_type(value) == BL_JSON_NULL)
        return rc < 0 ? -1 : 0;
    if (bl_json_string(value, arena, out, err) < 0)
        return bl_err_prefix(err, "field 'entity': member '%s'", name);
    return 0;
}

void bl_driver_say_nothing(void)
{
    if (!bl_loaded_wanted())
        bl_warn("no mention of an entity to show");
}

void bl_driver_put_p(char out[16], double p)
{
    struct bl_buf text = BL_BUF_INIT;
    int n = (int)(p * 1000 + 0.5);

    n = p < 1 && n > 999 ? 999 : n;
    bl_buf_printf(&text, "%d.%03d", n / 1000, n % 1000);
    memcpy(out, text.data, text.len < 16 ? text.len + 1 : 16);
    out[15] = '\0';
    bl_buf_free(&text);
}

/* What blink-score knows by name alone, or is not sure of, must not look like
 * what it has read of and stands by. */
static void mark_title(struct bl_link_row *row, struct bl_arena *arena)
{
    struct bl_buf title = BL_BUF_INIT;

    row->by_name = row->source.p && bl_span_is(row->source, "name");
    row->plain_title = row->title;
    if ((!row->by_name && !row->unsure) || !row->title.p)
        return;
    bl_buf_put_span(&title, row->title);
    bl_buf_puts(&title, row->by_name ? " (by name)" : "");
    bl_buf_puts(&title, row->unsure ? " (unsure)" : "");
    row->title.p = bl_arena_strndup(arena, title.data, title.len);
    row->title.n = title.len;
    bl_buf_free(&title);
}

static int read_entity(const struct bl_record *record, struct bl_arena *arena,
                       struct bl_link_row *row, struct bl_err *err)
{
    struct bl_span entity, v;
    double p;
    int rc = bl_record_get(record, "entity", &entity, err);

    if (rc <= 0)
        return rc < 0 ? -1 : bl_fail(err, BL_NO_STAGE,
                                     "field 'entity': expected object, found "
                                     "nothing: run blink-score first");
    if (bl_json_type(entity) == BL_JSON_NULL)
        return 0;
    if (bl_json_type(entity) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'entity': expected object, found %s",
                       bl_json_type_name(bl_json_type(entity)));
    if (member(entity, "id", arena, &row->id, err) < 0
        || member(entity, "title", arena, &row->title, err) < 0
        || member(entity, "url", arena, &row->url, err) < 0
        || member(entity, "type", arena, &row->type, err) < 0
        || member(entity, "source", arena, &row->source, err) < 0)
        return -1;
    /* A row needs something to show; every linked entity has an id. */
    if (!row->title.p)
        row->title = row->id;
    mark_title(row, arena);
    rc = bl_json_get(entity, "p", &v, err);
    if (rc < 0 || (rc && bl_json_number(v, &p, err) < 0))
        return -1;
    if (rc && p >= 0 && p <= 1)
        bl_driver_put_p(row->p, p);
    return 0;
}

void bl_driver_key(const struct bl_link_row *row, struct bl_buf *key)
{
    bl_buf_clear(key);
    bl_buf_putc(key, row->id.p ? '=' : '-');
    if (row->id.p)
        bl_buf_put_span(key, row->id);
    else
        bl_fold(key, row->mention);
    if (key->len == 1)          /* a name of signs alone */
        bl_buf_put_span(key, row->mention);
}

int bl_driver_copied(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err)
{
    struct bl_span v;
    int rc = bl_record_get(record, name, &v, err);

    *out = BL_SPAN_LIT("");
    if (rc <= 0 || bl_json_type(v) == BL_JSON_NULL)
        return rc < 0 ? -1 : 0;
    if (bl_json_type(v) != BL_JSON_STRING) {
        *out = v;
        return 0;
    }
    rc = bl_json_string(v, arena, out, err);
    return rc < 0 ? bl_err_prefix(err, "field '%s'", name) : 0;
}

static int read_unsure(const struct bl_record *record,
                       struct bl_link_row *row, struct bl_err *err)
{
    struct bl_span v;
    int rc = bl_record_get(record, "unsure", &v, err);

    if (rc <= 0 || bl_json_type(v) == BL_JSON_NULL)
        return rc < 0 ? -1 : 0;
    if (bl_json_type(v) != BL_JSON_BOOL)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'unsure': expected boolean, found %s",
                       bl_json_type_name(bl_json_type(v)));
    row->unsure = bl_span_is(v, "true");
    return 0;
}

static int read_nil_p(const struct bl_record *record, struct bl_link_row *row,
                    struct bl_err *err)
{
    struct bl_span v;
    double p;
    int rc = bl_record_get(record, "nil_p", &v, err);

    if (rc <= 0 || bl_json_type(v) == BL_JSON_NULL)
        return rc < 0 ? -1 : 0;
    if (bl_json_number(v, &p, err) < 0)
        return bl_err_prefix(err, "field 'nil_p'");
    if (p >= 0 && p <= 1)
        bl_driver_put_p(row->nil_p, p);
    return 0;
}

int bl_driver_row(const struct bl_record *record, struct bl_arena *arena,
                  struct bl_link_row *row, struct bl_err *err)
{
    *row = (struct bl_link_row){ .doc = { NULL, 0 } };
    if (bl_record_string(record, "mention", arena, &row->mention, err) < 0
        || bl_record_string_opt(record, "doc", arena, &row->doc, err) < 0)
        return -1;
    if (read_unsure(record, row, err) < 0
        || read_nil_p(record, row, err) < 0)
        return -1;
    return read_entity(record, arena, row, err);
}
