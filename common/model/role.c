/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/role.h"

const char *bl_role_name(enum bl_role role)
{
    static const char *const names[] = { "bi-encoder", "cross-encoder",
                                         "tagger" };

    return names[role];
}
