/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "change.h"
#include "cli/prog.h"
#include "search/index.h"

static struct bl_index_writer *create_like(const char *path,
                                           const struct bl_index *index,
                                           uint64_t n, struct bl_err *err)
{
    struct bl_index_spec spec = {
        .dtype = index->dtype, .dim = index->dim, .model = index->model,
        .kb = index->kb, .kb_entities = index->kb_entities, .expected = n
    };

    return bl_index_create(path, &spec, err);
}

/* ---- split ---- */

/* Where in an index the next part begins. */
struct place {
    size_t segment;
    uint64_t i;                 /* in that segment */
};

static bool is_shown(const struct bl_index_segment *segment, uint64_t i)
{
    return segment->rows[i] != BL_INDEX_REMOVED;
}

/* The next n vectors from *from on, which moves behind them. */
static int copy_some(struct bl_index_writer *writer,
                     const struct bl_index *index, struct place *from,
                     uint64_t n, struct bl_err *err)
{
    while (n > 0 && from->segment < index->n_segments) {
        const struct bl_index_segment *segment =
            &index->segments[from->segment];

        if (from->i == segment->n) {
            *from = (struct place){ from->segment + 1, 0 };
            continue;
        }
        n -= is_shown(segment, from->i);
        if (bl_index_add_stored(writer, index, segment, from->i++, err) < 0)
            return -1;
    }
    return 0;
}

static int write_part(const struct bl_index *index, const char *output,
                      size_t number, struct place *from, uint64_t n,
                      struct bl_err *err)
{
    char *path = bl_xasprintf("%s.%zu.blx", output, number);
    struct bl_index_writer *writer = create_like(path, index, n, err);
    int rc = writer ? copy_some(writer, index, from, n, err) : -1;

    if (rc == 0)
        rc = bl_index_commit(writer, err);
    else
        bl_index_abort(writer);
    free(path);
    return rc;
}

/* Equal parts take equally long to search. */
void bl_index_split(const char *path, const char *output, size_t n)
{
    struct bl_index index;
    struct place from = { 0, 0 };
    struct bl_err err;

    if (bl_index_open(&index, path, &err) < 0)
        bl_die(&err);
    if (n > index.n)
        bl_die_usage("'%s' has %" PRIu64 " vectors, too few for %zu parts",
                     path, index.n, n);
    for (size_t i = 0; i < n; i++)
        if (write_part(&index, output, i + 1, &from,
                       index.n / n + (i < index.n % n), &err) < 0)
            bl_die(&err);
    bl_index_close(&index);
}

/* ---- join ---- */

static int check_alike(const struct bl_index *first,
                       const struct bl_index *other, struct bl_err *err)
{
    if (strcmp(first->kb, other->kb) || strcmp(first->model, other->model))
        return bl_fail(err, BL_DATA, "'%s' is of another %s than '%s'",
                       other->map.path,
                       strcmp(first->kb, other->kb) ? "catalogue" : "model",
                       first->map.path);
    if (first->dtype != other->dtype || first->dim != other->dim)
        return bl_fail(err, BL_DATA, "'%s' has %zu numbers of type %s a "
                       "vector, but '%s' %zu of %s", other->map.path,
                       other->dim, bl_dtype_name(other->dtype),
                       first->map.path, first->dim,
                       bl_dtype_name(first->dtype));
    return 0;
}

/* indexes[n], open up to *opened. */
static int open_parts(struct bl_args args, struct bl_index *indexes,
                      size_t *opened, struct bl_err *err)
{
    for (size_t i = 0; i < args.n; i++) {
        if (bl_index_open(&indexes[i], args.v[i], err) < 0)
            return -1;
        ++*opened;
        if (i > 0 && check_alike(&indexes[0], &indexes[i], err) < 0)
            return -1;
    }
    return 0;
}

static int copy_all(struct bl_index_writer *writer,
                    const struct bl_index *index, struct bl_err *err)
{
    struct place from = { 0, 0 };

    return copy_some(writer, index, &from, UINT64_MAX, err);
}

static int check_whole(const struct bl_index_writer *writer, struct bl_kb *kb,
                       struct bl_err *err)
{
    uint64_t live = bl_kb_count(kb) - bl_kb_removed(kb);

    if (bl_index_missing(writer) >= bl_kb_count(kb))
        return 0;
    return bl_fail(err, BL_DATA, "the parts have %" PRIu64 " vectors, but '%s'"
                   " has %" PRIu64 " entities; --partial allows it",
                   bl_index_added(writer), bl_kb_path(kb), live);
}

/* A row that two parts have is refused as the second one is copied. */
static int join(const struct bl_index *indexes, size_t n, struct bl_kb *kb,
                const char *output, bool partial, struct bl_err *err)
{
    struct bl_index_writer *writer;
    uint64_t all = 0;
    int rc;

    for (size_t i = 0; i < n; i++)
        all += indexes[i].n;
    writer = create_like(output, &indexes[0], all, err);
    if (!writer)
        return -1;
    rc = bl_index_pass_removed(writer, kb, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = copy_all(writer, &indexes[i], err);
    if (rc == 0 && !partial)
        rc = check_whole(writer, kb, err);
    if (rc == 0)
        return bl_index_commit(writer, err);
    bl_index_abort(writer);
    return -1;
}

void bl_index_join(struct bl_args args, struct bl_kb *kb, const char *output,
                   bool partial)
{
    struct bl_index *indexes = BL_NEW_ARRAY(struct bl_index, args.n);
    size_t opened = 0;
    struct bl_err err;

    if (open_parts(args, indexes, &opened, &err) < 0
        || bl_index_check_kb(&indexes[0], bl_kb_fingerprint(kb),
                             bl_kb_count(kb), bl_kb_path(kb), &err) < 0
        || join(indexes, args.n, kb, output, partial, &err) < 0)
        bl_die(&err);
    for (size_t i = 0; i < opened; i++)
        bl_index_close(&indexes[i]);
    free(indexes);
}
