/* SPDX-License-Identifier: MIT */
/* The verb "cross" of blink-train. */
#include "config.h"

#include "train/train-cross.h"

#include <stdlib.h>

#include "base/mem.h"
#include "train.h"

static void check_opts(void)
{
    if (train_opts.run.recipe == BL_RECIPE_BLINK && train_opts.freeze)
        bl_die_usage("BLINK's recipe freezes by --groups, not by --freeze");
}

/* Records to train on need a list to choose from. */
static void prune(struct bl_examples *examples,
                  const struct bl_train_cross_opts *co)
{
    size_t dropped = bl_train_cross_prune(examples, co);
    struct bl_err err;

    if (dropped)
        bl_warn("'%s': %zu records without a list%s are left out",
                train_opts.train, dropped, co->missing == BL_MISSING_DROP
                ? ", or without the right entity in it," : "");
    if (examples->n)
        return;
    bl_fail(&err, BL_DATA, "'%s': no record has candidates or negatives",
            train_opts.train);
    bl_die(&err);
}

int bl_verb_cross(void)
{
    struct bl_train_setup setup;
    struct bl_train_wish wish;
    struct bl_train_cross_opts co = { train_opts.candidates,
                                      train_opts.missing };
    struct bl_train_cross_task c = { .opts = &co };
    struct bl_task task;
    struct bl_kb *kb;
    char *digests;
    int status;

    check_opts();
    kb = bl_verb_catalogue();
    c.train = bl_verb_examples(train_opts.train, kb, train_opts.candidates);
    c.dev = bl_verb_examples(train_opts.dev, kb, train_opts.candidates);
    /* Only the training data is pruned: the figures on the development set are
     * of all its records, with and without a list. */
    prune(c.train, &co);
    bl_verb_wish(&wish, BL_ROLE_CROSS_ENCODER);
    bl_verb_start(&setup, &wish);
    c.net = setup.net;
    c.api = setup.api;
    c.handle = setup.handle;
    bl_train_cross_task(&c, &task);
    digests = bl_verb_digests(c.train, c.dev, kb);
    status = bl_verb_run(&setup, &task, digests);
    free(digests);
    bl_train_cross_release(&c);
    bl_train_setup_free(&setup);
    bl_examples_free(c.train);
    bl_examples_free(c.dev);
    bl_kb_close(kb);
    return status;
}
