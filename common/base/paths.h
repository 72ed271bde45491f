/* SPDX-License-Identifier: MIT */
/*
 * paths: where models, catalogues, indexes and modules are found.
 *
 * A name given to -m, -c or -x is taken as a path when it holds a '/' or
 * begins with '.', or when such a file exists and it ends like a file's name
 * (".kb"); else it is looked up in the data folders:
 *
 *     DATA/models/NAME           DATA/catalogues/NAME.kb
 *     DATA/indexes/NAME.blx      DATA/names/NAME.tsv
 *     DATA/calibration/NAME.json
 *
 * Only what is in none of them is looked for in the current folder, so that
 * nothing that somebody put there takes the place of what is installed.
 *
 * For models, "NAME/PART" that is no path here is a part of that name
 * (model-family.h).
 *
 * DATA is $BLINK_DATA if set; else, for a program run from its build tree,
 * BUILD/data; else $XDG_DATA_HOME/blink (~/.local/share/blink), then the
 * installed PREFIX/share/blink.  The name "default" is what is used when no
 * option is given; scripts/quickstart links it.  Where there is no model of
 * that name, it is "mini", the models that come with blink.
 *
 * Models, names and calibrations are part of blink: they are looked for in
 * BUILD/share, too, before PREFIX/share/blink, and in both of these even
 * where $BLINK_DATA is set.
 */
#ifndef BL_PATHS_H
#define BL_PATHS_H

#include <stdbool.h>

#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum bl_path_kind {
    BL_PATH_MODEL, BL_PATH_CATALOGUE, BL_PATH_INDEX, BL_PATH_NAMES,
    BL_PATH_CALIBRATION
};

/* The path for a name (NULL: "default"); caller frees.  NULL with BL_DATA
 * naming every place that was tried, what the name may be a slip for and the
 * names there are when there is none, or BL_SYSTEM when that
 * could not be seen. */
char *bl_path_find(enum bl_path_kind kind, const char *name,
                   struct bl_err *err);

/* The path for a name that nobody gave, but a program derived: in the data
 * folders alone; caller frees.  NULL with BL_DATA when there is none. */
char *bl_path_look_up(enum bl_path_kind kind, const char *name,
                      struct bl_err *err);

/* Calls each() with every name of a kind in the data folders, in the order in
 * which they are searched and sorted within each: "vital" and its path.  A
 * name that an earlier folder has, too, comes again. */
typedef void bl_path_each_fn(void *ctx, const char *name, const char *path);
void bl_path_each(enum bl_path_kind kind, bl_path_each_fn *each, void *ctx);

/* Full path of a manual page, "blink-kb.1", in the build tree or beside the
 * installed programs; caller frees; NULL when it is in neither. */
char *bl_path_manual(const char *page);

/* Full path of the loadable module libblink-WHAT.so ($BLINK_MODULES, build
 * tree, or installed); caller frees; NULL when there is none.  But for
 * $BLINK_MODULES, one is none when others can write to it or its folder who
 * cannot replace the program.  When it could not be seen whether there is one,
 * errno says why, else it is 0. */
char *bl_path_module(const char *what);

/* Full path of a sibling program such as "blink-embed"; caller frees. */
char *bl_path_program(const char *name);

/* $BLINK_DATA or what stands for it here: the folder written to. */
char *bl_path_data(void);

/* The full path with links resolved; NULL when there is none; caller frees. */
char *bl_path_real(const char *path);

/* The part after the last slash; borrowed from path. */
const char *bl_path_base(const char *path);

/* Whether both name one file, which need not be there yet. */
bool bl_path_same(const char *a, const char *b);

BL_END_DECLS

#endif
