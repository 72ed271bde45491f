/* SPDX-License-Identifier: MIT */
/* The verb "bi" of blink-train. */
#include "config.h"

#include "train/train-bi.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/paths.h"
#include "kb/kb.h"
#include "search/index.h"
#include "train.h"

static void check_opts(void)
{
    if (train_opts.run.recipe == BL_RECIPE_BLINK && train_opts.negatives)
        bl_die_usage("BLINK's recipe has no mined negatives");
    if (train_opts.run.recipe == BL_RECIPE_BLINK && train_opts.freeze)
        bl_die_usage("BLINK's recipe freezes by --groups, not by --freeze");
    if (train_opts.against
        && (train_opts.run.recipe == BL_RECIPE_BLINK || !train_opts.freeze
            || !strstr(train_opts.freeze, "entities")))
        bl_die_usage("--against pool needs --towers 2 and --freeze "
                     "entities");
    if (train_opts.vectors && (!train_opts.against || !train_opts.catalogue))
        bl_die_usage("--vectors needs --against pool and --catalogue");
}

/* Of --vectors; NULL: none. */
static struct bl_index *open_vectors(struct bl_index *x)
{
    struct bl_err err;
    char *path;

    if (!train_opts.vectors)
        return NULL;
    path = bl_path_find(BL_PATH_INDEX, train_opts.vectors, &err);
    if (!path || bl_index_open(x, path, &err) < 0)
        bl_die(&err);
    free(path);
    return x;
}

/* One length for all vectors wants scores spread out. */
static double temperature(const struct bl_train_setup *setup)
{
    if (train_opts.temperature > 0)
        return train_opts.temperature;
    return setup->net->view.normalize ? 0.05 : 1;
}

int bl_verb_bi(void)
{
    struct bl_train_setup setup;
    struct bl_train_wish wish;
    struct bl_train_bi_opts bo;
    struct bl_train_bi_task b = { .opts = &bo, .common = &train_opts.run };
    struct bl_task task;
    struct bl_index vectors;
    struct bl_kb *kb;
    char *digests;
    int status;

    check_opts();
    kb = bl_verb_catalogue();
    b.train = bl_verb_examples(train_opts.train, kb, train_opts.others);
    b.dev = bl_verb_examples(train_opts.dev, kb, train_opts.others);
    bl_verb_wish(&wish, BL_ROLE_BI_ENCODER);
    bl_verb_start(&setup, &wish);
    /* The default temperature depends on whether the model normalises its
     * vectors, which is known once the net is set up. */
    bo = (struct bl_train_bi_opts){ .temperature = temperature(&setup),
        .negatives = train_opts.negatives, .others = train_opts.others,
        .pool = train_opts.pool, .eval_batch = train_opts.eval_batch,
        .against_pool = train_opts.against,
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
