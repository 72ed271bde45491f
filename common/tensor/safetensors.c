/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/safetensors.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "json/document.h"
#include "json/json.h"
#include "tensor/half.h"

enum {
    LENGTH_BYTES = 8,               /* header length at the file's start */
    MAX_HEADER = 100000000,         /* as the format's own reader has it */
    MAX_INDEX = 64 << 20,
    MAX_SHARDS = 1000,
    SAMPLE = 4096, MAX_SAMPLES = 256
};

struct shard {
    struct bl_map map;
    const char *name;               /* within the index; "" when alone */
    size_t header;                  /* bytes of JSON */
};

struct bl_safetensors {
    struct shard *shards;
    size_t n_shards, cap_shards;
    struct bl_tensor *tensors;      /* sorted by name when open */
    size_t n_tensors, cap_tensors;
    struct bl_arena names;
};

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [BL_F32] = { "F32", 4 }, [BL_F16] = { "F16", 2 },
    [BL_BF16] = { "BF16", 2 }, [BL_F64] = { "F64", 8 },
    [BL_I64] = { "I64", 8 }, [BL_I32] = { "I32", 4 },
    [BL_I16] = { "I16", 2 }, [BL_I8] = { "I8", 1 }, [BL_U8] = { "U8", 1 },
    [BL_BOOL] = { "BOOL", 1 }
};

enum { N_TYPES = BL_COUNT(types) };

const char *bl_tensor_dtype_name(enum bl_tensor_dtype dtype)
{
    return types[dtype].name;
}

/* ---- One tensor of the header ---- */

static int read_type(struct bl_tensor *tensor, struct bl_span member,
                     struct bl_err *err)
{
    for (unsigned i = 0; i < N_TYPES; i++)
        if (member.n >= 2
            && bl_span_is((struct bl_span){ member.p + 1, member.n - 2 },
                          types[i].name)) {
            tensor->dtype = (enum bl_tensor_dtype)i;
            return 0;
        }
    return bl_fail(err, BL_DATA, "dtype %.*s is not known",
                   (int)bl_utf8_cut(member.p, member.n, 40), member.p);
}

static int read_size(struct bl_span member, size_t *out, struct bl_err *err)
{
    int64_t size;

    if (bl_json_integer(member, 0, INT64_MAX, &size, err) < 0)
        return -1;
    *out = (size_t)size;
    return 0;
}

/* Dimensions, their product and the bytes that they need. */
static int read_shape(struct bl_tensor *tensor, struct bl_span member,
                      struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(member);
    struct bl_span dim;

    if (bl_json_type(member) != BL_JSON_ARRAY)
        return bl_fail(err, BL_DATA, "shape: expected array, found %s",
                       bl_json_type_name(bl_json_type(member)));
    tensor->count = 1;
    while (bl_json_next(&it, NULL, &dim)) {
        if (tensor->n_dims == BL_TENSOR_MAX_DIMS)
            return bl_fail(err, BL_DATA, "more than %d dimensions",
                           BL_TENSOR_MAX_DIMS);
        if (read_size(dim, &tensor->dims[tensor->n_dims], err) < 0)
            return bl_err_prefix(err, "shape");
        if (!bl_size_mul(tensor->count, tensor->dims[tensor->n_dims++],
                         &tensor->count))
            return bl_fail(err, BL_DATA, "the shape's product overflows");
    }
    if (!bl_size_mul(tensor->count, types[tensor->dtype].size, &tensor->size))
        return bl_fail(err, BL_DATA, "the shape's size in bytes overflows");
    return 0;
}

/* data_offsets [begin, end): both within the data, end - begin as needed. */
static int read_offsets(struct bl_tensor *tensor, struct bl_span pair,
                        const unsigned char *data, size_t n_data,
                        struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(pair);
    struct bl_span member;
    size_t at[2], n = 0;

    if (bl_json_type(pair) != BL_JSON_ARRAY)
        return bl_fail(err, BL_DATA, "data_offsets: expected array, found %s",
                       bl_json_type_name(bl_json_type(pair)));
    for (; bl_json_next(&it, NULL, &member); n++)
        if (n < 2 && read_size(member, &at[n], err) < 0)
            return bl_err_prefix(err, "data_offsets");
    if (n != 2)
        return bl_fail(err, BL_DATA, "data_offsets: expected 2 numbers, "
                       "found %zu", n);
    if (at[1] < at[0] || at[1] - at[0] != tensor->size)
        return bl_fail(err, BL_DATA,
                       "shape and dtype need %zu bytes, but "
                       "the offsets are %zu and %zu",
                       tensor->size, at[0], at[1]);
    if (at[1] > n_data)
        return bl_fail(err, BL_DATA, "data ends at offset %zu, but the file "
                       "has %zu bytes of data", at[1], n_data);
    tensor->data = data + at[0];
    return 0;
}

