/* SPDX-License-Identifier: MIT */
/* fuzz-kernels: the float kernels, on any shape.  Every version that runs
 * here is near double precision; a row gives the same bits whatever stands
 * beside it; numbers are widened to the same bits by all. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "feed.h"
#include "net/f32.h"
#include "net/kernels.h"
#include "search/topk-kernels.h"
#include "tensor/half.h"

static float *floats(struct feed *f, size_t n)
{
    float *v = bl_xmalloc(n, sizeof *v);

    feed_floats(f, v, n);
    return v;
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
        return x * (1 + erf(x * 0.70710678118654752)) / 2;
    }
}

static void activate(struct feed *f)
{
    enum bl_activation what = (enum bl_activation)feed_size(
        f, 0, BL_ACTIVATIONS - 1);
    size_t n = feed_size(f, 1, 6), w = feed_size(f, 1, 100);
    float *x = floats(f, n * w), *bias = floats(f, w);
    float *y = bl_xmalloc(n, w * sizeof *y), *one = bl_xmalloc(w, sizeof *y);
    float by = (float)feed_size(f, 1, 60);
    const struct bl_kernels *k;

    for (size_t v = 0; (k = bl_kernels_at(v)); v++) {
        for (size_t i = 0; i < n * w; i++)
            y[i] = by * x[i];
        k->activate[what](y, bias, n, w);
        for (size_t i = 0; i < n * w; i++) {
            double at = (double)(by * x[i] + bias[i % w]);

            CHECK(fabs((double)y[i] - activated(what, at))
                  <= 1e-6 * (1 + fabs(at)));
        }
        for (size_t i = 0; i < w; i++)
            one[i] = by * x[(n - 1) * w + i];
        k->activate[what](one, bias, 1, w);
        CHECK(!memcmp(one, y + (n - 1) * w, w * sizeof *one));
    }
    free(x);
    free(bias);
    free(y);
    free(one);
}

/* ---- Layer normalisation ---- */

/* x[w] = sum + norm of it, in double precision, near y[w]. */
static void check_norm(const double *sum, const struct bl_norm *norm,
                       double epsilon, const float *y, size_t w)
{
    double mean = 0, square = 0, most = 0, scale;

    for (size_t k = 0; k < w; k++) {
        mean += sum[k] / (double)w;
        most = BL_MAX(fabs(sum[k]), most);
    }
    for (size_t k = 0; k < w; k++)
        square += (sum[k] - mean) * (sum[k] - mean);
    scale = 1 / sqrt(square / (double)w + epsilon);
    for (size_t k = 0; k < w; k++) {
        double gain = (double)norm->gain[k], bias = (double)norm->bias[k];
        double want = (sum[k] - mean) * scale * gain + bias;

        CHECK(fabs((double)y[k] - want)
              <= 4e-6 * (most * scale * fabs(gain) + fabs(bias)) + 1e-12);
    }
}

static void add_norm(struct feed *f)
{
    size_t n = feed_size(f, 1, 6), w = feed_size(f, 1, 150);
    float epsilon = feed_byte(f) % 2 ? 1e-12f : 1e-5f;
    float *x = floats(f, n * w), *y = floats(f, n * w), *b = floats(f, w);
    float *gain = floats(f, w), *bias = floats(f, w);
    struct bl_norm norm = { gain, bias };
    float *got = bl_xmalloc(n, w * sizeof *got);
    float *one = bl_xmalloc(w, sizeof *one);
    double *sum = bl_xmalloc(w, sizeof *sum);
    const struct bl_kernels *k;

    for (size_t i = 0; i < n; i++)      /* far from being all the same */
        x[i * w] += w > 1 ? 4 : 0;
    for (size_t v = 0; (k = bl_kernels_at(v)); v++) {
        memcpy(got, x, n * w * sizeof *got);
        k->add_norm(got, y, b, &norm, epsilon, n, w);
        for (size_t i = 0; i < n && w > 1; i++) {
            for (size_t at = 0; at < w; at++)
                sum[at] = (double)x[i * w + at] + (double)y[i * w + at]
                    + (double)b[at];
            check_norm(sum, &norm, (double)epsilon, got + i * w, w);
        }
        memcpy(one, x + (n - 1) * w, w * sizeof *one);
        k->add_norm(one, y + (n - 1) * w, b, &norm, epsilon, 1, w);
        CHECK(!memcmp(one, got + (n - 1) * w, w * sizeof *one));
    }
    free(x);
    free(y);
    free(b);
    free(gain);
    free(bias);
    free(got);
    free(one);
    free(sum);
}

