/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/torchfile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "tensor/pickle.h"
#include "tensor/zip.h"

typedef struct bl_pickle_value value;

enum { PROTOCOL = 1001, TAR_BLOCK = 512, TAR_SUM = 148 };

struct bl_torchfile {
    struct bl_map map;          /* data NULL when parsed from memory */
    const unsigned char *data;
    size_t size;
    struct bl_arena arena;
    struct bl_torch_storages storages;
    struct bl_torch_tensor *tensors;
    size_t n, cap;
};

/* ---- Which tensors the object holds ---- */

struct level {
    value *v;
    size_t next;                /* of its values */
    size_t name_len;            /* of the keys that lead here */
};

struct walk {
    struct bl_torchfile *f;
    struct level levels[BL_PICKLE_MAX_DEPTH + 1];
    size_t n;
    struct bl_buf name;
    struct bl_err *err;
};

static int walk_key(struct walk *walk, const value *key, size_t i)
{
    if (walk->name.len)
        bl_buf_putc(&walk->name, '.');
    if (!key)
        bl_buf_printf(&walk->name, "%zu", i);
    else if (key->kind == BL_PICKLE_STRING)
        bl_buf_put_span(&walk->name, key->s);
    else if (key->kind == BL_PICKLE_INT)
        bl_buf_printf(&walk->name, "%" PRId64, key->i);
    else
        bl_buf_puts(&walk->name, bl_pickle_kind_name(key->kind));
    if (walk->name.len > BL_TORCH_MAX_NAME)
        return bl_fail(walk->err, BL_DATA, "a name has more than %d bytes",
                       BL_TORCH_MAX_NAME);
    if (memchr(walk->name.data, '\0', walk->name.len))
        return bl_fail(walk->err, BL_DATA, "a name contains a NUL");
    return 0;
}

static int walk_tensor(struct walk *walk, const struct bl_torch_tensor *tensor)
{
    struct bl_torchfile *file = walk->f;

    if (file->n == BL_TORCH_MAX_TENSORS)
        return bl_fail(walk->err, BL_DATA, "more than %d tensors",
                       BL_TORCH_MAX_TENSORS);
    BL_GROW(file->tensors, file->n + 1, file->cap);
    file->tensors[file->n] = *tensor;
    file->tensors[file->n++].name = bl_arena_strndup(
        &file->arena, walk->name.len ? walk->name.data : "", walk->name.len);
    return 0;
}

/* A value under the name so far: a tensor is listed, a container entered. */
static int walk_value(struct walk *walk, value *object)
{
    if (object->kind == BL_PICKLE_TENSOR)
        return walk_tensor(walk, object->tensor);
    if (object->kind < BL_PICKLE_TUPLE || object->kind > BL_PICKLE_DICT
        || object->walked)
        return 0;
    object->walked = true;           /* a container within itself ends here */
    if (walk->n > BL_PICKLE_MAX_DEPTH)
        return bl_fail(walk->err, BL_DATA, "values are nested more than %d "
                       "deep", BL_PICKLE_MAX_DEPTH);
    walk->levels[walk->n++] = (struct level){ object, 0, walk->name.len };
    return 0;
}

static int walk_step(struct walk *walk)
{
    struct level *level = &walk->levels[walk->n - 1];
    bool dict = level->v->kind == BL_PICKLE_DICT;
    size_t i = level->next++;

    walk->name.len = level->name_len;
    if (i == level->v->seq.n) {
        walk->n--;
        return 0;
    }
    if (walk_key(walk, dict ? level->v->seq.v[2 * i] : NULL, i) < 0)
        return -1;
    return walk_value(walk, level->v->seq.v[dict ? 2 * i + 1 : i]);
}

static int torch_by_name(const void *pa, const void *pb)
{
    const struct bl_torch_tensor *left = pa, *right = pb;

    return strcmp(left->name, right->name);
}

/* Walks the containers with a stack of its own, as a file decides how deep
 * they are nested.  Two paths may spell one name ("a.b" as a key, or "b"
 * within "a"), which bl_torchfile_find() could not tell apart. */
static int list_tensors(struct bl_torchfile *file, value *root,
                        struct bl_err *err)
{
    struct walk *walk = BL_NEW(struct walk);
    int rc;