static int read_tensor(struct bl_tensor *tensor, struct bl_span member,
                       const unsigned char *data, size_t n_data,
                       struct bl_err *err)
{
    static const char *const names[] = { "dtype", "shape", "data_offsets" };
    struct bl_span part[3];

    if (bl_json_type(member) != BL_JSON_OBJECT)
        return bl_fail(err, BL_DATA, "expected object, found %s",
                       bl_json_type_name(bl_json_type(member)));
    for (unsigned i = 0; i < 3; i++) {
        int found = bl_json_get(member, names[i], &part[i], err);

        if (found < 0)
            return -1;
        if (!found)
            return bl_fail(err, BL_DATA, "%s is missing", names[i]);
    }
    if (read_type(tensor, part[0], err) < 0
        || read_shape(tensor, part[1], err) < 0)
        return -1;
    return read_offsets(tensor, part[2], data, n_data, err);
}

/* ---- One file ---- */

static struct bl_tensor *add_tensor(struct bl_safetensors *st)
{
    BL_GROW(st->tensors, st->n_tensors + 1, st->cap_tensors);
    return memset(&st->tensors[st->n_tensors++], 0, sizeof *st->tensors);
}

static int read_header(struct bl_safetensors *st, struct bl_span header,
                       const unsigned char *data, size_t n_data,
                       struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(header);
    struct bl_span key, value, name;

    while (bl_json_next(&it, &key, &value)) {
        struct bl_tensor *tensor;

        if (bl_json_key_is(key, "__metadata__"))
            continue;
        /* The raw key with its quotes is a JSON string again. */
        key = (struct bl_span){ key.p - 1, key.n + 2 };
        if (bl_json_string(key, &st->names, &name, err) < 0)
            return bl_err_prefix(err, "name of tensor %zu", st->n_tensors);
        tensor = add_tensor(st);
        tensor->name = name.p;
        if (read_tensor(tensor, value, data, n_data, err) < 0)
            return bl_err_prefix(err, "tensor '%.*s'",
                                 BL_SHOWN(100, tensor->name));
    }
    return 0;
}

static int by_place(const void *pa, const void *pb)
{
    const struct bl_tensor *left = pa, *right = pb;

    if (left->data != right->data)
        return left->data < right->data ? -1 : 1;
    return (left->size > right->size) - (left->size < right->size);
}

static int tensor_by_name(const void *pa, const void *pb)
{
    const struct bl_tensor *left = pa, *right = pb;

    return strcmp(left->name, right->name);
}

/* The tensors tensor[0..n) cover the data exactly once. */
static int check_cover(struct bl_tensor *tensor, size_t n,
                       const unsigned char *data, size_t n_data,
                       struct bl_err *err)
{
    size_t end = 0;

    if (n)
        qsort(tensor, n, sizeof *tensor, by_place);
    for (size_t i = 0; i < n; i++) {
        size_t start = (size_t)(tensor[i].data - data);

        if (start != end)
            return bl_fail(err, BL_DATA,
                           "tensor '%.*s' starts at data "
                           "offset %zu, expected %zu: %s",
                           BL_SHOWN(100, tensor[i].name), start, end,
                           start > end ? "a hole" : "an overlap");
        end += tensor[i].size;
    }
    if (end != n_data)
        return bl_fail(err, BL_DATA, "%zu trailing bytes after the last "
                       "tensor", n_data - end);
    return 0;
}

/* The header's length, checked against the file. */
static int header_length(const struct bl_map *map, size_t *out,
                         struct bl_err *err)
{
    uint64_t length;

    if (map->size < LENGTH_BYTES)
        return bl_fail(err, BL_DATA, "the file has %zu bytes, expected 8 "
                       "bytes of header length", map->size);
    length = bl_le(map->data, LENGTH_BYTES);
    if (length > MAX_HEADER)
        return bl_fail(err, BL_DATA,
                       "header length %" PRIu64 " is above the "
                       "limit of %d: not a safetensors file",
                       length, MAX_HEADER);
    if (length > map->size - LENGTH_BYTES)
        return bl_fail(err, BL_DATA, "the header at offset 8 needs %" PRIu64
                       " bytes, but the file has %zu more", length,
                       map->size - LENGTH_BYTES);
    *out = (size_t)length;
    return 0;
}

