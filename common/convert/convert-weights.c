/* SPDX-License-Identifier: MIT */
/* convert-weights: chooses the tensors of a checkpoint, checks them, and
 * copies them piece by piece. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/checkpoint.h"
#include "base/finite.h"
#include "convert/convert.h"
#include "base/mem.h"
#include "tensor/safetensors-write.h"
#include "json/vector.h"

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

static int keep(struct plan *p, struct bl_torch_tensor *t,
                struct bl_err *err)
{
    if (t->dtype > BL_F64)
        return bl_fail(err, BL_DATA, "tensor '%s': expected floats, found "
                       "%s", t->name, bl_tensor_dtype_name(t->dtype));
    p->v[p->n++] = (struct kept){ t, new_name(t->name) };
    p->total += t->count * bl_tensor_dtype_size(new_dtype(t->dtype));
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
static int check_shared(const struct plan *p, struct bl_err *err)
{
    struct bl_torch_storage **s = bl_xmalloc(p->n, sizeof *s);
    uint64_t stored = 0;

    for (size_t i = 0; i < p->n; i++)
        s[i] = p->v[i].t->storage;
    if (p->n)
        qsort(s, p->n, sizeof *s, by_storage);
    for (size_t i = 0; i < p->n; i++)
        if (!i || s[i] != s[i - 1])
            stored += s[i]->count * bl_tensor_dtype_size(s[i]->dtype);
    free(s);
    if (p->total / MOST_SHARED <= stored)
        return 0;
    return bl_fail(err, BL_DATA, "tensors of %" PRIu64 " bytes lie in the "
                   "same %" PRIu64 ", more than %d times over", p->total,
                   stored, MOST_SHARED);
}

static int make_plan(struct plan *p, const struct bl_checkpoint *from,
                     const struct bl_convert_names *names,
                     struct bl_err *err)
{
    p->v = BL_NEW_ARRAY(struct kept, from->n);
    for (size_t i = 0; i < from->n; i++) {
        int want = wanted(names, from->v[i].name, err);

        if (want < 0 || (want && keep(p, &from->v[i], err) < 0))
            return -1;
    }
    /* Sorted by name, so two with one new name need not be neighbours. */
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].name, p->v[i].t->name)
            && bl_checkpoint_find(from, p->v[i].name))
            return bl_fail(err, BL_DATA, "tensor '%s' is given twice",
                           p->v[i].name);
    return check_shared(p, err);
}

static void free_plan(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->v[i].name);
    free(p->v);
}

/* ---- Copying ---- */

struct copy {
    const struct bl_convert *c;
    struct bl_safetensors_writer *w;
    float *floats;              /* [PIECE] */
    uint16_t *halves;           /* [PIECE] */
    uint64_t done, total;
};

static int copy_piece(struct copy *x, const struct bl_torch_tensor *t,
                      size_t first, size_t n, struct bl_err *err)
{
    size_t bad, bytes = n * bl_tensor_dtype_size(new_dtype(t->dtype));
    const void *from = x->floats;

    bl_torch_copy_f32(t, first, n, x->floats);
    bad = bl_finite_before(x->floats, n);
    if (bad < n)
        return bl_fail(err, BL_DATA, "tensor '%s': value %zu is not finite",
                       t->name, first + bad);
    if (new_dtype(t->dtype) != BL_F32) {
        bl_torch_copy(t, first, n, x->halves);
        from = x->halves;
    }
    bl_torch_forget(t, first, n);
    x->done += bytes;
    if (x->c->progress)
        x->c->progress(x->c->ctx, x->done, x->total);
    return bl_safetensors_put(x->w, from, bytes, err);
}

static int copy_tensor(struct copy *x, const struct bl_torch_tensor *t,
                       struct bl_err *err)
{
    size_t n;

    if (bl_torch_storage_verify(t->storage, err) < 0)
        return bl_err_prefix(err, "tensor '%s'", t->name);
    for (size_t first = 0; first < t->count; first += n) {
        n = BL_MIN(t->count - first, PIECE);
        if (copy_piece(x, t, first, n, err) < 0)
            return -1;
    }
    return 0;
}

static int copy_all(const struct bl_convert *c, const struct plan *p,
                    const char *path, struct bl_err *err)
{
    struct copy x = { .c = c, .total = p->total };
    int rc = 0;

    x.w = bl_safetensors_create(path);
    x.floats = bl_xmalloc(PIECE, sizeof *x.floats);
    x.halves = bl_xmalloc(PIECE, sizeof *x.halves);
    for (size_t i = 0; i < p->n; i++)
        bl_safetensors_declare(x.w, p->v[i].name,
                               new_dtype(p->v[i].t->dtype),
                               p->v[i].t->n_dims, p->v[i].t->dims);
    for (size_t i = 0; i < p->n && !rc; i++)
        rc = copy_tensor(&x, p->v[i].t, err);
    if (rc < 0)
        bl_safetensors_abort(x.w);
    else
        rc = bl_safetensors_commit(x.w, err);
    free(x.floats);
    free(x.halves);
    return rc;
}

int bl_convert_weights(const struct bl_convert *c,
                       const struct bl_checkpoint *from,
                       const struct bl_convert_names *names,
                       const char *path, struct bl_convert_report *report,
                       struct bl_err *err)
{
    struct plan p = { .v = NULL };
    int rc = make_plan(&p, from, names, err);

    if (!rc)
        rc = copy_all(c, &p, path, err);
    if (rc < 0 && err && err->code == BL_DATA)
        bl_err_prefix(err, "'%s'", from->path);
    report->tensors = p.n;
    report->dropped = from->n - p.n;
    report->bytes = p.total;
    free_plan(&p);
    return rc;
}
