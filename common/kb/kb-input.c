/* SPDX-License-Identifier: MIT */
/* kb-input: one JSON record -> the fields of an entity (kb-build.h). */
#include "config.h"

#include "kb/kb-build.h"

#include <string.h>

#include "base/mem.h"
#include "kb/kb-fields.h"

_Static_assert(BL_KB_GIVES_TITLE == 1 << BL_KB_NAME
               && BL_KB_GIVES_TEXT == 1 << BL_KB_TEXT
               && BL_KB_GIVES_URL == 1 << BL_KB_URL
               && BL_KB_GIVES_QID == 1 << BL_KB_QID
               && BL_KB_GIVES_TYPE == 1 << BL_KB_TYPE,
               "a bit for each kind of field");

struct picked {
    struct bl_span key, value;          /* key.p: NULL, absent */
    unsigned rank;
};

struct reading {
    struct bl_kb_input *in;
    struct bl_arena *arena;
    struct bl_err *err;
    struct picked fields[BL_KB_UNKNOWN];
    struct picked *aliases;             /* [n_aliases], all that are there */
    size_t n_aliases;
    bool seen[BL_KB_MOST_RANKS];
};

static int fail_field(const struct reading *reading,
                      const struct picked *field)
{
    return bl_err_prefix(reading->err, "field '%.*s'", (int)field->key.n,
                         field->key.p);
}

/* ---- Which field is which ---- */

static void put_unused(struct reading *reading, struct bl_span key)
{
    struct bl_kb_input *in = reading->in;

    if (!in->unused)
        in->unused = bl_arena_alloc(reading->arena, BL_KB_MOST_UNUSED,
                                    sizeof *in->unused);
    if (in->n_unused < BL_KB_MOST_UNUSED)
        in->unused[in->n_unused++] = key;
}

/* A null is as good as absent: any other field of the kind is better. */
static bool is_better(const struct picked *field, const struct picked *than)
{
    bool null = bl_json_type(field->value) == BL_JSON_NULL;

    if (!than->key.p)
        return true;
    if (null != (bl_json_type(than->value) == BL_JSON_NULL))
        return !null;
    return field->rank < than->rank;
}

/* Of two fields of a kind the worse is not used; BLINK writes a title twice,
 * and nobody needs to be told. */
static void pick(struct reading *reading, enum bl_kb_field kind,
                 struct picked field)
{
    struct picked *place = &reading->fields[kind], worse = field;

    if (kind == BL_KB_ALIASES) {
        reading->aliases[reading->n_aliases++] = field;
        return;
    }
    if (is_better(&field, place)) {
        worse = *place;
        *place = field;
    }
    if (worse.key.p && !bl_kb_rank_is_blinks(worse.rank)
        && bl_json_type(worse.value) != BL_JSON_NULL)
        put_unused(reading, worse.key);
}

/* A key with escapes is decoded: it stands in quotes in the record. */
static int plain_key(struct reading *reading, struct bl_span *key)
{
    if (!memchr(key->p, '\\', key->n))
        return 0;
    return bl_json_string((struct bl_span){ key->p - 1, key->n + 2 },
                          reading->arena, key, NULL);
}

/* A key that no string can be made of is none of ours. */
static int pick_all(struct reading *reading, const struct bl_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++) {
        struct picked field = { record->fields[i].key,
                                record->fields[i].value, 0 };
        enum bl_kb_field kind = BL_KB_UNKNOWN;

        if (plain_key(reading, &field.key) == 0)
            kind = bl_kb_field_of(field.key, &field.rank);
        if (kind == BL_KB_UNKNOWN) {
            if (bl_json_type(field.value) != BL_JSON_NULL)
                put_unused(reading, field.key);
            continue;
        }
        if (reading->seen[field.rank])
            return bl_fail(reading->err, BL_DUPLICATE_KEY, "field '%.*s' is "
                           "given twice", (int)field.key.n, field.key.p);
        reading->seen[field.rank] = true;
        if (!reading->aliases)
            reading->aliases = bl_arena_alloc(reading->arena,
                                              BL_KB_MOST_RANKS,
                                              sizeof *reading->aliases);
        pick(reading, kind, field);
    }
    return 0;
}

/* ---- Single values ---- */

/* spaCy's add_alias() takes a name and its entities: as records, these would
 * need all entities at hand. */
static bool is_spacy_alias(const struct bl_kb_input *in)
{
    for (size_t i = 0; i < in->n_unused; i++)
        if (bl_span_is(in->unused[i], "entities"))
            return true;
    return false;
}

