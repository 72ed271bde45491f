/* SPDX-License-Identifier: MIT */
/* progress: a count, rate and time left on one line of a terminal. */
#include "config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/prog.h"

double bl_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void bl_progress_start(struct bl_progress *progress, const char *what,
                       size_t total, bool wanted)
{
    *progress = (struct bl_progress){ .what = what, .total = total };
    progress->on = wanted && bl_verbosity >= 0 && isatty(STDERR_FILENO);
    progress->started = progress->on ? bl_now() : 0;
}

static void show(const struct bl_progress *progress, double now)
{
    double seconds = now - progress->started;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;

    fprintf(stderr, "\r%s: %zu", progress->what, progress->done);
    if (progress->total > 0) {
        fprintf(stderr, " of %zu (%.0f%%)", progress->total,
                100.0 * (double)progress->done / (double)progress->total);
        if (rate > 0)
            fprintf(stderr, ", %.0f s left",
                    (double)(progress->total - progress->done) / rate);
    }
    fprintf(stderr, ", %.0f/s\033[K", rate);
}

void bl_progress_step(struct bl_progress *progress, size_t more)
{
    double now;

    progress->done += more;
    if (!progress->on)
        return;
    now = bl_now();
    if (now - progress->shown < 0.2)
        return;
    progress->shown = now;
    show(progress, now);
}

void bl_progress_end(struct bl_progress *progress)
{
    if (!progress->on)
        return;
    show(progress, bl_now());
    fputc('\n', stderr);
}
