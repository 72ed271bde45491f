/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void add_field(struct bl_record *r, struct bl_span key,
                      struct bl_span value)
{
    BL_GROW(r->fields, r->n_fields + 1, r->cap_fields);
    r->fields[r->n_fields++] = (struct bl_field){ key, value };
}

int bl_record_parse(struct bl_record *r, struct bl_span line, size_t number,
                    struct bl_err *err)
{
    struct bl_json_iter it;
    struct bl_span key, value;

    r->n_fields = 0;
    r->number = number;
    r->line = line;
    if (bl_json_check(line.p, line.n, err) < 0)
        return -1;
    r->line = bl_json_trim(line);
    if (r->line.p[0] != '{')
        return bl_fail(err, BL_BAD_JSON, "expected object, found %s",
                       bl_json_type_name(bl_json_type(r->line)));
    it = bl_json_iter(r->line);
    while (bl_json_next(&it, &key, &value))
        add_field(r, key, value);
    return 0;
}

void bl_record_free(struct bl_record *r)
{
    free(r->fields);
    *r = (struct bl_record){ 0 };
}

int bl_record_get(const struct bl_record *r, const char *name,
                  struct bl_span *value, struct bl_err *err)
{
    int found = 0;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (!bl_json_key_is(r->fields[i].key, name))
            continue;
        if (found)
            return bl_fail(err, BL_DUPLICATE_KEY,
                           "field '%s' is given twice", name);
        found = 1;
        *value = r->fields[i].value;
    }
    return found;
}

/* As bl_record_get, with null as absent. */
static int get_value(const struct bl_record *r, const char *name,
                     struct bl_span *v, struct bl_err *err)
{
    int found = bl_record_get(r, name, v, err);

    return found == 1 && bl_json_type(*v) == BL_JSON_NULL ? 0 : found;
}

static int get_required(const struct bl_record *r, const char *name,
                        const char *expected, struct bl_span *v,
                        struct bl_err *err)
{
    int found = bl_record_get(r, name, v, err);

    if (found == 0)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected %s, found nothing", name,
                       expected);
    return found < 0 ? -1 : 0;
}

int bl_record_string(const struct bl_record *r, const char *name,
                     struct bl_arena *a, struct bl_span *out,
                     struct bl_err *err)
{
    struct bl_span v;

