/* SPDX-License-Identifier: MIT */
/* fuzz-int8: products in 8 bits of any shape and any codes.  Every kernel
 * that runs here gives the sums of plain C, to the bit, and writes nothing
 * else; packed matrices give the same floats by every kernel, in one piece
 * or many, and near those of double precision; the coarse search never
 * loses a vector. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "feed.h"
#include "net/int8.h"
#include "search/index-file.h"
#include "search/topk-coarse.h"

enum { OUTS = BL_INT8_OUTS, INS = BL_INT8_INS };

/* Codes as they come, the extremes among them. */
static void fill(struct feed *f, void *p, size_t n)
{
    unsigned char *v = p;
    unsigned mode = feed_byte(f);

    for (size_t i = 0; i < n; i++)
        v[i] = (unsigned char)(mode & 1 && i % 3 ? mode : feed_byte(f));
}

/* ---- Sums ---- */

static void multiply(struct feed *f)
{
    size_t n = feed_size(f, 0, 40), width = INS * feed_size(f, 1, 6);
    size_t blocks = feed_size(f, 0, 9), gap = feed_size(f, 0, 70);
    size_t stride = width + gap, out = blocks * OUTS + feed_size(f, 0, 3);
    uint8_t *x = bl_xmalloc(n ? n * stride - gap : 1, 1);
    int8_t *w = bl_xaligned(blocks ? blocks * OUTS : 1, width);
    size_t total = n && blocks ? (n - 1) * out + blocks * OUTS : 1;
    int32_t *want = bl_xmalloc(total, sizeof *want);
    int32_t *sums = bl_xmalloc(total, sizeof *sums);
    const struct bl_int8_kernel *k;

    fill(f, x, n ? n * stride - gap : 1);
    fill(f, w, blocks * OUTS * width);
    memset(want, 0x55, total * sizeof *want);
    bl_int8_multiply_c(x, stride, n, w, width, blocks, want, out);
    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++) {
        memset(sums, 0x55, total * sizeof *sums);
        k->multiply(x, stride, n, w, width, blocks, sums, out);
        CHECK(!memcmp(sums, want, total * sizeof *sums));
    }
    free(x);
    free(w);
    free(want);
    free(sums);
}

static void dot(struct feed *f)
{
    size_t n = feed_size(f, 1, 20), width = INS * feed_size(f, 1, 20);
    size_t m = feed_size(f, 1, BL_INT8_DOTS), total = n * m;
    uint8_t *x = bl_xmalloc(m, width);
    int8_t *rows = bl_xmalloc(n, width);
    int32_t *want = bl_xmalloc(total, sizeof *want);
    int32_t *sums = bl_xmalloc(total, sizeof *sums);
    const struct bl_int8_kernel *k;

    fill(f, x, m * width);
    fill(f, rows, n * width);
    bl_int8_dot_c(x, m, rows, n, width, want);
    for (size_t i = 0; (k = bl_int8_kernel_at(i)); i++) {
        k->dot(x, m, rows, n, width, sums);
        CHECK(!memcmp(sums, want, total * sizeof *sums));
    }
    free(x);
    free(rows);
    free(want);
    free(sums);
}

/* ---- Matrices ---- */

struct product {
    size_t n, in, out;
    float *x, *w, *factors, *want, *y;
    unsigned char *rows;
    struct bl_int8 m;
};

static void product_init(struct product *p, struct feed *f)
{
    struct bl_linear l;

    p->n = feed_size(f, 1, 100);
    p->in = feed_size(f, 1, 200);
    p->out = feed_size(f, 1, 100);
    p->x = bl_xmalloc(p->n, p->in * sizeof *p->x);
    p->w = bl_xmalloc(p->out, p->in * sizeof *p->w);
    p->want = bl_xmalloc(p->n, p->out * sizeof *p->want);
    p->y = bl_xmalloc(p->n, p->out * sizeof *p->y);
    p->rows = bl_xmalloc(p->n, bl_int8_row_size(p->in));
    p->factors = feed_byte(f) % 2 ? bl_xmalloc(p->in, sizeof(float)) : NULL;
    feed_floats(f, p->x, p->n * p->in);
    feed_floats(f, p->w, p->out * p->in);
    for (size_t i = 0; i < p->in && p->factors; i++)
        p->factors[i] = 1 + fabsf(feed_float(f));
    l = (struct bl_linear){ .w = p->w, .out = p->out, .in = p->in };
    bl_int8_pack(&p->m, &l, p->factors);
    for (size_t i = 0; i < p->n; i++)
        bl_int8_prepare(&p->m, p->x + i * p->in,
                        p->rows + i * bl_int8_row_size(p->in));
}

