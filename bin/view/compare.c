/* SPDX-License-Identifier: MIT */
/*
 * Other records of the same documents: of another run, or an annotator's. Two
 * mentions are the same when they have the same document, start and end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "view.h"

struct other {
    struct bl_seen seen;        /* its row's id and title are what it says */
    bool met;                   /* a mention of ours has its place */
};

struct bl_others {
    struct bl_arena arena;
    struct other *v;            /* [n] by document, start and end */
    size_t n, cap;
};

void bl_others_free(struct bl_others *others)
{
    if (!others)
        return;
    bl_arena_free(&others->arena);
    free(others->v);
    free(others);
}

/* ---- Reading ---- */

/* A label says more than an answer, where a record has both. */
static int read_label(const struct bl_record *record, struct bl_arena *arena,
                      struct bl_seen *seen, struct bl_err *err)
{
    struct bl_span label;
    int rc = bl_record_get(record, "label_id", &label, err);

    if (rc <= 0)
        return rc;
    seen->row.id = seen->row.title = (struct bl_span){ NULL, 0 };
    rc = bl_json_text(label, "string or integer", arena, &seen->row.id, err);
    if (rc < 0)
        return bl_err_prefix(err, "field 'label_id'");
    if (rc == 0)
        return 0;
    rc = bl_record_string_opt(record, "label", arena, &seen->row.title, err);
    if (rc == 0)
        seen->row.title = seen->row.id;
    return rc < 0 ? -1 : 0;
}

/* Records of an annotator have no answer. */
static int read_other(const struct bl_record *record, struct bl_arena *arena,
                      struct bl_seen *seen, struct bl_err *err)
{
    struct bl_span entity;
    int labelled = bl_record_get(record, "label_id", &entity, err);
    int answered = bl_record_get(record, "entity", &entity, err);

    if (labelled < 0 || answered < 0)
        return -1;
    if (answered) {
        if (bl_seen_read(record, arena, seen, err) < 0)
            return -1;
    } else {
        *seen = (struct bl_seen){ .left = BL_SPAN_LIT(""),
            .right = BL_SPAN_LIT(""), .start = -1, .end = -1 };
        if (!labelled)
            return bl_fail(err, BL_DATA, "expected 'entity' or 'label_id'");
        if (bl_record_string(record, "mention", arena, &seen->row.mention,
                             err) < 0
            || bl_record_string_opt(record, "doc", arena, &seen->row.doc,
                                    err) < 0
            || bl_record_string_opt(record, "context_left", arena,
                                    &seen->left, err) < 0
            || bl_record_string_opt(record, "context_right", arena,
                                    &seen->right, err) < 0)
            return -1;
    }
    if (bl_record_integer(record, "start", 0, INT32_MAX, &seen->start, err) < 0
        || bl_record_integer(record, "end", 0, INT32_MAX, &seen->end, err) < 0)
        return -1;
    return labelled ? read_label(record, arena, seen, err) : 0;
}

static int add(void *ctx, const struct bl_record *record, struct bl_err *err)
{
    struct bl_others *others = ctx;
    struct other other = { .met = false };
    struct bl_span error;
    int failed = bl_record_get(record, "error", &error, err);

    if (failed < 0)
        return -1;
    if (failed && bl_json_type(error) != BL_JSON_NULL)
        return 0;               /* a mark, or what failed: no answer */
    if (read_other(record, &others->arena, &other.seen, err) < 0)
        return -1;
    BL_GROW(others->v, others->n + 1, others->cap);
    others->v[others->n++] = other;
    return 0;
}

static int by_doc(struct bl_span a, struct bl_span b)
{
    int way = memcmp(a.n ? a.p : "", b.n ? b.p : "", BL_MIN(a.n, b.n));

    return way ? way : (a.n > b.n) - (a.n < b.n);
}

static int by_place(const void *left, const void *right)
{
    const struct bl_seen *a = &((const struct other *)left)->seen;
    const struct bl_seen *b = &((const struct other *)right)->seen;
    int way = by_doc(a->row.doc, b->row.doc);

    if (way)
        return way;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

struct bl_others *bl_others_open(const char *path, struct bl_err *err)
{
    struct bl_others *others = BL_NEW(struct bl_others);

    if (bl_view_read(path, add, others, err) < 0) {
        bl_others_free(others);
        return NULL;
    }
    if (others->n)
        qsort(others->v, others->n, sizeof *others->v, by_place);
    return others;
}

/* ---- Comparing ---- */

static void judge(struct bl_others *others, struct bl_seen *seen)
{
    struct other key = { .seen = *seen }, *found;
    bool linked = seen->row.title.p != NULL;

    found = others->n ? bsearch(&key, others->v, others->n, sizeof key,
                                by_place) : NULL;
    if (!found) {
        seen->verdict = linked ? BL_EXTRA : BL_NOT_COMPARED;
        return;
    }
    found->met = true;
    seen->wanted = found->seen.row.title;
    if (linked != (found->seen.row.title.p != NULL))
        seen->verdict = BL_WRONG;
    else
        seen->verdict = !linked
            || bl_span_eq(seen->row.id, found->seen.row.id)
            ? BL_RIGHT : BL_WRONG;
}

/* The first of the others that is of this document, or behind it. */
static size_t first_of(const struct bl_others *others, struct bl_span doc)
{
    size_t low = 0, high = others->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (by_doc(others->v[middle].seen.row.doc, doc) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int by_start(const void *left, const void *right)
{
    const struct bl_seen *a = *(struct bl_seen *const *)left;
    const struct bl_seen *b = *(struct bl_seen *const *)right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (b->end > a->end) - (b->end < a->end);
}

void bl_others_judge(struct bl_others *others, struct bl_shown *shown)
{
    bool placed = true;

    for (size_t i = 0; i < shown->n; i++) {
        judge(others, shown->v[i]);
        placed = placed && shown->v[i]->start >= 0;
    }
    for (size_t i = first_of(others, shown->name);
         i < others->n && placed
         && bl_span_eq(others->v[i].seen.row.doc, shown->name); i++) {
        struct bl_seen missed = others->v[i].seen;

        if (others->v[i].met || !missed.row.title.p)
            continue;
        others->v[i].met = true;
        missed.verdict = BL_MISSED;
        missed.wanted = missed.row.title;
        missed.row.title = missed.row.plain_title = missed.row.url
            = (struct bl_span){ NULL, 0 };
        missed.n_runners = 0;
        bl_shown_add(shown, &missed);
    }
    if (shown->n && placed)
        qsort(shown->v, shown->n, sizeof(struct bl_seen *), by_start);
}