/* A file is 8 bytes of header length, a JSON object that begins at once, and
 * the data.  The JSON is checked whole before anything is taken from it, as
 * the readers of json.h take its validity for granted. */
static int read_shard(struct bl_safetensors *st, struct shard *shard,
                      struct bl_err *err)
{
    size_t first = st->n_tensors;
    const unsigned char *data;
    struct bl_span header;
    size_t n_data;

    if (header_length(&shard->map, &shard->header, err) < 0)
        return -1;
    data = shard->map.data + LENGTH_BYTES + shard->header;
    n_data = shard->map.size - LENGTH_BYTES - shard->header;
    header.p = (const char *)shard->map.data + LENGTH_BYTES;
    header.n = shard->header;
    if (!header.n || *header.p != '{')
        return bl_fail(err, BL_DATA, "the header at offset 8 does not start "
                       "with '{'");
    if (bl_json_check(header.p, header.n, err) < 0)
        return bl_err_prefix(err, "header at offset 8");
    if (read_header(st, header, data, n_data, err) < 0)
        return -1;
    return check_cover(first ? st->tensors + first : st->tensors, /* or NULL */
                       st->n_tensors - first, data,
                       n_data, err);
}

static int open_shard(struct bl_safetensors *st, const char *path,
                      const char *name, struct bl_err *err)
{
    struct shard *shard;

    BL_GROW(st->shards, st->n_shards + 1, st->cap_shards);
    shard = &st->shards[st->n_shards];
    *shard = (struct shard){ .name = name };
    if (bl_map_open(&shard->map, path, err) < 0)
        return -1;
    st->n_shards++;
    if (read_shard(st, shard, err) < 0)
        return bl_err_prefix(err, "'%s'", path);
    return 0;
}

/* Sorts by name for look-up; the same name twice is refused. */
static int sort_names(struct bl_safetensors *st, struct bl_err *err)
{
    if (st->n_tensors)
        qsort(st->tensors, st->n_tensors, sizeof *st->tensors, tensor_by_name);
    for (size_t i = 1; i < st->n_tensors; i++)
        if (!strcmp(st->tensors[i - 1].name, st->tensors[i].name))
            return bl_fail(err, BL_DATA, "tensor '%.*s' is there twice",
                           BL_SHOWN(100, st->tensors[i].name));
    return 0;
}

/* ---- Several files ---- */

static bool has_shard(const struct bl_safetensors *st, const char *name)
{
    for (size_t i = st->n_shards; i-- > 0; )
        if (!strcmp(st->shards[i].name, name))
            return true;
    return false;
}

/* Opens the file that a member of the map names, unless it is open.  It lies
 * beside the index, so that an index cannot reach out of its folder. */
static int index_member(struct bl_safetensors *st, const char *index,
                        struct bl_node member, struct bl_err *err)
{
    const char *slash = strrchr(index, '/'), *name;
    char *path;
    int rc;

    if (bl_node_string(member, &name, err) < 0)
        return -1;
    if (has_shard(st, name))
        return 0;
    if (!*name || *name == '.' || strchr(name, '/'))
        return bl_node_fail(member, err, "'%.*s' is not the name of a "
                            "file beside the index", BL_SHOWN(100, name));
    if (st->n_shards == MAX_SHARDS)
        return bl_node_fail(member, err, "more than %d files", MAX_SHARDS);
    name = bl_arena_strndup(&st->names, name, strlen(name));
    path = bl_xasprintf("%.*s%s", slash ? (int)(slash - index + 1) : 0,
                        index, name);
    rc = open_shard(st, path, name, err);
    free(path);
    return rc < 0 ? bl_err_prefix(err, "'%s'", index) : 0;
}

static int read_index(struct bl_safetensors *st, const char *path,
                      struct bl_node root, struct bl_err *err)
{
    struct bl_node map, member;

    if (bl_required(bl_member_of(root, "weight_map", BL_JSON_OBJECT, &map,
                                 err), root, "weight_map", err) < 0)
        return -1;
    for (member = bl_node_first(map); member.item;
         member = bl_node_next(member))
        if (index_member(st, path, member, err) < 0)
            return -1;
    if (!st->n_shards)
        return bl_node_fail(map, err, "no file is named");
    return 0;
}

