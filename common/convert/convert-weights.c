/* SPDX-License-Identifier: MIT */
/* convert-weights: chooses the tensors of a checkpoint, checks them, and
 * copies them piece by piece. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/mem.h"
#include "convert/convert.h"
#include "json/vector.h"
#include "tensor/checkpoint.h"
#include "tensor/safetensors-write.h"

enum {
    PIECE = 1 << 18,            /* elements */
    MOST_SHARED = 64            /* times that a stored byte is written; more
                                 * than a tied BERT has layers */
};

struct kept {
    const struct bl_torch_tensor *t;
    char *name;                 /* in the new file */
};

struct plan {
    struct kept *v;
    size_t n;
    uint64_t total;             /* bytes to write */
};

/* ---- Which tensors ---- */

static bool starts(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && !strcmp(s + n - k, end);
}

/* 1 to be kept, 0 to be left out, -1 not of this kind of model. */
static int wanted(const struct bl_convert_names *names, const char *name,
                  struct bl_err *err)
{
    /* Numbers 0, 1, 2 ... that newer checkpoints carry as a tensor. */
    if (ends(name, "position_ids"))
        return 0;
    for (size_t i = 0; names->kept[i]; i++)
        if (starts(name, names->kept[i]))
            return 1;
    if (names->whole)
        return bl_fail(err, BL_DATA, "tensor '%s' is not part of such a "
                                     "model", name);
    return 0;
}

/* BERT's first checkpoints call a norm's gain and bias gamma and beta. */
static char *new_name(const char *name)
{
    int n = (int)strlen(name);

    if (ends(name, "LayerNorm.gamma"))
        return bl_xasprintf("%.*sweight", n - 5, name);
    if (ends(name, "LayerNorm.beta"))
        return bl_xasprintf("%.*sbias", n - 4, name);
    return bl_xstrdup(name);
}

static enum bl_tensor_dtype new_dtype(enum bl_tensor_dtype dtype)
{
    return dtype == BL_F64 ? BL_F32 : dtype;
}

static int keep(struct plan *plan, struct bl_torch_tensor *tensor,
                struct bl_err *err)
{
    if (tensor->dtype > BL_F64)
        return bl_fail(err, BL_DATA, "tensor '%s': expected floats, found "
                       "%s", tensor->name,
                       bl_tensor_dtype_name(tensor->dtype));
    plan->v[plan->n++] = (struct kept){ tensor, new_name(tensor->name) };
    plan->total += tensor->count
        * bl_tensor_dtype_size(new_dtype(tensor->dtype));
    return 0;
}

static int by_storage(const void *a, const void *b)
{
    const unsigned char *x = (*(struct bl_torch_storage *const *)a)->data;
    const unsigned char *y = (*(struct bl_torch_storage *const *)b)->data;

    return (x > y) - (x < y);
}

/* Tensors may lie in one place (weights that are tied), and one may repeat
 * what it has; the copy writes each by itself.  That must not make it larger
 * than the file without bound. */
static int check_shared(const struct plan *plan, struct bl_err *err)
{
    struct bl_torch_storage **s = bl_xmalloc(plan->n, sizeof *s);
    uint64_t stored = 0;

    for (size_t i = 0; i < plan->n; i++)
        s[i] = plan->v[i].t->storage;
    if (plan->n)
        qsort(s, plan->n, sizeof *s, by_storage);
    for (size_t i = 0; i < plan->n; i++)
        if (!i || s[i] != s[i - 1])
            stored += s[i]->count * bl_tensor_dtype_size(s[i]->dtype);
    free(s);
    if (plan->total / MOST_SHARED <= stored)
        return 0;
    return bl_fail(err, BL_DATA, "tensors of %" PRIu64 " bytes lie in the "
                   "same %" PRIu64 ", more than %d times over", plan->total,
                   stored, MOST_SHARED);
}

