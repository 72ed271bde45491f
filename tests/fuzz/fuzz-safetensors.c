/* SPDX-License-Identifier: MIT */
/* fuzz-safetensors: any bytes as a .safetensors file.  What opens has every
 * tensor inside the file, and every number can be read. */
#include <stdint.h>
#include <stdlib.h>

#include "feed.h"
#include "tensor/safetensors.h"

static float read_all(const struct bl_safetensors *st, size_t size)
{
    float sum = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < bl_safetensors_count(st); i++) {
        struct bl_tensor *t = bl_safetensors_at(st, i);
        const float *v = bl_safetensors_f32(t);

        bytes += t->size;
        if (bl_safetensors_find(st, t->name) != t || bytes > size)
            abort();
        for (size_t k = 0; v && k < t->count; k++)
            sum += v[k];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file("weights", data, size);
    struct bl_safetensors *st;
    struct bl_err err;

    st = bl_safetensors_open(path, &err);
    if (st) {
        struct bl_sha256 sum;
        volatile float total = read_all(st, size);

        (void)total;
        bl_sha256_init(&sum);
        bl_safetensors_fingerprint(st, &sum);
    } else if (err.code != BL_DATA) {
        abort();
    }
    bl_safetensors_close(st);
    feed_remove(path);
    return 0;
}
