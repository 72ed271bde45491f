/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/judge.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/mem.h"
#include "json/candidates.h"
#include "json/json.h"

/* ---- Who ---- */

static char *copy(struct bl_span text)
{
    return text.p ? bl_xasprintf("%.*s", (int)text.n, text.p) : NULL;
}

static int text_of(const struct bl_record *record, const char *name,
                   struct bl_arena *arena, char **out, struct bl_err *err)
{
    struct bl_span value, text = { NULL, 0 };
    int got = bl_record_get(record, name, &value, err);

    if (got <= 0)
        return got;
    if ((bl_json_type(value) == BL_JSON_NUMBER
         || bl_json_type(value) == BL_JSON_STRING)
        && bl_json_text(value, "string", arena, &text, err) < 0)
        return bl_err_prefix(err, "field '%s'", name);
    *out = copy(text);
    return 0;
}

/* The document and the span name a mention in the output of any program; an
 * id does where the programs keep it; the number of the line only does where
 * both files have the same records in the same order. */
static int make_key(struct bl_case *one, const struct bl_record *record,
                    struct bl_err *err)
{
    int64_t start, end;
    int spans = 0, got;

    got = bl_record_integer_opt(record, "start", 0, INT64_MAX, &start, err);
    if (got < 0)
        return -1;
    spans += got;
    got = bl_record_integer_opt(record, "end", 0, INT64_MAX, &end, err);
    if (got < 0)
        return -1;
    spans += got;
    if (spans == 2 && one->doc)
        one->key = bl_xasprintf("%s\n%lld\n%lld", one->doc, (long long)start,
                                (long long)end);
    else if (one->id)
        one->key = bl_xstrdup(one->id);
    else
        one->key = bl_xasprintf("%zu", record->number);
    return 0;
}

/* On failure what was read so far is freed, so that a caller can go on to the
 * next record. */
int bl_case_read(struct bl_case *one, const struct bl_record *record,
                 struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span gold = { NULL, 0 }, value;
    int got;

    *one = (struct bl_case){ .line = record->number };
    one->judged = (struct bl_judged){ .list_rank = BL_NOT_FOUND,
                                      .bi_rank = BL_NOT_FOUND,
                                      .confidence = NAN };
    got = bl_record_get(record, "error", &value, err);
    one->error = got == 1 && bl_json_type(value) != BL_JSON_NULL;
    if (got < 0
        || bl_label_read(record, arena, &one->judged.gold, &gold, err) < 0
        || text_of(record, "doc", arena, &one->doc, err) < 0
        || text_of(record, "id", arena, &one->id, err) < 0
        || text_of(record, "mention", arena, &one->mention, err) < 0
        || text_of(record, "label_nil", arena, &one->gold_nil, err) < 0
        || (!one->gold_nil
            && text_of(record, "label", arena, &one->gold_nil, err) < 0)
        || make_key(one, record, err) < 0) {
        bl_case_free(one);
        return -1;
    }
    one->gold = copy(gold);
    return 0;
}

int bl_case_group(struct bl_case *one, const struct bl_record *record,
                  const char *name, struct bl_arena *arena, struct bl_err *err)
{
    return text_of(record, name, arena, &one->group, err);
}

void bl_case_free(struct bl_case *one)
{
    free(one->key);
    free(one->doc);
    free(one->id);
    free(one->mention);
    free(one->gold);
    free(one->answer);
    free(one->group);
    free(one->gold_nil);
    free(one->nil_id);
    *one = (struct bl_case){ 0 };
}

/* ---- What ---- */

static bool is_gold(const struct bl_case *one, struct bl_span id)
{
    return one->judged.gold == BL_GOLD_ENTITY && one->gold
        && bl_label_is(bl_span_of(one->gold), id);
}

/* How many candidates have a better bi_score than the one at `place`; equal
 * ones count as better when they come first in the list. */
static size_t bi_rank(const struct bl_candidates *list, size_t place)
{
    double mine = list->v[place].bi;
    size_t better = 0;

    for (size_t i = 0; i < list->n; i++)
        better += list->v[i].bi > mine || (list->v[i].bi == mine && i < place);
    return better;
}

static void judge_list(struct bl_case *one, const struct bl_candidates *list)
{
    struct bl_judged *judged = &one->judged;
    size_t i = 0;

    while (i < list->n && !is_gold(one, list->v[i].id))
        i++;
    if (i == list->n)
        return;
    judged->list_rank = i;
    judged->bi_rank = isnan(list->v[i].bi) ? i : bi_rank(list, i);
}

static int number_of(struct bl_span object, const char *name, double *out,
                     struct bl_err *err)
{
    struct bl_span value;
    int got = bl_json_get(object, name, &value, err);

    if (got == 1 && bl_json_type(value) == BL_JSON_NUMBER)
        return bl_json_number(value, out, err);
    return got < 0 ? -1 : 0;
}

