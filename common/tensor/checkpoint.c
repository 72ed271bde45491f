/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/checkpoint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json/document.h"
#include "base/mem.h"

enum { MAX_INDEX = 64 << 20, MAX_SHARDS = 1000 };

static int part_by_name(const void *a, const void *b)
{
    const struct bl_torch_tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && !strcmp(s + n - k, end);
}

/* ---- safetensors: every tensor is a storage of its own ---- */

static int open_weights(struct bl_checkpoint *c, struct bl_err *err)
{
    c->weights = bl_safetensors_open(c->path, err);
    if (!c->weights)
        return -1;
    c->n = bl_safetensors_count(c->weights);
    c->v = BL_NEW_ARRAY(struct bl_torch_tensor, c->n);
    for (size_t i = 0; i < c->n; i++) {
        const struct bl_tensor *t = bl_safetensors_at(c->weights, i);
        struct bl_torch_storage *s = bl_arena_alloc(&c->arena, 1, sizeof *s);
        size_t stride = 1;

        *s = (struct bl_torch_storage){
            .key = bl_span_of(t->name), .dtype = t->dtype,
            .count = t->count, .data = t->data, .mapped = true,
        };
        c->v[i] = (struct bl_torch_tensor){
            .name = t->name, .dtype = t->dtype, .n_dims = t->n_dims,
            .count = t->count, .storage = s,
        };
        for (size_t d = t->n_dims; d-- > 0; stride *= t->dims[d]) {
            c->v[i].dims[d] = t->dims[d];
            c->v[i].strides[d] = stride;
        }
    }
    return 0;
}

/* ---- One file of torch.save ---- */

static struct bl_torchfile *add_file(struct bl_checkpoint *c,
                                     const char *path, struct bl_err *err)
{
    struct bl_torchfile *f = bl_torchfile_open(path, err);

    if (f) {
        c->files = bl_xrealloc(c->files, c->n_files + 1, sizeof *c->files);
        c->files[c->n_files++] = f;
    }
    return f;
}

static int open_torch(struct bl_checkpoint *c, struct bl_err *err)
{
    struct bl_torchfile *f = add_file(c, c->path, err);

    if (!f)
        return -1;
    c->n = bl_torchfile_count(f);
    c->v = BL_NEW_ARRAY(struct bl_torch_tensor, c->n);
    for (size_t i = 0; i < c->n; i++)
        c->v[i] = *bl_torchfile_at(f, i);
    return 0;
}

/* ---- Shards: {"weight_map":{"tensor":"file",...}} ---- */

/* The file that a member of the map names, opened when it is the first of
 * it.  It lies beside the index, so that an index cannot reach out of its
 * folder.  names[] are the names of c->files. */
static struct bl_torchfile *shard(struct bl_checkpoint *c,
                                  struct bl_node member, const char *name,
                                  const char **names, struct bl_err *err)
{
    const char *slash = strrchr(c->path, '/');
    struct bl_torchfile *f;
    char *path;

    for (size_t i = 0; i < c->n_files; i++)
        if (!strcmp(names[i], name))
            return c->files[i];
    if (!*name || *name == '.' || strchr(name, '/')) {
        bl_node_fail(member, err, "shard '%.80s' is not a plain file name",
                     name);
        return NULL;
    }
    if (c->n_files == MAX_SHARDS) {
        bl_node_fail(member, err, "more than %d shards", MAX_SHARDS);
        return NULL;
    }
    names[c->n_files] = name;
    path = bl_xasprintf("%.*s%s", slash ? (int)(slash - c->path + 1) : 0,
                        c->path, name);
    f = add_file(c, path, err);
    if (!f)
        bl_err_prefix(err, "'%s'", c->path);
    free(path);
    return f;
}

static int add_sharded(struct bl_checkpoint *c, struct bl_node member,
                       const char **names, struct bl_err *err)
{
    struct bl_torch_tensor *t;
    struct bl_torchfile *f;
    const char *name;

    if (bl_node_string(member, &name, err) < 0)
        return -1;
    f = shard(c, member, name, names, err);
    if (!f)
        return -1;
    t = bl_torchfile_find(f, bl_node_key(member));
    if (!t)
        return bl_node_fail(member, err, "the tensor is not in '%.80s'",
                            name);
    c->v[c->n++] = *t;
    return 0;
}

static int read_map(struct bl_checkpoint *c, struct bl_node map,
                    struct bl_err *err)
{
    const char *names[MAX_SHARDS];
    size_t n = bl_node_count(map);
    struct bl_node member;

    if (n > BL_TORCH_MAX_TENSORS)
        return bl_node_fail(map, err, "%zu tensors, at most %d are read", n,
                            BL_TORCH_MAX_TENSORS);
    c->v = BL_NEW_ARRAY(struct bl_torch_tensor, n);
    for (member = bl_node_first(map); member.item;
         member = bl_node_next(member))
        if (add_sharded(c, member, names, err) < 0)
            return -1;
    return 0;
}

static int open_shards(struct bl_checkpoint *c, struct bl_err *err)
{
    struct bl_document *d = bl_document_read(c->path, MAX_INDEX, err);
    struct bl_node root, map;
    int rc = -1;

    if (!d)
        return -1;
    root = bl_document_root(d);
    if (bl_required(bl_member_of(root, "weight_map", BL_JSON_OBJECT, &map,
                                 err), root, "weight_map", err) == 0)
        rc = read_map(c, map, err);
    bl_document_free(d);
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

static int open_any(struct bl_checkpoint *c, struct bl_err *err)
{
    if (ends(c->path, ".safetensors")
        || ends(c->path, ".safetensors.index.json"))
        return open_weights(c, err);
    if (ends(c->path, ".json"))
        return open_shards(c, err);
    return open_torch(c, err);
}

int bl_checkpoint_open(struct bl_checkpoint *c, const char *path,
                       struct bl_err *err)
{
    struct bl_err own;
    struct stat st;

    err = err ? err : &own;
    *c = (struct bl_checkpoint){ .path = NULL };
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        c->path = in_folder(path, err);
    else
        c->path = bl_xstrdup(path);
    if (!c->path)
        return -1;
    if (open_any(c, err) < 0) {
        bl_checkpoint_close(c);
        return -1;
    }
    if (c->n)
        qsort(c->v, c->n, sizeof *c->v, part_by_name);
    for (size_t i = 1; i < c->n; i++)
        if (!part_by_name(&c->v[i - 1], &c->v[i])) {
            bl_fail(err, BL_DATA, "'%s': tensor '%s' is given twice",
                    c->path, c->v[i].name);
            bl_checkpoint_close(c);
            return -1;
        }
    return 0;
}

void bl_checkpoint_close(struct bl_checkpoint *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        bl_torchfile_close(c->files[i]);
    free(c->files);
    bl_safetensors_close(c->weights);
    bl_arena_free(&c->arena);
    free(c->v);
    free(c->path);
    *c = (struct bl_checkpoint){ .path = NULL };
}

struct bl_torch_tensor *bl_checkpoint_find(const struct bl_checkpoint *c,
                                           const char *name)
{
    struct bl_torch_tensor key = { .name = name };

    if (!c->n)
        return NULL;
    return bsearch(&key, c->v, c->n, sizeof key, part_by_name);
}
