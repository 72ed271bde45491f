/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/vector.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/finite.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/writer.h"

enum { SHOWN = 16 };            /* digits of a fingerprint in messages */

/* ---- Floats ---- */

/* Little-endian bytes to floats in place, whatever this machine is. */
static void from_little_endian(float *v, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < n; i++) {
        uint32_t x;

        memcpy(&x, &v[i], sizeof x);
        x = __builtin_bswap32(x);
        memcpy(&v[i], &x, sizeof x);
    }
#else
    (void)v;
    (void)n;
#endif
}

/* A checked JSON number of at most 15 digits and a small exponent is one
 * exact multiplication or division of doubles.  False: not such a number. */
static bool short_number(struct bl_span s, double *out)
{
    static const double ten[] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
        1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
    };
    const char *p = s.p, *end = s.p + s.n;
    uint64_t m = 0;
    int digit_count = 0, e = 0, exponent = 0;
    bool negative = p < end && *p == '-', point = false;

    for (p += negative; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            return false;
        m = m * 10 + (uint64_t)(*p - '0');
        digit_count += m > 0;
        e -= point;
        if (digit_count > 15 || e < -40)
            return false;
    }
    if (p < end) {
        bool down = p + 1 < end && p[1] == '-';

        for (p += 1 + (p + 1 < end && (p[1] == '-' || p[1] == '+')); p < end;
             p++)
            if (*p < '0' || *p > '9' || (exponent =
                exponent * 10 + (*p - '0')) > 60)
                return false;
        e += down ? -exponent : exponent;
    }
    if (e < -22 || e > 22)
        return false;
    double v = e < 0 ? (double)m / ten[-e] : (double)m * ten[e];
    *out = negative ? -v : v;
    return true;
}

/* ---- The field ---- */

struct parts {
    struct bl_span model, dim, f32, values, names;  /* p == NULL: absent */
};

/* Members of other names are no concern of ours.  One that comes twice is
 * refused, because readers differ in which of the two they take. */
static int take_parts(struct bl_span object, struct parts *parts,
                      struct bl_err *err)
{
    struct { const char *name; struct bl_span *to; } known[] = {
        { "model", &parts->model }, { "dim", &parts->dim },
        { "f32", &parts->f32 }, { "values", &parts->values },
        { "names", &parts->names }
    };
    struct bl_json_iter it = bl_json_iter(object);
    struct bl_span key, value;

    memset(parts, 0, sizeof *parts);
    while (bl_json_next(&it, &key, &value))
        for (size_t i = 0; i < BL_COUNT(known); i++) {
            if (!bl_json_key_is(key, known[i].name))
                continue;
            if (known[i].to->p)
                return bl_fail(err, BL_DUPLICATE_KEY, "'%s' comes twice",
                               known[i].name);
            *known[i].to = value;
        }
    return 0;
}

static int check_model(const struct parts *parts,
                       const struct bl_vector_want *want,
                       struct bl_arena *arena, struct bl_vector *out,
                       struct bl_err *err)
{
    if (!parts->model.p)
        return bl_fail(err, BL_BAD_FIELD, "'model' is missing");
    if (bl_json_string(parts->model, arena, &out->model, err) < 0)
        return bl_err_prefix(err, "'model'");
    if (!out->model.n || out->model.n > BL_FINGERPRINT_MAX)
        return bl_fail(err, BL_BAD_FIELD,
                       "'model' has %zu bytes where 1 to %d were expected",
                       out->model.n, BL_FINGERPRINT_MAX);
    if (want->model && !bl_span_is(out->model, want->model))
        return bl_fail(err, BL_MODEL_MISMATCH,
                       "made by model '%.*s' where %s has '%.*s': give "
                       "blink-embed -m the same model", SHOWN,
                       out->model.p, want->by, SHOWN, want->model);
    return 0;
}

static int check_dim(const struct parts *parts,
                     const struct bl_vector_want *want, size_t *dim,
                     struct bl_err *err)
{
    int64_t n;

    if (!parts->dim.p)
        return bl_fail(err, BL_BAD_FIELD, "'dim' is missing");
    if (bl_json_integer(parts->dim, 1, BL_VECTOR_MAX_DIM, &n, err) < 0)
        return bl_err_prefix(err, "'dim'");
    *dim = (size_t)n;
    if (want->dim && want->dim != *dim)
        return bl_fail(err, BL_BAD_VECTOR,
                       "%zu numbers where %s has %zu", *dim, want->by,
                       want->dim);
    return 0;
}

static int read_base64(struct bl_span text, struct bl_arena *arena,
                       struct bl_vector *out, struct bl_err *err)
{
    size_t bytes = out->dim * sizeof *out->v;
    size_t need = (bytes + 2) / 3 * 4;
    struct bl_span base64 = { text.p + 1, text.n - 2 };

    if (bl_json_type(text) != BL_JSON_STRING)
        return bl_fail(err, BL_BAD_FIELD, "'f32': expected string, found %s",
                       bl_json_type_name(bl_json_type(text)));
    /* Some writers print "/" as "\/". */
    if (memchr(base64.p, '\\', base64.n)
        && bl_json_string(text, arena, &base64, err) < 0)
        return bl_err_prefix(err, "'f32'");
    if (base64.n != need)
        return bl_fail(err, BL_BAD_VECTOR, "%zu characters of base64 where "
                       "%zu numbers take %zu", base64.n, out->dim, need);
    out->v = bl_arena_alloc(arena, out->dim, sizeof *out->v);
    if (!bl_base64_get(base64, out->v, bytes))
        return bl_fail(err, BL_BAD_VECTOR, "'f32' is not valid base64");
    from_little_endian(out->v, out->dim);
    return 0;
}

