/* SPDX-License-Identifier: MIT */
/*
 * safetensors: named arrays in a mapped file, read without trust.
 *
 *     struct bl_safetensors *st = bl_safetensors_open(path, &err);
 *     struct bl_tensor *t = bl_safetensors_find(st, "pooler.dense.bias");
 *     const float *v = bl_safetensors_f32(t);
 *     bl_safetensors_close(st);
 *
 * The file: 8 bytes little-endian header length, a JSON header, the data.
 * Opening proves that the header is one JSON object without repeated names,
 * that each tensor's bytes are what its shape and type need, and that the
 * tensors cover the data part with neither hole nor overlap nor trailing
 * bytes.  A bad file is refused in time and memory bounded by its header.
 *
 * A model in several files ("model.safetensors.index.json") opens as one.
 * Tensors and their data are borrowed until bl_safetensors_close().
 */
#ifndef BL_SAFETENSORS_H
#define BL_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"
#include "base/sha256.h"

BL_BEGIN_DECLS

enum bl_tensor_dtype { BL_F32, BL_F16, BL_BF16, BL_F64, BL_I64, BL_I32,
                       BL_I16, BL_I8, BL_U8, BL_BOOL };

enum { BL_TENSOR_MAX_DIMS = 8 };

struct bl_tensor {
    const char *name;
    enum bl_tensor_dtype dtype;
    size_t n_dims, dims[BL_TENSOR_MAX_DIMS];
    size_t count;                   /* product of dims */
    const unsigned char *data;      /* in the mapping; may be unaligned */
    size_t size;                    /* bytes */
    float *f32;                     /* private: converted copy, or NULL */
};

struct bl_safetensors;

/* path: a .safetensors file, or a shard index ending in ".json".  NULL with
 * BL_DATA: the sentence has path, place, what was needed and what is there. */
struct bl_safetensors *bl_safetensors_open(const char *path,
                                           struct bl_err *err);
void bl_safetensors_close(struct bl_safetensors *st);

size_t bl_safetensors_count(const struct bl_safetensors *st);
/* Sorted by name. */
struct bl_tensor *bl_safetensors_at(const struct bl_safetensors *st,
                                    size_t i);
/* NULL when there is none of that name. */
struct bl_tensor *bl_safetensors_find(const struct bl_safetensors *st,
                                      const char *name);

/* The values as floats: the mapping itself for an aligned F32 tensor, else
 * a copy made once.  NULL when the type is not F32, F16 or BF16. */
const float *bl_safetensors_f32(struct bl_tensor *tensor);

/* "F32", "BF16", ...; static storage. */
const char *bl_tensor_dtype_name(enum bl_tensor_dtype dtype);

/* Bytes of one element. */
size_t bl_tensor_dtype_size(enum bl_tensor_dtype dtype);
/* n elements, as files have them, to out: from F32, F16, BF16 or F64.  False
 * for other types. */
bool bl_tensor_to_f32(enum bl_tensor_dtype dtype, const unsigned char *p,
                      size_t n, float *out);

/* Adds header, file size and at most 256 evenly spaced blocks of 4 KiB of
 * each file, so that big files need not be read whole. */
void bl_safetensors_fingerprint(const struct bl_safetensors *st,
                                struct bl_sha256 *sum);

BL_END_DECLS

#endif
