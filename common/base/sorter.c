/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spool.h"

enum { RUN_BUFFER = 1 << 16 };

/* A string in memory; prefix: its first 8 bytes as a number, which decides
 * most comparisons without a look at the string. */
struct item {
    uint64_t prefix, count;
    const char *p;
    uint32_t n;
};

/* Where a sorted run lies, and reading it. */
struct run {
    uint64_t at, end;
    struct bl_cursor cursor;
    struct item head;
};

struct bl_sorter {
    char *text;                 /* [cap_text], strings one after another */
    size_t n_text, cap_text;
    struct item *item;          /* [cap] */
    size_t n, cap, next;
    struct bl_spool *spool;
    struct run *run;            /* [n_runs]; a heap of `live` while merging */
    size_t n_runs, cap_runs, live;
    struct bl_buf key;          /* the one given out last */
    bool started;
};

struct bl_sorter *bl_sorter_new(size_t memory, const char *beside)
{
    struct bl_sorter *s = BL_NEW(struct bl_sorter);

    s->cap = memory / 2 / sizeof *s->item + 1;
    s->cap_text = memory / 2 + 1;
    s->spool = bl_spool_new(beside);
    return s;
}

static void end_runs(struct bl_sorter *s)
{
    for (size_t i = 0; i < s->n_runs; i++)
        bl_cursor_end(&s->run[i].cursor);
}

void bl_sorter_free(struct bl_sorter *s)
{
    if (!s)
        return;
    end_runs(s);
    free(s->run);
    free(s->text);
    free(s->item);
    bl_buf_free(&s->key);
    bl_spool_free(s->spool);
    free(s);
}

/* ---- In memory ---- */

static uint64_t prefix_of(const char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (i < n ? (unsigned char)p[i] : 0);
    return v;
}

static int compare_items(const struct item *a, const struct item *b)
{
    size_t n = BL_MIN(a->n, b->n);
    int c;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    c = n ? memcmp(a->p, b->p, n) : 0;
    return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int by_text(const void *a, const void *b)
{
    return compare_items(a, b);
}

/* Sorts what is in memory and joins equal strings. */
static void sort_items(struct bl_sorter *s)
{
    size_t kept = 0;

    if (s->n)
        qsort(s->item, s->n, sizeof *s->item, by_text);
    for (size_t i = 0; i < s->n; i++) {
        if (kept && compare_items(&s->item[kept - 1], &s->item[i]) == 0)
            s->item[kept - 1].count += s->item[i].count;
        else
            s->item[kept++] = s->item[i];
    }
    s->n = kept;
}

static int spill(struct bl_sorter *s, struct bl_err *err)
{
    struct run r = { .at = bl_spool_size(s->spool) };

    sort_items(s);
    for (size_t i = 0; i < s->n; i++) {
        const struct item *it = &s->item[i];

        if (bl_spool_put_number(s->spool, it->count, err) < 0
            || bl_spool_put_span(s->spool, (struct bl_span){ it->p, it->n },
                                 err) < 0)
            return -1;
    }
    r.end = bl_spool_size(s->spool);
    BL_GROW(s->run, s->n_runs + 1, s->cap_runs);
    s->run[s->n_runs++] = r;
    s->n = s->n_text = 0;
    return 0;
}

int bl_sorter_add(struct bl_sorter *s, struct bl_span key, uint64_t count,
                  struct bl_err *err)
{
    char *p;

    BL_ASSERT(!s->started && key.n <= UINT32_MAX);
    if (!s->item) {             /* an unused sorter costs nothing */
        s->item = bl_xmalloc(s->cap, sizeof *s->item);
        s->text = bl_xmalloc(s->cap_text, 1);
    }
    if ((s->n == s->cap || key.n > s->cap_text - s->n_text)
        && spill(s, err) < 0)
        return -1;
    if (key.n > s->cap_text) {
        s->cap_text = key.n;
        s->text = bl_xrealloc(s->text, key.n, 1);
    }
    p = s->text + s->n_text;
    if (key.n)
        memcpy(p, key.p, key.n);
    s->n_text += key.n;
    s->item[s->n++] = (struct item){ prefix_of(key.p, key.n), count, p,
                                     (uint32_t)key.n };
    return 0;
}

/* ---- Merging ---- */

/* 1 with the head of the run, 0 at its end. */
static int step(struct run *r, struct bl_err *err)
{
    struct bl_span v;
    int rc = bl_cursor_number(&r->cursor, &r->head.count, err);

    if (rc <= 0)
        return rc;
    rc = bl_cursor_span(&r->cursor, &v, err);
    if (rc <= 0)
        return rc;
    r->head.p = v.p;
    r->head.n = (uint32_t)v.n;
    r->head.prefix = prefix_of(v.p, v.n);
    return 1;
}

static void sift(struct bl_sorter *s, size_t i)
{
    struct run r = s->run[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < s->live && compare_items(&s->run[child + 1].head,
                                                 &s->run[child].head) < 0)
            child++;
        if (child >= s->live
            || compare_items(&s->run[child].head, &r.head) >= 0)
            break;
        s->run[i] = s->run[child];
        i = child;
    }
    s->run[i] = r;
}

