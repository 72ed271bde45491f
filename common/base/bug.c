/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void bl_bug_at(const char *file, int line, const char *text)
{
    fprintf(stderr, "bug at %s:%d: %s\n", file, line, text);
    abort();
}
