/* SPDX-License-Identifier: MIT */
/*
 * blink doctor: looks at everything that `blink link` uses, the way it would
 * use it, and says in a line each what it found and what to do.
 */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "driver.h"
#include "kb/kb-index.h"
#include "kb/kb.h"
#include "kb/names.h"
#include "model/model-family.h"
#include "model/model.h"
#include "net/encoder.h"
#include "net/f32.h"
#include "search/ann.h"
#include "search/index.h"

enum verdict { GOOD, NOTE, BAD };

/* What was found so far; the index is compared with the other two. */
struct patient {
    bool broken;
    struct bl_model *model;
    struct bl_kb *kb;
};

static void say(struct patient *p, enum verdict v, const char *what,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void say(struct patient *patient, enum verdict v, const char *what,
                const char *fmt, ...)
{
    static const char *const words[] = { "ok", "note", "BROKEN" };
    struct bl_buf line = BL_BUF_INIT;
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        bl_oom(strlen(fmt));
    va_end(ap);
    bl_utf8_show(&line, text, strlen(text));
    printf("%-8s%-14s%s\n", words[v], what, line.data);
    fflush(stdout);
    bl_buf_free(&line);
    free(text);
    patient->broken |= v == BAD;
}

/* ---- Programs ---- */

static void see_programs(struct patient *patient)
{
    static const char *const names[] = {
        "blink-ner", "blink-embed", "blink-index", "blink-retrieve",
        "blink-rerank", "blink-score", "blink-kb"
    };
    size_t missing = 0, n = BL_COUNT(names);

    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_program(names[i]);
        if (access(path, X_OK) < 0) {
            say(patient, BAD, names[i],
                "not at '%s': run make, or install again", path);
            missing++;
        }
        free(path);
    }
    if (!missing)
        say(patient, GOOD, "programs", "%zu, version %s", n, PACKAGE_VERSION);
}

static void see_folder(struct patient *patient)
{
    char *data = bl_path_data();

    say(patient, access(data, R_OK) < 0 ? NOTE : GOOD, "data folder", "%s%s",
        data, access(data, R_OK) < 0 ? " does not exist yet" : "");
    free(data);
}

/* ---- Files ---- */

static double megabytes(const char *folder, const char *name)
{
    char *path = bl_xasprintf("%s/%s", folder, name);
    struct stat st;
    bool there = stat(path, &st) == 0;

    free(path);
    return there ? (double)st.st_size / 1e6 : 0;
}

/* The default models that lie together: which there are, and their weight. */
static void see_family(struct patient *patient, const char *dir)
{
    struct bl_buf families = BL_BUF_INIT;
    double all = megabytes(dir, "words.safetensors");

    bl_buf_printf(&families, "words %.1f MB", all);
    for (unsigned i = 0; i <= BL_ROLE_TAGGER; i++) {
        char *part = bl_family_part(dir, (enum bl_role)i);
        double size = part ? megabytes(part, "model.safetensors") : 0;

        if (part)
            bl_buf_printf(&families, ", %s %.1f MB",
                          bl_family_folder((enum bl_role)i), size);
        all += size;
        free(part);
    }
    say(patient, GOOD, "models", "%s: %s; %.1f MB together", dir,
        families.data, all);
    bl_buf_free(&families);
}

/* "default" may be older than the models that come with blink. */
static void see_models(struct patient *patient)
{
    char *dir = bl_path_find(BL_PATH_MODEL, NULL, NULL);
    char *mini = bl_path_look_up(BL_PATH_MODEL, "mini", NULL);

    if (dir && bl_family_is(dir))
        see_family(patient, dir);
    else if (dir && mini && bl_family_is(mini))
        say(patient, NOTE, "models",
            "%s exists, but the default is %s: use -m "
                               "mini, or scripts/quickstart --encoder "
                               "mini", mini, dir);
    free(dir);
    free(mini);
}

static void see_model(struct patient *patient)
{
    struct bl_err err;

    patient->model = bl_model_open_as(NULL, BL_ROLE_BI_ENCODER, &err);
    if (!patient->model) {
        say(patient, BAD, "model", "%s", err.msg);
        return;
    }
    const char *const *prompts = (const char *const *)patient->model->prompts;
    say(patient, GOOD, "model", "%s: %zu layers, %zu dimensions, %s%s%s%s%s%s",
        patient->model->path, patient->model->shape.layers,
        patient->model->dim,
        patient->model->licence ? patient->model->licence
                                : "licence not stated",
        prompts[0] || prompts[1] ? "; prompts '" : "",
        prompts[0] ? prompts[0] : "", prompts[0] || prompts[1] ? "', '" : "",
        prompts[1] ? prompts[1] : "", prompts[0] || prompts[1] ? "'" : "");
}