static void product_release(struct product *p)
{
    bl_int8_free(&p->m);
    free(p->x);
    free(p->w);
    free(p->factors);
    free(p->want);
    free(p->y);
    free(p->rows);
}

/* A number is off by half a step of its row or of its output at most: 1/254
 * of the row's range, 1/254 of the output's largest weight. */
static void check_near(const struct product *p)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t o = 0; o < p->out; o++) {
            double sum = 0, a = 0, b = 0, most_x = 0, most_w = 0;

            for (size_t k = 0; k < p->in; k++) {
                double by = p->factors ? (double)p->factors[k] : 1;
                double x = (double)p->x[i * p->in + k] / by;
                double w = (double)p->w[o * p->in + k] * by;

                sum += x * w;
                a += fabs(x);
                b += fabs(w);
                most_x = BL_MAX(fabs(x), most_x);
                most_w = BL_MAX(fabs(w), most_w);
            }
            sum -= (double)p->want[i * p->out + o];
            CHECK(fabs(sum) <= 1.01 * (a * most_w / 254 + b * most_x / 127
                  + (double)p->in * most_x * most_w / 127 / 254) + 1e-12);
        }
}

/* The definition, from the codes as they are: the same bits, for sums are
 * exact and there is one way to scale them. */
static void check_exact(const struct product *p)
{
    const struct bl_int8 *m = &p->m;

    for (size_t i = 0; i < p->n; i++)
        for (size_t o = 0; o < p->out; o++) {
            const unsigned char *row = p->rows
                + i * bl_int8_row_size(p->in);
            const int8_t *column = m->codes + o / OUTS * OUTS * m->width
                + o % OUTS * 4;
            int32_t zero, sum = 0;
            float scale, want;

            memcpy(&scale, row + m->width, sizeof scale);
            memcpy(&zero, row + m->width + sizeof scale, sizeof zero);
            for (size_t k = 0; k < p->in; k++)
                sum += (row[k] - zero) * column[k / 4 * 4 * OUTS + k % 4];
            scale *= m->scales[o];
            want = (float)sum * scale;
            CHECK(!memcmp(&want, p->want + i * p->out + o, sizeof want)
                  || (want == 0 && p->want[i * p->out + o] == 0));
        }
}

static void matrix(struct feed *f)
{
    const struct bl_int8_kernel *k = bl_int8_kernel_at(0);
    size_t bytes, step;
    struct product p;

    product_init(&p, f);
    bytes = p.n * p.out * sizeof *p.y;
    bl_int8_multiply(&p.m, k, p.rows, p.n, 0, p.out, p.want, p.out);
    check_near(&p);
    check_exact(&p);
    for (size_t i = 1; (k = bl_int8_kernel_at(i)); i++) {
        memset(p.y, 0x55, bytes);
        bl_int8_multiply(&p.m, k, p.rows, p.n, 0, p.out, p.y, p.out);
        CHECK(!memcmp(p.y, p.want, bytes));
    }
    memset(p.y, 0x55, bytes);
    step = OUTS * feed_size(f, 1, 5);
    for (size_t i = 0; i < p.n; i++)
        for (size_t at = 0; at < p.out; at += step)
            bl_int8_multiply(&p.m, bl_int8_kernel_at(0),
                             p.rows + i * bl_int8_row_size(p.in), 1, at,
                             BL_MIN(at + step, p.out), p.y + i * p.out, p.out);
    CHECK(!memcmp(p.y, p.want, bytes));
    product_release(&p);
}

/* ---- Coarse search ---- */

struct found {
    int8_t *codes;
    float *vectors;             /* [n][dim]: the codes' or near them */
    float *scales, *lost, *queries, *thresholds;
    bool (*hit)[COARSE_QUERIES];
    size_t n, nq, dim, stride;
};

