/* SPDX-License-Identifier: MIT */
/* The gradients of every loss against differences of it, the scores against
 * the encoder's, threads against one, and the original's training of a
 * cross-encoder (golden data). */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "golden.h"
#include "json/json.h"
#include "tap.h"
#include "tensor/checkpoint.h"
#include "train/adamw.h"
#include "train/train-batch.h"
#include "train/train-setup.h"

enum { CONTEXTS = 5, ENTITIES = 7, DIM = 64 };

static struct bl_err err;

/* ---- A net and a batch ---- */

/* False when this build has no libtorch. */
static bool start(struct bl_train_setup *s, const char *base,
                  enum bl_role role, size_t threads)
{
    static const char *labels[] = { "O", "B-X", "I-X" };
    struct bl_train_wish w = { .base = base, .role = role, .layout = -1,
        .pooling = BL_POOL_MEAN, .normalize = 1, .dtype = BL_F32,
        .seed = 3 };
    struct bl_train_settings t = { BL_DEVICE_CPU, BL_PRECISION_F32,
                                   threads };

    if (role == BL_ROLE_TAGGER) {
        w.labels = labels;
        w.n_labels = 3;
    }
    if (bl_train_setup(s, &w, &err) < 0) {
        ok(false, "setup: %s", err.msg);
        return false;
    }
    if (bl_train_setup_start(s, &t, &err) == 0)
        return true;
    bl_train_setup_free(s);
    return false;
}

static void fill(struct bl_sorted *b, size_t n, const struct bl_params *net,
                 uint64_t seed)
{
    uint64_t random = seed;

    bl_sorted_clear(b);
    for (size_t i = 0; i < n; i++) {
        int32_t ids[20];
        size_t length = 3 + bl_random_below(&random, 12);

        for (size_t k = 0; k < length; k++)
            ids[k] = (int32_t)(4 + bl_random_below(&random,
                               net->view.shape.vocab - 4));
        bl_batch_add(&b->given, ids, NULL, NULL, length);
    }
    bl_sorted_finish(b);
}

/* ---- Losses of a net on fixed batches ---- */

struct work {
    struct bl_train_setup *s;
    struct bl_sorted contexts, entities;
    float scores[CONTEXTS * ENTITIES];
};

typedef double loss_fn(struct work *w, const struct bl_train_run *run);

static double check_call(int rc, double loss, const char *error)
{
    if (rc < 0)
        ok(false, "%s", error);
    return rc < 0 ? NAN : loss;
}

static double bi_loss(struct work *w, const struct bl_train_run *run)
{
    static const int64_t target[CONTEXTS] = { 0, 6, 2, 2, 4 };
    char error[BL_ERR_MSG];
    double loss = 0;
    struct bl_train_bi b = {
        .contexts = { &w->contexts.batch, w->contexts.rows },
        .entities = { &w->entities.batch, w->entities.rows },
        .target = target, .temperature = 0.5 };
    int rc = w->s->api->bi(w->s->handle, &b, run, &loss, w->scores, error);

    return check_call(rc, loss, error);
}

static double lists_loss(struct work *w, const struct bl_train_run *run)
{
    static const size_t starts[] = { 0, 2, 7 };
    static const int64_t gold[] = { 1, 3 };
    char error[BL_ERR_MSG];
    double loss = 0;
    struct bl_train_lists b = {
        .pairs = { &w->entities.batch, w->entities.rows },
        .starts = starts, .gold = gold, .n = 2 };
    int rc = w->s->api->lists(w->s->handle, &b, run, &loss, w->scores,
                              error);

    return check_call(rc, loss, error);
}

static double tags_loss(struct work *w, const struct bl_train_run *run)
{
    int64_t labels[200];
    char error[BL_ERR_MSG];
    double loss = 0;
    struct bl_train_tags b = { &w->contexts.batch, labels };
    int rc;

    for (size_t i = 0; i < b.batch->n_tokens; i++)
        labels[i] = i % 4 == 3 ? BL_TRAIN_IGNORE : (int64_t)(i % 3);
    rc = w->s->api->tags(w->s->handle, &b, run, &loss, NULL, error);
    return check_call(rc, loss, error);
}

