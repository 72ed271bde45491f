/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/checkpoint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "json/document.h"

enum { MAX_INDEX = 64 << 20, MAX_SHARDS = 1000 };

static int part_by_name(const void *pa, const void *pb)
{
    const struct bl_torch_tensor *left = pa, *right = pb;

    return strcmp(left->name, right->name);
}

static bool ends(const char *path, const char *end)
{
    size_t length = strlen(path), end_length = strlen(end);

    return length >= end_length && !strcmp(path + length - end_length, end);
}

/* ---- safetensors: every tensor is a storage of its own ---- */

/* safetensors has neither storages nor strides: each tensor gets a storage of
 * its own and the strides of rows that follow one another. */
static int open_weights(struct bl_checkpoint *checkpoint, struct bl_err *err)
{
    checkpoint->weights = bl_safetensors_open(checkpoint->path, err);
    if (!checkpoint->weights)
        return -1;
    checkpoint->n = bl_safetensors_count(checkpoint->weights);
    checkpoint->v = BL_NEW_ARRAY(struct bl_torch_tensor, checkpoint->n);
    for (size_t i = 0; i < checkpoint->n; i++) {
        const struct bl_tensor *tensor = bl_safetensors_at(checkpoint->weights,
                                                           i);
        struct bl_torch_storage *storage = bl_arena_alloc(&checkpoint->arena,
                                                          1, sizeof *storage);
        size_t stride = 1;

        *storage = (struct bl_torch_storage){
            .key = bl_span_of(tensor->name), .dtype = tensor->dtype,
            .count = tensor->count, .data = tensor->data, .mapped = true,
        };
        checkpoint->v[i] = (struct bl_torch_tensor){
            .name = tensor->name,
            .dtype = tensor->dtype,
            .n_dims = tensor->n_dims,
            .count = tensor->count,
            .storage = storage,
        };
        for (size_t d = tensor->n_dims; d-- > 0; stride *= tensor->dims[d]) {
            checkpoint->v[i].dims[d] = tensor->dims[d];
            checkpoint->v[i].strides[d] = stride;
        }
    }
    return 0;
}

/* ---- One file of torch.save ---- */

static struct bl_torchfile *add_file(struct bl_checkpoint *checkpoint,
                                     const char *path, struct bl_err *err)
{
    struct bl_torchfile *file = bl_torchfile_open(path, err);

    if (file) {
        checkpoint->files = bl_xrealloc(checkpoint->files,
                                        checkpoint->n_files + 1,
                                        sizeof *checkpoint->files);
        checkpoint->files[checkpoint->n_files++] = file;
    }
    return file;
}

static int open_torch(struct bl_checkpoint *checkpoint, struct bl_err *err)
{
    struct bl_torchfile *file = add_file(checkpoint, checkpoint->path, err);

    if (!file)
        return -1;
    checkpoint->n = bl_torchfile_count(file);
    checkpoint->v = BL_NEW_ARRAY(struct bl_torch_tensor, checkpoint->n);
    for (size_t i = 0; i < checkpoint->n; i++)
        checkpoint->v[i] = *bl_torchfile_at(file, i);
    return 0;
}

/* ---- Shards: {"weight_map":{"tensor":"file",...}} ---- */

/* Returns the file that a member of the map names, which is opened by the
 * first member that names it.  Only a plain name beside the index is taken,
 * so that an index cannot reach out of its folder.  names[i] is the name of
 * checkpoint->files[i]. */
static struct bl_torchfile *shard(struct bl_checkpoint *checkpoint,
                                  struct bl_node member, const char *name,
                                  const char **names, struct bl_err *err)
{
    const char *slash = strrchr(checkpoint->path, '/');
    struct bl_torchfile *file;
    char *path;

    for (size_t i = 0; i < checkpoint->n_files; i++)
        if (!strcmp(names[i], name))
            return checkpoint->files[i];
    if (!*name || *name == '.' || strchr(name, '/')) {
        bl_node_fail(member, err, "shard '%.*s' is not a plain file name",
                     BL_SHOWN(80, name));
        return NULL;
    }
    if (checkpoint->n_files == MAX_SHARDS) {
        bl_node_fail(member, err, "more than %d shards", MAX_SHARDS);
        return NULL;
    }
    names[checkpoint->n_files] = name;
    path = bl_xasprintf("%.*s%s",
                        slash ? (int)(slash - checkpoint->path + 1) : 0,
                        checkpoint->path, name);
    file = add_file(checkpoint, path, err);
    if (!file)
        bl_err_prefix(err, "'%s'", checkpoint->path);
    free(path);
    return file;
}

