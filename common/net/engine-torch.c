/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/module.h"
#include "base/paths.h"
#include "net/blas.h"
#include "net/stack.h"
#include "net/torch-shim.h"

enum { PIECE = 512 };           /* tokens of a piece of stack.h */

struct torch {
    struct bl_engine engine;
    const struct bl_torch_api *api;
    struct bl_torch *handle;
    const struct bl_model *model;
    size_t threads;
    bool products_only;         /* CPU, f32: the network is stack.h's */
    pthread_mutex_t lock;       /* of error */
    char error[BL_ERR_MSG];     /* of the first product that failed */
};

int bl_engine_torch_there(struct bl_err *err)
{
    char *path = bl_path_module("torch");

    if (!path && errno)
        return bl_fail_file(err, "cannot look for libblink-torch.so");
    if (!path)
        return bl_fail(err, BL_DATA, "the torch engine is not installed (no "
                       "libblink-torch.so): try --engine cpu");
    free(path);
    return 0;
}

/* The module, loaded once: libtorch cannot be unloaded. */
static const struct bl_torch_api *load_module(struct bl_err *err)
{
    const struct bl_torch_api *api;
    bl_torch_api_fn *entry;

    if (bl_engine_torch_there(err) < 0
        || bl_module_open("torch", "bl_torch_api", (void **)&entry, err) <= 0)
        return NULL;
    api = entry();
    if (api->abi == BL_TORCH_ABI)
        return api;
    bl_fail(err, BL_DATA, "libblink-torch.so comes from another version of "
                          "blink");
    return NULL;
}

/* Threads of stack.h cannot fail: what went wrong is kept for the end. */
static void multiply(void *ctx, const struct bl_linear *linear, const void *x,
                     size_t n, size_t from, size_t to, float *y)
{
    struct torch *torch = ctx;
    char error[BL_ERR_MSG] = "";

    if (torch->api->multiply(linear->w + from * linear->in, to - from,
                             linear->in, x, n,
                             y + from, linear->out, error) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        memset(y + i * linear->out + from, 0, (to - from) * sizeof *y);
    pthread_mutex_lock(&torch->lock);
    if (!*torch->error)
        memcpy(torch->error, error, sizeof error);
    pthread_mutex_unlock(&torch->lock);
}

static int torch_forward(struct bl_engine *engine, enum bl_tower tower,
                         const struct bl_batch *batch, enum bl_want want,
                         float *out, struct bl_err *err)
{
    struct torch *torch = (struct torch *)engine;
    struct bl_product product = { .multiply = multiply, .ctx = torch,
                                  .piece = PIECE };

    *torch->error = '\0';
    if (torch->products_only)
        bl_stack_forward(&torch->model->shape, &torch->model->towers[tower],
                         batch, want, torch->threads, product, out);
    else
        torch->api->forward(torch->handle, (int)tower, batch,
                            want == BL_WANT_FIRST, out, torch->error);
    return *torch->error ? bl_fail(err, BL_SYSTEM, "%s", torch->error) : 0;
}

static void torch_close(struct bl_engine *engine)
{
    struct torch *torch = (struct torch *)engine;

    torch->api->close(torch->handle);
    pthread_mutex_destroy(&torch->lock);
    free(torch);
}

/* stack.h's threads each run their own products, so the BLAS below libtorch
 * must not start more; it reads this when it is loaded. */
static void prepare_blas(void)
{
    bl_blas_environment();
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

struct bl_engine *bl_engine_torch_open(const struct bl_model *model,
                                       const struct bl_engine_opts *opts,
                                       struct bl_err *err)
{
    static const struct bl_engine_ops ops = { torch_forward, torch_close };
    static const char *const devices[] = { "cpu", "cuda" };
    static const char *const precisions[] = { "auto", "f32", "int8",
                                              "bf16" };
    const struct bl_torch_api *api;
    struct bl_torch *handle;
    char error[BL_ERR_MSG] = "";
    bool products_only;
    struct torch *torch;

    prepare_blas();
    if (opts->device == BL_DEVICE_CPU
        && bl_blas_reserve(opts->threads, err) < 0)
        return NULL;
    api = load_module(err);
    if (!api)
        return NULL;
    /* In f32 on the CPU libtorch is asked for single products only, by the
     * threads of stack.h; it must not start threads of its own besides. */
    products_only = opts->device == BL_DEVICE_CPU
        && opts->precision == BL_PRECISION_F32;
    handle = api->open(model, opts->device, opts->precision,
                       products_only ? 1 : opts->threads, error);
    if (!handle) {
        bl_fail(err, opts->device == BL_DEVICE_CUDA ? BL_DATA : BL_SYSTEM,
                "%s", error);
        return NULL;
    }
    torch = BL_NEW(struct torch);
    torch->engine.ops = &ops;
    torch->api = api;
    torch->handle = handle;
    torch->model = model;
    torch->threads = opts->threads;
    torch->products_only = products_only;
    pthread_mutex_init(&torch->lock, NULL);
    snprintf(torch->engine.describe, sizeof torch->engine.describe,
             "torch %s, %s, %s, %zu thread%s", api->version,
             devices[opts->device], precisions[opts->precision],
             opts->threads, opts->threads == 1 ? "" : "s");
    return &torch->engine;
}
