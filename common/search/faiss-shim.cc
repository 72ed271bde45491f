/* SPDX-License-Identifier: MIT */
/* FAISS's services: see faiss-shim.h.  Written for 1.7.3 and for what later
 * versions have kept of it; its ids are int64_t in all of them, under a name
 * that moved in 1.7.4 (faiss::Index::idx_t, then faiss::idx_t), so that
 * neither name stands here. */
#include "search/faiss-shim.h"

#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/VectorTransform.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#define TEXT(x) #x
#define VERSION_OF(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

struct bl_faiss_index {
    std::unique_ptr<faiss::Index> index;
    bool mapped = false;        /* there is a direct map, or none is needed */
    std::unordered_map<int64_t, int64_t> places;        /* of an IDMap */
};

/* ---- Failures ---- */

/* What comes after `mark` and ": ", if anything does. */
static const char *after(const char *text, const char *mark)
{
    const char *p = std::strstr(text, mark);

    p = p ? std::strstr(p, ": ") : nullptr;
    return p && p[2] ? p + 2 : text;
}

/* "Error in void f() at file.cpp:12: Error: 'x > y' failed: what it is"
 * without what only FAISS's authors need. */
static const char *essence(const char *what)
{
    return after(after(what, ".cpp:"), "' failed: ");
}

/* Runs fn; what it throws becomes the sentence in error and false. */
template <typename F> static bool guarded(char *error, F fn) noexcept
{
    try {
        fn();
        return true;
    } catch (const std::bad_alloc &) {
        std::snprintf(error, BL_ERR_MSG, "FAISS: not enough memory");
    } catch (const std::exception &e) {
        std::snprintf(error, BL_ERR_MSG, "FAISS: %s", essence(e.what()));
    } catch (...) {
        std::snprintf(error, BL_ERR_MSG, "FAISS: unknown failure");
    }
    return false;
}

/* ---- Parts of an index ---- */

static faiss::Index *below_map(faiss::Index *x)
{
    auto *map = dynamic_cast<faiss::IndexIDMap *>(x);

    return map ? map->index : x;
}

static faiss::Index *below_transform(faiss::Index *x)
{
    x = below_map(x);
    auto *pre = dynamic_cast<faiss::IndexPreTransform *>(x);

    return pre ? pre->index : x;
}

static faiss::IndexIVF *ivf_of(const bl_faiss_index *index)
{
    return dynamic_cast<faiss::IndexIVF *>(
        below_transform(index->index.get()));
}

static faiss::IndexHNSW *hnsw_of(const bl_faiss_index *index)
{
    return dynamic_cast<faiss::IndexHNSW *>(
        below_transform(index->index.get()));
}

/* ---- Reading ---- */

namespace {

struct MemoryReader : faiss::IOReader {
    const unsigned char *p;
    size_t left;

    MemoryReader(const unsigned char *p, size_t left) : p(p), left(left) {}

    size_t operator()(void *to, size_t size, size_t n) override
    {
        if (size && n > left / size)
            n = left / size;
        if (n && size)
            std::memcpy(to, p, n * size);
        p += n * size;
        left -= n * size;
        return n;
    }
};

struct CallWriter : faiss::IOWriter {
    int (*put)(void *ctx, const void *p, size_t n);
    void *ctx;

    CallWriter(int (*put)(void *, const void *, size_t), void *ctx)
        : put(put), ctx(ctx) {}

    size_t operator()(const void *p, size_t size, size_t n) override
    {
        if (size && n && put(ctx, p, size * n) < 0)
            throw std::runtime_error("writing failed");
        return n;
    }
};

}

static void remember_ids(bl_faiss_index *index)
{
    auto *map = dynamic_cast<faiss::IndexIDMap *>(index->index.get());

    if (!map)
        return;
    index->places.reserve(map->id_map.size());
    for (size_t i = 0; i < map->id_map.size(); i++)
        index->places[map->id_map[i]] = static_cast<int64_t>(i);
}

