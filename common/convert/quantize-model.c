/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/newdir.h"
#include "model/model-family.h"
#include "model/model-write.h"
#include "net/quantize.h"
#include "tensor/half.h"
#include "tensor/safetensors-write.h"

enum { MAX_FILE = 256 << 20 };

static const char *const files[] = {
    "config.json", "vocab.txt", "blink.json", "model.safetensors"
};

enum { WEIGHTS = 3, FILES = 4, PIECE = 1 << 14 };

/* What is written, and the packed weights of each tower. */
struct plan {
    const struct bl_model *model;
    const struct bl_shrink *how;
    struct bl_int8 *packed[BL_MAX_TOWERS];
};

/* The packed form of the tensor; NULL when it stays as it is. */
static const struct bl_int8 *packed_of(const struct plan *plan,
                                       struct bl_tensor *tensor)
{
    const struct bl_model *model = plan->model;
    const float *w = NULL;

    if (plan->how->int8 && tensor->n_dims == 2
        && strstr(tensor->name, "encoder.layer."))
        w = bl_safetensors_f32(tensor);
    for (size_t i = 0; w && i < model->n_towers; i++)
        for (size_t k = 0; k < model->shape.layers * BL_LINEARS; k++) {
            struct bl_layer *layer = &model->towers[i].layers[k / BL_LINEARS];

            if (bl_layer_linear(layer, (enum bl_linear_number)(k % BL_LINEARS))
                ->w == w)
                return &plan->packed[i][k];
        }
    return NULL;
}

static void declare_part(struct bl_safetensors_writer *writer,
                         const struct bl_tensor *tensor, const char *part,
                         enum bl_tensor_dtype dtype, size_t n,
                         const size_t *dims)
{
    char *name = bl_xasprintf("%s.%s", tensor->name, part);

    bl_safetensors_declare(writer, name, dtype, n, dims);
    free(name);
}

static bool halved(const struct plan *plan, const struct bl_tensor *tensor)
{
    return plan->how->f16 && (tensor->dtype == BL_F32
                              || tensor->dtype == BL_BF16
                              || tensor->dtype == BL_F64);
}

/* A matrix in int8 is four tensors, of the shapes in which its kernels read
 * them. */
static void declare(struct bl_safetensors_writer *writer,
                    const struct plan *plan, struct bl_tensor *tensor)
{
    const struct bl_int8 *matrix = packed_of(plan, tensor);
    size_t outs, shape[4];

    if (!matrix) {
        bl_safetensors_declare(writer, tensor->name,
                               halved(plan, tensor) ? BL_F16 : tensor->dtype,
                               tensor->n_dims, tensor->dims);
        return;
    }
    outs = matrix->blocks * BL_INT8_OUTS;
    shape[0] = matrix->blocks;
    shape[1] = matrix->width / 4;
    shape[2] = BL_INT8_OUTS;
    shape[3] = 4;
    declare_part(writer, tensor, "int8", BL_I8, 4, shape);
    declare_part(writer, tensor, "scales", BL_F32, 1, &outs);
    declare_part(writer, tensor, "sums", BL_I32, 1, &outs);
    declare_part(writer, tensor, "shrink", BL_F32, 1, &matrix->width);
}

/* Beyond the range of F16 a value would be infinite there, and known as such
 * only when the model is used. */
static int put_halved(struct bl_safetensors_writer *writer,
                      const struct bl_tensor *tensor, struct bl_err *err)
{
    size_t size = bl_tensor_dtype_size(tensor->dtype), n;
    uint16_t half[PIECE];
    float wide[PIECE];

    for (size_t at = 0; at < tensor->count; at += n) {
        n = BL_MIN(tensor->count - at, PIECE);
        bl_tensor_to_f32(tensor->dtype, tensor->data + at * size, n, wide);
        for (size_t i = 0; i < n; i++) {
            if (!(fabsf(wide[i]) <= 65504.0f))
                return bl_fail(err, BL_DATA, "tensor '%s': value %g cannot "
                               "be saved as F16", tensor->name,
                               (double)wide[i]);
            half[i] = bl_half_of_float(wide[i]);
        }
        if (bl_safetensors_put(writer, half, n * sizeof *half, err) < 0)
            return -1;
    }
    return 0;
}

static int put(struct bl_safetensors_writer *writer, const struct plan *plan,
               struct bl_tensor *tensor, struct bl_err *err)
{
    const struct bl_int8 *matrix = packed_of(plan, tensor);
    size_t outs;

    if (!matrix && halved(plan, tensor))
        return put_halved(writer, tensor, err);
    if (!matrix)
        return bl_safetensors_put(writer, tensor->data, tensor->size, err);
    outs = matrix->blocks * BL_INT8_OUTS;
    return bl_safetensors_put(writer, matrix->codes, outs * matrix->width,
                              err) < 0
        || bl_safetensors_put(writer, matrix->scales, outs * 4, err) < 0
        || bl_safetensors_put(writer, matrix->sums, outs * 4, err) < 0
        || bl_safetensors_put(writer, matrix->shrink, matrix->width * 4,
                              err) < 0 ? -1 : 0;
}

