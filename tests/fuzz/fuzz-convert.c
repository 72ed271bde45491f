/* SPDX-License-Identifier: MIT */
/* fuzz-convert: any texts as a folder that is made into a model of ours: by
 * byte 0 one of Hugging Face, BLINK's bi-encoder, cross-encoder or re-ranker.
 * What comes out opens, also when it is brought to 8 bits; when nothing comes
 * out, nothing is left. */
#include "convert/convert.h"
#include "feed.h"
#include "net/quantize.h"

static const char *const names[] = {
    "in/config.json", "in/vocab.txt", "in/tokenizer.json",
    "in/params.json", "in/pytorch_model.bin", "in/model.safetensors"
};
enum { PARAMS = 3, BIN = 4, N_FILES = BL_COUNT(names) };

/* Opens the model, and removes what a model's folder has. */
static void check_model(const char *dir, bool there)
{
    static const char *const files[] = {
        "config.json", "vocab.txt", "blink.json", "model.safetensors"
    };
    struct bl_err err;
    struct bl_model *model = bl_model_open(dir, &err);

    CHECK(there == (model != NULL));
    bl_model_close(model);
    for (size_t i = 0; i < BL_COUNT(files); i++)
        feed_remove(bl_xasprintf("%s/%s", dir, files[i]));
    remove(dir);
    CHECK(access(dir, F_OK) < 0);
}

static void convert(enum bl_convert_kind kind, char *const *files,
                    const char *in)
{
    char *out = bl_xasprintf("%s/out", feed_folder());
    char *small = bl_xasprintf("%s/small", feed_folder());
    bool folder = kind == BL_CONVERT_HF || kind == BL_CONVERT_RERANKER;
    struct bl_convert options = {
        .kind = kind, .input = folder || !files[BIN] ? in : files[BIN],
        .params = files[PARAMS], .output = out
    };
    struct bl_convert_report report = { .vocab = NULL };
    struct bl_err err = { .code = BL_OK };
    int rc = bl_convert_run(&options, &report, &err);

    CHECK(rc == 0 || err.code == BL_DATA || err.code == BL_USAGE);
    if (rc == 0)
        check_model(small, bl_quantize_model(out, small, false, 1, &err)
                    == 0);
    check_model(out, rc == 0);
    free(report.vocab);
    free(out);
    free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    enum bl_convert_kind kind = feed_byte(&f) % 4;
    char *in = feed_subfolder("in"), *files[N_FILES] = { NULL };

    for (size_t i = 0; i < N_FILES; i++) {
        struct bl_span text = feed_piece(&f);

        if (text.n)
            files[i] = feed_file_of(names[i], text);
    }
    convert(kind, files, in);
    for (size_t i = 0; i < N_FILES; i++)
        if (files[i])
            feed_remove(files[i]);
    feed_remove(in);
    return 0;
}
