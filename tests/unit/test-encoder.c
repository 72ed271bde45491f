/* SPDX-License-Identifier: MIT */
/*
 * The engines against what the original computed (tests/data/golden), and
 * against each other: batches of any size, order and number of threads.
 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"
#include "net/encoder.h"
#include "net/kernels.h"
#include "random-model.h"
#include "tap.h"

enum { MAX_CASES = 64, MAX_IDS = 512 };

struct cases {
    size_t n;
    struct bl_batch batch;
    float *want;                /* [n][width] */
    size_t width;
};

static size_t read_ints(struct bl_span record, const char *name,
                        int32_t *out)
{
    struct bl_span v, member;
    struct bl_json_iter it;
    size_t n = 0;

    if (bl_json_get(record, name, &v, NULL) != 1)
        return 0;
    for (it = bl_json_iter(v); bl_json_next(&it, NULL, &member); n++) {
        int64_t i = 0;

        BL_ASSERT(n < MAX_IDS);
        BL_ASSERT(!bl_json_integer(member, 0, INT32_MAX, &i, NULL));
        out[n] = (int32_t)i;
    }
    return n;
}

static void add_floats(struct cases *c, struct bl_span record,
                       const char *name)
{
    struct bl_json_iter it;
    struct bl_span v, member;
    double d = 0;
    size_t n = 0;

    BL_ASSERT(bl_json_get(record, name, &v, NULL) == 1);
    it = bl_json_iter(v);
    if (bl_json_type(v) == BL_JSON_NUMBER) {
        BL_ASSERT(!bl_json_number(v, &d, NULL));
        c->want[c->n] = (float)d;
        n = 1;
    }
    for (; bl_json_next(&it, NULL, &member); n++) {
        BL_ASSERT(!bl_json_number(member, &d, NULL));
        c->want[c->n * c->width + n] = (float)d;
    }
    BL_ASSERT(n == c->width);
}

static void add_case(struct cases *c, struct bl_span record,
                     const char *result)
{
    int32_t ids[MAX_IDS], segments[MAX_IDS], positions[MAX_IDS];
    size_t n = read_ints(record, "ids", ids);
    bool laid_out = read_ints(record, "segments", segments) > 0;

    read_ints(record, "positions", positions);
    bl_batch_add(&c->batch, ids, laid_out ? segments : NULL,
                 laid_out ? positions : NULL, n);
    add_floats(c, record, result);
    c->n++;
}

static struct cases load_cases(const char *file, const char *result,
                               size_t width)
{
    struct cases c = { .batch = BL_BATCH_INIT, .width = width };
    char *path = bl_xasprintf("%s/tests/data/golden/m2-vectors/%s",
                              getenv("top_srcdir"), file);
    struct bl_buf text = BL_BUF_INIT;

    c.want = bl_xcalloc(MAX_CASES * width, sizeof *c.want);
    BL_ASSERT(!bl_file_read(path, 1 << 20, &text, NULL));
    for (char *p = text.data, *end; c.n < MAX_CASES
         && (end = strchr(p, '\n')); p = end + 1) {
        struct bl_span line = { p, (size_t)(end - p) };

        BL_ASSERT(!bl_json_check(line.p, line.n, NULL));
        add_case(&c, line, result);
    }
    bl_buf_free(&text);
    free(path);
    return c;
}

static void cases_free(struct cases *c)
{
    bl_batch_free(&c->batch);
    free(c->want);
}

static struct bl_model *open_model(const char *name)
{
    char *path = bl_xasprintf("%s/tests/data/golden/%s",
                              getenv("top_srcdir"), name);
    struct bl_err err;
    struct bl_model *m = bl_model_open(path, &err);

    if (!ok(m != NULL, "%s opens", name))
        printf("# %s\n", err.msg);
    free(path);
    return m;
}

/* The largest difference, relative to the largest number of a when that is
 * above 1. */
static float distance(const float *a, const float *b, size_t n)
{
    float most = 0, largest = 1;

    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        if (!(fabsf(a[i] - b[i]) <= most))
            most = fabsf(a[i] - b[i]);
    }
    return most / largest;
}

