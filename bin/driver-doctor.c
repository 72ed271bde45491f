/* SPDX-License-Identifier: MIT */
/*
 * blink doctor: looks at everything that `blink link` uses, the way it would
 * use it, and says in a line each what it found and what to do.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "driver.h"
#include "paths.h"
#include "prog.h"

enum verdict { GOOD, NOTE, BAD };

struct patient {
    bool broken;
};

static void say(struct patient *p, enum verdict v, const char *what,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void say(struct patient *p, enum verdict v, const char *what,
                const char *fmt, ...)
{
    static const char *const words[] = { "ok", "note", "BROKEN" };
    va_list ap;

    printf("%-8s%-14s", words[v], what);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    p->broken |= v == BAD;
}

/* ---- Programs ---- */

static void see_programs(struct patient *p)
{
    static const char *const names[] = {
        "blink-ner", "blink-embed", "blink-index", "blink-retrieve",
        "blink-rerank", "blink-score", "blink-kb"
    };
    size_t missing = 0, n = sizeof names / sizeof *names;

    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_program(names[i]);
        if (access(path, X_OK) < 0) {
            say(p, BAD, names[i], "not at '%s': run make, or install again",
                path);
            missing++;
        }
        free(path);
    }
    if (!missing)
        say(p, GOOD, "programs", "%zu, version %s", n, PACKAGE_VERSION);
}

static void see_folder(struct patient *p)
{
    char *data = bl_path_data();

    say(p, access(data, R_OK) < 0 ? NOTE : GOOD, "data folder", "%s%s", data,
        access(data, R_OK) < 0 ? " does not exist yet" : "");
    free(data);
}

/* ---- Files ---- */

static void see_file(struct patient *p, const char *what,
                     enum bl_path_kind kind)
{
    struct bl_err err;
    char *path = bl_path_find(kind, NULL, &err);

    say(p, path ? GOOD : BAD, what, "%s", path ? path : err.msg);
    free(path);
}

int bl_driver_doctor(void)
{
    struct patient p = { .broken = false };

    see_programs(&p);
    see_folder(&p);
    see_file(&p, "model", BL_PATH_MODEL);
    see_file(&p, "catalogue", BL_PATH_CATALOGUE);
    see_file(&p, "index", BL_PATH_INDEX);
    if (!p.broken)
        return 0;
    bl_warn("what is broken above: scripts/quickstart gets the default "
            "model and catalogue and makes the index");
    return 3;
}
