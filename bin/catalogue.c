/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "catalogue.h"

#include "cli/prog.h"
#include "kb/kb.h"

struct bl_kb *bl_catalogue_open(const char *name)
{
    struct bl_err err;
    struct bl_kb *kb = bl_kb_open_named(name, &err);

    if (!kb)
        bl_die(&err);
    return kb;
}
