/* SPDX-License-Identifier: MIT */
/* Labels, judged records and the sums made of them. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "eval/judge.h"
#include "eval/report.h"
#include "tap.h"

static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_err err;

static int judged(const char *line, struct bl_case *c)
{
    static struct bl_record r;
    int rc;

    bl_arena_reset(&arena);
    if (bl_record_parse(&r, bl_span_of(line), 3, &err) < 0
        || bl_case_read(c, &r, &arena, &err) < 0)
        return -1;
    rc = bl_case_judge(c, &r, &arena, &err);
    if (rc < 0)
        bl_case_free(c);
    return rc;
}

static void label(const char *line, enum bl_gold want, const char *id)
{
    struct bl_case c;

    ok(judged(line, &c) == 0 && c.judged.gold == want
       && !strcmp(c.gold ? c.gold : "-", id), "label of %s", line);
    bl_case_free(&c);
}

static void labels(void)
{
    struct bl_case c;

    label("{\"label_id\":12,\"candidates\":[]}", BL_GOLD_ENTITY, "12");
    label("{\"label_id\":\" 12\\t\",\"candidates\":[]}", BL_GOLD_ENTITY,
          "12");
    label("{\"label_id\":null,\"candidates\":[]}", BL_GOLD_NIL, "-");
    label("{}", BL_GOLD_NONE, "-");
    label("{\"label_id\":-1}", BL_GOLD_NONE, "-1");
    label("{\"label_id\":\"unknown\"}", BL_GOLD_NONE, "unknown");
    label("{\"label_id\":\"\"}", BL_GOLD_NONE, "");
    ok(judged("{\"label_id\":[]}", &c) < 0, "no list can be a label");
    is_str(err.msg, "field 'label_id': expected string or integer, found "
           "array", "and it says so");
    ok(judged("{\"label_id\":1}", &c) < 0, "a label needs an answer");
}

static void answer(const char *line, bool answered, bool right, size_t rank,
                   size_t bi)
{
    struct bl_case c;

    ok(judged(line, &c) == 0 && c.judged.answered == answered
       && c.judged.right == right && c.judged.list_rank == rank
       && c.judged.bi_rank == bi, "answer of %s", line);
    bl_case_free(&c);
}

static void answers(void)
{
    answer("{\"label_id\":2,\"candidates\":[{\"id\":\"1\",\"bi_score\":1},"
           "{\"id\":\"2\",\"bi_score\":3}]}", true, false, 1, 0);
    answer("{\"label_id\":\"2\",\"candidates\":[{\"id\":2}]}", true, true, 0,
           0);
    answer("{\"label_id\":2,\"entity\":{\"id\":\"2\"},\"candidates\":[]}",
           true, true, BL_NOT_FOUND, BL_NOT_FOUND);
    answer("{\"label_id\":2,\"entity\":{\"id\":\"2\"}}", true, true, 0, 0);
    answer("{\"label_id\":2,\"entity\":null,\"candidates\":[{\"id\":\"2\"}]}",
           false, false, 0, 0);
    answer("{\"label_id\":2,\"error\":{\"by\":\"x\"}}", false, false,
           BL_NOT_FOUND, BL_NOT_FOUND);
}

static double figure(const struct bl_tally *t, const struct bl_cutoffs *k,
                     const char *name)
{
    struct bl_figure f[BL_MAX_FIGURES];
    size_t n = bl_figures(t, k, t->docs > 0, f);

    for (size_t i = 0; i < n; i++)
        if (!strcmp(f[i].name, name))
            return f[i].value;
    return -1;
}

static void figures_are(const struct bl_tally *t, const struct bl_cutoffs *k,
                        const char *name, double want)
{
    double got = figure(t, k, name);

    ok(isnan(want) ? isnan(got) : fabs(got - want) < 1e-12, "%s: %g", name,
       got);
}

static void add(struct bl_cases *all, const char *line)
{
    struct bl_case c;

    if (judged(line, &c) == 0)
        bl_cases_add(all, &c);
}

/* Four mentions in two documents: right at once, right at two, not in the
 * list; and one without an entity that was answered all the same. */
