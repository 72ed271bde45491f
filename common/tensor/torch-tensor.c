/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/torch-tensor.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "tensor/zip.h"

enum { PIECE = 16 << 20 };      /* bytes read before they are forgotten */

/* Elements from the first to the last that the tensor touches. */
static bool extent(const struct bl_torch_tensor *t, size_t *out)
{
    size_t last = 0, step;

    *out = 0;
    for (size_t i = 0; i < t->n_dims; i++)
        if (!t->dims[i])
            return true;
    for (size_t i = 0; i < t->n_dims; i++)
        if (!bl_size_mul(t->dims[i] - 1, t->strides[i], &step)
            || !bl_size_add(last, step, &last))
            return false;
    return bl_size_add(last, 1, out);
}

size_t bl_torch_tensor_extent(const struct bl_torch_tensor *t)
{
    size_t n = 0;

    return extent(t, &n) ? n : 0;
}

int bl_torch_tensor_check(struct bl_torch_tensor *t, struct bl_err *err)
{
    size_t bytes, span;

    t->count = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        if (!bl_size_mul(t->count, t->dims[i], &t->count))
            return bl_fail(err, BL_DATA, "the number of elements is too "
                           "large");
    if (!bl_size_mul(t->count, bl_tensor_dtype_size(t->dtype), &bytes))
        return bl_fail(err, BL_DATA, "%zu elements are too many", t->count);
    if (!extent(t, &span) || t->offset > t->storage->count
        || span > t->storage->count - t->offset)
        return bl_fail(err, BL_DATA, "a tensor reaches beyond the %zu "
                       "elements of its storage", t->storage->count);
    return 0;
}

static bool plain(const struct bl_torch_tensor *t)
{
    size_t want = 1;

    for (size_t i = t->n_dims; i-- > 0; ) {
        if (t->dims[i] > 1 && t->strides[i] != want)
            return false;
        want *= t->dims[i];
    }
    return true;
}

/* Whole pages within n bytes at p; the mapping keeps them on disk. */
static void forget(const unsigned char *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;

    from = ((uintptr_t)p + page - 1) / page * page;
    to = ((uintptr_t)p + n) / page * page;
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

int bl_torch_storage_verify(struct bl_torch_storage *s, struct bl_err *err)
{
    size_t left = s->count * bl_tensor_dtype_size(s->dtype), n;
    const unsigned char *p = s->data;
    uint32_t crc = 0;

    if (s->checked || !s->has_crc)
        return 0;
    for (; left > 0; left -= n, p += n) {
        n = BL_MIN(left, PIECE);
        crc = bl_zip_crc(crc, p, n);
        if (s->mapped && left > PIECE)
            forget(p, n);
    }
    if (crc != s->crc)
        return bl_fail(err, BL_DATA, "storage '%.*s': checksum %08x, "
                       "expected %08x", (int)BL_MIN(s->key.n, 80),
                       s->key.p, crc, s->crc);
    s->checked = true;
    return 0;
}

/* ---- Values in order ---- */

static const unsigned char *element(const struct bl_torch_tensor *t,
                                    size_t at)
{
    return t->storage->data +
           (t->offset + at) * bl_tensor_dtype_size(t->dtype);
}

/* Where the row-major element number `i` lies, and its index per dimension.
 * A tensor with elements has no dimension of 0. */
static size_t locate(const struct bl_torch_tensor *t, size_t i, size_t *index)
{
    size_t at = 0;

    for (size_t d = t->n_dims; d-- > 0; ) {
        index[d] = i % t->dims[d];
        i /= t->dims[d];
        at += index[d] * t->strides[d];
    }
    return at;
}

static size_t advance(const struct bl_torch_tensor *t, size_t at,
                      size_t *index)
{
    for (size_t d = t->n_dims; d-- > 0; ) {
        at += t->strides[d];
        if (++index[d] < t->dims[d])
            return at;
        at -= index[d] * t->strides[d];
        index[d] = 0;
    }
    return at;
}

void bl_torch_copy(const struct bl_torch_tensor *t, size_t first, size_t n,
                   void *out)
{
    size_t size = bl_tensor_dtype_size(t->dtype), at;
    size_t index[BL_TENSOR_MAX_DIMS];
    unsigned char *p = out;

    if (!n)
        return;
    if (plain(t)) {
        memcpy(out, element(t, first), n * size);
        return;
    }
    at = locate(t, first, index);
    for (; n > 0; n--, p += size) {
        memcpy(p, element(t, at), size);
        at = advance(t, at, index);
    }
}

bool bl_torch_copy_f32(const struct bl_torch_tensor *t, size_t first,
                       size_t n, float *out)
{
    enum { PART = 512 };
    unsigned char buf[PART * 8];
    size_t part;

    if (t->dtype == BL_F32) {
        bl_torch_copy(t, first, n, out);
        return true;
    }
    if (t->dtype != BL_F16 && t->dtype != BL_BF16 && t->dtype != BL_F64)
        return false;
    for (; n > 0; n -= part, first += part, out += part) {
        part = BL_MIN(n, PART);
        bl_torch_copy(t, first, part, buf);
        bl_tensor_to_f32(t->dtype, buf, part, out);
    }
    return true;
}

void bl_torch_forget(const struct bl_torch_tensor *t, size_t first, size_t n)
{
    if (n && t->storage->mapped && plain(t))
        forget(element(t, first), n * bl_tensor_dtype_size(t->dtype));
}