/* ---- Gradients ---- */

/* Along the gradient g the loss must rise by |g| a unit of length. */
static void check_gradient(struct work *w, loss_fn *fn, const char *name)
{
    struct bl_train_run run = { .scale = 1, .backward = 1 };
    struct bl_params *net = w->s->net;
    double norm, h, up, down, slope;

    bl_params_zero(net, false);
    fn(w, &run);
    norm = bl_params_clip(net, 0);
    h = 0.01 / norm;
    run.backward = 0;
    for (size_t i = 0; i < net->n; i++)
        net->values[i] += (float)(h / norm) * net->grads[i];
    up = fn(w, &run);
    for (size_t i = 0; i < net->n; i++)
        net->values[i] -= (float)(2 * h / norm) * net->grads[i];
    down = fn(w, &run);
    for (size_t i = 0; i < net->n; i++)
        net->values[i] += (float)(h / norm) * net->grads[i];
    slope = (up - down) / (2 * h);
    ok(norm > 0 && fabs(slope / norm - 1) < 0.01,
       "%s: slope %.5g, length of the gradient %.5g", name, slope, norm);
}

/* Twice the loss of the same dropout, and of another. */
static void check_dropout(struct work *w, loss_fn *fn, const char *name)
{
    struct bl_train_run run = { .scale = 1, .dropout = 0.2, .seed = 9 };
    double one = fn(w, &run), two = fn(w, &run), other;

    run.seed = 10;
    other = fn(w, &run);
    ok(one == two && one != other, "%s: dropout is a function of its seed",
       name);
}

/* The larger one; unlike fmax, no number beats every number. */
static double worse(double a, double b)
{
    return a >= b ? a : isnan(a) ? a : b;
}

/* The vectors are those of the encoder. */
static void check_scores(struct work *w)
{
    struct bl_engine_opts o = BL_ENGINE_OPTS_DEFAULT;
    struct bl_encoder *e = bl_encoder_open(&w->s->net->view, &o, &err);
    float a[CONTEXTS * DIM], b[ENTITIES * DIM];
    struct bl_train_run run = { .scale = 1 };
    double worst = 0;

    bi_loss(w, &run);
    if (bl_encoder_embed(e, BL_TOWER_CONTEXT, &w->contexts.given, a, NULL,
                         &err) < 0
        || bl_encoder_embed(e, BL_TOWER_ENTITY, &w->entities.given, b, NULL,
                            &err) < 0)
        ok(false, "%s", err.msg);
    for (size_t i = 0; i < CONTEXTS; i++)
        for (size_t k = 0; k < ENTITIES; k++) {
            double sum = 0;

            for (size_t j = 0; j < DIM; j++)
                sum += (double)a[i * DIM + j] * (double)b[k * DIM + j];
            sum = sum / 0.5 - (double)w->scores[i * ENTITIES + k];
            worst = worse(worst, fabs(sum));
        }
    ok(worst < 1e-4, "scores are those of the encoder (%.2g)", worst);
    bl_encoder_close(e);
}

/* Gradients of three threads against those of one. */
static void check_threads(const char *base, const struct work *one)
{
    struct bl_train_setup s;
    struct work w = { .s = &s };
    struct bl_train_run run = { .scale = 1, .backward = 1 };
    double worst = 0, largest = 0;

    if (!start(&s, base, BL_ROLE_BI_ENCODER, 3))
        return;
    fill(&w.contexts, CONTEXTS, s.net, 1);
    fill(&w.entities, ENTITIES, s.net, 2);
    bi_loss(&w, &run);
    for (size_t i = 0; i < s.net->n; i++) {
        double a = (double)s.net->grads[i];
        double b = (double)one->s->net->grads[i];

        worst = worse(worst, fabs(a - b));
        largest = fmax(largest, fabs(b));
    }
    ok(worst < 1e-5 * largest, "three threads give the same gradient (%.2g "
       "of %.2g)", worst, largest);
    bl_sorted_free(&w.contexts);
    bl_sorted_free(&w.entities);
    bl_train_setup_free(&s);
}

