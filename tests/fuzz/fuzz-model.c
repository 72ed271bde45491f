/* SPDX-License-Identifier: MIT */
/* fuzz-model: any texts as the files of a model's folder: the configurations
 * of Hugging Face, sentence-transformers and BLINK, our own, the words, the
 * weights.  What opens has shapes that fit each other and lengths that fit
 * the positions. */
#include "feed.h"
#include "model/model-parts.h"

static const char *const names[] = {
    "m/config.json", "m/blink.json", "m/tokenizer_config.json",
    "m/modules.json", "m/1_Pooling/config.json", "m/biencoder_x.json",
    "m/vocab.txt", "m/model.safetensors"
};
enum { N_FILES = BL_COUNT(names) };

static void check_model(const struct bl_model *m)
{
    const struct bl_shape *s = &m->shape;

    CHECK(s->hidden && s->heads && s->hidden % s->heads == 0);
    CHECK(s->vocab && s->positions && s->types && s->epsilon >= 0);
    CHECK(m->n_towers == 1 || m->n_towers == 2);
    CHECK(m->input->context_length <= s->positions
          || m->role == BL_ROLE_CROSS_ENCODER);
    CHECK(m->role != BL_ROLE_BI_ENCODER || m->dim > 0);
    CHECK(m->role != BL_ROLE_TAGGER || m->n_labels > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    char *dir = feed_subfolder("m"), *pooling = feed_subfolder("m/1_Pooling");
    char *files[N_FILES] = { NULL };
    struct bl_model_config config = { 0 };
    struct bl_sha256 sum;
    struct bl_model *model;
    struct bl_err err = { .code = BL_OK };

    for (size_t i = 0; i < N_FILES; i++) {
        struct bl_span text = feed_piece(&f);

        if (text.n)
            files[i] = feed_file_of(names[i], text);
    }
    bl_sha256_init(&sum);
    if (bl_model_config_read(&config, dir, &sum, &err) < 0)
        CHECK(err.code == BL_DATA);
    bl_arena_free(&config.memory);
    err.code = BL_OK;
    model = bl_model_open(dir, &err);
    CHECK(model ? err.code == BL_OK : err.code == BL_DATA);
    if (model)
        check_model(model);
    bl_model_close(model);
    for (size_t i = 0; i < N_FILES; i++)
        if (files[i])
            feed_remove(files[i]);
    feed_remove(pooling);
    feed_remove(dir);
    return 0;
}
