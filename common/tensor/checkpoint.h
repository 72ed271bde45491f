/* SPDX-License-Identifier: MIT */
/*
 * checkpoint: the tensors of a model, whatever files they came in.
 *
 *     struct bl_checkpoint c;
 *     bl_checkpoint_open(&c, "biencoder_wiki_large.bin", &err);
 *     struct bl_torch_tensor *t = bl_checkpoint_find(&c, "pooler.bias");
 *     bl_checkpoint_close(&c);
 *
 * Reads files of torch.save, .safetensors, and both cut into shards with an
 * index ("pytorch_model.bin.index.json").  Everything is mapped and stays
 * with the checkpoint until close.  For programs that convert: the others
 * read model directories (model.h) and never a pickle.
 */
#ifndef BL_CHECKPOINT_H
#define BL_CHECKPOINT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "tensor/safetensors.h"
#include "tensor/torch-tensor.h"
#include "tensor/torchfile.h"

struct bl_checkpoint {
    char *path;
    struct bl_torch_tensor *v;      /* by name */
    size_t n;
    struct bl_torchfile **files;    /* private, as the rest */
    size_t n_files;
    struct bl_safetensors *weights;
    struct bl_arena arena;
};

/* A file, or a folder in the layout of Hugging Face.  -1 with BL_DATA;
 * nothing is left to close then. */
int bl_checkpoint_open(struct bl_checkpoint *checkpoint, const char *path,
                       struct bl_err *err);
void bl_checkpoint_close(struct bl_checkpoint *checkpoint);

/* NULL when there is none of that name. */
struct bl_torch_tensor *bl_checkpoint_find(
    const struct bl_checkpoint *checkpoint, const char *name);

#endif
