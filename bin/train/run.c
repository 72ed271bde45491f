/* SPDX-License-Identifier: MIT */
/* What all verbs of blink-train do alike. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/threads.h"
#include "json/document.h"
#include "json/json.h"
#include "json/writer.h"
#include "kb/kb.h"
#include "train.h"
#include "train/examples.h"

enum { MAX_CONFIG = 1 << 20 };

/* ---- --config ---- */

static const char *config_path(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (!strncmp(argv[i], "--config=", 9))
            return argv[i] + 9;
        if (!strcmp(argv[i], "--config") && i + 1 < argc)
            return argv[i + 1];
    }
    return NULL;
}

/* One member as an argument; NULL for false, which needs none. */
static char *argument_of(struct bl_node setting)
{
    const char *key = bl_node_key(setting), *text;
    struct bl_buf number = BL_BUF_INIT;
    struct bl_err err;
    int on = 0;
    char *argument;

    if (bl_node_bool(setting, &on, NULL) == 0)
        return on ? bl_xasprintf("--%s", key) : NULL;
    if (bl_node_string(setting, &text, NULL) == 0)
        return bl_xasprintf("--%s=%s", key, text);
    if (bl_node_type(setting) != BL_JSON_NUMBER) {
        bl_node_fail(setting, &err, "expected string, number or boolean, "
                     "found %s", bl_json_type_name(bl_node_type(setting)));
        bl_die(&err);
    }
    bl_node_put(&number, setting);
    argument = bl_xasprintf("--%s=%s", key, number.data);
    bl_buf_free(&number);
    return argument;
}

/* The settings come first, so that the command line has the last word. */
void bl_verb_expand(int *argc, char ***argv)
{
    const char *path = config_path(*argc, *argv);
    struct bl_document *document;
    struct bl_node root, setting;
    struct bl_err err;
    char **out;
    int n = 2;

    if (!path)
        return;
    document = bl_document_read(path, MAX_CONFIG, &err);
    if (!document)
        bl_die(&err);
    root = bl_document_root(document);
    if (bl_node_expect(root, BL_JSON_OBJECT, &err) < 0)
        bl_die(&err);
    out = bl_xcalloc((size_t)*argc + bl_node_count(root) + 1, sizeof *out);
    memcpy(out, *argv, 2 * sizeof *out);
    for (setting = bl_node_first(root); setting.item;
         setting = bl_node_next(setting)) {
        out[n] = argument_of(setting);
        n += out[n] != NULL;
    }
    for (int i = 2; i < *argc; i++)
        out[n++] = (*argv)[i];
    *argc = n;
    *argv = out;
    bl_document_free(document);
}

/* ---- Files ---- */

struct bl_kb *bl_verb_catalogue(void)
{
    struct bl_err err;
    struct bl_kb *kb;

    if (!train_opts.catalogue)
        return NULL;
    kb = bl_kb_open_named(train_opts.catalogue, &err);
    if (!kb)
        bl_die(&err);
    return kb;
}

struct bl_examples *bl_verb_examples(const char *path, struct bl_kb *kb,
                                     size_t max_others)
{
    struct bl_examples_opts eo = { .kb = kb, .max_others = max_others };
    struct bl_examples *examples;
    struct bl_err err;

    if (!path)
        return NULL;
    examples = bl_examples_read(path, &eo, &err);
    if (!examples)
        bl_die(&err);
    if (examples->unlabelled || examples->unknown)
        bl_warn("'%s': %zu records without a label and %zu of entities that "
                "the catalogue lacks are left out", path, examples->unlabelled,
                examples->unknown);
    bl_note("'%s': %zu records, %zu entities", path, examples->n,
            examples->n_entities);
    return examples;
}

char *bl_verb_digests(const struct bl_examples *train,
                      const struct bl_examples *dev, const struct bl_kb *kb)
{
    return bl_xasprintf("%s %s %.16s", train->digest,
                        dev ? dev->digest : "none",
                        kb ? bl_kb_fingerprint(kb) : "none");
}