/* Runs the whole batch, or sequence by sequence in groups of `group`, last
 * first. */
static void run(struct bl_encoder *e, enum bl_tower tower, bool score,
                const struct cases *c, size_t group, float *out)
{
    size_t done = 0;

    while (done < c->n) {
        struct bl_batch b = BL_BATCH_INIT;
        size_t n = BL_MIN(c->n - done, group);
        size_t first = c->n - done - n;
        struct bl_err err = { .code = BL_OK };
        int rc;

        for (size_t i = first; i < first + n; i++) {
            size_t at = c->batch.offsets[i];

            bl_batch_add(&b, c->batch.ids + at, c->batch.segments + at,
                         c->batch.positions + at,
                         c->batch.offsets[i + 1] - at);
        }
        rc = score ? bl_encoder_score(e, &b, out + first, NULL, &err)
            : bl_encoder_embed(e, tower, &b, out + first * c->width, NULL,
                               &err);
        if (rc)
            printf("# %s\n", err.msg);
        bl_batch_free(&b);
        done += n;
    }
}

static void compare(const struct bl_model *m, const struct cases *c,
                    enum bl_tower tower, struct bl_engine_opts eo,
                    float tolerance, const char *what)
{
    bool score = m->role == BL_ROLE_CROSS_ENCODER;
    float *whole = bl_xcalloc(c->n * c->width, sizeof *whole);
    float *parts = bl_xcalloc(c->n * c->width, sizeof *parts);
    struct bl_err err;
    struct bl_encoder *e = bl_encoder_open(m, &eo, &err);

    if (!ok(e != NULL, "%s: opens", what)) {
        printf("# %s\n", err.msg);
        return;
    }
    printf("# %s\n", bl_encoder_describe(e));
    run(e, tower, score, c, c->n, whole);
    ok(distance(whole, c->want, c->n * c->width) <= tolerance,
       "%s: as the original (%.1e)", what,
       (double)distance(whole, c->want, c->n * c->width));
    for (size_t group = 1; group <= 7; group += 6) {
        run(e, tower, score, c, group, parts);
        ok(distance(whole, parts, c->n * c->width) <= 1e-5f,
           "%s: batches of %zu give the same", what, group);
    }
    bl_encoder_close(e);
    free(whole);
    free(parts);
}

static void compare_all(const struct bl_model *m, const struct cases *c,
                        enum bl_tower tower, float tolerance, bool torch)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;

    eo.engine = BL_ENGINE_REFERENCE;
    compare(m, c, tower, eo, tolerance, "reference");
    eo.batch_tokens = 50;
    compare(m, c, tower, eo, tolerance, "reference, 50 tokens at once");
    eo = (struct bl_engine_opts)BL_ENGINE_OPTS_DEFAULT;
    eo.engine = BL_ENGINE_CPU;
    eo.threads = 1;
    compare(m, c, tower, eo, tolerance, "cpu, 1 thread");
    eo.threads = 4;
    compare(m, c, tower, eo, tolerance, "cpu, 4 threads");
    eo.batch_tokens = 50;
    compare(m, c, tower, eo, tolerance, "cpu, 50 tokens at once");
    if (!torch) {
        skip("torch", "built without it");
        return;
    }
    eo = (struct bl_engine_opts)BL_ENGINE_OPTS_DEFAULT;
    eo.engine = BL_ENGINE_TORCH;
    eo.threads = 1;
    compare(m, c, tower, eo, tolerance, "torch, 1 thread");
    eo.threads = 4;
    compare(m, c, tower, eo, tolerance, "torch, 4 threads");
    eo.batch_tokens = 50;
    compare(m, c, tower, eo, tolerance, "torch, 50 tokens at once");
}

