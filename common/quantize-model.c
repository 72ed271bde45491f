/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "mem.h"
#include "model-write.h"
#include "newdir.h"
#include "quantize.h"
#include "safetensors-write.h"

enum { MAX_FILE = 256 << 20 };

static const char *const files[] = {
    "config.json", "vocab.txt", "blink.json", "model.safetensors"
};

enum { WEIGHTS = 3, FILES = 4 };

/* What is written, and the packed weights of each tower. */
struct plan {
    struct bl_model *model;
    struct bl_int8 *packed[BL_MAX_TOWERS];
};

/* The packed form of the tensor; NULL when it stays as it is. */
static const struct bl_int8 *packed_of(const struct plan *p,
                                       struct bl_tensor *t)
{
    const struct bl_model *m = p->model;
    const float *w = t->n_dims == 2 ? bl_safetensors_f32(t) : NULL;

    for (size_t i = 0; w && i < m->n_towers; i++)
        for (size_t k = 0; k < m->shape.layers * BL_LINEARS; k++) {
            struct bl_layer *l = &m->towers[i].layers[k / BL_LINEARS];

            if (bl_layer_linear(l, (enum bl_linear_number)(k % BL_LINEARS))
                ->w == w)
                return &p->packed[i][k];
        }
    return NULL;
}

static void declare_part(struct bl_safetensors_writer *w,
                         const struct bl_tensor *t, const char *part,
                         enum bl_tensor_dtype dtype, size_t n,
                         const size_t *dims)
{
    char *name = bl_xasprintf("%s.%s", t->name, part);

    bl_safetensors_declare(w, name, dtype, n, dims);
    free(name);
}

static void declare(struct bl_safetensors_writer *w, struct bl_tensor *t,
                    const struct bl_int8 *q)
{
    size_t outs, shape[4];

    if (!q) {
        bl_safetensors_declare(w, t->name, t->dtype, t->n_dims, t->dims);
        return;
    }
    outs = q->blocks * BL_INT8_OUTS;
    shape[0] = q->blocks;
    shape[1] = q->width / 4;
    shape[2] = BL_INT8_OUTS;
    shape[3] = 4;
    declare_part(w, t, "int8", BL_I8, 4, shape);
    declare_part(w, t, "scales", BL_F32, 1, &outs);
    declare_part(w, t, "sums", BL_I32, 1, &outs);
    declare_part(w, t, "shrink", BL_F32, 1, &q->width);
}

static int put(struct bl_safetensors_writer *w, const struct bl_tensor *t,
               const struct bl_int8 *q, struct bl_err *err)
{
    size_t outs;

    if (!q)
        return bl_safetensors_put(w, t->data, t->size, err);
    outs = q->blocks * BL_INT8_OUTS;
    return bl_safetensors_put(w, q->codes, outs * q->width, err) < 0
        || bl_safetensors_put(w, q->scales, outs * 4, err) < 0
        || bl_safetensors_put(w, q->sums, outs * 4, err) < 0
        || bl_safetensors_put(w, q->shrink, q->width * 4, err) < 0 ? -1 : 0;
}

static int write_weights(const struct plan *p, const char *dir,
                         struct bl_err *err)
{
    const struct bl_safetensors *st = p->model->weights;
    char *path = bl_xasprintf("%s/%s", dir, files[WEIGHTS]);
    struct bl_safetensors_writer *w = bl_safetensors_create(path);
    size_t n = bl_safetensors_count(st);
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        struct bl_tensor *t = bl_safetensors_at(st, i);

        declare(w, t, packed_of(p, t));
    }
    for (size_t i = 0; i < n && !rc; i++) {
        struct bl_tensor *t = bl_safetensors_at(st, i);

        rc = put(w, t, packed_of(p, t), err);
    }
    if (rc < 0)
        bl_safetensors_abort(w);
    else
        rc = bl_safetensors_commit(w, err);
    free(path);
    return rc;
}

static int copy_file(const char *from, const char *dir, const char *name,
                     struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", from, name);
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(path, MAX_FILE, &text, err);

    if (!rc)
        rc = bl_model_put_file(dir, name, &text, err);
    bl_buf_free(&text);
    free(path);
    return rc;
}

static int write_all(const struct plan *p, const char *dir,
                     struct bl_err *err)
{
    for (size_t i = 0; i < WEIGHTS; i++)
        if (copy_file(p->model->path, dir, files[i], err) < 0)
            return -1;
    return write_weights(p, dir, err);
}

static bool has_blink_json(const char *dir)
{
    char *path = bl_xasprintf("%s/blink.json", dir);
    bool there = !access(path, F_OK);

    free(path);
    return there;
}

static int quantize(struct plan *p, const char *to, bool replace,
                    size_t threads, struct bl_err *err)
{
    struct bl_model *m = p->model;
    struct bl_newdir *d;

    if (m->int8)
        return bl_fail(err, BL_DATA, "'%s': its weights are int8 already",
                       m->path);
    if (m->shape.inner > BL_INT8_MAX_IN || m->shape.hidden > BL_INT8_MAX_IN)
        return bl_fail(err, BL_DATA, "'%s': layers of %zu numbers are too "
                       "wide for int8", m->path, m->shape.inner);
    if (!has_blink_json(m->path))
        return bl_fail(err, BL_DATA, "'%s': no blink.json; make a model "
                       "directory of it first (blink-convert hf)", m->path);
    d = bl_newdir_open(to, files, FILES, replace, err);
    if (!d)
        return -1;
    for (size_t i = 0; i < m->n_towers; i++)
        p->packed[i] = bl_quantize(&m->shape, &m->towers[i], threads);
    if (write_all(p, bl_newdir_path(d), err) == 0)
        return bl_newdir_commit(d, err);
    bl_newdir_abort(d);
    return -1;
}

int bl_quantize_model(const char *from, const char *to, bool replace,
                      size_t threads, struct bl_err *err)
{
    struct plan p = { .model = bl_model_open(from, err) };
    int rc;

    if (!p.model)
        return -1;
    rc = quantize(&p, to, replace, threads, err);
    for (size_t i = 0; i < BL_MAX_TOWERS; i++)
        bl_quantize_free(p.packed[i], p.model->shape.layers);
    bl_model_close(p.model);
    return rc;
}