/* ---- Setting up ---- */

void bl_verb_wish(struct bl_train_wish *wish, enum bl_role role)
{
    *wish = (struct bl_train_wish){ .base = train_opts.base, .role = role,
        .layout = train_opts.layout - 1, .pooling = train_opts.pooling - 1,
        .normalize = train_opts.normalize - 1, .towers = train_opts.towers,
        .context_length = train_opts.context_length,
        .entity_length = train_opts.entity_length,
        .training = train_opts.training, .licence = train_opts.licence,
        .dtype = train_opts.save ? BL_F16 : BL_F32,
        .seed = train_opts.run.seed };
}

void bl_verb_start(struct bl_train_setup *setup,
                   const struct bl_train_wish *wish)
{
    struct bl_train_settings settings = { train_opts.device,
        train_opts.precision ? BL_PRECISION_BF16 : BL_PRECISION_F32, 0 };
    struct bl_err err;
    int rc;

    if (!train_opts.run.threads)
        train_opts.run.threads = bl_threads_default();
    settings.threads = train_opts.run.threads;
    if (bl_train_setup(setup, wish, &err) < 0)
        bl_die(&err);
    /* What is frozen must be known before libtorch is given the parameters:
     * bl_train_setup_start() comes last. */
    if (train_opts.run.recipe == BL_RECIPE_BLINK)
        rc = bl_params_blink_groups(setup->net,
                                    train_opts.groups ? train_opts.groups
                                    : "all_encoder_layers", &err);
    else
        rc = bl_params_freeze(setup->net, train_opts.freeze, &err);
    if (rc < 0 || bl_train_setup_start(setup, &settings, &err) < 0)
        bl_die(&err);
    bl_note("libtorch %s, %zu threads; %zu numbers in %zu tensors",
            setup->api->version, settings.threads, setup->net->n,
            setup->net->n_params);
}

/* ---- What a checkpoint must agree with ---- */

static void write_choices(struct bl_writer *writer)
{
    const struct { const char *name; int v; } choices[] = {
        { "recipe", train_opts.run.recipe }, { "order", train_opts.run.order },
        { "layout", train_opts.layout }, { "pooling", train_opts.pooling },
        { "normalize", train_opts.normalize },
        { "missing", train_opts.missing },
        { "against", train_opts.against },
        { "device", train_opts.device }, { "precision", train_opts.precision },
    };

    for (size_t i = 0; i < BL_COUNT(choices); i++)
        bl_write_integer(writer, choices[i].name, choices[i].v);
}

static void write_numbers(struct bl_writer *writer)
{
    const struct bl_trainer_opts *run = &train_opts.run;
    const struct { const char *name; double value; } numbers[] = {
        { "rate", run->rate }, { "warmup", run->warmup },
        { "decay", run->decay }, { "clip", run->clip },
        { "dropout", run->dropout },
        { "temperature", train_opts.temperature },
        { "lower", train_opts.lower },
    };

    for (size_t i = 0; i < BL_COUNT(numbers); i++)
        bl_write_double(writer, numbers[i].name, numbers[i].value, 17);
}

static void write_sizes(struct bl_writer *writer)
{
    const struct bl_trainer_opts *run = &train_opts.run;
    const struct { const char *name; size_t value; } sizes[] = {
        { "batch", run->batch }, { "accumulate", run->accumulate },
        { "epochs", run->epochs }, { "steps", run->steps },
        { "seed", run->seed }, { "threads", run->threads },
        { "eval-every", run->eval_every }, { "patience", run->patience },
        { "refresh", run->refresh }, { "negatives", train_opts.negatives },
        { "own-negatives", train_opts.others },
        { "candidates", train_opts.candidates },
        { "pool", train_opts.pool }, { "towers", train_opts.towers },
        { "context-length", train_opts.context_length },
        { "entity-length", train_opts.entity_length },
    };

    for (size_t i = 0; i < BL_COUNT(sizes); i++)
        bl_write_size(writer, sizes[i].name, sizes[i].value);
}

