/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/paths.h"
#include "kb/kb-index.h"
#include "link/gather-struct.h"

/* ---- Opening ---- */

/* Of several shards, the one that lacks most. */
static void note_stale(struct bl_gather *gather, const char *path,
                       const struct bl_kb_since *since)
{
    size_t n = since->n_changed + since->n_added;

    if (n > gather->stale.n_changed + gather->stale.n_added)
        gather->stale = (struct bl_gather_stale){ path, since->n_changed,
                                                  since->n_added };
}

static int check_kb(struct bl_gather *gather, struct bl_index *index,
                    struct bl_err *err)
{
    struct bl_kb_since since;

    if (!gather->kb)
        return 0;
    if (bl_kb_index_check(gather->kb, index, &gather->state, &since, err) < 0)
        return -1;
    note_stale(gather, index->map.path, &since);
    return 0;
}

static int add_shard(struct bl_gather *gather, struct bl_index *index,
                     struct bl_err *err)
{
    const struct bl_index *first = gather->n_shards ? gather->shards[0] : NULL;

    if (check_kb(gather, index, err) < 0)
        return -1;
    if (index->n == 0)
        return 0;               /* knows neither model nor dimension */
    if (first && strcmp(first->model, index->model))
        return bl_fail(err, BL_DATA, "'%s': made with model %.16s, but "
                       "'%s' with %.16s", index->map.path, index->model,
                       first->map.path, first->model);
    if (first && first->dim != index->dim)
        return bl_fail(err, BL_DATA, "'%s': vectors of %zu numbers, but "
                       "'%s' has %zu", index->map.path, index->dim,
                       first->map.path,
                       first->dim);
    gather->shards[gather->n_shards++] = index;
    return 0;
}

static int open_shards(struct bl_gather *gather, const char *const *names,
                       size_t n, struct bl_err *err)
{
    gather->indexes = BL_NEW_ARRAY(struct bl_index, n);
    gather->shards = BL_NEW_ARRAY(const struct bl_index *, n);
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], err);
        int rc = path ? bl_index_open(&gather->indexes[i], path, err) : -1;

        free(path);
        if (rc < 0)
            return -1;
        gather->n_indexes++;
        if (add_shard(gather, &gather->indexes[i], err) < 0)
            return -1;
    }
    return 0;
}

/* A row that two shards have comes once, but one that is given twice by
 * mistake stands where another was meant. */
static int check_once(const struct bl_index *indexes, size_t n,
                      struct bl_err *err)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            struct stat one, other;

            if (stat(indexes[i].map.path, &one) == 0
                && stat(indexes[j].map.path, &other) == 0
                && one.st_dev == other.st_dev && one.st_ino == other.st_ino)
                return bl_fail(err, BL_USAGE, "the index '%s' is given twice",
                               indexes[i].map.path);
        }
    }
    return 0;
}

static int open_exact(struct bl_gather *gather, const char *const *names,
                      size_t n, struct bl_err *err)
{
    if (gather->opts.ef_search || gather->opts.nprobe)
        return bl_fail(err, BL_USAGE, "--ef-search and --nprobe are for "
                       "approximate indexes");
    if (open_shards(gather, names, n, err) < 0
        || check_once(gather->indexes, n, err) < 0)
        return -1;
    gather->topk = bl_topk_new(gather->shards, gather->n_shards,
                               gather->opts.threads);
    if (gather->n_shards) {
        gather->want_by = bl_xasprintf("'%s'", gather->shards[0]->map.path);
        gather->want = (struct bl_vector_want){
            gather->shards[0]->dim, gather->shards[0]->model, gather->want_by
        };
    }
    gather->description = bl_xasprintf("%zu indexes, kernel %s", n,
                                       bl_topk_describe());
    return 0;
}

static int open_approximate(struct bl_gather *gather, const char *path,
                            struct bl_err *err)
{
    struct bl_ann_opts opts = { gather->opts.ef_search, gather->opts.nprobe,
                                gather->opts.threads };
    struct bl_kb *kb = gather->kb;
    const struct bl_faiss *file;
    struct bl_kb_since since;

    gather->ann = bl_ann_open(path, &opts, err);
    if (!gather->ann)
        return -1;
    file = bl_ann_file(gather->ann);
    gather->want_by = bl_xasprintf("'%s'", path);
    gather->want = (struct bl_vector_want){
        file->dim, *file->model ? file->model : NULL, gather->want_by
    };
    gather->description = bl_xstrdup(bl_ann_describe(gather->ann));
    if (!kb)
        return 0;
    if (bl_kb_faiss_check(kb, file, &gather->state, &since, err) < 0
        || bl_kb_removed_rows(kb, &gather->state, &gather->removed,
                              &gather->n_removed, err) < 0)
        return -1;
    note_stale(gather, file->map.path, &since);
    return 0;
}

/* The path of the first that is a FAISS index, or NULL; caller frees.
 * What cannot be found is for open_shards() to complain of. */
