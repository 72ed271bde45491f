/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "convert/family-pack.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/newdir.h"
#include "model/model-family.h"
#include "model/model-write.h"
#include "model/rows.h"
#include "net/quantize.h"
#include "tensor/half.h"
#include "tensor/safetensors-write.h"
#include "text/wordpiece.h"

enum { MODELS = BL_FAMILY_MODELS, MAX_FILE = 256 << 20 };

#define WORDS "embeddings.word_embeddings.weight"

/* Those of a model stand together, in the order of the roles. */
static const char *const names[] = {
    "words.safetensors", "vocab.txt", "README.md", "calibration.json",
    "bi/config.json", "bi/blink.json", "bi/model.safetensors",
    "cross/config.json", "cross/blink.json", "cross/model.safetensors",
    "ner/config.json", "ner/blink.json", "ner/model.safetensors",
};

enum { N_NAMES = BL_COUNT(names), KEPT = 2, FIRST_PART = 4, PART = 3 };

struct job {
    const struct bl_family_pack *pack;
    struct bl_model *models[MODELS];
    const struct bl_model *first;       /* whose words are written */
    struct bl_buf vocab;
    const char *dir;            /* where files are made */
};

/* ---- Are they a family? ---- */

static int open_models(struct job *job, struct bl_err *err)
{
    for (unsigned i = 0; i < MODELS; i++) {
        const char *name = job->pack->models[i];

        if (!name)
            continue;
        job->models[i] = bl_model_open_as(name, (enum bl_role)i, err);
        if (!job->models[i] || bl_shrink_check(job->models[i], err) < 0)
            return -1;
        if (!job->first)
            job->first = job->models[i];
    }
    if (!job->first)
        return bl_fail(err, BL_USAGE, "no model to pack");
    return 0;
}

static int read_vocab(const struct bl_model *model, struct bl_buf *out,
                      struct bl_err *err)
{
    char *path = bl_family_file(model->path, "vocab.txt");
    int rc = bl_file_read(path, MAX_FILE, out, err);

    free(path);
    return rc;
}

static int check_vocab(const struct job *job, const struct bl_model *model,
                       struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    int rc = read_vocab(model, &text, err);

    if (rc == 0 && (text.len != job->vocab.len
                || memcmp(text.data, job->vocab.data, text.len)))
        rc = bl_fail(err, BL_DATA, "'%s' has another vocab.txt than '%s': "
                     "the models of a family share it", model->path,
                     job->first->path);
    bl_buf_free(&text);
    return rc;
}

static bool same_halves(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bl_half_of_float(a[i]) != bl_half_of_float(b[i]))
            return false;
    return true;
}

/* One tower's vectors against those of the first model. */
static int check_rows(const struct job *job, const struct bl_model *model,
                      const struct bl_rows *rows, struct bl_err *err)
{
    const struct bl_rows *first = &job->first->towers[0].words;
    size_t width = model->shape.hidden;
    float *room = bl_xmalloc(2 * width, sizeof *room);
    int rc = 0;

    for (size_t i = 0; i < model->shape.vocab && rc == 0; i++) {
        const float *a = bl_row(first, i, width, room);
        struct bl_span word = bl_wordpiece_token(model->words, (int32_t)i);

        if (!same_halves(a, bl_row(rows, i, width, room + width), width))
            rc = bl_fail(err, BL_DATA, "'%s' has another vector of the word "
                         "'%.*s' (%zu) than '%s': the models of a family "
                         "share them (blink-train --freeze words)",
                         model->path,
                         (int)word.n, word.p, i, job->first->path);
    }
    free(room);
    return rc;
}

static int check_model(const struct job *job, const struct bl_model *model,
                       struct bl_err *err)
{
    const struct bl_shape *shape = &job->first->shape, *b = &model->shape;

    if (shape->vocab != b->vocab || shape->hidden != b->hidden)
        return bl_fail(err, BL_DATA, "'%s' has %zu words of %zu numbers, "
                       "'%s' %zu of %zu: the models of a family share them",
                       model->path, b->vocab, b->hidden, job->first->path,
                       shape->vocab, shape->hidden);
    if (check_vocab(job, model, err) < 0)
        return -1;
    for (size_t i = 0; i < model->n_towers; i++)
        if (check_rows(job, model, &model->towers[i].words, err) < 0)
            return -1;
    return 0;
}

static int check_all(struct job *job, struct bl_err *err)
{
    if (open_models(job, err) < 0
        || read_vocab(job->first, &job->vocab, err) < 0)
        return -1;
    for (size_t i = 0; i < MODELS; i++)
        if (job->models[i] && check_model(job, job->models[i], err) < 0)
            return -1;
    return 0;
}

/* ---- Words ---- */

static int put_halves(const struct job *job,
                      struct bl_safetensors_writer *writer, struct bl_err *err)
{
    const struct bl_shape *shape = &job->first->shape;
    float *room = bl_xmalloc(shape->hidden, sizeof *room);
    uint16_t *half = bl_xmalloc(shape->hidden, sizeof *half);
    int rc = 0;

    for (size_t i = 0; i < shape->vocab && rc == 0; i++) {
        const float *v = bl_row(&job->first->towers[0].words, i, shape->hidden,
                                room);

        for (size_t k = 0; k < shape->hidden; k++)
            half[k] = bl_half_of_float(v[k]);
        rc = bl_safetensors_put(writer, half, shape->hidden * sizeof *half,
                                err);
    }
    free(half);
    free(room);
    return rc;
}

static int put_int8(const struct job *job,
                    struct bl_safetensors_writer *writer, struct bl_err *err)
{
    const struct bl_shape *shape = &job->first->shape;
    float *room = bl_xmalloc(shape->hidden, sizeof *room);
    float *scales = bl_xmalloc(shape->vocab, sizeof *scales);
    int8_t *codes = bl_xmalloc(shape->hidden, 1);
    int rc = 0;

