/* SPDX-License-Identifier: MIT */
/* index-change: an index and the file of its changes as one (index.h). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "search/index-file.h"

enum {
    SMALL = 16 << 20,           /* bytes that are written again at once */
    LARGE_SHARE = 8             /* of changes: an eighth of the vectors */
};

/* ---- Opening ---- */

/* Rows as a set, one bit each. */
static uint64_t *set_of(const int64_t *rows, size_t n_rows, uint64_t most)
{
    uint64_t *set = bl_xcalloc((size_t)(most / 64 + 1), sizeof *set);

    for (size_t i = 0; i < n_rows; i++)
        if (rows[i] >= 0 && (uint64_t)rows[i] < most)
            set[rows[i] / 64] |= (uint64_t)1 << rows[i] % 64;
    return set;
}

static bool is_in(const uint64_t *set, uint64_t most, uint32_t row)
{
    return row < most && (set[row / 64] >> row % 64 & 1);
}

/* The file stays as it is: from its first hidden row on a segment has rows of
 * its own.  Returns how many were hidden. */
static uint64_t hide_in(struct bl_index_segment *segment, const uint64_t *set,
                        uint64_t most)
{
    uint64_t hidden = 0;

    for (uint64_t i = 0; i < segment->n; i++) {
        if (!is_in(set, most, segment->rows[i]))
            continue;
        if (!segment->shown) {
            segment->shown = bl_xmalloc((size_t)segment->n,
                                        sizeof *segment->shown);
            memcpy(segment->shown, segment->rows,
                   (size_t)segment->n * sizeof *segment->shown);
            segment->rows = segment->shown;
        }
        segment->shown[i] = BL_INDEX_REMOVED;
        hidden++;
    }
    return hidden;
}

static void hide(struct bl_index *index, size_t n_segments,
                 const uint64_t *set)
{
    for (size_t i = 0; i < n_segments; i++) {
        uint64_t hidden = hide_in(&index->segments[i], set,
                                  index->kb_entities);

        /* A damaged file may say that it has fewer than it shows. */
        index->n -= BL_MIN(index->n, hidden);
    }
}

void bl_index_hide(struct bl_index *index, const int64_t *rows, size_t n_rows)
{
    uint64_t *set;

    if (n_rows == 0)
        return;
    set = set_of(rows, n_rows, index->kb_entities);
    hide(index, index->n_segments, set);
    free(set);
}

static void hide_changed(struct bl_index *index, const struct bl_index *extra)
{
    uint64_t *set = set_of(NULL, 0, index->kb_entities);

    for (size_t i = 0; i < extra->n_segments; i++)
        for (uint64_t j = 0; j < extra->segments[i].n; j++) {
            uint32_t row = extra->segments[i].rows[j];

            if (row < index->kb_entities)
                set[row / 64] |= (uint64_t)1 << row % 64;
        }
    hide(index, index->n_own, set);
    free(set);
}

static int check_changes(const struct bl_index *index,
                         const struct bl_index *extra, struct bl_err *err)
{
    if (extra->dtype != index->dtype || extra->dim != index->dim
        || strcmp(extra->model, index->model))
        return bl_fail(err, BL_DATA, "'%s': its numbers, dimension or model "
                       "are not those of '%s'", extra->map.path,
                       index->map.path);
    if (extra->kb_entities < index->kb_entities)
        return bl_fail(err, BL_DATA, "'%s': of a catalogue of %" PRIu64
                       " entities, but '%s' of one of %" PRIu64,
                       extra->map.path, extra->kb_entities, index->map.path,
                       index->kb_entities);
    return 0;
}

/* Makes the changes a part of the index, which then has their file. */
static int join(struct bl_index *index, struct bl_index *extra,
                struct bl_err *err)
{
    if (check_changes(index, extra, err) < 0) {
        bl_index_close(extra);
        return -1;
    }
    index->kb_entities = extra->kb_entities;
    memcpy(index->kb, extra->kb, sizeof index->kb);
    hide_changed(index, extra);
    index->n += extra->n;
    index->changes = extra->map;
    bl_map_unwatch(&extra->map);
    bl_map_watch(&index->changes);
    for (size_t i = 0; i < extra->n_segments; i++) {
        index->segments[index->n_segments] = extra->segments[i];
        index->segments[index->n_segments++].map = &index->changes;
    }
    return 0;
}

