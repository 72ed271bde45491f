/* SPDX-License-Identifier: MIT */
/* The verb "elq" of blink-train. */
#include "config.h"

#include "train/train-elq.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/paths.h"
#include "train.h"

static void check_opts(void)
{
    if (!train_opts.catalogue)
        bl_die_usage("option --catalogue is required");
    if (train_opts.negatives && !train_opts.vectors)
        bl_die_usage("--negatives needs --vectors");
    if (train_opts.run.recipe == BL_RECIPE_BLINK && train_opts.freeze)
        bl_die_usage("BLINK's recipe freezes by --groups, not by --freeze");
}

/* Of --vectors; NULL: none. */
static struct bl_index *open_vectors(struct bl_index *index)
{
    struct bl_err err;
    char *path;

    if (!train_opts.vectors)
        return NULL;
    path = bl_path_find(BL_PATH_INDEX, train_opts.vectors, &err);
    if (!path || bl_index_open(index, path, &err) < 0)
        bl_die(&err);
    free(path);
    return index;
}

static struct bl_elq_examples *read_texts(const char *path,
                                          const struct bl_model *model,
                                          struct bl_kb *kb)
{
    struct bl_elq_examples *examples;
    struct bl_err err;

    if (!path)
        return NULL;
    examples = bl_elq_examples_read(path, model, kb, &err);
    if (!examples)
        bl_die(&err);
    if (examples->unlabelled || examples->unknown)
        bl_warn("'%s': %zu texts without a mention and %zu mentions of "
                "entities that the catalogue lacks are left out", path,
                examples->unlabelled, examples->unknown);
    bl_note("'%s': %zu texts, %zu mentions", path, examples->n,
            examples->n_mentions);
    return examples;
}

/* Texts are cut by the words and the window of the model to come, so that
 * setting up comes before reading them. */
int bl_verb_elq(void)
{
    struct bl_train_setup setup;
    struct bl_train_wish wish;
    struct bl_train_elq_opts opts = { .negatives = train_opts.negatives };
    struct bl_train_elq_task elq = { .opts = &opts,
                                     .common = &train_opts.run };
    struct bl_index vectors;
    struct bl_task task;
    struct bl_err err;
    char *digests;
    int status;

    check_opts();
    elq.kb = bl_verb_catalogue();
    opts.vectors = open_vectors(&vectors);
    bl_verb_wish(&wish, BL_ROLE_BI_ENCODER);
    wish.towers = 2;
    wish.spans = true;
    bl_verb_start(&setup, &wish);
    elq.net = setup.net;
    elq.api = setup.api;
    elq.handle = setup.handle;
    elq.train = read_texts(train_opts.train, &setup.net->view, elq.kb);
    elq.dev = read_texts(train_opts.dev, &setup.net->view, elq.kb);
    if (bl_train_elq_task(&elq, &task, &err) < 0)
        bl_die(&err);
    digests = bl_xasprintf("%s %s %.16s %s", elq.train->digest, elq.dev
                           ? elq.dev->digest : "none",
                           bl_kb_fingerprint(elq.kb), opts.vectors
                           ? opts.vectors->model : "none");
    status = bl_verb_run(&setup, &task, digests);
    free(digests);
    bl_train_elq_release(&elq);
    if (opts.vectors)
        bl_index_close(&vectors);
    bl_train_setup_free(&setup);
    bl_elq_examples_free(elq.train);
    bl_elq_examples_free(elq.dev);
    bl_kb_close(elq.kb);
    return status;
}
