/* SPDX-License-Identifier: MIT */
/*
 * Which candidates a cascade has read and where it stops: rounds, order,
 * what the judge's scores do to it, scores that are no numbers.
 */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "tap.h"

enum { N = 40 };

static struct bl_arena arena = BL_ARENA_INIT;
static struct bl_calibration calibration;
static struct bl_candidate v[N];
static struct bl_candidates list = { v, N };

/* The first is `lead` above the others, which are equal. */
static void begin(struct bl_cascade *c, double lead)
{
    for (size_t i = 0; i < N; i++)
        v[i] = (struct bl_candidate){ .score = NAN, .bi = 0.5, .cross = NAN,
                                      .prior = NAN, .p = NAN, .place = i };
    v[0].bi += lead;
    bl_cascade_start(c, &calibration, bl_span_of("x"), &list, N, &arena);
}

/* The judge says `scores` of the first read, then -1; returns how many it
 * was asked for. */
static size_t judge(struct bl_cascade *c, double risk, const double *scores,
                    size_t n)
{
    size_t now;

    while ((now = bl_cascade_next(c, risk)) > 0)
        for (; now > 0; now--, c->read++)
            v[c->order[c->read]].cross = c->read < n ? scores[c->read] : -1;
    return c->read;
}

static void rounds(void)
{
    static const double even[] = { 0, 0 }, far[] = { 12, 0, -1, -2 };
    static const double third[] = { 0, 0, 15, 0 };
    static const double late[] = { 0, 0, 0, 0, 0, 0, 15 };
    struct bl_cascade c;

    begin(&c, 0);
    ok(bl_cascade_next(&c, 0.01) == 2, "two at first");
    ok(judge(&c, 0.01, even, 2) == N, "all, when none is ahead");
    begin(&c, 0);
    ok(judge(&c, 0.01, far, 4) == 2, "two, when one of them is far ahead");
    begin(&c, 0);
    ok(judge(&c, 0.01, third, 4) == 4, "four, when it is the third");
    begin(&c, 0);
    ok(judge(&c, 1e-7, far, 4) == N, "a smaller risk reads on");
    begin(&c, 0);
    ok(judge(&c, 0.01, late, 7) == 8, "eight, when it is the seventh");
    begin(&c, 0.45);
    ok(judge(&c, 0.01, even, 2) == 2, "one that was ahead before: two");
    begin(&c, 0);
    ok(judge(&c, 1, even, 2) == 2, "risk 1: one round");
    begin(&c, 0.45);
    ok(judge(&c, 0, far, 4) == N, "risk 0: all");
}

static void order(void)
{
    struct bl_cascade c;

    begin(&c, 0);
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
    struct bl_cascade c;

    begin(&c, 0);
    ok(judge(&c, 0.5, nothing, 5) == N, "scores that are none: all");
    begin(&c, 0);
    ok(judge(&c, 0.5, huge, 4) >= 2, "huge scores come to an end");
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
    rounds();
    order();
    odd();
    bl_arena_free(&arena);
    return tap_done();
}
