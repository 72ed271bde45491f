/* SPDX-License-Identifier: MIT */
/*
 * A document's text is the one that was given, or is put together from the
 * contexts of its mentions, which overlap; what lies in none of them is a gap.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "json/candidates.h"
#include "view.h"

/* ---- One mention ---- */

#define LEAST .01               /* probability of a runner-up that is shown */

static bool is_answer(const struct bl_seen *seen,
                      const struct bl_candidate *candidate)
{
    return seen->row.id.p && bl_span_eq(candidate->id, seen->row.id);
}

/* Candidates are in the order of the last stage that scored them: of those
 * that have a probability the likeliest come first. */
static void read_runners(const struct bl_candidates *list,
                         struct bl_seen *seen)
{
    bool taken[64] = { false };
    size_t n = BL_MIN(list->n, BL_COUNT(taken));

    while (seen->n_runners < BL_RUNNERS_UP) {
        struct bl_runner *runner = &seen->runners[seen->n_runners];
        size_t best = n;

        for (size_t i = 0; i < n; i++)
            if (!taken[i] && !is_answer(seen, &list->v[i])
                && (best == n || list->v[i].p > list->v[best].p))
                best = i;
        /* Those behind the first 1 % of doubt would only be noise. */
        if (best == n || list->v[best].p < LEAST)
            return;
        taken[best] = true;
        runner->title = list->v[best].title.p ? list->v[best].title
            : list->v[best].id;
        runner->p[0] = '\0';
        if (list->v[best].p >= 0 && list->v[best].p <= 1)
            bl_driver_put_p(runner->p, list->v[best].p);
        seen->n_runners++;
    }
}

int bl_seen_read(const struct bl_record *record, struct bl_arena *arena,
                 struct bl_seen *seen, struct bl_err *err)
{
    struct bl_candidates others = { .n = 0 };
    struct bl_span list;
    int got;

    *seen = (struct bl_seen){ .left = BL_SPAN_LIT(""),
        .right = BL_SPAN_LIT(""), .start = -1, .end = -1 };
    if (bl_driver_row(record, arena, &seen->row, err) < 0
        || bl_record_string_opt(record, "context_left", arena, &seen->left,
                                err) < 0
        || bl_record_string_opt(record, "context_right", arena, &seen->right,
                                err) < 0
        || bl_record_integer_opt(record, "start", 0, INT32_MAX, &seen->start,
                                 err) < 0
        || bl_record_integer_opt(record, "end", 0, INT32_MAX, &seen->end,
                                 err) < 0
        || bl_record_string_opt(record, "type", arena, &seen->row.type,
                                err) < 0)
        return -1;
    if (seen->start < 0 || seen->end < seen->start)
        seen->start = seen->end = -1;
    /* Records of other linkers may come without candidates: then no runners-up
     * are shown. */
    got = bl_record_get(record, "candidates", &list, err);
    if (got < 0
        || (got && bl_candidates_read(record, arena, &others, err) < 0))
        return -1;
    read_runners(&others, seen);
    return 0;
}

/* ---- One document ---- */

void bl_shown_free(struct bl_shown *shown)
{
    bl_arena_free(&shown->arena);
    free(shown->v);
}

void bl_shown_clear(struct bl_shown *shown)
{
    bl_arena_reset(&shown->arena);
    shown->n = 0;
    shown->number++;
    shown->name = BL_SPAN_LIT("");
    shown->text = (struct bl_span){ NULL, 0 };
    shown->open = false;
}

static struct bl_span doc_of(const struct bl_seen *seen)
{
    return seen->row.doc.p ? seen->row.doc : BL_SPAN_LIT("");
}

bool bl_shown_is_other(const struct bl_shown *shown,
                       const struct bl_seen *seen)
{
    const struct bl_seen *last = shown->n ? shown->v[shown->n - 1] : NULL;

    if (!shown->open || !last)
        return shown->open && !bl_span_eq(shown->name, doc_of(seen));
    return !bl_span_eq(shown->name, doc_of(seen)) || last->start < 0
        || seen->start < last->start;
}

void bl_shown_add(struct bl_shown *shown, const struct bl_seen *seen)
{
    struct bl_arena *arena = &shown->arena;
    struct bl_seen *copy = bl_arena_alloc(arena, 1, sizeof *copy);
    struct bl_link_row *row = &copy->row;

    *copy = *seen;
    row->doc = bl_arena_copy(arena, row->doc);
    row->mention = bl_arena_copy(arena, row->mention);
    row->id = bl_arena_copy(arena, row->id);
    row->title = bl_arena_copy(arena, row->title);
    row->plain_title = bl_arena_copy(arena, row->plain_title);
    row->url = bl_arena_copy(arena, row->url);
    row->type = bl_arena_copy(arena, row->type);
    row->source = bl_arena_copy(arena, row->source);
    copy->left = bl_arena_copy(arena, copy->left);
    copy->right = bl_arena_copy(arena, copy->right);
    copy->wanted = bl_arena_copy(arena, copy->wanted);
    for (size_t i = 0; i < copy->n_runners; i++)
        copy->runners[i].title = bl_arena_copy(arena, copy->runners[i].title);
    if (!shown->open)
        shown->name = bl_arena_copy(arena, doc_of(seen));
    shown->open = true;
    BL_GROW(shown->v, shown->n + 1, shown->cap);
    shown->v[shown->n++] = copy;
}

