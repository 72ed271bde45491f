/* SPDX-License-Identifier: MIT */
/* pickle-calls: every name that a pickle may use, and the values that its use
 * makes.  Nothing is called: each case below builds a plain value. */
#include "config.h"

#include "tensor/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

typedef struct bl_pickle_value value;

enum { SLOTS = 1 << 15 };
_Static_assert(SLOTS >= 3 * BL_TORCH_MAX_STORAGES, "slots stay sparse");

enum call { ORDERED_DICT, TENSOR, TENSOR_V2, PARAMETER, STORAGE_TYPE };

struct bl_pickle_name {
    const char *module, *name;
    enum call call;
    enum bl_tensor_dtype dtype; /* of a storage type */
};

static const struct bl_pickle_name names[] = {
    { "collections", "OrderedDict", ORDERED_DICT, BL_U8 },
    { "torch._utils", "_rebuild_tensor", TENSOR, BL_U8 },
    { "torch._utils", "_rebuild_tensor_v2", TENSOR_V2, BL_U8 },
    { "torch._utils", "_rebuild_parameter", PARAMETER, BL_U8 },
    { "torch", "FloatStorage", STORAGE_TYPE, BL_F32 },
    { "torch", "HalfStorage", STORAGE_TYPE, BL_F16 },
    { "torch", "BFloat16Storage", STORAGE_TYPE, BL_BF16 },
    { "torch", "DoubleStorage", STORAGE_TYPE, BL_F64 },
    { "torch", "LongStorage", STORAGE_TYPE, BL_I64 },
    { "torch", "IntStorage", STORAGE_TYPE, BL_I32 },
    { "torch", "ShortStorage", STORAGE_TYPE, BL_I16 },
    { "torch", "CharStorage", STORAGE_TYPE, BL_I8 },
    { "torch", "ByteStorage", STORAGE_TYPE, BL_U8 },
    { "torch", "BoolStorage", STORAGE_TYPE, BL_BOOL },
};

/* ---- Values ---- */

const char *bl_pickle_kind_name(enum bl_pickle_kind kind)
{
    static const char *const kinds[] = {
        "none", "boolean", "integer", "big integer", "float", "string",
        "tuple", "list", "dict", "name", "storage", "tensor"
    };

    return kinds[kind];
}

value *bl_pickle_new(struct bl_arena *arena, enum bl_pickle_kind kind)
{
    value *object = bl_arena_alloc(arena, 1, sizeof *object);

    memset(object, 0, sizeof *object);
    object->kind = kind;
    return object;
}

value *bl_pickle_find(const value *dict, const char *key)
{
    value *found = NULL;

    if (dict->kind != BL_PICKLE_DICT)
        return NULL;
    for (size_t i = 0; i < dict->seq.n; i++) {
        const value *name = dict->seq.v[2 * i];

        if (name->kind == BL_PICKLE_STRING && bl_span_is(name->s, key))
            found = dict->seq.v[2 * i + 1];    /* as in Python, the last one */
    }
    return found;
}

/* ---- Names ---- */

const struct bl_pickle_name *bl_pickle_lookup(struct bl_span module,
                                              struct bl_span name,
                                              struct bl_err *err)
{
    for (size_t i = 0; i < BL_COUNT(names); i++)
        if (bl_span_is(module, names[i].module)
            && bl_span_is(name, names[i].name))
            return &names[i];
    bl_fail(err, BL_DATA, "'%.*s.%.*s' is not among the names that a file "
            "of tensors may use", (int)BL_MIN(module.n, 80),
            module.p, (int)bl_utf8_cut(name.p, name.n, 80), name.p);
    return NULL;
}

/* ---- Arguments ---- */

static int argument(const value *args, size_t i, enum bl_pickle_kind kind,
                    struct bl_err *err)
{
    if (args->seq.v[i]->kind == kind)
        return 0;
    return bl_fail(err, BL_DATA, "argument %zu: expected %s, found %s",
                   i + 1, bl_pickle_kind_name(kind),
                   bl_pickle_kind_name(args->seq.v[i]->kind));
}

static int arguments(const value *args, size_t lo, size_t hi,
                     struct bl_err *err)
{
    if (args->seq.n >= lo && args->seq.n <= hi)
        return 0;
    return bl_fail(err, BL_DATA, "%zu arguments, expected %zu", args->seq.n,
                   lo);
}

/* Hooks would be code. */
static int no_hooks(const value *args, size_t i, struct bl_err *err)
{
    if (argument(args, i, BL_PICKLE_DICT, err) < 0)
        return -1;
    if (args->seq.v[i]->seq.n)
        return bl_fail(err, BL_DATA, "the tensor has hooks");
    return 0;
}

static int get_size(const value *object, const char *what, size_t *out,
                    struct bl_err *err)
{
    if (object->kind != BL_PICKLE_INT || object->i < 0)
        return bl_fail(err, BL_DATA, "the %s is not an integer from 0 "
                                     "up", what);
    *out = (size_t)object->i;
    return 0;
}

