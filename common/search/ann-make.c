/* SPDX-License-Identifier: MIT */
/* Approximate indexes from exact ones. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/ann-module.h"
#include "search/ann.h"
#include "base/mem.h"
#include "base/sha256.h"

enum {
    PART = 4096,                /* vectors handed over together */
    EF_CONSTRUCTION = 200, EF_SEARCH = 128,
    LISTS_A_PROBE = 32, MIN_PROBES = 8,
    PER_CENTROID = 256,         /* vectors to train with */
    MIN_TRAIN = 1 << 16
};

struct maker {
    const struct bl_index *x;
    const struct bl_ann_spec *spec;
    const struct bl_faiss_api *api;
    struct bl_faiss_index *index;
    bool extra;                 /* BLINK's number at the end */
    bool ids;                   /* rows are not 0, 1, ... in the file */
    size_t dim;                 /* of the new index */
    double square;              /* length of the longest, squared */
    char error[BL_ERR_MSG];
    struct bl_newfile *file;
    struct bl_sha256 sum;
    struct bl_err *err;
};

static int faiss_failed(struct maker *m)
{
    return bl_fail(m->err, BL_DATA, "type '%s': %s", m->spec->type, m->error);
}

/* ---- Vectors of the exact index ---- */

/* Goes over the vectors that are not removed. */
struct cursor {
    const struct bl_index *x;
    size_t segment;
    uint64_t at;
};

/* The next vector to v[padded], and its row; false at the end. */
static bool next_vector(struct cursor *c, float *v, uint32_t *row)
{
    for (; c->segment < c->x->n_segments; c->segment++, c->at = 0) {
        const struct bl_index_segment *s = &c->x->segments[c->segment];

        for (; c->at < s->n; c->at++) {
            if (s->rows[c->at] == BL_INDEX_REMOVED)
                continue;
            *row = s->rows[c->at];
            bl_index_decode(c->x, s, c->at++, 1, v);
            return true;
        }
    }
    return false;
}

static double square_of(const float *v, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sum;
}

/* Whether rows come in order, and the longest vector. */
static int survey(struct maker *m)
{
    struct cursor c = { .x = m->x };
    float *v = bl_xmalloc(m->x->padded, sizeof *v);
    uint32_t row, want = 0;
    double square;

    for (; next_vector(&c, v, &row); want++) {
        m->ids |= row != want;
        square = square_of(v, m->x->dim);
        m->square = fmax(m->square, square);
        if (!isfinite(square)) {
            free(v);
            return bl_fail(m->err, BL_DATA, "'%s': the vector of row %" PRIu32
                           " is not finite", m->x->map.path, row);
        }
    }
    m->ids |= want != m->x->kb_entities;
    free(v);
    return 0;
}

/* A vector as the new index has it. */
static void put_vector(const struct maker *m, const float *v, float *out)
{
    size_t dim = m->x->dim;

    memcpy(out, v, dim * sizeof *out);
    if (m->extra)
        out[dim] = (float)sqrt(fmax(0, m->square - square_of(v, dim)));
}

/* ---- The new index ---- */

/* HNSW over whole vectors, with any number of neighbours. */
static bool is_hnsw_flat(const char *type)
{
    if (!strncmp(type, "IDMap,", 6))
        type += 6;
    if (strncmp(type, "HNSW", 4))
        return false;
    type += 4 + strspn(type + 4, "0123456789");
    return !*type || !strcmp(type, ",Flat");
}

