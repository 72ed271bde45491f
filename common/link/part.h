/* SPDX-License-Identifier: MIT */
/*
 * part: the lists that several parts of one index gave for the same mention,
 * made into the list of the whole index, bit for bit.
 *
 *     struct bl_part parts[2];
 *     struct bl_candidates lists[2], merged;
 *     ... bl_part_read(&record[i], &arena, lists[i].n, &parts[i], &err) ...
 *     if (bl_part_check(parts, 2, false, &err) == 0)
 *         bl_part_merge(parts, lists, 2, &arena, &merged);
 *
 * `blink-retrieve --part` adds to each record what it takes:
 *
 *     "part":{"model":"...","catalogue":"...","k":10,
 *             "vectors":500,"rows":"9f...","of":[1000,"3c..."],
 *             "row":[17,4],"why":"31"}
 *
 * The numbers of vectors and the sums of their rows tell whether the parts
 * together are the whole, each row once: a sum is that of a mixed number for
 * each row, modulo 2^64, so that neither the order nor the division matters.
 * `row` and `why` are of the candidates, in their order.
 */
#ifndef BL_PART_H
#define BL_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/candidates.h"
#include "json/record.h"

BL_BEGIN_DECLS

/* How many vectors, and the sum of their rows. */
struct bl_part_rows {
    uint64_t n, sum;
};

struct bl_part {
    struct bl_span model, kb;   /* fingerprints */
    size_t k;
    struct bl_part_rows here, all;  /* of this part, and of the whole */
    const uint32_t *row;        /* [n] of the catalogue */
    const unsigned char *why;   /* [n] enum bl_why (gather.h) */
    size_t n;                   /* candidates */
};

void bl_part_count(struct bl_part_rows *rows, uint32_t row);

/* Appends the value of the field. */
void bl_part_put(struct bl_buf *out, const struct bl_part *part);

/* The field `part` of a record with n candidates.  -1: BL_BAD_FIELD when it
 * is not there or not what bl_part_put() writes. */
int bl_part_read(const struct bl_record *record, struct bl_arena *arena,
                 size_t n, struct bl_part *out, struct bl_err *err);

/* Whether these are the parts of one whole, all of it unless `partial`.  -1:
 * BL_DATA. */
int bl_part_check(const struct bl_part *parts, size_t n, bool partial,
                  struct bl_err *err);

/* The list of the whole; candidates are those of the lists, as they are. */
void bl_part_merge(const struct bl_part *parts,
                   const struct bl_candidates *lists, size_t n,
                   struct bl_arena *arena, struct bl_candidates *out);

BL_END_DECLS

#endif