static bool dropped(const struct plan *plan, const struct bl_tensor *tensor)
{
    return plan->how->bare
        && strstr(tensor->name, "embeddings.word_embeddings.weight");
}

/* Tensors in the order of the file: those in int8 go first, because they
 * must be aligned and the others may be of an odd number of bytes. */
static struct bl_tensor **in_order(const struct plan *plan, size_t *n)
{
    const struct bl_safetensors *st = plan->model->weights;
    size_t all = bl_safetensors_count(st);
    struct bl_tensor **tensor = BL_NEW_ARRAY(struct bl_tensor *, all);

    *n = 0;
    for (int packed = 1; packed >= 0; packed--)
        for (size_t i = 0; i < all; i++) {
            struct bl_tensor *t = bl_safetensors_at(st, i);

            if ((packed_of(plan, t) != NULL) == packed && !dropped(plan, t))
                tensor[(*n)++] = t;
        }
    return tensor;
}

static int write_weights(const struct plan *plan, const char *path,
                         struct bl_err *err)
{
    struct bl_safetensors_writer *writer = bl_safetensors_create(path);
    size_t n;
    struct bl_tensor **order = in_order(plan, &n);
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        declare(writer, plan, order[i]);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put(writer, plan, order[i], err);
    free(order);
    if (rc == 0)
        return bl_safetensors_commit(writer, err);
    bl_safetensors_abort(writer);
    return -1;
}

static int check_int8(const struct bl_model *model, struct bl_err *err)
{
    if (model->int8)
        return bl_fail(err, BL_DATA, "'%s': its weights are int8 already",
                       model->path);
    if (model->shape.inner > BL_INT8_MAX_IN
        || model->shape.hidden > BL_INT8_MAX_IN)
        return bl_fail(err, BL_DATA, "'%s': layers of %zu numbers are too "
                       "wide for int8", model->path, model->shape.inner);
    return 0;
}

int bl_shrink_weights(const struct bl_model *model,
                      const struct bl_shrink *how,
                      size_t threads, const char *path, struct bl_err *err)
{
    struct plan plan = { .model = model, .how = how };
    int rc = check_int8(model, err);

    if (rc < 0)
        return -1;
    for (size_t i = 0; i < model->n_towers && how->int8; i++)
        plan.packed[i] = bl_quantize(&model->shape, &model->towers[i],
                                     threads);
    rc = write_weights(&plan, path, err);
    for (size_t i = 0; i < BL_MAX_TOWERS; i++)
        bl_quantize_free(plan.packed[i], model->shape.layers);
    return rc;
}

/* ---- A directory of it ---- */

static int copy_file(const char *from, const char *dir, const char *name,
                     struct bl_err *err)
{
    char *path = bl_family_file(from, name);
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(path, MAX_FILE, &text, err);

    if (rc == 0)
        rc = bl_model_put_file(dir, name, &text, err);
    bl_buf_free(&text);
    free(path);
    return rc;
}

static int write_quantized(const struct bl_model *model, const char *dir,
                           size_t threads, struct bl_err *err)
{
    struct bl_shrink how = { .int8 = true };
    char *path;
    int rc = 0;

    for (size_t i = 0; i < WEIGHTS && rc == 0; i++)
        rc = copy_file(model->path, dir, files[i], err);
    path = bl_xasprintf("%s/%s", dir, files[WEIGHTS]);
    if (rc == 0)
        rc = bl_shrink_weights(model, &how, threads, path, err);
    free(path);
    return rc;
}

static bool has_blink_json(const char *dir)
{
    char *path = bl_xasprintf("%s/blink.json", dir);
    bool there = !access(path, F_OK);

    free(path);
    return there;
}

int bl_shrink_check(const struct bl_model *model, struct bl_err *err)
{
    if (check_int8(model, err) < 0)
        return -1;
    if (!has_blink_json(model->path))
        return bl_fail(err, BL_DATA, "'%s': no blink.json; make a model "
                       "directory of it first (blink-convert hf)",
                       model->path);
    return 0;
}

static int quantize(const struct bl_model *model, const char *to, bool replace,
                    size_t threads, struct bl_err *err)
{
    struct bl_newdir *folder;

    if (bl_shrink_check(model, err) < 0)
        return -1;
    /* Elsewhere it would not find them. */
    if (model->shared)
        return bl_fail(err, BL_DATA, "'%s': its words are those of a family; "
                       "blink-convert pack makes one in int8", model->path);
    folder = bl_newdir_open(to, files, FILES, replace, err);
    if (!folder)
        return -1;
    if (write_quantized(model, bl_newdir_path(folder), threads, err) == 0)
        return bl_newdir_commit(folder, err);
    return bl_newdir_fail(folder, err);
}

int bl_quantize_model(const char *from, const char *to, bool replace,
                      size_t threads, struct bl_err *err)
{
    struct bl_model *model = bl_model_open(from, err);
    int rc = model ? quantize(model, to, replace, threads, err) : -1;

    bl_model_close(model);
    return rc;
}
