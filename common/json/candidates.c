/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/writer.h"

/* ---- Reading ---- */

/* Member `name` as text: a string, or a number by its digits.  0 absent or
 * null, 1 read. */
static int text_member(struct bl_span object, const char *name,
                       struct bl_arena *a, struct bl_span *out,
                       struct bl_err *err)
{
    struct bl_span v;
    int got = bl_json_get(object, name, &v, err);

    if (got <= 0)
        return got;
    got = bl_json_text(v, "string", a, out, err);
    return got < 0 ? bl_err_prefix(err, "field '%s'", name) : got;
}

/* Member `name` as a number; NAN when it is absent or null. */
static int number_member(struct bl_span object, const char *name,
                         double *out, struct bl_err *err)
{
    struct bl_span v;
    int got = bl_json_get(object, name, &v, err);

    *out = NAN;
    if (got <= 0)
        return got;
    if (bl_json_type(v) == BL_JSON_NULL)
        return 0;
    if (bl_json_number(v, out, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    return 0;
}

/* Only the id must be there: an entity without it cannot be answered.  A
 * score that is absent or null is NAN. */
static int read_one(struct bl_span raw, struct bl_arena *a,
                    struct bl_candidate *c, struct bl_err *err)
{
    int got;

    if (bl_json_type(raw) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD, "expected object, found %s",
                       bl_json_type_name(bl_json_type(raw)));
    c->raw = raw;
    got = text_member(raw, "id", a, &c->id, err);
    if (got < 0)
        return -1;
    if (!got)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'id': expected string, found nothing");
    if (text_member(raw, "title", a, &c->title, err) < 0
        || text_member(raw, "url", a, &c->url, err) < 0
        || text_member(raw, "qid", a, &c->qid, err) < 0
        || text_member(raw, "type", a, &c->type, err) < 0
        || text_member(raw, "from", a, &c->from, err) < 0
        || number_member(raw, "coherence", &c->coherence, err) < 0
        || number_member(raw, "score", &c->score, err) < 0
        || number_member(raw, "bi_score", &c->bi, err) < 0
        || number_member(raw, "cross_score", &c->cross, err) < 0
        || number_member(raw, "prior", &c->prior, err) < 0
        || number_member(raw, "lexical_score", &c->lexical, err) < 0
        || number_member(raw, "p", &c->p, err) < 0)
        return -1;
    return 0;
}

/* An object of a record: 1 found, 0 absent or null. */
static int object_field(const struct bl_record *r, const char *name,
                        struct bl_span *object, struct bl_err *err)
{
    int got = bl_record_get(r, name, object, err);

    if (got <= 0 || bl_json_type(*object) == BL_JSON_NULL)
        return got < 0 ? -1 : 0;
    if (bl_json_type(*object) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD,
                       "field '%s': expected object, found %s", name,
                       bl_json_type_name(bl_json_type(*object)));
    return 1;
}

static int page_members(struct bl_span object, struct bl_arena *a,
                        struct bl_named *named, struct bl_err *err)
{
    struct bl_span v;
    int got = text_member(object, "title", a, &named->title, err);

    if (got == 0)
        return bl_fail(err, BL_BAD_FIELD, "field 'title': expected string, "
                       "found nothing");
    if (got < 0 || text_member(object, "url", a, &named->url, err) < 0
        || bl_json_get(object, "redirect", &v, err) < 0)
        return -1;
    named->redirect = bl_json_get(object, "redirect", &v, NULL) == 1
        && bl_span_is(v, "true");
    return 0;
}

static int read_named(const struct bl_record *r, struct bl_arena *a,
                      struct bl_named *named, struct bl_err *err)
{
    struct bl_span object;
    int got = object_field(r, "named", &object, err);

    *named = (struct bl_named){ .redirect = false };
    if (got <= 0)
        return got;
    if (page_members(object, a, named, err) < 0)
        return bl_err_prefix(err, "field 'named'");
    return 0;
}

/* Numbers that lead out of what a probability can be are cut by their
 * reader, so any number will do here. */
static int whole_members(struct bl_span object, struct bl_arena *a,
                         struct bl_whole *whole, struct bl_err *err)
{
    struct bl_span page;
    int got;

    if (number_member(object, "nil", &whole->nil, err) < 0
        || text_member(object, "follows", a, &whole->follows, err) < 0)
        return -1;
    if (isnan(whole->nil))
        whole->nil = 0;
    got = bl_json_get(object, "page", &page, err);
    if (got <= 0 || bl_json_type(page) == BL_JSON_NULL)
        return got < 0 ? -1 : 0;
    if (bl_json_type(page) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'page': expected object, found %s",
                       bl_json_type_name(bl_json_type(page)));
    if (page_members(page, a, &whole->page, err) < 0
        || number_member(page, "p", &whole->page_p, err) < 0)
        return bl_err_prefix(err, "field 'page'");
    if (!(whole->page_p >= 0 && whole->page_p <= 1))
        return bl_fail(err, BL_BAD_FIELD, "field 'page': field 'p': expected "
                       "number from 0 to 1");
    return 0;
}

static int read_whole(const struct bl_record *r, struct bl_arena *a,
                      struct bl_whole *whole, struct bl_err *err)
{
    struct bl_span object;
    int got = object_field(r, "coherence", &object, err);

    *whole = (struct bl_whole){ .nil = 0 };
    if (got <= 0)
        return got;
    if (whole_members(object, a, whole, err) < 0)
        return bl_err_prefix(err, "field 'coherence'");
    return 0;
}

static int read_size(const struct bl_record *r, size_t *entities,
                     struct bl_err *err)
{
    struct bl_span v;
    int64_t count = 0;
    int got = bl_record_get(r, "catalogue_size", &v, err);

    if (got < 0)
        return -1;
    if (got && bl_json_type(v) != BL_JSON_NULL
        && bl_json_integer(v, 0, INT64_C(1) << 40, &count, err) < 0)
        return bl_err_prefix(err, "field 'catalogue_size'");
    *entities = (size_t)count;
    return 0;
}

/* Those from other mentions go behind, each kind in its order: no model has
 * compared them with the mention, so they take no part in what the scores of
 * a list tell. */
static void put_own_first(struct bl_candidates *c, struct bl_arena *a)
{
    struct bl_candidate *all;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += !c->v[i].from.p;
    c->n_from = c->n - n;
    if (n == c->n)
        return;
    all = bl_arena_alloc(a, c->n, sizeof *all);
    memcpy(all, c->v, c->n * sizeof *all);
    for (size_t i = 0, own = 0; i < c->n; i++) {
        size_t to = all[i].from.p ? n++ : own++;

        c->v[to] = all[i];
        c->v[to].place = to;
    }
}

/* The list is walked twice, first for its length, so that the array in the
 * arena has its final size at once. */
int bl_candidates_read(const struct bl_record *r, struct bl_arena *a,
                       struct bl_candidates *out, struct bl_err *err)
{
    struct bl_span list, v;
    struct bl_json_iter it;
    size_t n = 0;

    if (bl_record_get(r, "candidates", &list, NULL) == 0)
        return bl_fail(err, BL_NO_STAGE, "field 'candidates': expected array, "
                       "found nothing: run blink-retrieve first");
    if (bl_record_array(r, "candidates", &list, err) < 0
        || read_named(r, a, &out->named, err) < 0
        || read_whole(r, a, &out->whole, err) < 0
        || read_size(r, &out->entities, err) < 0)
        return -1;
    for (it = bl_json_iter(list); bl_json_next(&it, NULL, &v);)
        n++;
    out->n = n;
    out->v = bl_arena_alloc(a, n, sizeof *out->v);
    if (n)
        memset(out->v, 0, n * sizeof *out->v);
    it = bl_json_iter(list);
    for (size_t i = 0; i < n && bl_json_next(&it, NULL, &v); i++) {
        out->v[i].place = i;
        if (read_one(v, a, &out->v[i], err) < 0)
            return bl_err_prefix(err, "field 'candidates': entry %zu", i);
    }
    put_own_first(out, a);
    return 0;
}

/* ---- Order ---- */

static int by_score(const void *a, const void *b)
{
    const struct bl_candidate *x = a, *y = b;

    if (isnan(x->score) != isnan(y->score))
        return isnan(x->score) ? 1 : -1;
    if (x->score > y->score)
        return -1;
    if (x->score < y->score)
        return 1;
    return (x->place > y->place) - (x->place < y->place);
}

void bl_candidates_sort(struct bl_candidates *c)
{
    if (c->n > 1)
        qsort(c->v, c->n, sizeof *c->v, by_score);
}

/* ---- Writing ---- */

struct member {
    const char *name;
    double value;
    bool done;
};

static size_t members_of(const struct bl_candidate *c, unsigned what,
                         struct member *m)
{
    size_t n = 0;

    if (what & BL_PUT_SCORE)
        m[n++] = (struct member){ "score", c->score, false };
    if (what & BL_PUT_CROSS)
        m[n++] = (struct member){ "cross_score", c->cross, false };
    if (what & BL_PUT_P)
        m[n++] = (struct member){ "p", c->p, false };
    if (what & BL_PUT_CROSS_P)
        m[n++] = (struct member){ "cross_p", c->cross_p, false };
    if (what & BL_PUT_COHERENCE)
        m[n++] = (struct member){ "coherence", c->coherence, false };
    return n;
}

static void put_value(struct bl_buf *out, double v)
{
    if (isfinite(v))
        bl_json_put_double(out, v, 9);
    else
        bl_buf_puts(out, "null");
}

/* The candidate is copied from the record with new values in the place of old
 * ones, and new members before its closing brace, so that members we do not
 * know, and the way they are written, pass untouched.  A score without a
 * value is null; other members without one are left out. */
static void put_one(struct bl_buf *out, const struct bl_candidate *c,
                    unsigned what)
{
    struct member m[5];
    size_t n = members_of(c, what, m), members = 0;
    struct bl_json_iter it = bl_json_iter(c->raw);
    struct bl_span key, value;
    const char *from = c->raw.p, *last = c->raw.p + c->raw.n - 1;

    while (bl_json_next(&it, &key, &value)) {
        members++;
        for (size_t i = 0; i < n; i++) {
            if (m[i].done || !bl_json_key_is(key, m[i].name))
                continue;
            bl_buf_put(out, from, (size_t)(value.p - from));
            put_value(out, m[i].value);
            from = value.p + value.n;
            m[i].done = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (m[i].done || (isnan(m[i].value) && strcmp(m[i].name, "score")))
            continue;
        while (last > from && strchr(" \t\r\n", last[-1]))
            last--;
        bl_buf_put(out, from, (size_t)(last - from));
        from = last;
        bl_buf_puts(out, members++ ? "," : "");
        bl_json_put_string(out, m[i].name, strlen(m[i].name));
        bl_buf_putc(out, ':');
        put_value(out, m[i].value);
    }
    bl_buf_put(out, from, (size_t)(last - from));
    bl_buf_putc(out, '}');
}

static void write_known(struct bl_writer *w, const char *name, double v)
{
    if (!isnan(v))
        bl_write_double_or_null(w, name, v, 9);
}

static void write_whole(struct bl_writer *w, const struct bl_candidate *c)
{
    bl_write_object(w, NULL);
    bl_write_span(w, "id", c->id);
    bl_write_optional(w, "title", c->title);
    bl_write_optional(w, "url", c->url);
    bl_write_optional(w, "qid", c->qid);
    bl_write_optional(w, "type", c->type);
    bl_write_double_or_null(w, "score", c->score, 9);
    write_known(w, "bi_score", c->bi);
    write_known(w, "lexical_score", c->lexical);
    write_known(w, "cross_score", c->cross);
    write_known(w, "prior", c->prior);
    write_known(w, "p", c->p);
    write_known(w, "cross_p", c->cross_p);
    bl_write_optional(w, "from", c->from);
    write_known(w, "coherence", c->coherence);
    bl_write_end(w);
}

void bl_candidates_put(struct bl_buf *out, const struct bl_candidates *c,
                       unsigned what)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_array(&w, NULL);
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].raw.p)
            put_one(bl_write_slot(&w, NULL), &c->v[i], what);
        else
            write_whole(&w, &c->v[i]);
    }
    bl_write_end(&w);
}