    walk->f = file;
    walk->err = err;
    rc = walk_value(walk, root);
    while (rc == 0 && walk->n)
        rc = walk_step(walk);
    bl_buf_free(&walk->name);
    free(walk);
    if (rc < 0)
        return -1;
    if (file->n)
        qsort(file->tensors, file->n, sizeof *file->tensors, torch_by_name);
    for (size_t i = 1; i < file->n; i++)
        if (!torch_by_name(&file->tensors[i - 1], &file->tensors[i]))
            return bl_fail(err, BL_DATA, "tensor '%s' is given twice",
                           file->tensors[i].name);
    return 0;
}

/* ---- The older form: pickles one after another, then the storages ---- */

static int legacy_pickle(struct bl_torchfile *file, size_t *pos, bool object,
                         value **out, struct bl_err *err)
{
    struct bl_pickle in = {
        .data = file->data + *pos, .size = file->size - *pos, .base = *pos,
        .file_size = file->size, .arena = &file->arena,
        .storages = object ? &file->storages : NULL,
    };
    size_t used;

    if (bl_pickle_read(&in, &used, out, err) < 0)
        return -1;
    *pos += used;
    return 0;
}

/* Magic number, version of the form, and what machine wrote it. */
static int legacy_header(struct bl_torchfile *file, size_t *pos,
                         struct bl_err *err)
{
    static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    value *object, *little;

    if (legacy_pickle(file, pos, false, &object, err) < 0)
        return -1;
    if (object->kind != BL_PICKLE_LONG || !bl_span_is(object->s, magic))
        return bl_fail(err, BL_DATA, "a pickle, but not one that torch.save "
                       "wrote (its magic number is missing)");
    if (legacy_pickle(file, pos, false, &object, err) < 0)
        return -1;
    if (object->kind != BL_PICKLE_INT || object->i != PROTOCOL)
        return bl_fail(err, BL_DATA, "the version of the file's form is not "
                       "%d", PROTOCOL);
    if (legacy_pickle(file, pos, false, &object, err) < 0)
        return -1;
    little = bl_pickle_find(object, "little_endian");
    if (!little || little->kind != BL_PICKLE_BOOL || !little->yes)
        return bl_fail(err, BL_DATA, "written on a big-endian machine, or "
                       "without saying so");
    return 0;
}

/* The bytes of a storage come with their own count, which has to be the one
 * that the pickle declared.  A key that no tensor uses is refused: its
 * element size is known to nobody, so that the rest could not be found. */
static int legacy_storage(struct bl_torchfile *file, const value *key,
                          size_t *pos, struct bl_err *err)
{
    struct bl_torch_storage *storage;
    uint64_t count;
    size_t bytes;
    int shown;

    if (key->kind != BL_PICKLE_STRING)
        return bl_fail(err, BL_DATA, "the key of a storage is a %s, "
                       "expected string", bl_pickle_kind_name(key->kind));
    shown = (int)BL_MIN(key->s.n, 80);
    storage = bl_torch_storages_find(&file->storages, key->s);
    if (!storage || storage->data)
        return bl_fail(err, BL_DATA, "storage '%.*s' is %s", shown, key->s.p,
                       storage ? "given twice" : "used by no tensor");
    if (file->size - *pos < 8)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' is missing "
                       "(a truncated file?)", *pos, shown, key->s.p);
    count = bl_le(file->data + *pos, 8);
    if (count != storage->count)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' has %" PRIu64
                       " elements, expected %zu", *pos, shown, key->s.p,
                       count, storage->count);
    *pos += 8;
    bytes = storage->count * bl_tensor_dtype_size(storage->dtype);
    if (bytes > file->size - *pos)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' needs %zu "
                       "bytes, %zu are left (a truncated file?)", *pos,
                       shown, key->s.p, bytes, file->size - *pos);
    storage->data = file->data + *pos;
    *pos += bytes;
    return 0;
}

/* torch/serialization.py, _legacy_save(): magic number, protocol version,
 * machine, object, list of keys, each a pickle; then the storages in the
 * order of that list. */
static int read_legacy(struct bl_torchfile *file, value **root,
                       struct bl_err *err)
{
    value *keys;
    size_t pos = 0;