static bool test_losses(enum bl_role role, loss_fn *fn, const char *name)
{
    static const char *base;
    struct bl_train_setup s;
    struct work w = { .s = &s };
    struct bl_train_run run = { .scale = 1, .backward = 1 };

    base = fixture("m2-cross");
    if (!start(&s, base, role, 1))
        return false;
    fill(&w.contexts, CONTEXTS, s.net, 1);
    fill(&w.entities, ENTITIES, s.net, 2);
    check_gradient(&w, fn, name);
    check_dropout(&w, fn, name);
    if (role == BL_ROLE_BI_ENCODER) {
        check_scores(&w);
        bl_params_zero(s.net, false);
        bi_loss(&w, &run);
        check_threads(base, &w);
    }
    bl_sorted_free(&w.contexts);
    bl_sorted_free(&w.entities);
    bl_train_setup_free(&s);
    return true;
}

/* ---- The original's training of a cross-encoder ---- */

static struct bl_span read_golden(const char *name, struct bl_buf *text)
{
    FILE *f = golden_open(name);
    size_t n;

    if (!f)
        return (struct bl_span){ NULL, 0 };
    do {
        bl_buf_reserve(text, 1 << 16);
        n = fread(text->data + text->len, 1, 1 << 16, f);
        text->len += n;
    } while (n);
    fclose(f);
    return bl_json_trim((struct bl_span){ text->data, text->len });
}

static struct bl_span member(struct bl_span object, const char *name)
{
    struct bl_span v = { NULL, 0 };

    if (bl_json_get(object, name, &v, &err) != 1)
        ok(false, "no %s", name);
    return v;
}

static double number(struct bl_span v)
{
    double d = NAN;

    bl_json_number(v, &d, &err);
    return d;
}

/* Candidate k of the first example: BLINK's padded ids, unpadded. */
static void add_pair(struct bl_sorted *b, const int64_t *context,
                     const int64_t *candidate, size_t width)
{
    int32_t ids[128], segments[128], positions[128];
    size_t n = 0;

    for (size_t i = 0; i < 32 + width - 1; i++) {
        int64_t id = i < 32 ? context[i] : candidate[i - 31];

        if (!id)
            continue;
        ids[n] = (int32_t)id;
        segments[n] = i >= 32;
        positions[n++] = (int32_t)i;
    }
    bl_batch_add(&b->given, ids, segments, positions, n);
}

static bool read_example(struct bl_sorted *b, int64_t *gold)
{
    char path[4096];
    const char *top = getenv("top_srcdir"), *shared = getenv("BLINK_SHARED");
    struct bl_checkpoint c;
    struct bl_torch_tensor *contexts, *candidates;
    int64_t context[32], candidate[4 * 64];

    snprintf(path, sizeof path, "%s%s/golden/train/zeshel/top4_candidates/"
             "train.t7", shared ? shared : top ? top : ".",
             shared ? "" : "/../shared");
    if (bl_checkpoint_open(&c, path, &err) < 0)
        return ok(false, "%s", err.msg);
    contexts = bl_checkpoint_find(&c, "context_vecs");
    candidates = bl_checkpoint_find(&c, "candidate_vecs");
    bl_torch_copy(contexts, 0, 32, context);
    bl_torch_copy(candidates, 0, 4 * 64, candidate);
    bl_torch_copy(bl_checkpoint_find(&c, "labels"), 0, 1, gold);
    bl_sorted_clear(b);
    for (size_t k = 0; k < 4; k++)
        add_pair(b, context, candidate + k * 64, 64);
    bl_sorted_finish(b);
    bl_checkpoint_close(&c);
    return true;
}

static void compare_final(const struct bl_params *net, struct bl_span golden)
{
    struct bl_json_iter it = bl_json_iter(member(golden,
                                                 "final_parameters"));
    struct bl_span p;
    double worst = 0;
    size_t n = 0;

    while (bl_json_next(&it, NULL, &p)) {
        struct bl_span name = member(p, "name");
        double sum = 0, want = number(member(p, "l2"));

        for (size_t i = 0; i < net->n_params; i++) {
            const struct bl_param *q = &net->params[i];

            if (name.n != strlen(q->name) + 2
                || memcmp(name.p + 1, q->name, name.n - 2))
                continue;
            for (size_t k = q->at; k < q->at + q->n; k++)
                sum += (double)net->values[k] * (double)net->values[k];
            n++;
            /* The fixture has fewer positions than the original's model. */
            if (q->dims[0] != 512 && strstr(q->name, "position"))
                continue;
            worst = worse(worst, fabs(sqrt(sum) - want) / (1 + want));
        }
    }
    ok(n == net->n_params && worst < 1e-5, "%zu final parameters (%.2g)", n,
       worst);
}

