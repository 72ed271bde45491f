/* SPDX-License-Identifier: MIT */
/* fuzz-rank: any text as a calibration (nothing: the default), any line as a
 * record whose candidates are read, ranked and written.  A calibration reads
 * back as it was written; probabilities add up to 1; the list that is
 * written has the same candidates.  The same record as one of a part. */
#include <math.h>

#include "feed.h"
#include "link/part.h"
#include "link/rank.h"

static void calibrate(struct bl_span text, struct bl_calibration *c)
{
    struct bl_calibration_origin origin;
    struct bl_calibration again;
    struct bl_buf b = BL_BUF_INIT;
    struct bl_err err = { .code = BL_OK };
    char *path = feed_file_of("c.json", text);

    if (bl_calibration_origin(&origin, path, &err) < 0)
        CHECK(err.code == BL_DATA);
    if (bl_calibration_read(c, path, &err) < 0) {
        CHECK(err.code == BL_DATA);
        *c = bl_calibration_default();
    }
    bl_calibration_put(&b, c, BL_SPAN_LIT("{}"));
    feed_remove(path);
    path = feed_file("c.json", b.data, b.len);
    CHECK(bl_calibration_read(&again, path, &err) == 0);
    for (size_t i = 0; i < BL_N_PROFILES; i++) {
        for (size_t k = 0; k < BL_N_FEATURES; k++)
            CHECK(again.profile[i].rank[k] == c->profile[i].rank[k]
                  && again.small[i].rank[k] == c->small[i].rank[k]);
        for (size_t k = 0; k < BL_N_NIL_FEATURES; k++)
            CHECK(again.profile[i].nil[k] == c->profile[i].nil[k]
                  && again.small[i].nil[k] == c->small[i].nil[k]);
    }
    feed_remove(path);
    bl_buf_free(&b);
}

static void rank(const struct bl_calibration *c, const struct bl_record *r,
                 struct bl_arena *arena)
{
    unsigned all = BL_PUT_SCORE | BL_PUT_CROSS | BL_PUT_P | BL_PUT_CROSS_P;
    struct bl_span mention = { "", 0 };
    struct bl_candidates list;
    struct bl_buf b = BL_BUF_INIT;
    struct bl_json_iter it;
    struct bl_span one;
    double sum;
    size_t n = 0;

    if (bl_candidates_read(r, arena, &list, NULL) < 0)
        return;
    (void)bl_record_string_opt(r, "mention", arena, &mention, NULL);
    sum = bl_rank(c, mention, NULL, &list);
    for (size_t i = 0; i < list.n; i++) {
        CHECK(list.v[i].p >= 0 && list.v[i].p <= 1);
        sum += list.v[i].p;
        list.v[i].cross_p = list.v[i].p;
    }
    CHECK(fabs(sum - 1) < 1e-9);
    bl_candidates_sort(&list);
    for (size_t i = 1; i < list.n; i++)
        CHECK(!(list.v[i].score > list.v[i - 1].score));
    bl_candidates_put(&b, &list, all);
    CHECK(bl_json_check(b.data, b.len, NULL) == 0);
    it = bl_json_iter((struct bl_span){ b.data, b.len });
    while (bl_json_next(&it, NULL, &one))
        n++;
    CHECK(n == list.n);
    bl_buf_free(&b);
}

/* The field of a part is read as it was written; of one part alone the list
 * loses candidates but gains none. */
static void merge(const struct bl_record *r, struct bl_arena *arena)
{
    struct bl_candidates list, merged;
    struct bl_part part, again;
    struct bl_buf b = BL_BUF_INIT;
    struct bl_record whole = { 0 };

    if (bl_candidates_read(r, arena, &list, NULL) < 0
        || bl_part_read(r, arena, list.n, &part, NULL) < 0)
        return;
    bl_part_merge(&part, &list, 1, arena, &merged);
    CHECK(merged.n <= list.n);
    bl_buf_puts(&b, "{\"part\":");
    bl_part_put(&b, &part);
    bl_buf_putc(&b, '}');
    CHECK(bl_record_parse(&whole, (struct bl_span){ b.data, b.len }, 1, NULL)
          == 0);
    CHECK(bl_part_read(&whole, arena, list.n, &again, NULL) == 0);
    CHECK(again.here.sum == part.here.sum && again.k == part.k
          && again.all.n == part.all.n);
    (void)bl_part_check(&part, 1, false, NULL);
    bl_record_free(&whole);
    bl_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    struct bl_span text = feed_piece(&f);
    struct bl_calibration c = bl_calibration_default();
    struct bl_record record = { 0 };
    struct bl_arena arena = BL_ARENA_INIT;

    if (text.n)
        calibrate(text, &c);
    if (bl_record_parse(&record, feed_piece(&f), 1, NULL) == 0) {
        rank(&c, &record, &arena);
        merge(&record, &arena);
    }
    bl_record_free(&record);
    bl_arena_free(&arena);
    return 0;
}
