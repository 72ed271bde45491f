/* SPDX-License-Identifier: MIT */
/*
 * blink link: finds what the stages need, joins them and waits.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "driver.h"
#include "base/mem.h"
#include "model/model-family.h"
#include "base/paths.h"
#include "cli/prog.h"

/* The files that the stages are given; each may be NULL until found.  The
 * model is the family where there is one: indexes are called by it. */
struct found {
    char *kb, *model, *index, *cross, *ner, *calibration;
    const char *cascade;        /* of the cross-encoder; NULL: reads all */
};

static void found_free(struct found *f)
{
    free(f->kb);
    free(f->model);
    free(f->index);
    free(f->cross);
    free(f->ner);
    free(f->calibration);
}

/* ---- The index that belongs to a catalogue and a model ---- */

/* "data/catalogues/vital.kb" -> "vital"; caller frees. */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *s = bl_xstrdup(slash ? slash + 1 : path), *dot = strrchr(s, '.');

    if (dot && dot != s)
        *dot = '\0';
    return s;
}

/* The same of what a link leads to: "default" is rarely a name of its own. */
static char *real_stem(const char *path)
{
    char *real = realpath(path, NULL);
    char *s = stem(real ? real : path);

    free(real);
    return s;
}

/* "x/k.kb" -> "x/k.blx"; caller frees. */
static char *beside(const char *kb)
{
    const char *dot = strrchr(kb, '.'), *slash = strrchr(kb, '/');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - kb)
                                               : strlen(kb);

    return bl_xasprintf("%.*s.blx", (int)n, kb);
}

/* The index called KB.MODEL, by the names that were given and by those that
 * these stand for; NULL when there is none. */
static char *index_of(const struct found *f)
{
    char *kb[] = { stem(f->kb), real_stem(f->kb) };
    char *model[] = { stem(f->model), real_stem(f->model) };
    char *path = NULL;

    for (size_t i = 0; i < 4 && !path; i++) {
        char *name = bl_xasprintf("%s.%s", kb[i / 2], model[i % 2]);
        path = bl_path_look_up(BL_PATH_INDEX, name, NULL);
        free(name);
    }
    for (size_t i = 0; i < 2; i++) {
        free(kb[i]);
        free(model[i]);
    }
    return path;
}

/* Without -x: the default index for the default catalogue and model; else
 * what stands beside the catalogue, or is called KB.MODEL or KB. */
static char *find_index(const struct bl_link_opts *o, const struct found *f,
                        struct bl_err *err)
{
    char *kb, *model, *path;

    if (o->index || (!o->kb && !o->model))
        return bl_path_find(BL_PATH_INDEX, o->index, err);
    path = beside(f->kb);
    if (!o->model && access(path, R_OK) == 0)
        return path;
    free(path);
    path = index_of(f);
    if (path)
        return path;
    kb = stem(f->kb);
    model = stem(f->model);
    if (!o->model)
        path = bl_path_look_up(BL_PATH_INDEX, kb, NULL);
    if (!path)
        bl_fail(err, BL_DATA, "no index of '%s' made with '%s': give it with "
                              "-x, or make it: blink-kb cat -c %s | "
                              "blink-embed -m %s --entities | blink-index "
                              "build -c %s -o FILE.blx", kb, model, f->kb,
                f->model, f->kb);
    free(kb);
    free(model);
    return path;
}

/* ---- What is found by the model ---- */

static bool has_own_default(void)
{
    char *data = bl_path_data();
    char *path = bl_xasprintf("%s/calibration/default.json", data);
    bool has = access(path, F_OK) == 0;

    free(path);
    free(data);
    return has;
}

/* Weights for blink-score that belong to the model: its calibration.json, or
 * those of the data folders called MODEL.json; what is called so here is not
 * meant.  NULL: the default ones. */
static char *calibration_of(const char *model)
{
    char *path = bl_xasprintf("%s/calibration.json", model), *name;

    if (access(path, R_OK) == 0)
        return path;
    free(path);
    name = real_stem(model);
    path = strcmp(name, "default")
        ? bl_path_look_up(BL_PATH_CALIBRATION, name, NULL) : NULL;
    free(name);
    return path;
}

static int find_calibration(const struct bl_link_opts *o, struct found *f,
                            struct bl_err *err)
{
    if (o->calibration) {
        f->calibration = bl_path_find(BL_PATH_CALIBRATION, o->calibration,
                                      err);
        return f->calibration ? 0 : -1;
    }
    if (!has_own_default())
        f->calibration = calibration_of(f->model);
    return 0;
}