static void look_up(struct feed *f)
{
    enum { VOCAB = 7, POSITIONS = 5, TYPES = 2, N = 3 };
    size_t w = feed_size(f, 2, 150);
    float *words = floats(f, VOCAB * w), *places = floats(f, POSITIONS * w);
    float *types = floats(f, TYPES * w);
    float *gain = floats(f, w), *bias = floats(f, w);
    struct bl_shape s = { .hidden = w, .vocab = VOCAB,
                          .positions = POSITIONS, .types = TYPES,
                          .epsilon = 1e-5f };
    struct bl_bert t = { .words.f32 = words, .positions = places,
                         .types = types, .norm = { gain, bias } };
    float *x = bl_xmalloc(N, w * sizeof *x);
    double *sum = bl_xmalloc(w, sizeof *sum);
    int32_t ids[N], at[N], segments[N];
    const struct bl_kernels *k;

    for (size_t i = 0; i < N; i++) {
        ids[i] = (int32_t)feed_size(f, 0, VOCAB - 1);
        at[i] = (int32_t)feed_size(f, 0, POSITIONS - 1);
        segments[i] = (int32_t)feed_size(f, 0, TYPES - 1);
    }
    for (size_t v = 0; (k = bl_kernels_at(v)); v++) {
        k->look_up(&s, &t, ids, at, segments, N, x);
        for (size_t i = 0; i < N; i++) {
            for (size_t c = 0; c < w; c++)
                sum[c] = (double)words[(size_t)ids[i] * w + c]
                    + (double)places[(size_t)at[i] * w + c]
                    + (double)types[(size_t)segments[i] * w + c];
            check_norm(sum, &t.norm, 1e-5, x + i * w, w);
        }
    }
    free(words);
    free(places);
    free(types);
    free(gain);
    free(bias);
    free(x);
    free(sum);
}

/* ---- Attention ---- */

/* What query i gives each key: score[n], adding up to 1. */
static void shares(const struct bl_attend *a, size_t i, double *score)
{
    double most = -INFINITY, all = 0;

    for (size_t j = 0; j < a->n; j++) {
        score[j] = 0;
        for (size_t k = 0; k < a->d; k++)
            score[j] += ((double)a->q[i * a->stride + k]
                         + (double)a->q_bias[k])
                * ((double)a->k[j * a->stride + k] + (double)a->k_bias[k]);
        score[j] /= sqrt((double)a->d);
        most = BL_MAX(score[j], most);
    }
    for (size_t j = 0; j < a->n; j++)
        all += score[j] = exp(score[j] - most);
    for (size_t j = 0; j < a->n; j++)
        score[j] /= all;
}

static void check_row(const struct bl_attend *a, size_t i, double *score)
{
    shares(a, i, score);
    for (size_t c = 0; c < a->d; c++) {
        double want = 0;

        for (size_t j = 0; j < a->n; j++)
            want += score[j] * ((double)a->v[j * a->stride + c]
                                + (double)a->v_bias[c]);
        CHECK(fabs((double)a->out[i * a->stride + c] - want) < 1e-4);
    }
}

static void check_attend(const struct bl_kernels *v, struct bl_attend *a,
                         const float *beside, size_t total)
{
    float *scratch = bl_xmalloc(bl_kernel_attend_scratch(a->n, a->d),
                                sizeof *scratch);
    float *first = bl_xmalloc(total, sizeof *first);
    double *score = bl_xmalloc(a->n, sizeof *score);

    memcpy(a->out, beside, total * sizeof *a->out);
    v->attend(a, scratch);
    for (size_t i = 0; i < a->n_queries; i++)
        check_row(a, i, score);
    for (size_t i = 0; i < total; i++)      /* other heads' numbers */
        CHECK((i % a->stride < a->d && i / a->stride < a->n_queries)
              || !memcmp(a->out + i, beside + i, sizeof *beside));
    memcpy(first, a->out, total * sizeof *first);
    a->n_queries = 1;
    v->attend(a, scratch);
    CHECK(!memcmp(first, a->out, a->d * sizeof *first));
    free(scratch);
    free(first);
    free(score);
}

static void attend(struct feed *f)
{
    size_t n = feed_size(f, 1, 40), d = feed_size(f, 1, 40);
    size_t stride = d + feed_size(f, 0, 20), total = (n - 1) * stride + d;
    float *q = floats(f, total), *k = floats(f, total);
    float *v = floats(f, total), *beside = floats(f, total);
    float *biases = floats(f, 3 * d), *out = bl_xmalloc(total, sizeof *out);
    size_t queries = feed_byte(f) % 2 ? n : 1;
    const struct bl_kernels *version;

    for (size_t i = 0; (version = bl_kernels_at(i)); i++) {
        struct bl_attend a = {
            .q = q, .k = k, .v = v, .q_bias = biases, .k_bias = biases + d,
            .v_bias = biases + 2 * d, .n = n, .n_queries = queries, .d = d,
            .stride = stride, .out = out
        };

        check_attend(version, &a, beside, total);
    }
    free(q);
    free(k);
    free(v);
    free(beside);
    free(biases);
    free(out);
}

