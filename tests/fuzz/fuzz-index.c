/* SPDX-License-Identifier: MIT */
/* fuzz-index: any bytes as a .blx file, with the header's checksum made
 * right so that what follows it is reached; bytes that say that they are
 * changes are those of a small index.  What opens can be verified and searched
 * without a step outside the files. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
            if (found[i] > K)
                abort();
    }
    bl_topk_free(t);
    free(queries);
}

/* An index of two vectors to which the changes belong, which are then given
 * its name and its model; the path, NULL when they cannot. */
static char *make_base(uint8_t *changes)
{
    static const float vector[64];
    struct bl_index_spec spec = {
        .dtype = get32(changes + AT_DTYPE), .dim = get32(changes + AT_DIM),
        .model = "m", .kb = "k", .kb_entities = 4
    };
    char *path = feed_file("base", "", 0);
    struct bl_index_writer *writer = NULL;
    struct bl_index base;
    struct bl_err err;

    if (spec.dtype >= BL_DTYPE_F32 && spec.dtype <= BL_DTYPE_F16_INT8
        && spec.dim > 0 && spec.dim <= BL_COUNT(vector))
        writer = bl_index_create(path, &spec, &err);
    if (!writer || bl_index_add(writer, 0, vector, &err) < 0
        || bl_index_add(writer, 3, vector, &err) < 0
        || bl_index_commit(writer, &err) < 0
        || bl_index_open(&base, path, &err) < 0) {
        feed_remove(path);
        return NULL;
    }
    memcpy(changes + AT_BASE, base.map.data + AT_SUM, BL_SHA256_SIZE);
    bl_index_close(&base);
    memset(changes + AT_MODEL, 0, BL_FINGERPRINT_MAX);
    changes[AT_MODEL] = 'm';
    return path;
}

static void write_changes(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* The input as the changes of an index. */
static void feed_changes(uint8_t *copy, size_t size)
{
    char *path = make_base(copy), *changes;
    struct bl_index x;
    struct bl_err err;

    if (!path)
        return;
    changes = bl_index_changes_path(path);
    bl_sha256_header(copy, BL_INDEX_HEADER, AT_SUM, copy + AT_SUM);
    write_changes(changes, copy, size);
    if (bl_index_open(&x, path, &err) == 0) {
        if (x.kb_entities < 1 << 20)
            bl_index_verify(&x, &err);
        search(&x);
        bl_index_close(&x);
    }
    unlink(changes);
    free(changes);
    feed_remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = bl_xmemdup(data, size);
    char *path;
    struct bl_index x;
    struct bl_err err;

    if (size >= BL_INDEX_HEADER
        && get32(copy + AT_VERSION) == BL_INDEX_VERSION_CHANGES)
        feed_changes(copy, size);
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