    for (size_t i = 0; i < shape->vocab && rc == 0; i++) {
        scales[i] = bl_row_to_int8(bl_row(&job->first->towers[0].words, i,
                                          shape->hidden, room), shape->hidden,
                                   codes);
        rc = bl_safetensors_put(writer, codes, shape->hidden, err);
    }
    /* The scales come after all codes, as declared, and are only known once
     * each row has been rounded. */
    if (rc == 0)
        rc = bl_safetensors_put(writer, scales, shape->vocab * sizeof *scales,
                                err);
    free(codes);
    free(scales);
    free(room);
    return rc;
}

static int write_words(const struct job *job, struct bl_err *err)
{
    const struct bl_shape *shape = &job->first->shape;
    size_t dims[2] = { shape->vocab, shape->hidden };
    char *path = bl_xasprintf("%s/%s", job->dir, names[0]);
    struct bl_safetensors_writer *writer = bl_safetensors_create(path);
    int rc;

    free(path);
    if (job->pack->int8_words) {
        bl_safetensors_declare(writer, WORDS ".int8", BL_I8, 2, dims);
        bl_safetensors_declare(writer, WORDS ".scales", BL_F32, 1, dims);
        rc = put_int8(job, writer, err);
    } else {
        bl_safetensors_declare(writer, WORDS, BL_F16, 2, dims);
        rc = put_halves(job, writer, err);
    }
    if (rc == 0)
        return bl_safetensors_commit(writer, err);
    bl_safetensors_abort(writer);
    return -1;
}

/* ---- The rest ---- */

/* dir/name, of which nothing is said when it may be missing. */
static int copy(const struct job *job, const char *dir, const char *name,
                const char *as, bool optional, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    struct bl_buf text = BL_BUF_INIT;
    int rc = 0;

    if (!optional || access(path, F_OK) == 0) {
        rc = bl_file_read(path, MAX_FILE, &text, err);
        if (rc == 0)
            rc = bl_model_put_file(job->dir, as, &text, err);
    }
    bl_buf_free(&text);
    free(path);
    return rc;
}

static int write_model(const struct job *job, size_t role, struct bl_err *err)
{
    const char *const *files = names + FIRST_PART + PART * role;
    const struct bl_model *model = job->models[role];
    struct bl_shrink how = { .int8 = job->pack->int8_layers, .f16 = true,
                             .bare = true };
    char *path;
    int rc;

    if (!model)
        return 0;
    if (copy(job, model->path, "config.json", files[0], false, err) < 0
        || copy(job, model->path, "blink.json", files[1], false, err) < 0)
        return -1;
    path = bl_xasprintf("%s/%s", job->dir, files[2]);
    rc = bl_shrink_weights(model, &how, job->pack->threads, path, err);
    free(path);
    return rc;
}

/* 0 for what was not made. */
static int size_of(const struct job *job, const char *name, uint64_t *size,
                   struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", job->dir, name);
    struct stat st;
    int rc = 0;

    *size = 0;
    if (stat(path, &st) == 0)
        *size = (uint64_t)st.st_size;
    else if (errno != ENOENT && errno != ENOTDIR)
        rc = bl_fail_file(err, "'%s'", path);
    free(path);
    return rc;
}

static int measure(const struct job *job, struct bl_family_report *r,
                   struct bl_err *err)
{
    *r = (struct bl_family_report){ .words = 0 };
    if (size_of(job, names[0], &r->words, err) < 0)
        return -1;
    for (size_t i = 0; i < N_NAMES; i++) {
        uint64_t size;

        if (size_of(job, names[i], &size, err) < 0)
            return -1;
        r->total += size;
        if (i >= FIRST_PART)
            r->models[(i - FIRST_PART) / PART] += size;
    }
    return 0;
}

/* What was made must open as what it is. */
static int check_result(const struct job *job, struct bl_err *err)
{
    for (unsigned i = 0; i < MODELS; i++) {
        struct bl_model *model;

        if (!job->models[i])
            continue;
        model = bl_model_open_as(job->dir, (enum bl_role)i, err);
        if (!model)
            return -1;
        bl_model_close(model);
    }
    return 0;
}

static int write_family(const struct job *job, const char *to,
                        struct bl_family_report *report, struct bl_err *err)
{
    if (write_words(job, err) < 0
        || bl_model_put_file(job->dir, names[1], &job->vocab, err) < 0)
        return -1;
    for (size_t i = KEPT; i < FIRST_PART; i++)
        if (copy(job, to, names[i], names[i], true, err) < 0)
            return -1;
    for (size_t i = 0; i < MODELS; i++)
        if (write_model(job, i, err) < 0)
            return -1;
    if (measure(job, report, err) < 0)
        return -1;
    return check_result(job, err);
}

static int pack(struct job *job, const char *to,
                struct bl_family_report *report, struct bl_err *err)
{
    struct bl_newdir *folder = bl_newdir_open(to, names, N_NAMES,
                                              job->pack->replace, err);

    if (!folder)
        return -1;
    job->dir = bl_newdir_path(folder);
    if (write_family(job, to, report, err) == 0)
        return bl_newdir_commit(folder, err);
    return bl_newdir_fail(folder, err);
}

int bl_family_pack(const struct bl_family_pack *p, const char *to,
                   struct bl_family_report *report, struct bl_err *err)
{
    struct job job = { .pack = p, .vocab = BL_BUF_INIT };
    int rc = check_all(&job, err) < 0 ? -1 : pack(&job, to, report, err);

    for (size_t i = 0; i < MODELS; i++)
        bl_model_close(job.models[i]);
    bl_buf_free(&job.vocab);
    return rc;
}
