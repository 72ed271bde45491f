/* SPDX-License-Identifier: MIT */
/*
 * torch-shim: libtorch behind C functions, in the module libblink-torch.so.
 *
 * The module exports bl_torch_api() alone; engine-torch.c opens the module
 * and calls through the table.  No exception leaves the module: a call that
 * fails returns -1 or NULL with a sentence in error[BL_ERR_MSG].  Weights,
 * all in f32, are borrowed from the model, which must outlive the handle (a
 * copy is made only for another device or precision); libtorch never opens a
 * file.
 */
#ifndef BL_TORCH_SHIM_H
#define BL_TORCH_SHIM_H

#include <stddef.h>

#include "base/decls.h"
#include "net/encoder.h"

BL_BEGIN_DECLS

/* Raised whenever this file or model.h changes what crosses over. */
enum { BL_TORCH_ABI = 7 };

struct bl_torch;

struct bl_torch_api {
    unsigned abi;               /* BL_TORCH_ABI */
    const char *version;        /* of the libtorch built with, "1.13.1" */
    /* threads > 0.  device, precision: enums of encoder.h. */
    struct bl_torch *(*open)(const struct bl_model *m, int device,
                             int precision, size_t threads, char *error);
    /* y[n][out] = x[n][in] w[out][in]^T on the CPU in f32, the rows of y
     * `stride` apart; for any thread, and by one. */
    int (*multiply)(const float *w, size_t out, size_t in, const float *x,
                    size_t n, float *y, size_t stride, char *error);
    /* As bl_engine_ops.forward; first: first tokens only. */
    int (*forward)(struct bl_torch *t, int tower,
                   const struct bl_batch *batch, int first, float *out,
                   char *error);
    void (*close)(struct bl_torch *t);
};

typedef const struct bl_torch_api *bl_torch_api_fn(void);

/* The table; static storage. */
const struct bl_torch_api *bl_torch_api(void)
    __attribute__((visibility("default")));

BL_END_DECLS

#endif
