/* SPDX-License-Identifier: MIT */
/*
 * Which candidates a cascade has read and where it stops: rounds, order, what
 * is known before, what the judge's scores and "none" do to it, risks, scores
 * that are no numbers.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "link/cascade.h"
#include "link/rank.h"
#include "tap.h"

enum { N = 40 };

static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_calibration calibration;
static struct bl_candidate v[N];
static struct bl_candidates list = { .v = v, .n = N };

/* The first has the cosine `first`, the others `rest`. */
static void begin(struct bl_cascade *c, double first, double rest)
{
    for (size_t i = 0; i < N; i++)
        v[i] = (struct bl_candidate){ .score = NAN, .bi = i ? rest : first,
                                      .cross = NAN, .prior = NAN, .p = NAN,
                                      .place = i };
    bl_cascade_start(c, &calibration, bl_span_of("x"), &list, N, &arena);
}

/* The judge says `scores` of the first read, then -8; returns how many it
 * was asked for. */
static size_t judge(struct bl_cascade *c, double risk, const double *scores,
                    size_t n)
{
    size_t now;

    while ((now = bl_cascade_next(c, risk)) > 0)
        for (; now > 0; now--, c->read++)
            v[c->order[c->read]].cross = c->read < n ? scores[c->read] : -8;
    return c->read;
}

static const double good[] = { 5, -7 }, bad[] = { -7, -8 };

static void stops(void)
{
    struct bl_cascade c;

    begin(&c, 0.9, 0.9);
    ok(bl_cascade_next(&c, 0.01) == 2, "two at first");
    ok(judge(&c, 0.01, good, 2) == N,
       "all, when as much is known of each of them");
    begin(&c, 0.9, 0.3);
    ok(judge(&c, 0.01, good, 2) == 2, "two, when one was far ahead");
    begin(&c, -0.5, -0.5);
    ok(judge(&c, 0.01, good, 2) == 2, "two, when it is surely none");
    begin(&c, 0.9, 0.9);
    for (size_t i = 7; i < 20; i++)
        v[i].bi = 0.3;
    bl_cascade_start(&c, &calibration, bl_span_of("x"), &list, N, &arena);
    ok(c.order[N - 1] == 19 && judge(&c, 0.01, good, 2) < N,
       "those that can hardly win are left");
    ok(c.read >= N - 13, "all others are read: %zu", c.read);
}

/* The first is a little ahead.  What the judge says of it makes "none" more
 * or less likely. */
static void judged(void)
{
    struct bl_cascade c;
    size_t liked, disliked;

    begin(&c, 0.4, 0.25);
    liked = judge(&c, 0.02, (const double[]){ 9, 9 }, 2);
    begin(&c, 0.4, 0.25);
    disliked = judge(&c, 0.02, (const double[]){ -9, -9 }, 2);
    ok(disliked < liked && liked <= N,
       "what the judge thinks little of is rather none: %zu, %zu", liked,
       disliked);
}

/* The probabilities are those of blink-score for the list as it stands. */
static void as_scored(void)
{
    struct bl_cascade c;
    double p, risk;

    begin(&c, 0.6, 0.45);
    v[c.order[0]].cross = 1;
    v[c.order[1]].cross = -3;
    c.read = 2;
    for (size_t i = 0; i < N; i++)
        v[i].score = v[i].cross;
    p = bl_rank(&calibration, bl_span_of("x"), NULL, &list);
    risk = c.left[2] * (1 - p);
    ok(risk > 0 && c.left[2] < 1 && c.left[0] > 1 - 1e-9, "shares add up");
    ok(bl_cascade_next(&c, risk * 1.001) == 0, "done at this risk");
    ok(bl_cascade_next(&c, risk * 0.999) > 0, "and not below it");
}

static void risks(void)
{
    static const double at[] = { 1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-6, 0 };
    static const double *const says[] = { good, bad };
    struct bl_cascade c;
    bool grows = true;

    for (size_t k = 0; k < 2 * 20; k++) {
        size_t before = 0;
        for (size_t i = 0; i < BL_COUNT(at); i++) {
            size_t n;
            begin(&c, 0.05 * (double)(k / 2), 0.04 * (double)(k / 2));
            n = judge(&c, at[i], says[k % 2], 2);
            grows = grows && n >= before;
            before = n;
        }
        grows = grows && before == N;
    }
    ok(grows, "a smaller risk never reads fewer, none reads all");
    begin(&c, 0.9, 0.9);
    ok(judge(&c, 1, good, 2) == 2, "risk 1: one round");
    begin(&c, -1, -1);
    ok(judge(&c, 0, bad, 2) == N, "risk 0: all, if it is ever so sure");
}

static void order(void)
{
    struct bl_cascade c;

    begin(&c, 0.5, 0.5);
    ok(c.order[0] == 0 && c.order[1] == 1 && c.order[N - 1] == N - 1,
       "equal ones in the order of the list");
    v[30].bi = 0.9;
    v[9].prior = 1;
    bl_cascade_start(&c, &calibration, bl_span_of("x"), &list, N, &arena);
    ok((c.order[0] == 30 && c.order[1] == 9)
       || (c.order[0] == 9 && c.order[1] == 30), "likely ones first");
    ok(c.order[2] == 0 && c.order[N - 1] == N - 1, "then the others");
}

static void odd(void)
{
    static const double nothing[] = { NAN, NAN, NAN, NAN, NAN };
    static const double huge[] = { 1e308, -1e308, -1e308, -1e308 };
    struct bl_calibration endless = { 0 };
    struct bl_cascade c;

    begin(&c, 0.5, 0.5);
    ok(judge(&c, 0.5, nothing, 5) >= 2, "scores that are none: an end");
    begin(&c, 0.5, 0.5);
    ok(judge(&c, 0.5, huge, 4) >= 2, "huge scores come to an end");
    begin(&c, NAN, NAN);
    ok(judge(&c, 0.01, good, 2) == N, "nothing known before: all");
    begin(&c, 0.9, 0.9);
    endless.profile[BL_PROFILE_COSINE].rank[BL_F_BI] = INFINITY;
    bl_cascade_start(&c, &endless, bl_span_of("x"), &list, N, &arena);
    ok(judge(&c, 0.9, good, 2) == N, "shares that are no numbers: all");
}

static void short_lists(void)
{
    struct bl_cascade c;

    begin(&c, 0.9, 0.9);
    bl_cascade_start(&c, &calibration, bl_span_of("x"), &list, 0, &arena);
    ok(bl_cascade_next(&c, 0.5) == 0, "an empty list");
    bl_cascade_start(&c, &calibration, bl_span_of("x"), &list, 1, &arena);
    ok(bl_cascade_next(&c, 0.5) == 1, "the first one of it");
    c.read = 1;
    ok(bl_cascade_next(&c, 0) == 0, "and no more");
    bl_cascade_start(&c, NULL, bl_span_of("x"), &list, N, &arena);
    ok(bl_cascade_next(&c, 0.5) == N && c.order[5] == 5,
       "no calibration: all at once, as they are");
    c.read = N;
    ok(bl_cascade_next(&c, 0.5) == 0, "once");
}

int main(void)
{
    calibration = bl_calibration_default();
    stops();
    judged();
    as_scored();
    risks();
    order();
    odd();
    short_lists();
    bl_arena_free(&arena);
    return tap_done();
}
