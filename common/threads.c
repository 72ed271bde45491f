/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "threads.h"

#include <sched.h>
#include <stdlib.h>

size_t bl_threads_default(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (getenv("PARALLEL_JOBSLOT") ||
        sched_getaffinity(0, sizeof set, &set) < 0 || !CPU_COUNT(&set))
        return 1;
    return (size_t)CPU_COUNT(&set);
}
