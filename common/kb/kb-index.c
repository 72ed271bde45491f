/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-index.h"

int bl_kb_index_check(struct bl_kb *kb, struct bl_index *index,
                      struct bl_arena *arena, struct bl_kb_since *since,
                      struct bl_err *err)
{
    int64_t *rows;
    size_t n;
    int known = bl_kb_since(kb, index->kb, index->kb_entities, arena, since,
                            err);

    if (known < 0)
        return -1;
    if (!known)
        return bl_index_check_kb(index, bl_kb_fingerprint(kb),
                                 bl_kb_count(kb), bl_kb_path(kb), err);
    if (bl_kb_removed_rows(kb, arena, &rows, &n, err) < 0)
        return -1;
    bl_index_hide(index, rows, n);
    return 0;
}

int bl_kb_faiss_check(struct bl_kb *kb, const struct bl_faiss *faiss,
                      struct bl_arena *arena, struct bl_kb_since *since,
                      struct bl_err *err)
{
    int known = *faiss->kb ? bl_kb_since(kb, faiss->kb, faiss->kb_entities,
                                         arena, since, err) : 0;

    if (known < 0)
        return -1;
    /* As many entities, and with that name, it must fit in itself. */
    if (known)
        return bl_faiss_check_kb(faiss, faiss->kb, faiss->kb_entities,
                                 bl_kb_path(kb), err);
    *since = (struct bl_kb_since){ .n_changed = 0 };
    return bl_faiss_check_kb(faiss, bl_kb_fingerprint(kb), bl_kb_count(kb),
                             bl_kb_path(kb), err);
}