/* ---- Tensors ---- */

static int read_dims(const value *args, struct bl_torch_tensor *tensor,
                     struct bl_err *err)
{
    const value *size = args->seq.v[2], *stride = args->seq.v[3];

    if (size->seq.n != stride->seq.n)
        return bl_fail(err, BL_DATA, "%zu sizes but %zu strides",
                       size->seq.n, stride->seq.n);
    if (size->seq.n > BL_TENSOR_MAX_DIMS)
        return bl_fail(err, BL_DATA, "%zu dimensions, at most %d are read",
                       size->seq.n, BL_TENSOR_MAX_DIMS);
    tensor->n_dims = size->seq.n;
    for (size_t i = 0; i < tensor->n_dims; i++)
        if (get_size(size->seq.v[i], "size", &tensor->dims[i], err) < 0
            || get_size(stride->seq.v[i], "stride", &tensor->strides[i],
                        err) < 0)
            return -1;
    return 0;
}

/* Stands for torch._utils._rebuild_tensor(storage, offset, size, stride) and
 * _rebuild_tensor_v2(), which has requires_grad, backward hooks and perhaps
 * metadata besides.  The seventh argument says nothing about the numbers and
 * is not looked at.  bl_torch_tensor_check() sees to it that the view stays
 * within its storage. */
static int rebuild_tensor(const struct bl_pickle *in, const value *args,
                          bool v2, value **out, struct bl_err *err)
{
    struct bl_torch_tensor *tensor = bl_arena_alloc(in->arena, 1,
                                                    sizeof *tensor);

    *tensor = (struct bl_torch_tensor){ .name = "" };
    if (arguments(args, v2 ? 6 : 4, v2 ? 7 : 4, err) < 0
        || argument(args, 0, BL_PICKLE_STORAGE, err) < 0
        || get_size(args->seq.v[1], "offset", &tensor->offset, err) < 0
        || argument(args, 2, BL_PICKLE_TUPLE, err) < 0
        || argument(args, 3, BL_PICKLE_TUPLE, err) < 0
        || read_dims(args, tensor, err) < 0
        || (v2 && (argument(args, 4, BL_PICKLE_BOOL, err) < 0
                   || no_hooks(args, 5, err) < 0)))
        return -1;
    tensor->storage = args->seq.v[0]->storage;
    tensor->dtype = tensor->storage->dtype;
    if (bl_torch_tensor_check(tensor, err) < 0)
        return -1;
    *out = bl_pickle_new(in->arena, BL_PICKLE_TENSOR);
    (*out)->tensor = tensor;
    return 0;
}

/* Nothing is called: each name on the list is made into a value here.  A
 * Parameter is its tensor; what it says of gradients is of no use to a
 * reader of weights. */
int bl_pickle_call(const struct bl_pickle *in,
                   const struct bl_pickle_name *name, const value *args,
                   value **out, struct bl_err *err)
{
    switch (name->call) {
    case ORDERED_DICT:
        if (arguments(args, 0, 0, err) < 0)
            return -1;
        *out = bl_pickle_new(in->arena, BL_PICKLE_DICT);
        (*out)->ordered = true;
        return 0;
    case TENSOR:
    case TENSOR_V2:
        return rebuild_tensor(in, args, name->call == TENSOR_V2, out, err);
    case PARAMETER:
        if (arguments(args, 3, 3, err) < 0
            || argument(args, 0, BL_PICKLE_TENSOR, err) < 0
            || argument(args, 1, BL_PICKLE_BOOL, err) < 0
            || no_hooks(args, 2, err) < 0)
            return -1;
        *out = args->seq.v[0];
        return 0;
    case STORAGE_TYPE:
        break;
    }
    return bl_fail(err, BL_DATA, "'%s.%s' cannot be called", name->module,
                   name->name);
}

/* A state dict carries the versions of its modules as an attribute. */
int bl_pickle_build(const value *object, const value *state,
                    struct bl_err *err)
{
    if (object->kind != BL_PICKLE_DICT || !object->ordered)
        return bl_fail(err, BL_DATA, "only an OrderedDict may be given a "
                       "state");
    if (state->kind != BL_PICKLE_DICT)
        return bl_fail(err, BL_DATA, "the state is a %s, expected dict",
                       bl_pickle_kind_name(state->kind));
    for (size_t i = 0; i < state->seq.n; i++)
        if (state->seq.v[2 * i]->kind != BL_PICKLE_STRING)
            return bl_fail(err, BL_DATA, "an attribute's name is not a "
                                         "string");
    return 0;
}

/* ---- Storages: ('storage', type, key, location, elements[, None]) ---- */

/* The slot of a key: its storage, or NULL where it belongs.  There are three
 * slots for each storage, so that a free one is soon found. */
static struct bl_torch_storage **slot_of(struct bl_torch_storages *all,
                                         struct bl_span key)
{
    uint32_t hash = 2166136261u;

