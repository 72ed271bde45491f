/* SPDX-License-Identifier: MIT */
/* kb-input: one JSON record -> the fields of an entity (kb-build.h). */
#include "config.h"

#include "kb/kb-build.h"

#include <string.h>

/* BLINK names entities by their page: "https://...wiki?curid=5843419". */
static struct bl_span page_id(struct bl_span idx)
{
    static const char key[] = "?curid=";
    const char *at = memmem(idx.p, idx.n, key, sizeof key - 1);

    if (!at)
        return idx;
    at += sizeof key - 1;
    return (struct bl_span){ at, (size_t)(idx.p + idx.n - at) };
}

static int read_id(struct bl_kb_input *in, const struct bl_record *r,
                   struct bl_arena *a, struct bl_err *err)
{
    struct bl_span v, idx;
    int has = bl_record_get(r, "id", &v, err);

    if (has < 0)
        return -1;
    if (has == 0 && bl_record_get(r, "idx", &v, err) == 1) {
        if (bl_record_id(r, "idx", a, &idx, err) < 0)
            return -1;
        in->id = page_id(idx);
        if (in->id.p != idx.p)
            in->url = idx;
    } else if (bl_record_id(r, "id", a, &in->id, err) < 0) {
        return -1;
    }
    if (!in->id.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'id': empty");
    return 0;
}

static int read_title(struct bl_kb_input *in, const struct bl_record *r,
                      struct bl_arena *a, struct bl_err *err)
{
    int has = bl_record_string_opt(r, "title", a, &in->title, err);

    if (has == 0)
        has = bl_record_string_opt(r, "entity", a, &in->title, err);
    if (has < 0)
        return -1;
    if (has == 0)
        return bl_record_string(r, "title", a, &in->title, err);
    if (!in->title.n)
        return bl_fail(err, BL_BAD_FIELD, "field 'title': empty");
    return 0;
}

static int read_optional(struct bl_kb_input *in, const struct bl_record *r,
                         struct bl_arena *a, struct bl_err *err)
{
    if (bl_record_string_opt(r, "text", a, &in->text, err) < 0
        || bl_record_string_opt(r, "url", a, &in->url, err) < 0
        || bl_record_string_opt(r, "qid", a, &in->qid, err) < 0
        || bl_record_string_opt(r, "type", a, &in->type, err) < 0)
        return -1;
    return 0;
}

/* {"name": "UK", "count": 17} */
static int read_counted(struct bl_kb_alias *out, struct bl_span v,
                        struct bl_arena *a, struct bl_err *err)
{
    struct bl_span name, count;
    int has = bl_json_get(v, "name", &name, err);

    if (has < 0)
        return -1;
    if (has == 0)
        return bl_fail(err, BL_BAD_FIELD,
                       "'name': expected string, found nothing");
    if (bl_json_string(name, a, &out->surface, err) < 0)
        return bl_err_prefix(err, "'name'");
    has = bl_json_get(v, "count", &count, err);
    if (has == 1 && bl_json_integer(count, 0, INT64_C(1) << 40, &out->count,
                                    err) < 0)
        return bl_err_prefix(err, "'count'");
    return has < 0 ? -1 : 0;
}

static int read_alias(struct bl_kb_alias *out, struct bl_span v,
                      struct bl_arena *a, struct bl_err *err)
{
    enum bl_json_type t = bl_json_type(v);

    *out = (struct bl_kb_alias){ .count = -1 };
    if (t == BL_JSON_STRING)
        return bl_json_string(v, a, &out->surface, err);
    if (t == BL_JSON_OBJECT)
        return read_counted(out, v, a, err);
    return bl_fail(err, BL_BAD_FIELD, "expected string or object, found %s",
                   bl_json_type_name(t));
}

static int read_aliases(struct bl_kb_input *in, const struct bl_record *r,
                        struct bl_arena *a, struct bl_err *err)
{
    struct bl_span list, v;
    struct bl_json_iter it;
    size_t n = 0;
    int has = bl_record_get(r, "aliases", &list, err);

    if (has <= 0 || bl_json_type(list) == BL_JSON_NULL)
        return has < 0 ? -1 : 0;
    if (bl_record_array(r, "aliases", &list, err) < 0)
        return -1;
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &v); )
        n++;
    in->aliases = bl_arena_alloc(a, n, sizeof *in->aliases);
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &v);
         in->n_aliases++)
        if (read_alias(&in->aliases[in->n_aliases], v, a, err) < 0)
            return bl_err_prefix(err, "field 'aliases': entry %zu",
                                 in->n_aliases + 1);
    return 0;
}

int bl_kb_input_read(struct bl_kb_input *in, const struct bl_record *r,
                     struct bl_arena *a, struct bl_err *err)
{
    *in = (struct bl_kb_input){ .text = { "", 0 } };
    if (read_id(in, r, a, err) < 0 || read_title(in, r, a, err) < 0
        || read_optional(in, r, a, err) < 0)
        return -1;
    return read_aliases(in, r, a, err);
}
