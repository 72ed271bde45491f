/* SPDX-License-Identifier: MIT */
/*
 * What people are shown of one linked record, by blink and by blink-view.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "driver.h"

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

/* What blink-score knows by name alone must not look like what it has read
 * of. */
static int mark_page(struct bl_span entity, struct bl_arena *arena,
                     struct bl_link_row *row, struct bl_err *err)
{
    struct bl_span source = { NULL, 0 };
    struct bl_buf title = BL_BUF_INIT;

    if (member(entity, "source", arena, &source, err) < 0)
        return -1;
    row->by_name = source.p && bl_span_is(source, "name");
    if (!row->by_name || !row->title.p)
        return 0;
    bl_buf_put_span(&title, row->title);
    bl_buf_puts(&title, " (by name)");
    row->title.p = bl_arena_strndup(arena, title.data, title.len);
    row->title.n = title.len;
    bl_buf_free(&title);
    return 0;
}

static int read_entity(const struct bl_record *record, struct bl_arena *arena,
                       struct bl_link_row *row, struct bl_err *err)
{
    struct bl_span entity, v;
    double p;
    int rc = bl_record_get(record, "entity", &entity, err);

    if (rc <= 0)
        return rc < 0 ? -1 : bl_fail(err, BL_BAD_FIELD,
                                     "field 'entity': expected object, "
                                     "found nothing");
    if (bl_json_type(entity) == BL_JSON_NULL)
        return 0;
    if (bl_json_type(entity) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'entity': expected object, found %s",
                       bl_json_type_name(bl_json_type(entity)));
    if (member(entity, "id", arena, &row->id, err) < 0
        || member(entity, "title", arena, &row->title, err) < 0
        || member(entity, "url", arena, &row->url, err) < 0)
        return -1;
    /* A row needs something to show; every linked entity has an id. */
    if (!row->title.p)
        row->title = row->id;
    if (mark_page(entity, arena, row, err) < 0)
        return -1;
    rc = bl_json_get(entity, "p", &v, err);
    if (rc < 0 || (rc && bl_json_number(v, &p, err) < 0))
        return -1;
    if (rc && p >= 0 && p <= 1)
        bl_driver_put_p(row->p, p);
    return 0;
}

int bl_driver_row(const struct bl_record *record, struct bl_arena *arena,
                  struct bl_link_row *row, struct bl_err *err)
{
    *row = (struct bl_link_row){ .doc = { NULL, 0 } };
    if (bl_record_string(record, "mention", arena, &row->mention, err) < 0
        || bl_record_string_opt(record, "doc", arena, &row->doc, err) < 0)
        return -1;
    return read_entity(record, arena, row, err);
}
