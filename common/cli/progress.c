/* SPDX-License-Identifier: MIT */
/* progress: a count, rate and time left on one line of a terminal. */
#include "config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/prog.h"

double bl_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void bl_progress_start(struct bl_progress *p, const char *what, size_t total,
                       bool wanted)
{
    *p = (struct bl_progress){ .what = what, .total = total };
    p->on = wanted && bl_verbosity >= 0 && isatty(STDERR_FILENO);
    p->started = p->on ? bl_now() : 0;
}

static void show(const struct bl_progress *p, double now)
{
    double seconds = now - p->started;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;

    fprintf(stderr, "\r%s: %zu", p->what, p->done);
    if (p->total > 0) {
        fprintf(stderr, " of %zu (%.0f%%)", p->total,
                100.0 * (double)p->done / (double)p->total);
        if (rate > 0)
            fprintf(stderr, ", %.0f s left",
                    (double)(p->total - p->done) / rate);
    }
    fprintf(stderr, ", %.0f/s\033[K", rate);
}

void bl_progress_step(struct bl_progress *p, size_t more)
{
    double now;

    p->done += more;
    if (!p->on)
        return;
    now = bl_now();
    if (now - p->shown < 0.2)
        return;
    p->shown = now;
    show(p, now);
}

void bl_progress_end(struct bl_progress *p)
{
    if (!p->on)
        return;
    show(p, bl_now());
    fputc('\n', stderr);
}
