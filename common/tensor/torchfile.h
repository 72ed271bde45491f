/* SPDX-License-Identifier: MIT */
/*
 * torchfile: what torch.save writes (.bin, .pt, .t7), read without trust.
 *
 *     struct bl_torchfile *f = bl_torchfile_open("x.bin", &err);
 *     struct bl_torch_tensor *t = bl_torchfile_find(f, "encoder.bias");
 *     if (bl_torch_storage_verify(t->storage, &err) == 0)
 *         bl_torch_copy(t, 0, t->count, out);
 *     bl_torchfile_close(f);
 *
 * Both forms: the older one of several pickles and then the storages
 * (torch < 1.6 and BLINK's files), and the zip archive with a data.pkl and a
 * file per storage.  Of the pickled object every tensor is listed, under the
 * keys that lead to it joined by dots; other values are passed over.  The
 * file must be exactly what its pickle declares: storages of that size and
 * no bytes besides, so that a file cannot be two things at once.
 *
 * Nothing in the file is ever run (pickle.h).  Tensors are borrowed until
 * close.
 */
#ifndef BL_TORCHFILE_H
#define BL_TORCHFILE_H

#include <stddef.h>

#include "base/err.h"
#include "tensor/torch-tensor.h"

enum { BL_TORCH_MAX_TENSORS = 100000, BL_TORCH_MAX_NAME = 512 };

struct bl_torchfile;

/* NULL with BL_DATA: path, opcode and offset, needed and found. */
struct bl_torchfile *bl_torchfile_open(const char *path, struct bl_err *err);
/* The same from bytes that stay with the caller until close. */
struct bl_torchfile *bl_torchfile_parse(const unsigned char *data,
                                        size_t size, struct bl_err *err);
void bl_torchfile_close(struct bl_torchfile *file);        /* NULL: nothing */

size_t bl_torchfile_count(const struct bl_torchfile *file);
/* Sorted by name. */
struct bl_torch_tensor *bl_torchfile_at(const struct bl_torchfile *file,
                                        size_t i);
/* NULL when there is none of that name. */
struct bl_torch_tensor *bl_torchfile_find(const struct bl_torchfile *file,
                                          const char *name);

#endif
