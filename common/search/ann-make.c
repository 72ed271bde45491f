/* SPDX-License-Identifier: MIT */
/* Approximate indexes from exact ones. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "search/ann-module.h"
#include "search/ann.h"

enum {
    PART = 4096,                /* vectors handed over together */
    EF_CONSTRUCTION = 200, EF_SEARCH = 128,
    LISTS_A_PROBE = 32, MIN_PROBES = 8,
    PER_CENTROID = 256,         /* vectors to train with */
    MIN_TRAIN = 1 << 16
};

struct maker {
    const struct bl_index *exact;
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

static int faiss_failed(struct maker *maker)
{
    return bl_fail(maker->err, BL_DATA, "type '%s': %s", maker->spec->type,
                   maker->error);
}

/* ---- Vectors of the exact index ---- */

/* Goes over the vectors that are not removed. */
struct cursor {
    const struct bl_index *index;
    size_t segment;
    uint64_t at;
};

/* The next vector to vector[padded], and its row; false at the end. */
static bool next_vector(struct cursor *cursor, float *vector, uint32_t *row)
{
    for (; cursor->segment < cursor->index->n_segments;
         cursor->segment++, cursor->at = 0) {
        const struct bl_index_segment *segment =
            &cursor->index->segments[cursor->segment];

        for (; cursor->at < segment->n; cursor->at++) {
            if (segment->rows[cursor->at] == BL_INDEX_REMOVED)
                continue;
            *row = segment->rows[cursor->at];
            bl_index_decode(cursor->index, segment, cursor->at++, 1, vector);
            return true;
        }
    }
    return false;
}

static double square_of(const float *vector, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)vector[i] * (double)vector[i];
    return sum;
}

/* Finds whether the file needs ids (rows other than 0, 1, ..., all of the
 * catalogue) and the longest vector's square. */
static int survey(struct maker *maker)
{
    struct cursor cursor = { .index = maker->exact };
    float *vector = bl_xmalloc(maker->exact->padded, sizeof *vector);
    uint32_t row, want = 0;
    double square;

    for (; next_vector(&cursor, vector, &row); want++) {
        maker->ids |= row != want;
        square = square_of(vector, maker->exact->dim);
        maker->square = fmax(maker->square, square);
        if (!isfinite(square)) {
            free(vector);
            return bl_fail(maker->err, BL_DATA,
                           "'%s': the vector of row %" PRIu32 " is not finite",
                           maker->exact->map.path, row);
        }
    }
    maker->ids |= want != maker->exact->kb_entities;
    free(vector);
    return 0;
}

/* BLINK's layout appends sqrt(longest^2 - length^2), so that all vectors are
 * of one length and L2 ranks as the inner product does.  Rounding can put the
 * difference below 0. */
