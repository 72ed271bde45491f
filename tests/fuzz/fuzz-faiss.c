/* SPDX-License-Identifier: MIT */
/* fuzz-faiss: any bytes as an index file of FAISS.  What opens gives all its
 * vectors and rows without a step outside the file; with BLINK_MODULES set,
 * FAISS searches it too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "feed.h"
#include "search/ann.h"

static void read_all(const struct bl_faiss *f)
{
    float *v = bl_xmalloc(f->stored_dim, sizeof *v);
    struct bl_err err;
    double sum = 0;

    for (uint64_t i = 0; i < f->n; i++) {
        if (bl_faiss_row(f, i) >= UINT32_MAX)
            abort();
        if (f->raw)
            bl_faiss_vector(f, i, v);
        sum += f->raw ? (double)v[f->dim - 1] : 0;
    }
    if (sum != sum)
        abort();
    free(v);
    bl_faiss_check_kb(f, "k", f->n, "k.kb", &err);
    bl_faiss_verify(f, &err);
}

/* Widths as a file may say them can be too many for a test. */
static void search(const char *path, size_t dim)
{
    enum { K = 3 };
    struct bl_ann_opts opts = { .threads = 1 };
    struct bl_err err;
    struct bl_ann *a = bl_ann_open(path, &opts, &err);
    float *query = bl_xcalloc(dim, sizeof *query);
    struct bl_hit hits[K];
    size_t found;

    query[0] = 1;
    if (a && bl_ann_search(a, query, 1, K, hits, &found, &err) == 0
        && found > K)
        abort();
    free(query);
    bl_ann_close(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file("index", data, size);
    struct bl_faiss f;
    struct bl_err err;
    size_t dim = 0;

    if (bl_faiss_open(&f, path, &err) == 0) {
        read_all(&f);
        dim = f.dim;
        bl_faiss_close(&f);
    }
    if (dim && getenv("BLINK_MODULES"))
        search(path, dim);
    feed_remove(path);
    return 0;
}
