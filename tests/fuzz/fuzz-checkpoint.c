/* SPDX-License-Identifier: MIT */
/* fuzz-checkpoint: any bytes as a folder of weights: an index of shards and
 * two shards, safetensors or of torch.save as the first byte says; and as one
 * file, of which a matrix of vectors may be made.  What opens has all its
 * numbers. */
#include "feed.h"
#include "search/vector-file.h"
#include "tensor/checkpoint.h"

enum { MOST = 4096 };

static void read_all(const char *path)
{
    struct bl_checkpoint c;
    struct bl_err err = { .code = BL_OK };
    float v[64];

    if (bl_checkpoint_open(&c, path, &err) < 0) {
        CHECK(err.code == BL_DATA);
        return;
    }
    for (size_t i = 0; i < c.n; i++) {
        struct bl_torch_tensor *t = &c.v[i];

        CHECK(bl_checkpoint_find(&c, t->name));
        if (t->storage && t->count)
            bl_torch_copy_f32(t, t->count - BL_MIN(t->count, 64),
                              BL_MIN(t->count, 64), v);
    }
    bl_checkpoint_close(&c);
}

static void read_vectors(const char *path)
{
    struct bl_err err = { .code = BL_OK };
    struct bl_vector_file *file = bl_vector_file_open(path, &err);
    float *v;

    CHECK(file || err.code == BL_DATA);
    if (file && file->n && file->n * file->dim < MOST) {
        v = bl_xmalloc(file->n, file->dim * sizeof *v);
        bl_vector_file_read(file, 0, file->n, v);
        free(v);
    }
    bl_vector_file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[2][3] = {
        { "c/model.safetensors.index.json", "c/a", "c/b" },
        { "c/pytorch_model.bin.index.json", "c/a", "c/b" } };
    struct feed f = { data, size, 1 };
    size_t kind = feed_byte(&f) % 3;
    char *dir, *files[3];

    if (kind == 2) {
        files[0] = feed_file("x.bin", f.p, f.n);
        read_all(files[0]);
        read_vectors(files[0]);
        feed_remove(files[0]);
        return 0;
    }
    dir = feed_subfolder("c");
    for (size_t i = 0; i < 3; i++)
        files[i] = feed_file_of(names[kind][i], feed_piece(&f));
    read_all(dir);
    read_all(files[0]);
    for (size_t i = 0; i < 3; i++)
        feed_remove(files[i]);
    feed_remove(dir);
    return 0;
}