/* The other way through the shim; bf16 keeps 8 bits. */
static void compare_bf16(const struct bl_model *m, const struct cases *c)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    float *out = bl_xcalloc(c->n * c->width, sizeof *out);
    struct bl_encoder *e;

    eo.engine = BL_ENGINE_TORCH;
    eo.precision = BL_PRECISION_BF16;
    e = bl_encoder_open(m, &eo, NULL);
    if (ok(e != NULL, "torch, bf16: opens")) {
        float d;

        run(e, BL_TOWER_CONTEXT, false, c, c->n, out);
        d = distance(out, c->want, c->n * c->width);
        ok(d < 0.5f && d > 0, "torch, bf16: near the original (%.1e)",
           (double)d);
    }
    bl_encoder_close(e);
    free(out);
}

/* A NaN in the weights is found in every sequence, and only asked for. */
static void test_non_finite(struct bl_model *m, const struct cases *c,
                            bool torch)
{
    float *bias = bl_xmemdup(m->towers[0].head.b,
                             m->dim * sizeof *bias);
    float *out = bl_xcalloc(c->n * c->width, sizeof *out);
    const float *good = m->towers[0].head.b;
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    struct bl_err err = { .code = BL_OK };
    bool bad[MAX_CASES];
    size_t n_bad = 0;
    struct bl_encoder *e;

    eo.engine = torch ? BL_ENGINE_TORCH : BL_ENGINE_CPU;
    bias[3] = NAN;
    m->towers[0].head.b = bias;
    e = bl_encoder_open(m, &eo, &err);
    ok(bl_encoder_embed(e, BL_TOWER_CONTEXT, &c->batch, out, bad, &err) == 0,
       "NaN: the batch goes on");
    for (size_t i = 0; i < c->n; i++)
        n_bad += bad[i];
    ok(n_bad == c->n, "NaN: every sequence is marked");
    ok(bl_encoder_embed(e, BL_TOWER_CONTEXT, &c->batch, out, NULL, &err) < 0
       && err.code == BL_NON_FINITE, "NaN: fails when not asked for");
    bl_encoder_close(e);
    m->towers[0].head.b = good;
    free(bias);
    free(out);
}

static void test_range(const struct bl_model *m)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    struct bl_batch b = BL_BATCH_INIT;
    struct bl_err err;
    struct bl_encoder *e;
    float out[64];
    int32_t id = (int32_t)m->shape.vocab;

    eo.engine = BL_ENGINE_REFERENCE;
    e = bl_encoder_open(m, &eo, &err);
    bl_batch_add(&b, &id, NULL, NULL, 1);
    ok(bl_encoder_embed(e, BL_TOWER_CONTEXT, &b, out, NULL, &err) < 0,
       "an id outside the vocabulary is refused");
    is_str(err.msg, "token id 1500, but the model has 1500 words",
           "with both numbers");
    bl_batch_free(&b);
    bl_encoder_close(e);
}

/* ---- Shapes that no model at hand has ---- */

static float *embed(const struct bl_model *m, int engine, size_t threads,
                    const struct bl_batch *b)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    float *out = bl_xcalloc(b->n_seqs * m->dim, sizeof *out);
    struct bl_encoder *e;

    eo.engine = engine;
    eo.threads = threads;
    e = bl_encoder_open(m, &eo, NULL);
    if (!e || bl_encoder_embed(e, BL_TOWER_CONTEXT, b, out, NULL, NULL))
        out[0] = NAN;
    bl_encoder_close(e);
    return out;
}

static void same_shape(const struct bl_model *m, size_t n, size_t length,
                       size_t threads)
{
    struct bl_batch b = stairs(n, length);
    float *want = embed(m, BL_ENGINE_REFERENCE, 1, &b);
    float *got = embed(m, BL_ENGINE_CPU, threads, &b);
    float d = distance(want, got, n * m->dim);

    ok(d <= 1e-4f, "%zu sequences of %zu tokens or fewer, %zu numbers, %zu "
       "threads, %s: as the reference (%.1e)", n, length, m->dim, threads,
       m->pooling == BL_POOL_CLS ? "first" : "mean", (double)d);
    bl_batch_free(&b);
    free(want);
    free(got);
}

