/* SPDX-License-Identifier: MIT */
/* The verb "ner" of blink-train. */
#include "config.h"

#include "train/train-tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train.h"

enum { LENGTH = 128 };

static struct bl_conll *read_text(const char *path)
{
    struct bl_err err;
    struct bl_conll *c = path ? bl_conll_read(path, &err) : NULL;

    if (path && !c)
        bl_die(&err);
    if (c)
        bl_note("'%s': %zu sentences, %zu types", path, c->n_sentences,
                c->n_types);
    return c;
}

static void warn_of_types(const struct bl_conll *train,
                          const struct bl_conll *dev)
{
    for (size_t i = 0; dev && i < dev->n_types; i++) {
        size_t k = 0;

        while (k < train->n_types && strcmp(dev->types[i], train->types[k]))
            k++;
        if (k == train->n_types)
            bl_warn("'%s': type '%s' is not in '%s': its words count as "
                    "outside", train_opts.dev, dev->types[i],
                    train_opts.train);
    }
}

static int train_tags(struct bl_train_tags_task *t,
                      const struct bl_conll *train,
                      const struct bl_conll *dev, char **labels,
                      size_t n_labels)
{
    struct bl_train_setup setup;
    struct bl_train_wish wish;
    struct bl_task task;
    struct bl_err err;
    char *digests;
    int status;

    bl_verb_wish(&wish, BL_ROLE_TAGGER);
    wish.labels = (const char **)labels;
    wish.n_labels = n_labels;
    wish.types = BL_TAG_SHAPES;
    wish.context_length = train_opts.context_length
        ? train_opts.context_length : LENGTH;
    /* The net's view has the tokenizer and window of the model to come, and
     * the text is cut to these: setting up comes before reading the sentences
     * in. */
    bl_verb_start(&setup, &wish);
    t->net = setup.net;
    t->api = setup.api;
    t->handle = setup.handle;
    t->threads = train_opts.run.threads;
    if (bl_tagged_fill(&t->train, train, labels, n_labels, &setup.net->view,
                       wish.context_length, &err) < 0
        || (dev && bl_tagged_fill(&t->dev, dev, labels, n_labels,
                                  &setup.net->view, wish.context_length,
                                  &err) < 0))
        bl_die(&err);
    bl_train_tags_task(t, &task);
    digests = bl_xasprintf("%s %s", train->digest, dev ? dev->digest
                           : "none");
    status = bl_verb_run(&setup, &task, digests);
    free(digests);
    bl_train_tags_release(t);
    bl_train_setup_free(&setup);
    return status;
}

int bl_verb_ner(void)
{
    struct bl_conll *train = read_text(train_opts.train);
    struct bl_conll *dev = read_text(train_opts.dev);
    struct bl_tagset tags;
    struct bl_train_tags_task t = { .lower = train_opts.lower, .tags = &tags };
    struct bl_err err;
    size_t n;
    char **labels = bl_tagged_labels(train, &n);
    int status;

    if (bl_tagset_make(&tags, labels, n, &err) < 0)
        bl_die(&err);
    warn_of_types(train, dev);
    status = train_tags(&t, train, dev, labels, n);
    bl_tagset_free(&tags);
    for (size_t i = 0; i < n; i++)
        free(labels[i]);
    free(labels);
    bl_conll_free(train);
    bl_conll_free(dev);
    return status;
}
