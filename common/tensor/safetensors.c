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
#include "json/document.h"
#include "base/file.h"
#include "tensor/half.h"
#include "json/json.h"
#include "base/mem.h"

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

const char *bl_tensor_dtype_name(enum bl_tensor_dtype d)
{
    return types[d].name;
}

/* ---- One tensor of the header ---- */

static int read_type(struct bl_tensor *t, struct bl_span v,
                     struct bl_err *err)
{
    for (unsigned i = 0; i < N_TYPES; i++)
        if (v.n >= 2 && bl_span_is((struct bl_span){ v.p + 1, v.n - 2 },
                                   types[i].name)) {
            t->dtype = (enum bl_tensor_dtype)i;
            return 0;
        }
    return bl_fail(err, BL_DATA, "dtype %.*s is not known",
                   (int)BL_MIN(v.n, 40), v.p);
}

static int read_size(struct bl_span v, size_t *out, struct bl_err *err)
{
    int64_t n;

    if (bl_json_integer(v, 0, INT64_MAX, &n, err) < 0)
        return -1;
    *out = (size_t)n;
    return 0;
}

/* Dimensions, their product and the bytes that they need. */
static int read_shape(struct bl_tensor *t, struct bl_span v,
                      struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(v);
    struct bl_span dim;

    if (bl_json_type(v) != BL_JSON_ARRAY)
        return bl_fail(err, BL_DATA, "shape: expected array, found %s",
                       bl_json_type_name(bl_json_type(v)));
    t->count = 1;
    while (bl_json_next(&it, NULL, &dim)) {
        if (t->n_dims == BL_TENSOR_MAX_DIMS)
            return bl_fail(err, BL_DATA, "more than %d dimensions",
                           BL_TENSOR_MAX_DIMS);
        if (read_size(dim, &t->dims[t->n_dims], err) < 0)
            return bl_err_prefix(err, "shape");
        if (!bl_size_mul(t->count, t->dims[t->n_dims++], &t->count))
            return bl_fail(err, BL_DATA, "the shape's product overflows");
    }
    if (!bl_size_mul(t->count, types[t->dtype].size, &t->size))
        return bl_fail(err, BL_DATA, "the shape's size in bytes overflows");
    return 0;
}

/* data_offsets [begin, end): both within the data, end - begin as needed. */
static int read_offsets(struct bl_tensor *t, struct bl_span v,
                        const unsigned char *data, size_t n_data,
                        struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(v);
    struct bl_span member;
    size_t at[2], n = 0;

    if (bl_json_type(v) != BL_JSON_ARRAY)
        return bl_fail(err, BL_DATA, "data_offsets: expected array, found %s",
                       bl_json_type_name(bl_json_type(v)));
    for (; bl_json_next(&it, NULL, &member); n++)
        if (n < 2 && read_size(member, &at[n], err) < 0)
            return bl_err_prefix(err, "data_offsets");
    if (n != 2)
        return bl_fail(err, BL_DATA, "data_offsets: expected 2 numbers, "
                       "found %zu", n);
    if (at[1] < at[0] || at[1] - at[0] != t->size)
        return bl_fail(err, BL_DATA, "shape and dtype need %zu bytes, but "
                       "the offsets are %zu and %zu", t->size, at[0], at[1]);
    if (at[1] > n_data)
        return bl_fail(err, BL_DATA, "data ends at offset %zu, but the file "
                       "has %zu bytes of data", at[1], n_data);
    t->data = data + at[0];
    return 0;
}

static int read_tensor(struct bl_tensor *t, struct bl_span v,
                       const unsigned char *data, size_t n_data,
                       struct bl_err *err)
{
    static const char *const names[] = { "dtype", "shape", "data_offsets" };
    struct bl_span part[3];

    if (bl_json_type(v) != BL_JSON_OBJECT)
        return bl_fail(err, BL_DATA, "expected object, found %s",
                       bl_json_type_name(bl_json_type(v)));
    for (unsigned i = 0; i < 3; i++) {
        int found = bl_json_get(v, names[i], &part[i], err);

        if (found < 0)
            return -1;
        if (!found)
            return bl_fail(err, BL_DATA, "%s is missing", names[i]);
    }
    if (read_type(t, part[0], err) < 0 || read_shape(t, part[1], err) < 0)
        return -1;
    return read_offsets(t, part[2], data, n_data, err);
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
        struct bl_tensor *t;

