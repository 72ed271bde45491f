/* SPDX-License-Identifier: MIT */
/* fuzz-names: any bytes as a .names file, with the header's checksum made
 * right so that what follows it is reached.  What opens can be verified and
 * looked into without a step outside the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "feed.h"
#include "kb/names-file.h"

/* Names that kept inputs have, and the file's own bytes as one. */
static void find(const struct bl_names *names, const uint8_t *data,
                 size_t size)
{
    static const char *const words[] = { "a", "cyanoacrylate", "super glue",
                                         "zz" };
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_name name;
    struct bl_err err;

    for (size_t i = 0; i < BL_COUNT(words); i++)
        bl_names_find(names, bl_span_of(words[i]), &arena, &name, &err);
    if (size > NAMES_HEADER + 16)
        bl_names_find(names, (struct bl_span){
            (const char *)data + NAMES_HEADER + 2, 8 }, &arena, &name, &err);
    bl_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = bl_xmemdup(data, size);
    char *path;
    struct bl_names *names;
    struct bl_err err;

    if (size >= NAMES_HEADER) {
        bl_sha256_of(copy + NAMES_HEADER, size - NAMES_HEADER,
                     copy + AT_BODY_SUM);
        bl_sha256_header(copy, NAMES_HEADER, AT_SUM, copy + AT_SUM);
    }
    path = feed_file("names", copy, size);
    names = bl_names_open(path, &err);
    if (names) {
        find(names, copy, size);
        bl_names_verify(names, &err);
        bl_names_close(names);
    }
    free(copy);
    feed_remove(path);
    return 0;
}
