/* SPDX-License-Identifier: MIT */
/*
 * vector-file: the matrix of entity vectors that BLINK publishes, from
 * PyTorch's or FAISS's file of it.
 *
 *     struct bl_vector_file *f = bl_vector_file_open("all.t7", &err);
 *     bl_vector_file_read(f, 0, 1000, v);       the first 1000 of f->n rows
 *     bl_vector_file_close(f);
 *
 * Read are files of torch.save that hold one matrix of floats
 * (all_entities_large.t7), and FAISS's flat inner-product index (what
 * BLINK's DenseFlatIndexer saves under the name .pkl).  The file is mapped
 * and the pages that were read are given back, so that 24 GB need little
 * memory.
 */
#ifndef BL_VECTOR_FILE_H
#define BL_VECTOR_FILE_H

#include <stddef.h>

#include "err.h"

struct bl_vector_file {
    size_t n, dim;              /* rows, numbers in each */
    void *data;                 /* private */
};

/* NULL with BL_DATA. */
struct bl_vector_file *bl_vector_file_open(const char *path,
                                           struct bl_err *err);
/* Rows [first, first + n) to out[n][dim]. */
void bl_vector_file_read(const struct bl_vector_file *f, size_t first,
                         size_t n, float *out);
void bl_vector_file_close(struct bl_vector_file *f);    /* NULL: nothing */

#endif
