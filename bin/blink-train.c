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

struct train_opts train_opts = {
    .temperature = 0, .others = 4, .pool = 20000, .eval_batch = 8,
    .candidates = 8, .lower = 0.2,
    .run = { .rate = 3e-5, .warmup = 0.1, .decay = 0.01, .clip = 1,
             .dropout = 0.1, .batch = 32, .accumulate = 1, .epochs = 1,
             .refresh = 1000, .seed = 1 }
};

#define OPTS_FILES \
    BL_OPT_STR('b', "base", "MODEL", &train_opts.base, \
               "model to start from"), \
    BL_OPT_STR('t', "train", "FILE", &train_opts.train, "training data"), \
    BL_OPT_STR('d', "dev", "FILE", &train_opts.dev, "data to evaluate on"), \
    BL_OPT_STR('o', "output", "MODEL", &train_opts.output, \
               "model directory to make"), \
    BL_OPT_FLAG('f', "force", &train_opts.force, \
                "replace the output and start over"), \
    BL_OPT_FLAG('r', "resume", &train_opts.resume, \
                "continue from the checkpoint, if there is one"), \
    BL_OPT_STR(0, "config", "FILE", &train_opts.config, \
               "JSON object of options, each by its long name")

#define OPTS_ENTITIES \
    BL_OPT_CATALOGUE(&train_opts.catalogue, \
               "catalogue of the entities that records name by id")

#define OPTS_OPTIMISER \
    BL_OPT_GROUP("Optimiser"), \
    BL_OPT_DOUBLE(0, "rate", "X", &train_opts.run.rate, 0, 10, \
                  "highest learning rate"), \
    BL_OPT_DOUBLE(0, "warmup", "SHARE", &train_opts.run.warmup, 0, 1, \
                  "fraction of the steps in which the rate rises"), \
    BL_OPT_DOUBLE(0, "decay", "X", &train_opts.run.decay, 0, 1, \
                  "weight decay"), \
    BL_OPT_DOUBLE(0, "clip", "X", &train_opts.run.clip, 0, 1e12, \
                  "largest gradient norm (0: any)"), \
    BL_OPT_DOUBLE(0, "dropout", "P", &train_opts.run.dropout, 0, 0.9, \
                  "fraction of values dropped while training"), \
    BL_OPT_SIZE(0, "batch", "N", &train_opts.run.batch, 1, 1 << 20, \
                "records a step"), \
    BL_OPT_SIZE(0, "accumulate", "N", &train_opts.run.accumulate, 1, 1 << 16, \
                "parts in which a batch is computed"), \
    BL_OPT_SIZE(0, "epochs", "N", &train_opts.run.epochs, 1, 1 << 20, \
                "passes through the records"), \
    BL_OPT_SIZE(0, "steps", "N", &train_opts.run.steps, 0, 1u << 30, \
                "steps in place of --epochs (0: by the epochs)"), \
    BL_OPT_STR(0, "freeze", "LIST", &train_opts.freeze, \
               "parts not to train, such as words,layers:0-3"), \
    BL_OPT_CHOICE(0, "order", "shuffled|given", &train_opts.run.order, \
                  "order of the records in an epoch"), \
    BL_OPT_SIZE(0, "seed", "N", &train_opts.run.seed, 0, 1u << 30, \
                "seed of the random numbers")

#define OPTS_RECIPE \
    BL_OPT_CHOICE(0, "recipe", "sane|blink", &train_opts.run.recipe, \
                  "how to train: well, or as BLINK did"), \
    BL_OPT_STR(0, "groups", "NAME", &train_opts.groups, \
               "parameters to train, with BLINK's recipe")

#define OPTS_MODEL \
    BL_OPT_GROUP("Model"), \
    BL_OPT_CHOICE(0, "layout", "base|blink|plain|reranker|full", \
                  &train_opts.layout, \
                  "how mention and entity are presented"), \
    BL_OPT_SIZE(0, "context-length", "N", \
                &train_opts.context_length, 0, 65536, \
                "tokens of mention and context (0: the base's)"), \
    BL_OPT_SIZE(0, "entity-length", "N", &train_opts.entity_length, 0, 65536, \
                "tokens of an entity (0: the base's)"), \
    OPTS_SAVED

#define OPTS_SAVED \
    BL_OPT_CHOICE(0, "save", "f32|f16", &train_opts.save, \
                  "number format of the saved weights"), \
    BL_OPT_TEXT(0, "training", &train_opts.training, \
                "what the model is trained on, for its blink.json"), \
    BL_OPT_TEXT(0, "licence", &train_opts.licence, \
                "licence of the model, for its blink.json")

#define OPTS_RUN \
    BL_OPT_GROUP("Run"), \
    BL_OPT_SIZE(0, "eval-every", "N", \
                &train_opts.run.eval_every, 0, 1u << 30, \
                "steps between evaluations (0: an epoch)"), \
    BL_OPT_SIZE(0, "save-every", "N", \
                &train_opts.run.save_every, 0, 1u << 30, \
                "steps between checkpoints (0: an epoch)"), \
    BL_OPT_SIZE(0, "patience", "N", &train_opts.run.patience, 0, 1 << 20, \
                "stop after N without a better one (0: never)"), \
    BL_OPT_CHOICE(0, "device", "cpu|cuda", &train_opts.device, \
                  "where to compute"), \
    BL_OPT_CHOICE(0, "precision", "f32|bf16", &train_opts.precision, \
                  "number format of the matrix products"), \
    BL_OPT_SIZE(0, "threads", "N", &train_opts.run.threads, 0, 1024, \
                "threads to compute with (0: one per core)"), \
    BL_OPT_FLAG(0, "progress", &train_opts.progress, \
                "a line for every step on standard error")