/* Widths beside the 16 lanes, heads of one number, more threads than
 * sequences, more sequences than fit a piece, threads that share a piece or
 * several. */
static void test_shapes(void)
{
    static const size_t shapes[][3] = {
        { 24, 2, 40 }, { 5, 5, 3 }, { 96, 6, 72 }
    };
    static const size_t batches[][3] = {
        { 1, 1, 1 }, { 1, 1, 4 }, { 1, POSITIONS, 3 }, { 3, 17, 16 },
        { 9, 16, 2 }, { 130, 5, 200 }, { 250, 5, 4 }
    };

    for (size_t i = 0; i < BL_COUNT(shapes); i++) {
        struct bl_arena a = BL_ARENA_INIT;
        struct bl_model m = small_model(&a, shapes[i][0], shapes[i][1],
                                        shapes[i][2]);

        for (size_t k = 0; k < BL_COUNT(batches); k++)
            for (int mean = 0; mean < 2; mean++) {
                m.pooling = mean ? BL_POOL_MEAN : BL_POOL_CLS;
                same_shape(&m, batches[k][0], batches[k][1], batches[k][2]);
            }
        bl_arena_free(&a);
    }
}

/* ---- Activations ---- */

static double activated(enum bl_activation activation, double x)
{
    switch (activation) {
    case BL_ACT_GELU_TANH:
        return x * (1 + tanh(sqrt(2 / acos(-1.0))
                             * (x + 0.044715 * x * x * x))) / 2;
    case BL_ACT_RELU:
        return BL_MAX(0.0, x);
    case BL_ACT_SILU:
        return x / (1 + exp(-x));
    default:
        return x * (1 + erf(x / sqrt(2.0))) / 2;
    }
}

/* Every kernel against sums in double precision, at rows of every length. */
static void test_activation(enum bl_activation activation)
{
    enum { N = 4001, MOST = 37 };
    static const float edges[] = { 0, -0.0f, 1e-30f, -1e-30f, 90, -90, 1e4f,
                                   -1e4f, 1e20f };
    float zeros[MOST] = { 0 }, x[MOST];
    const struct bl_kernels *k;

    for (size_t v = 0; (k = bl_kernels_at(v)); v++) {
        double worst = 0;
        bool nan = true;

        for (size_t i = 0; i < N; i++) {
            size_t w = 1 + i % MOST;
            float at = i < BL_COUNT(edges) ? edges[i]
                : ((float)i - N / 2) / 100;
            double want = activated(activation, (double)at);

            for (size_t j = 0; j < w; j++)
                x[j] = at;
            k->activate[activation](x, zeros, 1, w);
            for (size_t j = 0; j < w; j++)
                worst = fmax(worst, fabs((double)x[j] - want)
                             / (1 + fabs(want)));
        }
        x[0] = NAN;
        x[1] = -NAN;
        k->activate[activation](x, zeros, 1, 2);
        nan = isnan(x[0]) && isnan(x[1]);
        ok(worst < 1e-6 && nan, "activation %d, kernel %zu: %.1e, NaN stays",
           (int)activation, v, worst);
    }
}

static void test_activations(bool torch)
{
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_model m = small_model(&a, 24, 2, 40);
    struct bl_batch b = stairs(20, 7);
    float *gelu = embed(&m, BL_ENGINE_REFERENCE, 1, &b);

    for (int i = 0; i < BL_ACTIVATIONS; i++) {
        float *want, *got;

        test_activation((enum bl_activation)i);
        m.shape.activation = (enum bl_activation)i;
        want = embed(&m, BL_ENGINE_REFERENCE, 1, &b);
        ok(i == BL_ACT_GELU || distance(gelu, want, b.n_seqs * m.dim) > 1e-5f,
           "activation %d: is another function", i);
        for (int engine = BL_ENGINE_CPU; engine <= (torch ? BL_ENGINE_TORCH
                                                    : BL_ENGINE_CPU);
             engine++) {
            got = embed(&m, engine, 2, &b);
            ok(distance(want, got, b.n_seqs * m.dim) < 1e-4f,
               "activation %d, engine %d: as the reference (%.1e)", i, engine,
               (double)distance(want, got, b.n_seqs * m.dim));
            free(got);
        }
        free(want);
    }
    free(gelu);
    bl_batch_free(&b);
    bl_arena_free(&a);
}

