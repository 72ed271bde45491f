/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "vector-file.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "file.h"
#include "mem.h"
#include "torchfile.h"
#include "vector.h"

/* FAISS's flat index (write_index): "IxFI", dimension, vectors, two words
 * of no use, whether it was trained, metric, count of floats, floats. */
enum {
    FLAT_DIM = 4, FLAT_N = 8, FLAT_METRIC = 33, FLAT_COUNT = 37,
    FLAT_DATA = 45
};

struct source {
    struct bl_torchfile *torch; /* one of the two */
    struct bl_map map;
    struct bl_torch_storage storage;
    struct bl_torch_tensor matrix;
};

/* ---- FAISS ---- */

static int check_flat(const struct bl_map *m, struct bl_err *err)
{
    uint64_t dim, n;
    size_t count;

    if (m->size < FLAT_DATA)
        return bl_fail(err, BL_DATA, "'%s': a FAISS index cut short",
                       m->path);
    if (bl_le(m->data + FLAT_METRIC, 4))
        return bl_fail(err, BL_DATA, "'%s': a flat FAISS index of another "
                       "metric, expected the inner product", m->path);
    dim = bl_le(m->data + FLAT_DIM, 4);
    n = bl_le(m->data + FLAT_N, 8);
    if (!bl_size_mul(n, dim, &count)
        || count != bl_le(m->data + FLAT_COUNT, 8))
        return bl_fail(err, BL_DATA, "'%s': %llu vectors of %llu numbers, "
                       "but %llu numbers follow", m->path,
                       (unsigned long long)n, (unsigned long long)dim,
                       (unsigned long long)bl_le(m->data + FLAT_COUNT, 8));
    if ((m->size - FLAT_DATA) / sizeof(float) != count
        || (m->size - FLAT_DATA) % sizeof(float))
        return bl_fail(err, BL_DATA, "'%s': %zu bytes for %zu numbers of %zu "
                       "bytes", m->path, m->size - FLAT_DATA, count,
                       sizeof(float));
    return 0;
}

static int open_flat(struct source *s, struct bl_err *err)
{
    size_t dim, n;

    if (check_flat(&s->map, err) < 0)
        return -1;
    dim = (size_t)bl_le(s->map.data + FLAT_DIM, 4);
    n = (size_t)bl_le(s->map.data + FLAT_N, 8);
    s->storage = (struct bl_torch_storage){
        .dtype = BL_F32, .count = n * dim, .data = s->map.data + FLAT_DATA,
        .mapped = true,
    };
    s->matrix = (struct bl_torch_tensor){
        .name = "", .dtype = BL_F32, .n_dims = 2, .dims = { n, dim },
        .strides = { dim, 1 }, .count = n * dim, .storage = &s->storage,
    };
    return 0;
}

/* The other indexes start with four letters too. */
static bool is_faiss(const struct bl_map *m)
{
    return m->size >= 4 && m->data[0] == 'I'
        && memchr("xHwv", m->data[1], 4);
}

/* ---- torch.save ---- */

static int open_torch(struct source *s, struct bl_err *err)
{
    struct bl_torch_tensor *t;
    float unused;

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

static int open_source(struct source *s, struct bl_err *err)
{
    size_t dim;

    if (is_faiss(&s->map) && memcmp(s->map.data, "IxFI", 4))
        return bl_fail(err, BL_DATA, "'%s': a FAISS index of kind '%.4s'; "
                       "only flat ones of the inner product (IxFI) can be "
                       "imported", s->map.path, (const char *)s->map.data);
    if ((is_faiss(&s->map) ? open_flat(s, err) : open_torch(s, err)) < 0)
        return -1;
    dim = s->matrix.dims[1];
    if (!dim || dim > BL_VECTOR_MAX_DIM)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, expected "
                       "1 to %d", s->map.path, dim, BL_VECTOR_MAX_DIM);
    return 0;
}

static void close_source(struct source *s)
{
    bl_torchfile_close(s->torch);
    bl_map_close(&s->map);
    free(s);
}

struct bl_vector_file *bl_vector_file_open(const char *path,
                                           struct bl_err *err)
{
    struct source *s = BL_NEW(struct source);
    struct bl_vector_file *f;

    if (bl_map_open(&s->map, path, err) < 0 || open_source(s, err) < 0) {
        close_source(s);
        return NULL;
    }
    f = BL_NEW(struct bl_vector_file);
    *f = (struct bl_vector_file){ s->matrix.dims[0], s->matrix.dims[1], s };
    return f;
}

void bl_vector_file_read(const struct bl_vector_file *f, size_t first,
                         size_t n, float *out)
{
    const struct source *s = f->data;

    bl_torch_copy_f32(&s->matrix, first * f->dim, n * f->dim, out);
    bl_torch_forget(&s->matrix, first * f->dim, n * f->dim);
}

void bl_vector_file_close(struct bl_vector_file *f)
{
    if (!f)
        return;
    close_source(f->data);
    free(f);
}
