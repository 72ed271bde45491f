/* SPDX-License-Identifier: MIT */
/*
 * index: vectors of a catalogue's entities in one mapped file (.blx).
 *
 *     struct bl_index x;
 *     bl_index_open(&x, "k.blx", &err);
 *     bl_index_check_kb(&x, kb_fingerprint, kb_count, "k.kb", &err);
 *     ... x.segments[0].rows[i], bl_index_decode(&x, seg, i, 1, v) ...
 *     bl_index_close(&x);
 *
 * Opening reads the 4096-byte header only: magic, version, byte order,
 * checksum, and that every offset and size in it is exactly what the file
 * has.  bl_index_verify() reads all.  A file is made once and replaced
 * whole, never written in place.  Every byte: blink-index(5).
 *
 * A large index is not written again for a few new vectors: they are in a
 * small file of changes beside it, which names the file that it belongs to
 * and hides the old vectors of its rows.  bl_index_open() opens both as one
 * index; which is written is the matter of bl_index_change().
 *
 * A file has one or more segments, each with its own vectors and catalogue
 * rows; a vector whose row is BL_INDEX_REMOVED is skipped by every reader.
 * f32 and f16 may have int8 codes beside them, for a search that reads those
 * and then few vectors (topk-coarse.h); all else sees the vectors alone.
 * Reading is safe from several threads.
 */
#ifndef BL_INDEX_H
#define BL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/err.h"
#include "base/file.h"
#include "json/vector.h"

BL_BEGIN_DECLS

enum {
    BL_INDEX_VERSION = 1,
    BL_INDEX_VERSION_BOTH = 2,  /* of types f32+int8 and f16+int8 */
    BL_INDEX_VERSION_CHANGES = 3,   /* of a file of changes */
    BL_INDEX_HEADER = 4096,     /* bytes */
    BL_INDEX_MAX_SEGMENTS = 30
};

#define BL_INDEX_REMOVED UINT32_MAX

/* As in the file; --dtype, one of these names, is one less. */
#define BL_DTYPE_NAMES "f32|f16|int8|f32+int8|f16+int8"
enum bl_dtype {
    BL_DTYPE_F32 = 1, BL_DTYPE_F16, BL_DTYPE_INT8, BL_DTYPE_F32_INT8,
    BL_DTYPE_F16_INT8
};

/* "f32", "f16+int8" ...; static storage. */
const char *bl_dtype_name(enum bl_dtype dtype);
/* Of a file with such numbers: BL_INDEX_VERSION or BL_INDEX_VERSION_BOTH. */
int bl_dtype_version(enum bl_dtype dtype);

struct bl_index_segment {
    uint64_t n;                 /* vectors */
    const unsigned char *vectors;   /* [n][stride bytes], 64-byte aligned */
    const uint32_t *rows;       /* [n] catalogue rows */
    /* NULL without int8; for int8 alone the codes are the vectors. */
    const int8_t *codes;        /* [n][code_stride] */
    const float *scales;        /* [n]: scale * code is the number, or, with
                                 * f32 or f16, near it */
    const float *lost;          /* [n]: with f32 or f16, the length of
                                 * v - scale * codes at most */
    const struct bl_map *map;   /* of the file that it is in */
    uint32_t *shown;            /* what rows are where some are hidden; NULL:
                                 * those of the file */
};

struct bl_index {
    struct bl_map map;
    enum bl_dtype dtype;
    size_t dim;                 /* numbers a vector has */
    size_t padded;              /* with the zeros up to 64 bytes */
    size_t stride;              /* bytes from vector to vector */
    size_t code_stride;         /* bytes from codes to codes */
    uint64_t n;                 /* vectors, without the removed ones */
    uint64_t kb_entities;
    char model[BL_FINGERPRINT_MAX + 1];
    char kb[BL_FINGERPRINT_MAX + 1];
    struct bl_index_segment segments[2 * BL_INDEX_MAX_SEGMENTS];
    size_t n_segments;
    size_t n_own;               /* those of the file itself, which come before
                                 * those of its changes */
    struct bl_map changes;      /* data == NULL: there are none */
};

