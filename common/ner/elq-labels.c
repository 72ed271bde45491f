/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/elq-labels.h"

#include "base/mem.h"

static size_t count(struct bl_span list)
{
    struct bl_json_iter it = bl_json_iter(list);
    struct bl_span value;
    size_t n = 0;

    while (bl_json_next(&it, NULL, &value))
        n++;
    return n;
}

/* A label of an entity that was removed, or is beyond the last, is known to
 * mean none. */
static int read_row(struct bl_span value, struct bl_kb *kb,
                    struct bl_arena *arena, struct bl_elq_label *out,
                    struct bl_err *err)
{
    int64_t last = (int64_t)bl_kb_count(kb) - 1;
    struct bl_entity entity;
    int got;

    if (bl_json_integer(value, 0, last, &out->row, NULL) < 0) {
        out->row = -1;
        return 0;
    }
    got = bl_kb_brief_row(kb, out->row, arena, &entity, err);
    if (got > 0)
        out->id = entity.id;
    else
        out->row = -1;
    return got < 0 ? -1 : 0;
}

static int read_label(struct bl_span value, struct bl_kb *kb,
                      struct bl_arena *arena, struct bl_elq_label *out,
                      struct bl_err *err)
{
    struct bl_span id;
    int got;

    *out = (struct bl_elq_label){ .row = -1 };
    if (bl_json_id(value, arena, &id, err) < 0)
        return bl_err_prefix(err, "field 'label_id'");
    if (kb && bl_json_type(value) == BL_JSON_NUMBER)
        return read_row(id, kb, arena, out, err);
    out->id = id;
    if (!kb)
        return 0;
    got = bl_kb_row(kb, id, &out->row, err);
    if (got == 0) {
        out->id.p = NULL;
        out->row = -1;
    }
    return got < 0 ? -1 : 0;
}

static int read_labels(const struct bl_record *record, struct bl_kb *kb,
                       struct bl_arena *arena, struct bl_elq_labels *out,
                       struct bl_err *err)
{
    struct bl_span list, value;
    struct bl_json_iter it;
    size_t i = 0;

    if (bl_record_array(record, "label_id", &list, err) < 0)
        return -1;
    out->n = count(list);
    out->v = bl_arena_alloc(arena, out->n, sizeof *out->v);
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &value); i++)
        if (read_label(value, kb, arena, &out->v[i], err) < 0)
            return -1;
    return 0;
}

static int read_pair(struct bl_span pair, const char *name,
                     struct bl_bounds *out, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(pair);
    struct bl_span first, last;
    int64_t from, to;

    if (count(pair) == 2 && bl_json_next(&it, NULL, &first)
        && bl_json_next(&it, NULL, &last)
        && bl_json_integer(first, 0, INT32_MAX, &from, NULL) == 0
        && bl_json_integer(last, from + 1, INT32_MAX, &to, NULL) == 0) {
        *out = (struct bl_bounds){ (size_t)from, (size_t)to };
        return 0;
    }
    return bl_fail(err, BL_BAD_FIELD, "field '%s': expected pairs of start "
                   "and end", name);
}

/* The field's pairs, as many as labels, to v[i].tokens or v[i].chars. */
static int read_pairs(const struct bl_record *record, const char *name,
                      bool tokens, struct bl_elq_labels *labels, bool *has,
                      struct bl_err *err)
{
    struct bl_span list, value;
    struct bl_json_iter it;
    size_t n = 0;
    int got = bl_record_get(record, name, &list, err);

    *has = got > 0 && bl_json_type(list) != BL_JSON_NULL;
    if (!*has)
        return got < 0 ? -1 : 0;
    if (bl_record_array(record, name, &list, err) < 0)
        return -1;
    if (count(list) != labels->n)
        return bl_fail(err, BL_BAD_FIELD, "field '%s' has %zu mentions, "
                       "field 'label_id' %zu", name, count(list), labels->n);
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &value); n++)
        if (read_pair(value, name, tokens ? &labels->v[n].tokens
                      : &labels->v[n].chars, err) < 0)
            return -1;
    return 0;
}

int bl_elq_labels_read(const struct bl_record *record, struct bl_kb *kb,
                       struct bl_arena *arena, struct bl_elq_labels *out,
                       struct bl_err *err)
{
    *out = (struct bl_elq_labels){ .n = 0 };
    if (read_labels(record, kb, arena, out, err) < 0
        || read_pairs(record, "tokenized_mention_idxs", true, out,
                      &out->has_tokens, err) < 0
        || read_pairs(record, "mentions", false, out, &out->has_chars,
                      err) < 0)
        return -1;
    if (out->has_tokens || out->has_chars)
        return 0;
    return bl_fail(err, BL_BAD_FIELD, "neither field "
                   "'tokenized_mention_idxs' nor field 'mentions'");
}
