/* SPDX-License-Identifier: MIT */
/* fuzz-zeshel: any lines as a world's pages and a split's mentions.  What is
 * made of them is one JSON object a line, or nothing is left behind. */
#include "base/file.h"
#include "convert/zeshel.h"
#include "feed.h"
#include "json/record.h"

static size_t check_lines(char *path)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_record record = { 0 };
    size_t n = 0;

    if (bl_file_read(path, 1 << 26, &text, NULL) == 0)
        for (char *p = text.data, *end; (end = strchr(p, '\n')); p = end + 1) {
            CHECK(bl_record_parse(&record, (struct bl_span){ p,
                                  (size_t)(end - p) }, ++n, NULL) == 0);
        }
    bl_record_free(&record);
    bl_buf_free(&text);
    feed_remove(path);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    char *in = feed_subfolder("in"), *pages = feed_subfolder("in/documents");
    char *mentions = feed_subfolder("in/mentions");
    char *world = feed_file_of("in/documents/w.json", feed_piece(&f));
    char *split = feed_file_of("in/mentions/val.json", feed_piece(&f));
    char *out = bl_xasprintf("%s/out", feed_folder());
    struct bl_zeshel zeshel = { .input = in, .output = out };
    struct bl_zeshel_report report = { 0 };
    struct bl_err err;
    int rc = bl_zeshel_run(&zeshel, &report, &err);
    size_t n = check_lines(bl_xasprintf("%s/w.entities.jsonl", out));

    CHECK(rc == 0 ? n == report.entities : n == 0 && err.code == BL_DATA);
    n = check_lines(bl_xasprintf("%s/valid.jsonl", out));
    CHECK(rc == 0 ? n == report.mentions : n == 0);
    CHECK(rc == 0 || access(out, F_OK) < 0);
    feed_remove(out);
    feed_remove(split);
    feed_remove(world);
    feed_remove(mentions);
    feed_remove(pages);
    feed_remove(in);
    return 0;
}
