/* SPDX-License-Identifier: MIT */
/*
 * safetensors-write: a .safetensors file made tensor by tensor, of any size,
 * in little memory.
 *
 *     struct bl_safetensors_writer *w =
 *         bl_safetensors_create("model.safetensors", &err);
 *     bl_safetensors_declare(w, "a.weight", BL_F32, 2, dims);   all of them
 *     bl_safetensors_put(w, p, n, &err);                        then the data
 *     bl_safetensors_commit(w, &err);
 *
 * The data is put in the order of the declarations, in pieces of any size.
 * The file appears under its name at commit only (file.h).
 */
#ifndef BL_SAFETENSORS_WRITE_H
#define BL_SAFETENSORS_WRITE_H

#include <stddef.h>

#include "base/err.h"
#include "tensor/safetensors.h"

struct bl_safetensors_writer;

/* Never fails: the file is made at the first put. */
struct bl_safetensors_writer *bl_safetensors_create(const char *path);

/* name: valid UTF-8, given once; copied.  All before the first put. */
void bl_safetensors_declare(struct bl_safetensors_writer *writer,
                            const char *name, enum bl_tensor_dtype dtype,
                            size_t n_dims, const size_t *dims);

/* The next `size` bytes of the data. */
int bl_safetensors_put(struct bl_safetensors_writer *writer, const void *bytes,
                       size_t size, struct bl_err *err);

/* The bytes put must be what was declared: anything else is a bug.  Both
 * release the writer. */
int bl_safetensors_commit(struct bl_safetensors_writer *writer,
                          struct bl_err *err);
void bl_safetensors_abort(struct bl_safetensors_writer *writer);

#endif
