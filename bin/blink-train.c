/* SPDX-License-Identifier: MIT */
/*
 * blink-train: trains models on labelled mentions, or on tagged text.
 *
 * In:   files of records; a base model
 * Out:  a model directory; progress on standard error
 */
#include "config.h"

#include <stdlib.h>

#include "train/train.h"

struct train_opts o = {
    .temperature = 0, .others = 4, .pool = 20000, .eval_batch = 8,
    .candidates = 8, .lower = 0.2,
    .run = { .rate = 3e-5, .warmup = 0.1, .decay = 0.01, .clip = 1,
             .dropout = 0.1, .batch = 32, .accumulate = 1, .epochs = 1,
             .refresh = 1000, .seed = 1 }
};

#define OPTS_FILES \
    BL_OPT_STR('b', "base", "MODEL", &o.base, "model to start from"), \
    BL_OPT_STR('t', "train", "FILE", &o.train, "training data"), \
    BL_OPT_STR('d', "dev", "FILE", &o.dev, "data to evaluate on"), \
    BL_OPT_STR('o', "output", "MODEL", &o.output, \
               "model directory to make"), \
    BL_OPT_FLAG('f', "force", &o.force, \
                "replace the output and start over"), \
    BL_OPT_FLAG('r', "resume", &o.resume, \
                "continue from the checkpoint, if there is one"), \
    BL_OPT_STR(0, "config", "FILE", &o.config, \
               "JSON object of options, each by its long name")

#define OPTS_ENTITIES \
    BL_OPT_CATALOGUE(&o.catalogue, \
               "catalogue of the entities that records name by id")

#define OPTS_OPTIMISER \
    BL_OPT_GROUP("Optimiser"), \
    BL_OPT_DOUBLE(0, "rate", "X", &o.run.rate, 0, 10, \
                  "highest learning rate"), \
    BL_OPT_DOUBLE(0, "warmup", "SHARE", &o.run.warmup, 0, 1, \
                  "fraction of the steps in which the rate rises"), \
    BL_OPT_DOUBLE(0, "decay", "X", &o.run.decay, 0, 1, "weight decay"), \
    BL_OPT_DOUBLE(0, "clip", "X", &o.run.clip, 0, 1e12, \
                  "largest gradient norm (0: any)"), \
    BL_OPT_DOUBLE(0, "dropout", "P", &o.run.dropout, 0, 0.9, \
                  "fraction of values dropped while training"), \
    BL_OPT_SIZE(0, "batch", "N", &o.run.batch, 1, 1 << 20, \
                "records a step"), \
    BL_OPT_SIZE(0, "accumulate", "N", &o.run.accumulate, 1, 1 << 16, \
                "parts in which a batch is computed"), \
    BL_OPT_SIZE(0, "epochs", "N", &o.run.epochs, 1, 1 << 20, \
                "passes through the records"), \
    BL_OPT_SIZE(0, "steps", "N", &o.run.steps, 0, 1u << 30, \
                "steps in place of --epochs (0: by the epochs)"), \
    BL_OPT_STR(0, "freeze", "LIST", &o.freeze, \
               "parts not to train, such as words,layers:0-3"), \
    BL_OPT_CHOICE(0, "order", "shuffled|given", &o.run.order, \
                  "order of the records in an epoch"), \
    BL_OPT_SIZE(0, "seed", "N", &o.run.seed, 0, 1u << 30, \
                "seed of the random numbers")

#define OPTS_RECIPE \
    BL_OPT_CHOICE(0, "recipe", "sane|blink", &o.run.recipe, \
                  "how to train: well, or as BLINK did"), \
    BL_OPT_STR(0, "groups", "NAME", &o.groups, \
               "parameters to train, with BLINK's recipe")

#define OPTS_MODEL \
    BL_OPT_GROUP("Model"), \
    BL_OPT_CHOICE(0, "layout", "base|blink|plain|reranker|full", \
                  &o.layout, \
                  "how mention and entity are presented"), \
    BL_OPT_SIZE(0, "context-length", "N", &o.context_length, 0, 65536, \
                "tokens of mention and context (0: the base's)"), \
    BL_OPT_SIZE(0, "entity-length", "N", &o.entity_length, 0, 65536, \
                "tokens of an entity (0: the base's)"), \
    OPTS_SAVED

#define OPTS_SAVED \
    BL_OPT_CHOICE(0, "save", "f32|f16", &o.save, \
                  "number format of the saved weights"), \
    BL_OPT_STR(0, "training", "TEXT", &o.training, \
               "what the model is trained on, for its blink.json"), \
    BL_OPT_STR(0, "licence", "TEXT", &o.licence, \
               "licence of the model, for its blink.json")