static int create(struct maker *m)
{
    const char *type = m->spec->type;
    bool mapped = !strncmp(type, "IDMap,", 6);

    m->extra = is_hnsw_flat(type);
    m->dim = m->x->dim + m->extra;
    m->index = m->api->create(m->dim, type, m->extra, m->error);
    if (!m->index)
        return faiss_failed(m);
    if (m->ids && !mapped && !m->api->lists(m->index)) {
        char *with_ids = bl_xasprintf("IDMap,%s", type);

        m->api->close(m->index);
        m->index = m->api->create(m->dim, with_ids, m->extra, m->error);
        free(with_ids);
        if (!m->index)
            return faiss_failed(m);
    }
    m->ids |= mapped;
    size_t lists = m->api->lists(m->index);
    size_t probes = lists / LISTS_A_PROBE;
    probes = BL_MAX(probes, MIN_PROBES);
    if (m->api->tune(m->index, m->spec->ef_construction
                     ? m->spec->ef_construction : EF_CONSTRUCTION,
                     m->spec->ef_search ? m->spec->ef_search : EF_SEARCH,
                     m->spec->nprobe ? m->spec->nprobe : probes,
                     m->error) < 0)
        return faiss_failed(m);
    return 0;
}

/* A sample spread evenly over the vectors. */
static int train(struct maker *m)
{
    uint64_t want = (uint64_t)m->api->lists(m->index) * PER_CENTROID, i = 0;
    struct cursor c = { .x = m->x };
    float *v, *sample;
    size_t n = 0;
    uint32_t row;

    if (m->api->trained(m->index))
        return 0;
    want = BL_MAX(want, MIN_TRAIN);
    want = BL_MIN(want, m->x->n);
    v = bl_xmalloc(m->x->padded, sizeof *v);
    sample = bl_xmalloc((size_t)want, m->dim * sizeof *sample);
    for (; n < want && next_vector(&c, v, &row); i++)
        if (i * want / m->x->n >= n)
            put_vector(m, v, sample + n++ * m->dim);
    int rc = m->api->train(m->index, sample, n, m->error);
    free(v);
    free(sample);
    return rc < 0 ? faiss_failed(m) : 0;
}

static int add_all(struct maker *m)
{
    struct cursor c = { .x = m->x };
    float *v = bl_xmalloc(m->x->padded, sizeof *v);
    float *part = bl_xmalloc(PART, m->dim * sizeof *part);
    int64_t ids[PART];
    uint32_t row;
    size_t n = 1;
    int rc = 0;

    while (!rc && n) {
        for (n = 0; n < PART && next_vector(&c, v, &row); n++) {
            put_vector(m, v, part + n * m->dim);
            ids[n] = row;
        }
        if (n && m->api->add(m->index, part, m->ids ? ids : NULL, n,
                             m->error) < 0)
            rc = faiss_failed(m);
        if (m->spec->progress)
            m->spec->progress(m->spec->ctx, n);
    }
    free(part);
    free(v);
    return rc;
}

/* ---- The file ---- */

static int put(void *ctx, const void *p, size_t n)
{
    struct maker *m = ctx;

    bl_sha256_add(&m->sum, p, n);
    return bl_newfile_write(m->file, p, n, m->err);
}

static int write_file(struct maker *m, const char *path)
{
    unsigned char trailer[BL_FAISS_TRAILER], sum[BL_SHA256_SIZE];

    m->file = bl_newfile_open(path, 0, m->err);
    if (!m->file)
        return -1;
    bl_sha256_init(&m->sum);
    *m->err = (struct bl_err){ .code = BL_OK };
    if (m->api->write(m->index, put, m, m->error) < 0) {
        bl_newfile_abort(m->file);
        return m->err->code ? -1 : faiss_failed(m);
    }
    bl_sha256_end(&m->sum, sum);
    bl_faiss_trailer(trailer, bl_newfile_size(m->file), sum, m->x->model,
                     m->x->kb, m->x->kb_entities);
    if (bl_newfile_write(m->file, trailer, sizeof trailer, m->err) == 0)
        return bl_newfile_commit(m->file, m->err);
    bl_newfile_abort(m->file);
    return -1;
}

int bl_ann_make(const struct bl_index *x, const struct bl_ann_spec *spec,
                const char *path, struct bl_err *err)
{
    struct maker m = { .x = x, .spec = spec, .err = err };
    int rc = -1;

    m.api = bl_ann_module(spec->threads, err);
    if (!m.api)
        return -1;
    if (survey(&m) == 0 && create(&m) == 0 && train(&m) == 0
        && add_all(&m) == 0)
        rc = write_file(&m, path);
    m.api->close(m.index);
    return rc;
}
