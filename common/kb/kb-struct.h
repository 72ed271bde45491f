/* SPDX-License-Identifier: MIT */
/* kb-struct: an open catalogue, for kb*.c only. */
#ifndef BL_KB_STRUCT_H
#define BL_KB_STRUCT_H

#include "kb/kb-sql.h"
#include "kb/kb.h"

struct bl_kb {
    struct bl_sql conn;
    size_t count, removed;
    char *fingerprint;
    bool fts;
    int64_t next;               /* row of the walk */
};

#endif
