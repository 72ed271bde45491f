/* SPDX-License-Identifier: MIT */
/* train: what the parts of blink-train share. */
#ifndef TRAIN_H
#define TRAIN_H

#include "cli/opts.h"
#include "cli/prog.h"
#include "kb/kb.h"
#include "train/examples.h"
#include "train/train-setup.h"
#include "train/trainer.h"

enum { CHOICE_BASE };           /* the first choice of three options */

struct train_opts {
    const char *base, *train, *dev, *catalogue, *output, *config;
    const char *vectors;
    const char *freeze, *groups, *training, *licence;
    bool resume, force, progress;
    int layout, pooling, normalize, save, device, precision;
    size_t towers, context_length, entity_length;
    double temperature, lower;
    size_t negatives, others, pool, eval_batch, candidates;
    int missing, against;
    struct bl_trainer_opts run;
};

extern struct train_opts train_opts;

/* The verbs: the exit status. */
int bl_verb_bi(void);
int bl_verb_cross(void);
int bl_verb_ner(void);
int bl_verb_elq(void);

/* Sets train_opts.run and the net up, runs the trainer, prints its
 * progress. */
void bl_verb_wish(struct bl_train_wish *wish, enum bl_role role);
void bl_verb_start(struct bl_train_setup *setup,
                   const struct bl_train_wish *wish);
int bl_verb_run(struct bl_train_setup *setup, const struct bl_task *task,
                const char *digests);
/* Examples of both kinds; dies when they cannot be read.  *kb: opened when a
 * catalogue was named. */
struct bl_examples *bl_verb_examples(const char *path, struct bl_kb *kb,
                                     size_t max_others);
struct bl_kb *bl_verb_catalogue(void);
/* What the data is, for the checkpoint; caller frees. */
char *bl_verb_digests(const struct bl_examples *train,
                      const struct bl_examples *dev, const struct bl_kb *kb);

/* argv with the settings of --config in front of the options. */
void bl_verb_expand(int *argc, char ***argv);

#endif