static int open_index(struct bl_safetensors *st, const char *path,
                      struct bl_err *err)
{
    struct bl_document *document = bl_document_read(path, MAX_INDEX, err);
    int rc = document ? read_index(st, path, bl_document_root(document), err)
                      : -1;

    bl_document_free(document);
    return rc;
}

/* ---- The whole ---- */

struct bl_safetensors *bl_safetensors_open(const char *path,
                                           struct bl_err *err)
{
    struct bl_safetensors *st = BL_NEW(struct bl_safetensors);
    size_t n = strlen(path);
    bool index = n > 5 && !strcmp(path + n - 5, ".json");
    int rc = index ? open_index(st, path, err)
        : open_shard(st, path, "", err);

    if (rc == 0 && sort_names(st, err) < 0)
        rc = bl_err_prefix(err, "'%s'", path);
    if (rc == 0)
        return st;
    if (err)
        err->code = err->code == BL_SYSTEM ? BL_SYSTEM : BL_DATA;
    bl_safetensors_close(st);
    return NULL;
}

void bl_safetensors_close(struct bl_safetensors *st)
{
    if (!st)
        return;
    for (size_t i = 0; i < st->n_tensors; i++)
        free(st->tensors[i].f32);
    for (size_t i = 0; i < st->n_shards; i++)
        bl_map_close(&st->shards[i].map);
    free(st->tensors);
    free(st->shards);
    bl_arena_free(&st->names);
    free(st);
}

size_t bl_safetensors_count(const struct bl_safetensors *st)
{
    return st->n_tensors;
}

struct bl_tensor *bl_safetensors_at(const struct bl_safetensors *st,
                                    size_t i)
{
    return &st->tensors[i];
}

struct bl_tensor *bl_safetensors_find(const struct bl_safetensors *st,
                                      const char *name)
{
    struct bl_tensor key = { .name = name };

    if (!st->n_tensors)
        return NULL;
    return bsearch(&key, st->tensors, st->n_tensors, sizeof key,
                   tensor_by_name);
}

/* ---- Values ---- */

size_t bl_tensor_dtype_size(enum bl_tensor_dtype dtype)
{
    return types[dtype].size;
}

static float float_at(enum bl_tensor_dtype dtype, const unsigned char *bytes)
{
    uint64_t bits = bl_le(bytes, types[dtype].size);
    uint32_t low = (uint32_t)bits;
    double wide;
    float number;

    switch (dtype) {
    case BL_F64:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case BL_F16:
        return bl_half_to_float((uint16_t)bits);
    case BL_BF16:
        return bl_bf16_to_float((uint16_t)bits);
    default:
        memcpy(&number, &low, sizeof number);
        return number;
    }
}

bool bl_tensor_to_f32(enum bl_tensor_dtype dtype, const unsigned char *bytes,
                      size_t n, float *out)
{
    if (dtype != BL_F32 && dtype != BL_F16 && dtype != BL_BF16
        && dtype != BL_F64)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = float_at(dtype, bytes + i * types[dtype].size);
    return true;
}

const float *bl_safetensors_f32(struct bl_tensor *tensor)
{
    if (tensor->dtype != BL_F32 && tensor->dtype != BL_F16
        && tensor->dtype != BL_BF16)
        return NULL;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (tensor->dtype == BL_F32 && !((uintptr_t)tensor->data % sizeof(float)))
        return (const float *)(const void *)tensor->data;
#endif
    if (!tensor->f32) {
        tensor->f32 = bl_xmalloc(tensor->count, sizeof *tensor->f32);
        bl_tensor_to_f32(tensor->dtype, tensor->data, tensor->count,
                         tensor->f32);
    }
    return tensor->f32;
}

void bl_safetensors_fingerprint(const struct bl_safetensors *st,
                                struct bl_sha256 *sum)
{
    for (size_t i = 0; i < st->n_shards; i++) {
        const struct bl_map *map = &st->shards[i].map;
        size_t start = LENGTH_BYTES + st->shards[i].header;
        size_t blocks = (map->size - start + SAMPLE - 1) / SAMPLE;
        size_t n = BL_MIN(blocks, MAX_SAMPLES);
        char size[32];

        bl_sha256_add(sum, map->data, start);
        bl_sha256_add(sum, size,
                      (size_t)snprintf(size, sizeof size, "%zu", map->size));
        for (size_t k = 0; k < n; k++) {
            size_t at = start + blocks * k / n * SAMPLE;
            size_t left = map->size - at;

            bl_sha256_add(sum, map->data + at, BL_MIN(left, SAMPLE));
        }
    }
}
