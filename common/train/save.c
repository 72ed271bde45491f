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
static int put_values(struct bl_safetensors_writer *w, const float *v,
                      size_t n, enum bl_tensor_dtype dtype,
                      struct bl_err *err)
{
    uint16_t half[PIECE];

    if (dtype == BL_F32)
        return bl_safetensors_put(w, v, n * sizeof *v, err);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t m = BL_MIN(n - at, PIECE);

        for (size_t i = 0; i < m; i++)
            half[i] = bl_half_of_float(v[at + i]);
        if (bl_safetensors_put(w, half, m * sizeof *half, err) < 0)
            return -1;
    }
    return 0;
}

static int check_values(const struct bl_params *net,
                        const struct bl_param *p,
                        enum bl_tensor_dtype dtype, struct bl_err *err)
{
    float most = dtype == BL_F16 ? 65504.0f : INFINITY;

    for (size_t i = p->at; i < p->at + p->n; i++)
        if (!isfinite(net->values[i]) || fabsf(net->values[i]) > most)
            return bl_fail(err, BL_DATA, "tensor '%s': value %g cannot be "
                           "saved as %s", p->name, (double)net->values[i],
                           bl_tensor_dtype_name(dtype));
    return 0;
}

static int write_weights(const char *dir, const struct bl_params *net,
                         enum bl_tensor_dtype dtype, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/model.safetensors", dir);
    struct bl_safetensors_writer *w = bl_safetensors_create(path);
    int rc = 0;

    free(path);
    for (size_t i = 0; i < net->n_params; i++)
        bl_safetensors_declare(w, net->params[i].name, dtype,
                               net->params[i].n_dims, net->params[i].dims);
    for (size_t i = 0; !rc && i < net->n_params; i++) {
        const struct bl_param *p = &net->params[i];

        rc = check_values(net, p, dtype, err);
        if (!rc)
            rc = put_values(w, net->values + p->at, p->n, dtype, err);
    }
    if (!rc)
        return bl_safetensors_commit(w, err);
    bl_safetensors_abort(w);
    return -1;
}

/* ---- All of it ---- */

static int copy_vocab(const char *dir, const struct bl_params *net,
                      struct bl_err *err)
{
    char *from = bl_family_file(net->base->path, "vocab.txt");
    struct bl_buf text = BL_BUF_INIT;
    int rc = bl_file_read(from, MAX_VOCAB, &text, err);

    if (!rc)
        rc = bl_model_put_file(dir, "vocab.txt", &text, err);
    bl_buf_free(&text);
    free(from);
    return rc;
}

static int write_model(const char *dir, const struct bl_params *net,
                       const struct bl_model_spec *spec, struct bl_err *err)
{
    const struct bl_model_config *c = spec->config;
    struct bl_buf text = BL_BUF_INIT;
    int rc;

    bl_model_put_config(&text, &net->view.shape,
                        (double)net->view.shape.epsilon,
                        (const char *const *)c->labels, c->n_labels);
    rc = bl_model_put_file(dir, "config.json", &text, err);
    bl_buf_clear(&text);
    bl_model_put_blink(&text, c);
    if (!rc)
        rc = bl_model_put_file(dir, "blink.json", &text, err);
    bl_buf_free(&text);
    if (!rc)
        rc = copy_vocab(dir, net, err);
    return rc ? rc : write_weights(dir, net, spec->dtype, err);
}

int bl_model_write(const char *path, const struct bl_params *net,
                   const struct bl_model_spec *spec, bool replace,
                   struct bl_err *err)
{
    static const char *const files[] = {
        "config.json", "blink.json", "vocab.txt", "model.safetensors"
    };
    struct bl_newdir *d = bl_newdir_open(path, files, BL_COUNT(files),
                                         replace, err);

    if (!d)
        return -1;
    if (write_model(bl_newdir_path(d), net, spec, err) == 0)
        return bl_newdir_commit(d, err);
    bl_newdir_abort(d);
    return -1;
}