/* A token's logits are linear in its state, so their mean over a sequence is
 * the head applied to the mean state: what mean pooling gives. */
static float tag_distance(const struct bl_linear *head, size_t hidden,
                          const struct bl_batch *b, const float *means,
                          const float *logits)
{
    float far = 0;

    for (size_t i = 0; i < b->n_seqs; i++)
        for (size_t o = 0; o < head->out; o++) {
            size_t n = b->offsets[i + 1] - b->offsets[i];
            float want = head->b[o], got = 0;

            for (size_t k = 0; k < hidden; k++)
                want += head->w[o * hidden + k] * means[i * hidden + k];
            for (size_t t = 0; t < n; t++)
                got += logits[(b->offsets[i] + t) * head->out + o] /
                    (float)n;
            if (!(fabsf(want - got) <= far))
                far = fabsf(want - got);
        }
    return far;
}

static void test_tags(void)
{
    enum { TAGS = 9 };
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_model m = small_model(&a, 24, 2, 40);
    struct bl_batch b = stairs(20, 7);
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    float *logits = bl_xcalloc(b.n_tokens * TAGS, sizeof *logits);
    float *means;
    struct bl_encoder *e;

    m.pooling = BL_POOL_MEAN;
    means = embed(&m, BL_ENGINE_REFERENCE, 1, &b);
    m.role = BL_ROLE_TAGGER;
    m.n_labels = TAGS;
    m.towers[0].head = linear(&a, TAGS, 24);
    eo.batch_tokens = 16;       /* several parts, put back in order */
    for (eo.engine = BL_ENGINE_REFERENCE; eo.engine <= BL_ENGINE_CPU;
         eo.engine++) {
        e = bl_encoder_open(&m, &eo, NULL);
        ok(e && bl_encoder_tags(e) == TAGS, "tagger: nine tags");
        ok(bl_encoder_tag(e, &b, logits, NULL, NULL) == 0
           && tag_distance(&m.towers[0].head, 24, &b, means, logits) < 1e-4f,
           "tagger: logits of every token in its place");
        bl_encoder_close(e);
    }
    free(means);
    free(logits);
    bl_batch_free(&b);
    bl_arena_free(&a);
}

/* Fifty times slower there: neither libtorch nor the golden models. */
static bool under_valgrind(void)
{
    return getenv("BLINK_VALGRIND") != NULL;
}

static bool has_torch(const struct bl_model *m)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    struct bl_encoder *e;

    eo.engine = BL_ENGINE_TORCH;
    e = bl_encoder_open(m, &eo, NULL);
    bl_encoder_close(e);
    return e != NULL;
}

int main(void)
{
    struct cases context = load_cases("context.jsonl", "embedding", 20);
    struct cases entity = load_cases("entity.jsonl", "embedding", 20);
    struct cases cross = load_cases("cross.jsonl", "logit", 1);
    struct bl_model *bi = open_model("m2-bi");
    struct bl_model *pair = open_model("m2-cross");

    if (bi && pair && !under_valgrind()) {
        bool torch = has_torch(bi);

        compare_all(bi, &context, BL_TOWER_CONTEXT, 1e-4f, torch);
        compare_all(bi, &entity, BL_TOWER_ENTITY, 1e-4f, torch);
        compare_all(pair, &cross, BL_TOWER_CONTEXT, 1e-3f, torch);
        if (torch)
            compare_bf16(bi, &context);
        test_non_finite(bi, &context, torch);
        test_shapes();
        test_activations(torch);
    }
    if (bi)
        test_range(bi);
    test_tags();
    bl_model_close(bi);
    bl_model_close(pair);
    cases_free(&context);
    cases_free(&entity);
    cases_free(&cross);
    return tap_done();
}
