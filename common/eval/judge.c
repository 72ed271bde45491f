/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/judge.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json/candidates.h"
#include "json/json.h"
#include "base/mem.h"

/* ---- Who ---- */

static char *copy(struct bl_span s)
{
    return s.p ? bl_xasprintf("%.*s", (int)s.n, s.p) : NULL;
}

static int text_of(const struct bl_record *r, const char *name,
                   struct bl_arena *a, char **out, struct bl_err *err)
{
    struct bl_span v, s = { NULL, 0 };
    int got = bl_record_get(r, name, &v, err);

    if (got <= 0)
        return got;
    if (bl_json_type(v) == BL_JSON_NUMBER)
        s = v;
    else if (bl_json_type(v) == BL_JSON_STRING
             && bl_json_string(v, a, &s, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    *out = copy(s);
    return 0;
}

static int make_key(struct bl_case *c, const struct bl_record *r,
                    struct bl_err *err)
{
    int64_t start, end;
    int spans = 0, got;

    got = bl_record_integer_opt(r, "start", 0, INT64_MAX, &start, err);
    if (got < 0)
        return -1;
    spans += got;
    got = bl_record_integer_opt(r, "end", 0, INT64_MAX, &end, err);
    if (got < 0)
        return -1;
    spans += got;
    if (spans == 2 && c->doc)
        c->key = bl_xasprintf("%s\n%lld\n%lld", c->doc, (long long)start,
                              (long long)end);
    else if (c->id)
        c->key = bl_xstrdup(c->id);
    else
        c->key = bl_xasprintf("%zu", r->number);
    return 0;
}

int bl_case_read(struct bl_case *c, const struct bl_record *r,
                 struct bl_arena *a, struct bl_err *err)
{
    struct bl_span gold = { NULL, 0 }, v;
    int got;

    *c = (struct bl_case){ .line = r->number };
    c->judged = (struct bl_judged){ .list_rank = BL_NOT_FOUND,
                                    .bi_rank = BL_NOT_FOUND,
                                    .confidence = NAN };
    got = bl_record_get(r, "error", &v, err);
    c->error = got == 1 && bl_json_type(v) != BL_JSON_NULL;
    if (got < 0
        || bl_label_read(r, a, &c->judged.gold, &gold, err) < 0
        || text_of(r, "doc", a, &c->doc, err) < 0
        || text_of(r, "id", a, &c->id, err) < 0
        || text_of(r, "mention", a, &c->mention, err) < 0
        || make_key(c, r, err) < 0) {
        bl_case_free(c);
        return -1;
    }
    c->gold = copy(gold);
    return 0;
}

int bl_case_group(struct bl_case *c, const struct bl_record *r,
                  const char *name, struct bl_arena *a, struct bl_err *err)
{
    return text_of(r, name, a, &c->group, err);
}

void bl_case_free(struct bl_case *c)
{
    free(c->key);
    free(c->doc);
    free(c->id);
    free(c->mention);
    free(c->gold);
    free(c->answer);
    free(c->group);
    *c = (struct bl_case){ 0 };
}

/* ---- What ---- */

static bool is_gold(const struct bl_case *c, struct bl_span id)
{
    return c->judged.gold == BL_GOLD_ENTITY && c->gold
        && bl_span_is(id, c->gold);
}

/* How many candidates have a better bi_score than the one at `place`; equal
 * ones count as better when they come first in the list. */
static size_t bi_rank(const struct bl_candidates *l, size_t place)
{
    double mine = l->v[place].bi;
    size_t better = 0;

    for (size_t i = 0; i < l->n; i++)
        better += l->v[i].bi > mine || (l->v[i].bi == mine && i < place);
    return better;
}

static void judge_list(struct bl_case *c, const struct bl_candidates *l)
{
    struct bl_judged *j = &c->judged;
    size_t i = 0;

    while (i < l->n && !is_gold(c, l->v[i].id))
        i++;
    if (i == l->n)
        return;
    j->list_rank = i;
    j->bi_rank = isnan(l->v[i].bi) ? i : bi_rank(l, i);
}

static int number_of(struct bl_span object, const char *name, double *out,
                     struct bl_err *err)
{
    struct bl_span v;
    int got = bl_json_get(object, name, &v, err);

    if (got == 1 && bl_json_type(v) == BL_JSON_NUMBER)
        return bl_json_number(v, out, err);
    return got < 0 ? -1 : 0;
}

/* `entity`: null, or an object with an id. */
static int judge_entity(struct bl_case *c, const struct bl_record *r,
                        struct bl_span entity, struct bl_arena *a,
                        struct bl_err *err)
{
    struct bl_span v, id = { NULL, 0 };
    int got;

    if (bl_json_type(entity) == BL_JSON_NULL) {
        if (bl_record_get(r, "nil_p", &v, err) == 1
            && bl_json_type(v) == BL_JSON_NUMBER)
            return bl_json_number(v, &c->judged.confidence, err);
        return 0;
    }
    if (bl_json_type(entity) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD, "field 'entity': expected object "
                       "or null, found %s",
                       bl_json_type_name(bl_json_type(entity)));
    got = bl_json_get(entity, "id", &v, err);
    if (got < 0)
        return -1;
    if (got == 1 && bl_json_type(v) == BL_JSON_NUMBER)
        id = v;
    else if (got == 0 || bl_json_type(v) != BL_JSON_STRING)
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'entity': expected an 'id' that is a string");
    else if (bl_json_string(v, a, &id, err) < 0)
        return -1;
    c->judged.answered = true;
    c->judged.right = is_gold(c, id);
    c->answer = copy(id);
    return number_of(entity, "p", &c->judged.confidence, err);
}

int bl_case_judge(struct bl_case *c, const struct bl_record *r,
                  struct bl_arena *a, struct bl_err *err)
{
    struct bl_candidates list = { NULL, 0 };
    struct bl_span entity, v;
    int has_entity, has_list;

    if (c->error) {
        c->judged.missed = true;
        return 0;
    }
    has_entity = bl_record_get(r, "entity", &entity, err);
    has_list = bl_record_get(r, "candidates", &v, err);
    if (has_entity < 0 || has_list < 0)
        return -1;
    if (!has_entity && !has_list && c->judged.gold == BL_GOLD_NONE)
        return 0;
    if ((has_list || !has_entity)
        && bl_candidates_read(r, a, &list, err) < 0)
        return -1;
    judge_list(c, &list);
    if (has_entity) {
        if (judge_entity(c, r, entity, a, err) < 0)
            return -1;
        if (!has_list && c->judged.right)
            c->judged.list_rank = c->judged.bi_rank = 0;
        return 0;
    }
    c->judged.answered = list.n > 0;
    c->judged.right = c->judged.list_rank == 0;
    c->judged.confidence = list.n ? list.v[0].p : NAN;
    c->answer = list.n ? copy(list.v[0].id) : NULL;
    return 0;
}

/* ---- Many ---- */

void bl_cases_add(struct bl_cases *all, const struct bl_case *c)
{
    BL_GROW(all->v, all->n + 1, all->cap);
    all->v[all->n++] = *c;
}

void bl_cases_free(struct bl_cases *all)
{
    for (size_t i = 0; i < all->n; i++)
        bl_case_free(&all->v[i]);
    free(all->v);
    *all = (struct bl_cases)BL_CASES_INIT;
}

static int by_line(const struct bl_case *x, const struct bl_case *y)
{
    return (x->line > y->line) - (x->line < y->line);
}

static int by_key(const void *a, const void *b)
{
    const struct bl_case *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : by_line(x, y);
}

static int by_doc(const void *a, const void *b)
{
    const struct bl_case *x = a, *y = b;
    int order = strcmp(x->doc ? x->doc : "", y->doc ? y->doc : "");

    return order ? order : by_line(x, y);
}

static int by_group(const void *a, const void *b)
{
    const struct bl_case *x = a, *y = b;
    int order = strcmp(x->group ? x->group : "", y->group ? y->group : "");

    return order ? order : by_doc(a, b);
}

void bl_cases_sort(struct bl_cases *all)
{
    if (all->n > 1)
        qsort(all->v, all->n, sizeof *all->v, by_key);
}

void bl_cases_by_doc(struct bl_cases *all)
{
    if (all->n > 1)
        qsort(all->v, all->n, sizeof *all->v, by_doc);
}

void bl_cases_by_group(struct bl_cases *all)
{
    if (all->n > 1)
        qsort(all->v, all->n, sizeof *all->v, by_group);
}

struct bl_case *bl_cases_find(struct bl_cases *all, const char *key)
{
    size_t lo = 0, hi = all->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(all->v[mid].key, key);
        /* Used cases come before unused ones of the same key. */
        if (order < 0 || (order == 0 && all->v[mid].used))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < all->n && !strcmp(all->v[lo].key, key))
        return &all->v[lo];
    return NULL;
}