    if (!all->slots)
        all->slots = BL_NEW_ARRAY(struct bl_torch_storage *, SLOTS);
    for (size_t i = 0; i < key.n; i++)
        hash = (hash ^ (unsigned char)key.p[i]) * 16777619u;
    hash ^= hash >> 15;
    while (all->slots[hash % SLOTS]
           && !bl_span_eq(all->slots[hash % SLOTS]->key, key))
        hash++;
    return &all->slots[hash % SLOTS];
}

struct bl_torch_storage *bl_torch_storages_find(
    struct bl_torch_storages *all, struct bl_span key)
{
    return *slot_of(all, key);
}

void bl_torch_storages_free(struct bl_torch_storages *all)
{
    free(all->v);
    free(all->slots);
    *all = (struct bl_torch_storages){ 0 };
}

static int new_storage(const struct bl_pickle *in, struct bl_span key,
                       enum bl_tensor_dtype dtype, size_t count,
                       struct bl_torch_storage **out, struct bl_err *err)
{
    struct bl_torch_storages *all = in->storages;
    struct bl_torch_storage *storage;

    if (count > in->file_size / bl_tensor_dtype_size(dtype))
        return bl_fail(err, BL_DATA, "storage '%.*s' of %zu elements, but "
                       "the file has %zu bytes",
                       (int)bl_utf8_cut(key.p, key.n, 80), key.p, count,
                       in->file_size);
    if (all->n == BL_TORCH_MAX_STORAGES)
        return bl_fail(err, BL_DATA, "more than %d storages",
                       BL_TORCH_MAX_STORAGES);
    BL_GROW(all->v, all->n + 1, all->cap);
    storage = bl_arena_alloc(in->arena, 1, sizeof *storage);
    *storage = (struct bl_torch_storage){ .key = key, .dtype = dtype,
                                    .count = count };
    *slot_of(all, key) = *out = all->v[all->n++] = storage;
    return 0;
}

/* torch.save writes ('storage', type, key, location, elements); the older
 * form adds a sixth value, which is None unless the storage is a view of
 * another one.  The location ("cpu", "cuda:0") does not change the bytes. */
static int check_id(const struct bl_pickle *in, const value *id,
                    struct bl_err *err)
{
    if (!in->storages)
        return bl_fail(err, BL_DATA, "no storage is expected here");
    if (id->kind != BL_PICKLE_TUPLE)
        return bl_fail(err, BL_DATA, "expected tuple, found %s",
                       bl_pickle_kind_name(id->kind));
    if (id->seq.n && id->seq.v[0]->kind == BL_PICKLE_STRING
        && bl_span_is(id->seq.v[0]->s, "module"))
        return bl_fail(err, BL_DATA, "the file contains a module's program "
                                     "text, expected a state dict (tensors "
                                     "only)");
    if (arguments(id, 5, 6, err) < 0
        || argument(id, 0, BL_PICKLE_STRING, err) < 0
        || argument(id, 1, BL_PICKLE_NAME, err) < 0
        || argument(id, 2, BL_PICKLE_STRING, err) < 0
        || argument(id, 3, BL_PICKLE_STRING, err) < 0)
        return -1;
    if (!bl_span_is(id->seq.v[0]->s, "storage")
        || id->seq.v[1]->name->call != STORAGE_TYPE)
        return bl_fail(err, BL_DATA, "expected a storage");
    if (id->seq.n == 6 && id->seq.v[5]->kind != BL_PICKLE_NONE)
        return bl_fail(err, BL_DATA, "views of storages are not read");
    return 0;
}

/* Tensors share storages, so that a key comes once for each of its tensors,
 * every time with the same type and size.  The bytes are bound to it later:
 * in the older form they follow the pickle. */
int bl_pickle_persistent(const struct bl_pickle *in, const value *id,
                         value **out, struct bl_err *err)
{
    struct bl_torch_storage *storage;
    struct bl_span key;
    enum bl_tensor_dtype dtype;
    size_t count = 0;

    if (check_id(in, id, err) < 0
        || get_size(id->seq.v[4], "number of elements", &count, err) < 0)
        return -1;
    key = id->seq.v[2]->s;
    dtype = id->seq.v[1]->name->dtype;
    storage = bl_torch_storages_find(in->storages, key);
    if (storage && (storage->dtype != dtype || storage->count != count))
        return bl_fail(err, BL_DATA, "storage '%.*s' is declared twice, as "
                       "%s[%zu] and %s[%zu]",
                       (int)bl_utf8_cut(key.p, key.n, 80), key.p,
                       bl_tensor_dtype_name(storage->dtype), storage->count,
                       bl_tensor_dtype_name(dtype), count);
    if (!storage && new_storage(in, key, dtype, count, &storage, err) < 0)
        return -1;
    *out = bl_pickle_new(in->arena, BL_PICKLE_STORAGE);
    (*out)->storage = storage;
    return 0;
}
