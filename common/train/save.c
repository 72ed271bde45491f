/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/save.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/newdir.h"
#include "model/model-family.h"
#include "model/model-write.h"
#include "tensor/half.h"
#include "tensor/safetensors-write.h"

enum { PIECE = 1 << 16, MAX_VOCAB = 256 << 20 };

/* ---- Weights ---- */

/* n values as the file wants them, a piece at a time. */
static int put_values(struct bl_safetensors_writer *writer,
                      const float *values, size_t n,
                      enum bl_tensor_dtype dtype, struct bl_err *err)
{
    uint16_t half[PIECE];

    if (dtype == BL_F32)
        return bl_safetensors_put(writer, values, n * sizeof *values, err);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t m = BL_MIN(n - at, PIECE);

        for (size_t i = 0; i < m; i++)
            half[i] = bl_half_of_float(values[at + i]);
        if (bl_safetensors_put(writer, half, m * sizeof *half, err) < 0)
            return -1;
    }
    return 0;
}

static int check_values(const struct bl_params *net,
                        const struct bl_param *param,
                        enum bl_tensor_dtype dtype, struct bl_err *err)
{
    float most = dtype == BL_F16 ? 65504.0f : INFINITY;

    for (size_t i = param->at; i < param->at + param->n; i++)
        if (!isfinite(net->values[i]) || fabsf(net->values[i]) > most)
            return bl_fail(err, BL_DATA, "tensor '%s': value %g cannot be "
                           "saved as %s", param->name, (double)net->values[i],
                           bl_tensor_dtype_name(dtype));
    return 0;
}

/* Each tensor is checked before it is written: a weight beyond the range of
 * F16 would be saved as infinity and fail only when the model is used. */
static int write_weights(const char *dir, const struct bl_params *net,
                         enum bl_tensor_dtype dtype, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/model.safetensors", dir);
    struct bl_safetensors_writer *writer = bl_safetensors_create(path);
    int rc = 0;

    free(path);
    for (size_t i = 0; i < net->n_params; i++)
        bl_safetensors_declare(writer, net->params[i].name, dtype,
                               net->params[i].n_dims, net->params[i].dims);
    for (size_t i = 0; rc == 0 && i < net->n_params; i++) {
        const struct bl_param *param = &net->params[i];

        rc = check_values(net, param, dtype, err);
        if (rc == 0)
            rc = put_values(writer, net->values + param->at, param->n, dtype,
                            err);
    }
    if (rc == 0)
        return bl_safetensors_commit(writer, err);
    bl_safetensors_abort(writer);
    return -1;
}

/* ---- All of it ---- */

static int copy_vocab(const char *dir, const struct bl_params *net,
                      struct bl_err *err)
{
    char *from = bl_family_file(net->base->path, "vocab.txt");
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(from, MAX_VOCAB, &text, err);

    if (rc == 0)
        rc = bl_model_put_file(dir, "vocab.txt", &text, err);
    bl_buf_free(&text);
    free(from);
    return rc;
}

static int write_model(const char *dir, const struct bl_params *net,
                       const struct bl_model_spec *spec, struct bl_err *err)
{
    const struct bl_model_config *config = spec->config;
    struct bl_buf text = BL_BUF_INIT;
    int rc;

    bl_model_put_config(&text, &net->view.shape,
                        (double)net->view.shape.epsilon,
                        (const char *const *)config->labels, config->n_labels);
    rc = bl_model_put_file(dir, "config.json", &text, err);
    bl_buf_clear(&text);
    bl_model_put_blink(&text, config);
    if (rc == 0)
        rc = bl_model_put_file(dir, "blink.json", &text, err);
    bl_buf_free(&text);
    if (rc == 0)
        rc = copy_vocab(dir, net, err);
    return rc < 0 ? rc : write_weights(dir, net, spec->dtype, err);
}

int bl_model_write(const char *path, const struct bl_params *net,
                   const struct bl_model_spec *spec, bool replace,
                   struct bl_err *err)
{
    static const char *const files[] = {
        "config.json", "blink.json", "vocab.txt", "model.safetensors"
    };
    struct bl_newdir *folder = bl_newdir_open(path, files, BL_COUNT(files),
                                              replace, err);

    if (!folder)
        return -1;
    if (write_model(bl_newdir_path(folder), net, spec, err) == 0)
        return bl_newdir_commit(folder, err);
    return bl_newdir_fail(folder, err);
}