        if (bl_json_key_is(key, "__metadata__"))
            continue;
        /* The raw key with its quotes is a JSON string again. */
        key = (struct bl_span){ key.p - 1, key.n + 2 };
        if (bl_json_string(key, &st->names, &name, err) < 0)
            return bl_err_prefix(err, "name of tensor %zu", st->n_tensors);
        t = add_tensor(st);
        t->name = name.p;
        if (read_tensor(t, value, data, n_data, err) < 0)
            return bl_err_prefix(err, "tensor '%.100s'", t->name);
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct bl_tensor *x = a, *y = b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static int tensor_by_name(const void *a, const void *b)
{
    const struct bl_tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* The tensors t[0..n) cover the data exactly once. */
static int check_cover(struct bl_tensor *t, size_t n,
                       const unsigned char *data, size_t n_data,
                       struct bl_err *err)
{
    size_t end = 0;

    if (n)
        qsort(t, n, sizeof *t, by_place);
    for (size_t i = 0; i < n; i++) {
        size_t start = (size_t)(t[i].data - data);

        if (start != end)
            return bl_fail(err, BL_DATA, "tensor '%.100s' starts at data "
                           "offset %zu, expected %zu: %s", t[i].name, start,
                           end, start > end ? "a hole" : "an overlap");
        end += t[i].size;
    }
    if (end != n_data)
        return bl_fail(err, BL_DATA, "%zu trailing bytes after the last "
                       "tensor", n_data - end);
    return 0;
}

/* The header's length, checked against the file. */
static int header_length(const struct bl_map *m, size_t *out,
                         struct bl_err *err)
{
    uint64_t n;

    if (m->size < LENGTH_BYTES)
        return bl_fail(err, BL_DATA, "the file has %zu bytes, expected 8 "
                       "bytes of header length", m->size);
    n = bl_le(m->data, LENGTH_BYTES);
    if (n > MAX_HEADER)
        return bl_fail(err, BL_DATA, "header length %" PRIu64 " is above the "
                       "limit of %d: not a safetensors file", n, MAX_HEADER);
    if (n > m->size - LENGTH_BYTES)
        return bl_fail(err, BL_DATA, "the header at offset 8 needs %" PRIu64
                       " bytes, but the file has %zu more", n,
                       m->size - LENGTH_BYTES);
    *out = (size_t)n;
    return 0;
}

static int read_shard(struct bl_safetensors *st, struct shard *s,
                      struct bl_err *err)
{
    size_t first = st->n_tensors;
    const unsigned char *data;
    struct bl_span header;
    size_t n_data;

    if (header_length(&s->map, &s->header, err) < 0)
        return -1;
    data = s->map.data + LENGTH_BYTES + s->header;
    n_data = s->map.size - LENGTH_BYTES - s->header;
    header.p = (const char *)s->map.data + LENGTH_BYTES;
    header.n = s->header;
    if (!header.n || *header.p != '{')
        return bl_fail(err, BL_DATA, "the header at offset 8 does not start "
                       "with '{'");
    if (bl_json_check(header.p, header.n, err) < 0)
        return bl_err_prefix(err, "header at offset 8");
    if (read_header(st, header, data, n_data, err) < 0)
        return -1;
    return check_cover(st->tensors + first, st->n_tensors - first, data,
                       n_data, err);
}

static int open_shard(struct bl_safetensors *st, const char *path,
                      const char *name, struct bl_err *err)
{
    struct shard *s;

    BL_GROW(st->shards, st->n_shards + 1, st->cap_shards);
    s = &st->shards[st->n_shards];
    *s = (struct shard){ .name = name };
    if (bl_map_open(&s->map, path, err) < 0)
        return -1;
    st->n_shards++;
    if (read_shard(st, s, err) < 0)
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
            return bl_fail(err, BL_DATA, "tensor '%.100s' is there twice",
                           st->tensors[i].name);
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
        return bl_node_fail(member, err, "'%.100s' is not the name of a "
                            "file beside the index", name);
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
    struct bl_document *d = bl_document_read(path, MAX_INDEX, err);
    int rc = d ? read_index(st, path, bl_document_root(d), err) : -1;

    bl_document_free(d);
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

    if (!rc && sort_names(st, err) < 0)
        rc = bl_err_prefix(err, "'%s'", path);
    if (!rc)
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

size_t bl_tensor_dtype_size(enum bl_tensor_dtype d)
{
    return types[d].size;
}

static float float_at(enum bl_tensor_dtype dtype, const unsigned char *p)
{
    uint64_t bits = bl_le(p, types[dtype].size);
    uint32_t low = (uint32_t)bits;
    double wide;
    float f;

    switch (dtype) {
    case BL_F64:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case BL_F16:
        return bl_half_to_float((uint16_t)bits);
    case BL_BF16:
        return bl_bf16_to_float((uint16_t)bits);
    default:
        memcpy(&f, &low, sizeof f);
        return f;
    }
}

bool bl_tensor_to_f32(enum bl_tensor_dtype dtype, const unsigned char *p,
                      size_t n, float *out)
{
    if (dtype != BL_F32 && dtype != BL_F16 && dtype != BL_BF16
        && dtype != BL_F64)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = float_at(dtype, p + i * types[dtype].size);
    return true;
}

const float *bl_safetensors_f32(struct bl_tensor *t)
{
    if (t->dtype != BL_F32 && t->dtype != BL_F16 && t->dtype != BL_BF16)
        return NULL;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (t->dtype == BL_F32 && !((uintptr_t)t->data % sizeof(float)))
        return (const float *)(const void *)t->data;
#endif
    if (!t->f32) {
        t->f32 = bl_xmalloc(t->count, sizeof *t->f32);
        bl_tensor_to_f32(t->dtype, t->data, t->count, t->f32);
    }
    return t->f32;
}

void bl_safetensors_fingerprint(const struct bl_safetensors *st,
                                struct bl_sha256 *sum)
{
    for (size_t i = 0; i < st->n_shards; i++) {
        const struct bl_map *m = &st->shards[i].map;
        size_t start = LENGTH_BYTES + st->shards[i].header;
        size_t blocks = (m->size - start + SAMPLE - 1) / SAMPLE;
        size_t n = BL_MIN(blocks, MAX_SAMPLES);
        char size[32];

        bl_sha256_add(sum, m->data, start);
        bl_sha256_add(sum, size,
                      (size_t)snprintf(size, sizeof size, "%zu", m->size));
        for (size_t k = 0; k < n; k++) {
            size_t at = start + blocks * k / n * SAMPLE;
            size_t left = m->size - at;

            bl_sha256_add(sum, m->data + at, BL_MIN(left, SAMPLE));
        }
    }
}