/* Without --cross: that of the family which -m names; else the default one,
 * but beside another bi-encoder only if it is called so: it might well be
 * the worse of the two.  It may be missing. */
static int find_cross(const struct bl_link_opts *o, struct found *f,
                      struct bl_err *err)
{
    if (o->fast)
        return 0;
    if (o->cross) {
        f->cross = bl_model_find(o->cross, BL_ROLE_CROSS_ENCODER, err);
        return f->cross ? 0 : -1;
    }
    if (o->model)
        f->cross = bl_family_part(f->model, BL_ROLE_CROSS_ENCODER);
    if (!f->cross)
        f->cross = o->model
            ? bl_path_look_up(BL_PATH_MODEL, "default-cross", NULL)
            : bl_model_find(NULL, BL_ROLE_CROSS_ENCODER, NULL);
    if (!f->cross)
        bl_note("no cross-encoder 'default-cross': not reranking");
    return 0;
}

/* A family's cross-encoder is a small one, whose word counts beside that of
 * names and the bi-encoder: where these are sure enough it need not be asked.
 * .01 gave the answers of reading all (share/doc/notes/cascade.md). */
static void find_cascade(const struct bl_link_opts *o, struct found *f)
{
    f->cascade = o->cascade;
    if (!f->cascade && f->cross && bl_family_member(f->cross))
        f->cascade = "0.01";
}

static int find_ner(const struct bl_link_opts *o, struct found *f,
                    struct bl_err *err)
{
    if (o->dictionary)
        return 0;
    if (o->ner) {
        f->ner = bl_model_find(o->ner, BL_ROLE_TAGGER, err);
        return f->ner ? 0 : -1;
    }
    if (o->model)
        f->ner = bl_family_part(f->model, BL_ROLE_TAGGER);
    if (!f->ner)
        f->ner = bl_model_find(NULL, BL_ROLE_TAGGER, NULL);
    if (!f->ner)
        bl_note("no tagger 'default-ner': mentions are the catalogue's "
                "names");
    return 0;
}

static int find_all(const struct bl_link_opts *o, struct found *f,
                    struct bl_err *err)
{
    char *bi;

    f->kb = bl_path_find(BL_PATH_CATALOGUE, o->kb, err);
    if (!f->kb)
        return -1;
    bi = bl_model_find(o->model, BL_ROLE_BI_ENCODER, err);
    free(bi);
    f->model = bi ? bl_path_find(BL_PATH_MODEL, o->model, err) : NULL;
    if (!f->model)
        return -1;
    f->index = find_index(o, f, err);
    if (!f->index)
        return -1;
    if (find_cross(o, f, err) < 0 || find_ner(o, f, err) < 0)
        return -1;
    find_cascade(o, f);
    return find_calibration(o, f, err);
}

/* ---- The stages ---- */

static void add_engine(struct bl_pipeline *p, const struct bl_link_opts *o)
{
    const char *given[][2] = {
        { "--engine", o->engine }, { "--device", o->device },
        { "--precision", o->precision }
    };
    char number[24];

    for (size_t i = 0; i < BL_COUNT(given); i++) {
        if (given[i][1]) {
            bl_pipeline_arg(p, given[i][0]);
            bl_pipeline_arg(p, given[i][1]);
        }
    }
    if (o->threads) {
        snprintf(number, sizeof number, "%zu", o->threads);
        bl_pipeline_arg(p, "--threads");
        bl_pipeline_arg(p, number);
    }
}

/* What every stage is told: -v as here, and for a person at the prompt that
 * a failed record is no failure of the whole. */
static void add_common(struct bl_pipeline *p, const struct bl_link_opts *o)
{
    if (bl_verbosity > 0)
        bl_pipeline_arg(p, "-v");
    if (o->interactive)
        bl_pipeline_arg(p, "-Q");
}

static void add_calibration(struct bl_pipeline *p, const struct found *f)
{
    if (f->calibration) {
        bl_pipeline_arg(p, "--calibration");
        bl_pipeline_arg(p, f->calibration);
    }
}

