/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/mem.h"
#include "view.h"

struct bl_summary {
    struct bl_totals totals;
    struct bl_arena arena;      /* of all texts and totals */
    struct bl_intern *keys;
    struct bl_total **of_key;   /* [keys] */
    size_t cap_keys, cap_entities, cap_names, cap_documents;
    struct bl_buf key;
};

struct bl_summary *bl_summary_new(void)
{
    struct bl_summary *summary = BL_NEW(struct bl_summary);

    summary->keys = bl_intern_new();
    return summary;
}

void bl_summary_free(struct bl_summary *summary)
{
    bl_intern_free(summary->keys);
    free(summary->of_key);
    bl_arena_free(&summary->arena);
    bl_buf_free(&summary->key);
    free(summary->totals.entities);
    free(summary->totals.names);
    free(summary->totals.documents_named);
    free(summary);
}

static struct bl_total *new_total(struct bl_summary *summary,
                                  const struct bl_seen *seen)
{
    struct bl_total *total = bl_arena_alloc(&summary->arena, 1, sizeof *total);
    struct bl_totals *all = &summary->totals;

    *total = (struct bl_total){
        .title = bl_arena_copy(&summary->arena, seen->row.plain_title),
        .url = bl_arena_copy(&summary->arena, seen->row.url)
    };
    if (seen->row.title.p) {
        BL_GROW(all->entities, all->n_entities + 1, summary->cap_entities);
        all->entities[all->n_entities++] = total;
    } else {
        BL_GROW(all->names, all->n_names + 1, summary->cap_names);
        all->names[all->n_names++] = total;
    }
    return total;
}

static struct bl_total *total_of(struct bl_summary *summary,
                                 const struct bl_seen *seen)
{
    size_t known = bl_intern_count(summary->keys);
    uint32_t number;

    bl_driver_key(&seen->row, &summary->key);
    number = bl_intern_add(summary->keys, (struct bl_span){
        summary->key.data, summary->key.len });
    if (number == known) {
        BL_GROW(summary->of_key, known + 1, summary->cap_keys);
        summary->of_key[number] = new_total(summary, seen);
        summary->of_key[number]->key = bl_intern_text(summary->keys, number);
    }
    return summary->of_key[number];
}

static void add_form(struct bl_summary *summary, struct bl_total *total,
                     struct bl_span mention)
{
    for (size_t i = 0; i < total->n_forms; i++)
        if (bl_span_eq(total->forms[i], mention))
            return;
    if (total->n_forms < BL_COUNT(total->forms))
        total->forms[total->n_forms++] = bl_arena_copy(&summary->arena,
                                                       mention);
}

void bl_summary_add(struct bl_summary *summary, const struct bl_shown *shown)
{
    struct bl_totals *all = &summary->totals;

    BL_GROW(all->documents_named, all->documents + 1, summary->cap_documents);
    all->documents_named[all->documents++] = bl_arena_copy(&summary->arena,
                                                           shown->name);
    for (size_t i = 0; i < shown->n; i++) {
        const struct bl_seen *seen = shown->v[i];
        struct bl_total *total;

        all->verdicts[seen->verdict]++;
        if (seen->verdict == BL_MISSED)
            continue;           /* no answer of ours */
        total = total_of(summary, seen);
        total->count++;
        add_form(summary, total, seen->row.mention);
        all->mentions++;
        all->linked += seen->row.title.p != NULL;
        all->none += seen->row.title.p == NULL;
        all->unsure += seen->row.unsure;
        all->by_name += seen->row.by_name;
    }
}

/* Equal counts by key, so that a page is the same each time. */
static int by_count(const void *left, const void *right)
{
    const struct bl_total *a = *(struct bl_total *const *)left;
    const struct bl_total *b = *(struct bl_total *const *)right;

    int way = memcmp(a->key.p, b->key.p, BL_MIN(a->key.n, b->key.n));

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return way ? way : (a->key.n > b->key.n) - (a->key.n < b->key.n);
}

const struct bl_totals *bl_summary_totals(struct bl_summary *summary)
{
    struct bl_totals *all = &summary->totals;

    if (all->n_entities)
        qsort(all->entities, all->n_entities, sizeof *all->entities, by_count);
    if (all->n_names)
        qsort(all->names, all->n_names, sizeof *all->names, by_count);
    return all;
}