/* A page that is known by its name alone is no answer of the catalogue, of
 * which alone figures speak. */
static bool is_page(struct bl_span entity)
{
    struct bl_span source;

    return bl_json_type(entity) == BL_JSON_OBJECT
        && bl_json_get(entity, "source", &source, NULL) == 1
        && bl_span_is(source, "\"name\"");
}

/* `entity`: null, or an object with an id. */
static int judge_entity(struct bl_case *one, const struct bl_record *record,
                        struct bl_span entity, struct bl_arena *arena,
                        struct bl_err *err)
{
    struct bl_span value, id = { NULL, 0 };
    int got;

    if (bl_json_type(entity) == BL_JSON_NULL || is_page(entity)) {
        if (bl_record_get(record, "nil_p", &value, err) == 1
            && bl_json_type(value) == BL_JSON_NUMBER)
            return bl_json_number(value, &one->judged.confidence, err);
        return 0;
    }
    if (bl_json_type(entity) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD, "field 'entity': expected object "
                       "or null, found %s",
                       bl_json_type_name(bl_json_type(entity)));
    got = bl_json_get(entity, "id", &value, err);
    if (got < 0)
        return -1;
    if (got == 0 || (bl_json_type(value) != BL_JSON_STRING
                     && bl_json_type(value) != BL_JSON_NUMBER))
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'entity': expected an 'id' that is a string");
    if (bl_json_text(value, "string", arena, &id, err) < 0)
        return -1;
    one->judged.answered = true;
    one->judged.right = is_gold(one, id);
    one->answer = copy(id);
    return number_of(entity, "p", &one->judged.confidence, err);
}

/* What is put together although it is no entity of the catalogue.  A record
 * of an earlier stage may have neither. */
static int read_nil(struct bl_case *one, const struct bl_record *record,
                    struct bl_span entity, struct bl_arena *arena,
                    struct bl_err *err)
{
    struct bl_span value, id;

    if (is_page(entity) && bl_json_get(entity, "id", &value, NULL) == 1
        && bl_json_type(value) == BL_JSON_STRING) {
        if (bl_json_text(value, "string", arena, &id, err) < 0)
            return -1;
        one->nil_id = copy(id);
        return 0;
    }
    return text_of(record, "nil_id", arena, &one->nil_id, err);
}

/* A right `entity` without a list counts as the first of one, so that a
 * linker which names no candidates has a recall too. */
int bl_case_judge(struct bl_case *one, const struct bl_record *record,
                  struct bl_arena *arena, struct bl_err *err)
{
    struct bl_candidates list = { .n = 0 };
    struct bl_span entity, value;
    int has_entity, has_list;

    if (one->error) {
        one->judged.missed = true;
        return 0;
    }
    has_entity = bl_record_get(record, "entity", &entity, err);
    has_list = bl_record_get(record, "candidates", &value, err);
    if (has_entity < 0 || has_list < 0)
        return -1;
    if (!has_entity && !has_list && one->judged.gold == BL_GOLD_NONE)
        return 0;
    if ((has_list || !has_entity)
        && bl_candidates_read(record, arena, &list, err) < 0)
        return -1;
    judge_list(one, &list);
    if (has_entity) {
        if (judge_entity(one, record, entity, arena, err) < 0
            || (!one->judged.answered
                && read_nil(one, record, entity, arena, err) < 0))
            return -1;
        if (!has_list && one->judged.right)
            one->judged.list_rank = one->judged.bi_rank = 0;
        return 0;
    }
    one->judged.answered = list.n > 0;
    one->judged.right = one->judged.list_rank == 0;
    one->judged.confidence = list.n ? list.v[0].p : NAN;
    one->answer = list.n ? copy(list.v[0].id) : NULL;
    return 0;
}

/* ---- Many ---- */

void bl_cases_add(struct bl_cases *all, const struct bl_case *one)
{
    BL_GROW(all->v, all->n + 1, all->cap);
    all->v[all->n++] = *one;
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

static int by_key(const void *one, const void *other)
{
    const struct bl_case *x = one, *y = other;
    int order = strcmp(x->key, y->key);

    return order ? order : by_line(x, y);
}

static int by_doc(const void *one, const void *other)
{
    const struct bl_case *x = one, *y = other;
    int order = strcmp(x->doc ? x->doc : "", y->doc ? y->doc : "");

    return order ? order : by_line(x, y);
}

static int by_group(const void *one, const void *other)
{
    const struct bl_case *x = one, *y = other;
    int order = strcmp(x->group ? x->group : "", y->group ? y->group : "");

    return order ? order : by_doc(one, other);
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

/* ---- Sums and bootstrap samples ---- */

/* The cases of one document, which are neighbours.  A case without a document
 * is a group of its own. */
struct group {
    size_t from, n;
    bool doc;
};

static size_t make_groups(const struct bl_cases *all, struct group *groups)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        const char *doc = all->v[i].doc;
        if (doc && i && all->v[i - 1].doc
            && !strcmp(doc, all->v[i - 1].doc))
            groups[n - 1].n++;
        else
            groups[n++] = (struct group){ i, 1, doc != NULL };
    }
    return n;
}

