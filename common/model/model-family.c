/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-family.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"

enum { ROLES = BL_ROLE_TAGGER + 1 };

const char *bl_family_folder(enum bl_role role)
{
    static const char *const names[ROLES] = { "bi", "cross", "ner" };

    return names[role];
}

static bool exists(const char *dir, const char *name)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

char *bl_family_part(const char *dir, enum bl_role role)
{
    char *part;

    if (exists(dir, "config.json"))
        return NULL;
    part = bl_xasprintf("%s/%s", dir, bl_family_folder(role));
    if (exists(part, "config.json"))
        return part;
    free(part);
    return NULL;
}

bool bl_family_is(const char *dir)
{
    for (unsigned i = 0; i < ROLES; i++) {
        char *part = bl_family_part(dir, (enum bl_role)i);

        free(part);
        if (part)
            return true;
    }
    return false;
}

/* "DIR/.." is the folder that DIR is in even where DIR is a link. */
static bool lies_above(const char *dir, const char *name)
{
    char *above = bl_xasprintf("%s/..", dir);
    bool there = !exists(dir, name) && exists(above, name);

    free(above);
    return there;
}

bool bl_family_member(const char *dir)
{
    return lies_above(dir, "vocab.txt");
}

char *bl_family_file(const char *dir, const char *name)
{
    return bl_xasprintf(lies_above(dir, name) ? "%s/../%s" : "%s/%s", dir,
                        name);
}

/* ---- By name ---- */

static const char *const defaults[ROLES] = { "default", "default-cross",
                                             "default-ner" };

/* What is used when no model is named: one of that name, else the default
 * model where it is a family with this part. */
static char *find_default(enum bl_role role, struct bl_err *err)
{
    char *path, *family, *part = NULL;

    if (role == BL_ROLE_BI_ENCODER)
        return bl_path_find(BL_PATH_MODEL, NULL, err);
    path = bl_path_look_up(BL_PATH_MODEL, defaults[role], err);
    if (path)
        return path;
    family = bl_path_find(BL_PATH_MODEL, NULL, NULL);
    if (family)
        part = bl_family_part(family, role);
    free(family);
    return part;
}

char *bl_model_find(const char *name, enum bl_role role, struct bl_err *err)
{
    bool any = !name || !strcmp(name, defaults[role]);
    char *path = any ? find_default(role, err)
        : bl_path_find(BL_PATH_MODEL, name, err);
    char *part = path ? bl_family_part(path, role) : NULL;

    if (!path || (!part && !bl_family_is(path)))
        return path;
    if (!part)
        bl_fail(err, BL_DATA, "'%s' has no %s (no folder '%s' with a "
                "config.json)", path, bl_role_name(role),
                bl_family_folder(role));
    free(path);
    return part;
}
