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

static int walk_key(struct walk *w, const value *key, size_t i)
{
    if (w->name.len)
        bl_buf_putc(&w->name, '.');
    if (!key)
        bl_buf_printf(&w->name, "%zu", i);
    else if (key->kind == BL_PICKLE_STRING)
        bl_buf_put_span(&w->name, key->s);
    else if (key->kind == BL_PICKLE_INT)
        bl_buf_printf(&w->name, "%" PRId64, key->i);
    else
        bl_buf_puts(&w->name, bl_pickle_kind_name(key->kind));
    if (w->name.len > BL_TORCH_MAX_NAME)
        return bl_fail(w->err, BL_DATA, "a name has more than %d bytes",
                       BL_TORCH_MAX_NAME);
    if (memchr(w->name.data, '\0', w->name.len))
        return bl_fail(w->err, BL_DATA, "a name contains a NUL");
    return 0;
}

static int walk_tensor(struct walk *w, const struct bl_torch_tensor *t)
{
    struct bl_torchfile *f = w->f;

    if (f->n == BL_TORCH_MAX_TENSORS)
        return bl_fail(w->err, BL_DATA, "more than %d tensors",
                       BL_TORCH_MAX_TENSORS);
    BL_GROW(f->tensors, f->n + 1, f->cap);
    f->tensors[f->n] = *t;
    f->tensors[f->n++].name = bl_arena_strndup(
        &f->arena, w->name.len ? w->name.data : "", w->name.len);
    return 0;
}

/* A value under the name so far: a tensor is listed, a container entered. */
static int walk_value(struct walk *w, value *v)
{
    if (v->kind == BL_PICKLE_TENSOR)
        return walk_tensor(w, v->tensor);
    if (v->kind < BL_PICKLE_TUPLE || v->kind > BL_PICKLE_DICT || v->walked)
        return 0;
    v->walked = true;           /* a container within itself ends here */
    if (w->n > BL_PICKLE_MAX_DEPTH)
        return bl_fail(w->err, BL_DATA, "values are nested more than %d "
                       "deep", BL_PICKLE_MAX_DEPTH);
    w->levels[w->n++] = (struct level){ v, 0, w->name.len };
    return 0;
}

static int walk_step(struct walk *w)
{
    struct level *l = &w->levels[w->n - 1];
    bool dict = l->v->kind == BL_PICKLE_DICT;
    size_t i = l->next++;

    w->name.len = l->name_len;
    if (i == l->v->seq.n) {
        w->n--;
        return 0;
    }
    if (walk_key(w, dict ? l->v->seq.v[2 * i] : NULL, i) < 0)
        return -1;
    return walk_value(w, l->v->seq.v[dict ? 2 * i + 1 : i]);
}

