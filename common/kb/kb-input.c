/* SPDX-License-Identifier: MIT */
/* kb-input: one JSON record -> the fields of an entity (kb-build.h). */
#include "config.h"

#include "kb/kb-build.h"

#include <string.h>

/* BLINK's ids are addresses of pages: "https://...wiki?curid=5843419". */
static struct bl_span page_id(struct bl_span idx)
{
    static const char key[] = "?curid=";
    const char *at = memmem(idx.p, idx.n, key, sizeof key - 1);

    if (!at)
        return idx;
    at += sizeof key - 1;
    return (struct bl_span){ at, (size_t)(idx.p + idx.n - at) };
}

static int read_id(struct bl_kb_input *in, const struct bl_record *record,
                   struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span value, idx;
    int has = bl_record_get(record, "id", &value, err);

    if (has < 0)
        return -1;
    if (has == 0 && bl_record_get(record, "idx", &value, err) == 1) {
        if (bl_record_id(record, "idx", arena, &idx, err) < 0)
            return -1;
        in->id = page_id(idx);
        if (in->id.p != idx.p)
            in->url = idx;
    } else if (bl_record_id(record, "id", arena, &in->id, err) < 0) {
        return -1;
    }
    if (!in->id.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'id': empty");
    return 0;
}

static int read_title(struct bl_kb_input *in, const struct bl_record *record,
                      struct bl_arena *arena, struct bl_err *err)
{
    int has = bl_record_string_opt(record, "title", arena, &in->title, err);

    if (has == 0)
        has = bl_record_string_opt(record, "entity", arena, &in->title, err);
    if (has < 0)
        return -1;
    if (has == 0)
        return bl_record_string(record, "title", arena, &in->title, err);
    if (!in->title.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'title': empty");
    return 0;
}

static int read_optional(struct bl_kb_input *in,
                         const struct bl_record *record,
                         struct bl_arena *arena, struct bl_err *err)
{
    if (bl_record_string_opt(record, "text", arena, &in->text, err) < 0
        || bl_record_string_opt(record, "url", arena, &in->url, err) < 0
        || bl_record_string_opt(record, "qid", arena, &in->qid, err) < 0
        || bl_record_string_opt(record, "type", arena, &in->type, err) < 0)
        return -1;
    return 0;
}

/* {"name": "UK", "count": 17} */
static int read_counted(struct bl_kb_alias *out, struct bl_span object,
                        struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span name, count;
    int has = bl_json_get(object, "name", &name, err);

    if (has < 0)
        return -1;
    if (has == 0)
        return bl_fail(err, BL_BAD_FIELD,
                       "'name': expected string, found nothing");
    if (bl_json_string(name, arena, &out->surface, err) < 0)
        return bl_err_prefix(err, "'name'");
    has = bl_json_get(object, "count", &count, err);
    if (has == 1 && bl_json_integer(count, 0, INT64_C(1) << 40, &out->count,
                                    err) < 0)
        return bl_err_prefix(err, "'count'");
    return has < 0 ? -1 : 0;
}

static int read_alias(struct bl_kb_alias *out, struct bl_span value,
                      struct bl_arena *arena, struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);

    *out = (struct bl_kb_alias){ .count = -1 };
    if (type == BL_JSON_STRING)
        return bl_json_string(value, arena, &out->surface, err);
    if (type == BL_JSON_OBJECT)
        return read_counted(out, value, arena, err);
    return bl_fail(err, BL_BAD_FIELD, "expected string or object, found %s",
                   bl_json_type_name(type));
}

/* Counts first, so that the array is one piece of the arena.  As for the other
 * optional fields, null is as good as absent. */
static int read_aliases(struct bl_kb_input *in, const struct bl_record *record,
                        struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span list, entry;
    struct bl_json_iter it;
    size_t n_entries = 0;
    int has = bl_record_get(record, "aliases", &list, err);

    if (has <= 0 || bl_json_type(list) == BL_JSON_NULL)
        return has < 0 ? -1 : 0;
    if (bl_record_array(record, "aliases", &list, err) < 0)
        return -1;
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &entry); )
        n_entries++;
    in->aliases = bl_arena_alloc(arena, n_entries, sizeof *in->aliases);
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &entry);
         in->n_aliases++)
        if (read_alias(&in->aliases[in->n_aliases], entry, arena, err) < 0)
            return bl_err_prefix(err, "field 'aliases': entry %zu",
                                 in->n_aliases + 1);
    return 0;
}

int bl_kb_input_read(struct bl_kb_input *in, const struct bl_record *record,
                     struct bl_arena *arena, struct bl_err *err)
{
    *in = (struct bl_kb_input){ .text = { "", 0 } };
    if (read_id(in, record, arena, err) < 0
        || read_title(in, record, arena, err) < 0
        || read_optional(in, record, arena, err) < 0)
        return -1;
    return read_aliases(in, record, arena, err);
}