/* 1 with the changes, 0 when there are none, -1 failure. */
static int open_changes(struct bl_index *extra, const char *path,
                        struct bl_err *err)
{
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (bl_index_open_file(extra, path, true, err) == 0)
        return 1;
    /* Taken away since: the index has been written anew. */
    return access(path, F_OK) < 0 && errno == ENOENT ? 0 : -1;
}

static bool belongs(const struct bl_index *extra, const struct bl_index *index)
{
    return !memcmp(extra->map.data + AT_BASE, index->map.data + AT_SUM,
                   BL_SHA256_SIZE);
}

/* The changes are opened before the index.  Whoever writes an index anew puts
 * it in place first and takes the changes away then: so changes that are not
 * of this index mean that it was written in between, or by somebody who was
 * killed before the second step.  Once more tells which. */
int bl_index_open(struct bl_index *index, const char *path, struct bl_err *err)
{
    char *changes = bl_index_changes_path(path);
    struct bl_index extra;
    int has = 0, rc = 0;

    for (int tries = 0; tries < 3; tries++) {
        has = open_changes(&extra, changes, err);
        rc = has < 0 ? -1 : bl_index_open_file(index, path, false, err);
        if (rc < 0 || has <= 0 || belongs(&extra, index))
            break;
        bl_index_close(&extra);
        if (tries < 2)
            bl_index_close(index);
        has = 0;
    }
    free(changes);
    if (rc < 0 && has > 0)
        bl_index_close(&extra);
    if (rc == 0 && has > 0 && join(index, &extra, err) < 0) {
        bl_index_close(index);
        return -1;
    }
    return rc;
}

/* ---- Changing ---- */

static int copy_segment(struct bl_index_writer *writer,
                        const struct bl_index *index,
                        const struct bl_index_segment *segment,
                        const uint64_t *gone, struct bl_err *err)
{
    for (uint64_t i = 0; i < segment->n; i++)
        if (!is_in(gone, index->kb_entities, segment->rows[i])
            && bl_index_add_stored(writer, index, segment, i, err) < 0)
            return -1;
    return 0;
}

/* Says which of the two files is to be written, and begins it. */
static struct bl_index_writer *start(const char *path,
                                     const struct bl_index *index,
                                     const struct bl_index_change *change,
                                     struct bl_err *err)
{
    uint64_t changed = change->n_new;
    struct bl_index_spec spec = {
        .dtype = index->dtype,
        .dim = index->n ? index->dim : change->dim,
        .model = index->n ? index->model : change->model,
        .kb = change->kb ? change->kb : index->kb,
        .kb_entities = change->kb ? change->kb_entities : index->kb_entities
    };
    struct bl_index_writer *writer;
    char *target;

    for (size_t i = index->n_own; i < index->n_segments; i++)
        changed += index->segments[i].n;
    /* Rows that go without another vector can be told only by writing the
     * index anew, unless the catalogue says that they are removed. */
    if (change->kb && index->map.size > SMALL
        && changed <= index->n / LARGE_SHARE)
        spec.base = index->map.data + AT_SUM;
    spec.expected = spec.base ? changed : index->n + change->n_new;
    target = spec.base ? bl_index_changes_path(path) : bl_xstrdup(path);
    writer = bl_index_create(target, &spec, err);
    free(target);
    return writer;
}

/* Into a file of changes go the changes that there were; into an index all
 * vectors. */
static struct bl_index_writer *start_and_copy(const char *path,
                                    const struct bl_index *index,
                                    const struct bl_index_change *change,
                                    struct bl_err *err)
{
    struct bl_index_writer *writer = start(path, index, change, err);
    size_t first = writer && bl_index_is_changes(writer) ? index->n_own : 0;
    uint64_t *gone;
    int rc = 0;

    if (!writer)
        return NULL;
    gone = set_of(change->gone, change->n_gone, index->kb_entities);
    for (size_t i = first; i < index->n_segments && rc == 0; i++)
        rc = copy_segment(writer, index, &index->segments[i], gone, err);
    free(gone);
    if (rc == 0)
        return writer;
    bl_index_abort(writer);
    return NULL;
}

struct bl_index_writer *bl_index_change(const char *path,
                                        const struct bl_index_change *change,
                                        struct bl_err *err)
{
    struct bl_index_writer *writer = NULL;
    struct bl_index index;
    int lock = bl_file_lock(path, err);

    if (lock < 0)
        return NULL;
    if (bl_index_open(&index, path, err) == 0) {
        writer = start_and_copy(path, &index, change, err);
        bl_index_close(&index);
    }
    if (writer)
        bl_index_keep_lock(writer, lock);
    else
        close(lock);
    return writer;
}