static void run_golden(struct bl_train_setup *s, struct bl_span golden,
                       const char *groups)
{
    struct bl_json_iter losses = bl_json_iter(member(golden,
                                                     "loss_per_forward"));
    struct bl_json_iter steps = bl_json_iter(member(golden,
                                                    "optimizer_steps"));
    struct bl_sorted b = { .cap = 0 };
    struct bl_adamw adamw;
    static const size_t starts[] = { 0, 4 };
    int64_t gold;
    struct bl_train_lists lists = { .starts = starts, .gold = &gold,
                                    .n = 1 };
    struct bl_train_run run = { .scale = 1, .backward = 1 };
    struct bl_span v;
    double loss_off = 0, norm_off = 0;

    if (!read_example(&b, &gold))
        return;
    lists.pairs = (struct bl_train_seqs){ &b.batch, b.rows };
    bl_adamw_init(&adamw, s->net);
    adamw.epsilon = 1e-6;
    adamw.correct = false;
    for (uint64_t i = 0; bl_json_next(&losses, NULL, &v); i++) {
        char error[BL_ERR_MSG];
        double loss = NAN, want = number(v), norm;

        s->api->lists(s->handle, &lists, &run, &loss, NULL, error);
        loss_off = worse(loss_off, fabs(loss - want) / (want + 0.01));
        norm = bl_params_clip(s->net, 1);
        bl_json_next(&steps, NULL, &v);
        want = number(member(v, "grad_norm"));
        norm_off = worse(norm_off, fabs(norm - want) / want);
        bl_adamw_step(&adamw, s->net, 5e-5 * bl_schedule(i, 3, 12));
        bl_params_zero(s->net, true);
    }
    ok(loss_off < 2e-4, "%s: losses (%.2g)", groups, loss_off);
    ok(norm_off < 1e-3, "%s: lengths of gradients (%.2g)", groups, norm_off);
    compare_final(s->net, golden);
    bl_adamw_free(&adamw);
    bl_sorted_free(&b);
}

static void test_golden(const char *name, const char *groups)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_span golden = read_golden(name, &text);
    struct bl_train_wish w = { .base = fixture("m2-cross"),
        .role = BL_ROLE_CROSS_ENCODER, .layout = -1, .pooling = -1,
        .normalize = -1, .dtype = BL_F32 };
    struct bl_train_settings t = { BL_DEVICE_CPU, BL_PRECISION_F32, 1 };
    struct bl_train_setup s;

    if (!golden.p) {
        ok(true, "%s # SKIP no golden data here", groups);
        return;
    }
    if (bl_train_setup(&s, &w, &err) < 0
        || bl_params_blink_groups(s.net, groups, &err) < 0
        || bl_train_setup_start(&s, &t, &err) < 0)
        ok(false, "%s", err.msg);
    else
        run_golden(&s, golden, groups);
    bl_train_setup_free(&s);
    bl_buf_free(&text);
}

int main(void)
{
    if (getenv("BLINK_VALGRIND")) {
        puts("1..0 # SKIP libtorch takes too long under valgrind");
        return 0;
    }
    if (!test_losses(BL_ROLE_BI_ENCODER, bi_loss, "bi")) {
        printf("1..0 # SKIP %s\n", err.msg);
        return 0;
    }
    test_losses(BL_ROLE_CROSS_ENCODER, lists_loss, "cross");
    test_losses(BL_ROLE_TAGGER, tags_loss, "tags");
    test_golden("train/zeshel/cross_fixed_example.json",
                "all_encoder_layers");
    test_golden("train/zeshel/cross_fixed_example_all.json", "all");
    return tap_done();
}
