/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "search/vector-file.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "json/vector.h"
#include "search/faiss-file.h"
#include "tensor/torchfile.h"

struct source {
    struct bl_torchfile *torch; /* one of the two */
    struct bl_faiss faiss;
    struct bl_map map;          /* torch's */
    struct bl_torch_tensor matrix;
};

/* ---- FAISS ---- */

static int open_faiss(struct source *source, const char *path,
                      struct bl_err *err)
{
    if (bl_faiss_open(&source->faiss, path, err) < 0)
        return -1;
    if (!source->faiss.raw)
        return bl_fail(err, BL_DATA,
                       "'%s': a FAISS index of kind %s, which "
                       "does not keep whole vectors",
                       path, source->faiss.type);
    return 0;
}

/* ---- torch.save ---- */

/* BLINK's entity encodings are one matrix, saved alone.  A copy of no numbers
 * tells whether its type can be made into floats.  The checksum is verified
 * now, since vectors are later read in any order. */
static int open_torch(struct source *source, const char *path,
                      struct bl_err *err)
{
    struct bl_torch_tensor *tensor;
    float unused;

    if (bl_map_open(&source->map, path, err) < 0)
        return -1;
    source->torch = bl_torchfile_parse(source->map.data, source->map.size,
                                       err);
    if (!source->torch)
        return bl_err_prefix(err, "'%s'", source->map.path);
    if (bl_torchfile_count(source->torch) != 1)
        return bl_fail(err, BL_DATA, "'%s': expected one tensor, found %zu",
                       source->map.path, bl_torchfile_count(source->torch));
    tensor = bl_torchfile_at(source->torch, 0);
    tensor->storage->mapped = true;
    if (tensor->n_dims != 2 || !bl_torch_copy_f32(tensor, 0, 0, &unused))
        return bl_fail(err, BL_DATA, "'%s': expected a matrix of floats, "
                       "found %s with %zu dimensions", source->map.path,
                       bl_tensor_dtype_name(tensor->dtype), tensor->n_dims);
    if (bl_torch_storage_verify(tensor->storage, err) < 0)
        return bl_err_prefix(err, "'%s'", source->map.path);
    source->matrix = *tensor;
    return 0;
}

/* ---- Both ---- */

static int open_source(struct source *source, struct bl_vector_file *file,
                       const char *path, struct bl_err *err)
{
    int faiss = bl_faiss_is_file(path, err);

    if (faiss < 0
        || (faiss ? open_faiss : open_torch)(source, path, err) < 0)
        return -1;
    file->n = faiss ? source->faiss.n : source->matrix.dims[0];
    file->dim = faiss ? source->faiss.dim : source->matrix.dims[1];
    file->model = source->faiss.model;
    file->kb = source->faiss.kb;
    if (!file->dim || file->dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, expected "
                       "1 to %d", path, file->dim, BL_VECTOR_MAX_DIM);
    return 0;
}

static void close_source(struct source *source)
{
    bl_torchfile_close(source->torch);
    bl_faiss_close(&source->faiss);
    bl_map_close(&source->map);
    free(source);
}

struct bl_vector_file *bl_vector_file_open(const char *path,
                                           struct bl_err *err)
{
    struct bl_vector_file *file = BL_NEW(struct bl_vector_file);

    file->data = BL_NEW(struct source);
    if (open_source(file->data, file, path, err) == 0)
        return file;
    bl_vector_file_close(file);
    return NULL;
}

void bl_vector_file_read(const struct bl_vector_file *file, size_t first,
                         size_t n, float *out)
{
    const struct source *source = file->data;

    if (source->torch) {
        bl_torch_copy_f32(&source->matrix, first * file->dim, n * file->dim,
                          out);
        bl_torch_forget(&source->matrix, first * file->dim, n * file->dim);
        return;
    }
    for (size_t i = 0; i < n; i++)
        bl_faiss_vector(&source->faiss, first + i, out + i * file->dim);
    bl_map_forget(&source->faiss.map);
}

size_t bl_vector_file_row(const struct bl_vector_file *file, size_t i)
{
    const struct source *source = file->data;

    return source->torch ? i : (size_t)bl_faiss_row(&source->faiss, i);
}

void bl_vector_file_close(struct bl_vector_file *file)
{
    if (!file)
        return;
    close_source(file->data);
    free(file);
}