/* A model that need not be there: a note when it is not. */
static void see_optional(struct patient *patient, const char *what,
                         const char *name, enum bl_role role,
                         const char *without)
{
    struct bl_err err;
    struct bl_model *model;
    char *path = bl_model_find(NULL, role, &err);

    if (!path) {
        say(patient, NOTE, what, "none called '%s': %s", name, without);
        return;
    }
    model = bl_model_open(path, &err);
    if (!model || bl_model_need(model, role, &err) < 0)
        say(patient, BAD, what, "%s", err.msg);
    else
        say(patient, GOOD, what, "%s", path);
    bl_model_close(model);
    free(path);
}

static void see_kb(struct patient *patient)
{
    struct bl_err err;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span words = { "", 0 };

    patient->kb = bl_kb_open_named(NULL, &err);
    if (!patient->kb || bl_kb_verify(patient->kb, &err) < 0
        || bl_kb_meta(patient->kb, "attribution", &arena, &words, &err) < 0)
        say(patient, BAD, "catalogue", "%s", err.msg);
    else
        say(patient, GOOD, "catalogue", "%s: %zu entities%s%.*s",
            bl_kb_path(patient->kb),
            bl_kb_count(patient->kb) - bl_kb_removed(patient->kb),
            words.n ? "; " : "", (int)words.n, words.p);
    bl_arena_free(&arena);
}

/* A file of names is used with the catalogue of that wiki's pages only. */
static void see_names_of(struct patient *patient, struct bl_span site)
{
    struct bl_err err;
    struct bl_names *names = NULL;

    if (bl_names_open_site(site, &names, &err) < 0
        || (names && bl_names_verify(names, &err) < 0))
        say(patient, BAD, "names", "%s", err.msg);
    else if (names)
        say(patient, GOOD, "names", "%s: %zu names, intact; the catalogue "
            "may use them", bl_names_path(names), bl_names_count(names));
    else
        say(patient, NOTE, "names", "none of '%.*s', whose pages the "
            "catalogue has: its redirects and other pages are not known",
            (int)site.n, site.p);
    bl_names_close(names);
}

static void see_names(struct patient *patient)
{
    struct bl_err err;
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span site = { NULL, 0 };

    if (!patient->kb)
        return;
    if (bl_kb_meta(patient->kb, "site", &arena, &site, &err) < 0)
        say(patient, BAD, "names", "%s", err.msg);
    else if (site.n)
        see_names_of(patient, site);
    else
        say(patient, NOTE, "names", "none used: the catalogue does not say "
                              "whose pages its entities are");
    bl_arena_free(&arena);
}

/* Weights that blink tune made for the catalogue; most have none. */
static void see_tuned(struct patient *patient)
{
    struct bl_err err;
    enum bl_tuned is;
    char *path;

    if (!patient->kb || !patient->model)
        return;
    path = bl_tuned_path(bl_kb_path(patient->kb));
    if (access(path, F_OK) < 0) {
        free(path);
        return;
    }
    if (bl_tuned_look(path, patient->kb, patient->model->fingerprint,
                           NULL, &is, &err) < 0)
        say(patient, BAD, "weights", "%s; blink tune --reset removes them",
            err.msg);
    else if (is == BL_TUNED_FITS)
        say(patient, GOOD, "weights", "%s: tuned to the catalogue", path);
    else if (is == BL_TUNED_OLDER)
        say(patient, NOTE, "weights", "%s: the catalogue changed since they "
            "were tuned to it; they are used", path);
    else
        say(patient, NOTE, "weights", "%s: tuned to another %s, so not used; "
            "blink tune makes them anew", path, is == BL_TUNED_OTHER_MODEL
            ? "model" : "catalogue");
    free(path);
}

static void say_since(struct patient *patient, const char *path,
                      const struct bl_kb_since *since)
{
    if (since->n_changed + since->n_added)
        say(patient, NOTE, "index", "%s: %zu entities of the catalogue are "
            "newer: run blink-index refresh", path,
            since->n_changed + since->n_added);
}

static int check_kb(struct patient *patient, struct bl_index *index,
                    struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_kb_since since;
    int rc = bl_kb_index_check(patient->kb, index, &arena, &since, err);

    if (rc == 0)
        say_since(patient, index->map.path, &since);
    bl_arena_free(&arena);
    return rc;
}

static int check_index(struct patient *patient, struct bl_index *index,
                       struct bl_err *err)
{
    if (patient->kb && check_kb(patient, index, err) < 0)
        return -1;
    if (patient->model && strcmp(index->model, patient->model->fingerprint))
        return bl_fail(err, BL_DATA, "'%s' was made with model %s, but the "
                                     "model is now %s: make it again",
                       index->map.path, index->model,
                       patient->model->fingerprint);
    return bl_index_verify(index, err);
}

