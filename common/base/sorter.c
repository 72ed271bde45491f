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
    struct bl_sorter *sorter = BL_NEW(struct bl_sorter);

    sorter->cap = memory / 2 / sizeof *sorter->item + 1;
    sorter->cap_text = memory / 2 + 1;
    sorter->spool = bl_spool_new(beside);
    return sorter;
}

static void end_runs(struct bl_sorter *sorter)
{
    for (size_t i = 0; i < sorter->n_runs; i++)
        bl_cursor_end(&sorter->run[i].cursor);
}

void bl_sorter_free(struct bl_sorter *sorter)
{
    if (!sorter)
        return;
    end_runs(sorter);
    free(sorter->run);
    free(sorter->text);
    free(sorter->item);
    bl_buf_free(&sorter->key);
    bl_spool_free(sorter->spool);
    free(sorter);
}

/* ---- In memory ---- */

static uint64_t prefix_of(const char *text, size_t length)
{
    uint64_t prefix = 0;

    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < length ? (unsigned char)text[i] : 0);
    return prefix;
}

static int compare_items(const struct item *left, const struct item *right)
{
    size_t shorter = BL_MIN(left->n, right->n);
    int order;

    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    order = shorter ? memcmp(left->p, right->p, shorter) : 0;
    return order ? order : (left->n > right->n) - (left->n < right->n);
}

static int by_text(const void *left, const void *right)
{
    return compare_items(left, right);
}

/* Sorts what is in memory and joins equal strings. */
static void sort_items(struct bl_sorter *sorter)
{
    size_t kept = 0;

    if (sorter->n)
        qsort(sorter->item, sorter->n, sizeof *sorter->item, by_text);
    for (size_t i = 0; i < sorter->n; i++) {
        if (kept
            && compare_items(&sorter->item[kept - 1], &sorter->item[i]) == 0)
            sorter->item[kept - 1].count += sorter->item[i].count;
        else
            sorter->item[kept++] = sorter->item[i];
    }
    sorter->n = kept;
}

/* Writes what is in memory as one sorted run.  Equal strings are joined
 * first, which is where most of them go in a dump's names. */
static int spill(struct bl_sorter *sorter, struct bl_err *err)
{
    struct run run = { .at = bl_spool_size(sorter->spool) };

    sort_items(sorter);
    for (size_t i = 0; i < sorter->n; i++) {
        const struct item *item = &sorter->item[i];

        if (bl_spool_put_number(sorter->spool, item->count, err) < 0
            || bl_spool_put_span(sorter->spool,
                                 (struct bl_span){ item->p, item->n },
                                 err) < 0)
            return -1;
    }
    run.end = bl_spool_size(sorter->spool);
    BL_GROW(sorter->run, sorter->n_runs + 1, sorter->cap_runs);
    sorter->run[sorter->n_runs++] = run;
    sorter->n = sorter->n_text = 0;
    return 0;
}

int bl_sorter_add(struct bl_sorter *sorter, struct bl_span key, uint64_t count,
                  struct bl_err *err)
{
    char *copy;

    BL_ASSERT(!sorter->started && key.n <= UINT32_MAX);
    if (!sorter->item) {             /* an unused sorter costs nothing */
        sorter->item = bl_xmalloc(sorter->cap, sizeof *sorter->item);
        sorter->text = bl_xmalloc(sorter->cap_text, 1);
    }
    if ((sorter->n == sorter->cap || key.n > sorter->cap_text - sorter->n_text)
        && spill(sorter, err) < 0)
        return -1;
    if (key.n > sorter->cap_text) {
        sorter->cap_text = key.n;
        sorter->text = bl_xrealloc(sorter->text, key.n, 1);
    }
    copy = sorter->text + sorter->n_text;
    if (key.n)
        memcpy(copy, key.p, key.n);
    sorter->n_text += key.n;
    sorter->item[sorter->n++] = (struct item){ prefix_of(key.p, key.n), count,
                                               copy, (uint32_t)key.n };
    return 0;
}

/* ---- Merging ---- */