    if (get_required(r, name, "string", &v, err) < 0)
        return -1;
    if (bl_json_string(v, a, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

int bl_record_string_opt(const struct bl_record *r, const char *name,
                         struct bl_arena *a, struct bl_span *out,
                         struct bl_err *err)
{
    struct bl_span v;
    int found = get_value(r, name, &v, err);

    if (found <= 0)
        return found;
    if (bl_json_string(v, a, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 1;
}

int bl_record_integer(const struct bl_record *r, const char *name,
                      int64_t lo, int64_t hi, int64_t *out,
                      struct bl_err *err)
{
    struct bl_span v;

    if (get_required(r, name, "integer", &v, err) < 0)
        return -1;
    if (bl_json_integer(v, lo, hi, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

int bl_record_integer_opt(const struct bl_record *r, const char *name,
                          int64_t lo, int64_t hi, int64_t *out,
                          struct bl_err *err)
{
    struct bl_span v;
    int found = get_value(r, name, &v, err);

    if (found <= 0)
        return found;
    if (bl_json_integer(v, lo, hi, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 1;
}

int bl_record_array(const struct bl_record *r, const char *name,
                    struct bl_span *out, struct bl_err *err)
{
    enum bl_json_type t;
    struct bl_span v;

    if (get_required(r, name, "array", &v, err) < 0)
        return -1;
    t = bl_json_type(v);
    if (t != BL_JSON_ARRAY)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected array, found %s", name,
                       bl_json_type_name(t));
    *out = v;
    return 0;
}

int bl_record_id(const struct bl_record *r, const char *name,
                 struct bl_arena *a, struct bl_span *out,
                 struct bl_err *err)
{
    enum bl_json_type t;
    int64_t number;
    struct bl_span v;

    if (get_required(r, name, "string or integer", &v, err) < 0)
        return -1;
    t = bl_json_type(v);
    if (t == BL_JSON_STRING)
        return bl_record_string(r, name, a, out, err);
    if (t != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected string or integer, found %s",
                       name, bl_json_type_name(t));
    if (bl_json_integer(v, INT64_MIN, INT64_MAX, &number, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    *out = (struct bl_span){ bl_arena_strndup(a, v.p, v.n), v.n };
    return 0;
}

/* ---- Edits ---- */

struct bl_edit {
    char *name;
    struct bl_buf value;        /* empty: the field is dropped */
    bool drop;
};

/* The edit of that name: the last word on a field counts. */
static struct bl_edit *edit_for(struct bl_edits *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (!strcmp(e->v[i].name, name))
            return &e->v[i];
    BL_GROW(e->v, e->n + 1, e->cap);
    e->v[e->n] = (struct bl_edit){ .name = bl_xstrdup(name) };
    return &e->v[e->n++];
}

void bl_edits_set(struct bl_edits *e, const char *name, struct bl_span value)
{
    struct bl_edit *edit = edit_for(e, name);

    edit->drop = false;
    bl_buf_clear(&edit->value);
    bl_buf_put_span(&edit->value, value);
}

void bl_edits_drop(struct bl_edits *e, const char *name)
{
    edit_for(e, name)->drop = true;
}

void bl_edits_clear(struct bl_edits *e)
{
    for (size_t i = 0; i < e->n; i++) {
        free(e->v[i].name);
        bl_buf_free(&e->v[i].value);
    }
    e->n = 0;
}

void bl_edits_free(struct bl_edits *e)
{
    bl_edits_clear(e);
    free(e->v);
    *e = (struct bl_edits){ 0 };
}

static const struct bl_edit *find_edit(const struct bl_edits *e,
                                       struct bl_span key)
{
    for (size_t i = 0; i < e->n; i++)
        if (bl_json_key_is(key, e->v[i].name))
            return &e->v[i];
    return NULL;
}

static bool has_field(const struct bl_record *r, const char *name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (bl_json_key_is(r->fields[i].key, name))
            return true;
    return false;
}

static void put_member(struct bl_buf *out, bool *first, struct bl_span key,
                       struct bl_span value)
{
    if (!*first)
        bl_buf_putc(out, ',');
    *first = false;
    bl_buf_putc(out, '"');
    bl_buf_put_span(out, key);
    bl_buf_puts(out, "\":");
    bl_buf_put_span(out, value);
}

static struct bl_span buf_span(const struct bl_buf *b)
{
    return (struct bl_span){ b->data, b->len };
}

static void put_new(struct bl_buf *out, const struct bl_record *r,
                    const struct bl_edits *e, bool first)
{
    for (size_t i = 0; i < e->n; i++)
        if (!e->v[i].drop && !has_field(r, e->v[i].name))
            put_member(out, &first, bl_span_of(e->v[i].name),
                       buf_span(&e->v[i].value));
}

/* True when an edit names a field that is there. */
static bool touches(const struct bl_record *r, const struct bl_edits *e)
{
    for (size_t i = 0; i < e->n; i++)
        if (has_field(r, e->v[i].name))
            return true;
    return false;
}

/* The slow form: fields one by one, white space between them lost. */
static bool put_edited(struct bl_buf *out, const struct bl_record *r,
                       const struct bl_edits *e)
{
    bool first = true;

    bl_buf_putc(out, '{');
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct bl_edit *edit = find_edit(e, r->fields[i].key);

        if (!edit)
            put_member(out, &first, r->fields[i].key, r->fields[i].value);
        else if (!edit->drop)
            put_member(out, &first, r->fields[i].key,
                       buf_span(&edit->value));
    }
    return first;
}

void bl_record_write(struct bl_buf *out, const struct bl_record *r,
                     const struct bl_edits *e)
{
    bool first;

    if (touches(r, e)) {
        first = put_edited(out, r, e);
    } else {
        bl_buf_put(out, r->line.p, r->line.n - 1);
        first = r->n_fields == 0;
    }
    put_new(out, r, e, first);
    bl_buf_puts(out, "}\n");
}
