/* SPDX-License-Identifier: MIT */
/*
 * faiss-file: an index file of the FAISS library, read without trust and
 * without FAISS.
 *
 *     struct bl_faiss f;
 *     bl_faiss_open(&f, "faiss_hnsw_index.pkl", &err);
 *     bl_faiss_check_kb(&f, fingerprint, count, "k.kb", &err);
 *     ... f.type, f.n, f.dim; bl_faiss_vector(&f, i, v, &row) ...
 *     bl_faiss_close(&f);
 *
 * FAISS believes what a file says, so that a damaged one makes it read
 * wherever the file points.  Opening therefore walks the whole structure,
 * in time linear in its size: every count against the bytes that are there,
 * every number of a vector, a list, a level or a neighbour against what it
 * counts, every stored float finite.  A file that passes can be given to
 * FAISS (ann.h).  Kinds that this does not know are refused.
 *
 * Known are Flat, SQ and PQ, each alone, in an HNSW graph (not PQ) or in the
 * lists of an IVF (whose lists are chosen by Flat or by HNSW), after a
 * linear transform (OPQ, RR) and with an IDMap.
 *
 * Which order an index ranks by: its metric is the inner product, or it is
 * squared L2 of vectors that all have one length, where both orders are the
 * same.  BLINK's HNSW indexes are of that second kind: they have one number
 * more than the model's vectors, which fills each vector up to the length of
 * the longest and is 0 in queries.  An L2 index of vectors of one length
 * whose last numbers are all positive or zero is taken for one.  Other L2
 * indexes are refused.
 *
 * A file that `blink-index ann` made ends with a trailer of ours, which
 * FAISS does not read: fingerprints and a checksum (blink-index(5)).  Files
 * of others have none, and nothing in them says which model or catalogue
 * they belong to.
 */
#ifndef BL_FAISS_FILE_H
#define BL_FAISS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "json/vector.h"

enum {
    BL_FAISS_TRAILER = 256,     /* bytes */
    BL_FAISS_TYPE_MAX = 96
};

enum bl_faiss_metric { BL_FAISS_IP, BL_FAISS_L2 };

/* Vectors that lie in a row in the file. */
struct bl_faiss_part {
    const unsigned char *vectors;       /* [n][stored_dim] floats, unaligned;
                                         * NULL unless raw */
    const unsigned char *ids;           /* [n] of 8 bytes; NULL: 0, 1, ... */
    uint64_t n;
};

struct bl_faiss {
    struct bl_map map;
    size_t size;                /* of the part that is FAISS's */
    char type[BL_FAISS_TYPE_MAX];       /* "HNSW128,Flat" */
    enum bl_faiss_metric metric;
    uint64_t n;                 /* vectors */
    size_t stored_dim;          /* numbers a vector has in the file */
    size_t dim;                 /* without BLINK's extra one */
    uint64_t lists, nprobe;     /* IVF, else 0 */
    size_t ef_search;           /* HNSW, else 0 */
    bool has_ids;               /* the file says which row a vector is of */
    const unsigned char *id_map;        /* [n] of 8 bytes, of an IDMap */
    bool raw;                   /* vectors are stored as floats */
    struct bl_faiss_part *parts;        /* of all vectors, no empty ones */
    size_t n_parts, cap_parts;
    uint64_t *starts;           /* [n_parts] vectors before each */
    /* From the trailer; "" when there is none. */
    char model[BL_FINGERPRINT_MAX + 1];
    char kb[BL_FINGERPRINT_MAX + 1];
    uint64_t kb_entities;
};

/* Whether these first bytes are those of a FAISS index, known or not. */
bool bl_faiss_is(const unsigned char *data, size_t size);
/* The same of a file: 1 yes, 0 no, -1 when it cannot be opened or read. */
int bl_faiss_is_file(const char *path, struct bl_err *err);

/* -1: BL_DATA with the path, the offset and what is wrong; nothing is left
 * open. */
int bl_faiss_open(struct bl_faiss *faiss, const char *path,
                  struct bl_err *err);
void bl_faiss_close(struct bl_faiss *faiss);

/* BL_DATA unless the trailer names this catalogue.  Without a trailer the
 * vectors must be as many as the entities, as vector i is row i; where the
 * file has ids, each must be a row of the catalogue and come once. */
int bl_faiss_check_kb(const struct bl_faiss *faiss, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err);

/* Compares the file with the checksum of its trailer, if it has one. */
int bl_faiss_verify(const struct bl_faiss *faiss, struct bl_err *err);

/* Vector i < faiss->n, counted through the file, to vector[dim] (only where
 * raw), and the row that it is of. */
void bl_faiss_vector(const struct bl_faiss *faiss, uint64_t i, float *vector);
uint64_t bl_faiss_row(const struct bl_faiss *faiss, uint64_t i);

/* The trailer of a file whose `bytes` before it have the digest `sum`. */
void bl_faiss_trailer(unsigned char out[BL_FAISS_TRAILER], uint64_t bytes,
                      const unsigned char *sum, const char *model,
                      const char *kb, uint64_t entities);

/* ---- For faiss-file.c alone (faiss-walk.c) ---- */

/* Walks faiss->map.data[0..faiss->size) and fills the fields from `type` to
 * `n_parts`; dim is stored_dim yet. */
int bl_faiss_walk(struct bl_faiss *faiss, struct bl_err *err);

#endif