static void add_group(struct bl_tally *sum, const struct bl_cases *all,
                      const struct group *group,
                      const struct bl_cutoffs *cutoffs)
{
    struct bl_tally tally = { 0 };

    for (size_t i = group->from; i < group->from + group->n; i++) {
        bl_tally_add(&tally, &all->v[i].judged, cutoffs);
        tally.errors += all->v[i].error;
    }
    if (group->doc)
        bl_tally_close_doc(&tally);
    bl_tally_sum(sum, &tally);
}

void bl_cases_tally(const struct bl_cases *all,
                    const struct bl_cutoffs *cutoffs, struct bl_tally *out)
{
    struct group *groups = bl_xmalloc(all->n, sizeof *groups);
    size_t n = make_groups(all, groups);

    *out = (struct bl_tally){ 0 };
    for (size_t i = 0; i < n; i++)
        add_group(out, all, &groups[i], cutoffs);
    free(groups);
}

static int by_value(const void *one, const void *other)
{
    double x = *(const double *)one, y = *(const double *)other;

    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* The middle 95 % of n values, those that are undefined left out. */
static void interval(double *values, size_t n, double *lo, double *hi)
{
    *lo = *hi = NAN;
    qsort(values, n, sizeof *values, by_value);
    while (n && isnan(values[n - 1]))
        n--;
    if (!n)
        return;
    *lo = values[(size_t)(0.025 * (double)(n - 1))];
    *hi = values[(size_t)ceil(0.975 * (double)(n - 1))];
}

/* Whole documents are drawn and not single mentions: those of one document
 * are right and wrong together, and intervals that took them for independent
 * would be too narrow.  values is [figure][round]. */
void bl_cases_bootstrap(const struct bl_cases *all,
                        const struct bl_cutoffs *cutoffs, size_t rounds,
                        uint64_t seed, double *lo, double *hi)
{
    struct group *groups = bl_xmalloc(all->n, sizeof *groups);
    size_t n_groups = make_groups(all, groups), n = 0;
    double *values = bl_xmalloc(rounds, BL_MAX_FIGURES * sizeof *values);
    struct bl_figure figures[BL_MAX_FIGURES];
    uint64_t state = seed * 2 + 1;
    bool docs = false;

    for (size_t i = 0; i < n_groups; i++)
        docs |= groups[i].doc;
    for (size_t round = 0; round < rounds; round++) {
        struct bl_tally tally = { 0 };
        for (size_t i = 0; i < n_groups; i++)
            add_group(&tally, all, &groups[bl_random(&state) % n_groups],
                      cutoffs);
        n = bl_figures(&tally, cutoffs, docs, figures);
        for (size_t i = 0; i < n; i++)
            values[i * rounds + round] = figures[i].value;
    }
    for (size_t i = 0; i < n; i++)
        interval(values + i * rounds, rounds, &lo[i], &hi[i]);
    free(values);
    free(groups);
}

/* ---- Groups ---- */

/* A number for each group on one side; what has no name is alone.  Entities
 * and what is none cannot have one name: the first character tells them
 * apart. */
static uint32_t group_of(struct bl_intern *names, bool entity,
                         const char *name, const char *nil, size_t number)
{
    struct bl_buf text = BL_BUF_INIT;
    uint32_t group;

    if (entity && name)
        bl_buf_printf(&text, "e%s", name);
    else if (nil)
        bl_buf_printf(&text, "n%s", nil);
    else
        bl_buf_printf(&text, "#%zu", number);
    group = bl_intern_add(names, (struct bl_span){ text.data, text.len });
    bl_buf_free(&text);
    return group;
}

/* Numbers on either side are below n, as no side has more groups than
 * mentions. */
void bl_cases_cluster(const struct bl_cases *all, struct bl_clustering *out)
{
    uint32_t *gold = bl_xmalloc(all->n, sizeof *gold);
    uint32_t *answer = bl_xmalloc(all->n, sizeof *answer);
    struct bl_intern *names = bl_intern_new(), *said = bl_intern_new();
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        const struct bl_case *c = &all->v[i];
        bool entity = c->judged.gold == BL_GOLD_ENTITY;

        if (c->judged.gold == BL_GOLD_NONE)
            continue;
        gold[n] = c->judged.gold == BL_GOLD_SPURIOUS ? BL_CLUSTER_NONE
            : group_of(names, entity, c->gold, c->gold_nil, i);
        answer[n++] = c->judged.missed ? BL_CLUSTER_NONE
            : group_of(said, c->judged.answered, c->answer, c->nil_id, i);
    }
    bl_clusters_measure(gold, answer, n, out);
    bl_intern_free(names);
    bl_intern_free(said);
    free(gold);
    free(answer);
}
