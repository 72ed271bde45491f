/* SPDX-License-Identifier: MIT */
/* kb-since: what changed in a catalogue since an index was made (kb.h). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kb/kb-change.h"
#include "kb/kb-struct.h"

struct rows {
    int64_t *v;
    size_t n, cap;
};

static int keep(struct bl_kb *kb, struct rows *rows, int64_t row,
                struct bl_err *err)
{
    /* Foreign files may say anything; entries come in the order of rows. */
    if (row >= (int64_t)kb->count)
        return bl_fail(err, BL_DATA, "'%s' is damaged: row %lld changed, but "
                       "there are %zu rows", kb->conn.path, (long long)row,
                       kb->count);
    BL_GROW(rows->v, rows->n + 1, rows->cap);
    rows->v[rows->n++] = row;
    return 0;
}

static int64_t *hand_over(struct rows *rows, struct bl_arena *arena)
{
    int64_t *v = bl_arena_alloc(arena, rows->n, sizeof *v);

    if (rows->n)
        memcpy(v, rows->v, rows->n * sizeof *v);
    free(rows->v);
    return v;
}

/* Rows that changed after `number`, of those below since->first_added; those
 * from there on that are removed are not counted as added. */
static int read_since(struct bl_kb *kb, int64_t number, struct rows *rows,
                      struct bl_kb_since *since, struct bl_err *err)
{
    int64_t row, change;
    bool removed;
    int rc = bl_kb_change_begin(&kb->conn, err);

    since->n_added = kb->count - (size_t)since->first_added;
    while (rc == 0
           && (rc = bl_kb_change_next(&kb->conn, &row, &change, &removed,
                                      err)) == 1) {
        rc = 0;
        if (row >= since->first_added && removed && since->n_added)
            since->n_added--;
        if (row < since->first_added && change > number && !removed)
            rc = keep(kb, rows, row, err);
    }
    return rc;
}

int bl_kb_since(struct bl_kb *kb, const char *fingerprint, uint64_t rows,
                struct bl_arena *arena, struct bl_kb_since *since,
                struct bl_err *err)
{
    struct rows changed = { NULL, 0, 0 };
    int64_t number, had;
    int rc;

    *since = (struct bl_kb_since){ .first_added = (int64_t)kb->count };
    if (!strcmp(kb->fingerprint, fingerprint))
        return rows == kb->count;
    rc = bl_kb_change_find(&kb->conn, fingerprint, &number, &had, err);
    if (rc != 1 || (uint64_t)had != rows || rows > kb->count)
        return rc < 0 ? -1 : 0;
    since->first_added = had;
    rc = read_since(kb, number, &changed, since, err);
    since->n_changed = changed.n;
    since->changed = hand_over(&changed, arena);
    return rc < 0 ? -1 : 1;
}

int bl_kb_removed_rows(struct bl_kb *kb, struct bl_arena *arena,
                       int64_t **rows, size_t *n_rows, struct bl_err *err)
{
    struct rows gone = { NULL, 0, 0 };
    int64_t row, change;
    bool removed;
    int rc = kb->removed ? bl_kb_change_begin(&kb->conn, err) : 0;

    while (kb->removed && rc == 0
           && (rc = bl_kb_change_next(&kb->conn, &row, &change, &removed,
                                      err)) == 1)
        rc = removed ? keep(kb, &gone, row, err) : 0;
    *n_rows = gone.n;
    *rows = hand_over(&gone, arena);
    return rc < 0 ? -1 : 0;
}
