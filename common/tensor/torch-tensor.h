/* SPDX-License-Identifier: MIT */
/*
 * torch-tensor: a tensor as PyTorch's files describe it, a view of a
 * storage, and its values in plain row-major order.
 *
 *     bl_torch_copy(t, 0, t->count, out);
 *
 * A tensor's element (i, j) is the storage's element
 * offset + i * strides[0] + j * strides[1]; that all of them lie inside the
 * storage was checked when the tensor was made.  Several tensors may share a
 * storage; stride 0 repeats elements.
 */
#ifndef BL_TORCH_TENSOR_H
#define BL_TORCH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tensor/safetensors.h"

enum { BL_TORCH_MAX_STORAGES = 10000 };

struct bl_torch_storage {
    struct bl_span key;
    enum bl_tensor_dtype dtype;
    size_t count;               /* elements */
    const unsigned char *data;  /* count * element bytes, unaligned; NULL
                                 * until the file has given them */
    uint32_t crc;               /* of those bytes */
    bool has_crc, checked;
    bool mapped;                /* data is a file mapped read-only, whose
                                 * pages may be given back */
};

/* All of a file, in the order of their first use.  Initialise to zero. */
struct bl_torch_storages {
    struct bl_torch_storage **v;
    size_t n, cap;
    struct bl_torch_storage **slots;    /* by key; private */
};

/* NULL when there is none of that key. */
struct bl_torch_storage *bl_torch_storages_find(
    struct bl_torch_storages *all, struct bl_span key);
void bl_torch_storages_free(struct bl_torch_storages *all);

struct bl_torch_tensor {
    const char *name;           /* "" for a tensor that is the whole file */
    enum bl_tensor_dtype dtype;
    size_t n_dims, dims[BL_TENSOR_MAX_DIMS], strides[BL_TENSOR_MAX_DIMS];
    size_t count;               /* product of dims */
    size_t offset;              /* elements of the storage */
    struct bl_torch_storage *storage;
};

/* Fills count; -1 with BL_DATA when it overflows or when an element would
 * lie outside the storage. */
int bl_torch_tensor_check(struct bl_torch_tensor *tensor, struct bl_err *err);

/* Elements from the first to the last one that it touches, both included;
 * 0 for an empty tensor. */
size_t bl_torch_tensor_extent(const struct bl_torch_tensor *tensor);

/* Compares the storage's bytes with the checksum that its file has for
 * them, once; -1 with BL_DATA. */
int bl_torch_storage_verify(struct bl_torch_storage *storage,
                            struct bl_err *err);

/* Elements [first, first + n) in row-major order, as bytes, to out. */
void bl_torch_copy(const struct bl_torch_tensor *tensor, size_t first,
                   size_t n, void *out);
/* The same as floats: from F32, F16, BF16 or F64.  False for other types. */
bool bl_torch_copy_f32(const struct bl_torch_tensor *tensor, size_t first,
                       size_t n, float *out);

/* Tells the system that these elements' pages are not needed any more, so
 * that a mapped file of 24 GB does not fill the memory of the process. */
void bl_torch_forget(const struct bl_torch_tensor *tensor, size_t first,
                     size_t n);

#endif