/* 1 with the head of the run, 0 at its end. */
static int step(struct run *run, struct bl_err *err)
{
    struct bl_span text;
    int rc = bl_cursor_number(&run->cursor, &run->head.count, err);

    if (rc <= 0)
        return rc;
    rc = bl_cursor_span(&run->cursor, &text, err);
    if (rc <= 0)
        return rc;
    run->head.p = text.p;
    run->head.n = (uint32_t)text.n;
    run->head.prefix = prefix_of(text.p, text.n);
    return 1;
}

/* Moves a run down to its place in the heap, whose top is the run with the
 * smallest head. */
static void sift(struct bl_sorter *sorter, size_t place)
{
    struct run run = sorter->run[place];

    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < sorter->live
            && compare_items(&sorter->run[child + 1].head,
                             &sorter->run[child].head) < 0)
            child++;
        if (child >= sorter->live
            || compare_items(&sorter->run[child].head, &run.head) >= 0)
            break;
        sorter->run[place] = sorter->run[child];
        place = child;
    }
    sorter->run[place] = run;
}

/* Reads the heads; runs that are empty go behind the heap. */
static int start_runs(struct bl_sorter *sorter, struct bl_err *err)
{
    end_runs(sorter);
    sorter->live = sorter->n_runs;
    for (size_t i = 0; i < sorter->live; ) {
        struct run *run = &sorter->run[i];
        int rc;

        bl_cursor_start(&run->cursor, sorter->spool, run->at, run->end,
                        RUN_BUFFER);
        rc = step(run, err);
        if (rc < 0)
            return -1;
        if (rc == 1) {
            i++;
            continue;
        }
        struct run empty = *run;

        *run = sorter->run[--sorter->live];
        sorter->run[sorter->live] = empty;
        bl_cursor_end(&sorter->run[sorter->live].cursor);
    }
    for (size_t i = sorter->live / 2; i-- > 0; )
        sift(sorter, i);
    return 0;
}

/* All fits in memory: no file is made.  Otherwise the last strings become a
 * run too, and their memory is given back before the merge takes a buffer for
 * each run.  A second start reads the same runs again. */
int bl_sorter_start(struct bl_sorter *sorter, struct bl_err *err)
{
    sorter->next = 0;
    if (!sorter->started) {
        sorter->started = true;
        if (sorter->n_runs == 0) {
            sort_items(sorter);
            return 0;
        }
        if (spill(sorter, err) < 0)
            return -1;
        free(sorter->text);
        free(sorter->item);
        sorter->text = NULL;
        sorter->item = NULL;
        if (bl_spool_flush(sorter->spool, err) < 0)
            return -1;
    }
    return sorter->n_runs ? start_runs(sorter, err) : 0;
}

static int advance(struct bl_sorter *sorter, struct bl_err *err)
{
    int rc = step(&sorter->run[0], err);

    if (rc < 0)
        return -1;
    if (rc == 0) {
        struct run done = sorter->run[0];

        sorter->run[0] = sorter->run[--sorter->live];
        sorter->run[sorter->live] = done;
    }
    if (sorter->live)
        sift(sorter, 0);
    return 0;
}

/* The string is copied before its run goes on: a step overwrites the buffer
 * that the head points into. */
static int next_merged(struct bl_sorter *sorter, uint64_t *sum,
                       struct bl_err *err)
{
    struct item key;

    if (sorter->live == 0)
        return 0;
    bl_buf_clear(&sorter->key);
    bl_buf_put(&sorter->key, sorter->run[0].head.p, sorter->run[0].head.n);
    key = sorter->run[0].head;
    key.p = sorter->key.data;
    *sum = 0;
    while (sorter->live && compare_items(&sorter->run[0].head, &key) == 0) {
        *sum += sorter->run[0].head.count;
        if (advance(sorter, err) < 0)
            return -1;
    }
    return 1;
}

int bl_sorter_next(struct bl_sorter *sorter, struct bl_span *key,
                   uint64_t *sum, struct bl_err *err)
{
    int rc;

    if (sorter->n_runs) {
        rc = next_merged(sorter, sum, err);
        *key = (struct bl_span){ sorter->key.data, sorter->key.len };
        return rc;
    }
    if (sorter->next == sorter->n)
        return 0;
    *key = (struct bl_span){ sorter->item[sorter->next].p,
                             sorter->item[sorter->next].n };
    *sum = sorter->item[sorter->next++].count;
    return 1;
}
