/* SPDX-License-Identifier: MIT */
/* fuzz-vocab: any bytes as a vocab.txt.  One that opens finds each of its
 * tokens again, and no id that is not there. */
#include <stdint.h>
#include <stdlib.h>

#include "feed.h"
#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
    struct bl_wordpiece_opts o = { .lowercase = true };
    struct bl_span text = { (const char *)data, size };
    struct bl_buf file = BL_BUF_INIT;
    struct bl_wordpiece *wp;
    struct bl_err err;
    int32_t ids[64];
    char *path;

    /* A first byte above 127 asks for the bytes as they are. */
    if (size == 0 || data[0] < 128)
        bl_buf_puts(&file, head);
    bl_buf_put_span(&file, text);
    path = feed_file("vocab.txt", file.data, file.len);
    bl_buf_free(&file);
    wp = bl_wordpiece_open(path, &o, &err);
    feed_remove(path);
    CHECK(wp || err.code == BL_DATA);
    if (!wp)
        return 0;
    for (size_t i = 0; i < bl_wordpiece_size(wp); i++)
        CHECK(bl_wordpiece_find(wp, bl_wordpiece_token(wp, (int32_t)i))
              == (int32_t)i);
    size = bl_wordpiece_ids(wp, text, 3, ids, 64, NULL);
    for (size_t i = 0; i < size; i++)
        bl_wordpiece_token(wp, ids[i]);
    bl_wordpiece_close(wp);
    return 0;
}