/* BLINK's id is an address, which is kept beside the number in it. */
static int read_id(struct reading *reading)
{
    struct picked *field = &reading->fields[BL_KB_ID];
    struct bl_kb_input *in = reading->in;
    struct bl_span id;

    if (!field->key.p)
        return bl_fail(reading->err, BL_BAD_FIELD, "field 'id': expected "
                       "string or integer, found nothing%s",
                       is_spacy_alias(in) ? ": give names with their entity, "
                       "in 'aliases' and 'probabilities'" : "");
    if (bl_json_id(field->value, reading->arena, &id, reading->err) < 0)
        return fail_field(reading, field);
    in->id = id;
    if (bl_kb_rank_is_blinks(field->rank))
        in->id = bl_kb_page_id(id);
    if (in->id.p != id.p)
        in->url = id;
    if (!in->id.n) {
        bl_fail(reading->err, BL_BAD_FIELD, "empty");
        return fail_field(reading, field);
    }
    return 0;
}

/* An array of strings gives its first. */
static int read_text(struct reading *reading, enum bl_kb_field kind,
                     struct bl_span *out)
{
    const struct picked *field = &reading->fields[kind];
    struct bl_span value = field->value, first;

    if (!field->key.p || bl_json_type(value) == BL_JSON_NULL)
        return 0;
    if (kind == BL_KB_TYPE && bl_json_type(value) == BL_JSON_ARRAY) {
        struct bl_json_iter it = bl_json_iter(value);

        if (!bl_json_next(&it, NULL, &first))
            return 0;
        value = first;
    }
    if (bl_json_string(value, reading->arena, out, reading->err) < 0)
        return fail_field(reading, field);
    return 0;
}

static int read_title(struct reading *reading)
{
    const struct picked *field = &reading->fields[BL_KB_NAME];
    struct bl_span *title = &reading->in->title;

    if (read_text(reading, BL_KB_NAME, title) < 0)
        return -1;
    if (!title->p)
        return bl_fail(reading->err, BL_BAD_FIELD, "field 'title': expected "
                       "string, found nothing");
    if (title->n)
        return 0;
    bl_fail(reading->err, BL_BAD_FIELD, "empty");
    return fail_field(reading, field);
}

static int read_optional(struct reading *reading)
{
    struct bl_kb_input *in = reading->in;

    if (read_text(reading, BL_KB_TEXT, &in->text) < 0
        || read_text(reading, BL_KB_URL, &in->url) < 0
        || read_text(reading, BL_KB_QID, &in->qid) < 0
        || read_text(reading, BL_KB_TYPE, &in->type) < 0)
        return -1;
    if (in->type.p && bl_kb_rank_is_foreign(reading->fields[BL_KB_TYPE].rank))
        in->type = bl_kb_class_of(in->type);
    return 0;
}

/* ---- Aliases ---- */

/* The first of the names that the object has: 1 and its place, 0, or -1. */
static int get_any(struct bl_span object, const char *const *names, size_t n,
                   size_t *which, struct bl_span *value, struct bl_err *err)
{
    for (*which = 0; *which < n; ++*which) {
        int has = bl_json_get(object, names[*which], value, err);

        if (has)
            return has;
    }
    return 0;
}

/* {"name": "UK", "count": 17}, or with a probability of the name for it. */
static int read_counted(struct bl_kb_alias *out, struct bl_span object,
                        struct bl_arena *arena, struct bl_err *err)
{
    static const char *const names[] = { "name", "alias", "surface", "text" };
    static const char *const counts[] = { "count", "prior", "probability",
                                          "prob", "prior_prob" };
    struct bl_span value;
    size_t which;
    int has = get_any(object, names, BL_COUNT(names), &which, &value, err);