static void sums(void)
{
    struct bl_cutoffs k = { { 1, 2, 3 }, 3, false };
    struct bl_cases all = BL_CASES_INIT;
    struct bl_tally t;
    double lo[BL_MAX_FIGURES], hi[BL_MAX_FIGURES];

    add(&all, "{\"doc\":\"a\",\"label_id\":1,\"candidates\":[{\"id\":1,"
        "\"bi_score\":2},{\"id\":2,\"bi_score\":1}]}");
    add(&all, "{\"doc\":\"b\",\"label_id\":2,\"candidates\":[{\"id\":1,"
        "\"bi_score\":2},{\"id\":2,\"bi_score\":1}]}");
    add(&all, "{\"doc\":\"a\",\"label_id\":9,\"candidates\":[{\"id\":1,"
        "\"bi_score\":2},{\"id\":2,\"bi_score\":1}]}");
    add(&all, "{\"doc\":\"a\",\"label_id\":null,\"candidates\":[{\"id\":1}]}");
    add(&all, "{\"doc\":\"a\",\"label_id\":-1}");
    bl_cases_by_doc(&all);
    bl_cases_tally(&all, &k, &t);
    ok(t.n == 3 && t.nil == 1 && t.unlabelled == 1 && t.docs == 2, "counts");
    figures_are(&t, &k, "accuracy", 1.0 / 3);
    figures_are(&t, &k, "recall_at_1", 1.0 / 3);
    figures_are(&t, &k, "recall_at_2", 2.0 / 3);
    figures_are(&t, &k, "recall_at_3", 2.0 / 3);
    figures_are(&t, &k, "normalized_accuracy", 0.5);
    figures_are(&t, &k, "unnormalized_accuracy", 1.0 / 3);
    figures_are(&t, &k, "in_catalogue", 0.75);
    figures_are(&t, &k, "in_kb_micro_precision", 0.25);
    figures_are(&t, &k, "in_kb_micro_recall", 1.0 / 3);
    figures_are(&t, &k, "nil_required_micro_f1", 0.25);
    figures_are(&t, &k, "in_kb_macro_precision", (1.0 / 3 + 0) / 2);
    figures_are(&t, &k, "ece", NAN);
    k.blink = true;
    figures_are(&t, &k, "recall_at_1", NAN);
    figures_are(&t, &k, "recall_at_2", 1.0 / 3);
    figures_are(&t, &k, "recall_at_3", 2.0 / 3);
    bl_cases_bootstrap(&all, &k, 200, 1, lo, hi);
    ok(lo[0] == 0 && hi[0] == 0.5, "interval %g-%g of documents", lo[0],
       hi[0]);
    bl_cases_free(&all);
}

static void matching(void)
{
    struct bl_cases all = BL_CASES_INIT;
    struct bl_case *c;

    add(&all, "{\"id\":\"x\",\"label_id\":1,\"candidates\":[]}");
    add(&all, "{\"id\":\"x\",\"label_id\":2,\"candidates\":[]}");
    add(&all, "{\"id\":5,\"doc\":\"d\",\"start\":1,\"end\":2}");
    add(&all, "{}");
    bl_cases_sort(&all);
    c = bl_cases_find(&all, "x");
    ok(c && !c->used, "found by id");
    if (c)
        c->used = true;
    c = bl_cases_find(&all, "x");
    ok(c && !c->used, "the next of the same id");
    if (c)
        c->used = true;
    ok(!bl_cases_find(&all, "x"), "and no third");
    ok(bl_cases_find(&all, "d\n1\n2") != NULL, "found by place");
    ok(bl_cases_find(&all, "3") != NULL, "found by line");
    bl_cases_free(&all);
}

static void confidence(void)
{
    struct bl_cutoffs k = { { 1 }, 1, false };
    struct bl_cases all = BL_CASES_INIT;
    struct bl_tally t;

    for (int i = 0; i < 4; i++)
        add(&all, i < 3
            ? "{\"label_id\":1,\"entity\":{\"id\":\"1\",\"p\":0.95}}"
            : "{\"label_id\":1,\"entity\":{\"id\":\"2\",\"p\":0.95}}");
    bl_cases_tally(&all, &k, &t);
    figures_are(&t, &k, "ece", 0.2);
    bl_cases_free(&all);
}

int main(void)
{
    labels();
    answers();
    sums();
    matching();
    confidence();
    bl_arena_free(&arena);
    return tap_done();
}
