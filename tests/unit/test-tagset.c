/* SPDX-License-Identifier: MIT */
/* The likeliest tags: I only behind its own type, and what it counts for at
 * the first word. */
#include <math.h>
#include <string.h>

#include "ner/tagset.h"
#include "tap.h"

static struct bl_tagset tags;

enum { O, B_PER, I_PER, B_ORG, I_ORG, N };

static bool is(size_t n, const float logits[][N], const size_t *want)
{
    float rows[4][N];
    size_t got[4];

    memcpy(rows, logits, n * sizeof *rows);
    bl_tagset_decode(&tags, *rows, n, got);
    return !memcmp(got, want, n * sizeof *got);
}

static void test_valid(void)
{
    static const float on[][N] = { { 0, 9, 0, 0, 0 }, { 0, 0, 9, 0, 0 } };
    static const float other[][N] = { { 0, 9, 0, 0, 0 }, { 0, 0, 4, 0, 5 } };
    static const float alone[][N] = { { 9, 0, 0, 0, 0 }, { 2, 0, 3, 0, 0 } };

    ok(is(2, on, (size_t[]){ B_PER, I_PER }), "B, I");
    ok(is(2, other, (size_t[]){ B_PER, I_PER }), "I of another type");
    ok(is(2, alone, (size_t[]){ O, O }), "I behind O");
}

static void test_first(void)
{
    float row[N] = { 2, 0, 3, 0, 0 };
    size_t got;
    double sum = 0, p;

    for (size_t i = 0; i < N; i++)
        sum += exp((double)row[i]);
    p = (exp(0) + exp(3)) / sum;
    bl_tagset_decode(&tags, row, 1, &got);
    ok(got == B_PER, "I at the first word is B");
    ok(fabs(exp((double)row[B_PER]) - p) < 1e-5, "of both their probability");
}

int main(void)
{
    static char *const labels[] = { "O", "B-PER", "I-PER", "B-ORG", "I-ORG" };
    struct bl_err err;

    if (!ok(bl_tagset_make(&tags, labels, N, &err) == 0, "labels"))
        return tap_done();
    test_valid();
    test_first();
    bl_tagset_free(&tags);
    return tap_done();
}