    if (has < 0)
        return -1;
    if (has == 0)
        return bl_fail(err, BL_BAD_FIELD,
                       "'name': expected string, found nothing");
    if (bl_json_string(value, arena, &out->surface, err) < 0)
        return bl_err_prefix(err, "'%s'", names[which]);
    has = get_any(object, counts, BL_COUNT(counts), &which, &value, err);
    if (has == 1 && bl_kb_take_count(value, which > 0, &out->count, err) < 0)
        return bl_err_prefix(err, "'%s'", counts[which]);
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

/* {"UK": 0.9, "Britain": 0.1}, or with counts.  A number with a fraction says
 * that all of them are probabilities. */
static int read_map(struct reading *reading, struct bl_span map)
{
    struct bl_kb_input *in = reading->in;
    struct bl_json_iter it;
    struct bl_span key, value;
    bool priors = false;

    for (it = bl_json_iter(map); bl_json_next(&it, NULL, &value); )
        priors |= memchr(value.p, '.', value.n) != NULL;
    for (it = bl_json_iter(map); bl_json_next(&it, &key, &value);
         in->n_aliases++) {
        struct bl_kb_alias *out = &in->aliases[in->n_aliases];
        struct bl_span quoted = { key.p - 1, key.n + 2 };

        *out = (struct bl_kb_alias){ .count = -1 };
        if (bl_json_string(quoted, reading->arena, &out->surface,
                           reading->err) < 0
            || bl_kb_take_count(value, priors, &out->count,
                                reading->err) < 0)
            return bl_err_prefix(reading->err, "'%.*s'", (int)key.n, key.p);
    }
    return 0;
}

static int read_array(struct reading *reading, struct bl_span array)
{
    struct bl_kb_input *in = reading->in;
    struct bl_json_iter it;
    struct bl_span entry;
    size_t n = 0;

    for (it = bl_json_iter(array); bl_json_next(&it, NULL, &entry);
         in->n_aliases++, n++)
        if (read_alias(&in->aliases[in->n_aliases], entry, reading->arena,
                       reading->err) < 0)
            return bl_err_prefix(reading->err, "entry %zu", n + 1);
    return 0;
}

static int read_names(struct reading *reading, const struct picked *field)
{
    enum bl_json_type type = bl_json_type(field->value);
    struct bl_kb_input *in = reading->in;
    int rc = 0;

    if (type == BL_JSON_ARRAY) {
        rc = read_array(reading, field->value);
    } else if (type == BL_JSON_OBJECT) {
        rc = read_map(reading, field->value);
    } else if (type == BL_JSON_STRING && bl_kb_rank_is_foreign(field->rank)) {
        rc = read_alias(&in->aliases[in->n_aliases], field->value,
                        reading->arena, reading->err);
        in->n_aliases++;
    } else if (type != BL_JSON_NULL) {
        rc = bl_fail(reading->err, BL_BAD_FIELD, "expected array, found %s",
                     bl_json_type_name(type));
    }
    return rc < 0 ? fail_field(reading, field) : 0;
}

static size_t count_members(struct bl_span value)
{
    struct bl_json_iter it = bl_json_iter(value);
    struct bl_span member;
    size_t n = 0;

    while (bl_json_next(&it, NULL, &member))
        n++;
    return n;
}

/* Counted first, so that the array is one piece of the arena. */
static int read_aliases(struct reading *reading)
{
    struct bl_kb_input *in = reading->in;
    size_t n = 0;

    for (size_t i = 0; i < reading->n_aliases; i++)
        n += 1 + count_members(reading->aliases[i].value);
    if (n)
        in->aliases = bl_arena_alloc(reading->arena, n, sizeof *in->aliases);
    for (size_t i = 0; i < reading->n_aliases; i++)
        if (read_names(reading, &reading->aliases[i]) < 0)
            return -1;
    return 0;
}

/* How often each alias meant the entity, in a field of its own. */
static int read_counts(struct reading *reading, enum bl_kb_field kind)
{
    const struct picked *field = &reading->fields[kind];
    struct bl_kb_input *in = reading->in;
    struct bl_json_iter it;
    struct bl_span value;
    size_t n;

    if (!field->key.p || bl_json_type(field->value) == BL_JSON_NULL)
        return 0;
    n = count_members(field->value);
    if (bl_json_type(field->value) != BL_JSON_ARRAY || n != in->n_aliases) {
        bl_fail(reading->err, BL_BAD_FIELD, "expected an array of %zu "
                "numbers, one for each alias, found %s of %zu",
                in->n_aliases, bl_json_type_name(bl_json_type(field->value)),
                n);
        return fail_field(reading, field);
    }
    n = 0;
    for (it = bl_json_iter(field->value); bl_json_next(&it, NULL, &value); n++)
        if (bl_kb_take_count(value, kind == BL_KB_PRIORS,
                             &in->aliases[n].count, reading->err) < 0)
            return fail_field(reading, field);
    return 0;
}

/* Which of its parts the record has, be it as null. */
static unsigned given_of(const struct reading *reading)
{
    unsigned given = reading->n_aliases ? BL_KB_GIVES_ALIASES : 0;

    for (int kind = BL_KB_NAME; kind <= BL_KB_TYPE; kind++)
        if (reading->fields[kind].key.p)
            given |= 1u << kind;
    return reading->in->url.p ? given | BL_KB_GIVES_URL : given;
}

int bl_kb_input_read(struct bl_kb_input *in, const struct bl_record *record,
                     bool part, struct bl_arena *arena, struct bl_err *err)
{
    struct reading reading = { .in = in, .arena = arena, .err = err };

    *in = (struct bl_kb_input){ .text = { "", 0 } };
    if (pick_all(&reading, record) < 0 || read_id(&reading) < 0
        || ((!part || reading.fields[BL_KB_NAME].key.p)
            && read_title(&reading) < 0)
        || read_optional(&reading) < 0
        || read_aliases(&reading) < 0
        || read_counts(&reading, BL_KB_COUNTS) < 0
        || read_counts(&reading, BL_KB_PRIORS) < 0)
        return -1;
    in->given = given_of(&reading);
    return 0;
}