/* A number beyond the range of a double becomes infinite here, and is then
 * refused like every value that is not finite. */
static int read_values(struct bl_span array, struct bl_arena *arena,
                       struct bl_vector *out, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(array);
    struct bl_span value;
    size_t n = 0;

    if (bl_json_type(array) != BL_JSON_ARRAY)
        return bl_fail(err, BL_BAD_FIELD, "'values': expected array, found %s",
                       bl_json_type_name(bl_json_type(array)));
    out->v = bl_arena_alloc(arena, out->dim, sizeof *out->v);
    for (; bl_json_next(&it, NULL, &value); n++) {
        double x;

        if (n == out->dim)
            return bl_fail(err, BL_BAD_VECTOR,
                           "more than %zu values", out->dim);
        if (bl_json_type(value) != BL_JSON_NUMBER)
            return bl_fail(err, BL_BAD_VECTOR,
                           "value %zu: expected number, found %s", n,
                           bl_json_type_name(bl_json_type(value)));
        if (!short_number(value, &x) && bl_json_number(value, &x, err) < 0)
            x = INFINITY;
        out->v[n] = (float)x;
    }
    if (n < out->dim)
        return bl_fail(err, BL_BAD_VECTOR, "%zu values where 'dim' is %zu",
                       n, out->dim);
    return 0;
}

static int read_names(struct bl_span value, bool *out, struct bl_err *err)
{
    *out = false;
    if (!value.p)
        return 0;
    if (bl_json_type(value) != BL_JSON_BOOL)
        return bl_fail(err, BL_BAD_FIELD, "'names': expected true or false, "
                       "found %s", bl_json_type_name(bl_json_type(value)));
    *out = *value.p == 't';
    return 0;
}

/* A value that is not finite is refused here: with a NaN in the query no
 * score could be compared with another. */
static int read_parts(struct bl_span object,
                      const struct bl_vector_want *want,
                      struct bl_arena *arena, struct bl_vector *out,
                      struct bl_err *err)
{
    struct parts parts;

    if (bl_json_type(object) != BL_JSON_OBJECT)
        return bl_fail(err, BL_BAD_FIELD, "expected object, found %s",
                       bl_json_type_name(bl_json_type(object)));
    if (take_parts(object, &parts, err) < 0
        || check_model(&parts, want, arena, out, err) < 0
        || check_dim(&parts, want, &out->dim, err) < 0
        || read_names(parts.names, &out->names, err) < 0)
        return -1;
    if (!parts.f32.p == !parts.values.p)
        return bl_fail(err, BL_BAD_FIELD,
                       "expected either 'f32' or 'values', found %s",
                       parts.f32.p ? "both" : "none");
    if (parts.f32.p ? read_base64(parts.f32, arena, out, err) < 0
                : read_values(parts.values, arena, out, err) < 0)
        return -1;
    size_t bad = bl_finite_before(out->v, out->dim);
    if (bad < out->dim)
        return bl_fail(err, BL_BAD_VECTOR, "value %zu is not a finite 32-bit "
                                           "number", bad);
    return 0;
}

int bl_vector_read(struct bl_span value, const struct bl_vector_want *want,
                   struct bl_arena *arena, struct bl_vector *out,
                   struct bl_err *err)
{
    if (read_parts(value, want, arena, out, err) < 0)
        return bl_err_prefix(err, "field 'embedding'");
    return 0;
}

int bl_vector_get(const struct bl_record *r,
                  const struct bl_vector_want *want, struct bl_arena *arena,
                  struct bl_vector *out, struct bl_err *err)
{
    struct bl_span value;
    int found = bl_record_get(r, "embedding", &value, err);

    if (found < 0)
        return -1;
    if (!found)
        return bl_fail(err, BL_NO_STAGE, "field 'embedding': expected object, "
                       "found nothing: run blink-embed first");
    return bl_vector_read(value, want, arena, out, err);
}

/* The numbers in little-endian order, as a string. */
static void put_base64(struct bl_buf *out, const float *v, size_t dim)
{
    bl_buf_putc(out, '"');
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    float *swapped = bl_xmemdup(v, dim * sizeof *v);

    from_little_endian(swapped, dim);
    bl_base64_put(out, swapped, dim * sizeof *v);
    free(swapped);
#else
    bl_base64_put(out, v, dim * sizeof *v);
#endif
    bl_buf_putc(out, '"');
}

static void write_values(struct bl_writer *w, const float *v, size_t dim)
{
    bl_write_array(w, "values");
    for (size_t i = 0; i < dim; i++)
        bl_write_float(w, NULL, v[i]);
    bl_write_end(w);
}

void bl_vector_put(struct bl_buf *out, const float *v, size_t dim,
                   const char *model, bool names, enum bl_floats form)
{
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&w, NULL);
    bl_write_string(&w, "model", model);
    bl_write_size(&w, "dim", dim);
    if (form == BL_FLOATS_BASE64)
        put_base64(bl_write_slot(&w, "f32"), v, dim);
    else
        write_values(&w, v, dim);
    if (names)
        bl_write_bool(&w, "names", true);
    bl_write_end(&w);
}
