/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/part.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/writer.h"
#include "link/gather.h"

/* Splitmix64's last steps (Steele, Lea and Flood 2014): near rows give numbers
 * that have nothing in common. */
static uint64_t mixed(uint64_t row)
{
    uint64_t z = row + 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void bl_part_count(struct bl_part_rows *rows, uint32_t row)
{
    rows->n++;
    rows->sum += mixed(row);
}

/* ---- Writing ---- */

/* As text: readers of JSON that have doubles only would round it. */
static void write_sum(struct bl_writer *w, const char *key, uint64_t sum)
{
    char hex[17];

    snprintf(hex, sizeof hex, "%016" PRIx64, sum);
    bl_write_string(w, key, hex);
}

/* The lists come last, so that a person sees the rest first. */
void bl_part_put(struct bl_buf *out, const struct bl_part *part)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);
    struct bl_buf *slot;

    bl_write_object(&w, NULL);
    bl_write_span(&w, "model", part->model);
    bl_write_span(&w, "catalogue", part->kb);
    bl_write_size(&w, "k", part->k);
    bl_write_size(&w, "vectors", part->here.n);
    write_sum(&w, "rows", part->here.sum);
    bl_write_array(&w, "of");
    bl_write_size(&w, NULL, part->all.n);
    write_sum(&w, NULL, part->all.sum);
    bl_write_end(&w);
    bl_write_array(&w, "row");
    for (size_t i = 0; i < part->n; i++)
        bl_write_size(&w, NULL, part->row[i]);
    bl_write_end(&w);
    slot = bl_write_slot(&w, "why");
    bl_buf_putc(slot, '"');
    for (size_t i = 0; i < part->n; i++)
        bl_buf_putc(slot, (char)('0' + part->why[i]));
    bl_buf_putc(slot, '"');
    bl_write_end(&w);
}

/* ---- Reading ---- */

static int bad(struct bl_err *err)
{
    return bl_fail(err, BL_BAD_FIELD, "field 'part': not as 'blink-retrieve "
                   "--part' writes it");
}

static bool text_of(struct bl_span object, const char *name,
                    struct bl_arena *arena, struct bl_span *out)
{
    struct bl_span v;

    return bl_json_get(object, name, &v, NULL) == 1
        && bl_json_string(v, arena, out, NULL) == 0;
}

static bool count_of(struct bl_span value, int64_t most, uint64_t *out)
{
    int64_t v;

    if (bl_json_integer(value, 0, most, &v, NULL) < 0)
        return false;
    *out = (uint64_t)v;
    return true;
}

static bool count_at(struct bl_span object, const char *name, int64_t most,
                     uint64_t *out)
{
    struct bl_span v;

    return bl_json_get(object, name, &v, NULL) == 1 && count_of(v, most, out);
}

