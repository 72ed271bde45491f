/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/safetensors-write.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "json/json.h"
#include "base/mem.h"

enum { ALIGN = 8 };             /* the data starts at a multiple of it */

struct bl_safetensors_writer {
    char *path;
    struct bl_buf header;       /* "{"a":{...},"b":{...}" so far */
    uint64_t declared, put;     /* bytes of data */
    struct bl_newfile *file;    /* NULL before the first put */
};

struct bl_safetensors_writer *bl_safetensors_create(const char *path)
{
    struct bl_safetensors_writer *w = BL_NEW(struct bl_safetensors_writer);

    w->path = bl_xstrdup(path);
    bl_buf_puts(&w->header, "{\"__metadata__\":{\"format\":\"pt\"}");
    return w;
}

void bl_safetensors_declare(struct bl_safetensors_writer *w,
                            const char *name, enum bl_tensor_dtype dtype,
                            size_t n_dims, const size_t *dims)
{
    size_t bytes = bl_tensor_dtype_size(dtype);

    if (w->file)
        BL_BUG("a tensor declared after the first data");
    bl_buf_putc(&w->header, ',');
    bl_json_put_string(&w->header, name, strlen(name));
    bl_buf_printf(&w->header, ":{\"dtype\":\"%s\",\"shape\":[",
                  bl_tensor_dtype_name(dtype));
    for (size_t i = 0; i < n_dims; i++) {
        bl_buf_printf(&w->header, "%s%zu", i ? "," : "", dims[i]);
        if (!bl_size_mul(bytes, dims[i], &bytes))
            BL_BUG("a tensor larger than the address space");
    }
    bl_buf_printf(&w->header, "],\"data_offsets\":[%llu,%llu]}",
                  (unsigned long long)w->declared,
                  (unsigned long long)(w->declared + bytes));
    w->declared += bytes;
}

static int start(struct bl_safetensors_writer *w, struct bl_err *err)
{
    unsigned char length[8];

    bl_buf_putc(&w->header, '}');
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
