/* SPDX-License-Identifier: MIT */
/*
 * vector: the `embedding` field of records, read strictly and written.
 *
 *     {"model":"9f2c...","dim":384,"f32":"<base64, little-endian floats>"}
 *     {"model":"9f2c...","dim":384,"values":[0.25,-1.5,...],"names":true}
 *
 *     struct bl_vector v;
 *     bl_vector_get(&rec, &want, &arena, &v, &err);
 *     bl_vector_put(&buf, v.v, v.dim, "9f2c...", v.names, BL_FLOATS_BASE64);
 *
 * Reading refuses whatever would give a wrong number quietly: another
 * dimension, base64 of another length or with stray bits, NaN, infinities
 * and numbers outside the range of a float.  Denormal numbers are numbers.
 * Values live in the caller's arena, 64-byte aligned.
 */
#ifndef BL_VECTOR_H
#define BL_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"
#include "json/record.h"

BL_BEGIN_DECLS

enum {
    BL_VECTOR_MAX_DIM = 1 << 16,
    BL_FINGERPRINT_MAX = 64     /* bytes of a model or catalogue name */
};

/* How floats are written; also the order of --floats base64|json. */
enum bl_floats { BL_FLOATS_BASE64, BL_FLOATS_JSON };

struct bl_vector {
    float *v;                   /* [dim], arena memory */
    size_t dim;
    struct bl_span model;       /* the maker's fingerprint, arena memory */
    bool names;                 /* the model wants names looked up, too */
};

/* What a reader insists on. */
struct bl_vector_want {
    size_t dim;                 /* 0: any */
    const char *model;          /* NULL: any */
    const char *by;             /* who wants it: "'k.blx'"; for messages */
};

/* The field `embedding` of a record.  -1 with BL_NO_STAGE when it is absent,
 * BL_BAD_FIELD when it is no object, BL_BAD_VECTOR for its size, encoding or
 * values, BL_MODEL_MISMATCH when another model made it. */
int bl_vector_get(const struct bl_record *r,
                  const struct bl_vector_want *want, struct bl_arena *arena,
                  struct bl_vector *out, struct bl_err *err);

/* The same from the raw value of such a field (checked JSON). */
int bl_vector_read(struct bl_span value, const struct bl_vector_want *want,
                   struct bl_arena *arena, struct bl_vector *out,
                   struct bl_err *err);

/* Appends the field's value.  9 significant digits read back to the same
 * float.  v[0..dim) must be finite: check with bl_finite_before() first.
 * `names` is written where it is true (model.h). */
void bl_vector_put(struct bl_buf *out, const float *v, size_t dim,
                   const char *model, bool names, enum bl_floats form);

BL_END_DECLS

#endif
