/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/safetensors-write.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/writer.h"

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
    struct bl_safetensors_writer *writer = BL_NEW(
        struct bl_safetensors_writer);

    writer->path = bl_xstrdup(path);
    writer->json = bl_writer(&writer->header, BL_WRITE_COMPACT);
    bl_write_object(&writer->json, NULL);
    bl_write_object(&writer->json, "__metadata__");
    bl_write_string(&writer->json, "format", "pt");
    bl_write_end(&writer->json);
    return writer;
}

void bl_safetensors_declare(struct bl_safetensors_writer *writer,
                            const char *name, enum bl_tensor_dtype dtype,
                            size_t n_dims, const size_t *dims)
{
    size_t bytes = bl_tensor_dtype_size(dtype);

    if (writer->file)
        BL_BUG("a tensor declared after the first data");
    bl_write_object(&writer->json, name);
    bl_write_string(&writer->json, "dtype", bl_tensor_dtype_name(dtype));
    bl_write_array(&writer->json, "shape");
    for (size_t i = 0; i < n_dims; i++) {
        bl_write_size(&writer->json, NULL, dims[i]);
        if (!bl_size_mul(bytes, dims[i], &bytes))
            BL_BUG("a tensor larger than the address space");
    }
    bl_write_end(&writer->json);
    bl_write_array(&writer->json, "data_offsets");
    bl_write_size(&writer->json, NULL, writer->declared);
    bl_write_size(&writer->json, NULL, writer->declared + bytes);
    bl_write_end(&writer->json);
    bl_write_end(&writer->json);
    writer->declared += bytes;
}

static int start(struct bl_safetensors_writer *writer, struct bl_err *err)
{
    unsigned char length[8];

    bl_write_end(&writer->json);
    while (writer->header.len % ALIGN)
        bl_buf_putc(&writer->header, ' ');
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)writer->header.len >> 8 * i);
    writer->file = bl_newfile_open(writer->path,
                                   writer->declared + writer->header.len
                                       + sizeof length,
                                   err);
    if (!writer->file
        || bl_newfile_write(writer->file, length, sizeof length, err) < 0)
        return -1;
    return bl_newfile_write(writer->file, writer->header.data,
                            writer->header.len, err);
}

int bl_safetensors_put(struct bl_safetensors_writer *writer, const void *bytes,
                       size_t size, struct bl_err *err)
{
    if (!writer->file && start(writer, err) < 0)
        return -1;
    if (size > writer->declared - writer->put)
        BL_BUG("more tensor data than declared");
    writer->put += size;
    return bl_newfile_write(writer->file, bytes, size, err);
}

int bl_safetensors_commit(struct bl_safetensors_writer *writer,
                          struct bl_err *err)
{
    int rc = writer->file ? 0 : start(writer, err);

    if (rc == 0 && writer->put != writer->declared)
        BL_BUG("less tensor data than declared");
    if (rc == 0) {
        rc = bl_newfile_commit(writer->file, err);
        writer->file = NULL;
    }
    bl_safetensors_abort(writer);
    return rc;
}

void bl_safetensors_abort(struct bl_safetensors_writer *writer)
{
    if (writer->file)
        bl_newfile_abort(writer->file);
    bl_buf_free(&writer->header);
    free(writer->path);
    free(writer);
}
