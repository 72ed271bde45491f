/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void add_field(struct bl_record *record, struct bl_span key,
                      struct bl_span value)
{
    BL_GROW(record->fields, record->n_fields + 1, record->cap_fields);
    record->fields[record->n_fields++] = (struct bl_field){ key, value };
}

int bl_record_parse(struct bl_record *record, struct bl_span line,
                    size_t number, struct bl_err *err)
{
    struct bl_json_iter it;
    struct bl_span key, value;

    record->n_fields = 0;
    record->number = number;
    record->line = line;
    if (bl_json_check(line.p, line.n, err) < 0)
        return -1;
    record->line = bl_json_trim(line);
    if (record->line.p[0] != '{')
        return bl_fail(err, BL_BAD_JSON, "expected object, found %s",
                       bl_json_type_name(bl_json_type(record->line)));
    it = bl_json_iter(record->line);
    while (bl_json_next(&it, &key, &value))
        add_field(record, key, value);
    return 0;
}

void bl_record_free(struct bl_record *record)
{
    free(record->fields);
    *record = (struct bl_record){ 0 };
}

int bl_record_get(const struct bl_record *record, const char *name,
                  struct bl_span *value, struct bl_err *err)
{
    int found = 0;

    for (size_t i = 0; i < record->n_fields; i++) {
        if (!bl_json_key_is(record->fields[i].key, name))
            continue;
        if (found)
            return bl_fail(err, BL_DUPLICATE_KEY,
                           "field '%s' is given twice", name);
        found = 1;
        *value = record->fields[i].value;
    }
    return found;
}

/* As bl_record_get, with null as absent. */
static int get_value(const struct bl_record *record, const char *name,
                     struct bl_span *value, struct bl_err *err)
{
    int found = bl_record_get(record, name, value, err);

    return found == 1 && bl_json_type(*value) == BL_JSON_NULL ? 0 : found;
}

static int get_required(const struct bl_record *record, const char *name,
                        const char *expected, struct bl_span *value,
                        struct bl_err *err)
{
    int found = bl_record_get(record, name, value, err);

    if (found == 0)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected %s, found nothing", name,
                       expected);
    return found < 0 ? -1 : 0;
}