static const struct bl_opt bi_opts[] = {
    OPTS_FILES, OPTS_ENTITIES, OPTS_RECIPE,
    BL_OPT_GROUP("Negatives"),
    BL_OPT_DOUBLE(0, "temperature", "X", &train_opts.temperature, 0, 1000,
                  "divides scores (0: 0.05 if normalised, else 1)"),
    BL_OPT_CHOICE(0, "against", "batch|pool", &train_opts.against,
                  "what a mention is compared with"),
    BL_OPT_STR(0, "vectors", "INDEX", &train_opts.vectors,
               "vectors of the frozen entities, used as the pool"),
    BL_OPT_SIZE(0, "own-negatives", "N", &train_opts.others, 0, 1000,
                "negatives taken from each record, at most"),
    BL_OPT_SIZE(0, "negatives", "N", &train_opts.negatives, 0, 1000,
                "negatives mined for each mention"),
    BL_OPT_SIZE(0, "refresh", "N", &train_opts.run.refresh, 1, 1u << 30,
                "steps between minings"),
    BL_OPT_SIZE(0, "pool", "N", &train_opts.pool, 0, 1u << 30,
                "entities to mine and test among (0: all)"),
    BL_OPT_SIZE(0, "eval-batch", "N", &train_opts.eval_batch, 1, 1 << 16,
                "records per evaluation batch in BLINK's recipe"),
    OPTS_OPTIMISER, OPTS_MODEL,
    BL_OPT_SIZE(0, "towers", "N", &train_opts.towers, 0, 2,
                "1 shared by both sides, or 2 (0: the base's)"),
    BL_OPT_CHOICE(0, "pooling", "base|cls|mean", &train_opts.pooling,
                  "how tokens become a vector"),
    BL_OPT_CHOICE(0, "normalize", "base|no|yes", &train_opts.normalize,
                  "whether vectors are scaled to length 1"),
    OPTS_RUN, BL_OPTS_END
};

static const struct bl_opt cross_opts[] = {
    OPTS_FILES, OPTS_ENTITIES, OPTS_RECIPE,
    BL_OPT_GROUP("Lists"),
    BL_OPT_SIZE('k', "candidates", "N", &train_opts.candidates, 2, 1000,
                "entities in each list, with the right one"),
    BL_OPT_CHOICE(0, "missing", "insert|drop", &train_opts.missing,
                  "records whose list lacks the entity"),
    OPTS_OPTIMISER, OPTS_MODEL, OPTS_RUN, BL_OPTS_END
};

static const struct bl_opt ner_opts[] = {
    OPTS_FILES,
    BL_OPT_DOUBLE(0, "lower", "SHARE", &train_opts.lower, 0, 1,
                  "fraction of sequences to read uncased"),
    OPTS_OPTIMISER, BL_OPT_GROUP("Model"),
    BL_OPT_SIZE(0, "context-length", "N", &train_opts.context_length, 0, 65536,
                "tokens of a sequence (0: 128)"),
    OPTS_SAVED, OPTS_RUN, BL_OPTS_END
};

static const struct bl_opt elq_opts[] = {
    OPTS_FILES, OPTS_ENTITIES, OPTS_RECIPE,
    BL_OPT_GROUP("Negatives"),
    BL_OPT_STR(0, "vectors", "INDEX", &train_opts.vectors,
               "vectors of entities that are not trained"),
    BL_OPT_SIZE(0, "negatives", "N", &train_opts.negatives, 0, 1000,
                "nearest entities as negatives (0: those of the batch)"),
    OPTS_OPTIMISER, OPTS_MODEL, OPTS_RUN, BL_OPTS_END
};

enum { BI, CROSS, NER, ELQ, N_COMMANDS };

static const struct bl_command commands[N_COMMANDS] = {
    { "blink-train bi",
      "-b MODEL -t FILE [-d FILE] [-c CATALOGUE] -o MODEL",
      "train a bi-encoder on labelled mentions", bi_opts, 0, 0 },
    { "blink-train cross",
      "-b MODEL -t FILE [-d FILE] [-c CATALOGUE] -o MODEL",
      "train a cross-encoder on lists of candidates", cross_opts, 0, 0 },
    { "blink-train ner", "-b MODEL -t FILE [-d FILE] -o MODEL",
      "train a tagger on tagged text in columns", ner_opts, 0, 0 },
    { "blink-train elq",
      "-b MODEL -t FILE [-d FILE] -c CATALOGUE -o MODEL",
      "train a model that finds mentions and entities", elq_opts, 0, 0 },
};

int main(int argc, char **argv)
{
    static int (*const verbs[N_COMMANDS])(void) = {
        bl_verb_bi, bl_verb_cross, bl_verb_ner, bl_verb_elq
    };
    size_t command;

    bl_prog_init("blink-train");
    command = bl_opts_subcommand("blink-train", "train models", commands,
                                 N_COMMANDS, argc, argv);
    bl_verb_expand(&argc, &argv);
    bl_opts_parse(&commands[command], argc - 1, argv + 1);
    if (!train_opts.base || !train_opts.train || !train_opts.output)
        bl_die_usage("options --base, --train and --output are required");
    return bl_prog_finish(verbs[command]());
}