/* -1: BL_DATA; nothing is left open.  *index is to stay where it is. */
int bl_index_open(struct bl_index *index, const char *path,
                  struct bl_err *err);
void bl_index_close(struct bl_index *index);

/* BL_DATA unless the index was made from this catalogue. */
int bl_index_check_kb(const struct bl_index *index, const char *fingerprint,
                      uint64_t entities, const char *kb_path,
                      struct bl_err *err);

/* From now on the vectors of these rows[n_rows] count as removed. */
void bl_index_hide(struct bl_index *index, const int64_t *rows, size_t n_rows);

/* Reads everything: checksums of the segments, rows within the catalogue and
 * given once, finite values, zero padding, count, and that codes beside f32
 * or f16 are as near to them as they say.  BL_DATA names the first fault and
 * its place. */
int bl_index_verify(const struct bl_index *index, struct bl_err *err);

/* Vectors [first, first + n) of a segment as floats: out[n][padded]; of f32
 * and f16 with codes the vectors, not the codes. */
void bl_index_decode(const struct bl_index *index,
                     const struct bl_index_segment *segment, uint64_t first,
                     size_t n, float *out);

/* ---- Making one ---- */

struct bl_index_spec {
    enum bl_dtype dtype;
    size_t dim;
    const char *model;          /* 1..64 bytes */
    const char *kb;             /* the catalogue's fingerprint */
    uint64_t kb_entities;
    uint64_t expected;          /* vectors; space for them is reserved */
    const unsigned char *base;  /* of a file of changes: the checksum, 32
                                 * bytes, of the header that it belongs to;
                                 * else NULL */
};

struct bl_index_writer;

/* NULL with *err on failure.  The target appears at commit only. */
struct bl_index_writer *bl_index_create(const char *path,
                                        const struct bl_index_spec *spec,
                                        struct bl_err *err);
/* One more vector[dim] for catalogue row `row`.  -1: BL_DATA when the row
 * is outside the catalogue or was given before, or a value is not finite (or
 * too large for f16); BL_SYSTEM when writing fails.  The writer stays to be
 * aborted. */
int bl_index_add(struct bl_index_writer *writer, uint64_t row,
                 const float *vector, struct bl_err *err);
uint64_t bl_index_added(const struct bl_index_writer *writer);
/* A row that is not to have one: bl_index_missing() does not name it. */
void bl_index_pass(struct bl_index_writer *writer, uint64_t row);
/* A catalogue row that has no vector yet; kb_entities when none lacks. */
uint64_t bl_index_missing(const struct bl_index_writer *writer);
/* One more as `index`, of the same dtype and dim, has it at place i of that
 * segment; nothing when it is removed there. */
int bl_index_add_stored(struct bl_index_writer *writer,
                        const struct bl_index *index,
                        const struct bl_index_segment *segment, uint64_t i,
                        struct bl_err *err);
/* Both release the writer.  Codes beside f32 or f16 are made by the commit,
 * which for that reads again what was written. */
int bl_index_commit(struct bl_index_writer *writer, struct bl_err *err);
void bl_index_abort(struct bl_index_writer *writer);

/* ---- Changing one ---- */

struct bl_index_change {
    const char *kb;             /* the catalogue as it is now; NULL: as the
                                 * index says */
    uint64_t kb_entities;
    const char *model;          /* of the vectors to be added: the index's, */
    size_t dim;                 /* unless it has none */
    const int64_t *gone;        /* [n_gone] rows whose vectors are left out */
    size_t n_gone;
    uint64_t n_new;             /* vectors that will be added */
};

/* A writer that has the vectors of the index at `path` but those of gone
 * rows, which bl_index_add() may then give.  Its commit puts a file of changes
 * beside an index of more than 16 MiB as long as that has at most an eighth
 * as many vectors, and else writes the index anew, without what is removed,
 * and takes the file of changes away.  Readers see the old index or the new
 * one.  Who changes the same index meanwhile waits.  NULL with *err. */
struct bl_index_writer *bl_index_change(const char *path,
                                        const struct bl_index_change *change,
                                        struct bl_err *err);

BL_END_DECLS

#endif