static int torch_by_name(const void *a, const void *b)
{
    const struct bl_torch_tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int list_tensors(struct bl_torchfile *f, value *root,
                        struct bl_err *err)
{
    struct walk *w = BL_NEW(struct walk);
    int rc;

    w->f = f;
    w->err = err;
    rc = walk_value(w, root);
    while (!rc && w->n)
        rc = walk_step(w);
    bl_buf_free(&w->name);
    free(w);
    if (rc < 0)
        return -1;
    if (f->n)
        qsort(f->tensors, f->n, sizeof *f->tensors, torch_by_name);
    for (size_t i = 1; i < f->n; i++)
        if (!torch_by_name(&f->tensors[i - 1], &f->tensors[i]))
            return bl_fail(err, BL_DATA, "tensor '%s' is given twice",
                           f->tensors[i].name);
    return 0;
}

/* ---- The older form: pickles one after another, then the storages ---- */

static int legacy_pickle(struct bl_torchfile *f, size_t *pos, bool object,
                         value **out, struct bl_err *err)
{
    struct bl_pickle in = {
        .data = f->data + *pos, .size = f->size - *pos, .base = *pos,
        .file_size = f->size, .arena = &f->arena,
        .storages = object ? &f->storages : NULL,
    };
    size_t used;

    if (bl_pickle_read(&in, &used, out, err) < 0)
        return -1;
    *pos += used;
    return 0;
}

/* Magic number, version of the form, and what machine wrote it. */
static int legacy_header(struct bl_torchfile *f, size_t *pos,
                         struct bl_err *err)
{
    static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    value *v, *little;

    if (legacy_pickle(f, pos, false, &v, err) < 0)
        return -1;
    if (v->kind != BL_PICKLE_LONG || !bl_span_is(v->s, magic))
        return bl_fail(err, BL_DATA, "a pickle, but not one that torch.save "
                       "wrote (its magic number is missing)");
    if (legacy_pickle(f, pos, false, &v, err) < 0)
        return -1;
    if (v->kind != BL_PICKLE_INT || v->i != PROTOCOL)
        return bl_fail(err, BL_DATA, "the version of the file's form is not "
                       "%d", PROTOCOL);
    if (legacy_pickle(f, pos, false, &v, err) < 0)
        return -1;
    little = bl_pickle_find(v, "little_endian");
    if (!little || little->kind != BL_PICKLE_BOOL || !little->yes)
        return bl_fail(err, BL_DATA, "written on a big-endian machine, or "
                       "without saying so");
    return 0;
}

static int legacy_storage(struct bl_torchfile *f, const value *key,
                          size_t *pos, struct bl_err *err)
{
    struct bl_torch_storage *s;
    uint64_t count;
    size_t bytes;
    int shown;

    if (key->kind != BL_PICKLE_STRING)
        return bl_fail(err, BL_DATA, "the key of a storage is a %s, "
                       "expected string", bl_pickle_kind_name(key->kind));
    shown = (int)BL_MIN(key->s.n, 80);
    s = bl_torch_storages_find(&f->storages, key->s);
    if (!s || s->data)
        return bl_fail(err, BL_DATA, "storage '%.*s' is %s", shown, key->s.p,
                       s ? "given twice" : "used by no tensor");
    if (f->size - *pos < 8)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' is missing "
                       "(a truncated file?)", *pos, shown, key->s.p);
    count = bl_le(f->data + *pos, 8);
    if (count != s->count)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' has %" PRIu64
                       " elements, expected %zu", *pos, shown, key->s.p,
                       count, s->count);
    *pos += 8;
    bytes = s->count * bl_tensor_dtype_size(s->dtype);
    if (bytes > f->size - *pos)
        return bl_fail(err, BL_DATA, "byte %zu: storage '%.*s' needs %zu "
                       "bytes, %zu are left (a truncated file?)", *pos,
                       shown, key->s.p, bytes, f->size - *pos);
    s->data = f->data + *pos;
    *pos += bytes;
    return 0;
}

static int read_legacy(struct bl_torchfile *f, value **root,
                       struct bl_err *err)
{
    value *keys;
    size_t pos = 0;

    if (legacy_header(f, &pos, err) < 0
        || legacy_pickle(f, &pos, true, root, err) < 0
        || legacy_pickle(f, &pos, false, &keys, err) < 0)
        return -1;
    if (keys->kind != BL_PICKLE_LIST || keys->seq.n != f->storages.n)
        return bl_fail(err, BL_DATA, "the list of storages has %zu, "
                       "expected %zu", keys->kind == BL_PICKLE_LIST
                       ? keys->seq.n : 0, f->storages.n);
    for (size_t i = 0; i < keys->seq.n; i++)
        if (legacy_storage(f, keys->seq.v[i], &pos, err) < 0)
            return -1;
    if (pos != f->size)
        return bl_fail(err, BL_DATA, "byte %zu: %zu bytes follow the last "
                       "storage", pos, f->size - pos);
    return 0;
}

/* ---- The zip form: X/data.pkl, X/data/KEY, X/version, X/byteorder ---- */

