/* SPDX-License-Identifier: MIT */
/* fuzz-eval: any lines as answers to be judged, and, behind the byte FF, as a
 * map of labels.  Each case is found again by its key; every figure is a
 * share, and no interval leaves its bounds. */
#include <math.h>

#include "catalogue.h"
#include "eval/judge.h"
#include "eval/label-map.h"
#include "feed.h"

enum { FIGURES = 64, ROUNDS = 3 };

static struct bl_label_map *read_map(struct bl_span text,
                                     struct bl_arena *arena)
{
    struct bl_label_map *map = bl_label_map_new();
    struct bl_record record = { 0 };
    struct bl_span line;
    struct bl_err err;

    while (feed_line(&text, &line))
        if (bl_record_parse(&record, line, 1, &err) == 0)
            (void)bl_label_map_add(map, catalogue_open(), &record, arena,
                                   &err);
    bl_label_map_sort(map);
    CHECK(bl_label_map_missing(map) <= bl_label_map_count(map));
    bl_record_free(&record);
    return map;
}

static void read_cases(struct bl_cases *all, struct bl_span text,
                       const struct bl_label_map *map, struct bl_arena *arena)
{
    struct bl_record record = { 0 };
    struct bl_span line;
    struct bl_case one;
    size_t number = 0;
    struct bl_err err;

    while (feed_line(&text, &line)) {
        if (bl_record_parse(&record, line, ++number, &err) < 0
            || bl_case_read(&one, &record, arena, &err) < 0)
            continue;
        if (one.gold)
            (void)bl_label_map_find(map, one.gold);
        if (bl_case_judge(&one, &record, arena, &err) < 0
            || bl_case_group(&one, &record, "group", arena, &err) < 0)
            bl_case_free(&one);
        else
            bl_cases_add(all, &one);
    }
    bl_record_free(&record);
}

static void count(struct bl_cases *all)
{
    struct bl_cutoffs cutoffs = { 0 };
    struct bl_tally tally = { 0 };
    struct bl_figure figures[FIGURES];
    double lo[FIGURES], hi[FIGURES];
    size_t n;

    bl_cases_sort(all);
    for (size_t i = 0; i < all->n; i++)
        CHECK(bl_cases_find(all, all->v[i].key));
    bl_cases_by_group(all);
    bl_cases_by_doc(all);
    bl_cases_tally(all, &cutoffs, &tally);
    n = bl_figures(&tally, &cutoffs, true, figures);
    CHECK(n <= FIGURES);
    bl_cases_bootstrap(all, &cutoffs, ROUNDS, 1, lo, hi);
    for (size_t i = 0; i < n; i++)
        CHECK(isnan(figures[i].value) || figures[i].value >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    struct bl_span lines = feed_piece(&f);
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_label_map *map = read_map(feed_piece(&f), &arena);
    struct bl_cases all = BL_CASES_INIT;

    read_cases(&all, lines, map, &arena);
    if (all.n)
        count(&all);
    bl_cases_free(&all);
    bl_label_map_free(map);
    bl_arena_free(&arena);
    return 0;
}