/* Reads the heads; runs that are empty go behind the heap. */
static int start_runs(struct bl_sorter *s, struct bl_err *err)
{
    end_runs(s);
    s->live = s->n_runs;
    for (size_t i = 0; i < s->live; ) {
        struct run *r = &s->run[i];
        int rc;

        bl_cursor_start(&r->cursor, s->spool, r->at, r->end, RUN_BUFFER);
        rc = step(r, err);
        if (rc < 0)
            return -1;
        if (rc == 1) {
            i++;
            continue;
        }
        struct run empty = *r;

        *r = s->run[--s->live];
        s->run[s->live] = empty;
        bl_cursor_end(&s->run[s->live].cursor);
    }
    for (size_t i = s->live / 2; i-- > 0; )
        sift(s, i);
    return 0;
}

int bl_sorter_start(struct bl_sorter *s, struct bl_err *err)
{
    s->next = 0;
    if (!s->started) {
        s->started = true;
        if (s->n_runs == 0) {
            sort_items(s);
            return 0;
        }
        if (spill(s, err) < 0)
            return -1;
        free(s->text);
        free(s->item);
        s->text = NULL;
        s->item = NULL;
        if (bl_spool_flush(s->spool, err) < 0)
            return -1;
    }
    return s->n_runs ? start_runs(s, err) : 0;
}

static int advance(struct bl_sorter *s, struct bl_err *err)
{
    int rc = step(&s->run[0], err);

    if (rc < 0)
        return -1;
    if (rc == 0) {
        struct run done = s->run[0];

        s->run[0] = s->run[--s->live];
        s->run[s->live] = done;
    }
    if (s->live)
        sift(s, 0);
    return 0;
}

static int next_merged(struct bl_sorter *s, uint64_t *sum,
                       struct bl_err *err)
{
    struct item key;

    if (s->live == 0)
        return 0;
    bl_buf_clear(&s->key);
    bl_buf_put(&s->key, s->run[0].head.p, s->run[0].head.n);
    key = s->run[0].head;
    key.p = s->key.data;
    *sum = 0;
    while (s->live && compare_items(&s->run[0].head, &key) == 0) {
        *sum += s->run[0].head.count;
        if (advance(s, err) < 0)
            return -1;
    }
    return 1;
}

int bl_sorter_next(struct bl_sorter *s, struct bl_span *key, uint64_t *sum,
                   struct bl_err *err)
{
    int rc;

    if (s->n_runs) {
        rc = next_merged(s, sum, err);
        *key = (struct bl_span){ s->key.data, s->key.len };
        return rc;
    }
    if (s->next == s->n)
        return 0;
    *key = (struct bl_span){ s->item[s->next].p, s->item[s->next].n };
    *sum = s->item[s->next++].count;
    return 1;
}
