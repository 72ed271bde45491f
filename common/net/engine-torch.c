/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/blas.h"
#include "base/mem.h"
#include "base/module.h"
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

/* The module, loaded once: libtorch cannot be unloaded. */
static const struct bl_torch_api *load_module(struct bl_err *err)
{
    const struct bl_torch_api *api;
    bl_torch_api_fn *entry;
    int found = bl_module_open("torch", "bl_torch_api", (void **)&entry, err);

    if (!found)
        bl_fail(err, BL_DATA, "the torch engine is not installed (no "
                "libblink-torch.so): try --engine cpu");
    if (found <= 0)
        return NULL;
    api = entry();
    if (api->abi == BL_TORCH_ABI)
        return api;
    bl_fail(err, BL_DATA, "libblink-torch.so comes from another version of "
                          "blink");
    return NULL;
}

/* Threads of stack.h cannot fail: what went wrong is kept for the end. */
static void multiply(void *ctx, const struct bl_linear *l, const void *x,
                     size_t n, size_t from, size_t to, float *y)
{
    struct torch *t = ctx;
    char error[BL_ERR_MSG] = "";

    if (t->api->multiply(l->w + from * l->in, to - from, l->in, x, n,
                         y + from, l->out, error) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        memset(y + i * l->out + from, 0, (to - from) * sizeof *y);
    pthread_mutex_lock(&t->lock);
    if (!*t->error)
        memcpy(t->error, error, sizeof error);
    pthread_mutex_unlock(&t->lock);
}

static int torch_forward(struct bl_engine *g, enum bl_tower tower,
                         const struct bl_batch *b, enum bl_want want,
                         float *out, struct bl_err *err)
{
    struct torch *t = (struct torch *)g;
    struct bl_product product = { .multiply = multiply, .ctx = t,
                                  .piece = PIECE };

    *t->error = '\0';
    if (t->products_only)
        bl_stack_forward(&t->model->shape, &t->model->towers[tower], b, want,
                         t->threads, product, out);
    else
        t->api->forward(t->handle, (int)tower, b, want == BL_WANT_FIRST,
                        out, t->error);
    return *t->error ? bl_fail(err, BL_SYSTEM, "%s", t->error) : 0;
}

static void torch_close(struct bl_engine *g)
{
    struct torch *t = (struct torch *)g;

    t->api->close(t->handle);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* stack.h's threads each run their own products, so the BLAS below libtorch
 * must not start more; it reads this when it is loaded. */
static void prepare_blas(void)
{
    bl_blas_environment();
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

struct bl_engine *bl_engine_torch_open(const struct bl_model *m,
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
    struct torch *t;

    if (opts->precision == BL_PRECISION_INT8) {
        bl_fail(err, BL_USAGE, "the torch engine does not compute in int8");
        return NULL;
    }
    prepare_blas();
    api = load_module(err);
    if (!api)
        return NULL;
    products_only = opts->device == BL_DEVICE_CPU
        && opts->precision == BL_PRECISION_F32;
    handle = api->open(m, opts->device, opts->precision,
                       products_only ? 1 : opts->threads, error);
    if (!handle) {
        bl_fail(err, BL_DATA, "%s", error);
        return NULL;
    }
    t = BL_NEW(struct torch);
    t->engine.ops = &ops;
    t->api = api;
    t->handle = handle;
    t->model = m;
    t->threads = opts->threads;
    t->products_only = products_only;
    pthread_mutex_init(&t->lock, NULL);
    snprintf(t->engine.describe, sizeof t->engine.describe,
             "torch %s, %s, %s, %zu thread%s", api->version,
             devices[opts->device], precisions[opts->precision],
             opts->threads, opts->threads == 1 ? "" : "s");
    return &t->engine;
}
