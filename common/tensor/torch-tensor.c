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
static bool extent(const struct bl_torch_tensor *tensor, size_t *out)
{
    size_t last = 0, step;

    *out = 0;
    for (size_t i = 0; i < tensor->n_dims; i++)
        if (!tensor->dims[i])
            return true;
    for (size_t i = 0; i < tensor->n_dims; i++)
        if (!bl_size_mul(tensor->dims[i] - 1, tensor->strides[i], &step)
            || !bl_size_add(last, step, &last))
            return false;
    return bl_size_add(last, 1, out);
}

size_t bl_torch_tensor_extent(const struct bl_torch_tensor *tensor)
{
    size_t n = 0;

    return extent(tensor, &n) ? n : 0;
}

int bl_torch_tensor_check(struct bl_torch_tensor *tensor, struct bl_err *err)
{
    size_t bytes, span;

    tensor->count = 1;
    for (size_t i = 0; i < tensor->n_dims; i++)
        if (!bl_size_mul(tensor->count, tensor->dims[i], &tensor->count))
            return bl_fail(err, BL_DATA, "the number of elements is too "
                           "large");
    if (!bl_size_mul(tensor->count, bl_tensor_dtype_size(tensor->dtype),
                     &bytes))
        return bl_fail(err, BL_DATA, "%zu elements are too many",
                       tensor->count);
    if (!extent(tensor, &span) || tensor->offset > tensor->storage->count
        || span > tensor->storage->count - tensor->offset)
        return bl_fail(err, BL_DATA, "a tensor reaches beyond the %zu "
                       "elements of its storage", tensor->storage->count);
    return 0;
}

static bool plain(const struct bl_torch_tensor *tensor)
{
    size_t want = 1;

    for (size_t i = tensor->n_dims; i-- > 0; ) {
        if (tensor->dims[i] > 1 && tensor->strides[i] != want)
            return false;
        want *= tensor->dims[i];
    }
    return true;
}

/* Gives back the whole pages within these bytes; they are read from the file
 * again when they are needed.  A page that is shared with other bytes at
 * either end stays. */
static void forget(const unsigned char *bytes, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;

    from = ((uintptr_t)bytes + page - 1) / page * page;
    to = ((uintptr_t)bytes + size) / page * page;
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

/* The CRC is taken in pieces, whose pages are given back as it goes: a
 * storage may be larger than memory.  The last piece stays, and so does all
 * of a small storage, which is about to be copied. */
int bl_torch_storage_verify(struct bl_torch_storage *storage,
                            struct bl_err *err)
{
    size_t left = storage->count * bl_tensor_dtype_size(storage->dtype), n;
    const unsigned char *bytes = storage->data;
    uint32_t crc = 0;

    if (storage->checked || !storage->has_crc)
        return 0;
    for (; left > 0; left -= n, bytes += n) {
        n = BL_MIN(left, PIECE);
        crc = bl_zip_crc(crc, bytes, n);
        if (storage->mapped && left > PIECE)
            forget(bytes, n);
    }
    if (crc != storage->crc)
        return bl_fail(err, BL_DATA, "storage '%.*s': checksum %08x, "
                       "expected %08x", (int)BL_MIN(storage->key.n, 80),
                       storage->key.p, crc, storage->crc);
    storage->checked = true;
    return 0;
}

/* ---- Values in order ---- */

static const unsigned char *element(const struct bl_torch_tensor *tensor,
                                    size_t at)
{
    return tensor->storage->data +
           (tensor->offset + at) * bl_tensor_dtype_size(tensor->dtype);
}

/* Where the row-major element number `place` lies, and its index per
 * dimension.  A tensor with elements has no dimension of 0. */
static size_t locate(const struct bl_torch_tensor *tensor, size_t place,
                     size_t *index)
{
    size_t at = 0;

    for (size_t d = tensor->n_dims; d-- > 0; ) {
        index[d] = place % tensor->dims[d];
        place /= tensor->dims[d];
        at += index[d] * tensor->strides[d];
    }
    return at;
}

static size_t advance(const struct bl_torch_tensor *tensor, size_t at,
                      size_t *index)
{
    for (size_t d = tensor->n_dims; d-- > 0; ) {
        at += tensor->strides[d];
        if (++index[d] < tensor->dims[d])
            return at;
        at -= index[d] * tensor->strides[d];
        index[d] = 0;
    }
    return at;
}

void bl_torch_copy(const struct bl_torch_tensor *tensor, size_t first,
                   size_t n, void *out)
{
    size_t size = bl_tensor_dtype_size(tensor->dtype), at;
    size_t index[BL_TENSOR_MAX_DIMS];
    unsigned char *bytes = out;

    if (!n)
        return;
    if (plain(tensor)) {
        memcpy(out, element(tensor, first), n * size);
        return;
    }
    at = locate(tensor, first, index);
    for (; n > 0; n--, bytes += size) {
        memcpy(bytes, element(tensor, at), size);
        at = advance(tensor, at, index);
    }
}

bool bl_torch_copy_f32(const struct bl_torch_tensor *tensor, size_t first,
                       size_t n, float *out)
{
    enum { PART = 512 };
    unsigned char buf[PART * 8];
    size_t part;

    if (tensor->dtype == BL_F32) {
        bl_torch_copy(tensor, first, n, out);
        return true;
    }
    if (tensor->dtype != BL_F16 && tensor->dtype != BL_BF16
        && tensor->dtype != BL_F64)
        return false;
    for (; n > 0; n -= part, first += part, out += part) {
        part = BL_MIN(n, PART);
        bl_torch_copy(tensor, first, part, buf);
        bl_tensor_to_f32(tensor->dtype, buf, part, out);
    }
    return true;
}

void bl_torch_forget(const struct bl_torch_tensor *tensor, size_t first,
                     size_t n)
{
    if (n && tensor->storage->mapped && plain(tensor))
        forget(element(tensor, first),
               n * bl_tensor_dtype_size(tensor->dtype));
}