static const struct bl_zip_entry *entry(const struct bl_zip *z,
                                        struct bl_span folder,
                                        const char *dir, struct bl_span name)
{
    struct bl_buf full = BL_BUF_INIT;
    const struct bl_zip_entry *e;

    bl_buf_put_span(&full, folder);
    bl_buf_puts(&full, dir);
    bl_buf_put_span(&full, name);
    e = bl_zip_find(z, (struct bl_span){ full.data, full.len });
    bl_buf_free(&full);
    return e;
}

/* The entry X/data.pkl, X without a slash; *folder is "X/". */
static const struct bl_zip_entry *find_pickle(const struct bl_zip *z,
                                              struct bl_span *folder,
                                              struct bl_err *err)
{
    const struct bl_zip_entry *found = NULL;

    for (size_t i = 0; i < z->n; i++) {
        struct bl_span name = z->v[i].name;
        const char *slash = memchr(name.p, '/', name.n);
        size_t n = slash ? (size_t)(slash - name.p) + 1 : name.n;

        if (!bl_span_is((struct bl_span){ name.p + n, name.n - n },
                        "data.pkl"))
            continue;
        if (found) {
            bl_fail(err, BL_DATA, "a zip archive with two data.pkl");
            return NULL;
        }
        found = &z->v[i];
        *folder = (struct bl_span){ name.p, n };
    }
    if (!found)
        bl_fail(err, BL_DATA, "a zip archive without data.pkl, which "
                "torch.save would have written");
    return found;
}

static int check_archive(const struct bl_zip *z, struct bl_span folder,
                         struct bl_err *err)
{
    const struct bl_zip_entry *e;

    if (entry(z, folder, "", BL_SPAN_LIT("constants.pkl")))
        return bl_fail(err, BL_DATA, "a TorchScript program, expected a "
                       "file of tensors (torch.save)");
    e = entry(z, folder, "", BL_SPAN_LIT("byteorder"));
    if (e && !bl_span_is((struct bl_span){ (const char *)e->data, e->size },
                         "little"))
        return bl_fail(err, BL_DATA, "written on a big-endian machine");
    return 0;
}

static int bind_storages(struct bl_torchfile *f, const struct bl_zip *z,
                         struct bl_span folder, struct bl_err *err)
{
    for (size_t i = 0; i < f->storages.n; i++) {
        struct bl_torch_storage *s = f->storages.v[i];
        const struct bl_zip_entry *e = entry(z, folder, "data/", s->key);
        int shown = (int)BL_MIN(s->key.n, 80);

        if (!e)
            return bl_fail(err, BL_DATA, "zip archive: there is no entry "
                           "for storage '%.*s'", shown, s->key.p);
        if (e->size != s->count * bl_tensor_dtype_size(s->dtype))
            return bl_fail(err, BL_DATA, "zip archive: storage '%.*s' has "
                           "%zu bytes, expected %zu", shown, s->key.p,
                           e->size, s->count * bl_tensor_dtype_size(s->dtype));
        s->data = e->data;
        s->crc = e->crc;
        s->has_crc = true;
    }
    return 0;
}

static int read_archive(struct bl_torchfile *f, const struct bl_zip *z,
                        value **root, struct bl_err *err)
{
    struct bl_span folder;
    const struct bl_zip_entry *e = find_pickle(z, &folder, err);
    size_t used;

    if (!e || check_archive(z, folder, err) < 0)
        return -1;
    if (bl_zip_crc(0, e->data, e->size) != e->crc)
        return bl_fail(err, BL_DATA, "zip archive: data.pkl: wrong "
                       "checksum");
    struct bl_pickle in = {
        .data = e->data, .size = e->size, .file_size = f->size,
        .base = (size_t)(e->data - f->data), .arena = &f->arena,
        .storages = &f->storages,
    };

    if (bl_pickle_read(&in, &used, root, err) < 0)
        return -1;
    if (used != e->size)
        return bl_fail(err, BL_DATA, "zip archive: %zu bytes follow the "
                       "pickle in data.pkl", e->size - used);
    return bind_storages(f, z, folder, err);
}

