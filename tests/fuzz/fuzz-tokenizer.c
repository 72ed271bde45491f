/* SPDX-License-Identifier: MIT */
/* fuzz-tokenizer: any text as the tokenizer.json that a vocab.txt is made
 * of.  What comes out has a word a line, as many as there were. */
#include "base/file.h"
#include "convert/convert.h"
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file("tokenizer.json", data, size);
    char *vocab = bl_xasprintf("%s/vocab.txt", feed_folder());
    struct bl_convert options = { .vocab = path };
    struct bl_convert_report report = { .vocab = NULL };
    struct bl_buf text = BL_BUF_INIT;
    struct bl_err err = { .code = BL_OK };
    int rc = bl_convert_vocab(&options, NULL, true, feed_folder(), &report,
                              &err);

    CHECK(rc == 0 ? access(vocab, F_OK) == 0 : err.code == BL_DATA);
    if (bl_file_read(vocab, 1 << 26, &text, NULL) == 0)
        CHECK(rc == 0 && (!text.len || text.data[text.len - 1] == '\n'));
    bl_buf_free(&text);
    free(report.vocab);
    feed_remove(vocab);
    feed_remove(path);
    return 0;
}