static struct bl_faiss_index *shim_read(const unsigned char *bytes,
                                        size_t size, char *error) noexcept
{
    std::unique_ptr<bl_faiss_index> x;
    bool good = guarded(error, [&] {
        MemoryReader reader(bytes, size);

        x.reset(new bl_faiss_index);
        x->index.reset(faiss::read_index(
            &reader, faiss::IO_FLAG_SKIP_PRECOMPUTE_TABLE));
        remember_ids(x.get());
    });

    return good ? x.release() : nullptr;
}

static void shim_close(struct bl_faiss_index *index) noexcept
{
    char error[BL_ERR_MSG];

    guarded(error, [&] { delete index; });
}

static void shim_threads(size_t n) noexcept
{
    omp_set_num_threads(static_cast<int>(n));
}

/* ---- Searching ---- */

static int shim_tune(struct bl_faiss_index *index, size_t ef_construction,
                     size_t ef_search, size_t nprobe, char *error) noexcept
{
    return guarded(error, [&] {
        if (auto *hnsw = hnsw_of(index)) {
            if (ef_construction)
                hnsw->hnsw.efConstruction = static_cast<int>(ef_construction);
            if (ef_search)
                hnsw->hnsw.efSearch = static_cast<int>(ef_search);
        }
        if (auto *ivf = ivf_of(index))
            if (nprobe)
                ivf->nprobe = std::min(nprobe, size_t(ivf->nlist));
    }) ? 0 : -1;
}

static int shim_search(struct bl_faiss_index *index, const float *queries,
                       size_t n, size_t k, int64_t *ids,
                       char *error) noexcept
{
    return guarded(error, [&] {
        std::vector<float> scores(n * k);

        std::fill_n(ids, n * k, -1);
        index->index->search(static_cast<int64_t>(n), queries,
                             static_cast<int64_t>(k), scores.data(), ids);
    }) ? 0 : -1;
}

/* IVF finds a vector by its id through a direct map only: an array where ids
 * are 0, 1, ..., else a hash table. */
static void map_directly(bl_faiss_index *index)
{
    faiss::IndexIVF *ivf = index->mapped ? nullptr : ivf_of(index);

    index->mapped = true;
    if (!ivf)
        return;
    try {
        ivf->set_direct_map_type(faiss::DirectMap::Array);
    } catch (const faiss::FaissException &) {
        ivf->set_direct_map_type(faiss::DirectMap::Hashtable);
    }
}

/* Three ways from an id to a vector: an IDMap's own table, which FAISS cannot
 * search and `places` inverts; the direct map of an IVF, which throws where
 * the id is not in a list; else the id is the vector's number, which FAISS
 * does not check. */
static int shim_fetch(struct bl_faiss_index *index, int64_t id, float *vector,
                      char *error) noexcept
{
    bool here = true;
    bool good = guarded(error, [&] {
        faiss::Index *below = below_map(index->index.get());

        map_directly(index);
        if (below != index->index.get()) {
            auto place = index->places.find(id);

            here = place != index->places.end();
            id = here ? place->second : 0;
        }
        if (!ivf_of(index))
            here = here && id >= 0 && id < below->ntotal;
        if (!here)
            return;
        try {
            below->reconstruct(id, vector);
        } catch (const std::exception &) {
            if (!ivf_of(index))
                throw;
            here = false;
        }
    });

    return !good ? -1 : here ? 0 : 1;
}

/* ---- Making ---- */

template <typename T> static bool is_just(const faiss::Index *x)
{
    return typeid(*x) == typeid(T);
}

