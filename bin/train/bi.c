/* SPDX-License-Identifier: MIT */
/* The verb "bi" of blink-train. */
#include "config.h"

#include "train/train-bi.h"

#include <stdlib.h>
#include <string.h>

#include "search/index.h"
#include "kb/kb.h"
#include "base/mem.h"
#include "base/paths.h"
#include "train.h"

static void check_opts(void)
{
    if (o.run.recipe == BL_RECIPE_BLINK && o.negatives)
        bl_die_usage("BLINK's recipe has no mined negatives");
    if (o.run.recipe == BL_RECIPE_BLINK && o.freeze)
        bl_die_usage("BLINK's recipe freezes by --groups, not by --freeze");
    if (o.against && (o.run.recipe == BL_RECIPE_BLINK || !o.freeze
                      || !strstr(o.freeze, "entities")))
        bl_die_usage("--against pool needs --towers 2 and --freeze "
                     "entities");
    if (o.vectors && (!o.against || !o.catalogue))
        bl_die_usage("--vectors needs --against pool and --catalogue");
}

/* Of --vectors; NULL: none. */
static struct bl_index *open_vectors(struct bl_index *x)
{
    struct bl_err err;
    char *path;

    if (!o.vectors)
        return NULL;
    path = bl_path_find(BL_PATH_INDEX, o.vectors, &err);
    if (!path || bl_index_open(x, path, &err) < 0)
        bl_die(&err);
    free(path);
    return x;
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
    struct bl_index vectors;
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
        .eval_batch = o.eval_batch, .against_pool = o.against,
        .vectors = open_vectors(&vectors) };
    b.net = setup.net;
    b.api = setup.api;
    b.handle = setup.handle;
    bl_train_bi_task(&b, &task);
    digests = bl_verb_digests(b.train, b.dev, kb);
    status = bl_verb_run(&setup, &task, digests);
    if (bo.vectors)
        bl_index_close(&vectors);
    free(digests);
    bl_train_bi_release(&b);
    bl_train_setup_free(&setup);
    bl_examples_free(b.train);
    bl_examples_free(b.dev);
    bl_kb_close(kb);
    return status;
}