#define OPTS_RUN \
    BL_OPT_GROUP("Run"), \
    BL_OPT_SIZE(0, "eval-every", "N", &o.run.eval_every, 0, 1u << 30, \
                "steps between evaluations (0: an epoch)"), \
    BL_OPT_SIZE(0, "save-every", "N", &o.run.save_every, 0, 1u << 30, \
                "steps between checkpoints (0: an epoch)"), \
    BL_OPT_SIZE(0, "patience", "N", &o.run.patience, 0, 1 << 20, \
                "stop after N without a better one (0: never)"), \
    BL_OPT_CHOICE(0, "device", "cpu|cuda", &o.device, "where to compute"), \
    BL_OPT_CHOICE(0, "precision", "f32|bf16", &o.precision, \
                  "number format of the matrix products"), \
    BL_OPT_SIZE(0, "threads", "N", &o.run.threads, 0, 1024, \
                "threads to compute with (0: one per core)"), \
    BL_OPT_FLAG(0, "progress", &o.progress, \
                "a line for every step on standard error")

static const struct bl_opt bi_opts[] = {
    OPTS_FILES, OPTS_ENTITIES, OPTS_RECIPE,
    BL_OPT_GROUP("Negatives"),
    BL_OPT_DOUBLE(0, "temperature", "X", &o.temperature, 0, 1000,
                  "divides scores (0: 0.05 if normalised, else 1)"),
    BL_OPT_CHOICE(0, "against", "batch|pool", &o.against,
                  "what a mention is compared with"),
    BL_OPT_STR(0, "vectors", "INDEX", &o.vectors,
               "vectors of the frozen entities, used as the pool"),
    BL_OPT_SIZE(0, "own-negatives", "N", &o.others, 0, 1000,
                "negatives taken from each record, at most"),
    BL_OPT_SIZE(0, "negatives", "N", &o.negatives, 0, 1000,
                "negatives mined for each mention"),
    BL_OPT_SIZE(0, "refresh", "N", &o.run.refresh, 1, 1u << 30,
                "steps between minings"),
    BL_OPT_SIZE(0, "pool", "N", &o.pool, 0, 1u << 30,
                "entities to mine and test among (0: all)"),
    BL_OPT_SIZE(0, "eval-batch", "N", &o.eval_batch, 1, 1 << 16,
                "records per evaluation batch in BLINK's recipe"),
    OPTS_OPTIMISER, OPTS_MODEL,
    BL_OPT_SIZE(0, "towers", "N", &o.towers, 0, 2,
                "1 shared by both sides, or 2 (0: the base's)"),
    BL_OPT_CHOICE(0, "pooling", "base|cls|mean", &o.pooling,
                  "how tokens become a vector"),
    BL_OPT_CHOICE(0, "normalize", "base|no|yes", &o.normalize,
                  "whether vectors are scaled to length 1"),
    OPTS_RUN, BL_OPTS_END
};

static const struct bl_opt cross_opts[] = {
    OPTS_FILES, OPTS_ENTITIES, OPTS_RECIPE,
    BL_OPT_GROUP("Lists"),
    BL_OPT_SIZE('k', "candidates", "N", &o.candidates, 2, 1000,
                "entities in each list, with the right one"),
    BL_OPT_CHOICE(0, "missing", "insert|drop", &o.missing,
                  "records whose list lacks the entity"),
    OPTS_OPTIMISER, OPTS_MODEL, OPTS_RUN, BL_OPTS_END
};

static const struct bl_opt ner_opts[] = {
    OPTS_FILES,
    BL_OPT_DOUBLE(0, "lower", "SHARE", &o.lower, 0, 1,
                  "fraction of sequences to read uncased"),
    OPTS_OPTIMISER, BL_OPT_GROUP("Model"),
    BL_OPT_SIZE(0, "context-length", "N", &o.context_length, 0, 65536,
                "tokens of a sequence (0: 128)"),
    OPTS_SAVED, OPTS_RUN, BL_OPTS_END
};

enum { BI, CROSS, NER, N_COMMANDS };

static const struct bl_command commands[N_COMMANDS] = {
    { "blink-train bi",
      "-b MODEL -t FILE [-d FILE] [-c CATALOGUE] -o MODEL",
      "train a bi-encoder on labelled mentions", bi_opts, 0, 0 },
    { "blink-train cross",
      "-b MODEL -t FILE [-d FILE] [-c CATALOGUE] -o MODEL",
      "train a cross-encoder on lists of candidates", cross_opts, 0, 0 },
    { "blink-train ner", "-b MODEL -t FILE [-d FILE] -o MODEL",
      "train a tagger on tagged text in columns", ner_opts, 0, 0 },
};

int main(int argc, char **argv)
{
    static int (*const verbs[N_COMMANDS])(void) = {
        bl_verb_bi, bl_verb_cross, bl_verb_ner
    };
    size_t command;

    bl_prog_init("blink-train");
    command = bl_opts_subcommand("blink-train", "train models", commands,
                                 N_COMMANDS, argc, argv);
    bl_verb_expand(&argc, &argv);
    bl_opts_parse(&commands[command], argc - 1, argv + 1);
    if (!o.base || !o.train || !o.output)
        bl_die_usage("options --base, --train and --output are required");
    return bl_prog_finish(verbs[command]());
}