void bl_shown_set_text(struct bl_shown *shown, struct bl_span name,
                       struct bl_span text)
{
    shown->name = bl_arena_copy(&shown->arena, name);
    shown->text = bl_arena_copy(&shown->arena, text);
    shown->open = true;
}

/* ---- Walking over it ---- */

/* Bytes of the first n code points. */
static size_t bytes_of(struct bl_span text, int64_t n)
{
    size_t i = 0;
    unsigned len;

    for (; n > 0 && i < text.n; n--, i += len)
        bl_utf8_decode(text.p + i, text.n - i, &len);
    return i;
}

static int64_t points_of(struct bl_span text)
{
    int64_t n = 0;
    unsigned len;

    for (size_t i = 0; i < text.n; i += len, n++)
        bl_utf8_decode(text.p + i, text.n - i, &len);
    return n;
}

static void put(const struct bl_walk *walk, struct bl_span text)
{
    if (text.n)
        walk->text(walk->ctx, text);
}

/* The text is there: mentions only have places in it. */
static void walk_text(const struct bl_shown *shown, const struct bl_walk *walk)
{
    struct bl_span rest = shown->text;
    int64_t at = 0;

    for (size_t i = 0; i < shown->n; i++) {
        const struct bl_seen *seen = shown->v[i];
        size_t n;

        if (seen->start < at)
            continue;
        n = bytes_of(rest, seen->start - at);
        put(walk, (struct bl_span){ rest.p, n });
        rest = (struct bl_span){ rest.p + n, rest.n - n };
        walk->mention(walk->ctx, seen, i + 1);
        n = bytes_of(rest, seen->end - seen->start);
        rest = (struct bl_span){ rest.p + n, rest.n - n };
        at = seen->end;
    }
    put(walk, rest);
}

/* The text up to the mention: first what the mention before had to its right,
 * then of this one's left what is behind that.  Returns where that ends. */
static int64_t walk_between(const struct bl_walk *walk, struct bl_span ahead,
                            int64_t at, const struct bl_seen *seen)
{
    struct bl_span left = seen->left;
    int64_t known = points_of(ahead), from = seen->start - points_of(left);
    size_t n = bytes_of(ahead, seen->start - at);

    put(walk, (struct bl_span){ ahead.p, n });
    at += BL_MIN(known, seen->start - at);
    if (from > at) {
        walk->gap(walk->ctx);
        at = from;
    }
    n = bytes_of(left, at - from);
    put(walk, (struct bl_span){ left.p + n, left.n - n });
    return seen->end;
}

static void walk_contexts(const struct bl_shown *shown,
                          const struct bl_walk *walk)
{
    struct bl_span ahead = BL_SPAN_LIT("");
    int64_t at = 0;

    for (size_t i = 0; i < shown->n; i++) {
        const struct bl_seen *seen = shown->v[i];

        /* Without a place a mention is a document of its own. */
        if (seen->start < 0)
            put(walk, seen->left);
        else if (seen->start < at)
            continue;
        else
            at = walk_between(walk, ahead, at, seen);
        walk->mention(walk->ctx, seen, i + 1);
        ahead = seen->right;
    }
    put(walk, ahead);
}

/* Every mention stands where it says: the text is that of its document. */
static bool is_its_text(const struct bl_shown *shown)
{
    struct bl_span rest = shown->text;
    int64_t at = 0;

    for (size_t i = 0; i < shown->n; i++) {
        const struct bl_seen *seen = shown->v[i];
        struct bl_span mention = seen->row.mention;
        size_t n;

        if (seen->start < at)
            return false;
        n = bytes_of(rest, seen->start - at);
        rest = (struct bl_span){ rest.p + n, rest.n - n };
        at = seen->start;
        if (rest.n < mention.n || memcmp(rest.p, mention.p, mention.n)
            || points_of(mention) != seen->end - seen->start)
            return false;
    }
    return true;
}

void bl_shown_walk(const struct bl_shown *shown, const struct bl_walk *walk)
{
    if (shown->text.p && is_its_text(shown))
        walk_text(shown, walk);
    else
        walk_contexts(shown, walk);
}
