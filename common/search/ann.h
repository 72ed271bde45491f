/* SPDX-License-Identifier: MIT */
/*
 * ann: approximate nearest neighbours, in an index file of FAISS.
 *
 *     struct bl_ann *a = bl_ann_open("faiss_hnsw_index.pkl", &opts, &err);
 *     bl_ann_search(a, queries, n, 10, hits, found, &err);
 *     bl_ann_close(a);
 *
 * FAISS is C++ and not always there: it lives in the module
 * libblink-faiss.so, opened by the first bl_ann_open() or bl_ann_make().
 * Without it both fail with a sentence that says how to get it; reading what
 * an index is, and its vectors where it keeps them, needs no module
 * (faiss-file.h).  The file is checked whole before FAISS sees it.
 *
 * Unlike topk.h the search may miss some of the best; and it is not the same
 * for all versions of FAISS.  Scores are inner products of the query with
 * the vectors that the index holds (decoded where it holds codes), added up
 * here in one fixed order: larger is better, whatever the index ranks by,
 * and the same query and vector give the same bits.
 *
 * For use by one thread; FAISS has its own.
 */
#ifndef BL_ANN_H
#define BL_ANN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "search/faiss-file.h"
#include "search/index.h"
#include "search/topk.h"

struct bl_ann;

struct bl_ann_opts {
    size_t ef_search;           /* HNSW: width of the search; 0: the file's */
    size_t nprobe;              /* IVF: lists looked into; 0: the file's */
    size_t threads;             /* 0: as bl_topk_new() */
};

/* NULL: BL_DATA, also without the module; BL_USAGE for an option that means
 * nothing to this kind of index. */
struct bl_ann *bl_ann_open(const char *path, const struct bl_ann_opts *opts,
                           struct bl_err *err);
void bl_ann_close(struct bl_ann *ann);            /* NULL: nothing */

/* What the file is; borrowed until close. */
const struct bl_faiss *bl_ann_file(const struct bl_ann *ann);
/* "FAISS 1.7.3, HNSW128,Flat, efSearch 256"; borrowed until close. */
const char *bl_ann_describe(const struct bl_ann *ann);

/* As bl_topk_search(); found[i] may be less than k for any reason.  -1:
 * BL_SYSTEM with what FAISS says. */
int bl_ann_search(struct bl_ann *ann, const float *queries, size_t n, size_t k,
                  struct bl_hit *hits, size_t *found, struct bl_err *err);

/* As bl_topk_scores(): NAN for a row that the index does not have. */
int bl_ann_scores(struct bl_ann *ann, const float *query, const uint32_t *rows,
                  size_t n, float *scores, struct bl_err *err);

/* The FAISS that is there, "1.7.3"; static storage.  NULL: BL_DATA. */
const char *bl_ann_version(struct bl_err *err);

/* ---- Making one ---- */

struct bl_ann_spec {
    const char *type;           /* FAISS's index_factory string: "HNSW32",
                                 * "IVF4096,PQ64", "OPQ64,IVF4096,SQ8" */
    size_t ef_construction;     /* HNSW; 0: 200 */
    size_t ef_search, nprobe;   /* kept in the file; 0: 128; 1/32 of the
                                 * lists, but at least 8 */
    size_t threads;
    /* Called now and then when not NULL. */
    void (*progress)(void *ctx, size_t more);
    void *ctx;
};

/* Writes an approximate index of all vectors of `index`, with its
 * fingerprints, to a file that appears when it is complete.  An HNSW type of
 * whole vectors is laid out as BLINK's.  -1: BL_DATA for a type that FAISS or
 * faiss-file.h does not know, or too few vectors for it; BL_SYSTEM when
 * writing fails. */
int bl_ann_make(const struct bl_index *index, const struct bl_ann_spec *spec,
                const char *path, struct bl_err *err);

#endif