static int find_approximate(const char *const *names, size_t n, char **found,
                            struct bl_err *err)
{
    *found = NULL;
    for (size_t i = 0; i < n; i++) {
        char *path = bl_path_find(BL_PATH_INDEX, names[i], NULL);
        int is = path ? bl_faiss_is_file(path, err) : 0;

        if (is > 0)
            *found = path;
        else
            free(path);
        if (is != 0)
            return is < 0 ? -1 : 0;
    }
    return 0;
}

static int open_lexical(struct bl_gather *gather, struct bl_err *err)
{
    gather->lexical = bl_lexical_open(gather->kb, err);
    return gather->lexical ? 0 : -1;
}

static int check_no_index(struct bl_gather *gather, size_t n,
                          struct bl_err *err)
{
    if (n || gather->opts.ef_search || gather->opts.nprobe)
        return bl_fail(err, BL_USAGE, "a search by words has no index");
    gather->description = bl_xstrdup("by words");
    return 0;
}

/* Without any name the standard index is opened, which bl_path_find() finds
 * by the name NULL. */
struct bl_gather *bl_gather_open(const char *const *indexes, size_t n,
                                 struct bl_kb *kb,
                                 const struct bl_gather_opts *opts,
                                 struct bl_err *err)
{
    static const char *const standard[] = { NULL };
    struct bl_gather *gather = BL_NEW(struct bl_gather);
    char *path;
    int rc = find_approximate(indexes, n, &path, err);

    BL_ASSERT(opts->k > 0 && (kb || opts->by == BL_GATHER_DENSE));
    gather->opts = *opts;
    gather->kb = kb;
    if (rc == 0 && opts->by != BL_GATHER_DENSE)
        rc = open_lexical(gather, err);
    if (opts->by == BL_GATHER_LEXICAL && rc == 0)
        rc = check_no_index(gather, n, err);
    else if (rc == 0 && path && n > 1)
        rc = bl_fail(err, BL_USAGE, "'%s' is a FAISS index, which cannot "
                     "be combined with other shards", path);
    else if (rc == 0 && path)
        rc = open_approximate(gather, path, err);
    else if (rc == 0)
        rc = open_exact(gather, n ? indexes : standard, n ? n : 1, err);
    free(path);
    if (rc < 0) {
        bl_gather_close(gather);
        return NULL;
    }
    gather->merged = bl_xmalloc(3 * opts->k + BL_GATHER_INITIALS,
                                sizeof *gather->merged);
    return gather;
}

void bl_gather_close(struct bl_gather *gather)
{
    if (!gather)
        return;
    bl_topk_free(gather->topk);
    bl_ann_close(gather->ann);
    bl_lexical_close(gather->lexical);
    for (size_t i = 0; i < gather->n_indexes; i++)
        bl_index_close(&gather->indexes[i]);
    free(gather->indexes);
    free(gather->shards);
    free(gather->want_by);
    free(gather->description);
    free(gather->vectors);
    free(gather->nearest);
    free(gather->merged);
    bl_arena_free(&gather->names);
    bl_arena_free(&gather->state);
    free(gather);
}

const struct bl_vector_want *bl_gather_want(const struct bl_gather *gather)
{
    return &gather->want;
}

bool bl_gather_vector(struct bl_gather *gather, uint32_t row, float *out)
{
    return gather->topk && bl_topk_vector(gather->topk, row, out);
}

const char *bl_gather_describe(const struct bl_gather *gather)
{
    return gather->description;
}

const struct bl_gather_stale *bl_gather_stale(const struct bl_gather *gather)
{
    return &gather->stale;
}

/* ---- Which rows ---- */

static void count_shard(const struct bl_index *index,
                        struct bl_part_rows *rows)
{
    for (size_t s = 0; s < index->n_segments; s++) {
        const struct bl_index_segment *segment = &index->segments[s];

        for (uint64_t i = 0; i < segment->n; i++)
            if (segment->rows[i] != BL_INDEX_REMOVED)
                bl_part_count(rows, segment->rows[i]);
    }
}

/* Removed rows are in order. */
static int count_kb(struct bl_kb *kb, struct bl_part_rows *rows,
                    struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    int64_t *removed;
    size_t n_removed, at = 0;
    int rc = bl_kb_removed_rows(kb, &arena, &removed, &n_removed, err);

    for (size_t row = 0; rc == 0 && row < bl_kb_count(kb); row++) {
        if (at < n_removed && removed[at] == (int64_t)row)
            at++;
        else
            bl_part_count(rows, (uint32_t)row);
    }
    bl_arena_free(&arena);
    return rc;
}

int bl_gather_rows(struct bl_gather *gather, struct bl_part_rows *here,
                   struct bl_part_rows *all, struct bl_err *err)
{
    *here = *all = (struct bl_part_rows){ 0, 0 };
    if (gather->ann || !gather->kb || gather->opts.by == BL_GATHER_LEXICAL)
        return bl_fail(err, BL_USAGE, "only exact indexes of a catalogue have "
                       "parts");
    for (size_t i = 0; i < gather->n_shards; i++)
        count_shard(gather->shards[i], here);
    return count_kb(gather->kb, all, err);
}
