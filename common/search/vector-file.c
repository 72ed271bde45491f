/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/vector-file.h"

#include <stdlib.h>

#include "search/faiss-file.h"
#include "base/file.h"
#include "base/mem.h"
#include "tensor/torchfile.h"
#include "json/vector.h"

struct source {
    struct bl_torchfile *torch; /* one of the two */
    struct bl_faiss faiss;
    struct bl_map map;          /* torch's */
    struct bl_torch_tensor matrix;
};

/* ---- FAISS ---- */

static int open_faiss(struct source *s, const char *path, struct bl_err *err)
{
    if (bl_faiss_open(&s->faiss, path, err) < 0)
        return -1;
    if (!s->faiss.raw)
        return bl_fail(err, BL_DATA, "'%s': a FAISS index of kind %s, which "
                       "does not keep whole vectors", path, s->faiss.type);
    return 0;
}

/* ---- torch.save ---- */

static int open_torch(struct source *s, const char *path, struct bl_err *err)
{
    struct bl_torch_tensor *t;
    float unused;

    if (bl_map_open(&s->map, path, err) < 0)
        return -1;
    s->torch = bl_torchfile_parse(s->map.data, s->map.size, err);
    if (!s->torch)
        return bl_err_prefix(err, "'%s'", s->map.path);
    if (bl_torchfile_count(s->torch) != 1)
        return bl_fail(err, BL_DATA, "'%s': expected one tensor, found %zu",
                       s->map.path, bl_torchfile_count(s->torch));
    t = bl_torchfile_at(s->torch, 0);
    t->storage->mapped = true;
    if (t->n_dims != 2 || !bl_torch_copy_f32(t, 0, 0, &unused))
        return bl_fail(err, BL_DATA, "'%s': expected a matrix of floats, "
                       "found %s with %zu dimensions", s->map.path,
                       bl_tensor_dtype_name(t->dtype), t->n_dims);
    if (bl_torch_storage_verify(t->storage, err) < 0)
        return bl_err_prefix(err, "'%s'", s->map.path);
    s->matrix = *t;
    return 0;
}

/* ---- Both ---- */

static int open_source(struct source *s, struct bl_vector_file *f,
                       const char *path, struct bl_err *err)
{
    bool faiss = bl_faiss_is_file(path);

    if ((faiss ? open_faiss : open_torch)(s, path, err) < 0)
        return -1;
    f->n = faiss ? s->faiss.n : s->matrix.dims[0];
    f->dim = faiss ? s->faiss.dim : s->matrix.dims[1];
    f->model = s->faiss.model;
    f->kb = s->faiss.kb;
    if (!f->dim || f->dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, expected "
                       "1 to %d", path, f->dim, BL_VECTOR_MAX_DIM);
    return 0;
}

static void close_source(struct source *s)
{
    bl_torchfile_close(s->torch);
    bl_faiss_close(&s->faiss);
    bl_map_close(&s->map);
    free(s);
}

struct bl_vector_file *bl_vector_file_open(const char *path,
                                           struct bl_err *err)
{
    struct bl_vector_file *f = BL_NEW(struct bl_vector_file);

    f->data = BL_NEW(struct source);
    if (open_source(f->data, f, path, err) == 0)
        return f;
    bl_vector_file_close(f);
    return NULL;
}

void bl_vector_file_read(const struct bl_vector_file *f, size_t first,
                         size_t n, float *out)
{
    const struct source *s = f->data;

    if (s->torch) {
        bl_torch_copy_f32(&s->matrix, first * f->dim, n * f->dim, out);
        bl_torch_forget(&s->matrix, first * f->dim, n * f->dim);
        return;
    }
    for (size_t i = 0; i < n; i++)
        bl_faiss_vector(&s->faiss, first + i, out + i * f->dim);
    bl_map_forget(&s->faiss.map);
}

size_t bl_vector_file_row(const struct bl_vector_file *f, size_t i)
{
    const struct source *s = f->data;

    return s->torch ? i : (size_t)bl_faiss_row(&s->faiss, i);
}

void bl_vector_file_close(struct bl_vector_file *f)
{
    if (!f)
        return;
    close_source(f->data);
    free(f);
}