static bool sum_of(struct bl_span text, uint64_t *out)
{
    *out = 0;
    if (text.n != 16)
        return false;
    for (size_t i = 0; i < 16; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.p[i], 16);

        if (!digit)
            return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static bool whole_of(struct bl_span object, struct bl_arena *arena,
                     struct bl_part_rows *out)
{
    struct bl_span list, v, text;
    struct bl_json_iter it;

    if (bl_json_get(object, "of", &list, NULL) != 1)
        return false;
    it = bl_json_iter(list);
    return bl_json_next(&it, NULL, &v) && count_of(v, UINT32_MAX, &out->n)
        && bl_json_next(&it, NULL, &v)
        && bl_json_string(v, arena, &text, NULL) == 0
        && sum_of(text, &out->sum) && !bl_json_next(&it, NULL, &v);
}

/* Row and reason of each of n candidates. */
static bool lists_of(struct bl_span object, struct bl_arena *arena, size_t n,
                     struct bl_part *out)
{
    uint32_t *row = bl_arena_alloc(arena, n, sizeof *row);
    unsigned char *why = bl_arena_alloc(arena, n, sizeof *why);
    struct bl_span list, text, v;
    struct bl_json_iter it;
    uint64_t number;

    if (bl_json_get(object, "row", &list, NULL) != 1
        || !text_of(object, "why", arena, &text) || text.n != n)
        return false;
    it = bl_json_iter(list);
    for (size_t i = 0; i < n; i++) {
        if (!bl_json_next(&it, NULL, &v)
            || !count_of(v, UINT32_MAX, &number)
            || text.p[i] < '1' || text.p[i] > '7')
            return false;
        row[i] = (uint32_t)number;
        why[i] = (unsigned char)(text.p[i] - '0');
    }
    out->row = row;
    out->why = why;
    out->n = n;
    return !bl_json_next(&it, NULL, &v);
}

/* The field is made by a program, so one message for all that it could lack
 * is enough. */
int bl_part_read(const struct bl_record *record, struct bl_arena *arena,
                 size_t n, struct bl_part *out, struct bl_err *err)
{
    struct bl_span object, sum;
    uint64_t k;
    int found = bl_record_get(record, "part", &object, err);

    if (found < 0)
        return -1;
    if (found == 0)
        return bl_fail(err, BL_BAD_FIELD, "field 'part': expected object, "
                       "found nothing; run blink-retrieve --part");
    if (bl_json_type(object) != BL_JSON_OBJECT
        || !text_of(object, "model", arena, &out->model)
        || !text_of(object, "catalogue", arena, &out->kb)
        || !count_at(object, "k", 10000, &k) || k < 1
        || !count_at(object, "vectors", UINT32_MAX, &out->here.n)
        || !text_of(object, "rows", arena, &sum)
        || !sum_of(sum, &out->here.sum) || !whole_of(object, arena, &out->all)
        || !lists_of(object, arena, n, out))
        return bad(err);
    out->k = (size_t)k;
    return 0;
}

/* ---- Several ---- */

static bool same(struct bl_span a, struct bl_span b)
{
    return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

static bool same_rows(const struct bl_part_rows *a,
                      const struct bl_part_rows *b)
{
    return a->n == b->n && a->sum == b->sum;
}

/* The place of a part that has the rows of the one at i, before it; i: none
 * has. */
static size_t first_like(const struct bl_part *parts, size_t i)
{
    size_t at = 0;

    while (at < i && !same_rows(&parts[at].here, &parts[i].here))
        at++;
    return parts[i].here.n ? at : i;
}

/* As many vectors as the whole and the same sum: each row once, but for a
 * chance of 2^-64. */
int bl_part_check(const struct bl_part *parts, size_t n, bool partial,
                  struct bl_err *err)
{
    struct bl_part_rows all = { 0, 0 };

    for (size_t i = 0; i < n; i++) {
        if (!same(parts[i].kb, parts[0].kb)
            || !same(parts[i].model, parts[0].model))
            return bl_fail(err, BL_DATA, "part %zu is of another %s than the "
                           "first", i + 1, same(parts[i].kb, parts[0].kb)
                           ? "model" : "catalogue");
        if (parts[i].k != parts[0].k)
            return bl_fail(err, BL_DATA, "part %zu was searched for %zu "
                           "candidates, the first for %zu", i + 1,
                           parts[i].k, parts[0].k);
        if (!same_rows(&parts[i].all, &parts[0].all))
            return bl_fail(err, BL_DATA, "part %zu is of another state of the "
                           "catalogue than the first", i + 1);
        if (first_like(parts, i) < i)
            return bl_fail(err, BL_DATA, "parts %zu and %zu are the same",
                           first_like(parts, i) + 1, i + 1);
        all.n += parts[i].here.n;
        all.sum += parts[i].here.sum;
    }
    if (all.n > parts[0].all.n)
        return bl_fail(err, BL_DATA, "the parts have %" PRIu64 " vectors, the "
                       "whole %" PRIu64 ": one is given twice", all.n,
                       parts[0].all.n);
    if (all.n == parts[0].all.n && all.sum != parts[0].all.sum)
        return bl_fail(err, BL_DATA, "the parts have as many vectors as the "
                       "whole, but not the same: one is given twice, another "
                       "is missing");
    if (all.n < parts[0].all.n && !partial)
        return bl_fail(err, BL_DATA, "the parts have %" PRIu64 " of %" PRIu64
                       " vectors: one is missing; --partial merges what is "
                       "there", all.n, parts[0].all.n);
    return 0;
}

/* A candidate of one of the lists. */
struct entry {
    struct bl_candidate candidate;
    double score;               /* one that has none is the worst */
    uint32_t row;
    unsigned char why;
};

/* Scores are floats that JSON keeps exactly; equal ones come in the order of
 * the catalogue, as in one index. */
static int best_first(const void *pa, const void *pb)
{
    const struct entry *one = pa, *other = pb;

    if (one->score != other->score)
        return one->score > other->score ? -1 : 1;
    return (one->row > other->row) - (one->row < other->row);
}

/* What gather.c does with all vectors: the k nearest; the named ones that are
 * not among them; then of the titles with these initials the nearest few that
 * are in neither.  Each of these is in the list of its part, too. */
static size_t choose(const struct entry *entries, size_t n, size_t k,
                     bool *taken)
{
    size_t nearest = 0, initials = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        bool near = entries[i].why & BL_WHY_NEAREST && nearest < k;

        nearest += near;
        taken[i] = near || entries[i].why & BL_WHY_NAMED;
    }
    for (size_t i = 0; i < n; i++) {
        if (!taken[i] && entries[i].why & BL_WHY_INITIALS
            && initials < BL_GATHER_INITIALS) {
            taken[i] = true;
            initials++;
        }
        all += taken[i];
    }
    return all;
}

/* Lists of one record are short: sorting them all costs less than a heap. */
void bl_part_merge(const struct bl_part *parts,
                   const struct bl_candidates *lists, size_t n,
                   struct bl_arena *arena, struct bl_candidates *out)
{
    struct entry *entries;
    bool *taken;
    size_t all = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        all += lists[i].n;
    entries = bl_arena_alloc(arena, all, sizeof *entries);
    taken = bl_arena_alloc(arena, all, sizeof *taken);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lists[i].n; j++) {
            double score = lists[i].v[j].score;

            entries[at++] = (struct entry){
                lists[i].v[j], isnan(score) ? -INFINITY : score,
                parts[i].row[j], parts[i].why[j]
            };
        }
    qsort(entries, all, sizeof *entries, best_first);
    *out = lists[0];
    out->n = choose(entries, all, parts[0].k, taken);
    out->v = bl_arena_alloc(arena, out->n, sizeof *out->v);
    at = 0;
    for (size_t i = 0; i < all; i++)
        if (taken[i])
            out->v[at++] = entries[i].candidate;
}
