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
 * (all_entities_large.t7), and indexes of FAISS that keep whole vectors:
 * flat, HNSW (without the number that BLINK adds to each vector) and IVF.
 * The file is mapped and the pages that were read are given back, so that
 * 24 GB need little memory.
 */
#ifndef BL_VECTOR_FILE_H
#define BL_VECTOR_FILE_H

#include <stddef.h>

#include "base/err.h"

struct bl_vector_file {
    size_t n, dim;              /* vectors, numbers in each */
    const char *model, *kb;     /* fingerprints; "" when the file has none */
    void *data;                 /* private */
};

/* NULL with BL_DATA. */
struct bl_vector_file *bl_vector_file_open(const char *path,
                                           struct bl_err *err);
/* Vectors [first, first + n) to out[n][dim]. */
void bl_vector_file_read(const struct bl_vector_file *file, size_t first,
                         size_t n, float *out);
/* The catalogue row that vector i is of: i, unless the file says more. */
size_t bl_vector_file_row(const struct bl_vector_file *file, size_t i);
void bl_vector_file_close(struct bl_vector_file *file);    /* NULL: nothing */

#endif