/* ---- Products ---- */

struct shape {
    size_t n, out, in;
};

static void check_sums(const struct shape *s, const float *x, const float *w,
                       const float *y)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = 0; o < s->out; o++) {
            double sum = 0, size = 0;

            for (size_t k = 0; k < s->in; k++) {
                double p = (double)x[i * s->in + k]
                    * (double)w[o * s->in + k];

                sum += p;
                size += fabs(p);
            }
            CHECK(fabs(sum - (double)y[i * s->out + o])
                  <= 2e-5 * size + 1e-30);
        }
}

/* A row and an output alone: y's own bits. */
static void check_one(const struct bl_f32_kernel *k, const struct shape *s,
                      const float *x, const float *w, const float *y)
{
    size_t i = s->n / 2, o = s->out / 3;
    float one;

    k->multiply(x + i * s->in, 1, w + o * s->in, 1, s->in, &one, 1);
    CHECK(!k->ordered || !memcmp(&one, &y[i * s->out + o], sizeof one));
}

static void product(struct feed *f)
{
    struct shape s;
    const struct bl_f32_kernel *k;
    float *x, *w, *y;

    s.n = feed_size(f, 1, 30);
    s.out = feed_size(f, 1, 100);
    s.in = feed_size(f, 1, 600);
    x = floats(f, s.n * s.in);
    w = floats(f, s.out * s.in);
    y = bl_xmalloc(s.n, s.out * sizeof *y);
    for (size_t i = 0; (k = bl_f32_kernel_at(i)); i++) {
        k->multiply(x, s.n, w, s.out, s.in, y, s.out);
        check_sums(&s, x, w, y);
        check_one(k, &s, x, w, y);
    }
    free(x);
    free(w);
    free(y);
}

/* ---- The scan ---- */

static void check_strip(const struct bl_topk_kernel *k, const float *q,
                        size_t nq, const float *const rows[4], size_t n)
{
    const uintptr_t next = (uintptr_t)rows[0], nowhere = 3;
    const float *const turned[4] = { rows[2], rows[3], rows[0], rows[1] };
    float *scores = bl_xmalloc(nq, 4 * sizeof *scores), one[4];

    k->strip(q, nq, rows, next, n, scores);
    for (size_t i = 0; i < nq; i++) {
        k->strip(q + i * n, 1, turned, nowhere, n, one);
        for (size_t r = 0; r < 4; r++) {
            double sum = 0, size = 0;

            CHECK(!memcmp(&one[(r + 2) % 4], &scores[4 * i + r],
                          sizeof *one));
            for (size_t at = 0; at < n; at++) {
                double p = (double)q[i * n + at] * (double)rows[r][at];

                sum += p;
                size += fabs(p);
            }
            CHECK(fabs(sum - (double)scores[4 * i + r])
                  <= 1e-6 * size + 1e-30);
        }
    }
    free(scores);
}

static void strip(struct feed *f)
{
    size_t n = TOPK_MULTIPLE * feed_size(f, 1, 20);
    size_t nq = feed_size(f, 0, 20);
    float *q = floats(f, nq * n + 1), *v = floats(f, 4 * n);
    const float *const rows[4] = { v, v + n, v + 2 * n, v + 3 * n };
    const struct bl_topk_kernel *k;

    for (size_t i = 0; (k = bl_topk_kernel_at(i)); i++)
        check_strip(k, q, nq, rows, n);
    free(q);
    free(v);
}

static void widen(struct feed *f)
{
    size_t n = TOPK_MULTIPLE * feed_size(f, 1, 20);
    uint16_t *halves = bl_xmalloc(n, sizeof *halves);
    int8_t *codes = bl_xmalloc(n, 1);
    float *out = bl_xmalloc(n, sizeof *out);
    const struct bl_topk_kernel *k;

    for (size_t i = 0; i < n; i++) {
        halves[i] = (uint16_t)feed_size(f, 0, UINT16_MAX);
        codes[i] = (int8_t)(feed_size(f, 0, 255) - 128);
    }
    for (size_t i = 0; (k = bl_topk_kernel_at(i)); i++) {
        k->widen_f16(halves, n, out);
        for (size_t j = 0; j < n; j++) {
            float want = bl_half_to_float(halves[j]);

            CHECK(!memcmp(&out[j], &want, sizeof want)
                  || (isnan(out[j]) && isnan(want)));
        }
        k->widen_int8(codes, n, out);
        for (size_t j = 0; j < n; j++)
            CHECK(out[j] == (float)codes[j]);
    }
    free(halves);
    free(codes);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(struct feed *f) = {
        activate, add_norm, look_up, attend, strip, widen, product
    };
    struct feed f = { data, size, 1 };

    parts[feed_byte(&f) % (BL_COUNT(parts))](&f);
    return 0;
}