/* The kinds that faiss-walk.c knows. */
static bool known(const faiss::Index *x)
{
    if (auto *map = dynamic_cast<const faiss::IndexIDMap *>(x))
        x = map->index;
    if (auto *pre = dynamic_cast<const faiss::IndexPreTransform *>(x)) {
        for (const auto *t : pre->chain)
            if (typeid(*t) != typeid(faiss::OPQMatrix)
                && typeid(*t) != typeid(faiss::LinearTransform)
                && typeid(*t) != typeid(faiss::RandomRotationMatrix))
                return false;
        x = pre->index;
    }
    if (auto *ivf = dynamic_cast<const faiss::IndexIVF *>(x))
        if (!dynamic_cast<const faiss::IndexFlat *>(ivf->quantizer)
            && !is_just<faiss::IndexHNSWFlat>(ivf->quantizer))
            return false;
    if (auto *ivf = dynamic_cast<const faiss::IndexIVFPQ *>(x))
        return is_just<faiss::IndexIVFPQ>(x) && ivf->pq.nbits <= 8;
    if (auto *pq = dynamic_cast<const faiss::IndexPQ *>(x))
        return is_just<faiss::IndexPQ>(x) && pq->pq.nbits <= 8;
    return dynamic_cast<const faiss::IndexFlat *>(x)
        || is_just<faiss::IndexHNSWFlat>(x) || is_just<faiss::IndexHNSWSQ>(x)
        || is_just<faiss::IndexScalarQuantizer>(x)
        || is_just<faiss::IndexIVFFlat>(x)
        || is_just<faiss::IndexIVFScalarQuantizer>(x);
}

static struct bl_faiss_index *shim_create(size_t dim, const char *type,
                                          int metric, char *error) noexcept
{
    std::unique_ptr<bl_faiss_index> x;
    bool good = guarded(error, [&] {
        x.reset(new bl_faiss_index);
        x->index.reset(faiss::index_factory(
            static_cast<int>(dim), type,
            metric ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT));
        if (!known(x->index.get()))
            throw std::runtime_error("this type is not supported here");
    });

    return good ? x.release() : nullptr;
}

static size_t shim_lists(const struct bl_faiss_index *index) noexcept
{
    const faiss::IndexIVF *ivf = ivf_of(index);

    return ivf ? ivf->nlist : 0;
}

static int shim_trained(const struct bl_faiss_index *index) noexcept
{
    return index->index->is_trained;
}

/* FAISS says on stderr when it has few vectors to train with; who made the
 * type may want that. */
static void allow_few(bl_faiss_index *x)
{
    faiss::Index *index = below_transform(x->index.get());

    if (auto *ivf = dynamic_cast<faiss::IndexIVF *>(index))
        ivf->cp.min_points_per_centroid = 1;
    if (auto *ivf = dynamic_cast<faiss::IndexIVFPQ *>(index))
        ivf->pq.cp.min_points_per_centroid = 1;
    if (auto *pq = dynamic_cast<faiss::IndexPQ *>(index))
        pq->pq.cp.min_points_per_centroid = 1;
}

static int shim_train(struct bl_faiss_index *index, const float *vector,
                      size_t n, char *error) noexcept
{
    return guarded(error, [&] {
        allow_few(index);
        index->index->train(static_cast<int64_t>(n), vector);
    }) ? 0 : -1;
}

static int shim_add(struct bl_faiss_index *index, const float *vector,
                    const int64_t *ids, size_t n, char *error) noexcept
{
    return guarded(error, [&] {
        if (!ids) {
            index->index->add(static_cast<int64_t>(n), vector);
            return;
        }
        index->index->add_with_ids(static_cast<int64_t>(n), vector, ids);
    }) ? 0 : -1;
}

static int shim_write(const struct bl_faiss_index *index,
                      int (*put)(void *ctx, const void *bytes, size_t size),
                      void *ctx, char *error) noexcept
{
    return guarded(error, [&] {
        CallWriter writer(put, ctx);

        faiss::write_index(index->index.get(), &writer);
    }) ? 0 : -1;
}

const struct bl_faiss_api *bl_faiss_api(void)
{
    static const struct bl_faiss_api api = {
        BL_FAISS_ABI,
        VERSION_OF(FAISS_VERSION_MAJOR, FAISS_VERSION_MINOR,
                   FAISS_VERSION_PATCH),
        shim_threads, shim_read, shim_close, shim_tune, shim_search,
        shim_fetch, shim_create, shim_lists, shim_trained, shim_train,
        shim_add, shim_write
    };
    return &api;
}
