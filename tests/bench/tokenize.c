/* SPDX-License-Identifier: MIT */
/*
 * tokenize VOCAB TEXT [PASSES]: times the tokenizer over the lines of a text
 * in memory, for bench-tokenizer.  Writes the ids of each line to
 * stdout, and to stderr the processor's seconds of the first pass (cold
 * cache) and of the fastest.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "text/wordpiece.h"

/* Processor time of this process: other processes count less than in time
 * by the clock. */
static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Tokenizes all lines into ids, the count of each line into counts. */
static size_t pass(struct bl_wordpiece *wp, struct bl_span text,
                   int32_t *ids, size_t max, size_t *counts)
{
    size_t n = 0, line = 0;

    for (size_t at = 0; at < text.n; line++) {
        const char *p = text.p + at;
        const char *nl = memchr(p, '\n', text.n - at);
        size_t len = nl ? (size_t)(nl - p) : text.n - at;

        counts[line] = bl_wordpiece_ids(wp, (struct bl_span){ p, len }, 0,
                                        ids + n, max - n, NULL);
        n += counts[line];
        at += len + 1;
    }
    return line;
}

static void print(const int32_t *ids, const size_t *counts, size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        for (size_t k = 0; k < counts[i]; k++)
            printf(k ? " %d" : "%d", *ids++);
        putchar('\n');
    }
}

static struct bl_span read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    struct bl_buf b = BL_BUF_INIT;
    size_t n;

    do {
        bl_buf_reserve(&b, 1 << 20);
        n = f ? fread(b.data + b.len, 1, 1 << 20, f) : 0;
        b.len += n;
    } while (n > 0);
    if (f)
        fclose(f);
    return (struct bl_span){ b.data, b.len };
}

int main(int argc, char **argv)
{
    struct bl_wordpiece_opts o = { .lowercase = true };
    int passes = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5;
    double first = 0, best = 1e9;
    struct bl_wordpiece *wp;
    struct bl_span text;
    struct bl_err err;
    size_t *counts, lines = 0;
    int32_t *ids;

    if (argc < 3)
        return 2;
    wp = bl_wordpiece_open(argv[1], &o, &err);
    if (!wp)
        return 3;
    text = read_all(argv[2]);
    ids = bl_xcalloc(text.n + 1, sizeof *ids);
    counts = bl_xcalloc(text.n + 1, sizeof *counts);
    for (int i = 0; i < passes; i++) {
        double start = cpu_now(), took;

        lines = pass(wp, text, ids, text.n + 1, counts);
        took = cpu_now() - start;
        first = i ? first : took;
        best = BL_MIN(took, best);
    }
    print(ids, counts, lines);
    fprintf(stderr, "%.6f %.6f\n", first, best);
    bl_wordpiece_close(wp);
    free(ids);
    free(counts);
    free((void *)(uintptr_t)text.p);
    return 0;
}