static double score(const struct found *s, size_t i, size_t q)
{
    double sum = 0;

    for (size_t k = 0; k < s->dim; k++)
        sum += (double)s->queries[q * s->dim + k]
            * (double)s->vectors[i * s->dim + k];
    return sum;
}

/* What reaches the threshold is among the hits. */
static void check_hits(const struct found *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t q = 0; q < s->nq; q++)
            CHECK(s->hit[i][q] || score(s, i, q) < (double)s->thresholds[q]);
}

static void search(struct found *s)
{
    struct bl_coarse **c = bl_coarse_new(s->queries, s->nq, s->dim,
                                         s->stride);
    struct bl_coarse_rows rows = { s->codes, s->n, s->scales, s->lost, 0 };
    struct bl_coarse_most most;
    struct bl_coarse_hit *hits;
    size_t count;
    void *room;

    if (!c)
        return;
    room = bl_xaligned(1, bl_coarse_room(c[0]));
    hits = bl_xmalloc(s->n, s->nq * sizeof *hits);
    most = bl_coarse_most(s->codes, s->stride, s->n, s->scales, s->lost);
    rows.norm = most.norm;
    count = bl_coarse_find(c[0], &rows, s->thresholds, room, hits);
    CHECK(count <= s->n * s->nq);
    for (size_t i = 0; i < count; i++) {
        CHECK(hits[i].row < s->n && hits[i].query < s->nq);
        CHECK(!s->hit[hits[i].row][hits[i].query]);
        CHECK(!i || hits[i].row >= hits[i - 1].row);
        s->hit[hits[i].row][hits[i].query] = true;
    }
    if (bl_coarse_holds(c[0], most))
        check_hits(s);
    free(room);
    free(hits);
    bl_coarse_free(c, s->nq);
}

/* What the codes of vector i stand for, and up to `step` beside it. */
static void make_vector(struct feed *f, struct found *s, size_t i, float step)
{
    const int8_t *codes = s->codes + i * s->stride;
    float *v = s->vectors + i * s->dim;

    for (size_t k = 0; k < s->dim; k++)
        v[k] = s->scales[i] * codes[k]
            + step * ((float)feed_byte(f) / 256 - .5f);
    s->lost[i] = bl_index_lost_above(v, s->scales[i], codes, s->dim);
}

static void coarse(struct feed *f)
{
    struct found s = { .n = feed_size(f, 1, COARSE_ROWS),
                       .nq = feed_size(f, 1, COARSE_QUERIES),
                       .dim = feed_size(f, 1, 150) };

    s.stride = bl_int8_width(s.dim);
    s.codes = bl_xaligned(s.n, s.stride);
    s.vectors = bl_xmalloc(s.n, s.dim * sizeof(float));
    s.scales = bl_xmalloc(s.n, sizeof(float));
    s.lost = bl_xmalloc(s.n, sizeof(float));
    s.queries = bl_xmalloc(s.nq, s.dim * sizeof(float));
    s.thresholds = bl_xmalloc(s.nq, sizeof(float));
    s.hit = bl_xcalloc(s.n, sizeof *s.hit);
    fill(f, s.codes, s.n * s.stride);
    for (size_t i = 0; i < s.n; i++) {
        memset(s.codes + i * s.stride + s.dim, 0, s.stride - s.dim);
        s.scales[i] = fabsf(feed_float(f)) / 127;
        make_vector(f, &s, i, feed_byte(f) % 2 ? s.scales[i] : 0);
    }
    feed_floats(f, s.queries, s.nq * s.dim);
    for (size_t q = 0; q < s.nq; q++)
        s.thresholds[q] = (float)score(&s, feed_size(f, 0, s.n - 1), q);
    search(&s);
    free(s.codes);
    free(s.vectors);
    free(s.scales);
    free(s.lost);
    free(s.queries);
    free(s.thresholds);
    free(s.hit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(struct feed *f) = {
        multiply, dot, matrix, coarse
    };
    struct feed f = { data, size, 1 };

    parts[feed_byte(&f) % 4](&f);
    return 0;
}
