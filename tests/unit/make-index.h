/* SPDX-License-Identifier: MIT */
/* An index for a test, through the writer and back. */
#ifndef BL_TEST_MAKE_INDEX_H
#define BL_TEST_MAKE_INDEX_H

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "search/index.h"

/* folder/name of vectors v[n][dim] for the rows first, first + step ...
 * (modulo n_kb), opened; whoever fails at that ends the program. */
static inline void make_index(struct bl_index *x, const char *folder,
                              const char *name, enum bl_dtype dtype,
                              size_t dim, const float *v, size_t n,
                              size_t n_kb, size_t first, size_t step)
{
    struct bl_index_spec spec = { dtype, dim, "model", "kb", n_kb, n, NULL };
    char *path = bl_xasprintf("%s/%s", folder, name);
    struct bl_err err = { .msg = "" };
    struct bl_index_writer *w = bl_index_create(path, &spec, &err);
    bool good = w != NULL;

    for (size_t i = 0; good && i < n; i++)
        good = !bl_index_add(w, (first + i * step) % n_kb, v + i * dim,
                             &err);
    good = good && !bl_index_commit(w, &err) && !bl_index_open(x, path, &err)
           && !bl_index_verify(x, &err);
    if (!good) {
        printf("Bail out! %s\n", err.msg);
        exit(99);
    }
    free(path);
}

#endif