int bl_record_string(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err)
{
    struct bl_span value;

    if (get_required(record, name, "string", &value, err) < 0)
        return -1;
    if (bl_json_string(value, arena, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

/* How the text of a value is read: bl_json_string() or bl_json_id(). */
typedef int text_fn(struct bl_span value, struct bl_arena *arena,
                    struct bl_span *out, struct bl_err *err);

static int text_opt(const struct bl_record *record, const char *name,
                    text_fn *read, struct bl_arena *arena,
                    struct bl_span *out, struct bl_err *err)
{
    struct bl_span value;
    int found = get_value(record, name, &value, err);

    if (found <= 0)
        return found;
    if (read(value, arena, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 1;
}

int bl_record_string_opt(const struct bl_record *record, const char *name,
                         struct bl_arena *arena, struct bl_span *out,
                         struct bl_err *err)
{
    return text_opt(record, name, bl_json_string, arena, out, err);
}

int bl_record_integer(const struct bl_record *record, const char *name,
                      int64_t lo, int64_t hi, int64_t *out,
                      struct bl_err *err)
{
    struct bl_span value;

    if (get_required(record, name, "integer", &value, err) < 0)
        return -1;
    if (bl_json_integer(value, lo, hi, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

int bl_record_integer_opt(const struct bl_record *record, const char *name,
                          int64_t lo, int64_t hi, int64_t *out,
                          struct bl_err *err)
{
    struct bl_span value;
    int found = get_value(record, name, &value, err);

    if (found <= 0)
        return found;
    if (bl_json_integer(value, lo, hi, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 1;
}

int bl_record_array(const struct bl_record *record, const char *name,
                    struct bl_span *out, struct bl_err *err)
{
    enum bl_json_type type;
    struct bl_span value;

    if (get_required(record, name, "array", &value, err) < 0)
        return -1;
    type = bl_json_type(value);
    if (type != BL_JSON_ARRAY)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected array, found %s", name,
                       bl_json_type_name(type));
    *out = value;
    return 0;
}

int bl_record_id(const struct bl_record *record, const char *name,
                 struct bl_arena *arena, struct bl_span *out,
                 struct bl_err *err)
{
    struct bl_span value;

    if (get_required(record, name, "string or integer", &value, err) < 0)
        return -1;
    if (bl_json_id(value, arena, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

int bl_record_id_opt(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err)
{
    return text_opt(record, name, bl_json_id, arena, out, err);
}

bool bl_record_is_of_mention(const char *name)
{
    static const char *const fields[] = {
        "id", "doc", "start", "end", "context_left", "mention",
        "context_right", "type", "ner_score", "embedding", "candidates",
        "named", "coherence", "entity", "nil_p", "nil_id", "unsure", "error"
    };

    for (size_t i = 0; i < BL_COUNT(fields); i++)
        if (!strcmp(name, fields[i]))
            return true;
    return false;
}

bool bl_record_is_mark(const struct bl_record *record)
{
    struct bl_span error, code;
    struct bl_err err;

    return bl_record_get(record, "error", &error, &err) == 1
        && bl_json_get(error, "code", &code, &err) == 1
        && bl_span_is(code, "\"end\"");
}

/* ---- Edits ---- */

struct bl_edit {
    char *name;
    struct bl_buf value;        /* empty: the field is dropped */
    bool drop;
};

/* The edit of that name: the last word on a field counts. */
static struct bl_edit *edit_for(struct bl_edits *edits, const char *name)
{
    for (size_t i = 0; i < edits->n; i++)
        if (!strcmp(edits->v[i].name, name))
            return &edits->v[i];
    BL_GROW(edits->v, edits->n + 1, edits->cap);
    edits->v[edits->n] = (struct bl_edit){ .name = bl_xstrdup(name) };
    return &edits->v[edits->n++];
}

void bl_edits_set(struct bl_edits *edits, const char *name,
                  struct bl_span value)
{
    struct bl_edit *edit = edit_for(edits, name);

    edit->drop = false;
    bl_buf_clear(&edit->value);
    bl_buf_put_span(&edit->value, value);
}

void bl_edits_set_buf(struct bl_edits *edits, const char *name,
                      const struct bl_buf *value)
{
    bl_edits_set(edits, name, (struct bl_span){ value->data, value->len });
}

void bl_edits_drop(struct bl_edits *edits, const char *name)
{
    edit_for(edits, name)->drop = true;
}

void bl_edits_clear(struct bl_edits *edits)
{
    for (size_t i = 0; i < edits->n; i++) {
        free(edits->v[i].name);
        bl_buf_free(&edits->v[i].value);
    }
    edits->n = 0;
}

void bl_edits_free(struct bl_edits *edits)
{
    bl_edits_clear(edits);
    free(edits->v);
    *edits = (struct bl_edits){ 0 };
}

static const struct bl_edit *find_edit(const struct bl_edits *edits,
                                       struct bl_span key)
{
    for (size_t i = 0; i < edits->n; i++)
        if (bl_json_key_is(key, edits->v[i].name))
            return &edits->v[i];
    return NULL;
}

static bool has_field(const struct bl_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (bl_json_key_is(record->fields[i].key, name))
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

static void put_new(struct bl_buf *out, const struct bl_record *record,
                    const struct bl_edits *edits, bool first)
{
    for (size_t i = 0; i < edits->n; i++)
        if (!edits->v[i].drop && !has_field(record, edits->v[i].name))
            put_member(out, &first, bl_span_of(edits->v[i].name),
                       buf_span(&edits->v[i].value));
}

/* True when an edit names a field that is there. */
static bool touches(const struct bl_record *record,
                    const struct bl_edits *edits)
{
    for (size_t i = 0; i < edits->n; i++)
        if (has_field(record, edits->v[i].name))
            return true;
    return false;
}

/* The slow form: fields one by one, white space between them lost. */
static bool put_edited(struct bl_buf *out, const struct bl_record *record,
                       const struct bl_edits *edits)
{
    bool first = true;

    bl_buf_putc(out, '{');
    for (size_t i = 0; i < record->n_fields; i++) {
        const struct bl_edit *edit = find_edit(edits, record->fields[i].key);

        if (!edit)
            put_member(out, &first, record->fields[i].key,
                       record->fields[i].value);
        else if (!edit->drop)
            put_member(out, &first, record->fields[i].key,
                       buf_span(&edit->value));
    }
    return first;
}

void bl_record_write(struct bl_buf *out, const struct bl_record *record,
                     const struct bl_edits *edits)
{
    bool first;

    if (touches(record, edits)) {
        first = put_edited(out, record, edits);
    } else {
        bl_buf_put(out, record->line.p, record->line.n - 1);
        first = record->n_fields == 0;
    }
    put_new(out, record, edits, first);
    bl_buf_puts(out, "}\n");
}