/* --resume compares these one by one with those of the checkpoint: every
 * setting that changes the numbers of a run is among them. */
static void put_settings(struct bl_buf *out,
                         const struct bl_train_setup *setup,
                         const char *digests)
{
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&writer, NULL);
    bl_write_size(&writer, "format", 1);
    bl_write_string(&writer, "data", digests);
    bl_write_string(&writer, "base", setup->base->fingerprint);
    bl_write_string(&writer, "libtorch", setup->api->version);
    bl_write_string(&writer, "freeze", train_opts.freeze ? train_opts.freeze
                    : "");
    bl_write_string(&writer, "groups", train_opts.groups ? train_opts.groups
                    : "");
    write_choices(&writer);
    write_numbers(&writer);
    write_sizes(&writer);
    bl_write_end(&writer);
}

/* ---- Progress ---- */

struct shown {
    bool terminal;
    double last;                /* when a line was shown */
};

static void put_left(char *out, size_t size, double seconds)
{
    unsigned long s = seconds > 0 && seconds < 1e9
        ? (unsigned long)seconds : 0;

    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60,
                 s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

static void on_step(void *ctx, const struct bl_train_report *report)
{
    struct shown *shown = ctx;
    double time = bl_now();
    char left[32];

    if (bl_verbosity < 0 || !(train_opts.progress || (shown->terminal
                                             && time - shown->last >= 0.2)))
        return;
    shown->last = time;
    put_left(left, sizeof left, report->left);
    fprintf(stderr, "%sstep %llu of %llu, loss %.4f, rate %.2e, norm %.3g, "
            "%.1f a second, %s left%s", shown->terminal ? "\r\033[K" : "",
            (unsigned long long)report->state->step,
            (unsigned long long)report->total, report->loss, report->rate,
            report->norm, report->per_second, left,
            shown->terminal ? "" : "\n");
}

static void on_eval(void *ctx, const struct bl_train_report *report,
                    const struct bl_metrics *metrics, bool best)
{
    const struct shown *shown = ctx;

    if (bl_verbosity < 0)
        return;
    fprintf(stderr, "%sstep %llu of %llu:", shown->terminal ? "\r\033[K" : "",
            (unsigned long long)report->state->step,
            (unsigned long long)report->total);
    for (size_t i = 0; i < metrics->n; i++)
        fprintf(stderr, "%s %s %.4f", i ? "," : "", metrics->v[i].name,
                metrics->v[i].value);
    fprintf(stderr, "%s\n", best ? " (best so far)" : "");
}

int bl_verb_run(struct bl_train_setup *setup, const struct bl_task *task,
                const char *digests)
{
    struct bl_buf settings = BL_BUF_INIT;
    struct shown shown = { .terminal = isatty(STDERR_FILENO) };
    struct bl_trainer trainer = {
        .opts = &train_opts.run, .net = setup->net, .api = setup->api,
        .handle = setup->handle, .task = task, .spec = &setup->spec,
        .output = train_opts.output,
        .resume = train_opts.resume && !train_opts.force,
        .force = train_opts.force,
        .on_step = on_step, .on_eval = on_eval, .ctx = &shown,
    };
    struct bl_err err;
    int rc;

    put_settings(&settings, setup, digests);
    trainer.settings = settings.data;
    rc = bl_trainer_run(&trainer, &err);
    /* The last line of progress is wiped, so that messages start on a clean
     * line. */
    if (shown.terminal && bl_verbosity >= 0)
        fputs("\r\033[K", stderr);
    bl_buf_free(&settings);
    if (rc < 0)
        bl_die(&err);
    return 0;
}
