/* SPDX-License-Identifier: MIT */
/* fuzz-kb: a catalogue whose bytes are anybody's.  What opens answers every
 * question, or refuses it, in bounded time; what can be added to is added to.
 * An input that begins like an SQLite file is one; any other is a list of
 * changes to a good catalogue: a page, a place in it, what is done there. */
#include "catalogue.h"
#include "feed.h"

enum { PAGE = 4096, MOST = 1 << 20 };

static void set_bytes(struct feed *f, unsigned char *page, size_t at)
{
    size_t n = feed_size(f, 1, 8);

    for (size_t i = 0; i < n && at + i < PAGE; i++)
        page[at + i] = (unsigned char)feed_byte(f);
}

/* Numbers that headers and cells have, big end first: pages, offsets. */
static void set_number(struct feed *f, unsigned char *page, size_t at)
{
    unsigned value = feed_byte(f);

    for (size_t i = 0; i < 4 && at + i < PAGE; i++)
        page[at + i] = i == 3 ? (unsigned char)value : 0;
}

/* Changes until the input is used up; the size that is left of the file. */
static size_t change(struct feed *f, unsigned char *bytes, size_t size)
{
    size_t left = size;

    while (f->n > 3) {
        unsigned char *page = bytes + feed_byte(f) % (size / PAGE) * PAGE;
        unsigned what = feed_byte(f);
        size_t at = what & 8 ? feed_size(f, 0, PAGE - 1) : feed_byte(f) % 32;

        switch (what % 4) {
        case 0:
            set_number(f, page, at);
            break;
        case 1:
            memmove(page, bytes + feed_byte(f) % (size / PAGE) * PAGE, PAGE);
            break;
        case 2:
            if (what == 0xfe)
                left = feed_size(f, 0, size);
            break;
        default:
            set_bytes(f, page, at);
            break;
        }
    }
    return left;
}

static void add(const char *path)
{
    struct bl_kb_input in = { .id = BL_SPAN_LIT("9"),
                              .title = BL_SPAN_LIT("Paris, Texas"),
                              .text = BL_SPAN_LIT("A town.") };
    struct bl_err err = { .code = BL_OK };
    struct bl_kb_builder *builder = bl_kb_update_open(path, true, &err);

    if (builder && bl_kb_build_add(builder, &in, "new", 1, &err) < 0)
        bl_kb_build_abort(builder);
    else if (builder)
        (void)bl_kb_build_finish(builder, &err);
    CHECK(err.code == BL_OK || err.code == BL_DATA);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span good = catalogue_bytes();
    struct feed f = { data, size, 1 };
    unsigned char *bytes;
    char *path;

    if (size > MOST)
        return 0;
    if (size >= 16 && !memcmp(data, "SQLite format 3", 16)) {
        path = feed_file("x.kb", data, size);
    } else {
        bytes = bl_xmemdup(good.p, good.n);
        path = feed_file("x.kb", bytes, change(&f, bytes, good.n));
        free(bytes);
    }
    catalogue_use(path);
    if (size % 8 == 0)
        add(path);
    feed_remove(path);
    return 0;
}
