/* SPDX-License-Identifier: MIT */
/* train-bi: the verb "bi" of blink-train. */
#include "config.h"

#include "train-bi.h"

#include <stdlib.h>

#include "kb.h"
#include "mem.h"
#include "train.h"

static void check_opts(void)
{
    if (o.run.recipe == BL_RECIPE_BLINK && o.negatives)
        bl_die_usage("BLINK's recipe has no mined negatives");
    if (o.run.recipe == BL_RECIPE_BLINK && o.freeze)
        bl_die_usage("BLINK's recipe freezes by --groups, not by --freeze");
}

/* One length for all vectors wants scores spread out. */
static double temperature(const struct bl_train_setup *s)
{
    if (o.temperature > 0)
        return o.temperature;
    return s->net->view.normalize ? 0.05 : 1;
}

int bl_verb_bi(void)
{
    struct bl_train_setup setup;
    struct bl_train_wish wish;
    struct bl_train_bi_opts bo;
    struct bl_train_bi_task b = { .opts = &bo, .common = &o.run };
    struct bl_task task;
    struct bl_kb *kb;
    char *digests;
    int status;

    check_opts();
    kb = bl_verb_catalogue();
    b.train = bl_verb_examples(o.train, kb, o.others);
    b.dev = bl_verb_examples(o.dev, kb, o.others);
    bl_verb_wish(&wish, BL_ROLE_BI_ENCODER);
    bl_verb_start(&setup, &wish);
    bo = (struct bl_train_bi_opts){ .temperature = temperature(&setup),
        .negatives = o.negatives, .others = o.others, .pool = o.pool,
        .eval_batch = o.eval_batch };
    b.net = setup.net;
    b.api = setup.api;
    b.handle = setup.handle;
    bl_train_bi_task(&b, &task);
    digests = bl_verb_digests(b.train, b.dev, kb);
    status = bl_verb_run(&setup, &task, digests);
    free(digests);
    bl_train_bi_release(&b);
    bl_train_setup_free(&setup);
    bl_examples_free(b.train);
    bl_examples_free(b.dev);
    bl_kb_close(kb);
    return status;
}
