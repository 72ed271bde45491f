/* SPDX-License-Identifier: MIT */
/*
 * faiss-shim: FAISS behind C functions, in the module libblink-faiss.so.
 *
 * The module exports bl_faiss_api() alone; ann.c opens the module and calls
 * through the table.  No exception leaves the module: a call that fails
 * returns -1 or NULL with a sentence in error[BL_ERR_MSG].  FAISS never sees
 * the name of a file.
 */
#ifndef BL_FAISS_SHIM_H
#define BL_FAISS_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

/* Raised whenever this file changes what crosses over. */
enum { BL_FAISS_ABI = 1 };

struct bl_faiss_index;

struct bl_faiss_api {
    unsigned abi;               /* BL_FAISS_ABI */
    const char *version;        /* of the FAISS built with, "1.7.3" */
    void (*threads)(size_t n);
    /* An index from its bytes, which bl_faiss_open() has accepted; they are
     * copied. */
    struct bl_faiss_index *(*read)(const unsigned char *p, size_t n,
                                   char *error);
    void (*close)(struct bl_faiss_index *x);    /* NULL: nothing */
    /* Sets what is not 0. */
    int (*tune)(struct bl_faiss_index *x, size_t ef_construction,
                size_t ef_search, size_t nprobe, char *error);
    /* queries[n][stored dim] -> ids[n][k], -1 where there are no more. */
    int (*search)(struct bl_faiss_index *x, const float *queries, size_t n,
                  size_t k, int64_t *ids, char *error);
    /* The vector of an id, decoded; 1: there is none. */
    int (*fetch)(struct bl_faiss_index *x, int64_t id, float *v,
                 char *error);
    /* An empty index: metric 0 inner product, 1 L2.  -1 too for types that
     * faiss-file.h would not read again. */
    struct bl_faiss_index *(*create)(size_t dim, const char *type,
                                     int metric, char *error);
    size_t (*lists)(const struct bl_faiss_index *x);    /* IVF, else 0 */
    int (*trained)(const struct bl_faiss_index *x);
    int (*train)(struct bl_faiss_index *x, const float *v, size_t n,
                 char *error);
    /* ids NULL: they follow those that are there. */
    int (*add)(struct bl_faiss_index *x, const float *v, const int64_t *ids,
               size_t n, char *error);
    /* Hands the file over in pieces; put returns -1 to stop. */
    int (*write)(const struct bl_faiss_index *x,
                 int (*put)(void *ctx, const void *p, size_t n), void *ctx,
                 char *error);
};

typedef const struct bl_faiss_api *bl_faiss_api_fn(void);

/* The table; static storage. */
const struct bl_faiss_api *bl_faiss_api(void)
    __attribute__((visibility("default")));

BL_END_DECLS

#endif