static int add_sharded(struct bl_checkpoint *checkpoint, struct bl_node member,
                       const char **names, struct bl_err *err)
{
    struct bl_torch_tensor *tensor;
    struct bl_torchfile *file;
    const char *name;

    if (bl_node_string(member, &name, err) < 0)
        return -1;
    file = shard(checkpoint, member, name, names, err);
    if (!file)
        return -1;
    tensor = bl_torchfile_find(file, bl_node_key(member));
    if (!tensor)
        return bl_node_fail(member, err, "the tensor is not in '%.*s'",
                            BL_SHOWN(80, name));
    checkpoint->v[checkpoint->n++] = *tensor;
    return 0;
}

static int read_map(struct bl_checkpoint *checkpoint, struct bl_node map,
                    struct bl_err *err)
{
    const char *names[MAX_SHARDS];
    size_t n = bl_node_count(map);
    struct bl_node member;

    if (n > BL_TORCH_MAX_TENSORS)
        return bl_node_fail(map, err, "%zu tensors, at most %d are read", n,
                            BL_TORCH_MAX_TENSORS);
    checkpoint->v = BL_NEW_ARRAY(struct bl_torch_tensor, n);
    for (member = bl_node_first(map); member.item;
         member = bl_node_next(member))
        if (add_sharded(checkpoint, member, names, err) < 0)
            return -1;
    return 0;
}

static int open_shards(struct bl_checkpoint *checkpoint, struct bl_err *err)
{
    struct bl_document *document = bl_document_read(checkpoint->path,
                                                    MAX_INDEX, err);
    struct bl_node root, map;
    int rc = -1;

    if (!document)
        return -1;
    root = bl_document_root(document);
    if (bl_required(bl_member_of(root, "weight_map", BL_JSON_OBJECT, &map,
                                 err), root, "weight_map", err) == 0)
        rc = read_map(checkpoint, map, err);
    bl_document_free(document);
    return rc;
}

/* ---- All ---- */

/* The weights of a folder, safetensors first; caller frees. */
static char *in_folder(const char *dir, struct bl_err *err)
{
    static const char *const names[] = {
        "model.safetensors", "model.safetensors.index.json",
        "pytorch_model.bin", "pytorch_model.bin.index.json",
    };

    for (size_t i = 0; i < BL_COUNT(names); i++) {
        char *path = bl_xasprintf("%s/%s", dir, names[i]);

        if (!access(path, F_OK))
            return path;
        free(path);
    }
    bl_fail(err, BL_DATA, "'%s' contains neither model.safetensors nor "
                          "pytorch_model.bin, whole or in shards", dir);
    return NULL;
}

static int open_any(struct bl_checkpoint *checkpoint, struct bl_err *err)
{
    if (ends(checkpoint->path, ".safetensors")
        || ends(checkpoint->path, ".safetensors.index.json"))
        return open_weights(checkpoint, err);
    if (ends(checkpoint->path, ".json"))
        return open_shards(checkpoint, err);
    return open_torch(checkpoint, err);
}

/* Shards give their tensors in the order of the index, so that all are sorted
 * here: bl_checkpoint_find() halves, and a name given twice is found. */
int bl_checkpoint_open(struct bl_checkpoint *checkpoint, const char *path,
                       struct bl_err *err)
{
    struct bl_err own;
    struct stat st;

    err = err ? err : &own;
    *checkpoint = (struct bl_checkpoint){ .path = NULL };
    if (stat(path, &st) < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    if (S_ISDIR(st.st_mode))
        checkpoint->path = in_folder(path, err);
    else
        checkpoint->path = bl_xstrdup(path);
    if (!checkpoint->path)
        return -1;
    if (open_any(checkpoint, err) < 0) {
        bl_checkpoint_close(checkpoint);
        return -1;
    }
    if (checkpoint->n)
        qsort(checkpoint->v, checkpoint->n, sizeof *checkpoint->v,
              part_by_name);
    for (size_t i = 1; i < checkpoint->n; i++)
        if (!part_by_name(&checkpoint->v[i - 1], &checkpoint->v[i])) {
            bl_fail(err, BL_DATA, "'%s': tensor '%s' is given twice",
                    checkpoint->path, checkpoint->v[i].name);
            bl_checkpoint_close(checkpoint);
            return -1;
        }
    return 0;
}

void bl_checkpoint_close(struct bl_checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->n_files; i++)
        bl_torchfile_close(checkpoint->files[i]);
    free(checkpoint->files);
    bl_safetensors_close(checkpoint->weights);
    bl_arena_free(&checkpoint->arena);
    free(checkpoint->v);
    free(checkpoint->path);
    *checkpoint = (struct bl_checkpoint){ .path = NULL };
}

struct bl_torch_tensor *bl_checkpoint_find(
    const struct bl_checkpoint *checkpoint, const char *name)
{
    struct bl_torch_tensor key = { .name = name };

    if (!checkpoint->n)
        return NULL;
    return bsearch(&key, checkpoint->v, checkpoint->n, sizeof key,
                   part_by_name);
}