static void put_vector(const struct maker *maker, const float *vector,
                       float *out)
{
    size_t dim = maker->exact->dim;

    memcpy(out, vector, dim * sizeof *out);
    if (maker->extra)
        out[dim] = (float)sqrt(
            fmax(0, maker->square - square_of(vector, dim)));
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

/* FAISS keeps ids only in an IVF's lists or in an IDMap.  Where the rows of
 * the exact index are not 0, 1, ... and the type is neither, the new index
 * gets an IDMap around it.  An HNSW of whole vectors ranks by L2 over the
 * longer vectors, as BLINK's do. */
static int create(struct maker *maker)
{
    const char *type = maker->spec->type;
    bool mapped = !strncmp(type, "IDMap,", 6);

    maker->extra = is_hnsw_flat(type);
    maker->dim = maker->exact->dim + maker->extra;
    maker->index = maker->api->create(maker->dim, type, maker->extra,
                                      maker->error);
    if (!maker->index)
        return faiss_failed(maker);
    if (maker->ids && !mapped && !maker->api->lists(maker->index)) {
        char *with_ids = bl_xasprintf("IDMap,%s", type);

        maker->api->close(maker->index);
        maker->index = maker->api->create(maker->dim, with_ids, maker->extra,
                                          maker->error);
        free(with_ids);
        if (!maker->index)
            return faiss_failed(maker);
    }
    maker->ids |= mapped;
    size_t lists = maker->api->lists(maker->index);
    size_t probes = lists / LISTS_A_PROBE;
    probes = BL_MAX(probes, MIN_PROBES);
    if (maker->api->tune(maker->index,
                         maker->spec->ef_construction
                             ? maker->spec->ef_construction
                             : EF_CONSTRUCTION,
                         maker->spec->ef_search ? maker->spec->ef_search
                                                : EF_SEARCH,
                         maker->spec->nprobe ? maker->spec->nprobe : probes,
                         maker->error) < 0)
        return faiss_failed(maker);
    return 0;
}

/* Trains on a sample spread evenly over the catalogue, whose rows may be
 * sorted by subject: vector i is taken when i * want / n reaches the next
 * whole number. */
static int train(struct maker *maker)
{
    uint64_t want = (uint64_t)maker->api->lists(maker->index) * PER_CENTROID,
             i = 0;
    struct cursor cursor = { .index = maker->exact };
    float *vector, *sample;
    size_t n = 0;
    uint32_t row;

    if (maker->api->trained(maker->index))
        return 0;
    want = BL_MAX(want, MIN_TRAIN);
    want = BL_MIN(want, maker->exact->n);
    vector = bl_xmalloc(maker->exact->padded, sizeof *vector);
    sample = bl_xmalloc((size_t)want, maker->dim * sizeof *sample);
    for (; n < want && next_vector(&cursor, vector, &row); i++)
        if (i * want / maker->exact->n >= n)
            put_vector(maker, vector, sample + n++ * maker->dim);
    int rc = maker->api->train(maker->index, sample, n, maker->error);
    free(vector);
    free(sample);
    return rc < 0 ? faiss_failed(maker) : 0;
}

/* Vectors go over in parts, so that memory holds one part and the new index
 * but never a second copy of all vectors. */
static int add_all(struct maker *maker)
{
    struct cursor cursor = { .index = maker->exact };
    float *vector = bl_xmalloc(maker->exact->padded, sizeof *vector);
    float *part = bl_xmalloc(PART, maker->dim * sizeof *part);
    int64_t ids[PART];
    uint32_t row;
    size_t n = 1;
    int rc = 0;

    while (rc == 0 && n) {
        for (n = 0; n < PART && next_vector(&cursor, vector, &row); n++) {
            put_vector(maker, vector, part + n * maker->dim);
            ids[n] = row;
        }
        if (n
            && maker->api->add(maker->index, part, maker->ids ? ids : NULL, n,
                               maker->error) < 0)
            rc = faiss_failed(maker);
        if (maker->spec->progress)
            maker->spec->progress(maker->spec->ctx, n);
    }
    free(part);
    free(vector);
    return rc;
}

/* ---- The file ---- */

static int put(void *ctx, const void *bytes, size_t size)
{
    struct maker *maker = ctx;

    bl_sha256_add(&maker->sum, bytes, size);
    return bl_newfile_write(maker->file, bytes, size, maker->err);
}

/* The trailer holds the digest of what FAISS wrote, which is taken as the
 * pieces pass.  A failure of put() has already filled *err; FAISS's own has
 * not. */
static int write_file(struct maker *maker, const char *path)
{
    unsigned char trailer[BL_FAISS_TRAILER], sum[BL_SHA256_SIZE];

    maker->file = bl_newfile_open(path, 0, maker->err);
    if (!maker->file)
        return -1;
    bl_sha256_init(&maker->sum);
    *maker->err = (struct bl_err){ .code = BL_OK };
    if (maker->api->write(maker->index, put, maker, maker->error) < 0) {
        bl_newfile_abort(maker->file);
        return maker->err->code ? -1 : faiss_failed(maker);
    }
    bl_sha256_end(&maker->sum, sum);
    bl_faiss_trailer(trailer, bl_newfile_size(maker->file), sum,
                     maker->exact->model, maker->exact->kb,
                     maker->exact->kb_entities);
    if (bl_newfile_write(maker->file, trailer, sizeof trailer,
                         maker->err) == 0)
        return bl_newfile_commit(maker->file, maker->err);
    bl_newfile_abort(maker->file);
    return -1;
}

int bl_ann_make(const struct bl_index *index, const struct bl_ann_spec *spec,
                const char *path, struct bl_err *err)
{
    struct maker maker = { .exact = index, .spec = spec, .err = err };
    int rc = -1;

    maker.api = bl_ann_module(spec->threads, err);
    if (!maker.api)
        return -1;
    if (survey(&maker) == 0 && create(&maker) == 0 && train(&maker) == 0
        && add_all(&maker) == 0)
        rc = write_file(&maker, path);
    maker.api->close(maker.index);
    return rc;
}