static void add_rerank(struct bl_pipeline *p, const struct bl_link_opts *o,
                       const struct found *f)
{
    bl_pipeline_add(p, "blink-rerank", "-m", f->cross, "-c", f->kb, NULL);
    if (f->cascade) {
        bl_pipeline_arg(p, "--cascade");
        bl_pipeline_arg(p, f->cascade);
        add_calibration(p, f);
    }
    add_engine(p, o);
    add_common(p, o);
}

static void add_stages(const struct bl_link_opts *o, const struct found *f,
                       struct bl_pipeline *p)
{
    char top[32];
    struct bl_buf number = BL_BUF_INIT;

    bl_buf_printf(&number, "%zu", o->top);
    memcpy(top, number.data, number.len + 1);
    bl_buf_free(&number);
    if (o->input != BL_INPUT_MENTIONS) {
        if (f->ner)
            bl_pipeline_add(p, "blink-ner", "-m", f->ner, NULL);
        else
            bl_pipeline_add(p, "blink-ner", "--dictionary", f->kb,
                            o->common ? "--common" : NULL, NULL);
        add_common(p, o);
    }
    bl_pipeline_add(p, "blink-embed", "-m", f->model, NULL);
    add_engine(p, o);
    add_common(p, o);
    bl_pipeline_add(p, "blink-retrieve", "-x", f->index, "-c", f->kb, "-k",
                    top, "--aliases", NULL);
    add_common(p, o);
    if (f->cross)
        add_rerank(p, o, f);
    bl_pipeline_add(p, "blink-score", NULL);
    add_calibration(p, f);
    if (o->nil) {
        bl_pipeline_arg(p, "--nil");
        bl_pipeline_arg(p, o->nil);
    }
    add_common(p, o);
}

int bl_driver_stages(const struct bl_link_opts *o, struct bl_pipeline *p,
                     char **kb, struct bl_err *err)
{
    struct found f = { 0 };
    int rc = find_all(o, &f, err);

    if (rc == 0)
        add_stages(o, &f, p);
    if (rc == 0 && kb)
        *kb = bl_xstrdup(f.kb);
    found_free(&f);
    return rc;
}

int bl_driver_status(int status, const struct bl_err *err)
{
    if (status == BL_PIPELINE_PIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (status == 4 && err->code != BL_OK)
        bl_warn("%s", err->msg);
    return status;
}

/* ---- The command ---- */

static void add_text(struct bl_pipeline *p, const struct bl_link_opts *o,
                     char **files, size_t n)
{
    bl_pipeline_add(p, "blink", o->input == BL_INPUT_TEXT ? "text"
                                                          : "records", NULL);
    if (o->lines)
        bl_pipeline_arg(p, "--lines");
    if (n)
        bl_pipeline_arg(p, "--");
    for (size_t i = 0; i < n; i++)
        bl_pipeline_arg(p, files[i]);
}

static void add_table(struct bl_pipeline *p, const struct bl_link_opts *o,
                      size_t n_files)
{
    bool table = o->format == BL_LINK_TABLE
        || (o->format == BL_LINK_AUTO && isatty(STDOUT_FILENO));

    if (o->html) {
        bl_pipeline_add(p, "blink-view", "-o", o->html, NULL);
        return;
    }
    if (!table)
        return;
    bl_pipeline_add(p, "blink", "table", NULL);
    if (n_files > 1 || o->lines || o->input == BL_INPUT_DOCUMENTS)
        bl_pipeline_arg(p, "--documents");
}

int bl_driver_show(const struct bl_pipeline *p)
{
    struct bl_buf out = BL_BUF_INIT;

    bl_pipeline_show(p, &out);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    return 0;
}

/* Said before the programs start, which take a second to be ready. */
static int readable(char **files, size_t n, struct bl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(files[i], "-") && access(files[i], R_OK) < 0)
            return bl_fail_errno(err, BL_DATA, "cannot open '%s'", files[i]);
    }
    return 0;
}

int bl_driver_link(const struct bl_link_opts *o, char **files, size_t n)
{
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    int status;

    add_text(p, o, files, n);
    if (readable(files, n, &err) < 0 || bl_driver_stages(o, p, NULL, &err) < 0)
        bl_die(&err);
    add_table(p, o, n);
    if (o->show) {
        status = bl_driver_show(p);
    } else {
        if (bl_pipeline_start(p, NULL, NULL, &err) < 0)
            bl_die(&err);
        status = bl_driver_status(bl_pipeline_wait(p, &err), &err);
    }
    bl_pipeline_free(p);
    return status;
}