    if (legacy_header(file, &pos, err) < 0
        || legacy_pickle(file, &pos, true, root, err) < 0
        || legacy_pickle(file, &pos, false, &keys, err) < 0)
        return -1;
    if (keys->kind != BL_PICKLE_LIST || keys->seq.n != file->storages.n)
        return bl_fail(err, BL_DATA, "the list of storages has %zu, "
                       "expected %zu", keys->kind == BL_PICKLE_LIST
                       ? keys->seq.n : 0, file->storages.n);
    for (size_t i = 0; i < keys->seq.n; i++)
        if (legacy_storage(file, keys->seq.v[i], &pos, err) < 0)
            return -1;
    if (pos != file->size)
        return bl_fail(err, BL_DATA, "byte %zu: %zu bytes follow the last "
                       "storage", pos, file->size - pos);
    return 0;
}

/* ---- The zip form: X/data.pkl, X/data/KEY, X/version, X/byteorder ---- */

static const struct bl_zip_entry *find_entry(const struct bl_zip *zip,
                                             struct bl_span folder,
                                             const char *dir,
                                             struct bl_span name)
{
    struct bl_buf full = BL_BUF_INIT;
    const struct bl_zip_entry *entry;

    bl_buf_put_span(&full, folder);
    bl_buf_puts(&full, dir);
    bl_buf_put_span(&full, name);
    entry = bl_zip_find(zip, (struct bl_span){ full.data, full.len });
    bl_buf_free(&full);
    return entry;
}

/* The entry X/data.pkl, X without a slash; *folder is "X/". */
static const struct bl_zip_entry *find_pickle(const struct bl_zip *zip,
                                              struct bl_span *folder,
                                              struct bl_err *err)
{
    const struct bl_zip_entry *found = NULL;

    for (size_t i = 0; i < zip->n; i++) {
        struct bl_span name = zip->v[i].name;
        const char *slash = memchr(name.p, '/', name.n);
        size_t n = slash ? (size_t)(slash - name.p) + 1 : name.n;

        if (!bl_span_is((struct bl_span){ name.p + n, name.n - n },
                        "data.pkl"))
            continue;
        if (found) {
            bl_fail(err, BL_DATA, "a zip archive with two data.pkl");
            return NULL;
        }
        found = &zip->v[i];
        *folder = (struct bl_span){ name.p, n };
    }
    if (!found)
        bl_fail(err, BL_DATA, "a zip archive without data.pkl, which "
                "torch.save would have written");
    return found;
}

static int check_archive(const struct bl_zip *zip, struct bl_span folder,
                         struct bl_err *err)
{
    const struct bl_zip_entry *entry;

    if (find_entry(zip, folder, "", BL_SPAN_LIT("constants.pkl")))
        return bl_fail(err, BL_DATA, "a TorchScript program, expected a "
                       "file of tensors (torch.save)");
    entry = find_entry(zip, folder, "", BL_SPAN_LIT("byteorder"));
    if (entry
        && !bl_span_is((struct bl_span){ (const char *)entry->data,
                                         entry->size },
                       "little"))
        return bl_fail(err, BL_DATA, "written on a big-endian machine");
    return 0;
}

/* Each storage is an entry of exactly the size that the pickle declared: a
 * larger one could hold bytes that no tensor accounts for. */
static int bind_storages(struct bl_torchfile *file, const struct bl_zip *zip,
                         struct bl_span folder, struct bl_err *err)
{
    for (size_t i = 0; i < file->storages.n; i++) {
        struct bl_torch_storage *storage = file->storages.v[i];
        const struct bl_zip_entry *entry = find_entry(zip, folder, "data/",
                                                      storage->key);
        int shown = (int)BL_MIN(storage->key.n, 80);

        if (!entry)
            return bl_fail(err, BL_DATA, "zip archive: there is no entry "
                           "for storage '%.*s'", shown, storage->key.p);
        if (entry->size
            != storage->count * bl_tensor_dtype_size(storage->dtype))
            return bl_fail(err, BL_DATA,
                           "zip archive: storage '%.*s' has "
                           "%zu bytes, expected %zu",
                           shown, storage->key.p, entry->size,
                           storage->count
                               * bl_tensor_dtype_size(storage->dtype));
        storage->data = entry->data;
        storage->crc = entry->crc;
        storage->has_crc = true;
    }
    return 0;
}

/* The pickle is small and is checked against its CRC here; the storages are
 * gigabytes, whose CRCs bl_torch_storage_verify() looks at as they are
 * used. */
