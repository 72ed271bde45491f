/* SPDX-License-Identifier: MIT */
/* fuzz-pickle: whatever bl_torchfile_parse() accepts, every element of every
 * tensor can be read, in order and in parts alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "feed.h"
#include "tensor/torchfile.h"

enum { MOST = 4096 };           /* elements read of a tensor */

static void read_tensor(struct bl_torch_tensor *t)
{
    size_t bytes = bl_tensor_dtype_size(t->dtype);
    size_t n = BL_MIN(t->count, MOST), last = t->count - n;
    unsigned char *whole = bl_xmalloc(n, bytes);
    unsigned char *parts = bl_xmalloc(n, bytes);
    float *floats = bl_xmalloc(n, sizeof *floats);

    CHECK(t->n_dims <= BL_TENSOR_MAX_DIMS);
    CHECK(t->storage->data || !t->storage->count);
    CHECK(bl_torch_tensor_extent(t) <= t->storage->count - t->offset);
    bl_torch_copy(t, last, n, whole);
    for (size_t i = 0; i < n; i++)
        bl_torch_copy(t, last + i, 1, parts + i * bytes);
    CHECK(!memcmp(whole, parts, n * bytes));
    bl_torch_copy_f32(t, 0, n, floats);
    bl_torch_storage_verify(t->storage, NULL);
    free(whole);
    free(parts);
    free(floats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_err err = { .code = BL_OK };
    struct bl_torchfile *f = bl_torchfile_parse(data, size, &err);

    CHECK(f ? err.code == BL_OK : err.code == BL_DATA);
    for (size_t i = 0; f && i < bl_torchfile_count(f); i++) {
        struct bl_torch_tensor *t = bl_torchfile_at(f, i);

        CHECK(bl_torchfile_find(f, t->name));
        read_tensor(t);
    }
    bl_torchfile_close(f);
    return 0;
}
