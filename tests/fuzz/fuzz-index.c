/* SPDX-License-Identifier: MIT */
/* fuzz-index: any bytes as a .blx file, with the header's checksum made
 * right so that what follows it is reached.  What opens can be verified and
 * searched without a step outside the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "feed.h"
#include "search/index-file.h"
#include "search/topk.h"

/* One query, and as many as other kernels are there for. */
static void search(const struct bl_index *x)
{
    enum { K = 3, MANY = 20 };
    float *queries = calloc(MANY, x->dim * sizeof *queries);
    struct bl_topk *t = bl_topk_new(&x, 1, 1);
    struct bl_hit hits[MANY * K];
    size_t found[MANY];

    if (!queries)
        abort();
    for (size_t i = 0; i < MANY; i++)
        queries[i * x->dim + i % x->dim] = 1;
    for (size_t n = 1; n <= MANY; n += MANY - 1) {
        bl_topk_search(t, queries, n, K, hits, found);
        for (size_t i = 0; i < n; i++)
            if (found[i] > K || found[i] > x->n + x->segments[0].n)
                abort();
    }
    bl_topk_free(t);
    free(queries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = bl_xmemdup(data, size);
    char *path;
    struct bl_index x;
    struct bl_err err;

    if (size >= BL_INDEX_HEADER)
        bl_sha256_header(copy, BL_INDEX_HEADER, AT_SUM, copy + AT_SUM);
    path = feed_file("index", copy, size);
    free(copy);
    if (bl_index_open(&x, path, &err) == 0) {
        /* The table of a search is as large as the catalogue. */
        if (x.kb_entities < 1 << 20)
            bl_index_verify(&x, &err);
        search(&x);
        bl_index_close(&x);
    }
    feed_remove(path);
    return 0;
}
