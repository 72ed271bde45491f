/* SPDX-License-Identifier: MIT */
/* What all verbs of blink-train do alike. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/document.h"
#include "train/examples.h"
#include "base/file.h"
#include "json/json.h"
#include "json/writer.h"
#include "kb/kb.h"
#include "base/mem.h"
#include "base/threads.h"
#include "train.h"

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
    struct bl_document *d;
    struct bl_node root, setting;
    struct bl_err err;
    char **out;
    int n = 2;

    if (!path)
        return;
    d = bl_document_read(path, MAX_CONFIG, &err);
    if (!d)
        bl_die(&err);
    root = bl_document_root(d);
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
    bl_document_free(d);
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
    struct bl_examples *x;
    struct bl_err err;

    if (!path)
        return NULL;
    x = bl_examples_read(path, &eo, &err);
    if (!x)
        bl_die(&err);
    if (x->unlabelled || x->unknown)
        bl_warn("'%s': %zu records without a label and %zu of entities that "
                "the catalogue lacks are left out", path, x->unlabelled,
                x->unknown);
    bl_note("'%s': %zu records, %zu entities", path, x->n, x->n_entities);
    return x;
}

char *bl_verb_digests(const struct bl_examples *train,
                      const struct bl_examples *dev, const struct bl_kb *kb)
{
    return bl_xasprintf("%s %s %.16s", train->digest,
                        dev ? dev->digest : "none",
                        kb ? bl_kb_fingerprint(kb) : "none");
}

/* ---- Setting up ---- */

void bl_verb_wish(struct bl_train_wish *w, enum bl_role role)
{
    *w = (struct bl_train_wish){ .base = train_opts.base, .role = role,
        .layout = train_opts.layout - 1, .pooling = train_opts.pooling - 1,
        .normalize = train_opts.normalize - 1, .towers = train_opts.towers,
        .context_length = train_opts.context_length,
        .entity_length = train_opts.entity_length,
        .training = train_opts.training, .licence = train_opts.licence,
        .dtype = train_opts.save ? BL_F16 : BL_F32,
        .seed = train_opts.run.seed };
}

void bl_verb_start(struct bl_train_setup *s, const struct bl_train_wish *w)
{
    struct bl_train_settings t = { train_opts.device,
        train_opts.precision ? BL_PRECISION_BF16 : BL_PRECISION_F32, 0 };
    struct bl_err err;
    int rc;

    if (!train_opts.run.threads)
        train_opts.run.threads = bl_threads_default();
    t.threads = train_opts.run.threads;
    if (bl_train_setup(s, w, &err) < 0)
        bl_die(&err);
    if (train_opts.run.recipe == BL_RECIPE_BLINK)
        rc = bl_params_blink_groups(s->net,
                                    train_opts.groups ? train_opts.groups
                                    : "all_encoder_layers", &err);
    else
        rc = bl_params_freeze(s->net, train_opts.freeze, &err);
    if (rc < 0 || bl_train_setup_start(s, &t, &err) < 0)
        bl_die(&err);
    bl_note("libtorch %s, %zu threads; %zu numbers in %zu tensors",
            s->api->version, t.threads, s->net->n, s->net->n_params);
}

/* ---- What a checkpoint must agree with ---- */

static void write_choices(struct bl_writer *w)
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
        bl_write_integer(w, choices[i].name, choices[i].v);
}

static void write_numbers(struct bl_writer *w)
{
    const struct bl_trainer_opts *run = &train_opts.run;
    const struct { const char *name; double v; } numbers[] = {
        { "rate", run->rate }, { "warmup", run->warmup },
        { "decay", run->decay }, { "clip", run->clip },
        { "dropout", run->dropout },
        { "temperature", train_opts.temperature },
        { "lower", train_opts.lower },
    };

    for (size_t i = 0; i < BL_COUNT(numbers); i++)
        bl_write_double(w, numbers[i].name, numbers[i].v, 17);
}

static void write_sizes(struct bl_writer *w)
{
    const struct bl_trainer_opts *run = &train_opts.run;
    const struct { const char *name; size_t v; } sizes[] = {
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
        bl_write_size(w, sizes[i].name, sizes[i].v);
}

/* Training goes on from a checkpoint only with the settings that made it. */
static void put_settings(struct bl_buf *b, const struct bl_train_setup *s,
                         const char *digests)
{
    struct bl_writer w = bl_writer(b, BL_WRITE_COMPACT);

    bl_write_object(&w, NULL);
    bl_write_size(&w, "format", 1);
    bl_write_string(&w, "data", digests);
    bl_write_string(&w, "base", s->base->fingerprint);
    bl_write_string(&w, "libtorch", s->api->version);
    bl_write_string(&w, "freeze", train_opts.freeze ? train_opts.freeze
                    : "");
    bl_write_string(&w, "groups", train_opts.groups ? train_opts.groups
                    : "");
    write_choices(&w);
    write_numbers(&w);
    write_sizes(&w);
    bl_write_end(&w);
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

static void on_step(void *ctx, const struct bl_train_report *r)
{
    struct shown *s = ctx;
    double time = bl_now();
    char left[32];

    if (bl_verbosity < 0 || !(train_opts.progress || (s->terminal
                                             && time - s->last >= 0.2)))
        return;
    s->last = time;
    put_left(left, sizeof left, r->left);
    fprintf(stderr, "%sstep %llu of %llu, loss %.4f, rate %.2e, norm %.3g, "
            "%.1f a second, %s left%s", s->terminal ? "\r\033[K" : "",
            (unsigned long long)r->state->step,
            (unsigned long long)r->total, r->loss, r->rate, r->norm,
            r->per_second, left, s->terminal ? "" : "\n");
}

static void on_eval(void *ctx, const struct bl_train_report *r,
                    const struct bl_metrics *m, bool best)
{
    const struct shown *s = ctx;

    if (bl_verbosity < 0)
        return;
    fprintf(stderr, "%sstep %llu of %llu:", s->terminal ? "\r\033[K" : "",
            (unsigned long long)r->state->step,
            (unsigned long long)r->total);
    for (size_t i = 0; i < m->n; i++)
        fprintf(stderr, "%s %s %.4f", i ? "," : "", m->v[i].name,
                m->v[i].value);
    fprintf(stderr, "%s\n", best ? " (best so far)" : "");
}

int bl_verb_run(struct bl_train_setup *s, const struct bl_task *task,
                const char *digests)
{
    struct bl_buf settings = BL_BUF_INIT;
    struct shown shown = { .terminal = isatty(STDERR_FILENO) };
    struct bl_trainer t = {
        .opts = &train_opts.run, .net = s->net, .api = s->api,
        .handle = s->handle, .task = task, .spec = &s->spec,
        .output = train_opts.output,
        .resume = train_opts.resume && !train_opts.force,
        .force = train_opts.force,
        .on_step = on_step, .on_eval = on_eval, .ctx = &shown,
    };
    struct bl_err err;
    int rc;

    put_settings(&settings, s, digests);
    t.settings = settings.data;
    rc = bl_trainer_run(&t, &err);
    if (shown.terminal && bl_verbosity >= 0)
        fputs("\r\033[K", stderr);
    bl_buf_free(&settings);
    if (rc < 0)
        bl_die(&err);
    return 0;
}