static int read_zip(struct bl_torchfile *f, value **root, struct bl_err *err)
{
    struct bl_zip z;
    int rc;

    if (bl_zip_open(&z, f->data, f->size, err) < 0)
        return -1;
    rc = read_archive(f, &z, root, err);
    bl_zip_close(&z);
    return rc;
}

/* ---- Both ---- */

/* A tar header sums up its own 512 bytes.  torch reads such files (its form
 * before 0.1.10) as an archive, whatever else they look like. */
static bool is_tar(const struct bl_torchfile *f)
{
    unsigned long sum = 0, want = 0;
    size_t i = TAR_SUM;

    if (f->size < TAR_BLOCK)
        return false;
    for (size_t k = 0; k < TAR_BLOCK; k++)
        sum += k >= TAR_SUM && k < TAR_SUM + 8 ? ' ' : f->data[k];
    while (i < TAR_SUM + 8 && f->data[i] == ' ')
        i++;
    for (; i < TAR_SUM + 8 && f->data[i] >= '0' && f->data[i] <= '7'; i++)
        want = want * 8 + (f->data[i] - '0');
    return sum == want;
}

static int read_any(struct bl_torchfile *f, struct bl_err *err)
{
    value *root = NULL;
    bool zip = f->size >= 4 && !memcmp(f->data, "PK\3\4", 4);

    if (is_tar(f))
        return bl_fail(err, BL_DATA, "a tar archive; files of torch before "
                       "0.1.10 are not read");
    /* JSON, or the page that a server sent instead: no opcode begins so. */
    if (f->size && memchr("{[<", f->data[0], 3))
        return bl_fail(err, BL_DATA, "a text that begins with '%c', not a "
                       "file that torch.save wrote", f->data[0]);
    if ((zip ? read_zip(f, &root, err) : read_legacy(f, &root, err)) < 0)
        return -1;
    return list_tensors(f, root, err);
}

struct bl_torchfile *bl_torchfile_parse(const unsigned char *data,
                                        size_t size, struct bl_err *err)
{
    struct bl_torchfile *f = BL_NEW(struct bl_torchfile);

    f->data = data;
    f->size = size;
    if (read_any(f, err) == 0)
        return f;
    bl_torchfile_close(f);
    return NULL;
}

struct bl_torchfile *bl_torchfile_open(const char *path, struct bl_err *err)
{
    struct bl_torchfile *f;
    struct bl_map map;

    if (bl_map_open(&map, path, err) < 0)
        return NULL;
    f = bl_torchfile_parse(map.data, map.size, err);
    if (f) {
        f->map = map;
        for (size_t i = 0; i < f->storages.n; i++)
            f->storages.v[i]->mapped = true;
        return f;
    }
    bl_map_close(&map);
    bl_err_prefix(err, "'%s'", path);
    return NULL;
}

void bl_torchfile_close(struct bl_torchfile *f)
{
    if (!f)
        return;
    free(f->tensors);
    bl_torch_storages_free(&f->storages);
    bl_arena_free(&f->arena);
    bl_map_close(&f->map);
    free(f);
}

size_t bl_torchfile_count(const struct bl_torchfile *f)
{
    return f->n;
}

struct bl_torch_tensor *bl_torchfile_at(const struct bl_torchfile *f,
                                        size_t i)
{
    return &f->tensors[i];
}

struct bl_torch_tensor *bl_torchfile_find(const struct bl_torchfile *f,
                                          const char *name)
{
    struct bl_torch_tensor key = { .name = name };

    if (!f->n)
        return NULL;
    return bsearch(&key, f->tensors, f->n, sizeof key, torch_by_name);
}