/* The default index may be one of FAISS. */
static void see_faiss(struct patient *patient, const char *path)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_kb_since since = { .n_changed = 0 };
    struct bl_faiss faiss;
    struct bl_err err;

    if (bl_faiss_open(&faiss, path, &err) < 0) {
        say(patient, BAD, "index", "%s", err.msg);
        return;
    }
    if ((patient->kb
         && bl_kb_faiss_check(patient->kb, &faiss, &arena, &since, &err) < 0)
        || bl_faiss_verify(&faiss, &err) < 0)
        say(patient, BAD, "index", "%s", err.msg);
    else
        say(patient, GOOD, "index", "%s: %llu vectors, FAISS %s, intact", path,
            (unsigned long long)faiss.n, faiss.type);
    say_since(patient, path, &since);
    bl_arena_free(&arena);
    bl_faiss_close(&faiss);
}

static void see_index(struct patient *patient)
{
    struct bl_err err;
    struct bl_index index;
    char *path = bl_path_find(BL_PATH_INDEX, NULL, &err);
    int faiss = path ? bl_faiss_is_file(path, &err) : -1;

    if (faiss > 0) {
        see_faiss(patient, path);
    } else if (faiss < 0 || bl_index_open(&index, path, &err) < 0) {
        say(patient, BAD, "index", "%s", err.msg);
    } else {
        if (check_index(patient, &index, &err) < 0)
            say(patient, BAD, "index", "%s", err.msg);
        else
            say(patient, GOOD, "index", "%s: %llu vectors, %s, intact", path,
                (unsigned long long)index.n, bl_dtype_name(index.dtype));
        bl_index_close(&index);
    }
    free(path);
}

/* ---- Engines ---- */

/* Computes one short sequence; the time is what a caller would see. */
static int try_engine(const struct patient *patient, int kind, char **says,
                      double *ms, struct bl_err *err)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    struct bl_batch batch = BL_BATCH_INIT;
    int32_t ids[] = { 1, 2, 3, 4 };
    struct bl_encoder *encoder;
    float *vector;
    int rc;

    eo.engine = kind;
    encoder = bl_encoder_open(patient->model, &eo, err);
    if (!encoder)
        return -1;
    vector = bl_xmalloc(bl_encoder_dim(encoder), sizeof *vector);
    bl_batch_add(&batch, ids, NULL, NULL, BL_COUNT(ids));
    double start = bl_now();
    rc = bl_encoder_embed(encoder, BL_TOWER_CONTEXT, &batch, vector, NULL,
                          err);
    *ms = (bl_now() - start) * 1000;
    *says = rc < 0 ? NULL : bl_xstrdup(bl_encoder_describe(encoder));
    bl_batch_free(&batch);
    free(vector);
    bl_encoder_close(encoder);
    return rc;
}

static void see_engine(struct patient *patient, const char *name, int kind,
                       enum verdict otherwise, const char *advice)
{
    struct bl_err err;
    char *says = NULL;
    double ms = 0;

    if (!patient->model)
        return;
    if (try_engine(patient, kind, &says, &ms, &err) < 0)
        say(patient, otherwise, name, "%s%s", err.msg, advice);
    else
        say(patient, GOOD, name, "%s; first answer after %.0f ms", says, ms);
    free(says);
}

static void see_module(struct patient *patient)
{
    struct bl_err err;
    const char *version = bl_ann_version(&err);

    if (version)
        say(patient, GOOD, "faiss", "%s, for approximate indexes", version);
    else
        say(patient, NOTE, "faiss", "not installed: for approximate indexes, "
                              "install libfaiss-dev and configure again");
}

static void see_kernel(struct patient *patient)
{
    struct bl_err err;
    const struct bl_f32_kernel *kernel = bl_f32_kernel(&err);

    if (kernel)
        say(patient, GOOD, "f32", "products by %s", kernel->what);
    else
        say(patient, BAD, "f32", "%s", err.msg);
}

static void see_engines(struct patient *patient)
{
    see_kernel(patient);
    see_engine(patient, "reference", BL_ENGINE_REFERENCE, BAD, "");
    see_engine(patient, "cpu", BL_ENGINE_CPU, BAD, "");
    see_engine(patient, "torch", BL_ENGINE_TORCH, NOTE,
               "; it is needed for CUDA and bf16 only");
}

int bl_driver_doctor(void)
{
    struct patient patient = { .broken = false };

    see_programs(&patient);
    see_folder(&patient);
    see_models(&patient);
    see_model(&patient);
    see_kb(&patient);
    see_names(&patient);
    see_tuned(&patient);
    /* The index is compared with the model and the catalogue, which are
     * therefore looked at first and stay open until the end. */
    see_index(&patient);
    see_optional(&patient, "cross-encoder", "default-cross",
                 BL_ROLE_CROSS_ENCODER, "candidates are not reranked");
    see_optional(&patient, "tagger", "default-ner", BL_ROLE_TAGGER,
                 "mentions are the catalogue's names");
    see_engines(&patient);
    see_module(&patient);
    bl_model_close(patient.model);
    bl_kb_close(patient.kb);
    if (!patient.broken)
        return 0;
    bl_warn("to repair it, run scripts/quickstart, which fetches the default "
            "model and catalogue and makes the index");
    return 3;
}
