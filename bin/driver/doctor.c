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

#include "search/ann.h"
#include "base/buf.h"
#include "driver.h"
#include "net/encoder.h"
#include "net/f32.h"
#include "search/index.h"
#include "kb/kb.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/model-family.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/prog.h"

enum verdict { GOOD, NOTE, BAD };

/* What was found so far; the index is compared with the other two. */
struct patient {
    bool broken;
    struct bl_model *model;
    struct bl_kb *kb;
};

static void say(struct patient *p, enum verdict v, const char *what,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void say(struct patient *p, enum verdict v, const char *what,
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
    p->broken |= v == BAD;
}

/* ---- Programs ---- */

static void see_programs(struct patient *p)
{
    static const char *const names[] = {
        "blink-ner", "blink-embed", "blink-index", "blink-retrieve",
        "blink-rerank", "blink-score", "blink-kb"
    };
    size_t missing = 0, n = BL_COUNT(names);

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

static double megabytes(const char *folder, const char *name)
{
    char *path = bl_xasprintf("%s/%s", folder, name);
    struct stat st;
    bool there = stat(path, &st) == 0;

    free(path);
    return there ? (double)st.st_size / 1e6 : 0;
}

/* The default models that lie together: which there are, and their weight. */
static void see_family(struct patient *p, const char *dir)
{
    struct bl_buf b = BL_BUF_INIT;
    double all = megabytes(dir, "words.safetensors");

    bl_buf_printf(&b, "words %.1f MB", all);
    for (unsigned i = 0; i <= BL_ROLE_TAGGER; i++) {
        char *part = bl_family_part(dir, (enum bl_role)i);
        double size = part ? megabytes(part, "model.safetensors") : 0;

        if (part)
            bl_buf_printf(&b, ", %s %.1f MB",
                          bl_family_folder((enum bl_role)i), size);
        all += size;
        free(part);
    }
    say(p, GOOD, "models", "%s: %s; %.1f MB together", dir, b.data, all);
    bl_buf_free(&b);
}

/* "default" may be older than the models that come with blink. */
static void see_models(struct patient *p)
{
    char *dir = bl_path_find(BL_PATH_MODEL, NULL, NULL);
    char *mini = bl_path_look_up(BL_PATH_MODEL, "mini", NULL);

    if (dir && bl_family_is(dir))
        see_family(p, dir);
    else if (dir && mini && bl_family_is(mini))
        say(p, NOTE, "models", "%s exists, but the default is %s: use -m "
                               "mini, or scripts/quickstart --encoder "
                               "mini", mini, dir);
    free(dir);
    free(mini);
}

static void see_model(struct patient *p)
{
    struct bl_err err;

    p->model = bl_model_open_as(NULL, BL_ROLE_BI_ENCODER, &err);
    if (!p->model) {
        say(p, BAD, "model", "%s", err.msg);
        return;
    }
    say(p, GOOD, "model", "%s: %zu layers, %zu dimensions, %s",
        p->model->path, p->model->shape.layers, p->model->dim,
        p->model->licence ? p->model->licence : "licence not stated");
}

/* A model that need not be there: a note when it is not. */
static void see_optional(struct patient *p, const char *what,
                         const char *name, enum bl_role role,
                         const char *without)
{
    struct bl_err err;
    struct bl_model *m;
    char *path = bl_model_find(NULL, role, &err);

    if (!path) {
        say(p, NOTE, what, "none called '%s': %s", name, without);
        return;
    }
    m = bl_model_open(path, &err);
    if (!m || bl_model_need(m, role, &err) < 0)
        say(p, BAD, what, "%s", err.msg);
    else
        say(p, GOOD, what, "%s", path);
    bl_model_close(m);
    free(path);
}

static void see_kb(struct patient *p)
{
    struct bl_err err;
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_span words = { "", 0 };

    p->kb = bl_kb_open_named(NULL, &err);
    if (!p->kb || bl_kb_verify(p->kb, &err) < 0
        || bl_kb_meta(p->kb, "attribution", &a, &words, &err) < 0)
        say(p, BAD, "catalogue", "%s", err.msg);
    else
        say(p, GOOD, "catalogue", "%s: %zu entities%s%.*s",
            bl_kb_path(p->kb), bl_kb_count(p->kb), words.n ? "; " : "",
            (int)words.n, words.p);
    bl_arena_free(&a);
}

static int check_index(const struct patient *p, const struct bl_index *x,
                       struct bl_err *err)
{
    if (p->kb && bl_index_check_kb(x, bl_kb_fingerprint(p->kb),
                                   bl_kb_count(p->kb), bl_kb_path(p->kb),
                                   err) < 0)
        return -1;
    if (p->model && strcmp(x->model, p->model->fingerprint))
        return bl_fail(err, BL_DATA, "'%s' was made with model %s, but the "
                                     "model is now %s: make it again",
                       x->map.path, x->model, p->model->fingerprint);
    return bl_index_verify(x, err);
}

/* The default index may be one of FAISS. */
static void see_faiss(struct patient *p, const char *path)
{
    struct bl_faiss f;
    struct bl_err err;

    if (bl_faiss_open(&f, path, &err) < 0) {
        say(p, BAD, "index", "%s", err.msg);
        return;
    }
    if ((p->kb && bl_faiss_check_kb(&f, bl_kb_fingerprint(p->kb),
                                    bl_kb_count(p->kb), bl_kb_path(p->kb),
                                    &err) < 0)
        || bl_faiss_verify(&f, &err) < 0)
        say(p, BAD, "index", "%s", err.msg);
    else
        say(p, GOOD, "index", "%s: %llu vectors, FAISS %s, intact", path,
            (unsigned long long)f.n, f.type);
    bl_faiss_close(&f);
}

static void see_index(struct patient *p)
{
    struct bl_err err;
    struct bl_index x;
    char *path = bl_path_find(BL_PATH_INDEX, NULL, &err);

    if (path && bl_faiss_is_file(path)) {
        see_faiss(p, path);
    } else if (!path || bl_index_open(&x, path, &err) < 0) {
        say(p, BAD, "index", "%s", err.msg);
    } else {
        if (check_index(p, &x, &err) < 0)
            say(p, BAD, "index", "%s", err.msg);
        else
            say(p, GOOD, "index", "%s: %llu vectors, %s, intact", path,
                (unsigned long long)x.n, bl_dtype_name(x.dtype));
        bl_index_close(&x);
    }
    free(path);
}

/* ---- Engines ---- */

/* Computes one short sequence; the time is what a caller would see. */
static int try_engine(const struct patient *p, int kind, char **says,
                      double *ms, struct bl_err *err)
{
    struct bl_engine_opts eo = BL_ENGINE_OPTS_DEFAULT;
    struct bl_batch b = BL_BATCH_INIT;
    int32_t ids[] = { 1, 2, 3, 4 };
    struct bl_encoder *e;
    float *v;
    int rc;

    eo.engine = kind;
    e = bl_encoder_open(p->model, &eo, err);
    if (!e)
        return -1;
    v = bl_xmalloc(bl_encoder_dim(e), sizeof *v);
    bl_batch_add(&b, ids, NULL, NULL, BL_COUNT(ids));
    double start = bl_now();
    rc = bl_encoder_embed(e, BL_TOWER_CONTEXT, &b, v, NULL, err);
    *ms = (bl_now() - start) * 1000;
    *says = rc < 0 ? NULL : bl_xstrdup(bl_encoder_describe(e));
    bl_batch_free(&b);
    free(v);
    bl_encoder_close(e);
    return rc;
}

static void see_engine(struct patient *p, const char *name, int kind,
                       enum verdict otherwise, const char *advice)
{
    struct bl_err err;
    char *says = NULL;
    double ms = 0;

    if (!p->model)
        return;
    if (try_engine(p, kind, &says, &ms, &err) < 0)
        say(p, otherwise, name, "%s%s", err.msg, advice);
    else
        say(p, GOOD, name, "%s; first answer after %.0f ms", says, ms);
    free(says);
}

static void see_module(struct patient *p)
{
    struct bl_err err;
    const char *version = bl_ann_version(&err);

    if (version)
        say(p, GOOD, "faiss", "%s, for approximate indexes", version);
    else
        say(p, NOTE, "faiss", "not installed: for approximate indexes, "
                              "install libfaiss-dev and configure again");
}

static void see_kernel(struct patient *p)
{
    struct bl_err err;
    const struct bl_f32_kernel *k = bl_f32_kernel(&err);

    if (k)
        say(p, GOOD, "f32", "products by %s", k->what);
    else
        say(p, BAD, "f32", "%s", err.msg);
}

static void see_engines(struct patient *p)
{
    see_kernel(p);
    see_engine(p, "reference", BL_ENGINE_REFERENCE, BAD, "");
    see_engine(p, "cpu", BL_ENGINE_CPU, BAD, "");
    see_engine(p, "torch", BL_ENGINE_TORCH, NOTE,
               "; it is needed for CUDA and bf16 only");
}

int bl_driver_doctor(void)
{
    struct patient p = { .broken = false };

    see_programs(&p);
    see_folder(&p);
    see_models(&p);
    see_model(&p);
    see_kb(&p);
    see_index(&p);
    see_optional(&p, "cross-encoder", "default-cross", BL_ROLE_CROSS_ENCODER,
                 "candidates are not reranked");
    see_optional(&p, "tagger", "default-ner", BL_ROLE_TAGGER,
                 "mentions are the catalogue's names");
    see_engines(&p);
    see_module(&p);
    bl_model_close(p.model);
    bl_kb_close(p.kb);
    if (!p.broken)
        return 0;
    bl_warn("to repair it, run scripts/quickstart, which fetches the default "
            "model and catalogue and makes the index");
    return 3;
}