static int read_archive(struct bl_torchfile *file, const struct bl_zip *zip,
                        value **root, struct bl_err *err)
{
    struct bl_span folder;
    const struct bl_zip_entry *entry = find_pickle(zip, &folder, err);
    size_t used;

    if (!entry || check_archive(zip, folder, err) < 0)
        return -1;
    if (bl_zip_crc(0, entry->data, entry->size) != entry->crc)
        return bl_fail(err, BL_DATA, "zip archive: data.pkl: wrong "
                       "checksum");
    struct bl_pickle in = {
        .data = entry->data, .size = entry->size, .file_size = file->size,
        .base = (size_t)(entry->data - file->data), .arena = &file->arena,
        .storages = &file->storages,
    };

    if (bl_pickle_read(&in, &used, root, err) < 0)
        return -1;
    if (used != entry->size)
        return bl_fail(err, BL_DATA, "zip archive: %zu bytes follow the "
                       "pickle in data.pkl", entry->size - used);
    return bind_storages(file, zip, folder, err);
}

static int read_zip(struct bl_torchfile *file, value **root,
                    struct bl_err *err)
{
    struct bl_zip zip;
    int rc;

    if (bl_zip_open(&zip, file->data, file->size, err) < 0)
        return -1;
    rc = read_archive(file, &zip, root, err);
    bl_zip_close(&zip);
    return rc;
}

/* ---- Both ---- */

/* A tar header sums up its own 512 bytes.  torch reads such files (its form
 * before 0.1.10) as an archive, whatever else they look like. */
static bool is_tar(const struct bl_torchfile *file)
{
    unsigned long sum = 0, want = 0;
    size_t i = TAR_SUM;

    if (file->size < TAR_BLOCK)
        return false;
    for (size_t at = 0; at < TAR_BLOCK; at++)
        sum += at >= TAR_SUM && at < TAR_SUM + 8 ? ' ' : file->data[at];
    while (i < TAR_SUM + 8 && file->data[i] == ' ')
        i++;
    for (; i < TAR_SUM + 8 && file->data[i] >= '0' && file->data[i] <= '7';
         i++)
        want = want * 8 + (file->data[i] - '0');
    return sum == want;
}

static int read_any(struct bl_torchfile *file, struct bl_err *err)
{
    value *root = NULL;
    bool zip = file->size >= 4 && !memcmp(file->data, "PK\3\4", 4);

    if (is_tar(file))
        return bl_fail(err, BL_DATA, "a tar archive; files of torch before "
                       "0.1.10 are not read");
    /* JSON, or the page that a server sent instead: no opcode begins so. */
    if (file->size && memchr("{[<", file->data[0], 3))
        return bl_fail(err, BL_DATA, "a text that begins with '%c', not a "
                       "file that torch.save wrote", file->data[0]);
    if ((zip ? read_zip(file, &root, err) : read_legacy(file, &root, err)) < 0)
        return -1;
    return list_tensors(file, root, err);
}

struct bl_torchfile *bl_torchfile_parse(const unsigned char *data,
                                        size_t size, struct bl_err *err)
{
    struct bl_torchfile *file = BL_NEW(struct bl_torchfile);

    file->data = data;
    file->size = size;
    if (read_any(file, err) == 0)
        return file;
    bl_torchfile_close(file);
    return NULL;
}

struct bl_torchfile *bl_torchfile_open(const char *path, struct bl_err *err)
{
    struct bl_torchfile *file;
    struct bl_map map;

    if (bl_map_open(&map, path, err) < 0)
        return NULL;
    file = bl_torchfile_parse(map.data, map.size, err);
    if (file) {
        file->map = map;
        for (size_t i = 0; i < file->storages.n; i++)
            file->storages.v[i]->mapped = true;
        return file;
    }
    bl_map_close(&map);
    bl_err_prefix(err, "'%s'", path);
    return NULL;
}

void bl_torchfile_close(struct bl_torchfile *file)
{
    if (!file)
        return;
    free(file->tensors);
    bl_torch_storages_free(&file->storages);
    bl_arena_free(&file->arena);
    bl_map_close(&file->map);
    free(file);
}

size_t bl_torchfile_count(const struct bl_torchfile *file)
{
    return file->n;
}

struct bl_torch_tensor *bl_torchfile_at(const struct bl_torchfile *file,
                                        size_t i)
{
    return &file->tensors[i];
}

struct bl_torch_tensor *bl_torchfile_find(const struct bl_torchfile *file,
                                          const char *name)
{
    struct bl_torch_tensor key = { .name = name };

    if (!file->n)
        return NULL;
    return bsearch(&key, file->tensors, file->n, sizeof key, torch_by_name);
}
