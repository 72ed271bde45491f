/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/safetensors-write.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "json/writer.h"
#include "base/mem.h"

enum { ALIGN = 8 };             /* the data starts at a multiple of it */

struct bl_safetensors_writer {
    char *path;
    struct bl_buf header;       /* "{"a":{...},"b":{...}" so far */
    uint64_t declared, put;     /* bytes of data */
    struct bl_writer json;      /* of the header */
    struct bl_newfile *file;    /* NULL before the first put */
};

struct bl_safetensors_writer *bl_safetensors_create(const char *path)
{
    struct bl_safetensors_writer *w = BL_NEW(struct bl_safetensors_writer);

    w->path = bl_xstrdup(path);
    w->json = bl_writer(&w->header, BL_WRITE_COMPACT);
    bl_write_object(&w->json, NULL);
    bl_write_object(&w->json, "__metadata__");
    bl_write_string(&w->json, "format", "pt");
    bl_write_end(&w->json);
    return w;
}

void bl_safetensors_declare(struct bl_safetensors_writer *w,
                            const char *name, enum bl_tensor_dtype dtype,
                            size_t n_dims, const size_t *dims)
{
    size_t bytes = bl_tensor_dtype_size(dtype);

    if (w->file)
        BL_BUG("a tensor declared after the first data");
    bl_write_object(&w->json, name);
    bl_write_string(&w->json, "dtype", bl_tensor_dtype_name(dtype));
    bl_write_array(&w->json, "shape");
    for (size_t i = 0; i < n_dims; i++) {
        bl_write_size(&w->json, NULL, dims[i]);
        if (!bl_size_mul(bytes, dims[i], &bytes))
            BL_BUG("a tensor larger than the address space");
    }
    bl_write_end(&w->json);
    bl_write_array(&w->json, "data_offsets");
    bl_write_size(&w->json, NULL, w->declared);
    bl_write_size(&w->json, NULL, w->declared + bytes);
    bl_write_end(&w->json);
    bl_write_end(&w->json);
    w->declared += bytes;
}

static int start(struct bl_safetensors_writer *w, struct bl_err *err)
{
    unsigned char length[8];

    bl_write_end(&w->json);
    while (w->header.len % ALIGN)
        bl_buf_putc(&w->header, ' ');
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)w->header.len >> 8 * i);
    w->file = bl_newfile_open(w->path, w->declared + w->header.len
                              + sizeof length, err);
    if (!w->file || bl_newfile_write(w->file, length, sizeof length, err) < 0)
        return -1;
    return bl_newfile_write(w->file, w->header.data, w->header.len, err);
}

int bl_safetensors_put(struct bl_safetensors_writer *w, const void *p,
                       size_t n, struct bl_err *err)
{
    if (!w->file && start(w, err) < 0)
        return -1;
    if (n > w->declared - w->put)
        BL_BUG("more tensor data than declared");
    w->put += n;
    return bl_newfile_write(w->file, p, n, err);
}

int bl_safetensors_commit(struct bl_safetensors_writer *w,
                          struct bl_err *err)
{
    int rc = w->file ? 0 : start(w, err);

    if (!rc && w->put != w->declared)
        BL_BUG("less tensor data than declared");
    if (!rc) {
        rc = bl_newfile_commit(w->file, err);
        w->file = NULL;
    }
    bl_safetensors_abort(w);
    return rc;
}

void bl_safetensors_abort(struct bl_safetensors_writer *w)
{
    if (w->file)
        bl_newfile_abort(w->file);
    bl_buf_free(&w->header);
    free(w->path);
    free(w);
}