static int make_plan(struct plan *plan, const struct bl_checkpoint *from,
                     const struct bl_convert_names *names,
                     struct bl_err *err)
{
    plan->v = BL_NEW_ARRAY(struct kept, from->n);
    for (size_t i = 0; i < from->n; i++) {
        int want = wanted(names, from->v[i].name, err);

        if (want < 0 || (want && keep(plan, &from->v[i], err) < 0))
            return -1;
    }
    /* Sorted by name, so two with one new name need not be neighbours. */
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan->v[i].name, plan->v[i].t->name)
            && bl_checkpoint_find(from, plan->v[i].name))
            return bl_fail(err, BL_DATA, "tensor '%s' is given twice",
                           plan->v[i].name);
    return check_shared(plan, err);
}

static void free_plan(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        free(plan->v[i].name);
    free(plan->v);
}

/* ---- Copying ---- */

struct copy {
    const struct bl_convert *c;
    struct bl_safetensors_writer *w;
    float *floats;              /* [PIECE] */
    uint16_t *halves;           /* [PIECE] */
    uint64_t done, total;
};

static int copy_piece(struct copy *copy, const struct bl_torch_tensor *tensor,
                      size_t first, size_t n, struct bl_err *err)
{
    size_t bad, bytes = n * bl_tensor_dtype_size(new_dtype(tensor->dtype));
    const void *from = copy->floats;

    bl_torch_copy_f32(tensor, first, n, copy->floats);
    bad = bl_finite_before(copy->floats, n);
    if (bad < n)
        return bl_fail(err, BL_DATA, "tensor '%s': value %zu is not finite",
                       tensor->name, first + bad);
    if (new_dtype(tensor->dtype) != BL_F32) {
        bl_torch_copy(tensor, first, n, copy->halves);
        from = copy->halves;
    }
    bl_torch_forget(tensor, first, n);
    copy->done += bytes;
    if (copy->c->progress)
        copy->c->progress(copy->c->ctx, copy->done, copy->total);
    return bl_safetensors_put(copy->w, from, bytes, err);
}

static int copy_tensor(struct copy *copy, const struct bl_torch_tensor *tensor,
                       struct bl_err *err)
{
    size_t n;

    if (bl_torch_storage_verify(tensor->storage, err) < 0)
        return bl_err_prefix(err, "tensor '%s'", tensor->name);
    for (size_t first = 0; first < tensor->count; first += n) {
        n = BL_MIN(tensor->count - first, PIECE);
        if (copy_piece(copy, tensor, first, n, err) < 0)
            return -1;
    }
    return 0;
}

static int copy_all(const struct bl_convert *options, const struct plan *plan,
                    const char *path, struct bl_err *err)
{
    struct copy copy = { .c = options, .total = plan->total };
    int rc = 0;

    copy.w = bl_safetensors_create(path);
    copy.floats = bl_xmalloc(PIECE, sizeof *copy.floats);
    copy.halves = bl_xmalloc(PIECE, sizeof *copy.halves);
    /* The header of a safetensors file gives the place of every tensor and
     * comes first: all are declared before the first is written. */
    for (size_t i = 0; i < plan->n; i++)
        bl_safetensors_declare(copy.w, plan->v[i].name,
                               new_dtype(plan->v[i].t->dtype),
                               plan->v[i].t->n_dims, plan->v[i].t->dims);
    for (size_t i = 0; i < plan->n && rc == 0; i++)
        rc = copy_tensor(&copy, plan->v[i].t, err);
    if (rc < 0)
        bl_safetensors_abort(copy.w);
    else
        rc = bl_safetensors_commit(copy.w, err);
    free(copy.floats);
    free(copy.halves);
    return rc;
}

int bl_convert_weights(const struct bl_convert *options,
                       const struct bl_checkpoint *from,
                       const struct bl_convert_names *names,
                       const char *path, struct bl_convert_report *report,
                       struct bl_err *err)
{
    struct plan plan = { .v = NULL };
    int rc = make_plan(&plan, from, names, err);

    if (rc == 0)
        rc = copy_all(options, &plan, path, err);
    if (rc < 0 && err && err->code == BL_DATA)
        bl_err_prefix(err, "'%s'", from->path);
    report->tensors = plan.n;
    report->dropped = from->n - plan.n;
    report->bytes = plan.total;
    free_plan(&plan);
    return rc;
}
