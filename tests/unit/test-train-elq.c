/* SPDX-License-Identifier: MIT */
/* The losses of a model that finds its mentions: those that ELQ computes for
 * six questions (golden data), hard negatives by their formula, and gradients
 * against differences of the loss, for each kind of heads. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/newdir.h"
#include "convert/convert.h"
#include "golden.h"
#include "json/document.h"
#include "tap.h"
#include "train/adamw.h"
#include "train/train-batch.h"
#include "train/train-setup.h"

enum { TEXTS = 6, MENTIONS = 8, MOST_IDS = 128, DIM = 48, PAIRS = 5 };

static struct bl_err err;
static char folder[] = "/tmp/blink-elq-XXXXXX";

struct work {
    struct bl_train_setup setup;
    struct bl_sorted contexts, entities;
    struct bl_train_span spans[MENTIONS];
    double loss, span_loss;     /* the original's */
    double scores[MENTIONS][MENTIONS];
    float got[MENTIONS * MENTIONS];
    float *fixed;               /* NULL: the tower's vectors */
    bool pairs;
};

static const int64_t target[MENTIONS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static const int64_t pair_mentions[PAIRS] = { 0, 0, 3, 7, 7 };
static const int64_t pair_columns[PAIRS] = { 0, 4, 1, 7, 2 };
static const float pair_labels[PAIRS] = { 1, 0, 0, 1, 0 };

/* ---- The model and the batch ---- */

static char *path_of(const char *name)
{
    return bl_xasprintf("%s/%s", folder, name);
}

/* Converted as the parameters say, with another way of pooling. */
static char *convert(const char *name, const char *params)
{
    char *output = path_of(name), *weights, *bert;
    char *own = bl_xasprintf("%s.txt", output);
    FILE *f = fopen(own, "w");
    struct bl_convert c = { .kind = BL_CONVERT_ELQ, .output = output,
                            .params = own };

    if (!f || fputs(params, f) < 0 || fclose(f))
        exit(99);
    weights = bl_xstrdup(fixture("elq/elq_wiki_e1.safetensors"));
    bert = bl_xstrdup(fixture("elq"));
    c.input = weights;
    c.bert = bert;
    if (bl_convert_run(&c, NULL, &err) < 0)
        ok(false, "%s", err.msg);
    free(weights);
    free(bert);
    free(own);
    return output;
}

static bool start(struct work *w, const char *base, size_t threads)
{
    struct bl_train_wish wish = { .base = base, .role = BL_ROLE_BI_ENCODER,
        .layout = -1, .pooling = -1, .normalize = -1, .towers = 2,
        .spans = true, .dtype = BL_F32, .seed = 3 };
    struct bl_train_settings s = { BL_DEVICE_CPU, BL_PRECISION_F32,
                                   threads };

    if (bl_train_setup(&w->setup, &wish, &err) < 0) {
        ok(false, "setup: %s", err.msg);
        return false;
    }
    if (bl_train_setup_start(&w->setup, &s, &err) == 0)
        return true;
    bl_train_setup_free(&w->setup);
    return false;
}

static void add_ids(struct bl_sorted *to, struct bl_node list)
{
    int32_t ids[MOST_IDS];
    size_t n = 0, id = 0;

    for (struct bl_node v = bl_node_first(list); v.item; v = bl_node_next(v)) {
        if (bl_node_size(v, 0, 1 << 20, &id, &err) < 0)
            exit(99);
        ids[n++] = (int32_t)id;
    }
    bl_batch_add(&to->given, ids, NULL, NULL, n);
}

static struct bl_node need(struct bl_node root, const char *name)
{
    struct bl_node v;

    if (bl_member(root, name, &v, &err) != 1)
        exit(99);
    return v;
}

static void add_mentions(struct work *w, struct bl_node root)
{
    struct bl_node text = bl_node_first(need(root, "mentions")), pair;
    size_t n = 0;

    for (size_t i = 0; text.item; text = bl_node_next(text), i++)
        for (pair = bl_node_first(text); pair.item;
             pair = bl_node_next(pair), n++) {
            struct bl_node first = bl_node_first(pair);

            w->spans[n].sequence = i;
            if (bl_node_size(first, 0, 99, &w->spans[n].first, &err) < 0
                || bl_node_size(bl_node_next(first), 0, 99,
                                &w->spans[n].last, &err) < 0)
                exit(99);
        }
}

static void read_numbers(struct work *w, struct bl_node root)
{
    struct bl_node row = bl_node_first(need(root, "scores")), v;

    bl_member_number(root, "loss", 0, 99, &w->loss, &err);
    bl_member_number(root, "span_loss", 0, 99, &w->span_loss, &err);
    for (size_t i = 0; row.item; row = bl_node_next(row), i++) {
        v = bl_node_first(row);
        for (size_t k = 0; v.item; v = bl_node_next(v), k++)
            bl_node_number(v, -99, 99, &w->scores[i][k], &err);
    }
}

static void read_batch(struct work *w)
{
    struct bl_document *d = bl_document_read(fixture("elq/loss.json"),
                                             1 << 20, &err);
    struct bl_node root, text, entity;

    if (!d)
        exit(99);
    root = bl_document_root(d);
    for (text = bl_node_first(need(root, "contexts")); text.item;
         text = bl_node_next(text))
        add_ids(&w->contexts, text);
    for (text = bl_node_first(need(root, "entities")); text.item;
         text = bl_node_next(text))
        for (entity = bl_node_first(text); entity.item;
             entity = bl_node_next(entity))
            add_ids(&w->entities, entity);
    bl_sorted_finish(&w->contexts);
    bl_sorted_finish(&w->entities);
    add_mentions(w, root);
    read_numbers(w, root);
    bl_document_free(d);
}

static void release(struct work *w)
{
    bl_sorted_free(&w->contexts);
    bl_sorted_free(&w->entities);
    bl_train_setup_free(&w->setup);
}

static double loss_of(struct work *w, const struct bl_train_run *run,
                      double *spans)
{
    struct bl_train_spans batch = {
        .contexts = { &w->contexts.batch, w->contexts.rows },
        .entities = { &w->entities.batch, w->entities.rows },
        .mentions = w->spans, .n = MENTIONS,
        .longest = w->setup.net->view.spans.longest, .target = target,
        .fixed = w->fixed, .n_fixed = MENTIONS, .fixed_stride = 64,
        .pair_mentions = pair_mentions, .pair_columns = pair_columns,
        .pair_labels = pair_labels, .n_pairs = w->pairs ? PAIRS : 0
    };
    char error[BL_ERR_MSG];
    double loss = NAN;

    if (w->setup.api->spans(w->setup.handle, &batch, run, &loss, spans,
                            w->got, error) < 0)
        ok(false, "%s", error);
    return loss;
}

/* ---- The original's numbers ---- */

static void check_original(struct work *w)
{
    struct bl_train_run run = { .scale = 1 };
    double spans = 0, worst = 0, loss = loss_of(w, &run, &spans);

    ok(fabs(loss - w->loss) < 1e-4, "the loss is %.6f, the original's %.6f",
       loss, w->loss);
    ok(fabs(spans - w->span_loss) < 1e-5, "of the runs %.6f, %.6f", spans,
       w->span_loss);
    for (size_t i = 0; i < MENTIONS; i++)
        for (size_t k = 0; k < MENTIONS; k++)
            worst = fmax(worst, fabs((double)w->got[i * MENTIONS + k]
                                     - w->scores[i][k]));
    ok(worst < 1e-4, "scores (%.2g)", worst);
}

/* log(1 + exp(x)) of a score whose label is 0, of -x where it is 1. */
static double expected_pairs(const struct work *w)
{
    double sum = 0;

    for (size_t i = 0; i < PAIRS; i++) {
        double x = w->scores[pair_mentions[i]][pair_columns[i]];

        sum += log1p(exp(pair_labels[i] > 0 ? -x : x));
    }
    return sum / PAIRS;
}

static void check_pairs(struct work *w)
{
    struct bl_train_run run = { .scale = 1 };
    double spans = 0, loss;

    w->pairs = true;
    loss = loss_of(w, &run, &spans);
    ok(fabs(loss - spans - expected_pairs(w)) < 1e-4,
       "hard negatives: %.6f, by the formula %.6f", loss - spans,
       expected_pairs(w));
    w->pairs = false;
}

/* The entities' vectors given, and not made. */
static void check_fixed(struct work *w)
{
    static float fixed[MENTIONS * 64];
    struct bl_engine_opts opts = BL_ENGINE_OPTS_DEFAULT;
    struct bl_encoder *encoder = bl_encoder_open(&w->setup.net->view, &opts,
                                                 &err);
    float vectors[MENTIONS * DIM];
    struct bl_train_run run = { .scale = 1 };

    if (bl_encoder_embed(encoder, BL_TOWER_ENTITY, &w->entities.given,
                         vectors, NULL, &err) < 0)
        ok(false, "%s", err.msg);
    for (size_t i = 0; i < MENTIONS; i++)
        memcpy(fixed + i * 64, vectors + i * DIM, DIM * sizeof *vectors);
    w->fixed = fixed;
    ok(fabs(loss_of(w, &run, NULL) - w->loss) < 1e-4,
       "the same with vectors that stay");
    w->fixed = NULL;
    bl_encoder_close(encoder);
}

/* ---- Gradients ---- */

/* Along the gradient g the loss must rise by |g| a unit of length. */
static void check_gradient(struct work *w, const char *name)
{
    struct bl_train_run run = { .scale = 1, .backward = 1 };
    struct bl_params *net = w->setup.net;
    double norm, h, up, down, slope;

    bl_params_zero(net, false);
    loss_of(w, &run, NULL);
    norm = bl_params_clip(net, 0);
    h = 0.003 / norm;
    run.backward = 0;
    for (size_t i = 0; i < net->n; i++)
        net->values[i] += (float)(h / norm) * net->grads[i];
    up = loss_of(w, &run, NULL);
    for (size_t i = 0; i < net->n; i++)
        net->values[i] -= (float)(2 * h / norm) * net->grads[i];
    down = loss_of(w, &run, NULL);
    for (size_t i = 0; i < net->n; i++)
        net->values[i] += (float)(h / norm) * net->grads[i];
    slope = (up - down) / (2 * h);
    ok(norm > 0 && fabs(slope / norm - 1) < 0.02,
       "%s: slope %.5g, length of the gradient %.5g", name, slope, norm);
}

/* Whether a tensor has a gradient; -1: there is no such. */
static int moves(const struct bl_params *net, const char *name)
{
    for (size_t i = 0; i < net->n_params; i++) {
        const struct bl_param *param = &net->params[i];

        if (strcmp(param->name, name))
            continue;
        for (size_t k = param->at; k < param->at + param->n; k++)
            if (net->grads[k] < 0 || net->grads[k] > 0)
                return 1;
        return 0;
    }
    return -1;
}

static void check_threads(const char *base, const struct work *one)
{
    struct work w = { .fixed = NULL };
    struct bl_train_run run = { .scale = 1, .backward = 1 };
    double worst = 0, largest = 0;

    if (!start(&w, base, 3))
        return;
    read_batch(&w);
    loss_of(&w, &run, NULL);
    for (size_t i = 0; i < w.setup.net->n; i++) {
        double a = (double)w.setup.net->grads[i];
        double b = (double)one->setup.net->grads[i];

        worst = fmax(worst, fabs(a - b));
        largest = fmax(largest, fabs(b));
    }
    ok(worst < 1e-5 * largest, "three threads give the same gradient (%.2g "
       "of %.2g)", worst, largest);
    release(&w);
}

/* Another kind of heads than ELQ's published ones, with random weights. */
static void test_heads(const char *base, bool hidden, bool ends, bool project,
                       const char *name)
{
    struct work w = { .fixed = NULL };
    struct bl_model *model = bl_model_open(base, &err);
    struct bl_params_spec spec = { .role = BL_ROLE_BI_ENCODER, .towers = 2,
                                   .spans = true, .seed = 5 };
    struct bl_train_settings s = { BL_DEVICE_CPU, BL_PRECISION_F32, 1 };
    char error[BL_ERR_MSG];

    if (!start(&w, base, 1))
        return;
    read_batch(&w);
    w.setup.api->close(w.setup.handle);
    bl_params_free(w.setup.net);
    model->spans.hidden = hidden
        ? (struct bl_linear){ .out = DIM, .in = DIM }
        : (struct bl_linear){ .out = 0 };
    if (project)
        model->spans.project = (struct bl_linear){
            .out = DIM, .in = ends ? 2 * DIM : DIM
        };
    model->spans.ends = ends;
    w.setup.net = bl_params_new(model, &spec, &err);
    w.setup.handle = w.setup.api->open(w.setup.net, &s, error);
    check_gradient(&w, name);
    ok(moves(w.setup.net, "classification_heads.get_context_embeds."
             "mention_agg_linear.weight") == (project ? 1 : -1)
       && moves(w.setup.net, hidden ? "classification_heads.mention_scores."
                "bound_classifier.3.weight" : "classification_heads."
                "mention_scores.bound_classifier.weight") == 1,
       "%s: its heads have gradients", name);
    release(&w);
    bl_model_close(model);
}

static void test_published(const char *base)
{
    struct work w = { .fixed = NULL };
    struct bl_train_run run = { .scale = 1, .backward = 1 };

    if (!start(&w, base, 1)) {
        skip("training", "no libtorch");
        return;
    }
    read_batch(&w);
    check_original(&w);
    check_pairs(&w);
    check_fixed(&w);
    check_gradient(&w, "in the batch");
    w.pairs = true;
    check_gradient(&w, "hard negatives");
    w.pairs = false;
    bl_params_zero(w.setup.net, false);
    loss_of(&w, &run, NULL);
    ok(moves(w.setup.net, "classification_heads.mention_scores."
             "bound_classifier.weight") == 1, "the heads have gradients");
    check_threads(base, &w);
    release(&w);
    test_heads(base, true, false, false, "two layers");
    test_heads(base, false, true, false, "means of the ends");
    test_heads(base, false, false, true, "a layer behind the mean");
    test_heads(base, false, true, true, "a layer behind the ends");
}

int main(void)
{
    char *base, *command;
    int rc;

    if (!mkdtemp(folder))
        return 99;
    base = convert("elq", "{'mention_aggregation_type': 'all_avg', "
                   "'max_context_length': 32, 'max_cand_length': 128}");
    test_published(base);
    free(base);
    command = bl_xasprintf("rm -rf '%s'", folder);
    rc = system(command);
    free(command);
    return rc ? 99 : tap_done();
}
