/* SPDX-License-Identifier: MIT */
/*
 * Which weights blink-score is given: those of an option, those that `blink
 * tune` made for the catalogue, or those that belong to the model.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "cli/prog.h"
#include "driver.h"
#include "link/calibration.h"
#include "model/model.h"

/* ---- Of the model ---- */

static bool has_own_default(void)
{
    char *data = bl_path_data();
    char *path = bl_xasprintf("%s/calibration/default.json", data);
    bool has = access(path, F_OK) == 0;

    free(path);
    free(data);
    return has;
}

/* "x/k.kb" -> "k"; caller frees. */
static char *stem_of(const char *path)
{
    const char *base = bl_path_base(path), *dot = strrchr(base, '.');
    size_t n = dot && dot != base ? (size_t)(dot - base) : strlen(base);

    return bl_xasprintf("%.*s", (int)n, base);
}

/* What a link leads to: "default" is rarely a name of its own. */
static char *real_of(const char *path)
{
    char *real = bl_path_real(path);

    return real ? real : bl_xstrdup(path);
}

/* Weights for blink-score that belong to the model: its calibration.json, or
 * those of the data folders called MODEL.json; what is called so here is not
 * meant.  NULL: the default ones. */
static char *of_model(const char *model)
{
    char *path = bl_xasprintf("%s/calibration.json", model), *real, *name;

    if (access(path, R_OK) == 0)
        return path;
    free(path);
    real = real_of(model);
    name = stem_of(real);
    path = strcmp(name, "default")
        ? bl_path_look_up(BL_PATH_CALIBRATION, name, NULL) : NULL;
    free(name);
    free(real);
    return path;
}

/* ---- Of the catalogue ---- */

char *bl_tuned_path(const char *catalogue)
{
    char *real = real_of(catalogue), *stem = stem_of(real);
    char *path = bl_xasprintf("%.*s%s.calibration.json",
                              (int)(bl_path_base(real) - real), real, stem);

    free(real);
    free(stem);
    return path;
}

/* The catalogue knows its former states (kb-change.h). */
int bl_tuned_look(const char *path, struct bl_kb *kb, const char *model,
                  const char *cross, enum bl_tuned *out, struct bl_err *err)
{
    struct bl_calibration_origin origin;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_kb_since since;
    int known;

    *out = BL_TUNED_NONE;
    if (bl_calibration_origin(&origin, path, err) < 0)
        return -1;
    known = bl_kb_since(kb, origin.catalogue, origin.rows, &arena, &since,
                        err);
    bl_arena_free(&arena);
    if (known < 0)
        return -1;
    if (!known)
        *out = BL_TUNED_OTHER_CATALOGUE;
    else if (strcmp(origin.model, model)
             || (cross && *origin.cross && strcmp(origin.cross, cross)))
        *out = BL_TUNED_OTHER_MODEL;
    else
        *out = strcmp(origin.catalogue, bl_kb_fingerprint(kb))
            ? BL_TUNED_OLDER : BL_TUNED_FITS;
    return 0;
}

/* The fingerprints of models are in their files, which are mapped for it. */
static int look(const char *path, const struct bl_weights_for *what,
                enum bl_tuned *out, struct bl_err *err)
{
    struct bl_kb *kb = bl_kb_open(what->catalogue, err);
    struct bl_model *bi = kb ? bl_model_open(what->bi, err) : NULL;
    struct bl_model *cross = NULL;
    int rc = bi ? 0 : -1;

    if (rc == 0 && what->cross) {
        cross = bl_model_open(what->cross, err);
        rc = cross ? 0 : -1;
    }
    if (rc == 0)
        rc = bl_tuned_look(path, kb, bi->fingerprint,
                           cross ? cross->fingerprint : NULL, out, err);
    bl_model_close(cross);
    bl_model_close(bi);
    bl_kb_close(kb);
    return rc;
}

/* 1 with *out, 0 where there is none that fits, which is said. */
static int of_catalogue(const struct bl_weights_for *what, char **out,
                        struct bl_err *err)
{
    char *path = bl_tuned_path(what->catalogue);
    enum bl_tuned is = BL_TUNED_NONE;
    int rc = 0;

    if (access(path, F_OK) == 0)
        rc = look(path, what, &is, err);
    if (rc == 0 && is > BL_TUNED_OLDER)
        bl_warn("'%s' is not used: it was made for %s; blink tune makes it "
                "anew", path, is == BL_TUNED_OTHER_MODEL ? "another model"
                : "another catalogue");
    if (rc == 0 && (is == BL_TUNED_FITS || is == BL_TUNED_OLDER)) {
        *out = path;
        return 1;
    }
    free(path);
    return rc;
}

/* ---- Which ---- */

/* Weights are looked for in the order of how much they know of the case. */
int bl_driver_weights(const struct bl_link_opts *opts,
                      const struct bl_weights_for *what, char **out,
                      struct bl_err *err)
{
    struct bl_calibration unused;
    int found = 0;

    *out = NULL;
    if (opts->calibration) {
        *out = bl_path_find(BL_PATH_CALIBRATION, opts->calibration, err);
        if (!*out)
            return -1;
    } else {
        /* Several catalogues have one decision among them. */
        if (!opts->tune && opts->catalogues.n < 2)
            found = of_catalogue(what, out, err);
        if (found < 0)
            return -1;
        if (!found && !has_own_default())
            *out = of_model(what->model);
    }
    /* Two stages may read it: one message is enough. */
    return opts->show ? 0 : bl_calibration_load(&unused, *out, err);
}
