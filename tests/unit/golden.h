/* SPDX-License-Identifier: MIT */
/* golden: opens a fixture, or a file of the big golden data beside the
 * tree (which few machines have). */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

/* The path of a fixture; static storage. */
__attribute__((unused))
static const char *fixture(const char *name)
{
    static char path[4096];
    const char *top = getenv("top_srcdir");

    snprintf(path, sizeof path, "%s/tests/data/golden/%s", top ? top : ".",
             name);
    return path;
}

/* Of the big golden data beside the tree; NULL when it is not there. */
__attribute__((unused))
static FILE *golden_open(const char *name)
{
    char path[4096];
    const char *top = getenv("top_srcdir"), *shared = getenv("BLINK_SHARED");

    if (shared)
        snprintf(path, sizeof path, "%s/golden/%s", shared, name);
    else
        snprintf(path, sizeof path, "%s/../shared/golden/%s",
                 top ? top : ".", name);
    return fopen(path, "r");
}

#endif
